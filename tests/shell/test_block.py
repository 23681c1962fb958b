"""A channel that makes its reader wait, and the session that it has to itself."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from kraken_trio import (
    Channel,
    ConnectionState,
    DropPolicy,
    Feed,
    Gap,
    GapReason,
    Heartbeat,
    HighWater,
    KrakenConfig,
    StateChange,
    Trade,
    open_kraken,
)
from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.shell.block import BlockingChannel, PacedBlockingChannel
from kraken_trio._internal.shell.channel import Pressure
from kraken_trio.testing import Exchange, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)
TRADES = Channel.trades("BTC/USD", "ETH/USD")


def channel(capacity: int = 4) -> BlockingChannel[Gap]:
    """Give one with room for so many."""
    return BlockingChannel(Buffer(capacity, DropPolicy.BLOCK), Pressure())


async def test_a_reader_waits_until_half_of_the_room_is_free(autojump_clock: object) -> None:
    """However the consumer receives; and what was put is all there."""
    made, told = channel(), list[str]()
    for number in range(5):
        assert (made.pause() is None) == (number < 4)
        made.put(Gap("book", str(number), GapReason.STALLED))
    pause = made.pause()
    assert pause is not None

    async def reader() -> None:
        await pause()
        told.append("goes on")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.testing.wait_all_tasks_blocked()
        await made.receive()
        made.receive_nowait()
        await trio.testing.wait_all_tasks_blocked()
        assert not told
        assert len(await made.receive_batch(1)) == 1
        await trio.testing.wait_all_tasks_blocked()
        assert told == ["goes on"]
    assert len(await made.receive_batch()) == 2
    assert made.pause() is None


async def test_a_loop_makes_room_too(autojump_clock: object) -> None:
    """As every other way of receiving."""
    made = channel()
    for number in range(5):
        made.put(Gap("book", str(number), GapReason.STALLED))
    pause = made.pause()
    assert pause is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pause)
        await trio.testing.wait_all_tasks_blocked()
        received = 0
        async for _ in made:
            received += 1
            assert bool(nursery.child_tasks) or received > 3
            if received == 3:
                made.end()
    assert received == 5


async def test_whoever_waits_for_what_is_not_read_is_told(autojump_clock: object) -> None:
    """Each time that the reader is to stop, and not before."""
    made, told = channel(1), list[None]()
    made.when_full = lambda: told.append(None)
    assert (made.pause(), told) == (None, [])
    made.put(Gap("book", "BTC/USD", GapReason.STALLED))
    assert (made.pause() is None, told) == (False, [None])


async def test_nobody_waits_for_a_consumer_that_has_left(autojump_clock: object) -> None:
    """Closed while the reader waits, or before."""
    made = channel(1)
    made.put(Gap("book", "BTC/USD", GapReason.STALLED))
    pause = made.pause()
    assert pause is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pause)
        await trio.testing.wait_all_tasks_blocked()
        made.close()
    assert made.pause() is None


async def test_there_may_be_room_again_before_the_reader_waits(autojump_clock: object) -> None:
    """Then it does not wait for something that has happened."""
    made = channel(1)
    made.put(Gap("book", "BTC/USD", GapReason.STALLED))
    pause = made.pause()
    assert pause is not None
    made.receive_nowait()
    with trio.fail_after(1):
        await pause()


async def test_nothing_is_lost_however_slow_the_consumer_is(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """It receives a trade every three seconds for minutes, and every number is there."""
    async with (
        open_kraken(CONFIG, dial=exchange.dial) as feed,
        feed.subscribe(TRADES, drop_policy=DropPolicy.BLOCK, max_queue_depth=4) as trades,
    ):
        assert feed.states == {
            "public": ConnectionState.DISCONNECTED,
            "block 1": ConnectionState.SUBSCRIBED,
        }
        numbers: dict[str, list[int]] = {"BTC/USD": [], "ETH/USD": []}
        for _ in range(80):
            item = await trades.receive()
            assert isinstance(item, Trade)
            numbers[item.symbol].append(item.trade_id)
            await trio.sleep(3)
        for found in numbers.values():
            assert found == list(range(found[0], found[0] + len(found)))
        statistics = trades.statistics().records
        assert statistics is not None
        assert (statistics.dropped, statistics.high_water < 60) == (0, True)
        assert feed.statistics().connections == 1


async def test_a_reader_waits_for_what_the_rate_holds_back(autojump_clock: object) -> None:
    """One a second is given at most, so room for half of four takes a second."""
    made = PacedBlockingChannel[Gap | Heartbeat](Buffer(4, DropPolicy.BLOCK), Pressure(), rate=1)
    for _ in range(4):
        made.put(Heartbeat())
    pause = made.pause()
    assert pause is not None
    began = trio.current_time()
    went_on: list[float] = []

    async def reader() -> None:
        await pause()
        went_on.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        assert len(await made.receive_batch()) == 1
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            made.receive_nowait()
        await made.receive()
    assert went_on == [pytest.approx(1, abs=0.1)]
    assert (made.pause(), made.statistics().buffered) == (None, 2)


async def test_a_rate_holds_up_the_exchange_and_loses_nothing(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """Two a second for a minute, without a hole; and others are warned that it is slow."""
    warnings: list[HighWater] = []
    async with open_kraken(CONFIG, dial=exchange.dial) as feed:
        feed.on(HighWater, warnings.append)
        numbers: dict[str, list[int]] = {"BTC/USD": [], "ETH/USD": []}
        async with feed.subscribe(
            TRADES, drop_policy=DropPolicy.BLOCK, max_queue_depth=10, max_messages_per_second=2
        ) as trades:
            began = trio.current_time()
            for _ in range(120):
                item = await trades.receive()
                assert isinstance(item, Trade)
                numbers[item.symbol].append(item.trade_id)
            assert 58 < trio.current_time() - began < 80
        for found in numbers.values():
            assert found == list(range(found[0], found[0] + len(found)))
        assert feed.statistics().dropped == 0
    assert (warnings[0].channel, warnings[0].capacity) == ("trade", 10)


async def test_a_slow_consumer_holds_nobody_else_up(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """It has a connection of its own; the others do not even see its records."""
    seen: list[object] = []
    feed.on(Trade, seen.append)
    async with feed.subscribe(TRADES, drop_policy=DropPolicy.BLOCK, max_queue_depth=1) as slow:
        assert feed.is_subscribed(TRADES)
        async with feed.book("BTC/USD") as book:
            await trio.sleep(20)
            assert len(exchange.connections) == 2
            assert len(await book.receive_batch()) > 100
            assert len(feed.active_subscriptions) == 3
        assert isinstance(await slow.receive(), Trade)
        assert not seen
    assert feed.states.keys() == {"public"}
    await trio.sleep(3)
    assert [connection.number for connection in exchange.connections] == [2]
    assert feed.statistics().connections == 2


async def test_a_cut_of_its_connection_is_told_to_everybody(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Its gaps and transitions are events, and it comes back like any other."""
    told: list[object] = []
    feed.on(Gap, told.append)
    feed.on(StateChange, told.append)
    channel = Channel.ticker("BTC/USD")
    async with feed.subscribe(channel, drop_policy=DropPolicy.BLOCK) as tickers:
        await tickers.receive()
        exchange.connections[0].drop()
        while not isinstance(await tickers.receive(), Gap):
            pass
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="block 1")
        await trio.sleep(1)
    assert sum(isinstance(item, Gap) for item in told) == 1
    assert {item.session for item in told if isinstance(item, StateChange)} == {"block 1"}


@pytest.mark.parametrize("how", ["leaves", "is cancelled", "raises"])
async def test_leaving_while_the_reader_waits_is_bounded(
    autojump_clock: trio.abc.Clock, how: str
) -> None:
    """Nothing is left of its session."""
    error = ZeroDivisionError("mine")
    async with open_exchange(seed=1, rate=1000) as exchange:
        began = trio.current_time()
        with trio.CancelScope() as scope, suppress(ZeroDivisionError):
            async with (
                open_kraken(CONFIG, dial=exchange.dial) as feed,
                feed.subscribe(TRADES, drop_policy=DropPolicy.BLOCK, max_queue_depth=1),
            ):
                await trio.sleep(5)
                began = trio.current_time()
                if how == "raises":
                    raise error
                if how == "is cancelled":
                    scope.cancel()
        assert trio.current_time() - began <= 2.0
        await trio.sleep(3)
        assert not exchange.connections
