"""The command ``verify``: captured traffic, frame by frame, and every book by its checksum."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, WRONG, interrupts_raise
from kraken_trio._internal.apps.options import AsJson
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import Verification, verify_capture

QUIET_S = 0.5
"""What takes no longer than this shows no progress."""
EVERY_S = 0.1
"""How often progress is shown, at most."""


def verify(
    file: Path,
    /,
    *files: Path,
    as_json: AsJson = False,
) -> int:
    """Decode every frame of captured traffic, and check every order book by its checksum.

    What is wrong is told on standard error, with its line. So is the progress of what takes
    long, where that is a terminal.

    Exit code 0: all frames decoded and all checksums right; 1: some were not; 2: a file could
    not be read.

    For example::

        kraken-trio verify capture.jsonl
        kraken-trio verify --json *.jsonl.gz | jq .books

    Parameters
    ----------
    file
        A file of captured frames, one a line: {"ts": seconds or null, "raw": "..."}, or the
        frames themselves. gzip is understood.
    files
        More of them.
    as_json
        Print one object for each file, on one line.
    """
    with interrupts_raise():
        return max(_verify(path, as_json=as_json) for path in (file, *files))


def _verify(path: Path, *, as_json: bool) -> int:
    """Verify one file; give the exit code."""
    name = shown(str(path))
    try:
        with _progress(path) as progress:
            result = verify_capture(path, progress=progress)
    except OSError as error:
        print(f"{name}: cannot be read: {shown(str(error.strerror or error))}", file=sys.stderr)
        return IMPOSSIBLE
    for fault in result.faults:
        print(f"{name}, line {fault.line}: {shown(fault.reason)}", file=sys.stderr)
    if not result.frames:
        print(f"{name}: there is no frame in it", file=sys.stderr)
    if result.faults_untold:
        print(f"{name}: and {result.faults_untold} more", file=sys.stderr)
    print(json.dumps(result.summary()) if as_json else _in_words(result))
    return WELL if result.ok else WRONG


class _Progress:
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
def _progress(path: Path) -> Iterator[_Progress | None]:
    """Show how far it is, where somebody is looking."""
    if not os.isatty(2):
        yield None
        return
    progress = _Progress(path)
    try:
        yield progress
    finally:
        progress.clear()


def _in_words(result: Verification) -> str:
    """Several lines about one file."""
    frames = f"{result.frames}: {result.decoded} decoded, {result.undecoded} not"
    lines = [
        f"{shown(result.file)}: {'ok' if result.ok else 'FAILED'}",
        f"  frames    {frames}, {result.unknown} of an unknown kind",
    ]
    for name, book in result.books.items():
        lines.append(
            f"  book      {shown(name)}, depth {book.depth}: snapshots {book.snapshots}, updates "
            f"{book.updates}, checksums right {book.checksums_ok}, wrong {book.checksums_failed}"
        )
    if result.trades:
        lines.append(f"  trades    {result.trades}, gaps {result.trade_gaps}")
    if result.records:
        counts = ", ".join(f"{count} {name}" for name, count in result.records.items())
        lines.append(f"  records   {counts}")
    return "\n".join(lines)
