"""Standard output of a command that runs: lines go out whole, and nobody waits for the reader.

A pipe is full while nobody reads it, and a write to it waits. Here only a thread does, so that
the feed lives on meanwhile, and so that Ctrl-C ends a command whose reader sleeps.
"""

from __future__ import annotations

import os
import sys

import trio


class Output:
    """Where the lines go. One task at a time writes; what it writes is not mixed with others'."""

    def __init__(self) -> None:
        """Write to standard output, past its buffer."""
        sys.stdout.flush()
        self._file = sys.stdout.fileno()
        self._encoding = sys.stdout.encoding
        self._turn = trio.Lock()

    async def write(self, lines: list[str]) -> None:
        """Write lines, each with its end; return when they are on their way.

        Raises ``BrokenPipeError`` where nobody reads any more. Cancelled, it leaves some of it
        unwritten.
        """
        text = "".join(f"{line}\n" for line in lines)
        data = text.encode(self._encoding, errors="backslashreplace")
        async with self._turn:
            await trio.to_thread.run_sync(_write, self._file, data, abandon_on_cancel=True)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
