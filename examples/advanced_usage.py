"""Show how a larger program uses a feed: tasks, callbacks, errors, slow readers, an orderly end.

    python examples/advanced_usage.py [--seconds N] [--live | --endpoint URL]

It needs no account. A simulated exchange stands in for the real one, in memory, unless ``--live``
or an endpoint is given. It ends after N seconds, 10 unless given, or with Ctrl-C, and in either
case sums up.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from decimal import Decimal

import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    CallbackError,
    Channel,
    ConnectionState,
    DropPolicy,
    Feed,
    Gap,
    GapReason,
    KrakenConfig,
    KrakenError,
    ProtocolError,
    StateChange,
    Subscription,
    SubscriptionError,
    Ticker,
    open_kraken,
)
from kraken_trio.testing import open_exchange

PAIRS = ("BTC/USD", "ETH/USD")
LATER = "SOL/USD"
UNKNOWN = "NO/PAIR"


# 1. Callbacks: one task of the feed calls them, never its reader. They are here for what may
#    happen at any time, in whatever part of the program.


def log_change(change: StateChange) -> None:
    """Every transition of the connection comes here, and each has one cause."""
    print(f"state     {change.from_state.value} -> {change.to_state.value}: {change.trigger.value}")


def log_trouble(trouble: Gap | SubscriptionError | ProtocolError) -> None:
    """Each of these ends nothing but what it names: the feed goes on."""
    if isinstance(trouble, Gap) and trouble.local:
        return  # A reader of this program was too slow, and is told so itself.
    print(f"trouble   {trouble!r}")


class Averages:
    """Two callbacks for one type, one of them asynchronous."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.seen: Counter[str] = Counter()
        self.averages: dict[str, Decimal] = {}

    def count(self, ticker: Ticker) -> None:
        """Count. An ordinary function must be quick: others wait for it."""
        self.seen[ticker.symbol] += 1

    async def average(self, ticker: Ticker) -> None:
        """Keep a moving average. An async one may wait, for a database, say."""
        await trio.lowlevel.checkpoint()
        before = self.averages.get(ticker.symbol, ticker.last)
        self.averages[ticker.symbol] = before + (ticker.last - before) / 10


def fragile(ticker: Ticker) -> None:
    """A callback with a mistake. The feed isolates it: each failure is a ``CallbackError``."""
    raise ValueError(f"no idea what to do with {ticker.symbol}")


# 2. Streams: each has one reader, in a task of its own.


async def keep_book(
    book: Subscription[BookSnapshot | BookUpdate | Gap], counts: Counter[str]
) -> None:
    """Follow books. What was lost stands in the stream, in the very place where it is missing."""
    async for item in book:
        match item:
            case Gap(reason=GapReason.DISCONNECT | GapReason.CHECKSUM):
                # The book is not to be trusted. A fresh snapshot follows by itself.
                counts["books lost"] += 1
            case Gap():
                # We were too slow, say: a snapshot of the live book follows.
                counts["other gaps"] += 1
            case BookSnapshot():
                counts["snapshots"] += 1
            case BookUpdate():
                counts["updates"] += 1


async def read_slowly(feed: Feed, policy: DropPolicy) -> None:
    """Read more slowly than records come, with room for a few: the policy decides what is lost."""
    # The exchange is asked for these books once, however many subscriptions share them.
    channel = Channel.book(*PAIRS, depth=10)
    lost = 0
    async with feed.subscribe(channel, drop_policy=policy, max_queue_depth=5) as book:
        try:
            async for item in book:
                if isinstance(item, Gap):
                    lost += item.size or 0  # None where nobody can know.
                await trio.sleep(0.2)
        finally:
            records = book.statistics().records
            merged = records.coalesced if records else 0  # Nothing is missing of what was merged.
            print(f"slow      {policy.value}: {lost} records lost and told, {merged} merged")


# 3. What a program may do at any time.


async def join_later(feed: Feed) -> None:
    """Subscribe to something else, for as long as a block lasts."""
    await feed.wait_state(ConnectionState.SUBSCRIBED)
    async with feed.trades(LATER, snapshot=True) as trades:
        print(f"later     {await anext(trades.records())}")  # Without gaps: an explicit choice.
        print(f"later     subscribed: {feed.is_subscribed(Channel.trades(LATER))}")
    print(f"later     subscribed: {feed.is_subscribed(Channel.trades(LATER))}")


async def ask_for_too_much(feed: Feed) -> None:
    """A refused symbol leaves the others alone. It is raised only where none is left."""
    async with feed.book(PAIRS[0], UNKNOWN, depth=10) as book:
        (error,) = book.refused.values()
        print(f"refused   {error}; and yet {', '.join(book.statistics().live)} is live")
    try:
        async with feed.ticker(UNKNOWN):
            pass
    except SubscriptionError as error:
        print(f"refused   {error}")


async def start_anew(feed: Feed) -> None:
    """Hang up, and connect again: subscriptions stay, each with a gap where nothing came."""
    feed.disconnect()
    await feed.wait_state(ConnectionState.CLOSED)
    feed.connect()
    await feed.wait_state(ConnectionState.SUBSCRIBED)


async def end_on_ctrl_c(scope: trio.CancelScope) -> None:
    """End an ``async with`` block instead of being interrupted somewhere in it."""
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        await anext(aiter(signals))
        scope.cancel()


# 4. The whole.


async def run(config: KrakenConfig, seconds: float, *, live: bool) -> None:
    """Let all of this run side by side for a while, and sum up."""
    averages = Averages()
    counts: Counter[str] = Counter()
    # With "raise", the default, an error in a callback would end this block.
    async with (
        open_exchange(seed=1, rate=0 if live else 300) as exchange,  # Idle where it is not used.
        open_kraken(
            config, dial=None if live else exchange.dial, callback_errors="isolate"
        ) as feed,
    ):
        feed.on(StateChange, log_change)
        feed.on(Gap, log_trouble)
        feed.on(SubscriptionError, log_trouble)
        feed.on(ProtocolError, log_trouble)
        feed.on(Ticker, averages.count)
        feed.on(Ticker, averages.average)
        broken = feed.on(Ticker, fragile)

        def give_up(error: CallbackError) -> None:
            print(f"callback  {error.callback}: {error.exception}")
            broken.remove()

        feed.on(CallbackError, give_up)
        async with (
            feed.subscribe(Channel.ticker(*PAIRS), stream=False),  # For the callbacks alone.
            feed.book(*PAIRS, depth=10) as book,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(end_on_ctrl_c, nursery.cancel_scope)
                nursery.start_soon(keep_book, book, counts)
                nursery.start_soon(read_slowly, feed, DropPolicy.OLDEST)
                nursery.start_soon(read_slowly, feed, DropPolicy.COALESCE)
                await join_later(feed)
                await ask_for_too_much(feed)
                await start_anew(feed)
                await trio.sleep(seconds)
                nursery.cancel_scope.cancel()
            # Every task above has left its block; the feed is still there.
            sum_up(feed, counts, averages)


def sum_up(feed: Feed, counts: Counter[str], averages: Averages) -> None:
    """Say what there was."""
    for symbol in PAIRS:
        bid, ask = feed.best_bid_ask(symbol) or (None, None)  # None while the book is not live.
        print(f"best      {symbol}: {bid} / {ask}")
    print(f"active    {len(feed.active_subscriptions)} subscriptions, {feed.state.value}")
    print(f"books     {', '.join(f'{count} {name}' for name, count in counts.items())}")
    print(f"tickers   {averages.seen.total()}, averages of {', '.join(averages.averages)}")
    statistics = feed.statistics()
    print(
        f"checksums {statistics.checksums_ok} right, {statistics.checksums_failed} wrong, "
        f"in {statistics.frames} frames; {statistics.faults} faulty"
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Show how a larger program uses a feed.")
    parser.add_argument("--seconds", type=float, default=10, metavar="N", help="how long")
    parser.add_argument("--live", action="store_true", help="at the exchange itself")
    parser.add_argument("--endpoint", metavar="URL", help="at another one")
    given = parser.parse_args(arguments)
    live = given.live or bool(given.endpoint)
    overrides = {"endpoint": given.endpoint} if given.endpoint else {}
    try:
        # Asynchronous callbacks for one record run at once, beside each other.
        config = KrakenConfig.from_env(concurrent_callbacks=True, max_attempts=5, **overrides)
        trio.run(lambda: run(config, given.seconds, live=live))
    except KrakenError as error:  # ConfigurationError, or RetriesExhausted after five attempts.
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
