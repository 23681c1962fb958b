"""The files of a recording."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from pathlib import Path

import pytest

from kraken_trio._internal.observe.parts import Part, Parts, numbered

LINES = [b"one\n", b"two\n", b"three\n"]


def head(number: int) -> list[bytes]:
    """Say which part it is."""
    return [b"part %d\n" % number]


def read(path: Path) -> bytes:
    """Give what a file holds, unpacked."""
    return gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize(
    "name, number, expected",
    [
        ("rec.jsonl.gz", 1, "rec.0001.jsonl.gz"),
        ("rec", 12, "rec.0012"),
        (".rec.jsonl", 2, ".rec.jsonl.0002"),
        ("a.b", 10_000, "a.10000.b"),
    ],
)
def test_parts_have_numbers(name: str, number: int, expected: str) -> None:
    """Which sort as they follow each other."""
    assert numbered(Path("here") / name, number) == Path("here") / expected


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_one_part_is_the_file_that_was_asked_for(tmp_path: Path, name: str) -> None:
    """With its head, and every line."""
    parts = Parts(tmp_path / name, head)
    parts.write(LINES, 0)
    parts.write(LINES, 0)
    parts.close()
    parts.close()
    assert read(tmp_path / name) == b"part 1\n" + 2 * b"".join(LINES)
    assert parts.paths == [tmp_path / name]
    assert parts.unsafe == 0


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_what_is_safe_is_in_the_file(tmp_path: Path, name: str) -> None:
    """Of a compressed file whatever was flushed can be read, though it has no end yet."""
    parts = Parts(tmp_path / name, head)
    parts.write(LINES, 0)
    parts.write(LINES, 1)  # due by now
    path = tmp_path / name
    if name.endswith(".gz"):
        with pytest.raises(EOFError):
            read(path)
        found = b""
        with gzip.open(path) as file, pytest.raises(EOFError):
            while line := file.readline():
                found += line
    else:
        found = read(path)
    assert found == b"part 1\n" + 2 * b"".join(LINES)
    assert parts.unsafe == 0
    parts.write(LINES, 1.5)
    assert parts.unsafe == (3 if name.endswith(".gz") else 0)
    parts.give_up()


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_rotation_loses_none(tmp_path: Path, name: str) -> None:
    """By size, and by time."""
    by_size = Parts(tmp_path / f"size.{name}", head, most_bytes=1)
    by_time = Parts(tmp_path / f"time.{name}", head, most_s=10)
    for now in range(5):
        by_size.write([b"line %d\n" % now], now)
        by_time.write([b"line %d\n" % now], 5 * now)
    by_size.close()
    by_time.close()
    # What is not compressed yet has no size.
    sizes = len(by_size.paths) if name.endswith(".gz") else 5
    for parts, many in ((by_size, sizes), (by_time, 3)):
        texts = [read(path).splitlines() for path in parts.paths]
        assert [text[0] for text in texts] == [b"part %d" % (n + 1) for n in range(many)]
        assert [line for text in texts for line in text[1:]] == [b"line %d" % n for n in range(5)]


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_a_full_disk_leaves_whole_lines(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written whole is cut off; when there is room again, another part begins."""
    parts = Parts(tmp_path / name, head)
    parts.write([b"fits\n"], 0)
    parts.write([], 1)
    assert parts._part is not None
    disk = parts._part._disk
    file = disk._file
    monkeypatch.setattr(disk, "_file", Failing(file))
    with pytest.raises(OSError, match="No space"):
        parts.write([b"does not\n"] * 3, 2)
    assert parts.size == 0
    file.close()
    parts.write([b"again\n"], 5)
    parts.close()
    assert parts.paths == [tmp_path / name, numbered(tmp_path / name, 2)]
    assert read(parts.paths[1]) == b"part 2\nagain\n"
    if not name.endswith(".gz"):
        assert read(parts.paths[0]) == b"part 1\nfits\n"


class Failing:
    """A file of a disk that is full, and can still be cut."""

    def __init__(self, file: object) -> None:
        """Stand before it."""
        self._of = file
        self._left = 4

    def write(self, data: memoryview) -> int:
        """Take a little, then refuse."""
        if not self._left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left, self._left = self._left, 0
        return self._of.write(data[:left])  # type: ignore[attr-defined, no-any-return]

    def truncate(self, size: int) -> None:
        """Cut it."""
        self._of.truncate(size)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Leave it."""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_a_part_that_cannot_begin_leaves_nothing(tmp_path: Path, name: str) -> None:
    """Its number is free again."""
    (tmp_path / name).symlink_to("/dev/full")
    parts = Parts(tmp_path / name, head)
    for now in (0, 2):
        with pytest.raises(OSError, match="No space"):
            parts.write(LINES, now)
            parts.write([], now + 1)
    assert parts.size == 0


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can be removed elsewhere alone")
def test_a_compressed_part_that_cannot_be_ended_says_so(tmp_path: Path) -> None:
    """The disk became full meanwhile."""
    part = Part(tmp_path / "rec.gz")
    part.write(LINES)
    file = part._disk._file
    part._disk._file = Failing(file)  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        part.close()
    file.close()


@pytest.mark.parametrize("most", [None, 1])
def test_no_file_is_ever_replaced(tmp_path: Path, most: int | None) -> None:
    """What was recorded before stays; the next number is taken."""
    for turn in range(3):
        parts = Parts(tmp_path / "rec.jsonl", head, most_bytes=most)
        parts.write([b"turn %d\n" % turn], 0)
        parts.write([b"turn %d\n" % turn], 0)
        parts.close()
    found = sorted(tmp_path.iterdir(), key=lambda path: (path.name != "rec.jsonl", path.name))
    lines = [line for path in found for line in read(path).splitlines() if b"turn" in line]
    assert lines == [b"turn %d" % (number // 2) for number in range(6)]
    names = [path.name for path in found]
    assert names[:2] == (
        ["rec.jsonl", "rec.0002.jsonl"] if most is None else ["rec.0001.jsonl", "rec.0002.jsonl"]
    )


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_two_that_begin_at_once_take_two_files(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that found a name free which is not any more takes the next."""
    first, second = (Parts(tmp_path / name, head) for _ in range(2))
    free, found = second._free, second._free()
    first.write(LINES, 0)
    answers = [found]
    monkeypatch.setattr(second, "_free", lambda: answers.pop() if answers else free())
    second.write(LINES, 0)
    first.close()
    second.close()
    assert first.paths + second.paths == [tmp_path / name, numbered(tmp_path / name, 2)]
    for path in first.paths + second.paths:
        assert read(path) == b"part 1\n" + b"".join(LINES)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_nobody_else_may_read_it(tmp_path: Path, name: str) -> None:
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        parts = Parts(tmp_path / name, head)
        parts.write(LINES, 0)
        parts.close()
    finally:
        os.umask(before)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links are for the few there")
def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    """Rather than tried for ever."""
    (tmp_path / "rec.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        Parts(tmp_path / "rec.jsonl", head).write(LINES, 0)


def test_killed_at_once_a_compressed_part_says_what_it_is(tmp_path: Path) -> None:
    """Its head is there before anything else is due."""
    parts = Parts(tmp_path / "rec.gz", head)
    parts.write([], 0)
    with gzip.open(tmp_path / "rec.gz") as file:
        assert file.readline() == b"part 1\n"
    parts.give_up()
