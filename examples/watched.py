"""A feed that is watched: its metrics at http://127.0.0.1:9464/metrics, and alerts of what is late.

    python examples/watched.py [PORT [SECONDS]] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given, and goes
wrong now and then. Needs ``kraken-trio[metrics]``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from kraken_trio import Feed, KrakenConfig, KrakenError, LatencyAlert, open_kraken
from kraken_trio.extended import Latency, serve_metrics
from kraken_trio.testing import chaos, open_exchange


@asynccontextmanager
async def open_feed(latency: Latency, *, live: bool) -> AsyncIterator[Feed]:
    """Open a feed of the exchange itself, or one in memory that goes wrong once a second."""
    if live:
        async with open_kraken(KrakenConfig(), observers=[latency]) as feed:
            yield feed
        return
    async with (
        open_exchange(seed=1, rate=200) as exchange,
        chaos(exchange.dial, seed=1, every_s=1) as trouble,
        open_kraken(KrakenConfig(), dial=trouble.dial, observers=[latency]) as feed,
    ):
        yield feed


async def run(port: int, seconds: float, *, live: bool) -> None:
    """Follow some books, show how that goes, and say what was seen at the end."""
    latency = Latency()
    alerts: list[LatencyAlert] = []
    async with open_feed(latency, live=live) as feed, trio.open_nursery() as nursery:
        bound = await nursery.start(serve_metrics, feed, port)
        print(f"metrics: http://127.0.0.1:{bound}/metrics")
        feed.on(LatencyAlert, alerts.append)
        with trio.move_on_after(seconds):
            async with feed.book("BTC/USD", "ETH/USD") as book:
                async for _ in book:
                    pass
        nursery.cancel_scope.cancel()
    for stage, figures in latency.statistics().stages.items():
        print(
            f"{stage.value}: p50 {1000 * figures.p50_s:.2f} ms, p99 {1000 * figures.p99_s:.2f} ms"
        )
    statistics = feed.statistics()
    lost = sum(statistics.gaps.values())
    frames, resyncs = statistics.frames, statistics.resyncs
    print(f"{frames} frames, {lost} gaps, {resyncs} resyncs, {len(alerts)} alerts")


def main() -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Show how a feed is, for Prometheus.")
    parser.add_argument("port", nargs="?", type=int, default=9464)
    parser.add_argument("seconds", nargs="?", type=float, default=3600, help="how long")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    try:
        trio.run(lambda: run(given.port, given.seconds, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
