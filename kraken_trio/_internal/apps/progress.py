"""How far a command is that reads a large file, shown where somebody is looking."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kraken_trio._internal.apps.text import shown

QUIET_S = 0.5
"""What takes no longer than this shows no progress."""
EVERY_S = 0.1
"""How often progress is shown, at most."""


class Progress:
    """One line on a terminal, written over and over, and gone at the end."""

    def __init__(self, path: Path) -> None:
        """About a file."""
        self._name = shown(path.name)
        self._size = max(path.stat().st_size, 1)
        self._next = time.monotonic() + QUIET_S
        self._written = 0

    def __call__(self, read_bytes: int) -> None:
        """So much of the file was read."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_S
            # At most: it may grow while it is read.
            self._write(f"{min(100 * read_bytes // self._size, 100):3} % {self._name}")

    def clear(self) -> None:
        """Leave no trace."""
        if self._written:
            self._write("")
            print(end="\r", file=sys.stderr, flush=True)

    def _write(self, text: str) -> None:
        """Over what stands there. With spaces: not every terminal knows how to erase a line."""
        text = text[: shutil.get_terminal_size().columns - 1]
        print(f"\r{text:{self._written}}", end="", file=sys.stderr, flush=True)
        self._written = len(text)


@contextmanager
def progress_of(path: Path) -> Iterator[Progress | None]:
    """Show how far it is, where somebody is looking."""
    if not os.isatty(2):
        yield None
        return
    progress = Progress(path)
    try:
        yield progress
    finally:
        progress.clear()
