"""A rate is exact in the long run, and never exceeded by more than the bucket holds."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.pace import BURST_S, Pace


def take_all(pace: Pace, now: float) -> int:
    """Take whatever is due, and say how much it was."""
    count = 0
    while pace.due() <= now:
        pace.take(now)
        count += 1
    return count


@pytest.mark.parametrize("rate, at_once", [(1, 1), (19, 1), (20, 2), (1000, 51), (5000, 251)])
def test_a_full_bucket_can_be_taken_at_once(rate: int, at_once: int) -> None:
    """It holds one record, and what 50 ms bring; after a quiet while, however long, it is full."""
    pace = Pace(rate)
    for now in (0.0, 1e6, 1e9):
        assert take_all(pace, now) == at_once


def test_a_rate_beyond_all_numbers_is_none() -> None:
    """A whole number may be larger than any float."""
    assert take_all_of(Pace(10**400), 10_000) == 10_000


def take_all_of(pace: Pace, count: int) -> int:
    """Take so many at once, if they are due."""
    for taken in range(count):
        if pace.due() > 0:
            return taken
        pace.take(0)
    return count


def test_one_that_waits_gets_its_record_when_it_is_due() -> None:
    """Then, and not before; and ``due`` says when there will be several."""
    pace = Pace(10)
    take_all(pace, 100.0)
    assert pace.due() == pytest.approx(100.05)
    assert pace.due(2) - pace.due(1) == pytest.approx(0.1)
    assert take_all(pace, math.nextafter(pace.due(), 0)) == 0
    assert take_all(pace, pace.due()) == 1


@pytest.mark.parametrize("rate", [1, 3, 7, 30, 997, 10_000])
@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.049])
def test_the_rate_is_exact_in_the_long_run(rate: int, late_s: float) -> None:
    """However many records it is, they take the time that they must, though nobody is on time."""
    pace, now = Pace(rate), 50.0
    taken = take_all(pace, now)
    while taken < 20_000:
        now = pace.due() + late_s
        taken += take_all(pace, now)
    assert taken - (now - 50.0) * rate == pytest.approx(pace.burst, abs=1.001)


@given(
    rate=st.integers(1, 100),
    plan=st.lists(st.tuples(st.floats(0, 0.3), st.integers(0, 9)), max_size=60),
)
def test_it_is_a_bucket(rate: int, plan: list[tuple[float, int]]) -> None:
    """Whoever takes, and whenever: what is due is what a bucket holds that fills at the rate."""
    pace, now = Pace(rate), 10.0
    full = bucket = 1 + Fraction(BURST_S) * rate
    for pause, wanted in plan:
        then, now = now, now + pause
        bucket = min(full, bucket + (Fraction(now) - Fraction(then)) * rate)
        for _ in range(wanted):
            due = pace.due() <= now
            if abs(bucket - 1) > Fraction(1, 10**9):
                assert due == (bucket >= 1)
            if not due:
                break
            pace.take(now)
            bucket -= 1
