"""A drill: your consumer, and everything that can go wrong, until it is proved that it copes.

    python examples/chaos_drill.py [--faults N] [--seed N] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given: the same
trouble then comes between this program and the exchange itself. Exit code 1 if what the consumer
believes in the end is not so.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal

import trio

from kraken_trio import BookSnapshot, BookUpdate, Gap, KrakenConfig, KrakenError, open_kraken
from kraken_trio.extended import TcpDial
from kraken_trio.testing import Chaos, chaos, open_exchange

SYMBOL = "BTC/USD"
FAULTS = (
    "drop",
    "duplicate",
    "reorder",
    "truncate",
    "corrupt_checksum",
    "unknown_channel",
    "cut_in_frame",
    "close_1006",
    "close_1012",
)
"""Those that pass quickly; without ``faults``, ``chaos`` has all that there are."""

Levels = dict[Decimal, Decimal]


class Keeper:
    """The consumer under test: it keeps a book of its own, by the rules of the stream."""

    def __init__(self) -> None:
        """Nothing is known."""
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.known = False
        self.gaps = 0

    def take(self, item: BookSnapshot | BookUpdate | Gap) -> None:
        """Take what comes: after a gap nothing is believed before a snapshot."""
        match item:
            case Gap():
                self.known = False
                self.gaps += 1
            case BookSnapshot():
                self.bids = {level.price: level.qty for level in item.bids}
                self.asks = {level.price: level.qty for level in item.asks}
                self.known = True
            case BookUpdate():
                for side, levels in ((self.bids, item.bids), (self.asks, item.asks)):
                    for level in levels:
                        side[level.price] = level.qty
                        if not level.qty:
                            del side[level.price]

    def best(self) -> tuple[Decimal, Decimal]:
        """The best bid and ask that it believes in."""
        return max(self.bids), min(self.asks)


async def drill(trouble: Chaos, faults: int) -> bool:
    """Let so many faults happen, then calm, and compare with the verified book."""
    keeper = Keeper()
    # Less patience than usual, so that the drill is short.
    config = KrakenConfig(stale_after=2, heartbeat_timeout=1, initial_delay=0.05, max_attempts=None)
    async with open_kraken(config, dial=trouble.dial) as feed, feed.book(SYMBOL) as book:
        async for item in book:
            keeper.take(item)
            if len(trouble.log) >= faults:
                trouble.calm()
                if keeper.known and not book.statistics().records.buffered:  # type: ignore[union-attr]
                    break
        # No wait since the last record: what the feed shows is what the keeper should have.
        shown = feed.best_bid_ask(SYMBOL)
        statistics = feed.statistics()
    print(*trouble.log, sep="\n")
    right = shown is not None and keeper.best() == tuple(each and each.price for each in shown)
    print(
        f"{len(trouble.log)} faults, {keeper.gaps} gaps, {statistics.connections} connections: "
        f"the consumer's book is {'right' if right else 'WRONG'}"
    )
    return right


async def run(faults: int, seed: int, *, live: bool) -> bool:
    """Drill, against one exchange or the other."""
    async with open_exchange(seed=seed, rate=0 if live else 200) as exchange:
        way = TcpDial() if live else exchange.dial
        async with chaos(way, seed=seed, every_s=0.3, faults=FAULTS) as trouble:
            return await drill(trouble, faults)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Let everything go wrong.")
    parser.add_argument("--faults", type=int, default=8, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="which")
    parser.add_argument("--live", action="store_true", help="with the exchange itself")
    given = parser.parse_args(arguments)
    try:
        sys.exit(0 if trio.run(lambda: run(given.faults, given.seed, live=given.live)) else 1)
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
