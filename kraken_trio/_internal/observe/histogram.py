"""Durations counted by size: percentiles over the last so many, in memory that never grows.

Buckets as in HDR histograms: below 128 ns one for each, above that 128 for each power of two. So a
value is known to 0.8 %, from a nanosecond to an hour; which bucket is its is two shifts, and none
is ever looked for.

The window is the last so many values, exactly: the bucket of each stands in a ring, and is counted
out again when its place is needed. A library would be welcome. ``hdrhistogram``, which is kept, has
no way to count a value out, so a sliding window must be made of several that are emptied in turn;
one takes 188 KB and 2.2 us a value, which is what a whole verified update of a book takes, 10 ms
to ask for six percentiles, and ``pbr`` and ``setuptools`` with it at run time. What is here takes
57 KB and 0.3 us, and 0.3 ms to ask.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import accumulate
from math import ceil
from typing import Final

from msgspec import Struct

from kraken_trio._internal.model.timestamp import NANOSECONDS

WINDOW: Final = 10_000
"""Values that a window holds."""
PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)

_BITS: Final = 7
_FINE: Final = 1 << _BITS
LONGEST_NS: Final = (1 << 42) - 1
"""73 minutes; what is longer counts as that."""


def bucket(value_ns: int) -> int:
    """Which bucket a value of 0 to ``LONGEST_NS`` is in."""
    if value_ns < _FINE:
        return value_ns
    shift = value_ns.bit_length() - 1 - _BITS
    return (shift << _BITS) + (value_ns >> shift)


def bounds(index: int) -> tuple[int, int]:
    """The least and the greatest value of a bucket."""
    if index < 2 * _FINE:
        return index, index
    shift = (index >> _BITS) - 1
    least = (index - (shift << _BITS)) << shift
    return least, least + (1 << shift) - 1


_BUCKETS: Final = bucket(LONGEST_NS) + 1


class LatencySummary(Struct, frozen=True, kw_only=True):
    """Latencies at one moment, over the last so many. Each figure is right to 0.8 %."""

    count: int
    """How many the figures are made of: the size of the window at most."""
    total: int
    """How many there were, ever."""
    min_s: float
    """The least."""
    mean_s: float
    """The mean."""
    max_s: float
    """The greatest."""
    p50_s: float
    """Half of them are not above this."""
    p75_s: float
    """Three quarters are not."""
    p90_s: float
    """So many of a hundred are not."""
    p95_s: float
    """So many of a hundred are not."""
    p99_s: float
    """So many of a hundred are not."""
    p999_s: float
    """All but one of a thousand are not."""


class Window:
    """The last so many values."""

    __slots__ = ("_counts", "_place", "_ring", "_size", "total")

    def __init__(self, size: int = WINDOW) -> None:
        """Start empty, with room for ``size`` values, one at least."""
        self.total: int = 0
        """How many there were, ever."""
        self._size = size
        self._ring = array("H")
        self._place = 0
        self._counts = array("L", [0]) * _BUCKETS

    def record(self, value_ns: int) -> None:
        """Count a value in, and the oldest one out. Below nothing counts as nothing."""
        counts, ring = self._counts, self._ring
        if value_ns < _FINE:
            index = max(value_ns, 0)
        else:  # as ``bucket``, whose call would cost a quarter of this
            value = min(value_ns, LONGEST_NS)
            shift = value.bit_length() - 1 - _BITS
            index = (shift << _BITS) + (value >> shift)
        counts[index] += 1
        if self.total < self._size:
            ring.append(index)
        else:
            place = self._place
            counts[ring[place]] -= 1
            ring[place] = index
            self._place = place + 1 if place + 1 < self._size else 0
        self.total += 1

    def percentiles(self, *percents: float) -> list[float]:
        """The values that so many of a hundred are not above, in nanoseconds; in rising order.

        By the nearest rank: each is a value that there was, to half of its bucket. ``ValueError``
        where there was none.
        """
        summed = list(accumulate(self._counts))
        count = summed[-1]
        if not count:
            raise ValueError("there are no values")
        ranks = [max(1, ceil(count * percent / 100)) for percent in percents]
        return [_middle(bisect_left(summed, rank)) for rank in ranks]

    def summary(self) -> LatencySummary | None:
        """All figures; None where there was no value."""
        if not self.total:
            return None
        used = sorted(set(self._ring))
        count = len(self._ring)
        mean = sum(_middle(index) * self._counts[index] for index in used) / count
        p50, p75, p90, p95, p99, p999 = (
            value / NANOSECONDS for value in self.percentiles(*PERCENTILES)
        )
        return LatencySummary(
            count=count,
            total=self.total,
            min_s=_middle(used[0]) / NANOSECONDS,
            mean_s=mean / NANOSECONDS,
            max_s=_middle(used[-1]) / NANOSECONDS,
            p50_s=p50,
            p75_s=p75,
            p90_s=p90,
            p95_s=p95,
            p99_s=p99,
            p999_s=p999,
        )


class Buckets:
    """All values there ever were, counted up to some bounds: what Prometheus makes of them."""

    __slots__ = ("_bounds_ns", "bounds_s", "counts", "sum_ns")

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        """Start empty; ``bounds_s`` rise."""
        self.bounds_s: tuple[float, ...] = bounds_s
        """Up to and with each of them; one more bucket has all that is above."""
        self.counts: list[int] = [0] * (len(bounds_s) + 1)
        """How many are in each, and in none before."""
        self.sum_ns: int = 0
        """Of all values."""
        self._bounds_ns = [round(bound * NANOSECONDS) for bound in bounds_s]

    def record(self, value_ns: int) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds_ns, value_ns)] += 1
        self.sum_ns += value_ns

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)


def _middle(index: int) -> float:
    least, greatest = bounds(index)
    return (least + greatest) / 2
