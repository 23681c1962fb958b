"""Who shares what: entering, leaving, and what everybody is told."""

from __future__ import annotations

import pytest
import trio

from kraken_trio import Channel, Feed, Gap, GapReason, Resync, SubscriptionError
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio.testing import Exchange

BOOK = Channel.book("BTC/USD", "ETH/USD")


async def test_what_is_active_is_said_symbol_by_symbol(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A channel is active when all its symbols are; one that was refused is not."""
    exchange.refusals["ETH/USD"] = "Currency pair not supported ETH/USD"
    sharing = feed._hub.public.sharing
    assert not sharing.active
    async with feed.subscribe(BOOK):
        assert sharing.active == (Channel.book("BTC/USD"),)
        assert sharing.is_active(Channel.book("BTC/USD"))
        assert not sharing.is_active(BOOK)
    assert not sharing.active


async def test_the_last_one_who_leaves_closes_the_route(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """As long as one is there, what it shares is."""
    sharing = feed._hub.public.sharing
    async with feed.subscribe(BOOK) as first:
        async with feed.subscribe(BOOK) as second:
            assert list(sharing) == [first, second]
        assert list(sharing) == [first]
        assert isinstance(sharing.route("book", "ETH/USD"), BookRoute)
    assert sharing.route("book", "ETH/USD") is None
    assert list(sharing) == []


async def test_what_lives_on_tickers_is_told_of_their_losses(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A spread and a ticker are one subscription of the exchange's, and two of ours."""
    whole: list[Resync] = []
    lost: list[Gap] = []
    feed.on(Resync, whole.append)
    feed.on(Gap, lost.append)
    async with feed.spread("BTC/USD"), feed.ticker("BTC/USD", event_trigger="bbo"):
        await trio.sleep(1)
        exchange.connections[0].drop()
        await trio.sleep(5)
    assert sorted(gap.channel for gap in lost) == ["spread", "ticker"]
    assert sorted(resync.channel for resync in whole) == ["spread", "ticker"]
    assert {(r.reason, r.symbol, r.duration_s > 0) for r in whole} == {
        (GapReason.DISCONNECT, "BTC/USD", True)
    }


async def test_nothing_is_entered_in_a_session_that_has_ended(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It would wait for ever; and after the block there is nobody to ask."""
    feed.connect()
    feed.disconnect()
    with pytest.raises(SubscriptionError, match="the session was ended"):
        await feed.subscribe(BOOK).__aenter__()
    late = feed.subscribe(BOOK)
    feed._hub.public.sharing.close()
    with pytest.raises(trio.ClosedResourceError, match="the feed's block was left"):
        await late.__aenter__()
