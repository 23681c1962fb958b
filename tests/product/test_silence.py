"""Acknowledged, and silent: the exchange confirms, the connection lives, one symbol never comes.

Each test lets the simulated exchange keep one subscription from us while everything else on the
connection goes on, and watches what a program is told of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio import (
    BookSnapshot,
    Channel,
    ConnectionState,
    DropPolicy,
    Feed,
    Gap,
    GapReason,
    KrakenConfig,
    Resync,
    StateChange,
    SubscriptionError,
    open_kraken,
)
from kraken_trio.testing import Exchange, ExchangeConnection, ExchangeRules, open_exchange

START = 1_790_000_000 * 10**9
BOTH = pytest.mark.parametrize("protocol", ["v2", "v1"])
BTC, ETH = "BTC/USD", "ETH/USD"


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[tuple[Exchange, Feed]]:
    """Open an exchange that stands still, and a feed to it that has all the patience it needs."""
    rules = ExchangeRules(idle_timeout_s=None)
    config = KrakenConfig(**{"timeout": 10.0, "max_queue_depth": 5000, **settings})
    async with (
        open_exchange(seed=7, rules=rules) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
    ):
        yield exchange, feed


def peer(exchange: Exchange) -> ExchangeConnection:
    """Give the one client of the exchange."""
    (only,) = exchange.connections
    return only


def waiting(channel: Any) -> list[Any]:
    """Take all that waits."""
    items: list[Any] = []
    while True:
        try:
            items.append(channel.receive_nowait())
        except trio.WouldBlock:
            return items


async def pass_time(exchange: Exchange, seconds: int, *, steps: int = 10) -> None:
    """Let the market go on for some seconds."""
    for _ in range(seconds):
        exchange.step(steps)
        await trio.sleep(1)


@BOTH
async def test_a_book_that_is_kept_from_us_is_found_while_others_flow(
    autojump_clock: trio.testing.MockClock, protocol: str
) -> None:
    """The one symbol is told, mended by its own snapshot, and live again; nothing else stops."""
    async with (
        opened(protocol=protocol) as (exchange, feed),
        feed.events() as events,
        feed.book(BTC) as silent,
        feed.book(ETH) as flowing,
    ):
        peer(exchange).stall("book", BTC)
        await pass_time(exchange, 90)
        items = waiting(silent)
        gaps = [item for item in items if isinstance(item, Gap)]
        assert [(gap.symbol, gap.reason) for gap in gaps] == [(BTC, GapReason.STALLED)]
        after = items[items.index(gaps[0]) + 1]
        assert isinstance(after, BookSnapshot)
        assert len(items) > items.index(gaps[0]) + 10  # and it flows again
        assert not [item for item in waiting(flowing) if isinstance(item, Gap)]
        book, mine = exchange.market.book(BTC, 10), feed.order_book(BTC)
        assert mine is not None
        assert (mine.bids, mine.asks) == (book.bids, book.asks)
        told = waiting(events)
        assert gaps[0] in told
        (resync,) = [item for item in told if isinstance(item, Resync)]
        assert (resync.symbol, resync.reason) == (BTC, GapReason.STALLED)
        assert 60 <= resync.duration_s <= 90
        assert feed.statistics().gaps == {GapReason.STALLED: 1}
        states = [item for item in told if isinstance(item, StateChange)]
        assert states[-1].to_state is ConnectionState.SUBSCRIBED
        assert feed.statistics().connections == 1


@BOTH
async def test_a_busy_book_is_not_mistaken_for_one_that_moved_just_now(
    autojump_clock: trio.testing.MockClock, protocol: str
) -> None:
    """A market that never rests moves while we are gone, too; that is not what was missed."""
    rules = ExchangeRules(idle_timeout_s=None, snapshot_delay_s=0.4)
    config = KrakenConfig(protocol=protocol, timeout=10.0, max_queue_depth=5000)
    async with (
        open_exchange(seed=7, rules=rules, rate=100) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
        feed.book(BTC) as book,
    ):
        await trio.sleep(1)
        waiting(book)
        peer(exchange).stall("book", BTC)
        await trio.sleep(90)
        first, second, *_ = waiting(book)
        assert (first.reason, second.local) == (GapReason.STALLED, False)
        assert feed.statistics().gaps == {GapReason.STALLED: 1}


async def test_quiet_markets_cost_nothing_that_is_seen(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Nothing happens in an hour: each symbol is probed, and nobody is told anything."""
    async with opened(buffer_size=8192) as (exchange, feed), feed.events() as events:
        channels = (
            Channel.book(BTC, ETH),
            Channel.ticker(BTC, event_trigger="bbo"),
            Channel.ticker(ETH),
            Channel.spread(BTC),
            Channel.trades(BTC),
            Channel.ohlc(BTC),
            Channel.instrument(),
        )
        async with trio.open_nursery() as nursery:
            for channel in channels:
                await nursery.start(hold, feed, channel)
            requests = len(peer(exchange).requests)
            waiting(events)
            await trio.sleep(4000)
            assert {type(item).__name__ for item in waiting(events)} == {"Heartbeat"}
            assert feed.statistics().gaps == {}
            assert len(peer(exchange).requests) > requests + 2 * len(channels)
            assert feed.statistics().connections == 1
            nursery.cancel_scope.cancel()


async def hold(feed: Feed, channel: Channel, task_status: Any) -> None:
    """Stay subscribed."""
    async with feed.subscribe(channel, stream=False):
        task_status.started()
        await trio.sleep_forever()


@pytest.mark.parametrize("channel", [Channel.trades(BTC), Channel.trades(BTC, snapshot=True)])
async def test_trades_that_are_kept_from_us_come_late_and_complete(
    channel: Channel, autojump_clock: trio.testing.MockClock
) -> None:
    """Acknowledged, and not one delivered: with a lone subscription only a probe can tell."""
    async with opened(silent_after=10.0) as (exchange, feed), feed.subscribe(channel) as trades:
        peer(exchange).stall("trade", BTC)
        began = len(exchange.market.trades(BTC))
        await pass_time(exchange, 90)
        items = waiting(trades)
        (gap,) = [item for item in items if isinstance(item, Gap)]
        assert (gap.reason, gap.size) == (GapReason.STALLED, 0)
        made = [trade.trade_id for trade in exchange.market.trades(BTC)]
        late = items[items.index(gap) + 1 :]
        assert [trade.trade_id for trade in late] == made[began:]
        before = items[: items.index(gap)]
        assert [trade.trade_id for trade in before] == (made[:began] if channel.snapshot else [])


@BOTH
@pytest.mark.parametrize("complete", [True, False])
async def test_one_that_stays_silent_is_given_up_and_the_others_go_on(
    complete: bool, protocol: str, autojump_clock: trio.testing.MockClock
) -> None:
    """Asked for anew, with pauses, as often as is bounded: then it ends with its error."""
    async with (
        opened(protocol=protocol) as (exchange, feed),
        feed.book(ETH) as other,
        feed.events() as events,
    ):
        if not complete:
            peer(exchange).silence("book", BTC)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pass_time, exchange, 2000)
            with pytest.raises(SubscriptionError, match=r"BTC/USD.*in 5 attempts"):
                async with feed.book(BTC) as book:
                    peer(exchange).silence("book", BTC)
                    async for _ in book:
                        pass
            nursery.cancel_scope.cancel()
        stalls = [item for item in waiting(events) if isinstance(item, Gap)]
        assert {(gap.symbol, gap.reason) for gap in stalls} == {(BTC, GapReason.STALLED)}
        waiting(other)
        await pass_time(exchange, 5)
        assert waiting(other)
        assert feed.statistics().connections == 1


@pytest.mark.parametrize(
    "channel",
    [
        Channel.ticker(BTC),
        Channel.spread(BTC),
        Channel.trades(BTC, snapshot=True),
        Channel.ohlc(BTC),
    ],
)
async def test_what_shows_nothing_any_more_is_no_quiet_market(
    channel: Channel, autojump_clock: trio.testing.MockClock
) -> None:
    """It had something to show before; where not even a probe brings that, it is told and ends."""
    async with opened(silent_after=10.0) as (exchange, feed), feed.events() as events:
        with pytest.raises(SubscriptionError, match="in 5 attempts"):
            async with feed.subscribe(channel) as items:
                await items.receive_batch()
                wire = "ticker" if channel.name == "spread" else channel.name
                peer(exchange).silence(wire, BTC)
                async for item in items:
                    assert isinstance(item, Gap)
        gaps = [item for item in waiting(events) if isinstance(item, Gap)]
        assert {(gap.channel, gap.reason) for gap in gaps} == {(channel.name, GapReason.STALLED)}
        assert feed.statistics().connections == 1


@BOTH
async def test_who_does_not_read_takes_nobody_for_silent(
    autojump_clock: trio.testing.MockClock, protocol: str
) -> None:
    """A consumer of Block that rests for long: no probe, no lost connection, no gap; and where
    the connection breaks meanwhile, the answers that wait for it are awaited.
    """
    block: dict[str, Any] = {"drop_policy": DropPolicy.BLOCK, "max_queue_depth": 5}
    async with (
        opened(silent_after=5.0, timeout=5.0, protocol=protocol) as (exchange, feed),
        feed.subscribe(Channel.book(BTC), **block) as slow,
    ):
        await pass_time(exchange, 200)
        assert sum(b"book" in request for request in peer(exchange).requests) == 1
        items = [await slow.receive() for _ in range(50)]
        assert not [item for item in items if isinstance(item, Gap)]
        await pass_time(exchange, 100, steps=5)
        peer(exchange).drop()
        while not isinstance(await slow.receive(), Gap):
            pass
        await trio.sleep(100)
        assert isinstance(await slow.receive(), BookSnapshot)
        assert feed.statistics().connections == 2
