"""Percentiles of a window, against those that sorting gives."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kraken_trio._internal.observe.histogram import (
    LONGEST_NS,
    PERCENTILES,
    Buckets,
    Window,
    bounds,
    bucket,
)

values = st.integers(0, LONGEST_NS) | st.integers(0, 10**6) | st.integers(0, 300)


def exact(window: list[int], percent: float) -> int:
    """Give the percentile by its nearest rank, from all values."""
    rank = math.ceil(len(window) * Fraction(str(percent)) / 100)
    return sorted(window)[max(1, rank) - 1]


@given(values)
@example(0)
@example(127)
@example(128)
@example(255)
@example(256)
@example(LONGEST_NS)
def test_each_value_is_within_its_bucket(value: int) -> None:
    """Which is no wider than a 128th of it."""
    least, greatest = bounds(bucket(value))
    assert least <= value <= greatest
    assert greatest - least <= value / 128


def test_buckets_leave_nothing_out() -> None:
    """Where one ends, the next begins."""
    last = -1
    for index in range(bucket(LONGEST_NS) + 1):
        least, greatest = bounds(index)
        assert least == last + 1
        last = greatest
    assert last == LONGEST_NS


@given(values=st.lists(values, min_size=1, max_size=300), size=st.integers(1, 100))
def test_percentiles_are_those_of_the_last_so_many(values: list[int], size: int) -> None:
    """As exact ones are, to half of a bucket; so are the least, the mean and the greatest."""
    window = Window(size)
    for value in values:
        window.record(value)
    kept = values[-size:]
    for percent, found in zip(PERCENTILES, window.percentiles(*PERCENTILES), strict=True):
        right = exact(kept, percent)
        assert abs(found - right) <= right / 256
    summary = window.summary()
    assert summary is not None
    assert (summary.count, summary.total) == (len(kept), len(values))
    figures = (
        (summary.min_s, min(kept)),
        (summary.max_s, max(kept)),
        (summary.p50_s, exact(kept, 50)),
        (summary.p999_s, exact(kept, 99.9)),
        (summary.mean_s, sum(kept) / len(kept)),
    )
    for shown, value_ns in figures:
        assert shown * 10**9 == pytest.approx(value_ns, rel=1 / 256, abs=1e-6)


def test_known_data_have_known_percentiles() -> None:
    """A millisecond for each of a thousand, in any order."""
    window = Window()
    for number in range(1000):
        window.record((number * 7 % 1000 + 1) * 10**6)
    found = [value / 10**6 for value in window.percentiles(*PERCENTILES)]
    assert found == pytest.approx([500, 750, 900, 950, 990, 999], rel=1 / 256)


def test_what_is_out_of_bounds_is_at_them() -> None:
    """Clocks may go back, and laptops sleep."""
    window = Window(2)
    window.record(-5)
    window.record(10**15)
    assert window.percentiles(50, 100) == pytest.approx([0, LONGEST_NS], rel=1 / 256)


def test_nothing_has_no_percentiles() -> None:
    """There is no figure that would be right."""
    window = Window(2)
    assert window.summary() is None
    with pytest.raises(ValueError, match="no values"):
        window.percentiles(50)


def test_memory_does_not_grow() -> None:
    """A window is its counts and its ring, however long it is used."""
    window = Window(100)
    for number in range(10_000):
        window.record(number * 1000)
    assert (len(window._ring), sum(window._counts), window.total) == (100, 100, 10_000)


@given(st.lists(st.integers(0, 10**10), max_size=100))
def test_bounds_are_counted_with_what_is_on_them(values: list[int]) -> None:
    """As Prometheus wants them: not above, whatever else there is."""
    limits = (0.001, 0.0025, 1.0)
    buckets = Buckets(limits)
    values += [1_000_000, 2_500_000, 2_500_001, 10**9]
    for value in values:
        buckets.record(value)
    for place, limit in enumerate(limits):
        below = sum(value <= limit * 10**9 for value in values)
        assert sum(buckets.counts[: place + 1]) == below
    assert (buckets.count, buckets.sum_ns) == (len(values), sum(values))
