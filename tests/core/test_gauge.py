"""A buffer that fills is told of once, and again only after it was emptied by half."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.core.gauge import Gauge
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Spread

ONE = Decimal(1)
RECORD = Spread("A", ONE, ONE, ONE, ONE)


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.told: list[object] = []
        self.dropped: list[int] = []

    def high_water(self, buffered: int, capacity: int) -> None:
        """The high mark."""
        self.told.append((buffered, capacity))

    def overflow(self, dropped: int) -> None:
        """The first loss."""
        self.told.append("overflow")
        self.dropped.append(dropped)

    def relieved(self, dropped: int) -> None:
        """The end of it."""
        self.told.append(dropped)


class Watched:
    """A buffer with its gauge, used as a channel uses it."""

    def __init__(self, capacity: int, policy: DropPolicy = DropPolicy.OLDEST) -> None:
        """Start empty."""
        self.watch = Told()
        self.buffer = Buffer(capacity, policy)
        self.gauge = Gauge(self.buffer, self.watch)

    def put(self, item: Spread | BookSnapshot | BookUpdate = RECORD, count: int = 1) -> None:
        """Put it so many times."""
        for _ in range(count):
            if self.gauge.calm:
                self.buffer.put(item)
            else:
                self.gauge.put(item)
            if self.gauge.calm and len(self.buffer) >= self.gauge.high:
                self.gauge.rise()

    def get(self, count: int = 1) -> None:
        """Take so many."""
        self.buffer.get_batch(count)


@pytest.mark.parametrize(
    "capacity, high", [(1, 1), (4, 4), (5, 4), (6, 5), (10, 8), (500, 400), (1023, 819)]
)
def test_the_high_mark_is_at_four_fifths(capacity: int, high: int) -> None:
    """Of few entries that is all of them; else there is room above it."""
    watched = Watched(capacity)
    watched.put(count=high - 1)
    assert watched.watch.told == []
    watched.put()
    assert watched.watch.told == [(high, capacity)]


def test_it_is_told_once_until_less_than_half_is_taken() -> None:
    """Up and down between the marks is one thing; up again from below the half is another."""
    watched = Watched(10)
    watched.put(count=8)
    for _ in range(5):
        watched.get(3)
        watched.put(count=3)
    assert watched.watch.told == [(8, 10)]
    watched.get(4)
    watched.put(count=4)
    assert watched.watch.told == [(8, 10), (8, 10)]


def test_an_overflow_is_told_once_with_its_end() -> None:
    """However many records it drops, and wherever the level goes above the half."""
    watched = Watched(10)
    watched.put(count=14)
    watched.get(2)  # the gap, and a record
    watched.put(count=5)
    assert watched.watch.told == [(8, 10), "overflow"]
    watched.get(100)
    watched.put()
    assert watched.watch.told == [(8, 10), "overflow", 8]
    watched.put(count=11)
    assert watched.watch.told[3:] == [(8, 10), "overflow"]
    assert watched.watch.dropped == [1, 9]


def test_what_is_lost_of_a_broken_book_belongs_to_the_overflow_that_broke_it() -> None:
    """It is over when there is a snapshot, though nothing waited long before."""
    watched = Watched(5)
    watched.put(BookSnapshot("A", 10, (), (), 0))
    watched.put(BookUpdate("A", (), (), None, None, 1), count=9)
    watched.get(100)
    watched.put(BookUpdate("A", (), (), None, None, 1), count=3)
    assert watched.watch.told == [(4, 5), "overflow"]
    watched.put(BookSnapshot("A", 10, (), (), 0))
    watched.get(100)
    watched.put()
    assert watched.watch.told == [(4, 5), "overflow", 13]


@pytest.mark.parametrize("policy", [DropPolicy.OLDEST, DropPolicy.LATEST])
@given(capacity=st.integers(1, 12), plan=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_every_loss_is_within_what_was_told(
    policy: DropPolicy, capacity: int, plan: list[tuple[int, int]]
) -> None:
    """High water comes before an overflow, an overflow before its end, and the ends add up."""
    watched = Watched(capacity, policy)
    for puts, gets in plan:
        watched.put(count=puts)
        watched.get(gets)
    watched.get(1000)
    watched.put()
    marks = ["high" if isinstance(told, tuple) else told for told in watched.watch.told]
    for before, after in zip(["", *marks], marks, strict=False):
        assert (after == "overflow") <= (before == "high")
        assert isinstance(after, int) == (before == "overflow")
    assert sum(mark for mark in marks if isinstance(mark, int)) == watched.buffer.dropped


def test_the_mark_is_of_the_room_that_there_is() -> None:
    """A buffer that was widened for a late joiner is told of later."""
    watched = Watched(10)
    watched.buffer.widen(10)
    watched.put(count=15)
    assert watched.watch.told == []
    watched.put()
    assert watched.watch.told == [(16, 20)]
