"""Shared subscriptions: counted, ended with the last who wants them, refused in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import trio

from kraken_trio import Channel, ConfigurationError, Feed, open_kraken
from kraken_trio._internal.apps.pairs import DEPTH, Pairs, spelled
from kraken_trio._internal.apps.view.view import View
from kraken_trio.testing import Exchange, open_exchange

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

BTC, ETH = "BTC/USD", "ETH/USD"


class Shown(NamedTuple):
    """All that there is."""

    exchange: Exchange
    feed: Feed
    view: View
    pairs: Pairs


@asynccontextmanager
async def shown() -> AsyncIterator[Shown]:
    """Open pairs of a feed of an exchange in memory."""
    async with open_exchange(seed=1, rate=100) as exchange:
        view = View(lambda: 0, url="")
        async with (
            open_kraken(dial=exchange.dial, observers=[view]) as feed,
            trio.open_nursery() as nursery,
        ):
            with trio.fail_after(100):
                yield Shown(exchange, feed, view, Pairs(feed, view, nursery))
            nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():  # noqa: ASYNC110 - nobody tells
        await trio.sleep(0.05)


async def test_a_pair_is_subscribed_to_once_for_all(autojump_clock: object) -> None:
    """However many want it; it is left with the last of them, and forgotten."""
    async with shown() as all_:
        for _ in range(3):
            all_.pairs.want(BTC)
        await until(lambda: len(all_.feed.active_subscriptions) == 3)
        assert {channel.name for channel in all_.pairs.channels} == {"ticker", "trade", "book"}
        assert all_.feed.is_subscribed(Channel.book(BTC, depth=DEPTH))
        pair = all_.view.pairs[BTC]
        await until(lambda: pair.ticker and len(pair.tape) >= 50)
        for _ in range(2):
            all_.pairs.leave(BTC)
        await trio.sleep(1)
        assert len(all_.feed.active_subscriptions) == 3
        all_.pairs.leave(BTC)
        await until(lambda: not all_.exchange.connections[0].subscriptions)
        assert all_.view.pairs == {}
        assert all_.pairs.channels == ()
        assert not all_.feed.active_subscriptions


async def test_a_pair_that_is_wanted_again_at_once_is_shown_again(autojump_clock: object) -> None:
    """Also while it is being left."""
    async with shown() as all_:
        for _ in range(5):
            all_.pairs.want(BTC)
            await until(lambda: len(all_.feed.active_subscriptions) == 3)
            all_.pairs.leave(BTC)
        all_.pairs.want(BTC)
        await until(lambda: all_.feed.order_book(BTC))
        await until(lambda: all_.view.pairs[BTC].trade_count)


async def test_candles_come_and_go_by_interval(autojump_clock: object) -> None:
    """Those that nobody looks at are forgotten, the others stay."""
    async with shown() as all_:
        all_.pairs.want(BTC)
        for interval in (1, 1, 5):
            all_.pairs.want_candles(BTC, interval)
        pair = all_.view.pairs[BTC]
        await until(lambda: set(pair.candles) == {1, 5})
        all_.pairs.leave_candles(BTC, 1)
        all_.pairs.leave_candles(BTC, 5)
        assert set(pair.candles) == {1}
        all_.pairs.leave(BTC)
        all_.pairs.leave_candles(BTC, 1)
        assert all_.pairs.channels == ()


async def test_instruments_are_known_while_somebody_wants_to_know(autojump_clock: object) -> None:
    """And not kept when they may be out of date."""
    async with shown() as all_:
        all_.pairs.want_instruments()
        all_.pairs.want_instruments()
        await until(lambda: all_.view.statuses.get(BTC) == "online")
        all_.pairs.leave_instruments()
        assert all_.view.statuses
        all_.pairs.leave_instruments()
        assert all_.view.statuses == {}


async def test_a_pair_that_the_exchange_refuses_is_told(autojump_clock: object) -> None:
    """With its reason; the others live on, and nobody asks again."""
    async with shown() as all_:
        told: list[tuple[str, str]] = []
        all_.pairs.want("NO/NO")
        await trio.sleep(1)
        all_.pairs.leave("NO/NO")
        all_.pairs.refused = lambda symbol, reason: told.append((symbol, reason))
        all_.pairs.want("NO/NO")
        all_.pairs.want(ETH)
        await until(lambda: len(told) == 3 and all_.feed.order_book(ETH))
        assert set(told) == {("NO/NO", "Currency pair not supported NO/NO")}
        await trio.sleep(60)
        assert len(told) == 3


async def test_instruments_that_are_refused_for_good_are_not_asked_for_again(
    autojump_clock: object,
) -> None:
    """Before somebody comes anew; nobody is told, for it is about no pair."""
    async with shown() as all_:
        told: list[str] = []
        all_.pairs.refused = lambda symbol, _: told.append(symbol)
        all_.exchange.refusals["instrument"] = "EGeneral:Permission denied"
        all_.pairs.want_instruments()
        await trio.sleep(60)
        assert len([line for line in all_.view.chronicle.since(0) if line["kind"] == "error"]) == 1
        all_.pairs.leave_instruments()
        del all_.exchange.refusals["instrument"]
        all_.pairs.want_instruments()
        await until(lambda: all_.view.statuses.get(BTC) == "online")
        assert told == []


async def test_what_is_refused_for_a_while_is_asked_for_again(autojump_clock: object) -> None:
    """Until it is granted; nobody is told."""
    async with shown() as all_:
        told: list[str] = []
        all_.pairs.refused = lambda symbol, _: told.append(symbol)
        all_.exchange.refusals[BTC] = "EService:Unavailable"
        all_.pairs.want(BTC)
        await trio.sleep(5)
        assert all_.feed.active_subscriptions == ()
        assert any(line["symbol"] == BTC for line in all_.view.chronicle.since(0))
        del all_.exchange.refusals[BTC]
        await until(lambda: all_.feed.order_book(BTC))
        await until(lambda: len(all_.feed.active_subscriptions) == 3)
        assert told == []


@pytest.mark.parametrize(
    "word, symbol",
    [("btc/usd", BTC), (" ETH/USD ", ETH), ("XBT/USD", BTC), ("xdg/eur", "DOGE/EUR")],
)
def test_a_pair_is_spelled_as_the_exchange_does(word: str, symbol: str) -> None:
    """Whatever letters, and the old names."""
    assert spelled(word) == symbol


@pytest.mark.parametrize(
    "word", ["", "BTC", "BTC/", "/USD", "A/B/C", "BTC USD", "B\x00C/USD", "🚀/USD"]
)
def test_what_is_no_pair_is_refused(word: str) -> None:
    """Before anybody asks the exchange."""
    with pytest.raises(ConfigurationError):
        spelled(word)
