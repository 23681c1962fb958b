"""What one connection may subscribe to of ``level3``, and how fast.

Knows the two limits that are documented, and what each symbol counts; nothing of who asks.

Source: sections "level3" and "Errors" of the WebSocket v2 documentation. Not settled there, and
decided here: the counter is of any second, not of each; what is refused does not count; and the
words for too many symbols are nobody's.
"""

from __future__ import annotations

from collections import deque

from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.testing.rules import ExchangeRules

TOO_FAST = (
    "Rate limit for snapshot requests exceeded, when trying to subscribe to {} level3 snapshot"
)
TOO_MANY = "Symbol limit exceeded, when trying to subscribe to {} level3"

_POINTS = {10: 5, 100: 25, 1000: 100}
"""What a symbol counts, by depth."""


class Level3Limits:
    """The limits of one connection."""

    def __init__(self, rules: ExchangeRules) -> None:
        """Keep to ``rules``."""
        self._rules = rules
        self._taken: deque[tuple[int, int]] = deque()  # When, and how many points.

    def refusal(self, symbol: str, depth: int, now: int, *, held: int) -> str | None:
        """Say how one more symbol is refused at ``now``, or None where it is not; count it then.

        ``held`` is how many the connection is subscribed to; ``now`` is in nanoseconds.
        """
        rules = self._rules
        if rules.max_level3_symbols is not None and held >= rules.max_level3_symbols:
            return TOO_MANY.format(symbol)
        taken = self._taken
        while taken and taken[0][0] <= now - NANOSECONDS:
            taken.popleft()
        points = _POINTS[depth] + sum(points for _, points in taken)
        if rules.max_level3_rate is not None and points > rules.max_level3_rate:
            return TOO_FAST.format(symbol)
        taken.append((now, _POINTS[depth]))
        return None
