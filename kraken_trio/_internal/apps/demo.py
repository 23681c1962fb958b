"""The demonstration: a simulated exchange over TLS, and a feed of it, to look at.

Everything is real but the market: sockets, certificates, frames, checksums.
"""

from __future__ import annotations

from decimal import Decimal

import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Feed,
    FeedStatistics,
    Gap,
    KrakenConfig,
    StateChange,
    Subscription,
    Trade,
    open_kraken,
)
from kraken_trio.extended import TcpDial
from kraken_trio.testing import open_exchange

STEPS_PER_SECOND = 200.0
"""How fast the made-up market goes."""
LINE_EVERY_S = 1.0
"""How often a line is printed for each pair."""


class Tally:
    """What was seen of one pair."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.updates = 0
        self.trades = 0
        self.gaps = 0
        self.last: Decimal | None = None

    def add(self, item: object) -> None:
        """Count an item."""
        match item:
            case BookSnapshot() | BookUpdate():
                self.updates += 1
            case Trade():
                self.trades += 1
                self.last = item.price
            case Gap():
                self.gaps += 1


async def run_demo(*, seconds: float, symbols: tuple[str, ...], seed: int) -> bool:
    """Show the feed of a simulated exchange for a while; say whether every checksum was right."""
    tallies = {symbol: Tally() for symbol in symbols}
    async with open_exchange(seed=seed, rate=STEPS_PER_SECOND) as exchange:
        address = await exchange.listen()
        print(f"simulated exchange at {address.url}, TLS, seed {seed}: the market is made up")
        config = KrakenConfig.multi_pair(endpoint=address.url)
        async with open_kraken(config, dial=TcpDial(address.client_ssl_context)) as feed:
            feed.on(StateChange, _print_change)
            async with (
                feed.book(*symbols) as books,
                feed.trades(*symbols) as trades,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(_count, books, tallies)
                nursery.start_soon(_count, trades, tallies)
                nursery.start_soon(_print_lines, feed, tallies)
                await trio.sleep(seconds)
                statistics = feed.statistics()
                nursery.cancel_scope.cancel()
    return _sum_up(statistics, tallies)


def _print_change(change: StateChange) -> None:
    print(f"  {change.from_state.value} -> {change.to_state.value} ({change.trigger.value})")


async def _count(channel: Subscription[object], tallies: dict[str, Tally]) -> None:
    async for item in channel:
        symbol = getattr(item, "symbol", None)
        if symbol in tallies:
            tallies[symbol].add(item)


async def _print_lines(feed: Feed, tallies: dict[str, Tally]) -> None:
    """A line for each pair, every second."""
    while True:
        await trio.sleep(LINE_EVERY_S)
        for symbol, tally in tallies.items():
            best = feed.best_bid_ask(symbol)
            bid, ask = best or (None, None)
            print(
                f"  {symbol:10} bid {bid.price if bid else '-':>12} ask "
                f"{ask.price if ask else '-':>12} last {tally.last or '-':>12}  book updates "
                f"{tally.updates:6}  trades {tally.trades:5}  gaps {tally.gaps}"
            )


def _sum_up(statistics: FeedStatistics, tallies: dict[str, Tally]) -> bool:
    """The last lines; whether nothing was wrong."""
    gaps = sum(tally.gaps for tally in tallies.values())
    good = (
        statistics.checksums_failed == 0
        and statistics.faults == 0
        and gaps == 0
        and all(tally.updates for tally in tallies.values())
    )
    print(
        f"{statistics.frames} frames, {statistics.checksums_ok} checksums right, "
        f"{statistics.checksums_failed} wrong, {sum(t.trades for t in tallies.values())} trades, "
        f"{gaps} gaps, {statistics.faults} faulty frames: {'ok' if good else 'FAILED'}"
    )
    return good
