"""How many records a second are handed on: an exact rate, with room for a late hand.

Knows no clock: seconds are passed in. Imports nothing.

Prior art is the token bucket. Here nothing is added up but whole records: what is due is computed
from the moment at which the bucket was last full, so no rounding adds up however long it runs.
The bucket holds what 50 ms bring, and one more. That is what a consumer may take at once after a
quiet while; and it is what makes the rate exact, for whoever is woken late by less than that
takes what is due meanwhile, and the next one is not late. So in any time, of whatever length, at
most ``rate`` times that length are handed on, and ``burst`` besides.
"""

from __future__ import annotations

import math
from typing import Final

BURST_S: Final = 0.05
"""The rate's worth of records that may be taken at once. Ours: below what an eye sees, above what
the clock of an operating system is late by."""

MOST: Final = 10**9
"""A rate that nothing reaches; far beyond it a number is more than a float can say."""


class Pace:
    """Says when the next records may be handed on. Times are seconds of one clock."""

    __slots__ = ("_given", "_since", "burst", "rate")

    def __init__(self, rate: int) -> None:
        """Start with a full bucket; ``rate`` is in records a second, above 0."""
        self.rate: int = min(rate, MOST)
        """Records a second."""
        self.burst: float = 1 + BURST_S * self.rate
        """Records that the bucket holds."""
        # When the bucket was full, and what has been taken since.
        self._since = -math.inf
        self._given = 0

    def due(self, count: int = 1) -> float:
        """When ``count`` more may be handed on, which must be no more than ``burst``."""
        return self._since + (self._given + count - self.burst) / self.rate

    def take(self, now: float) -> None:
        """One more is handed on; ``due`` had come."""
        if (now - self._since) * self.rate >= self._given:
            self._since, self._given = now, 0
        self._given += 1
