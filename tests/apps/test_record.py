"""The command ``record``: what is in the file, and how it ends."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio._internal.apps.record import record
from kraken_trio.extended import verify_capture

if TYPE_CHECKING:
    from tests.apps.conftest import Listening, Place, Run, Start

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

Capture = pytest.CaptureFixture[str]


def at(place: Place) -> dict[str, Any]:
    """Give the options that lead to an exchange."""
    return {"url": place.url, "ca": place.ca}


async def test_what_comes_is_in_the_file(
    listening: Listening, capfd: Capture, tmp_path: Path
) -> None:
    """Verified, and summed up."""
    out = tmp_path / "rec.jsonl.gz"
    async with listening() as place:
        code = await record("BTC/USD", out=out, seconds=1, **at(place))
    found = verify_capture(out)
    assert (code, found.ok) == (0, True)
    assert found.books["BTC/USD"].checksums_ok > 1
    told = capfd.readouterr()
    assert told.out == f"{found.frames} frames, 0 lines lost: {out}\n"
    assert "subscribing -> subscribed" in told.err


async def test_it_rotates(listening: Listening, capfd: Capture, tmp_path: Path) -> None:
    """By size and by time."""
    async with listening() as place:
        code = await record(
            "BTC/USD", out=tmp_path / "rec.jsonl", rotate_size=3000, seconds=2, **at(place)
        )
        other = await record(
            "BTC/USD", out=tmp_path / "time.jsonl", rotate_time=0.2, seconds=1, **at(place)
        )
    assert (code, other) == (0, 0)
    size, age = capfd.readouterr().out.splitlines()
    assert size.count(".jsonl") > 1
    assert age.count(".jsonl") > 1
    assert "rec.0001.jsonl, " in size


async def test_a_refused_pair_and_a_gap_are_told(
    listening: Listening, capfd: Capture, tmp_path: Path
) -> None:
    """The others go on, and the code says that not all was well."""
    async with listening() as place, trio.open_nursery() as nursery:

        async def corrupt() -> None:
            while not (there := place.exchange.connections) or not there[0].subscriptions:
                await trio.lowlevel.checkpoint()
            there[0].corrupt_next_book("BTC/USD")
            there[0].send_raw("[")

        nursery.start_soon(corrupt)
        out = tmp_path / "rec.jsonl"
        code = await record("BTC/USD", "NO/PE", channel=("book",), out=out, seconds=1, **at(place))
    err = capfd.readouterr().err
    assert code == 1
    assert "refused: book NO/PE" in err
    assert "Gap(book BTC/USD checksum" in err
    assert "faulty frame" in err


async def test_nothing_but_refused_pairs_is_the_end(
    listening: Listening, capfd: Capture, tmp_path: Path
) -> None:
    """With words."""
    async with listening() as place:
        code = await record("NO/PE", out=tmp_path / "rec.jsonl", **at(place))
    assert code == 1
    assert "nothing is left to record" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
async def test_a_full_disk_is_told_and_the_feed_goes_on(
    listening: Listening, capfd: Capture, tmp_path: Path
) -> None:
    """Exit code 1: not all is in the file."""
    (tmp_path / "rec.0002.jsonl").symlink_to("/dev/full")
    async with listening() as place:
        code = await record(
            "BTC/USD", out=tmp_path / "rec.jsonl", rotate_size=3000, seconds=2, **at(place)
        )
    told = capfd.readouterr()
    assert code == 1
    assert told.err.count("RECORDING STOPPED") == 1
    assert "No space left" in told.err
    assert " 0 lines lost" not in told.out


def test_without_a_connection_there_is_an_end(run: Run, tmp_path: Path) -> None:
    """Exit code 2, after so many attempts or so long."""
    out = tmp_path / "rec.jsonl"
    words = ("record", "BTC/USD", "--out", out, "--url", "ws://localhost:1/v2")
    assert run(*words, "--attempts", 1).code == 2
    done = run(*words, "--seconds", 0.3)
    assert done.code == 2
    assert "no connection within 0.3 s" in done.err


def test_without_a_file_there_is_none(run: Run, tmp_path: Path) -> None:
    """Exit code 2 before anything is connected."""
    done = run("record", "BTC/USD", "--out", tmp_path / "nowhere" / "rec.jsonl")
    assert done.code == 2
    assert "No such file" in done.err


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--rotate-size", "much", "Must be a size"),
        ("--rotate-size", "0", "Must be a size"),
        ("--rotate-time", "late", "Must be a time"),
        ("--rotate-time", "0s", "Must be a time"),
    ],
)
def test_values_that_make_no_sense(
    run: Run, tmp_path: Path, option: str, value: str, words: str
) -> None:
    """Are refused."""
    done = run("record", "BTC/USD", "--out", tmp_path / "x", option, value)
    assert (done.code, list(tmp_path.iterdir())) == (2, [])
    assert words in done.err


async def test_ctrl_c_leaves_a_whole_file(
    listening: Listening, start: Start, tmp_path: Path
) -> None:
    """All that came is in it, and it has its end."""
    out = tmp_path / "rec.jsonl.gz"
    async with listening() as place:
        process = start(
            "record", "BTC/USD", "--out", str(out), "--url", place.url, "--ca", str(place.ca),
            "--rotate-size", "1MB", "--rotate-time", "1h",
        )  # fmt: skip
        first = tmp_path / "rec.0001.jsonl.gz"
        with trio.fail_after(30):
            while not (first.exists() and first.stat().st_size > 3000):  # noqa: ASYNC110
                await trio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        printed, _ = await trio.to_thread.run_sync(process.communicate)
    assert process.returncode == 130
    assert time.monotonic() - began < 30
    assert verify_capture(first).ok
    assert printed.endswith(f"{first}\n")
