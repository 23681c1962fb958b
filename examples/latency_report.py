"""How old are the data: a table of percentiles, the round trip, and how far the clocks differ.

    python examples/latency_report.py [SYMBOL ...] [--seconds S] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given: its network
is no network, so only ``--live`` says something about yours.
"""

from __future__ import annotations

import argparse
import sys

import trio

from kraken_trio import Feed, KrakenConfig, KrakenError, LatencyStage, open_kraken
from kraken_trio.extended import Latency
from kraken_trio.testing import open_exchange

COLUMNS = ("p50", "p90", "p99", "p999", "max")


def report(feed: Feed, latency: Latency) -> None:
    """Print what was measured. Times of the exchange have the error of both clocks."""
    print(f"{'ms':10} {'records':>9} " + " ".join(f"{name:>9}" for name in COLUMNS))
    statistics = latency.statistics()
    for stage in LatencyStage:
        figures = statistics.stages[stage]
        shown = (getattr(figures, f"{name}_s") * 1000 for name in COLUMNS)
        print(f"{stage.value:10} {figures.total:>9} " + " ".join(f"{each:9.3f}" for each in shown))
        if over := statistics.exceeded[stage]:
            print(f"{'':10} {over} of these were above the threshold")
    for session in feed.statistics().sessions:
        if session.round_trip_s is not None and session.clock_offset_s is not None:
            print(
                f"{session.name}: round trip {session.round_trip_s * 1000:.3f} ms, the exchange's "
                f"clock is ahead by {session.clock_offset_s * 1000:+.3f} ms"
            )


async def run(symbols: list[str], seconds: float, *, live: bool) -> None:
    """Follow books and trades for a while, and report."""
    latency = Latency()  # An observer: without one, nothing is measured, and nothing of it costs.
    async with open_exchange(seed=1, rate=0 if live else 500) as exchange:
        dial = None if live else exchange.dial
        async with (
            open_kraken(KrakenConfig.low_latency(), dial=dial, observers=[latency]) as feed,
            feed.book(*symbols) as books,
            feed.trades(*symbols) as trades,
        ):
            with trio.move_on_after(seconds):
                async with trio.open_nursery() as nursery:
                    for stream in (books, trades):
                        nursery.start_soon(consume, stream)
            report(feed, latency)


async def consume(stream: trio.abc.ReceiveChannel[object]) -> None:
    """Take each record; a record is in a consumer's hand when ``receive`` gives it."""
    async for _ in stream:
        pass


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Say how old the data are.")
    parser.add_argument("symbols", nargs="*", default=["BTC/USD", "ETH/USD"])
    parser.add_argument("--seconds", type=float, default=3, metavar="S", help="how long")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.symbols, given.seconds, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
