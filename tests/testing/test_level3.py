"""The orders of a pair are printed as the exchange prints them, and are what they are shown as."""

from __future__ import annotations

import json
import random

import pytest

from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.model.messages import Level3Message
from kraken_trio._internal.testing.book import SeededBook
from kraken_trio._internal.testing.level3 import PairLevel3
from kraken_trio._internal.wire.decode import V2Decoder

NOW = 1_767_225_600 * 10**9
PRECISIONS = (1, 8)
DECODER = V2Decoder()


def made(seed: int = 1) -> tuple[SeededBook, PairLevel3]:
    """Make a book and its orders."""
    book = SeededBook(
        628_000, most_lots=10**9, levels=300, kept_trades=50, dice=random.Random(1), now=NOW
    )
    return book, PairLevel3("BTC/USD", PRECISIONS, book, random.Random(seed))


def decoded(frame: bytes) -> Level3Message:
    """Decode a frame."""
    message = DECODER.decode(frame, None)
    assert isinstance(message, Level3Message)
    return message


@pytest.mark.parametrize("snapshot_first", [True, False])
def test_the_librarys_book_verifies(snapshot_first: bool) -> None:
    """The checksum of every message is right at every depth, and the record is what it shows."""
    book, level3 = made()
    copies: dict[int, Level3Book] = {}
    for depth in (10, 100, 1000):
        copy = copies[depth] = Level3Book("BTC/USD", depth, price_precision=1, qty_precision=8)
        if snapshot_first:
            copy.apply(decoded(level3.snapshot(depth)))
        level3.watch(depth)
        if not snapshot_first:
            copy.apply(decoded(level3.snapshot(depth)))
    for number in range(1000):
        book.step(NOW + number)
        for depth, frame in level3.updates():
            copies[depth].apply(decoded(frame))
    for depth, copy in copies.items():
        record = level3.record(depth)
        assert (copy.state, copy.checksums_failed) == (BookState.LIVE, 0)
        assert (copy.bids, copy.asks) == (record.bids, record.asks)
        assert (record.symbol, record.depth) == ("BTC/USD", depth)
        assert record.checksum == decoded(level3.snapshot(depth)).checksum
    assert copies[1000].updates > copies[10].updates > 500


def test_depths_are_watched_one_by_one() -> None:
    """Each is told of while it is watched."""
    _, level3 = made()
    watched = [level3.watched]
    for change in (level3.watch, level3.unwatch):
        for depth in (10, 100):
            change(depth)
            watched.append(level3.watched)
    assert watched == [False, True, True, True, False]


def test_frames_have_the_members_of_real_ones() -> None:
    """In their order; times have nine digits, and those of messages rise."""
    book, level3 = made()
    (row,) = json.loads(level3.snapshot(10))["data"]
    assert [*row] == ["symbol", "checksum", "timestamp", "bids", "asks"]
    assert {tuple(order) for order in row["bids"] + row["asks"]} == {
        ("order_id", "limit_price", "order_qty", "timestamp")
    }
    level3.watch(10)
    times = [row["timestamp"]]
    seen = set()
    for number in range(100):
        book.step(NOW + number // 5)
        for _, frame in level3.updates():
            (row,) = json.loads(frame)["data"]
            assert [*row] == ["checksum", "symbol", "timestamp", "bids", "asks"]
            seen |= {tuple(order) for order in row["bids"] + row["asks"]}
            times.append(row["timestamp"])
    assert seen == {("event", "order_id", "limit_price", "order_qty", "timestamp")}
    assert times == sorted(set(times))
    assert {len(time) for time in times} == {len("2026-01-01T00:00:00.000000000Z")}


def test_nothing_is_told_where_nothing_shows() -> None:
    """A step that changes nothing in a window is no message."""
    book, level3 = made()
    level3.watch(10)
    told = []
    for number in range(300):
        book.step(NOW + number)
        changed = bool(book.bids.update(10) or book.asks.update(10))
        told.append(len(list(level3.updates())) == changed)
    assert all(told)
