"""Follow the books of many pairs with one subscription, and show what is worth a look.

    python examples/many_pairs.py [--pairs N] [--seconds S] [--quote USD] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given. Which pairs
there are is asked of the exchange itself, by the channel ``instrument``.
"""

from __future__ import annotations

import argparse
import sys
import time
from decimal import Decimal
from typing import TypeGuard

import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Feed,
    Gap,
    InstrumentPair,
    KrakenConfig,
    KrakenError,
    open_kraken,
)
from kraken_trio.testing import Market, market_pairs, open_exchange

SHOWN = 5


def is_pair(item: object, quote: str) -> TypeGuard[InstrumentPair]:
    """Whether it is a pair that is traded for a currency, now."""
    return isinstance(item, InstrumentPair) and item.quote == quote and item.status == "online"


async def find_pairs(feed: Feed, quote: str, wanted: int) -> list[str]:
    """Give the first pairs that are traded for a currency, as the exchange lists them."""
    async with feed.instrument() as instruments:
        # The first message has all assets and pairs: what is there at once is that.
        pairs = [each for each in await instruments.receive_batch() if is_pair(each, quote)]
    return sorted(pair.symbol for pair in pairs)[:wanted]


async def follow(feed: Feed, symbols: list[str]) -> dict[str, Decimal]:
    """Keep the spread of each pair in hundredths of a percent, until cancelled."""
    spreads: dict[str, Decimal] = {}
    try:
        # One subscription for all: one buffer, in which updates of a pair become one while they
        # wait. So a consumer that is late is late by one update of each pair, and loses nothing.
        async with feed.book(*symbols, depth=10) as books:
            while True:
                for item in await books.receive_batch():  # All that waits, in one turn.
                    match item:
                        case Gap(symbol=str(symbol)):
                            spreads.pop(symbol, None)  # Not known, until its snapshot comes.
                        case BookSnapshot() | BookUpdate() if item.best_bid and item.best_ask:
                            bid, ask = item.best_bid.price, item.best_ask.price
                            spreads[item.symbol] = (ask - bid) / ask * 10_000
    finally:
        summary = feed.statistics()
        print(
            f"{summary.checksums_ok} books verified, {summary.checksums_failed} wrong, "
            f"{summary.coalesced} updates merged, {summary.dropped} records lost"
        )
        widest = sorted(spreads.items(), key=lambda each: each[1], reverse=True)[:SHOWN]
        for symbol, spread in widest:
            print(f"{symbol:12} {spread:10.2f} bps")


async def run(wanted: int, seconds: float, quote: str, *, live: bool) -> None:
    """Find the pairs, and follow them for a while."""
    market = None if live else Market(market_pairs(wanted), seed=1, start=time.time_ns())
    async with open_exchange(market, seed=1, rate=0 if live else 1000) as exchange:
        dial = None if live else exchange.dial
        # The preset for 10 to 50 pairs; for 100 and more there is aggregator().
        preset = KrakenConfig.multi_pair if wanted <= 50 else KrakenConfig.aggregator  # noqa: PLR2004
        async with open_kraken(preset(max_queue_depth=10_000), dial=dial) as feed:
            symbols = await find_pairs(feed, quote, wanted)
            print(f"{len(symbols)} pairs in {quote}")
            with trio.move_on_after(seconds):
                await follow(feed, symbols)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Follow the books of many pairs.")
    parser.add_argument("--pairs", type=int, default=50, metavar="N", help="at most")
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="how long")
    parser.add_argument("--quote", default="USD", help="the currency they are traded for")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.pairs, given.seconds, given.quote, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
