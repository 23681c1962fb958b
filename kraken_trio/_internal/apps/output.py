"""What a command writes while it runs: lines go out whole, and nobody waits for the reader.

A pipe is full while nobody reads it, and a write to it waits. For results only a thread does, so
that the feed lives on meanwhile, and so that Ctrl-C ends a command whose reader sleeps. What is
said beside them is left out then, and counted: no exchange stands still because nobody listens.
"""

from __future__ import annotations

import io
import os
import select
import sys

import trio

from kraken_trio._internal.apps.text import shown


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
            await trio.to_thread.run_sync(write_all, self._file, data, abandon_on_cancel=True)


class Unbuffered(io.TextIOBase):
    """Standard output for somebody else's code that writes from a thread, past its buffer.

    A buffer has a lock. The thread that a terminal keeps waiting holds it, and the end of the
    program, which flushes the buffer, would wait for it: for ever, or until Python aborts.
    """

    def __init__(self) -> None:
        """Write where standard output goes."""
        sys.stdout.flush()
        self._file = sys.stdout.fileno()
        self._encoding = sys.stdout.encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # it is read only
        """That of standard output."""
        return self._encoding

    def fileno(self) -> int:
        """Where it goes."""
        return self._file

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return os.isatty(self._file)

    def write(self, text: str) -> int:
        """Write all of it, however long that takes."""
        write_all(self._file, text.encode(self._encoding, errors="backslashreplace"))
        return len(text)


def write_all(file: int, data: bytes) -> None:
    """Write all of it to a file descriptor, however long that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


class Notes:
    """What is said on standard error."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._unheard = 0
        self._deaf = False

    def say(self, words: str) -> None:
        """Say a line, made printable; or nothing, where that would wait, or nobody is there."""
        if self._deaf or not _listens():
            self._unheard += 1
            return
        try:
            if self._unheard:
                print(f"({self._unheard} lines were left out: nobody read them)", file=sys.stderr)
                self._unheard = 0
            print(shown(words), file=sys.stderr, flush=True)
        except OSError:
            self._deaf = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stderr.fileno())  # What is buffered would fail again.
            os.close(nowhere)


def _listens() -> bool:
    """Say whether a line can be written to standard error at once."""
    try:
        # A pipe with room has room for 512 bytes at least (POSIX: PIPE_BUF), and for 4096 on Linux.
        return bool(select.select([], [sys.stderr], [], 0)[1])
    except (OSError, ValueError):  # Not every system can tell, and not of every stream.
        return True
