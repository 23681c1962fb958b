"""How fast an account may trade: the counter of each pair, as the exchange keeps it.

Knows the tiers, what each request costs by the age of its orders, and how the counter falls;
nothing of who sends what. Moments are seconds of one clock that the caller reads.

The tier is told by the ceiling that the exchange gives with a subscription to ``executions``;
until then the lowest is assumed. A counter that the exchange itself shows takes the place of ours.
Ours errs on the side of too much: an age that is not known counts as none.

Source: section "Limits" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

AGES_S: Final = (5, 10, 15, 45, 90, 300)
"""Orders younger than these many seconds cost more to touch, the younger the more."""
AMENDED: Final = (3, 2, 1, 0, 0, 0)
"""What it costs to amend an order of these ages, besides the 1 of any amendment."""
EDITED: Final = (6, 5, 4, 2, 1, 0)
"""The same for an edit."""
CANCELLED: Final = (8, 6, 5, 4, 2, 1)
"""What it costs to cancel one."""


class Tier(Struct, frozen=True):
    """What an account of one kind may do in each pair."""

    ceiling: int
    """Of the counter."""
    decay: float
    """What it falls by in a second."""


TIERS: Final = (Tier(60, 1.0), Tier(125, 2.34), Tier(180, 3.75))
"""Starter, intermediate, pro."""


class TradingRate(Struct, frozen=True):
    """The counter of one pair at one moment."""

    symbol: str
    """Such as ``BTC/USD``."""
    count: float
    """How high it is."""
    ceiling: int
    """What is refused beyond this."""
    decay: float
    """What it falls by in a second."""

    @property
    def left(self) -> float:
        """What may be spent now."""
        return max(0.0, self.ceiling - self.count)


class Rates:
    """The counters of one account."""

    def __init__(self) -> None:
        """All at zero, of the lowest tier."""
        self.tier: Tier = TIERS[0]
        """What may be done."""
        self._counters: dict[str, tuple[float, float]] = {}
        # What unanswered requests cost: a counter that is shown may be from before them.
        self._unanswered: dict[str, float] = {}

    def allow(self, ceiling: int) -> None:
        """The exchange said how high they may rise."""
        # Of a ceiling that is not known, the tier below it tells how fast the counter falls.
        below = [tier for tier in TIERS if tier.ceiling <= ceiling]
        self.tier = Tier(ceiling, (below or TIERS)[-1 if below else 0].decay)

    def count(self, symbol: str, now: float) -> float:
        """The counter of a pair."""
        count, at = self._counters.get(symbol, (0.0, now))
        return max(0.0, count - self.tier.decay * max(0.0, now - at))

    def charge(self, symbol: str, points: float, now: float) -> None:
        """Something is being sent that costs so much."""
        self._counters[symbol] = (self.count(symbol, now) + points, now)
        self._unanswered[symbol] = self._unanswered.get(symbol, 0.0) + points

    def answered(self, symbol: str, points: float) -> None:
        """It was answered, or will not be: what is shown from now on has it."""
        self._unanswered[symbol] -= points

    def observe(self, symbol: str, count: float, now: float) -> None:
        """The exchange showed the counter, as it was before what is unanswered."""
        self._counters[symbol] = (count + self._unanswered.get(symbol, 0.0), now)

    def ready_at(self, symbol: str, points: float, now: float) -> float:
        """When so much may be spent: ``now`` or later. What is more than the ceiling may never."""
        excess = self.count(symbol, now) + min(points, self.tier.ceiling) - self.tier.ceiling
        return now + max(0.0, excess) / self.tier.decay

    def at(self, symbol: str, now: float) -> TradingRate:
        """The counter of a pair, with what it may do."""
        return TradingRate(symbol, self.count(symbol, now), self.tier.ceiling, self.tier.decay)


def by_age(points: Sequence[int], age_s: float) -> int:
    """What it costs to touch an order of that age, out of one of the rows above."""
    for oldest_s, cost in zip(AGES_S, points, strict=True):
        if age_s < oldest_s:
            return cost
    return 0
