"""A hole is one gap, whatever is missing in it."""

from __future__ import annotations

import pytest

from kraken_trio._internal.core.hole import Hole
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.timestamp import Timestamp

KEY = ("trade", "A")


def lost(expected: int | None, received: int | None, size: int | None, begin: int, end: int) -> Gap:
    """Make a gap of another kind."""
    return Gap(*KEY, GapReason.TRADE_ID, expected, received, size, Timestamp(begin), Timestamp(end))


def test_records_are_counted() -> None:
    """They make an overflow that says how many."""
    hole = Hole(KEY)
    assert (hole.empty, hole.placed, hole.key) == (True, False, KEY)
    assert [hole.lose(), hole.lose()] == [1, 2]
    assert not hole.empty
    assert hole.gap() == Gap(*KEY, GapReason.OVERFLOW, size=2)


def test_one_gap_stays_what_it_is() -> None:
    """It only stands here."""
    hole = Hole(KEY)
    hole.absorb(lost(1, 3, 2, 10, 11))
    assert not hole.empty
    assert hole.gap() == lost(1, 3, 2, 10, 11)


def test_gaps_are_joined() -> None:
    """From where the first begins to where the last ends."""
    hole = Hole(KEY)
    hole.absorb(lost(1, 3, 2, 10, 11))
    hole.absorb(lost(5, 9, 4, 12, 13))
    assert hole.gap() == lost(1, 9, 6, 10, 13)


@pytest.mark.parametrize("sizes, told", [((2, None), None), ((None, 2), None), ((2, 3), 9)])
def test_a_size_that_nobody_knows_is_not_made_up(
    sizes: tuple[int | None, int | None], told: int | None
) -> None:
    """The sum is known where every part of it is; records are counted with the rest."""
    hole = Hole(KEY)
    for size in sizes:
        hole.absorb(lost(None, None, size, 1, 2))
    for _ in range(4):
        hole.lose()
    assert hole.gap() == Gap(*KEY, GapReason.OVERFLOW, size=told)
