"""A subscription: what entering waits for, what it gives, how it ends."""

from __future__ import annotations

import pytest
import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Channel,
    Feed,
    Gap,
    SubscriptionError,
    Trade,
)
from kraken_trio.testing import Exchange


async def test_entering_waits_for_every_symbol(autojump_clock: trio.abc.Clock, feed: Feed) -> None:
    """When the block begins, each symbol is live."""
    async with feed.book("BTC/USD", "ETH/USD") as book:
        assert book.statistics().live == ("BTC/USD", "ETH/USD")
        assert feed.is_subscribed(book.channel)
        first = [await book.receive() for _ in range(2)]
        assert {item.symbol for item in first} == {"BTC/USD", "ETH/USD"}
        assert all(isinstance(item, BookSnapshot) for item in first)
        assert isinstance(await book.receive(), BookUpdate)
    assert not feed.is_subscribed(book.channel)


async def test_one_refused_symbol_leaves_the_others(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """The refusal stands on the subscription, and is an event."""
    async with feed.events() as events, feed.trades("BTC/USD", "NO/PE") as trades:
        assert trades.statistics().live == ("BTC/USD",)
        assert str(trades.refused["NO/PE"]) == "trade NO/PE: Currency pair not supported NO/PE"
        assert trades.statistics().refused == ("NO/PE",)
        assert isinstance(await trades.receive(), Trade)
        async for event in events:
            if isinstance(event, SubscriptionError):
                assert event is trades.refused["NO/PE"]
                break


async def test_when_no_symbol_is_left_entering_raises(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Only then is the refusal raised, and nothing remains of the subscription."""
    with pytest.raises(SubscriptionError, match="Currency pair not supported NO/PE"):
        async with feed.book("NO/PE"):
            raise AssertionError
    assert feed.active_subscriptions == ()
    assert feed.statistics().subscriptions == ()


async def test_a_cancelled_entry_leaves_nothing(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A subscription that is not answered, and given up by the user, is left again."""
    exchange.refusals["BTC/USD"] = None
    with trio.move_on_after(1) as scope:
        async with feed.book("BTC/USD"):
            raise AssertionError
    assert scope.cancelled_caught
    assert feed.statistics().subscriptions == ()
    del exchange.refusals["BTC/USD"]
    async with feed.book("BTC/USD") as book:
        assert isinstance(await book.receive(), BookSnapshot)


async def test_records_leaves_the_gaps_out(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Iterating over records alone is an explicit choice."""
    async with feed.book("BTC/USD") as book:
        snapshots = 0
        async for record in book.records():
            assert not isinstance(record, Gap)
            if isinstance(record, BookSnapshot):
                snapshots += 1
                if snapshots == 2:
                    break
                exchange.connections[0].corrupt_next_book("BTC/USD")


async def test_receiving_in_all_its_forms(autojump_clock: trio.abc.Clock, feed: Feed) -> None:
    """One by one, without waiting, and all that is there."""
    async with feed.trades("BTC/USD", snapshot=True) as trades:
        first = await trades.receive()
        assert isinstance(first, Trade)
        batch = await trades.receive_batch(5)
        assert [item.trade_id for item in batch if isinstance(item, Trade)] == [
            first.trade_id + number for number in range(1, 6)
        ]
        await trades.receive_batch()
        with pytest.raises(trio.WouldBlock):
            trades.receive_nowait()
        statistics = trades.statistics().records
        assert statistics is not None
        assert (statistics.buffered, statistics.dropped) == (0, 0)
    with pytest.raises(trio.ClosedResourceError):
        await trades.receive()


async def test_one_without_a_stream_only_feeds_callbacks(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It has no channel, and says so."""
    got: list[Trade] = []
    feed.on(Trade, got.append)
    async with feed.subscribe(Channel.trades("BTC/USD"), stream=False) as silent:
        await trio.sleep(5)
        with pytest.raises(RuntimeError, match="stream=False"):
            await silent.receive()
        assert silent.statistics().records is None
    assert got


async def test_a_subscription_is_entered_once(autojump_clock: trio.abc.Clock, feed: Feed) -> None:
    """A second use is an error, and harms nobody."""
    book = feed.book("BTC/USD")
    async with book:
        with pytest.raises(RuntimeError, match="entered before"):
            await book.__aenter__()
        assert isinstance(await book.receive(), BookSnapshot)
    await book.aclose()


async def test_an_error_after_the_start_is_raised_when_all_is_received(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A subscription that the exchange refuses after a reconnect ends with its words."""
    async with feed.trades("BTC/USD", snapshot=True) as trades:
        first = await trades.receive()
        assert isinstance(first, Trade)
        exchange.refusals["BTC/USD"] = "Currency pair not supported BTC/USD"
        exchange.connections[0].drop()
        received = 1
        with pytest.raises(SubscriptionError, match="not supported BTC/USD"):
            while True:
                await trades.receive()
                received += 1
        assert received >= 50
    assert feed.active_subscriptions == ()


async def test_a_subscription_has_a_task_of_its_own_while_it_lasts(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It can be seen in the task tree, and is gone afterwards."""

    def names() -> list[str]:
        root = trio.lowlevel.current_root_task()
        assert root is not None
        tasks, found = [root], []
        while tasks:
            task = tasks.pop()
            found.append(task.name)
            for nursery in task.child_nurseries:
                tasks += nursery.child_tasks
        return [name for name in found if name.startswith("subscription")]

    async with feed.book("BTC/USD"):
        assert names() == ["subscription book 10 BTC/USD"]
    await trio.testing.wait_all_tasks_blocked()
    assert names() == []
