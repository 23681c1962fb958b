"""The command line: what it prints, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kraken_trio.__main__ import main
from kraken_trio._internal.apps.cli import app
from kraken_trio.extended import verify_capture

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


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that runs a command: its exit code, and both outputs."""

    def command(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            app([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return command


def file(folder: Path, name: str, *frames: str) -> Path:
    """Write frames to a file."""
    path = folder / name
    path.write_text("".join(frame + "\n" for frame in frames), encoding="utf-8")
    return path


def test_verify_tells_in_words_that_all_is_well(run: Any, tmp_path: Path) -> None:
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


def test_verify_prints_one_json_object_for_each_file(run: Any, tmp_path: Path) -> None:
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
    run: Any, tmp_path: Path, frame: str, reason: str
) -> None:
    """File, line and reason go to standard error, and the exit code is 1."""
    path = file(tmp_path, "wrong", TRADE % 1, frame)
    code, out, err = run("verify", path)
    assert code == 1
    assert out.startswith(f"{path}: FAILED\n")
    assert err.startswith(f"{path}, line 2: ")
    assert reason in err


def test_verify_counts_what_it_does_not_tell(run: Any, tmp_path: Path) -> None:
    """A file of rubbish does not fill the screen."""
    path = file(tmp_path, "wrong", *["rubbish"] * 100)
    code, _, err = run("verify", path)
    assert (code, len(err.splitlines())) == (1, 21)
    assert err.endswith(f"{path}: and 80 more\n")


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_verified(
    run: Any, tmp_path: Path
) -> None:
    """Exit code 2 says that something was not looked at; the rest was."""
    good = file(tmp_path, "right", SNAPSHOT % RIGHT)
    missing = tmp_path / "missing"
    code, out, err = run("verify", missing, tmp_path, good)
    assert code == 2
    assert out.startswith(f"{good}: ok\n")
    told = [line.partition(": cannot be read: ")[0] for line in err.splitlines()]
    assert told == [str(missing), str(tmp_path)]


def test_an_empty_file_is_not_wrong(run: Any, tmp_path: Path) -> None:
    """Nothing in it, nothing wrong with it."""
    path = file(tmp_path, "empty")
    code, out, _ = run("verify", path)
    assert (code, len(out.splitlines())) == (0, 2)


def test_what_a_file_says_is_shown_printable_and_short(run: Any, tmp_path: Path) -> None:
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


def run_module(*words: str | bytes, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command as a program of its own."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "kraken_trio", "verify", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_narrow_encoding_and_a_name_that_is_no_text_do_not_matter(tmp_path: Path) -> None:
    """Characters that an output cannot show are escaped; any file can be named."""
    name = os.fsencode(tmp_path) + b"/\xff\xfe.jsonl"
    try:
        with open(name, "wb") as made:  # noqa: PTH123 - a name that is bytes
            made.write((SNAPSHOT % RIGHT).replace("BTC", "\u6f22").encode())
    except OSError:
        pytest.skip("this file system has names of text only")
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    out, err = run_module(name, env=environ).communicate()
    assert err == b""
    assert b"/??.jsonl: ok" in out
    assert b"\\u6f22/USD, depth 10" in out
    out, err = run_module("--json", name, env=environ).communicate()
    assert (err, list(json.loads(out)["books"])) == (b"", ["\u6f22/USD"])


def test_an_output_that_nobody_reads_any_more_ends_the_command_quietly(tmp_path: Path) -> None:
    """The exit code is that of a broken pipe, and there is no traceback."""
    program = run_module(str(file(tmp_path, "right", SNAPSHOT % RIGHT)))
    assert program.stdout
    assert program.stderr
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (141, b"")


def test_verify_without_a_file_is_an_error(run: Any) -> None:
    """What is missing is said, with the exit code for what could not be looked at."""
    code, _, err = run("verify")
    assert code != 0
    assert "FILE" in err


def test_the_module_runs_the_command_line(tmp_path: Path) -> None:
    """``python -m kraken_trio`` is the command."""
    path = file(tmp_path, "right", SNAPSHOT % RIGHT)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kraken_trio", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{path}: ok")


def test_without_its_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing package is named, with the line that installs it."""
    monkeypatch.delitem(sys.modules, "kraken_trio._internal.apps.cli")
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert 'cyclopts: install it with  pip install "kraken-trio[cli]"' in capsys.readouterr().err


def test_a_module_of_ours_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is sent to install what cannot be installed."""
    monkeypatch.setitem(sys.modules, "kraken_trio._internal.apps.cli", None)
    with pytest.raises(ModuleNotFoundError, match=r"kraken_trio\._internal\.apps\.cli"):
        main()
