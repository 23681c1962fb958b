"""Real traffic, played by the simulated exchange over TLS, through the whole live path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import Channel, Gap, KrakenConfig, open_kraken
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire.capture import CapturedFrame, read_capture
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.extended import TcpDial, verify_capture
from kraken_trio.testing import open_replay

CAPTURES = {
    "v2-book-trade-btc-eth-d10-20260707": [
        Channel.book("BTC/USD", "ETH/USD"),
        Channel.trades("BTC/USD", "ETH/USD"),
    ],
    "v2-book-ethusd-d25-20260802": [Channel.book("ETH/USD", depth=25)],
    "v2-book-btcusd-d10-20230730-reserialised": [Channel.book("BTC/USD")],
    "v2-book-short-20260824": [Channel.book("BTC/USD")],
    "v2-book-doc-example": [Channel.book("BTC/USD")],
    "v2-ohlc-btcusdt-20260910": [Channel.ohlc("BTC/USDT")],
    "v2-public-mixed-2025-2026": [
        Channel.book("USDG/USD", "BTC/USD", "ETH/USD"),
        Channel.ticker("ALGO/USD", "BTC/USD"),
        Channel.trades("BTC/USD"),
        Channel.ohlc("BTC/USD"),
    ],
}
"""What each file holds. Those of private channels need a private session, and are left out."""


def test_no_public_capture_is_left_out(captures: Path) -> None:
    """Each file of public channels is played."""
    private = {"v2-private-20260121", "v2-level3-doc-example"}
    assert {path.stem for path in captures.glob("v2-*.jsonl")} == set(CAPTURES) | private


def offline(path: Path, channels: list[Channel]) -> dict[str, list[Any]]:
    """Give what the engine makes of a file, by channel and symbol."""
    engine = Engine(V2Decoder())
    got: dict[str, list[Any]] = {}
    for channel in channels:
        for part in channel.parts():
            engine.open(part).join(got.setdefault(str(part), []).append)
    for frame in read_capture(path):
        assert isinstance(frame, CapturedFrame)
        engine.feed(frame.payload, None)
    return got


@pytest.mark.parametrize("name", CAPTURES)
async def test_live_records_are_those_of_the_file(captures: Path, name: str) -> None:
    """Every record, every book and every checksum is the same as read from the file directly."""
    path = captures / f"{name}.jsonl"
    channels = CAPTURES[name]
    expected = offline(path, channels)
    total = sum(map(len, expected.values()))
    received: dict[str, list[Any]] = {key: [] for key in expected}
    async with open_replay(path) as exchange:
        address = await exchange.listen()
        config = KrakenConfig(endpoint=address.url, max_queue_depth=10_000)
        async with (
            open_kraken(config, dial=TcpDial(address.client_ssl_context)) as feed,
            trio.open_nursery() as nursery,
        ):

            async def consume(channel: Channel) -> None:
                async with feed.subscribe(channel) as records:
                    async for item in records:
                        assert not isinstance(item, Gap)
                        key = str(replace(channel, symbols=(item.symbol,)))
                        received[key].append(replace(item, received_at=None))
                        if sum(map(len, received.values())) == total:
                            statistics.append(feed.statistics())
                            nursery.cancel_scope.cancel()

            statistics: list[Any] = []
            nursery.cancel_scope.deadline = trio.current_time() + 60
            for channel in channels:
                nursery.start_soon(consume, channel)
    assert received == expected
    right = sum(book.checksums_ok for book in verify_capture(path).books.values())
    (last,) = statistics
    assert (last.checksums_ok, last.checksums_failed, last.faults) == (right, 0, 0)
