"""A feed that is watched: its metrics at http://127.0.0.1:9464/metrics, and alerts of what is late.

A simulated exchange stands in for the real one, in memory, and goes wrong now and then. With the
real one, leave out ``dial`` and the trouble. Needs ``kraken-trio[metrics]``::

    python examples/watched.py [PORT [SECONDS]]
"""

from __future__ import annotations

import logging
import sys

import trio

from kraken_trio import KrakenConfig, LatencyAlert, open_kraken
from kraken_trio.extended import Latency, serve_metrics
from kraken_trio.testing import chaos, open_exchange


async def main(port: int = 9464, seconds: float = 3600) -> None:
    """Follow some books, show how that goes, and say what was seen at the end."""
    latency = Latency()
    alerts: list[LatencyAlert] = []
    async with (
        open_exchange(seed=1, rate=200) as exchange,
        chaos(exchange.dial, seed=1, every_s=1) as trouble,
        open_kraken(KrakenConfig(), dial=trouble.dial, observers=[latency]) as feed,
        trio.open_nursery() as nursery,
    ):
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


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    given = sys.argv[1:]
    trio.run(main, int(given[0]) if given else 9464, float(given[1]) if len(given) > 1 else 3600)
