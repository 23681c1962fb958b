"""When to try again: the delay before each attempt, and how many attempts a host allows.

Knows numbers only. Moments are floats of seconds on a clock that the caller reads, chance comes
from the caller's ``random.Random``. Whether an attempt is due at all is the session's matter.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


class Backoff:
    """Delays that grow by a constant factor up to a maximum, spread by chance.

    Without the spread, all that lost their connection together would come back together.
    """

    __slots__ = ("_initial", "_jitter", "_maximum", "_multiplier", "_random")

    def __init__(
        self,
        *,
        initial: float,
        maximum: float,
        multiplier: float,
        jitter: float,
        random: random.Random,
    ) -> None:
        """Take what the configuration has checked: 0 < initial <= maximum, multiplier > 1,
        0 <= jitter <= 1. ``initial`` and ``maximum`` are seconds.
        """
        self._initial = initial
        self._maximum = maximum
        self._multiplier = float(multiplier)  # an int would grow without bounds in delay()
        self._jitter = jitter
        self._random = random

    def delay(self, attempt: int) -> float:
        """Give the seconds to wait before an attempt; the first one has the number 1.

        Evenly spread from ``jitter`` below to ``jitter`` above the attempt's own delay, and never
        above the maximum. Near the maximum the range ends there: were the draws above it cut down
        to it instead, half of them would fall on one and the same moment.
        """
        try:
            centre = min(self._initial * self._multiplier ** (attempt - 1), self._maximum)
        except OverflowError:
            centre = self._maximum
        low = centre * (1 - self._jitter)
        high = min(centre * (1 + self._jitter), self._maximum)
        # uniform() may round up to just beyond its upper end.
        return min(self._random.uniform(low, high), high)

    def spread(self, seconds: float) -> float:
        """Give a pause that must not be shorter, spread up to ``jitter`` above it."""
        return self._random.uniform(seconds, seconds * (1 + self._jitter))


class Budget:
    """The attempts that one host allows in a rolling window.

    The exchange's edge bans an address for ten minutes that makes more than about 150 attempts
    in ten minutes (docs.kraken.com, "Spot WebSocket introduction"). So every attempt at a host
    counts, whoever makes it: budgets of one host come from one another by ``beside``.
    """

    __slots__ = ("_limit", "_made", "_window")

    def __init__(self, limit: int = 150, window: float = 600.0) -> None:
        """Allow ``limit`` attempts, at least one, in any ``window`` seconds."""
        self._limit = limit
        self._window = window
        self._made = _Attempts(window)

    def beside(self, limit: int, window: float) -> Budget:
        """Give a budget of its own limits for the same host: it counts what all have made."""
        other = Budget(limit, window)
        other._made = self._made
        self._made.window = max(self._made.window, window)
        return other

    def take(self, now: float) -> float:
        """Give 0.0 if an attempt may start now, which counts it, or else the seconds to wait.

        An attempt leaves the window ``window`` seconds after it was made, at that very moment.
        Nothing is reserved by waiting: ask again afterwards. A clock that went back is taken to
        have stood still, so no wait is longer than the window.
        """
        ends = [at + self._window for at in self._made.until(now)]
        counted = [end for end in ends if now < end]
        if len(counted) < self._limit:
            self._made.add(now)
            return 0.0
        end = counted[-self._limit]
        wait = end - now
        # Rounding must not end the wait a moment early: a caller that sleeps for less than its
        # clock can tell would ask again for ever.
        while now + wait < end:
            wait += max(math.ulp(wait), math.ulp(now))
        return wait


class _Attempts:
    """When attempts at one host were made, as far back as any budget looks."""

    __slots__ = ("_at", "_last", "window")

    def __init__(self, window: float) -> None:
        self.window = window
        self._at: deque[float] = deque()
        self._last = -math.inf

    def until(self, now: float) -> Iterable[float]:
        """All of them, oldest first."""
        if now < self._last:
            back = self._last - now
            self._at = deque(at - back for at in self._at)
        self._last = now
        return self._at

    def add(self, now: float) -> None:
        """Another one, now."""
        while self._at and now >= self._at[0] + self.window:
            self._at.popleft()
        self._at.append(now)
