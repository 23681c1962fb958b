"""Show what happens in one market: tickers, trades, and a verified order book.

    python examples/basic_usage.py [SYMBOL] [--count N] [--live | --endpoint URL]

It needs no account. A simulated exchange stands in for the real one, in memory, unless ``--live``
or an endpoint is given. It ends after N records of each kind, 10 unless given.
"""

from __future__ import annotations

import argparse
import sys

import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Gap,
    KrakenConfig,
    KrakenError,
    Subscription,
    Ticker,
    Trade,
    open_kraken,
)
from kraken_trio.testing import open_exchange

Item = Ticker | Trade | BookSnapshot | BookUpdate | Gap


def show(item: Item) -> None:
    """Print one line. All prices and quantities are ``Decimal``, exact to the digit."""
    match item:
        case Ticker():
            print(f"ticker  {item.symbol}  last {item.last:f}  24 h {item.change_pct:f} %")
        case Trade():
            # As in "0.00000005": str() would make it 5E-8, the same number in other words.
            print(f"trade   {item.symbol}  {item.side} {item.qty:f} at {item.price:f}")
        case BookSnapshot() | BookUpdate():
            # The best levels as they stood right after this update; its checksum was right.
            print(f"book    {item.symbol}  {item.best_bid} / {item.best_ask}")
        case Gap():
            # Something was lost here. After the gap of a book a fresh snapshot follows.
            print(f"gap     {item}")


async def follow(subscription: Subscription[Item], count: int) -> None:
    """Show the next ``count`` items, then stop."""
    for _ in range(count):
        show(await subscription.receive())


async def run(config: KrakenConfig, symbol: str, count: int, *, live: bool) -> None:
    """Subscribe to three channels of a pair, and follow them side by side."""
    # open_kraken returns at once: the first subscription connects. Entering a subscription
    # waits until the exchange has confirmed it, and raises SubscriptionError where it refuses.
    async with (
        open_exchange(seed=1, rate=0 if live else 200) as exchange,  # Idle where it is not used.
        open_kraken(config, dial=None if live else exchange.dial) as feed,
        feed.ticker(symbol) as tickers,
        feed.trades(symbol, snapshot=True) as trades,  # The latest 50 first, then new ones.
        feed.book(symbol, depth=10) as book,
        trio.open_nursery() as nursery,
    ):
        for subscription in (tickers, trades, book):
            nursery.start_soon(follow, subscription, count)
    # Here everything has ended: no task is left running, and no socket open.
    print("done")


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Show what happens in one market.")
    parser.add_argument("symbol", nargs="?", default="BTC/USD")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="records of each kind")
    parser.add_argument("--live", action="store_true", help="at the exchange itself")
    parser.add_argument("--endpoint", metavar="URL", help="at another one")
    given = parser.parse_args(arguments)
    live = given.live or bool(given.endpoint)
    # Every setting can stand in the environment or in a file .env; what is given here wins.
    overrides = {"endpoint": given.endpoint} if given.endpoint else {}
    try:
        config = KrakenConfig.from_env(**overrides)
        trio.run(lambda: run(config, given.symbol, given.count, live=live))
    except KrakenError as error:  # The root of all errors of this library.
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
