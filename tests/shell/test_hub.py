"""Who is told what happens in the sessions, and in which order."""

from __future__ import annotations

import trio

from kraken_trio import BookSnapshot, Channel, ConnectionState, Feed, StateChange
from kraken_trio.testing import Exchange


async def test_a_stream_of_events_begins_with_each_live_book(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Updates mean nothing without the book that they change; callbacks get what is new."""
    async with feed.book("BTC/USD", "ETH/USD") as book, feed.ticker("SOL/USD"):
        await book.receive_batch()
        called: list[BookSnapshot] = []
        feed.on(BookSnapshot, called.append)
        async with feed.events() as events:
            first = [events.receive_nowait() for _ in range(2)]
            assert sorted(item.symbol for item in first if isinstance(item, BookSnapshot)) == [
                "BTC/USD",
                "ETH/USD",
            ]
            assert all(item.local for item in first if isinstance(item, BookSnapshot))
        await trio.sleep(1)
        assert called == []


async def test_whoever_listens_may_stop_at_any_time(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Two streams are two; the one that is closed is told nothing more."""
    first, second = feed.events(), feed.events()
    feed.connect()
    first.close()
    await feed.wait_state(ConnectionState.SUBSCRIBED)
    seen = [item for item in await second.receive_batch() if isinstance(item, StateChange)]
    assert [change.to_state.value for change in seen] == ["connecting", "subscribing", "subscribed"]
    second.close()
    assert feed._hub._listeners == []


async def test_a_book_is_found_in_whatever_session_it_is(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """By any name of its pair; and nowhere when it was left."""
    async with feed.subscribe(Channel.book("BTC/USD"), drop_policy="block") as book:  # type: ignore[arg-type]
        await book.receive()
        assert feed.order_book("XBT/USD") is not None
    assert feed.order_book("XBT/USD") is None
