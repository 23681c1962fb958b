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


class Gather:
    """Says before when it is better not to read."""

    __slots__ = ("_read_at", "_single", "_window_s", "until")

    def __init__(self, window_s: float) -> None:
        """Let messages gather for ``window_s``; with 0 never."""
        self._window_s = window_s
        self._read_at = -math.inf
        # What the last read brought that was not waited for.
        self._single = 0
        self.until: float = -math.inf
        """The moment of the next read, unless it has passed."""

    def note(self, size: int, now: float) -> None:
        """So many bytes were read now."""
        if self.until > -math.inf:
            worth = size >= WORTH * self._single
        else:
            worth = now - self._read_at < self._window_s / WORTH
            self._single = size
        self.until = now + self._window_s if worth and size < PLENTY else -math.inf
        self._read_at = now
