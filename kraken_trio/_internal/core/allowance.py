"""How many books of orders may be asked for, and when the next may.

Knows what each costs, and what was spent lately. Reads no clock: moments are seconds of one
monotonic clock, passed in.

Source: section "level3" of the WebSocket v2 documentation: a connection has 200 points a second,
of which a symbol takes more the deeper it is. What is beyond that is refused.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from kraken_trio._internal.model.channel import Channel

POINTS: Final = {10: 5, 100: 25, 1000: 100}
"""What a symbol of ``level3`` takes, by depth."""
POINTS_PER_WINDOW: Final = 200
"""What there is; professionals have more, and nothing tells who is one."""
WINDOW_S: Final = 1.25
"""Documented is a second. Ours is longer, for what is sent at even times arrives at odd ones."""


class Allowance:
    """What is left of it on one connection after the other."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        """All of it."""
        self._taken: deque[tuple[float, int]] = deque()

    def take(self, part: Channel, now: float) -> bool:
        """Say whether ``part`` may be asked for now, and count it then."""
        if part.name != "level3" or part.depth is None:
            return True
        taken = self._taken
        while taken and taken[0][0] + WINDOW_S <= now:
            taken.popleft()
        points = POINTS[part.depth]
        if points + sum(each for _, each in taken) > POINTS_PER_WINDOW:
            return False
        taken.append((now, points))
        return True

    @property
    def more_at(self) -> float:
        """When there is more than there was when it was last asked; infinity if all is there."""
        return self._taken[0][0] + WINDOW_S if self._taken else math.inf
