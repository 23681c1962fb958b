"""A feed that is recorded while things go wrong, and what it delivered: both are the same.

    python tests/product/test_recording.py --frames 1000000 --seed 7

The records and gaps that a live feed in chaos delivers, public, private and level3, are encoded in
order, and so are those of its recording: both have to be the same, byte for byte, and twice. So
many frames are a matter of minutes: ``nox -s million``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio
import trio.testing
from msgspec import Struct

from kraken_trio import (
    Channel,
    ClockSkew,
    Feed,
    Gap,
    GapPolicy,
    HighWater,
    KrakenConfig,
    LatencyAlert,
    ObserverFailed,
    ObserverSlow,
    ProtocolError,
    RequestError,
    Restored,
    Resync,
    StateChange,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.wire.capture import CapturedFrame, CaptureError, read_capture, read_lines
from kraken_trio.extended import (
    Observer,
    RecorderStatistics,
    open_recorder,
    replay_capture,
    verify_capture,
)
from kraken_trio.testing import ChaosFault, Exchange, chaos, open_exchange

NOT_OF_FRAMES = (
    *(ClockSkew, HighWater, LatencyAlert, ObserverFailed, ObserverSlow),
    *(RequestError, Resync, Restored, StateChange, SubscriptionError),
)
"""What a feed tells beside what its engine delivers."""
FAULTS = tuple(
    fault for fault in ChaosFault if fault not in {ChaosFault.MAINTENANCE, ChaosFault.BAN}
)
"""All but what takes long and shows nothing."""
BURST_S = 0.05
"""From one burst of the market to the next."""
SYMBOLS = "BTC/USD", "ETH/USD", "SOL/USD"


_encode = msgspec.json.Encoder(enc_hook=int).encode
"""Decimals with all their digits; a ``Timestamp`` as the number that it is."""


class Digest:
    """A digest of the encoding of some items, and how many there are."""

    def __init__(self) -> None:
        """Of none."""
        self.items = self.gaps = 0
        self.of = Counter[str]()
        self._hash = hashlib.sha256()

    def add(self, item: Any) -> None:
        """Add one, if it is of the frames."""
        if isinstance(item, NOT_OF_FRAMES) or getattr(item, "local", False):
            return
        self.items += 1
        self.of[type(item).__name__] += 1
        self.gaps += isinstance(item, Gap)
        self._hash.update(in_full(item))

    def __repr__(self) -> str:
        """Give it in hex."""
        return f"{self._hash.hexdigest()} of {self.items} items"


def in_full(item: object) -> bytes:
    """Encode an item, with every field and every digit, and what it is."""
    if isinstance(item, ProtocolError):
        return f"ProtocolError({item.reason!r}, {item.excerpt!r})\n".encode()
    assert isinstance(item, Struct)
    return b"%b %b\n" % (type(item).__name__.encode(), _encode(item))


class Frames(Observer):
    """Counts frames."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self.count = 0

    def frame_received(self, *_: object) -> None:
        """Count it."""
        self.count += 1


class Outcome(Struct, frozen=True):
    """What a run came to."""

    live: str
    """Digest of what the feed delivered."""
    of: Counter[str]
    """How many of what."""
    gaps: int
    """How many of that were gaps."""
    mishaps: int
    """What went wrong."""
    recorder: RecorderStatistics
    """How the recorder ended."""


async def live(
    path: Path,
    frames: int,
    *,
    seed: int,
    every_s: float,
    rotate_bytes: int | None = None,
    rate: float = 1000,
    faults: Iterable[ChaosFault] = FAULTS,
    look: Callable[[int], object] = lambda _: None,
) -> Outcome:
    """Record a feed in chaos until so many frames came; in memory, by trio's clock."""
    digest, counted = Digest(), Frames()
    async with (
        open_exchange(seed=seed) as exchange,
        chaos(exchange.dial, seed=seed, every_s=every_s, faults=faults) as trouble,
    ):
        config = KrakenConfig(
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            buffer_size=10**6,
            max_attempts=None,
            jitter=0.0,
            budget=10**6,
            silent_after=5.0,
            max_delay=1.0,
            timeout=5.0,
        )
        async with open_recorder(
            path, config=config, sent=True, rotate_bytes=rotate_bytes
        ) as recorder:
            async with open_kraken(
                config, dial=trouble.dial, rest=exchange.rest, observers=[recorder, counted]
            ) as feed:
                events = feed.events()
                # Subscriptions as a program has them: one that ended is left, and entered again.
                stays: dict[str, trio.CancelScope] = {}
                async with trio.open_nursery() as nursery:
                    for channel in (
                        Channel.book(*SYMBOLS),
                        Channel.trades(*SYMBOLS, snapshot=True),
                        Channel.ticker(SYMBOLS[0]),
                        Channel.spread(SYMBOLS[1]),
                        Channel.ohlc(SYMBOLS[0]),
                        Channel.instrument(),
                        Channel.executions(),
                        Channel.balances(),
                        Channel.level3(SYMBOLS[2]),
                    ):
                        nursery.start_soon(_stay, feed, channel, stays)
                    nursery.start_soon(_go_on, exchange, rate)
                    nursery.start_soon(_trade, exchange, random.Random(seed))
                    while counted.count < frames:
                        for item in await events.receive_batch():
                            digest.add(item)
                            if isinstance(item, SubscriptionError) and item.channel in stays:
                                stays[item.channel].cancel()
                        look(counted.count)
                    nursery.cancel_scope.cancel()
            for item in _rest(events):
                digest.add(item)
            await recorder.aclose()
            return Outcome(
                repr(digest), digest.of, digest.gaps, len(trouble.log), recorder.statistics()
            )


async def _go_on(exchange: Exchange, rate: float) -> None:
    """Let the market take so many steps a second, in bursts: for each, everybody has to wake."""
    while True:
        exchange.step(round(rate * BURST_S))
        await trio.sleep(BURST_S)


async def _trade(exchange: Exchange, dice: random.Random) -> None:
    """Let something become of the account, again and again."""
    account = exchange.account
    account.deposit("USD", Decimal(10**12))
    while True:
        there = list(account.orders)
        if len(there) < 3:
            account.place(SYMBOLS[0], "buy", Decimal("0.5"), Decimal(60_000))
        elif dice.random() < 0.6:
            account.fill(dice.choice(there), Decimal("0.1"))
        else:
            account.cancel(dice.choice(there))
        await trio.sleep(0.05)


async def _stay(feed: Feed, channel: Channel, stays: dict[str, trio.CancelScope]) -> None:
    while True:
        with suppress(SubscriptionError), trio.CancelScope() as stays[channel.name]:
            async with feed.subscribe(channel, stream=False):
                await trio.sleep_forever()
        await trio.sleep(1)


def _rest(events: Any) -> list[Any]:
    """What waited when the block was left."""
    found = []
    try:
        while True:
            found.append(events.receive_nowait())
    except (trio.WouldBlock, trio.ClosedResourceError, trio.EndOfChannel):
        return found


def replayed(paths: Iterable[str], most: int | None = None) -> Digest:
    """Give the digest of a recording; of its first items, if there are to be only so many."""
    digest = Digest()
    for each in replay_capture(*paths):
        if most is not None and digest.items >= most:
            break
        digest.add(each.item)
    return digest


async def test_live_records_are_those_of_the_recording(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """Byte for byte of their encoding, gaps too, whatever goes wrong; and twice the same."""
    for seed, name in ((1, "rec.jsonl"), (2, "rec.jsonl.gz")):
        outcome = await live(tmp_path / name, 5000, seed=seed, every_s=2.0, rate=300)
        items = int(outcome.live.split()[2])
        assert items > 4000
        assert outcome.gaps > 5
        assert outcome.mishaps > 3
        assert {"BookUpdate", "Trade", "Execution", "Level3Update"} <= set(outcome.of)
        assert any(name.startswith("Balance") for name in outcome.of)
        assert (outcome.recorder.lost, outcome.recorder.stopped) == (0, None)
        for _ in range(2):
            assert repr(replayed(outcome.recorder.parts, items)) == outcome.live


async def test_rotation_loses_none(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    """All parts together are the recording."""
    outcome = await live(tmp_path / "rec.jsonl", 3000, seed=3, every_s=2.0, rotate_bytes=100_000)
    items = int(outcome.live.split()[2])
    assert len(outcome.recorder.parts) > 3
    assert repr(replayed(outcome.recorder.parts, items)) == outcome.live
    for part in outcome.recorder.parts:
        assert verify_capture(part).frames > 10


@pytest.mark.parametrize("policy", [GapPolicy.BUFFER, None])
async def test_trades_that_wait_come_out_as_they_did(
    tmp_path: Path, autojump_clock: trio.abc.Clock, policy: GapPolicy | None
) -> None:
    """Held back until time is up, or fetched over REST: the recording says when, and what came."""
    path = tmp_path / "rec.jsonl"
    live_digest = Digest()
    config = KrakenConfig(buffer_size=10**5, jitter=0.0, pending_timeout=2.0)
    async with (
        open_exchange(seed=4, rate=200) as exchange,
        open_recorder(path) as recorder,
        open_kraken(config, dial=exchange.dial, rest=exchange.rest, observers=[recorder]) as feed,
    ):
        subscription = feed.subscribe(
            Channel.trades("BTC/USD"), gap_policy=policy, backfill=policy is None
        )
        events = feed.events()
        async with subscription:
            for _ in range(4):
                await trio.sleep(3)
                exchange.connections[0].drop_next("trade", "BTC/USD")
                await trio.sleep(3)
                exchange.connections[0].drop()
            await trio.sleep(10)
            for item in await events.receive_batch():
                live_digest.add(item)
            repeats = feed.statistics().trades_backfilled
    assert live_digest.items > 100
    assert bool(repeats) is (policy is None)
    assert repr(replayed([str(path)], live_digest.items)) == repr(live_digest)


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
async def test_no_secret_is_ever_recorded(tmp_path: Path, desk: Any) -> None:
    """Not of a whole private life, with a server that says tokens and keys back in every way."""
    path = tmp_path / "rec.jsonl"
    secrets = [desk.KEY, desk.SECRET]
    config = desk.config()
    async with (
        open_recorder(path, config=config, sent=True) as recorder,
        open_kraken(config, dial=desk.dial, rest=desk.rest, observers=[recorder]) as feed,
        feed.executions(),
        feed.balances(),
        feed.level3("BTC/USD"),
    ):
        for host in ("private", "level3"):
            client = desk.client(host)
            for _, token in client.asked():
                assert token
                secrets.append(token)
        for host in ("private", "level3"):
            for secret in secrets:
                for text in spelt(secret):
                    await desk.client(host).say(text)
                    await desk.client(host).say({"method": "echo", "error": f"no {text} here"})
        await trio.sleep(1)
    assert len(set(secrets)) >= 3
    held = path.read_bytes()
    assert recorder.statistics().frames > 50
    for secret in secrets:
        for text in spelt(secret):
            assert text.encode() not in held
            assert json.dumps(text)[1:-1].encode() not in held
    asked = [frame for frame in read_lines(path) if isinstance(frame, CapturedFrame) and frame.sent]
    tokens = {json.loads(frame.payload).get("params", {}).get("token") for frame in asked}
    assert tokens - {None} == {"****"}


def spelt(secret: str) -> list[str]:
    """Give some ways to write a text."""
    return [
        secret,
        secret.replace("/", "\\/"),
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
    ]


WRITER = """
import sys, trio
from kraken_trio import Timestamp
from kraken_trio.extended import open_recorder

async def main():
    async with open_recorder(sys.argv[1], **eval(sys.argv[2])) as recorder:
        for number in range(10**9):
            frame = '{"channel":"heartbeat","n":%d,"pad":"%s"}' % (number, "x" * (number % 400))
            recorder.frame_received("public", frame.encode(), Timestamp(number))
            if number % 20 == 0:
                print(number, flush=True)
                await trio.sleep(0.0005)

trio.run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
def test_kill_9_leaves_whole_lines(tmp_path: Path, name: str) -> None:
    """At random moments: all that is there is whole and in order, over all parts, but for the end
    of the last one; and of what was said two seconds before, nothing is missing.
    """
    dice = random.Random(name)
    for turn in range(2):
        folder = tmp_path / str(turn)
        folder.mkdir()
        options = {"rotate_bytes": 100_000} if turn % 2 else {}
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", WRITER, str(folder / name), repr(options)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = [(time.monotonic(), int(process.stdout.readline()))]
        end = time.monotonic() + 2.2 + dice.random()
        while time.monotonic() < end:
            said.append((time.monotonic(), int(process.stdout.readline())))
        process.kill()
        process.wait()
        process.stdout.close()
        parts = sorted(folder.iterdir())
        damaged: list[CaptureError] = []
        numbers = [
            json.loads(frame.payload)["n"]
            for part in parts
            for frame in read_capture(part, on_damage=damaged.append)
        ]
        assert numbers == list(range(len(numbers)))
        assert {error.path for error in damaged} <= {str(parts[-1])}
        assert len(damaged) <= 1
        before = max(number for at, number in said if at < end - 2.0)
        assert len(numbers) >= before


def main() -> None:
    """Record a long run, and replay it twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    given = parser.parse_args()
    began = time.monotonic()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever there is
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    shown = 0

    def look(frames: int) -> None:
        nonlocal shown
        if frames >= shown:
            shown = frames + given.frames // 20
            print(f"{frames:,} frames, {time.monotonic() - began:.0f} s", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        clock = trio.testing.MockClock(autojump_threshold=0)
        path = Path(folder) / "long.jsonl.gz"
        run = partial(live, path, given.frames, seed=given.seed, every_s=given.every, look=look)
        outcome = trio.run(partial(run, rotate_bytes=16 * 2**20), clock=clock)
        items = int(outcome.live.split()[2])
        digests = [repr(replayed(outcome.recorder.parts, items)) for _ in range(2)]
    found = outcome.recorder
    print(f"commit {commit or 'unknown'}, seed {given.seed}, a fault each {given.every:g} s")
    print(
        f"{found.frames:,} frames and {found.steps:,} steps in {len(found.parts)} parts, "
        f"{found.lost} lines lost; {outcome.mishaps:,} faults, {outcome.gaps:,} gaps"
    )
    print(", ".join(f"{count:,} {name}" for name, count in outcome.of.most_common()))
    print(f"delivered: {outcome.live}")
    for digest in digests:
        print(f"replayed:  {digest}")
    well = set(digests) == {outcome.live} and not found.lost and found.frames >= given.frames
    print("equal" if well else "NOT EQUAL")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
