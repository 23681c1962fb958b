"""A bot, and its tests against the simulated exchange: a market for each, and no waiting.

    python examples/testing_your_bot.py             run the tests
    python examples/testing_your_bot.py --live      let the bot watch the exchange for a while

Needs pytest and pytest-trio. ``kraken_exchange`` and ``kraken_feed`` are fixtures of this library's
plugin, which pytest finds by itself; ``autojump_clock`` and ``nursery`` are those of pytest-trio.
"""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest
import trio
import trio.testing

from kraken_trio import BookSnapshot, BookUpdate, Feed, Gap, GapReason, KrakenConfig, open_kraken
from kraken_trio.testing import Exchange

SYMBOL = "BTC/USD"
LIVE_S = 10


# 1. The bot. What decides waits for nothing, so it can be tried without a feed, too.


class Bot:
    """It wants to sell where the market is at a price or above, and nothing while it is blind."""

    def __init__(self, price: Decimal) -> None:
        """It has seen nothing, and wants nothing."""
        self.price = price
        self.blind = True
        self.bid: Decimal | None = None

    @property
    def wants_to_sell(self) -> bool:
        """What it decides."""
        return not self.blind and self.bid is not None and self.bid >= self.price

    def take(self, item: BookSnapshot | BookUpdate | Gap) -> None:
        """Look at what came."""
        match item:
            case Gap():
                self.blind = True
            case BookSnapshot() | BookUpdate():  # None comes between a gap and its snapshot.
                self.blind = False
                self.bid = item.best_bid.price if item.best_bid else None

    async def run(self, feed: Feed) -> None:
        """Watch the book for ever."""
        async with feed.book(SYMBOL) as book:
            async for item in book:
                self.take(item)


# 2. Its tests.


def best_bid(exchange: Exchange) -> Decimal:
    """What a client that missed nothing must know by now."""
    return exchange.market.book(SYMBOL, 10).bids[0].price


@pytest.mark.trio
async def test_it_sees_what_the_exchange_has(
    kraken_exchange: Exchange,
    kraken_feed: Feed,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """After a hundred steps of the market, which take no time."""
    bot = Bot(Decimal(0))
    nursery.start_soon(bot.run, kraken_feed)
    await trio.sleep(1)
    kraken_exchange.step(100)
    await trio.sleep(1)
    assert bot.bid == best_bid(kraken_exchange)
    assert bot.wants_to_sell


@pytest.mark.trio
async def test_it_wants_nothing_while_it_is_blind(
    kraken_exchange: Exchange,
    kraken_feed: Feed,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A wrong checksum blinds it, the next snapshot opens its eyes."""
    bot = Bot(Decimal(0))
    nursery.start_soon(bot.run, kraken_feed)
    await trio.sleep(1)
    kraken_exchange.refusals[SYMBOL] = None  # Whoever asks anew gets no answer, for now.
    kraken_exchange.connections[0].corrupt_next_book(SYMBOL)
    kraken_exchange.step(20)
    await trio.sleep(1)
    while_blind = bot.wants_to_sell
    del kraken_exchange.refusals[SYMBOL]
    await trio.sleep(60)  # It is asked for again by itself.
    assert (while_blind, bot.wants_to_sell) == (False, True)
    assert bot.bid == best_bid(kraken_exchange)


def test_what_decides_needs_no_feed() -> None:
    """A gap is enough."""
    bot = Bot(Decimal(0))
    bot.take(Gap("book", SYMBOL, GapReason.CHECKSUM))
    assert not bot.wants_to_sell


# 3. The bot alone.


async def watch() -> None:
    """Let it watch the exchange itself."""
    bot = Bot(Decimal(0))
    async with open_kraken(KrakenConfig.from_env()) as feed:
        with trio.move_on_after(LIVE_S):
            await bot.run(feed)
    print(f"the last bid that it saw: {bot.bid}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--live"]:
        trio.run(watch)
    else:
        sys.exit(pytest.main(["-q", __file__]))
