"""Traffic that is made before anybody asks for it, to be sent as fast as a socket takes it.

Knows how to have a market make all frames of some subscriptions; ``replay`` plays them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.doors import open_doors
from kraken_trio._internal.testing.exchange import MARKET_CHANNELS
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.place import DOORS, Door
from kraken_trio._internal.testing.replay import FileVenue, Replay
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.script import Offer, Script
from kraken_trio._internal.testing.topics import snapshot, watch

_LEVEL3 = b'{"channel":"level3",'


class Flood(Struct, frozen=True):
    """All that a client hears who subscribes to some channels: ``build_flood`` makes it."""

    channels: tuple[Channel, ...]
    """What one has to subscribe to."""
    frames: tuple[bytes, ...]
    """What is sent then: snapshots, and the updates of all steps, in order."""
    snapshots: int
    """How many of these are snapshots: they come first."""

    @property
    def size_bytes(self) -> int:
        """The size of all frames."""
        return sum(map(len, self.frames))


def build_flood(market: Market, steps: int, *channels: Channel) -> Flood:
    """Let ``market`` take so many steps, and keep what those hear who subscribed to ``channels``.

    One step is mostly one frame: the update of a book whose window it changed. What a client
    must know in the end stands in ``market``, as long as that takes no more steps.

    Raises ``ConfigurationError`` for a channel that a market does not have, and for pairs that
    are not in it.
    """
    parts = [part for channel in channels for part in _parts(channel)]
    topics = {part.topic for part in parts}
    frames = [snapshot(market, part, exponents=True) for part in parts if part.snapshot]
    snapshots = len(frames)
    for part in parts:
        watch(market, part, wanted=True)
    for _ in range(steps):
        frames += [event.frame for event in market.step() if event.topic in topics]
    for part in parts:
        watch(market, part, wanted=False)
    return Flood(channels, tuple(frames), snapshots)


def _parts(channel: Channel) -> list[Part]:
    """Give what a subscription to a channel asks for, symbol by symbol."""
    if channel.name not in MARKET_CHANNELS:
        raise ConfigurationError(
            field="channels",
            rule=f"must be those of a market, {channel.name} is not",
            mend=f"Choose among {', '.join(sorted(MARKET_CHANNELS))}",
        )
    trigger = channel.event_trigger or "trades" if channel.name == "ticker" else None
    return [
        Part(
            channel.name,
            symbol,
            depth=channel.depth,
            interval=channel.interval,
            event_trigger=trigger,
            snapshot=channel.snapshot,
            include_tokenized_assets=bool(channel.include_tokenized_assets),
        )
        for symbol in channel.symbols or (None,)
    ]


@asynccontextmanager
async def open_flood(
    flood: Flood,
    *,
    end: Literal["stay", "close"] = "stay",
    rate: float = 0,
    rules: ExchangeRules | None = None,
    seed: int = 0,
    ledger: int = 0,
) -> AsyncIterator[Replay]:
    """Open an exchange that sends a flood to each client, once that has subscribed to all of it.

    It sends ``rate`` frames a second, or with 0 as fast as the client reads: then the frames are
    ready as the socket takes them, and nothing is left to be made. Requests are answered as ever.
    At the end the connection stays, with heartbeats, or with ``end`` as ``close`` is closed with
    code 1000. The latest ``ledger`` frames that are sent are remembered.

    Raises ``ConfigurationError`` where ``rate`` is negative or no number.
    """
    offers = {
        (part.channel, part.symbol, part.interval): Offer(part.depth)
        for channel in flood.channels
        for part in _parts(channel)
    }
    doors: tuple[Door, ...] = tuple(
        "level3" if frame.startswith(_LEVEL3) else "public" for frame in flood.frames
    )
    script = Script((), flood.frames, frozenset(), offers, doors)
    venue = FileVenue(
        {door: (script.at(door),) for door in DOORS},
        at_once=False,
        close=end == "close",
        rate=rate,
        rules=rules or ExchangeRules(),
        seed=seed,
        ledger=ledger,
    )
    async with open_doors(lambda nursery: Replay(nursery, venue)) as replay:
        yield replay
