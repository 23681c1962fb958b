"""A recording program that is killed while an exchange floods it: what its files hold then."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path
from typing import Final

import pytest
import trio
from msgspec import Struct

from kraken_trio import BookSnapshot, BookUpdate, Channel, Gap
from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.wire.capture import CapturedFrame, CaptureError, read_lines
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.extended import replay_capture
from kraken_trio.testing import (
    USUAL_PAIRS,
    Flood,
    Market,
    Replay,
    build_flood,
    open_flood,
)

pytestmark = [
    pytest.mark.extra("cli"),  # noqa: S610 - a mark of pytest, no query of Django
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]

VICTIMS: Final = 12
"""Programs that are killed, of each kind of file."""
AT_ONCE: Final = 3
"""Of them that run."""
LATEST_S: Final = 2.0
"""After the first file is there, at most, one is killed."""
PER_SECOND: Final = 3000
"""Frames that each is sent."""
QUIETLY: Final = 60
"""So few that what is written at once fills no buffer."""
TIMEOUT_S: Final = 60.0
"""Far more than anything takes."""


@pytest.fixture(scope="module")
def flood() -> Flood:
    """Give some seconds of two books."""
    market = Market(USUAL_PAIRS[:2], seed=1, start=10**18)
    return build_flood(market, 20_000, Channel.book(*market.symbols))


@asynccontextmanager
async def recording(
    out: Path, flood: Flood, *, rate: float, rotate: str
) -> AsyncIterator[tuple[trio.Process, Replay]]:
    """Run a program that records a flood, and kill it in the end."""
    async with (
        open_flood(flood, rate=rate, ledger=10**6) as exchange,
        trio.open_nursery() as nursery,
    ):
        address = await exchange.listen(tls=False)
        words = [sys.executable, "-m", "kraken_trio", "record", *flood.channels[0].symbols]
        words += ["--channel", "book", "--out", str(out), "--rotate-size", rotate]
        words += ["--url", address.url]
        process = await nursery.start(_run, words)
        with trio.fail_after(TIMEOUT_S):
            while not parts(out):
                assert process.poll() is None
                await trio.sleep(0.005)
        yield process, exchange
        process.kill()
        assert await process.wait() == -signal.SIGKILL


async def _run(words: list[str], task_status: trio.TaskStatus[trio.Process]) -> None:
    process = await trio.lowlevel.open_process(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    task_status.started(process)
    try:
        await process.wait()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


def parts(out: Path) -> list[Path]:
    """Give the files of a recording, in order."""
    return sorted(out.parent.glob("rec.*"))


def frames_in(files: Iterable[Path], damage: list[CaptureError]) -> list[bytes]:
    """Give the frames that are in files, and what cannot be read of these."""
    return [
        line.payload
        for file in files
        for line in read_lines(file, on_damage=damage.append)
        if isinstance(line, CapturedFrame)
    ]


def check_beginning(frames: list[bytes], files: list[Path], exchange: Replay) -> None:
    """What was kept is the beginning of what was sent, and replays to its records.

    A program that got no time at all may have given up a connection, and made another: then that is
    so of each of them.
    """
    rest = frames
    for number in range(1, exchange.connected + 1):
        sent = exchange.ledger.frames(number)
        same = (kept == told for kept, told in zip(rest, sent, strict=False))
        rest = rest[sum(1 for _ in takewhile(bool, same)) :]
    assert rest == []
    if exchange.connected <= 1:
        assert replayed(files) == told_by(frames)


class Told(Struct, frozen=True):
    """What a record of a book says, wherever it comes from."""

    symbol: str
    snapshot: bool
    bids: tuple[object, ...]
    asks: tuple[object, ...]
    checksum: int


def told_by(frames: Iterable[bytes]) -> list[Told]:
    """Give what the messages of books among some frames say."""
    decode = V2Decoder().decode
    messages = (decode(frame, None) for frame in frames)
    return [
        Told(each.symbol, each.snapshot, each.bids, each.asks, each.checksum)
        for each in messages
        if isinstance(each, BookMessage)
    ]


def replayed(files: Iterable[Path]) -> list[Told]:
    """Give what the records of a recording say; it has no gaps."""
    found = []
    for each in replay_capture(*files, on_damage=lambda _: None):
        item = each.item
        assert not isinstance(item, Gap | Exception)
        if isinstance(item, BookSnapshot | BookUpdate):
            whole = isinstance(item, BookSnapshot)
            found.append(Told(item.symbol, whole, item.bids, item.asks, item.checksum))
    return found


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
async def test_killed_at_random_moments_it_leaves_a_beginning(
    tmp_path: Path, name: str, flood: Flood
) -> None:
    """Of what the exchange sent, to the byte, over all parts; damaged is the last line, if any. It
    replays up to there.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where this fails
    dice = random.Random(seed)
    room = trio.CapacityLimiter(AT_ONCE)
    kept: list[int] = []
    rotated: list[int] = []

    async def kill(out: Path, after_s: float) -> None:
        out.parent.mkdir()
        async with (
            room,
            recording(out, flood, rate=PER_SECOND, rotate="60KB") as (process, exchange),
        ):
            await trio.sleep(after_s)
            process.kill()
            await process.wait()
            files = parts(out)
            damage: list[CaptureError] = []
            frames = frames_in(files, damage)
            check_beginning(frames, files, exchange)
            assert [error.path for error in damage] in ([], [str(files[-1])])
            kept.append(len(frames))
            rotated.append(len(files))

    async with trio.open_nursery() as nursery:
        for number in range(VICTIMS):
            nursery.start_soon(kill, tmp_path / str(number) / name, dice.random() * LATEST_S)
    assert len(kept) == VICTIMS
    assert max(kept) > 100  # They were killed while it came.
    assert max(rotated) > 1


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
@pytest.mark.parametrize("rotate", ["20KB", "1GB"])
async def test_what_came_before_a_silence_is_safe(
    tmp_path: Path, name: str, rotate: str, flood: Flood
) -> None:
    """All of it, to the last frame, without anything that follows and would push it out: killed
    then, nothing is missing.
    """
    out = tmp_path / name
    some = Flood(flood.channels, flood.frames[:150], flood.snapshots)
    async with recording(out, some, rate=QUIETLY, rotate=rotate) as (process, exchange):
        with trio.fail_after(TIMEOUT_S):
            while len(told_by(frames_in(parts(out), []))) < len(some.frames):
                assert process.poll() is None
                await trio.sleep(0.1)
        process.kill()
        await process.wait()
        frames = frames_in(parts(out), [])
        check_beginning(frames, parts(out), exchange)
        assert len(told_by(frames)) >= len(some.frames)
