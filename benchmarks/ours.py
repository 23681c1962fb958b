"""Our own client as the benchmarks of pace open it, by preset."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kraken_trio import Feed, KrakenConfig, open_kraken
from kraken_trio.extended import TcpDial
from pacing import trusting

PRESETS: dict[str, Callable[..., KrakenConfig]] = {
    "default": KrakenConfig,
    "low_latency": KrakenConfig.low_latency,
    "multi_pair": KrakenConfig.multi_pair,
    "aggregator": KrakenConfig.aggregator,
}


@asynccontextmanager
async def opened(preset: str, url: str, trust: str | None) -> AsyncIterator[Feed]:
    """Open a feed on a server of this machine."""
    config = PRESETS[preset](endpoint=url)
    async with open_kraken(config, dial=TcpDial(trusting(trust))) as feed:
        yield feed
