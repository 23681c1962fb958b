"""A session and its keeper of one subscription."""

from __future__ import annotations

import math

import pytest
import trio

from kraken_trio import Channel, ConnectionState, DropPolicy, Feed, SubscriptionError
from kraken_trio._internal.shell.session import LateSession
from kraken_trio.testing import Exchange

BOOK = Channel.book("BTC/USD")


async def test_a_session_of_one_s_own_lasts_as_long_as_the_subscription(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """It begins with entering, and its name is never used again."""
    for number in (1, 2):
        subscription = feed.subscribe(BOOK, drop_policy=DropPolicy.BLOCK)
        assert list(feed.states) == ["public"]
        async with subscription:
            assert feed.states[f"block {number}"] is ConnectionState.SUBSCRIBED
            await feed.wait_state(ConnectionState.SUBSCRIBED, session=f"block {number}")
        assert list(feed.states) == ["public"]


async def test_what_cannot_be_entered_leaves_no_session(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Refused by the exchange, its session has ended."""
    exchange.refusals["BTC/USD"] = "Currency pair not supported BTC/USD"
    with pytest.raises(SubscriptionError, match="not supported"):
        await feed.subscribe(BOOK, drop_policy=DropPolicy.BLOCK).__aenter__()
    assert list(feed.states) == ["public"]
    await trio.sleep(3)
    assert not exchange.connections


async def test_disconnect_and_connect_are_for_all_sessions(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The subscription stays, and comes back."""
    async with feed.subscribe(BOOK, drop_policy=DropPolicy.BLOCK):
        feed.disconnect()
        assert feed.states["block 1"] is ConnectionState.CLOSED
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="block 1")
        assert feed.is_subscribed(BOOK)


async def test_a_keeper_without_a_session_waits_for_nothing(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Before it was entered, and when it was left."""
    keeper = LateSession(lambda: pytest.fail("not to begin"), lambda _: pytest.fail("nor to end"))
    subscription = feed.subscribe(BOOK)
    assert keeper.deadline(subscription) == math.inf
    keeper.tick()
    keeper.leave(subscription)
