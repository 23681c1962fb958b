"""The library with books, trades and tickers of many pairs, as ``async for`` gives them.

``3 subscriptions`` is one for each channel, with all pairs; ``two for each pair`` is a subscription
to its book and one to its trades for each pair, and one to the tickers of all. Every one has a
consumer of its own, in a task of its own. See ``stopwatch``: what it counts are messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import trio

from kraken_trio import BookSnapshot, BookUpdate, Channel, Gap, KrakenConfig, open_kraken
from kraken_trio.extended import TcpDial
from stopwatch import Result, Told, Watch, passes, told


def channels(given: Told) -> Iterator[Channel]:
    """Give what is subscribed to."""
    symbols = given.symbols
    each = [(symbol,) for symbol in symbols] if given.name.startswith("two") else [tuple(symbols)]
    for some in each:
        yield Channel.book(*some, depth=given.depth)
        yield Channel.trades(*some)
    yield Channel.ticker(*symbols)


class Counter:
    """Counts what all consumers were handed."""

    def __init__(self, expected: int) -> None:
        """Count up to there."""
        self.expected = expected
        self.records = self.books = self.lost = 0
        self.entered = 0
        self.all_entered = trio.Event()
        self.all_handed = trio.Event()

    async def consume(self, subscription: Any, of: int) -> None:
        """Take everything, as it comes."""
        async with subscription as records:
            self.entered += 1
            if self.entered == of:
                self.all_entered.set()
            async for item in records:
                if type(item) is Gap:
                    self.lost += item.size or 1
                elif type(item) is not BookSnapshot:
                    self.records += 1
                    self.books += type(item) is BookUpdate
                if self.records + self.lost >= self.expected:
                    self.all_handed.set()


async def mixed(given: Told, url: str, count: int) -> Result:
    """Receive so many messages."""
    # A ticker begins with a snapshot, which is a record like any other.
    counter = Counter(given.records[count] + len(given.pairs))
    async with (
        open_kraken(KrakenConfig(endpoint=url), dial=TcpDial(given.context)) as feed,
        trio.open_nursery() as nursery,
    ):
        subscriptions = [feed.subscribe(channel) for channel in channels(given)]
        for subscription in subscriptions:
            nursery.start_soon(counter.consume, subscription, len(subscriptions))
        await counter.all_entered.wait()
        watch = Watch()
        await counter.all_handed.wait()
        result = watch.stop(count, verified=None, records=counter.records)
        statistics = feed.statistics()
        unverified = len(given.pairs) + counter.books - statistics.checksums_ok
        faults = statistics.checksums_failed + statistics.dropped + statistics.faults
        result["lost"] = counter.lost + counter.expected - counter.records + unverified + faults
        nursery.cancel_scope.cancel()
    return result


async def main(given: Told) -> None:
    """Run it."""
    await passes(given, mixed)


if __name__ == "__main__":
    trio.run(main, told())
