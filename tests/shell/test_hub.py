"""Who is told what happens in the sessions, and in which order."""

from __future__ import annotations

import pytest
import trio

from kraken_trio import (
    BookSnapshot,
    Channel,
    ConnectionState,
    Feed,
    RequestError,
    Restored,
    StateChange,
)
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


async def test_how_long_a_feed_was_without_its_data_is_told(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """One figure, from the loss to the last subscription that is live again."""
    async with feed.book("BTC/USD", "ETH/USD"), feed.trades("BTC/USD"), feed.events() as events:
        exchange.connections[0].drop()
        began = trio.current_time()
        event: object = None
        while not isinstance(event, Restored):
            event = await events.receive()
        assert event.session == "public"
        assert 0 < event.duration_s <= trio.current_time() - began
        assert len(feed.active_subscriptions) == 3


async def test_a_refusal_that_answers_nothing_is_an_event(
    autojump_clock: trio.abc.Clock,
    feed: Feed,
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The exchange says that we are too fast, and not what it refused."""
    refused: list[RequestError] = []
    feed.on(RequestError, refused.append)
    async with feed.book("BTC/USD"):
        exchange.connections[0].send_rate_refusal()
        await trio.sleep(1)
    (error,) = refused
    assert (error.method, error.reason) == ("request", "Exceeded msg rate")
    assert "refused: public: request: Exceeded msg rate" in caplog.text


async def test_a_book_is_found_in_whatever_session_it_is(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """By any name of its pair; and nowhere when it was left."""
    async with feed.subscribe(Channel.book("BTC/USD"), drop_policy="block") as book:  # type: ignore[arg-type]
        await book.receive()
        assert feed.order_book("XBT/USD") is not None
    assert feed.order_book("XBT/USD") is None
