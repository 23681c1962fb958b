"""The clients that lose something, and have it again.

    python recovery_clients.py cut URL ORDERS PAIRS
    python recovery_clients.py resync URL ORDERS PAIRS BOOKS

Each prints one line of JSON. ``cut`` has books and trades of all pairs, loses its connection, and
waits until all are live again. ``resync`` has the checksum of one busy book after the other spoiled
(one that fails again and again would be asked for after longer and longer pauses, and given up),
and looks at what becomes of that book and of all others. Trades are counted by their numbers, and
updates of the other books by what was sent, so that nothing is missed that nobody told of.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    ConnectionState,
    DropPolicy,
    Feed,
    Gap,
    GapReason,
    KrakenConfig,
    Restored,
    Resync,
    StateChange,
    Trade,
    open_kraken,
)
from kraken_trio.extended import Observer
from kraken_trio.testing import market_pairs
from stage import Director

WARM_UP_S, AFTERWARDS_S, BETWEEN_S = 2.0, 1.0, 0.3
PATIENCE_S = 60.0


class Witness(Observer):
    """Notes what a feed tells about itself."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.restored_s: float | None = None
        self.restored_at = 0.0
        self.resyncs: list[Resync] = []
        self.states: list[tuple[float, ConnectionState]] = []

    def restored(self, restored: Restored) -> None:
        """All that was lost with a connection is there again."""
        self.restored_s = restored.duration_s
        self.restored_at = time.monotonic()

    def resync(self, session: str, resync: Resync) -> None:  # noqa: ARG002 - there is one
        """One book is."""
        self.resyncs.append(resync)

    def state_changed(self, change: StateChange) -> None:
        """The session goes on."""
        self.states.append((time.monotonic(), change.to_state))

    def reached(self, state: ConnectionState, since: float) -> float:
        """When it was first in this state after a moment."""
        return min(at for at, each in self.states if each is state and at >= since)


class Consumer:
    """Takes everything, and sees whether something is missing."""

    def __init__(self, symbols: list[str]) -> None:
        """Of these pairs."""
        self._symbols = symbols
        self.live: dict[str, float] = {}
        """When each book was given as a whole, since its last gap."""
        self.updates = Counter[str]()
        """Of each book, without those of its snapshots."""
        self.trades = Counter[str]()
        """Of each pair; each of them once and in order."""
        self.gaps: list[Gap] = []
        self.longest_pause_s = 0.0
        """Between two reads of books, since this was last set to 0."""
        self._last_ids: dict[str, int] = {}
        self._confirmed = trio.Event()

    async def enter(self, feed: Feed, nursery: trio.Nursery) -> None:
        """Have all live."""
        nursery.start_soon(self._take_books, feed)
        nursery.start_soon(self._take_trades, feed)
        await self._confirmed.wait()
        await until(self.all_live)

    def all_live(self) -> bool:
        """Whether each book is there."""
        return len(self.live) == len(self._symbols)

    async def _take_books(self, feed: Feed) -> None:
        async with feed.book(*self._symbols) as books:
            last = time.monotonic()
            while True:
                batch = await books.receive_batch()
                now = time.monotonic()
                self.longest_pause_s = max(self.longest_pause_s, now - last)
                last = now
                for item in batch:
                    if type(item) is BookUpdate:
                        self.updates[item.symbol] += 1
                    elif type(item) is BookSnapshot:
                        self.live[item.symbol] = now
                    elif type(item) is Gap:
                        self.gaps.append(item)
                        self.live.pop(str(item.symbol), None)

    async def _take_trades(self, feed: Feed) -> None:
        async with feed.trades(*self._symbols) as trades:
            self._confirmed.set()
            while True:
                for item in await trades.receive_batch():
                    if type(item) is Trade:
                        last = self._last_ids.get(item.symbol, item.trade_id - 1)
                        if item.trade_id != last + 1:
                            sys.exit(f"after the trade {last} came {item}")
                        self._last_ids[item.symbol] = item.trade_id
                        self.trades[item.symbol] += 1
                    elif type(item) is Gap:
                        self.gaps.append(item)


async def until(condition: Callable[[], bool]) -> None:
    """Look every millisecond."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - nobody tells of what is counted
            await trio.sleep(0.001)


def check(feed: Feed, wrong: list[Gap], spoiled: int) -> None:
    """End the benchmark where more was lost or wrong than is meant to be."""
    statistics = feed.statistics()
    counted = (statistics.checksums_failed, statistics.faults, statistics.dropped)
    if wrong or counted != (spoiled, 0, 0):
        sys.exit(f"more was lost than was taken away: {wrong[:3]} {statistics.gaps} {counted}")


async def cut(url: str, orders: int, pairs: int) -> dict[str, Any]:
    """Lose the connection, once."""
    symbols = [pair.symbol for pair in market_pairs(pairs)]
    director, witness, consumer = Director(orders), Witness(), Consumer(symbols)
    config = KrakenConfig.aggregator(endpoint=url, drop_policy=DropPolicy.OLDEST)
    director("play")
    async with open_kraken(config, observers=[witness]) as feed, trio.open_nursery() as nursery:
        await consumer.enter(feed, nursery)
        await trio.sleep(WARM_UP_S / 2)
        wall, cpu = time.monotonic(), time.process_time()
        await trio.sleep(WARM_UP_S / 2)
        usual = (time.process_time() - cpu) / (time.monotonic() - wall)
        before, known = feed.statistics(), Counter(consumer.trades)
        theirs, cpu = director("cpu"), time.process_time()
        began = director("cut")
        await until(lambda: witness.restored_s is not None)
        await until(lambda: all(at > began for at in consumer.live.values()))
        await until(consumer.all_live)
        cpu, theirs = time.process_time() - cpu, director("cpu") - theirs
        frames = feed.statistics().frames - before.frames
        await trio.sleep(AFTERWARDS_S)
        # Where no trade was seen before, nobody can say how many were missed: that is told, too.
        books = [gap for gap in consumer.gaps if gap.channel == "book"]
        wrong = [
            gap
            for gap in consumer.gaps
            if gap.reason is not GapReason.DISCONNECT
            or (gap.channel == "trade" and known[str(gap.symbol)])
        ]
        check(feed, wrong, 0)
        if len(books) != pairs or feed.statistics().connections != before.connections + 1:
            sys.exit(f"{len(books)} gaps of books, {feed.statistics().connections} connections")
        if consumer.trades.total() == known.total():
            sys.exit("no trade came after the cut")
        nursery.cancel_scope.cancel()
    noticed = witness.reached(ConnectionState.DEGRADED, began)
    dialled = witness.reached(ConnectionState.CONNECTING, began)
    connected = witness.reached(ConnectionState.SUBSCRIBING, began)
    return {
        "restored_s": witness.restored_s,
        "live_s": max(witness.restored_at, *consumer.live.values()) - began,
        "books_s": max(consumer.live.values()) - began,
        "noticed_s": noticed - began,
        "paused_s": dialled - noticed,
        "connected_s": connected - dialled,
        "subscribed_s": witness.reached(ConnectionState.SUBSCRIBED, began) - connected,
        "cpu_s": cpu,
        "usual_cpu": usual,
        "server_cpu_s": theirs,
        "frames": frames,
        "server_late_s": director("late"),
    }


async def resync(url: str, orders: int, pairs: int, count: int) -> dict[str, Any]:
    """Have one book after the other spoiled, once each."""
    symbols = [pair.symbol for pair in market_pairs(pairs)]
    director, witness, consumer = Director(orders), Witness(), Consumer(symbols)
    config = KrakenConfig.aggregator(endpoint=url, drop_policy=DropPolicy.OLDEST)
    figures: dict[str, list[float]] = {
        "live_s": [],
        "pause_s": [],
        "usual_pause_s": [],
        "others": [],
    }
    director("play")
    async with open_kraken(config, observers=[witness]) as feed, trio.open_nursery() as nursery:
        await consumer.enter(feed, nursery)
        await trio.sleep(WARM_UP_S)
        for number, symbol in enumerate(symbols[:count], 1):
            consumer.longest_pause_s = 0.0
            seen = consumer.updates.total() - consumer.updates[symbol]
            director(f"corrupt {symbol}")
            await until(lambda number=number: len(consumer.gaps) == number)  # type: ignore[misc]
            began = director("spoiled")
            await until(consumer.all_live)
            figures["live_s"].append(consumer.live[symbol] - began)
            figures["pause_s"].append(consumer.longest_pause_s)
            figures["others"].append(consumer.updates.total() - consumer.updates[symbol] - seen)
            consumer.longest_pause_s = 0.0
            await trio.sleep(BETWEEN_S)
            figures["usual_pause_s"].append(consumer.longest_pause_s)
        await _all_sent(director)
        wrong = [gap for gap in consumer.gaps if gap.reason is not GapReason.CHECKSUM]
        check(feed, wrong, count)
        told = director("told")
        sent = {symbol: told.get(f"book {symbol}", 0) for symbol in symbols[count:]}
        if missing := [name for name, number in sent.items() if consumer.updates[name] != number]:
            sys.exit(f"lost without a gap: updates of {len(missing)} books, as {missing[:5]}")
        nursery.cancel_scope.cancel()
    return {
        **figures,
        "resync_s": [resync.duration_s for resync in witness.resyncs],
        "counted": sum(sent.values()),
        "server_late_s": director("late"),
    }


async def _all_sent(director: Director) -> None:
    """Wait until nothing more is sent, and what was is here."""
    told = None
    while told != (told := director("told")):  # noqa: ASYNC110 - it is asked in another process
        await trio.sleep(BETWEEN_S)


def main(words: list[str]) -> None:
    """Run one of them to its end."""
    match words:
        case ["cut", url, orders, pairs]:
            result = trio.run(cut, url, int(orders), int(pairs))
        case ["resync", url, orders, pairs, books]:
            result = trio.run(resync, url, int(orders), int(pairs), int(books))
        case _:
            sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
