"""The files of a recording, part after part: opened, written, made safe, and closed.

Knows files and compression, and that what is written are whole lines; nothing of what they say.
All of it is synchronous and may wait for a disk, so it runs in a thread of its own, the same from
beginning to end: the threaded compressor watches the one that it was made in.

*After a crash.* A plain file is written without a buffer, several whole lines at once. Compressed
data are flushed to a point from which nothing before depends on what follows, so a file whose
program was killed can be read up to there.

*What was there before.* No file is ever replaced: a part takes the next number that is free.

*Where a disk is full.* What could not be written whole is cut off again, and no more is written to
that part: the next one begins where there is room again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zlib_ng import gzip_ng_threaded

COMPRESSED = (".gz", ".gzip")
"""Names of files that are compressed end in one of these."""
FLUSH_S = 1.0
"""What was written so long ago is safe."""
BLOCK_BYTES = 2**18
"""That are compressed at once, at most; more is held in memory."""
LEVEL = 1
"""Of compression: it has to keep up with a flood."""


def _for_the_owner(path: str, flags: int) -> int:
    """Open it so that nobody else may read it, whatever the umask: it holds orders and balances."""
    return os.open(path, flags, 0o600)


class Disk:
    """An open file, with what went wrong with it: a compressor's thread has nobody to raise to."""

    def __init__(self, path: Path) -> None:
        """Open it anew. Raises ``OSError``."""
        # A device that is there is no file to replace, and none that could be made.
        mode = "wb" if path.exists() and not path.is_file() else "xb"
        self._file = open(path, mode, buffering=0, opener=_for_the_owner)  # noqa: SIM115
        self.size = 0
        """Bytes written."""
        self.error: OSError | None = None
        """Why nothing more is written, if that is so."""

    def write(self, data: bytes) -> int:
        """Write all of it, or note why not. Never raises."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                written = self._file.write(rest) or 0
            except OSError as error:
                self.error = error
            else:
                self.size += written
                rest = rest[written:]
        return len(data)

    def cut(self, size: int) -> None:
        """Leave the first ``size`` bytes, where it is a file that can be cut."""
        with contextlib.suppress(OSError):
            self._file.truncate(size)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Close it."""
        self._file.close()


class Part:
    """One file of a recording."""

    def __init__(self, path: Path) -> None:
        """Open it anew, compressed if its name says so. Raises ``OSError``."""
        self.path: Path = path
        """Where it is."""
        self._disk = Disk(path)
        self._packer: Any = None
        self._unsafe = 0
        if path.suffix.lower() in COMPRESSED:
            self._packer = gzip_ng_threaded.open(  # type: ignore[no-untyped-call]
                self._disk, "wb", compresslevel=LEVEL, threads=1, block_size=BLOCK_BYTES
            )

    @property
    def size(self) -> int:
        """Bytes that were written, compressed if it is."""
        return self._disk.size

    @property
    def unsafe(self) -> int:
        """Lines that a crash may take, because they wait to be compressed."""
        return self._unsafe

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines. ``OSError`` if they could not be: then none of them is there, and of a
        compressed part none of those that were not safe, either.
        """
        before = self._disk.size
        (self._disk if self._packer is None else self._packer).write(b"".join(lines))
        if self._packer is not None:
            self._unsafe += len(lines)
        if self._disk.error is not None:
            if self._packer is None:
                self._disk.cut(before)
            raise self._disk.error

    def flush(self) -> None:
        """Make safe what was written. ``OSError`` if it could not be."""
        if self._packer is not None:
            self._packer.flush()
            self._packer.raw.flush()  # Older versions of it do not by themselves.
            if self._disk.error is not None:
                raise self._disk.error
        self._unsafe = 0

    def close(self) -> None:
        """Finish it. ``OSError`` if what was not safe could not be written."""
        try:
            if self._packer is not None:
                self._packer.close()
            if self._disk.error is not None:
                raise self._disk.error
        finally:
            self._disk.close()
        self._unsafe = 0


class Parts:
    """All files of one recording."""

    def __init__(
        self,
        path: Path,
        head: Callable[[int], Sequence[bytes]],
        *,
        most_bytes: int | None = None,
        most_s: float | None = None,
    ) -> None:
        """Begin with none. ``head`` gives the first lines of each part, by its number from 1.

        After ``most_bytes`` of a file, or ``most_s`` seconds, comes the next one.
        """
        self.path: Path = path
        """As it was asked for."""
        self._head = head
        self._most_bytes = most_bytes
        self._most_s = most_s
        self._part: Part | None = None
        self._until = 0.0
        self._flush_at = 0.0
        self.paths: list[Path] = []
        """The files that there are, in order."""

    @property
    def unsafe(self) -> int:
        """Lines that were taken, and will be lost if the next flush fails."""
        return 0 if self._part is None else self._part.unsafe

    @property
    def size(self) -> int:
        """Bytes of the part that is open."""
        return 0 if self._part is None else self._part.size

    def write(self, lines: Sequence[bytes], now: float) -> None:
        """Write whole lines, into a new part if it is time for one, and make safe what is due.

        ``now`` is a clock of seconds. ``OSError`` if that failed, as of ``Part.write``: the part is
        closed then, and the next call begins another.
        """
        try:
            part = self._due(now)
            part.write(lines)
            if now >= self._flush_at:
                self._flush_at = now + FLUSH_S
                part.flush()
        except OSError:
            self.give_up()
            raise

    def close(self) -> None:
        """Finish the part that is open. ``OSError`` if what was not safe could not be written."""
        part, self._part = self._part, None
        if part is not None:
            part.close()

    def give_up(self) -> None:
        """Leave the part that is open as it is."""
        with contextlib.suppress(OSError):
            self.close()

    def _due(self, now: float) -> Part:
        """The part to write to."""
        part = self._part
        full = part is not None and self._most_bytes is not None and part.size >= self._most_bytes
        if part is not None and (full or now >= self._until):
            self.close()
            part = None
        if part is None:
            part = self._part = self._begin()
            self._until = now + (self._most_s or float("inf"))
            self._flush_at = now + FLUSH_S
        return part

    def _begin(self) -> Part:
        part = self._opened()
        path = part.path
        self.paths.append(path)
        try:
            part.write(self._head(len(self.paths)))
            part.flush()  # Killed at once, it still says what it is.
        except OSError:
            with contextlib.suppress(OSError):
                part.close()
            self._forget(path)
            raise
        return part

    def _opened(self) -> Part:
        while True:
            path = self._free()
            try:
                return Part(path)
            except FileExistsError:
                if not path.is_file():  # A link to nowhere: no number would be taken for it.
                    raise

    def _free(self) -> Path:
        """The next name that no file has: what was recorded before stays."""
        rotates = self._most_bytes is not None or self._most_s is not None
        number = len(self.paths) + 1
        path = self.path if number == 1 and not rotates else numbered(self.path, number)
        while path in self.paths or path.is_file():
            number += 1
            path = numbered(self.path, number)
        return path

    def _forget(self, path: Path) -> None:
        """Of a part that could not even begin, nothing is left, and its number is free."""
        self.paths.remove(path)
        if path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()


def numbered(path: Path, number: int) -> Path:
    """Give the name of a part: ``rec.jsonl.gz`` is ``rec.0001.jsonl.gz``."""
    stem, dot, suffixes = path.name.partition(".")
    if not stem:  # As in .hidden.jsonl
        stem, dot, suffixes = path.name, "", ""
    return path.with_name(f"{stem}.{number:04}{dot}{suffixes}")
