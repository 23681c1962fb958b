"""How much an account may do: the counter of each pair, which rises with requests and decays.

Knows tiers, ceilings and what each kind of request costs; nothing of who asks. Its clock is passed
in.

Source: section "Limits" of the WebSocket v2 documentation. Not settled there, and decided here:
what takes orders away is counted, and never refused.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

from msgspec import Struct

from kraken_trio._internal.model.timestamp import NANOSECONDS

Tier = Literal["starter", "intermediate", "pro"]
"""How well the exchange knows whose account it is."""
TIERS: tuple[Tier, ...] = get_args(Tier)
"""All there are."""

AGES_S = (5, 10, 15, 45, 90, 300)
"""Orders younger than these many seconds cost more to touch, the younger the more."""
AMENDED = (3, 2, 1, 0, 0, 0)
"""What it costs to amend an order of these ages, besides the 1 that any amendment costs."""
EDITED = (6, 5, 4, 2, 1, 0)
"""The same for an edit."""
CANCELLED = (8, 6, 5, 4, 2, 1)
"""What it costs to cancel one."""


class Allowed(Struct, frozen=True):
    """What a tier may do in each pair."""

    ceiling: int
    """Of the counter."""
    decay: Fraction
    """A second."""
    open_orders: int
    """At the same time."""


ALLOWED: dict[Tier, Allowed] = {
    "starter": Allowed(60, Fraction(1), 60),
    "intermediate": Allowed(125, Fraction("2.34"), 80),
    "pro": Allowed(180, Fraction("3.75"), 225),
}
"""By tier."""


class RateCounter:
    """The counters of one account."""

    def __init__(self, tier: Tier) -> None:
        """Begin at zero."""
        self.allowed: Allowed = ALLOWED[tier]
        """What may be done."""
        self._counters: dict[str, tuple[Fraction, int]] = {}

    def value(self, symbol: str, now: int) -> Fraction:
        """The counter of a pair at ``now``, in nanoseconds since the epoch."""
        count, at = self._counters.get(symbol, (Fraction(0), now))
        decayed = count - self.allowed.decay * Fraction(max(0, now - at), NANOSECONDS)
        return max(Fraction(0), decayed)

    def charge(self, symbol: str, points: Fraction | int, now: int) -> bool:
        """Count ``points`` more; say whether that is beyond the ceiling."""
        count = self.value(symbol, now) + points
        self._counters[symbol] = (count, now)
        return count > self.allowed.ceiling


def by_age(points: tuple[int, ...], age_ns: int) -> int:
    """Give what it costs to touch an order of that age, out of one of the rows above."""
    for oldest_s, cost in zip(AGES_S, points, strict=True):
        if age_ns < oldest_s * NANOSECONDS:
            return cost
    return 0
