"""A book as a ladder: what rests at each price, what is before it, and what an order would cost.

    python examples/order_book_ladder.py [SYMBOL] [--levels N] [--count N] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given. Every ladder
is of a book whose checksum was right in that very moment; where there is none, nothing is shown.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal

import trio

from kraken_trio import BookSnapshot, KrakenConfig, KrakenError, open_kraken
from kraken_trio.extended import depth_ladder, imbalance, market_order, microprice
from kraken_trio.testing import open_exchange

EVERY_S = 0.5


def show(book: BookSnapshot, levels: int, qty: Decimal) -> None:
    """Print both sides, the worst ask on top, and what there is to say about them."""
    print(f"\n{book.symbol}  {'price':>14} {'qty':>18} {'all before it':>18}")
    for rung in reversed(depth_ladder(book, "asks", levels)):
        print(f"    ask  {rung.price:>14f} {rung.qty:>18f} {rung.total_qty:>18f}")
    for rung in depth_ladder(book, "bids", levels):
        print(f"    bid  {rung.price:>14f} {rung.qty:>18f} {rung.total_qty:>18f}")
    # All of this is exact until something is divided, which is rounded to 34 digits.
    middle, leaning = microprice(book), imbalance(book, levels)
    if middle is not None and leaning is not None:
        print(f"microprice {middle:.4f}, imbalance {leaning:+.3f}")
    cost = market_order(book, "buy", qty)
    if cost.complete:
        print(
            f"buying {qty} costs {cost.cost:.2f}, {cost.slippage_bps:.3f} bps worse than the best"
        )
    else:
        print(f"of {qty} only {cost.filled} can be bought in these {book.depth} levels")


async def run(symbol: str, levels: int, count: int, *, live: bool) -> None:
    """Follow a book, and show how it stands every half second."""
    async with open_exchange(seed=1, rate=0 if live else 200) as exchange:
        dial = None if live else exchange.dial  # None is the way to the exchange itself.
        # A screen wants the present and not each step to it: updates are merged while none is read.
        config = KrakenConfig(drop_policy="coalesce", coalesce_window=0.1)
        async with open_kraken(config, dial=dial) as feed, feed.book(symbol, depth=100):
            while count:
                await trio.sleep(EVERY_S)
                book = feed.order_book(symbol)  # None while it is not live and verified.
                if book is not None:
                    show(book, levels, Decimal(1))
                    count -= 1


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Show a book as a ladder.")
    parser.add_argument("symbol", nargs="?", default="BTC/USD")
    parser.add_argument("--levels", type=int, default=5, metavar="N", help="of each side")
    parser.add_argument("--count", type=int, default=3, metavar="N", help="ladders to show")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.symbol, given.levels, given.count, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
