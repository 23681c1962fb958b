"""The library, watched: see ``watching.py`` for by whom, and ``stopwatch`` for what is printed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from kraken_trio import Feed, KrakenConfig, Timestamp, open_kraken
from kraken_trio.extended import Latency, Observer, TcpDial, Telemetry, serve_metrics
from ours_client import consume, faults
from stopwatch import Result, Told, Watch, passes, told

SCRAPE_S = 1.0
"""Fifteen times as often as Prometheus does, so that it is seen in so short a run."""


class Idle(Observer):
    """Does nothing, at each frame."""

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Do nothing."""


def watchers(name: str) -> list[Observer]:
    """Give those who watch."""
    if name.startswith("a hook"):
        return [Idle()]
    if name.startswith("latencies"):
        return [Latency()]
    if name.startswith("OpenTelemetry"):
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        meters = MeterProvider([InMemoryMetricReader()])
        return [Telemetry(meter_provider=meters), Latency()]
    return []


async def scrape(port: int) -> None:
    """Get the page, again and again."""
    while True:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n")
            async for _ in stream:
                pass
        await trio.sleep(SCRAPE_S)


@asynccontextmanager
async def shown(name: str, feed: Feed) -> AsyncIterator[None]:
    """Show the metrics, if that is wanted."""
    for observer in feed.observers:
        if isinstance(observer, Telemetry):
            observer.watch(feed)
    async with trio.open_nursery() as nursery:
        if name.endswith("scraped"):
            nursery.start_soon(scrape, await nursery.start(partial(serve_metrics, feed, 0)))
        yield
        nursery.cancel_scope.cancel()


async def kraken_trio(given: Told, url: str, count: int) -> Result:
    """Records with exact decimals, every checksum verified."""
    async with (
        open_kraken(
            KrakenConfig(endpoint=url),
            dial=TcpDial(given.context),
            observers=watchers(given.name),
        ) as feed,
        shown(given.name, feed),
        feed.book(*given.symbols, depth=given.depth) as book,
    ):
        watch = Watch()
        updates, lost = await consume(book, count, batches=False, look=False)
        result = watch.stop(updates, verified=0, lost=lost)
        verified = min(feed.statistics().checksums_ok - len(given.pairs), updates)
        return {**result, "verified": verified, "lost": lost + faults(feed)}


async def main(given: Told) -> None:
    """Run it."""
    await passes(given, kraken_trio)


if __name__ == "__main__":
    trio.run(main, told())
