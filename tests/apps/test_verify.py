"""The command ``verify``: what it prints, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kraken_trio._internal.apps import progress, verify
from kraken_trio.extended import verify_capture

if TYPE_CHECKING:
    from tests.apps.conftest import Run, Start, Terminal

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

SNAPSHOT = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":1.5,'
    '"qty":2.00}],"asks":[],"checksum":%d}]}'
)
RIGHT = 1139169561  # CRC32 of "15200", computed with Python's zlib
TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,'
    '"qty":1.0,"ord_type":"limit","trade_id":%d,"timestamp":"2026-07-07T23:00:04.005636Z"}]}'
)


def file(folder: Path, name: str, *frames: str) -> Path:
    """Write frames to a file."""
    path = folder / name
    path.write_text("".join(frame + "\n" for frame in frames), encoding="utf-8")
    return path


def test_verify_tells_in_words_that_all_is_well(run: Run, tmp_path: Path) -> None:
    """Frames, books, trades and records of a right file, and exit code 0."""
    path = file(tmp_path, "right", SNAPSHOT % RIGHT, TRADE % 1, TRADE % 3)
    code, out, err = run("verify", path)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{path}: ok",
        "  frames    3: 3 decoded, 0 not, 0 of an unknown kind",
        "  book      BTC/USD, depth 10: snapshots 1, updates 0, checksums right 1, wrong 0",
        "  trades    2, gaps 1",
        "  records   1 book, 2 trade",
    ]


def test_verify_prints_one_json_object_for_each_file(run: Run, tmp_path: Path) -> None:
    """Standard output is one line of JSON a file, in the order given."""
    paths = [file(tmp_path, "one", SNAPSHOT % RIGHT), file(tmp_path, "two", TRADE % 1)]
    code, out, err = run("verify", "--json", *paths)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [json.loads(line) for line in lines] == [
        verify_capture(str(path)).summary() for path in paths
    ]
    assert list(json.loads(lines[0])) == [
        "file",
        "frames",
        "decoded",
        "undecoded",
        "unknown",
        "books",
        "trades",
        "trade_gaps",
        "records",
    ]


@pytest.mark.parametrize(
    "frame, reason",
    [
        (SNAPSHOT % 7, f"book BTC/USD: the checksum should be 7, and is {RIGHT}"),
        ("rubbish", "(in 'rubbish')"),
        ('{"ts": null, "raw": "{', "cut off"),
    ],
)
def test_verify_tells_what_is_wrong_and_where(
    run: Run, tmp_path: Path, frame: str, reason: str
) -> None:
    """File, line and reason go to standard error, and the exit code is 1."""
    path = file(tmp_path, "wrong", TRADE % 1, frame)
    code, out, err = run("verify", path)
    assert code == 1
    assert out.startswith(f"{path}: FAILED\n")
    assert err.startswith(f"{path}, line 2: ")
    assert reason in err


def test_verify_counts_what_it_does_not_tell(run: Run, tmp_path: Path) -> None:
    """A file of rubbish does not fill the screen."""
    path = file(tmp_path, "wrong", *["rubbish"] * 100)
    code, _, err = run("verify", path)
    assert (code, len(err.splitlines())) == (1, 21)
    assert err.endswith(f"{path}: and 80 more\n")


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_verified(
    run: Run, tmp_path: Path
) -> None:
    """Exit code 2 says that something was not looked at; the rest was."""
    good = file(tmp_path, "right", SNAPSHOT % RIGHT)
    missing = tmp_path / "missing"
    code, out, err = run("verify", missing, tmp_path, good)
    assert code == 2
    assert out.startswith(f"{good}: ok\n")
    told = [line.partition(": cannot be read: ")[0] for line in err.splitlines()]
    assert told == [str(missing), str(tmp_path)]


def test_an_empty_file_is_not_wrong(run: Run, tmp_path: Path) -> None:
    """Nothing in it, nothing wrong with it; but it is said."""
    path = file(tmp_path, "empty")
    code, out, err = run("verify", path)
    assert (code, len(out.splitlines())) == (0, 2)
    assert err == f"{path}: there is no frame in it\n"


def test_what_a_file_says_is_shown_printable_and_short(run: Run, tmp_path: Path) -> None:
    """Neither symbols nor reasons nor names of files can move a cursor or fill a screen."""
    escape, long = "\x1b[2J/USD", "A" * 100_000 + "/USD"
    path = file(
        tmp_path,
        "a\x1b[31mb",
        (SNAPSHOT % RIGHT).replace("BTC/USD", "\\u001b[2J/USD"),
        (SNAPSHOT % 7).replace("BTC/USD", long),
        (SNAPSHOT % 7).replace("BTC/USD", long.replace("/", "")),
    )
    code, out, err = run("verify", path, tmp_path / "\x1bmissing")
    assert code == 2
    assert "?[2J/USD, depth 10" in out
    assert f"{tmp_path}/a?[31mb, line 2: book AAA" in err
    assert all(text.replace("\n", "").isprintable() for text in (out, err))
    assert max(map(len, (out + err).splitlines())) < 500
    _, out, _ = run("verify", "--json", path)
    assert list(json.loads(out)["books"]) == [escape, long]
    assert "\x1b" not in out


def test_a_narrow_encoding_and_a_name_that_is_no_text_do_not_matter(
    tmp_path: Path, program: Run
) -> None:
    """Characters that an output cannot show are escaped; any file can be named."""
    name = os.fsencode(tmp_path) + b"/\xff\xfe.jsonl"
    try:
        with open(name, "wb") as made:  # noqa: PTH123 - a name that is bytes
            made.write((SNAPSHOT % RIGHT).replace("BTC", "\u6f22").encode())
    except OSError:
        pytest.skip("this file system has names of text only")
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    _, out, err = program("verify", name, env=environ)
    assert err == ""
    assert "/??.jsonl: ok" in out
    assert "\\u6f22/USD, depth 10" in out
    _, out, err = program("verify", "--json", name, env=environ)
    assert (err, list(json.loads(out)["books"])) == ("", ["\u6f22/USD"])


def test_an_output_that_nobody_reads_any_more_ends_the_command_quietly(
    tmp_path: Path, start: Start
) -> None:
    """The exit code is that of a broken pipe, and there is no traceback."""
    process = start("verify", str(file(tmp_path, "right", SNAPSHOT % RIGHT)))
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=20)) == ("", 141)


def test_verify_without_a_file_is_an_error(run: Run) -> None:
    """What is missing is said, with the exit code for what could not be looked at."""
    done = run("verify")
    assert done.code == 2
    assert "FILE" in done.err


def test_a_pipe_can_be_verified(start: Start, terminal: Callable[..., Terminal]) -> None:
    """It has neither a size nor a place in it, and so shows no progress."""
    screen = terminal()
    process = start(
        "verify", "/dev/stdin", stdin=subprocess.PIPE, stderr=screen.theirs, encoding="utf-8"
    )
    os.close(screen.theirs)
    frames = "".join(f"{TRADE % number}\n" for number in range(5000))
    assert process.communicate(frames, timeout=60)[0].startswith("/dev/stdin: ok")
    assert screen.read() == ""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show progress at once, and always."""
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)


def test_progress_is_shown_on_a_terminal_and_leaves_no_trace(
    run: Run, tmp_path: Path, terminal: Callable[..., Terminal], hurried: None
) -> None:
    """A share and the file's name, written over and over, then blanks; results stay clean."""
    path = file(tmp_path, "a" * 100, *[TRADE % number for number in range(5000)])
    screen = terminal()
    before = os.dup(2)
    os.dup2(screen.theirs, 2)
    try:
        stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch, stderr:
            patch.setattr("sys.stderr", stderr)
            patch.setenv("COLUMNS", "40")
            result = verify._verify(path, as_json=False)
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(screen.theirs)
    assert result == 0
    pictures = screen.read().split("\r")[1:]
    shares = [int(picture.partition(" %")[0]) for picture in pictures[:-2]]
    assert len(shares) == 5
    assert shares == sorted(shares)
    assert all(0 < share <= 100 for share in shares)
    assert max(map(len, pictures)) <= 39
    assert pictures[-2:] == [" " * len(pictures[0]), ""]
    done = run("verify", path)
    assert (done.code, done.err) == (0, "")


def test_what_is_quick_shows_no_progress(
    tmp_path: Path, start: Start, terminal: Callable[..., Terminal]
) -> None:
    """Nothing at all is written on the terminal."""
    path = file(tmp_path, "right", SNAPSHOT % RIGHT)
    screen = terminal()
    process = start("verify", str(path), stderr=screen.theirs)
    os.close(screen.theirs)
    assert process.communicate(timeout=60)[0].startswith(f"{path}: ok")
    assert screen.read() == ""
