"""Say when a price crosses a line, and when what is known may not be trusted.

    python examples/alerts.py [SYMBOL] [--above PRICE] [--below PRICE] [--seconds S] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given; it hangs up
once, so that there is something to be told. Without a price, the lines are a hundredth of a percent
from the first trade.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal

import trio

from kraken_trio import (
    Feed,
    Gap,
    HighWater,
    KrakenConfig,
    KrakenError,
    LatencyAlert,
    Restored,
    Trade,
    open_kraken,
)
from kraken_trio.extended import Latency
from kraken_trio.testing import open_exchange

NEAR = Decimal("0.0001")


def say(alert: object) -> None:
    """Print it: here would be the way to whoever is to know."""
    print(f"alert    {alert}")


class Line:
    """A price. It is crossed once, and again only when the price was back on the other side."""

    def __init__(self, price: Decimal, *, rising: bool) -> None:
        """Nothing was seen yet."""
        self.price = price
        self.rising = rising
        self._beyond = False

    def crossed(self, trade: Trade) -> bool:
        """Whether this trade crosses it."""
        beyond = trade.price > self.price if self.rising else trade.price < self.price
        crossed, self._beyond = beyond and not self._beyond, beyond
        return crossed


async def watch(feed: Feed, symbol: str, above: Decimal | None, below: Decimal | None) -> None:
    """Look at each trade. Missed ones are a gap: a line may have been crossed in it."""
    lines: list[Line] = []
    async with feed.trades(symbol, snapshot=True) as trades:
        async for item in trades:
            if isinstance(item, Gap):
                print(f"blind    {item}")
                continue
            if not lines:
                lines = [
                    Line(above or item.price * (1 + NEAR), rising=True),
                    Line(below or item.price * (1 - NEAR), rising=False),
                ]
            for line in lines:
                if line.crossed(item):
                    word = "above" if line.rising else "below"
                    print(f"crossed  {symbol} {item.price:f} is {word} {line.price:f}")


async def run(
    symbol: str, above: Decimal | None, below: Decimal | None, seconds: float, *, live: bool
) -> None:
    """Watch for a while."""
    async with open_exchange(seed=1, rate=0 if live else 500) as exchange:
        dial = None if live else exchange.dial
        async with open_kraken(KrakenConfig(), dial=dial, observers=[Latency()]) as feed:
            # What may happen at any time, in whatever part of the program, comes by callback.
            feed.on(HighWater, say)  # A consumer of ours is about to be too slow.
            feed.on(LatencyAlert, say)  # Something takes too long.
            feed.on(Restored, lambda event: print(f"restored {event.session}"))
            with trio.move_on_after(seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(watch, feed, symbol, above, below)
                    await trio.sleep(seconds / 2)
                    for connection in exchange.connections:
                        connection.drop()


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Say when a price crosses a line.")
    parser.add_argument("symbol", nargs="?", default="BTC/USD")
    parser.add_argument("--above", type=Decimal, metavar="PRICE")
    parser.add_argument("--below", type=Decimal, metavar="PRICE")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="how long")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(
            lambda: run(given.symbol, given.above, given.below, given.seconds, live=given.live)
        )
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
