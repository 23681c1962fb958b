"""A recording of our own, played by a simulated exchange to a live feed: the same comes again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import (
    Channel,
    ClockSkew,
    Gap,
    Heartbeat,
    HighWater,
    KrakenConfig,
    LatencyAlert,
    ObserverSlow,
    Restored,
    Resync,
    StateChange,
    SystemStatus,
    open_kraken,
)
from kraken_trio.extended import open_recorder
from kraken_trio.testing import Exchange, open_exchange, open_replay

CHANNELS = (
    Channel.book("BTC/USD", "ETH/USD"),
    Channel.trades("BTC/USD", snapshot=True),
    Channel.ticker("BTC/USD"),
    Channel.ohlc("ETH/USD"),
    Channel.executions(),
    Channel.balances(),
    Channel.level3("SOL/USD"),
)
OF_CONNECTIONS = (
    *(ClockSkew, HighWater, LatencyAlert, ObserverSlow),
    *(Heartbeat, Resync, Restored, StateChange),
)
"""What is told beside the records."""
CLOCKS = "received_at", "from_time", "to_time"
"""What differs from run to run: when something came."""


def plain(items: Iterable[Any]) -> dict[str, list[Any]]:
    """Give what came, in its order for each channel and symbol, without when it came."""
    found: dict[str, list[Any]] = {}
    for item in items:
        if not isinstance(item, OF_CONNECTIONS):
            timeless = {name: None for name in CLOCKS if hasattr(item, name)}
            found.setdefault(_about(item), []).append(replace(item, **timeless))
    return found


def _about(item: Any) -> str:
    """What it is of; sessions are not in step, so statuses are told apart by their connections."""
    if isinstance(item, SystemStatus):
        return f"status {item.connection_id}"
    name = item.channel if isinstance(item, Gap) else type(item).__name__
    kinds = {"Trade": "trade", "Ticker": "ticker", "Candle": "ohlc", "Execution": "executions"}
    for begin, channel in (("Book", "book"), ("Level3", "level3"), ("Balance", "balances")):
        name = channel if name.startswith(begin) else name
    symbol = None if name in {"executions", "Execution"} else getattr(item, "symbol", None)
    return f"{kinds.get(name, name)} {symbol}"


def busy(exchange: Exchange) -> None:
    """Let something become of the account."""
    account = exchange.account
    account.deposit("USD", Decimal(100_000))
    placed, _ = account.place("BTC/USD", "buy", Decimal("0.1"), Decimal(50_000))
    account.fill(placed.order_id, Decimal("0.04"))


async def record(path: Path, **ways: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Record a run in which every connection is lost, each more than once; give all that came."""
    found: list[Any] = []
    async with open_exchange(seed=6, rate=60) as exchange:
        config = KrakenConfig(
            api_key=exchange.api_key, api_secret=exchange.api_secret, jitter=0.0, buffer_size=10**5
        )
        async with (
            open_recorder(path, config=config, sent=True, **ways) as recorder,
            open_kraken(
                config, dial=exchange.dial, rest=exchange.rest, observers=[recorder]
            ) as feed,
            feed.events() as events,
            trio.open_nursery() as nursery,
        ):
            for channel in CHANNELS:
                nursery.start_soon(_stay, feed.subscribe(channel, stream=False))
            for _ in range(3):
                await trio.sleep(10)
                busy(exchange)
                await trio.sleep(10)
                for connection in exchange.connections:
                    connection.drop()
            await trio.sleep(10)
            busy(exchange)
            await trio.sleep(10)
            found += await events.receive_batch()
            nursery.cancel_scope.cancel()
        return found, recorder.statistics().parts


async def quiet(exchange: Exchange) -> None:
    """Let nothing be under way: what comes while a connection ends is nobody's."""
    for connection in exchange.connections:
        connection.hold()
    await trio.sleep(1)


async def _stay(subscription: Any) -> None:
    async with subscription:
        await trio.sleep_forever()


@pytest.mark.parametrize("speed", [1, 20, None])
@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
async def test_the_same_comes_again(
    tmp_path: Path, autojump_clock: trio.abc.Clock, name: str, speed: float | None
) -> None:
    """Of the public, the private and the level3 session, each at its own door, over all parts, with
    each lost connection in its place: the same records, and the same gaps.
    """
    recorded, parts = await record(tmp_path / name, rotate_bytes=40_000)
    assert len(parts) > 3
    again: list[Any] = []
    async with open_replay(*parts, speed=speed) as exchange:
        assert exchange.doors == {"public", "private", "level3"}
        config = KrakenConfig(
            api_key=exchange.api_key, api_secret=exchange.api_secret, jitter=0.0, buffer_size=10**5
        )
        async with (
            open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
            feed.events() as events,
            trio.open_nursery() as nursery,
        ):
            for channel in exchange.channels:
                nursery.start_soon(_stay, feed.subscribe(channel, stream=False))
            with trio.fail_after(600):
                while exchange.ended < exchange.doors:
                    again += await events.receive_batch()
            with trio.move_on_after(1):
                while True:
                    again += await events.receive_batch()
            nursery.cancel_scope.cancel()
    before, after = plain(recorded), plain(again)
    assert {key: len(items) for key, items in after.items()} == {
        key: len(items) for key, items in before.items()
    }
    assert after == before
    lost = Counter(item.reason for item in recorded if isinstance(item, Gap))
    assert sum(lost.values()) > 10
