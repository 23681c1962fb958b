"""A merged record has the effect of all that it was merged from."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.coalesce import BookMerge, Coalescer, Newest
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.timestamp import Timestamp

KEY = ("book", "BTC/USD")
ONE = Decimal(1)


class Reader:
    """A consumer that keeps a book of its own, by the exchange's rules and nothing else."""

    def __init__(self, snapshot: BookSnapshot) -> None:
        """Start from a snapshot."""
        self.depth = snapshot.depth
        self.bids = {level.price: level.qty for level in snapshot.bids}
        self.asks = {level.price: level.qty for level in snapshot.asks}

    def apply(self, update: BookUpdate) -> None:
        """All levels in order; drop zeros; cut to the depth."""
        for side, levels in ((self.bids, update.bids), (self.asks, update.asks)):
            side.update({level.price: level.qty for level in levels})
            for price in [price for price, qty in side.items() if not qty]:
                del side[price]
            for price in sorted(side, reverse=side is self.bids)[self.depth :]:
                del side[price]

    @property
    def book(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        """Both sides."""
        return self.bids, self.asks

    def checksum(self) -> int:
        """CRC32 of the ten best levels a side, asks first."""
        best = [(price, self.asks[price]) for price in sorted(self.asks)[:10]]
        best += [(price, self.bids[price]) for price in sorted(self.bids, reverse=True)[:10]]
        text = "".join(f"{n:f}".replace(".", "").lstrip("0") for level in best for n in level)
        return zlib.crc32(text.encode())


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    """Make levels of (price, quantity)."""
    return tuple(Level(Decimal(price), Decimal(qty)) for price, qty in pairs)


def snapshot(bids: Iterable[int], asks: Iterable[int], depth: int = 3) -> BookSnapshot:
    """Make a snapshot with one of everything."""
    return BookSnapshot(
        "BTC/USD",
        depth,
        levels(*((price, 1) for price in sorted(bids, reverse=True))),
        levels(*((price, 1) for price in sorted(asks))),
        0,
    )


def update(
    bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = (), number: int = 0
) -> BookUpdate:
    """Make an update; the number stands for all that is taken from the last one merged."""
    best = Level(Decimal(number), ONE)
    return BookUpdate("BTC/USD", bids, asks, best, best, number, Timestamp(number))


def candle(begin: int, close: int = 1, interval: int = 1) -> Candle:
    """Make a candle that starts at the minute ``begin``."""
    at = Timestamp(begin * 60_000_000_000)
    return Candle("BTC/USD", interval, at, ONE, ONE, ONE, Decimal(close), ONE, trades=1, volume=ONE)


def ticker(bid: int) -> Ticker:
    """Make a ticker."""
    return Ticker("BTC/USD", Decimal(bid), ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE)


def spread(bid: int) -> Spread:
    """Make a spread."""
    return Spread("BTC/USD", Decimal(bid), ONE, ONE, ONE)


changes = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 3)).map(lambda pair: levels(pair)[0]), max_size=5
).map(tuple)
prices = st.sets(st.integers(1, 9))


@given(
    depth=st.integers(1, 4),
    bids=prices,
    asks=prices,
    updates=st.lists(st.tuples(changes, changes, st.booleans()), max_size=25),
)
def test_merged_updates_make_the_same_book(
    depth: int,
    bids: set[int],
    asks: set[int],
    updates: list[tuple[tuple[Level, ...], tuple[Level, ...], bool]],
) -> None:
    """Whatever is merged, and whenever it is read, the reader's book is as with every update."""
    start = snapshot(sorted(bids)[-depth:], sorted(asks)[:depth], depth)
    each, merged = Reader(start), Reader(start)
    merge = BookMerge(KEY, start)
    unread = 0
    for number, (bid_changes, ask_changes, read) in enumerate(updates):
        change = update(bid_changes, ask_changes, number)
        each.apply(change)
        if unread:
            assert merge.merge(change)
        else:
            assert not merge.merge(change)
            merge.hold(change)
        unread += 1
        if not read:
            continue
        result = merge.take()
        merged.apply(result)
        assert merged.book == each.book
        if unread == 1:
            assert result is change
        else:
            for side in (result.bids, result.asks):
                assert len({level.price for level in side}) == len(side) <= 2 * depth
            assert (result.best_bid, result.checksum, result.timestamp) == (
                change.best_bid,
                change.checksum,
                change.timestamp,
            )
        unread = 0


def test_level_that_fell_off_is_said_to_be_gone() -> None:
    """A price pushed out and never mentioned again stands in the merged update with zero."""
    start = snapshot([], [1, 2, 4])
    merge = BookMerge(KEY, start)
    merge.hold(update(asks=levels((3, 1))))  # 4 falls off, and is cancelled where nobody sees it
    merge.merge(update(asks=levels((1, 0), (5, 1))))  # 5 moves into view
    assert set(merge.take().asks) == set(levels((3, 1), (4, 0), (1, 0), (5, 1)))


def test_level_that_came_and_went_is_not_mentioned() -> None:
    """Of a level that the reader never saw, the reader need not hear that it is gone."""
    merge = BookMerge(KEY, snapshot([9], []))
    merge.hold(update(bids=levels((8, 1))))
    merge.merge(update(bids=levels((8, 0), (7, 2))))
    assert merge.take().bids == levels((7, 2))


def test_nothing_is_read_twice() -> None:
    """What was read cannot be read again."""
    newest = Newest(("ticker", "BTC/USD"), ticker(1))
    merge = BookMerge(KEY, snapshot([], []))
    merge.hold(update())
    for held in (newest, merge):
        held.take()
        with pytest.raises(LookupError):
            held.take()


@pytest.mark.parametrize("make", [ticker, spread])
def test_newest_state_says_it_all(make: Any) -> None:
    """A ticker, or a spread, replaces the unread one before it; once read, it is over."""
    coalescer = Coalescer()
    key = ("any", "BTC/USD")
    assert not coalescer.merge(key, make(1))
    entry = coalescer.entry(key, make(1))
    assert coalescer.merge(key, make(2))
    assert coalescer.merge(key, make(3))
    assert entry.take() == make(3)
    assert not coalescer.merge(key, make(4))


def test_final_state_of_a_candle_is_kept() -> None:
    """A candle replaces an unread state of its own interval, and of no other."""
    coalescer = Coalescer()
    key = ("ohlc", "BTC/USD")
    first = coalescer.entry(key, candle(1))
    assert coalescer.merge(key, candle(1, close=2))
    assert not coalescer.merge(key, candle(2))
    second = coalescer.entry(key, candle(2))
    assert not coalescer.merge(key, candle(2, interval=5))
    assert coalescer.merge(key, candle(2, close=3))
    assert isinstance(first, Newest)
    assert isinstance(second, Newest)
    assert (first.take(), second.take()) == (candle(1, close=2), candle(2, close=3))


def test_snapshot_is_never_merged() -> None:
    """A snapshot stands for itself; what is behind it is not merged with what was before it."""
    coalescer = Coalescer()
    first = snapshot([9], [10])
    assert coalescer.entry(KEY, first) is first
    before = coalescer.entry(KEY, update(bids=levels((9, 5)), number=1))
    assert isinstance(before, BookMerge)
    second = snapshot([7], [10])
    assert not coalescer.merge(KEY, second)
    assert coalescer.entry(KEY, second) is second
    behind = coalescer.entry(KEY, update(bids=levels((8, 5)), number=2))
    assert isinstance(behind, BookMerge)
    assert coalescer.merge(KEY, update(bids=levels((8, 0)), number=3))
    assert before.take().checksum == 1
    assert behind.take() == update(bids=(), number=3)


def test_update_without_a_snapshot_is_passed_as_it_is() -> None:
    """Nothing can be merged into a book that is not known."""
    coalescer = Coalescer()
    change = update(number=1)
    assert coalescer.entry(KEY, change) is change
    assert not coalescer.merge(KEY, change)


def test_trades_are_never_merged() -> None:
    """A trade is an event of its own."""
    coalescer = Coalescer()
    trade = Trade("BTC/USD", "buy", ONE, ONE, "limit", 1, Timestamp(0))
    key = ("trade", "BTC/USD")
    assert coalescer.entry(key, trade) is trade
    assert not coalescer.merge(key, trade)


def test_seal_separates() -> None:
    """What comes after a seal is not merged with what came before."""
    coalescer = Coalescer()
    key = ("ticker", "BTC/USD")
    entry = coalescer.entry(key, ticker(1))
    coalescer.seal(key)
    coalescer.seal(key)
    assert not coalescer.merge(key, ticker(2))
    assert isinstance(entry, Newest)
    assert entry.take() == ticker(1)


def batched(updates: list[Any], size: int) -> Iterable[list[BookUpdate]]:
    """Cut into lists of ``size``; the last one may be shorter."""
    return (updates[start : start + size] for start in range(0, len(updates), size))


def wire_levels(side: list[dict[str, Decimal]]) -> tuple[Level, ...]:
    """Make levels of what is on the wire."""
    return tuple(Level(level["price"], level["qty"]) for level in side)


def books(path: Path) -> Iterable[BookSnapshot | BookUpdate]:
    """Read the books, of depth 10, in a file of captured traffic."""
    for line in path.read_text(encoding="utf-8").splitlines():
        frame = json.loads(json.loads(line)["raw"], parse_float=Decimal)
        if frame.get("channel") != "book":
            continue
        (data,) = frame["data"]
        bids, asks = wire_levels(data["bids"]), wire_levels(data["asks"])
        symbol, checksum = data["symbol"], data["checksum"]
        if frame["type"] == "snapshot":
            yield BookSnapshot(symbol, 10, bids, asks, checksum)
        else:
            yield BookUpdate(symbol, bids, asks, None, None, checksum)


@pytest.mark.parametrize("batch", [2, 3, 7, 20, 100])
def test_merged_real_traffic_verifies(captures: Path, batch: int) -> None:
    """Every merged update of real books has the checksum of its last one.

    The latest level of each price alone would not: that is counted here beside it.
    """
    records = list(books(captures / "v2-book-trade-btc-eth-d10-20260707.jsonl"))
    right = wrong = 0
    for symbol in ("BTC/USD", "ETH/USD"):
        start, *updates = (record for record in records if record.symbol == symbol)
        assert isinstance(start, BookSnapshot)
        merge, reader, naive = BookMerge(("book", symbol), start), Reader(start), Reader(start)
        for unread in batched(updates, batch):
            for change in unread:
                if not merge.merge(change):
                    merge.hold(change)
            last = unread[-1]
            reader.apply(merge.take())
            assert reader.checksum() == last.checksum
            right += 1
            naive.apply(
                msgspec.structs.replace(
                    last,
                    bids=tuple(level for change in unread for level in change.bids),
                    asks=tuple(level for change in unread for level in change.asks),
                )
            )
            wrong += naive.checksum() != last.checksum
    assert right > wrong > 0
