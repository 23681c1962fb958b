"""The programs whose start is measured: they import what they need and no more.

    python start_clients.py first URL SYMBOL BEGAN
    python start_clients.py cold URL ORDERS PAIRS
    python start_clients.py memory URL KIND COUNT DEPTH MEASURE

Each prints one line of JSON. ``first``: the first record of a book, in seconds since BEGAN, the
moment on the monotonic clock at which the process was asked for. ``cold``: books and trades of all
pairs from nothing. ``memory``: what the process takes, ``resident`` or ``traced``, when so many are
live: books of one subscription, or subscriptions.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import trio

from kraken_trio import (
    BookSnapshot,
    Feed,
    FeedStatistics,
    Gap,
    KrakenConfig,
    Subscription,
    open_kraken,
)

IMPORTED = time.monotonic()


async def first(url: str, symbol: str, began: float) -> dict[str, float]:
    """From the process, and from the feed, to the first record."""
    opened = time.monotonic()
    async with open_kraken(KrakenConfig(endpoint=url)) as feed, feed.book(symbol) as book:
        item = await book.receive()
        there = time.monotonic()
        if type(item) is not BookSnapshot or feed.statistics().checksums_ok < 1:
            sys.exit(f"that is no verified snapshot: {item}")
    return {
        "process_s": there - began,
        "imported_s": IMPORTED - began,
        "opened_s": there - opened,
    }


class ColdStart:
    """Books and trades of all pairs, entered at once, while the market goes on."""

    def __init__(self, symbols: list[str]) -> None:
        """Begin now."""
        self._symbols = symbols
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._figures: dict[str, float] = {}
        self._books = trio.Event()
        self._trades = trio.Event()

    async def run(self, feed: Feed) -> dict[str, float]:
        """Wait until all are live, and say how long that took."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._take_books, feed)
            nursery.start_soon(self._take_trades, feed)
            await self._books.wait()
            await self._trades.wait()
            figures = {
                **self._figures,
                "live_s": time.monotonic() - self._wall,
                "cpu_s": time.process_time() - self._cpu,
            }
            _check(feed.statistics(), 2 * len(self._symbols))
            nursery.cancel_scope.cancel()
        return figures

    async def _take_books(self, feed: Feed) -> None:
        missing = set(self._symbols)
        async with feed.book(*self._symbols) as books:
            while True:
                for item in await books.receive_batch():
                    if type(item) is BookSnapshot:
                        missing.discard(item.symbol)
                    elif type(item) is Gap:
                        sys.exit(f"something was lost at the start: {item}")
                if not (missing or self._books.is_set()):
                    self._figures["books_s"] = time.monotonic() - self._wall
                    self._books.set()

    async def _take_trades(self, feed: Feed) -> None:
        async with feed.trades(*self._symbols) as trades:
            self._figures["trades_s"] = time.monotonic() - self._wall
            self._trades.set()
            while True:
                await trades.receive_batch()


def _check(statistics: FeedStatistics, wanted: int) -> None:
    """End the benchmark unless all is live, and nothing was lost or wrong."""
    live = sum(len(each.live) for each in statistics.subscriptions)
    if live != wanted or statistics.checksums_failed or statistics.gaps or statistics.faults:
        sys.exit(f"not all is live and whole: {live} of {wanted}, {statistics}")


async def cold(url: str, orders: int, pairs: int) -> dict[str, float]:
    """Start from nothing; imports are not counted."""
    from kraken_trio.extended import Observer
    from kraken_trio.testing import market_pairs
    from stage import Director

    asked: list[float] = []

    class Requests(Observer):
        """Notes when something is asked for."""

        def frame_sent(self, *_: object) -> None:
            asked.append(time.monotonic())

    symbols = [pair.symbol for pair in market_pairs(pairs)]
    director = Director(orders)
    director("play")
    theirs = director("cpu")
    start, began = ColdStart(symbols), time.monotonic()
    config = KrakenConfig.aggregator(endpoint=url)
    async with open_kraken(config, observers=[Requests()]) as feed:
        figures = await start.run(feed)
        until = began + figures["live_s"]
        requests = [at for at in asked if at < until]  # Without those that end it all.
        return {
            **figures,
            "server_cpu_s": director("cpu") - theirs,
            "requests": len(requests),
            "requests_s": requests[-1] - requests[0],
            "connected_s": requests[0] - began,
        }


class Holding:
    """What is held until it is weighed."""

    def __init__(self, subscriptions: list[Subscription[Any]], snapshots: int) -> None:
        """Each of the subscriptions begins with so many snapshots."""
        self._subscriptions = subscriptions
        self._snapshots = snapshots
        self._missing = len(subscriptions)
        self._there = trio.Event()

    async def enter(self, nursery: trio.Nursery) -> None:
        """Have them all live."""
        for subscription in self._subscriptions:
            nursery.start_soon(self._hold, subscription)
        await self._there.wait()

    async def _hold(self, subscription: Subscription[Any]) -> None:
        async with subscription:
            for _ in range(self._snapshots):
                await subscription.receive()
            self._missing -= 1
            if not self._missing:
                self._there.set()
            await trio.sleep_forever()


async def memory(url: str, kind: str, count: int, depth: int, measure: str) -> dict[str, int]:
    """What the process takes when ``count`` books, or subscriptions of one symbol, are live."""
    import gc
    import tracemalloc

    from kraken_trio.testing import market_pairs

    symbols = [pair.symbol for pair in market_pairs(count)]
    if measure == "traced":
        tracemalloc.start()
    config = KrakenConfig.aggregator(endpoint=url)
    async with open_kraken(config) as feed, trio.open_nursery() as nursery:
        if kind == "book":
            await Holding([feed.book(*symbols, depth=depth)], count).enter(nursery)
        else:
            await Holding([feed.trades(symbol) for symbol in symbols], 0).enter(nursery)
        gc.collect()
        await trio.sleep(0.1)
        _check(feed.statistics(), count)
        traced, _ = tracemalloc.get_traced_memory()
        result = {"resident_bytes": resident_bytes(), "traced_bytes": traced}
        nursery.cancel_scope.cancel()
    return result


def resident_bytes() -> int:
    """The resident memory of this process: it needs the /proc of Linux."""
    import resource
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def main(words: list[str]) -> None:
    """Run one of them to its end."""
    result: object
    match words:
        case ["first", url, symbol, began]:
            result = trio.run(first, url, symbol, float(began))
        case ["cold", url, orders, pairs]:
            result = trio.run(cold, url, int(orders), int(pairs))
        case ["memory", url, kind, count, depth, measure]:
            result = trio.run(memory, url, kind, int(count), int(depth), measure)
        case _:
            sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
