"""When things are due that are to happen so many times a second.

Knows trio's clock. The plan is fixed when it begins, so nothing drifts: who was late is told how
many are due by now, and makes up for it.
"""

from __future__ import annotations

import math

import trio

from kraken_trio._internal.model.errors import ConfigurationError

BURST = 100
"""So many are due at once, at most: others have their turn while one makes up for a delay."""


class Pace:
    """A number of times a second, from now on. The first time is one interval from now."""

    def __init__(self, rate: float) -> None:
        """Plan ``rate`` times a second, a number above 0."""
        self.taken: int = 0
        """How many there were."""
        self._rate = rate
        self._began = trio.current_time()

    @property
    def lag_s(self) -> float:
        """How long the next has been due, in seconds; 0 where it is not."""
        return max(0.0, trio.current_time() - self.due_s(self.taken + 1) - self._began)

    def due_s(self, number: int) -> float:
        """When one is due, counted from 1, in seconds from the beginning."""
        return number / self._rate

    async def wait(self) -> int:
        """Wait until the next is due, and take it; give how many are due by now: 1 to ``BURST``.

        Timers wake a program up to a millisecond late, so at a high rate several are due.
        """
        await trio.sleep_until(self._began + self.due_s(self.taken + 1))
        elapsed_s = trio.current_time() - self._began
        due = min(max(1, int(elapsed_s * self._rate) - self.taken), BURST)
        self.taken += due
        return due


def check_rate(rate: float, what: str) -> None:
    """Raise ``ConfigurationError`` unless ``rate`` is a number, 0 or more, of ``what`` a second."""
    if not 0 <= rate < math.inf:
        raise ConfigurationError(
            field="rate",
            rule=f"must be a number of {what} a second, 0 or more, is {rate}",
            mend="Give 0 for no rate",
        )
