"""Real traffic, played by the simulated exchange over TLS, through the whole live path."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import (
    BookSnapshot,
    Channel,
    FeedStatistics,
    Gap,
    KrakenConfig,
    Level3Snapshot,
    open_kraken,
)
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.testing.place import DOORS
from kraken_trio._internal.wire.capture import CapturedFrame, read_capture
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.extended import HttpRest, TcpDial, verify_capture
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
    "v2-private-20260121": [Channel.instrument(), Channel.executions(), Channel.balances()],
    "v2-level3-doc-example": [Channel.level3("BTC/USD")],
}
"""What each file holds."""


def test_no_capture_is_left_out(captures: Path) -> None:
    """Each file of this protocol is played."""
    assert {path.stem for path in captures.glob("v2-*.jsonl")} == set(CAPTURES)


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


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[tuple[KrakenConfig, TcpDial, HttpRest]]:
    """Serve a file over TLS at each host of the exchange, with REST for the token; give what a
    program needs to use them.
    """
    async with open_replay(path) as exchange:
        public, private, level3 = [await exchange.listen(door=door) for door in DOORS]
        tokens = await exchange.listen_rest()
        assert all(each.url.startswith("wss://") for each in (public, private, level3))
        config = KrakenConfig(
            endpoint=public.url,
            private_endpoint=private.url,
            level3_endpoint=level3.url,
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            max_queue_depth=10_000,
        )
        rest = HttpRest(tokens.url, ssl_context=tokens.client_ssl_context)
        yield config, TcpDial(public.client_ssl_context), rest


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("name", CAPTURES)
async def test_live_records_are_those_of_the_file(captures: Path, name: str) -> None:
    """Every record, every book and every checksum is the same as read from the file directly, and
    as ``verify`` counts it.
    """
    path = captures / f"{name}.jsonl"
    channels = CAPTURES[name]
    expected = offline(path, channels)
    total = sum(map(len, expected.values()))
    received: dict[str, list[Any]] = {key: [] for key in expected}
    statistics: list[FeedStatistics] = []
    async with (
        served(path) as (config, dial, rest),
        open_kraken(config, dial=dial, rest=rest) as feed,
        trio.open_nursery() as nursery,
    ):

        async def consume(channel: Channel) -> None:
            async with feed.subscribe(channel) as records:
                async for item in records:
                    assert not isinstance(item, Gap)
                    symbols = channel.symbols and (item.symbol,)
                    key = str(replace(channel, symbols=symbols))
                    received[key].append(replace(item, received_at=None))
                    if sum(map(len, received.values())) == total:
                        statistics.append(feed.statistics())
                        nursery.cancel_scope.cancel()

        nursery.cancel_scope.deadline = trio.current_time() + 60
        for channel in channels:
            nursery.start_soon(consume, channel)
    assert received == expected
    verified = verify_capture(path)
    (last,) = statistics
    right = sum(book.checksums_ok for book in verified.books.values())
    assert (last.checksums_ok, last.checksums_failed, last.faults) == (right, 0, 0)
    records, books = counted(channels, received)
    assert records == {k: n for k, n in verified.records.items() if k != "status"}
    assert books == {
        name: (book.depth, book.snapshots, book.updates) for name, book in verified.books.items()
    }


def counted(
    channels: list[Channel], received: dict[str, list[Any]]
) -> tuple[Counter[str], dict[str, tuple[int, int, int]]]:
    """Count what came as ``verify`` does: records by channel, and of each book, by its name, its
    depth, its snapshots and its updates.
    """
    records = Counter[str]()
    books: dict[str, tuple[int, int, int]] = {}
    for part in (part for channel in channels for part in channel.parts()):
        items = received[str(part)]
        records[part.name] += len(items)
        if part.depth is not None:
            name = part.symbols[0] + (" level3" if part.name == "level3" else "")
            snapshots = sum(isinstance(item, BookSnapshot | Level3Snapshot) for item in items)
            books[name] = part.depth, snapshots, len(items) - snapshots
    return records, books
