"""When to read next, where messages follow each other quickly.

Knows how much came and when. Reads no clock: moments are seconds of one monotonic clock, passed
in. Imports nothing of the project.

To wake up for a message costs several times what the message costs. So where they come one by one
and fast, letting a few arrive before the next read saves most of it, for a delay that is known.
Where they come slowly nothing is waited for, nor where one read brings many anyway.
"""

from __future__ import annotations

import math
from typing import Final

PLENTY: Final = 8 * 1024
"""A read of so many bytes, some 30 messages, is worth waking up for."""
WORTH: Final = 3
"""How many reads one has to stand for: to wait is to wake up once more."""
STREAK: Final = 8
"""Quick reads in a row before any is waited for: two may come together by chance."""


class Gather:
    """Says before when it is better not to read."""

    __slots__ = ("_bytes", "_poor", "_read_at", "_single", "_streak", "_window_s", "until")

    def __init__(self, window_s: float) -> None:
        """Let messages gather for ``window_s``; with 0 never."""
        self._window_s = window_s
        self._read_at = -math.inf
        # Quick reads in a row that were not waited for, and what they brought.
        self._streak = 0
        self._bytes = 0
        # What one of them brought on the average, when the waiting began.
        self._single = 0.0
        # Reads in a row that were waited for in vain.
        self._poor = 0
        self.until: float = -math.inf
        """The moment of the next read, unless it has passed."""

    def note(self, size: int, now: float, *, waited: bool) -> None:
        """So many bytes were read now; ``waited`` if ``until`` was waited for."""
        if waited:
            # One poor read is chance, two are a rate.
            self._poor = self._poor + 1 if size < WORTH * self._single else 0
            gathers = self._poor < 2  # noqa: PLR2004 - see above
        else:
            quick = now - self._read_at < self._window_s / WORTH
            self._streak = self._streak + 1 if quick else 0
            self._bytes = self._bytes + size if quick else 0
            gathers = self._streak >= STREAK
            if gathers:
                self._single, self._poor = self._bytes / self._streak, 0
        if waited and not gathers:
            self._streak = self._bytes = 0
        self.until = now + self._window_s if gathers and size < PLENTY else -math.inf
        self._read_at = now
