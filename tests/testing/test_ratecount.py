"""A counter rises with what is asked, decays with time, and has a ceiling."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kraken_trio._internal.testing.ratecount import (
    AMENDED,
    CANCELLED,
    EDITED,
    TIERS,
    RateCounter,
    Tier,
    by_age,
)

SECOND = 10**9


@pytest.mark.parametrize("tier, ceiling", [*zip(TIERS, (60, 125, 180), strict=True)])
def test_ceilings(tier: Tier, ceiling: int) -> None:
    """So many at once are allowed, pair by pair, and one more is not."""
    counter = RateCounter(tier)
    assert not any(counter.charge("BTC/USD", 1, 0) for _ in range(ceiling))
    assert counter.charge("BTC/USD", 1, 0)
    assert not counter.charge("ETH/USD", 1, 0)
    assert counter.value("BTC/USD", 0) == ceiling + 1


def test_decay() -> None:
    """The counter goes down each second, not below zero, and not up if a clock goes back."""
    counter = RateCounter("intermediate")
    counter.charge("BTC/USD", Fraction(15, 2), 10 * SECOND)
    assert counter.value("BTC/USD", 11 * SECOND) == Fraction("5.16")
    assert counter.value("BTC/USD", 60 * SECOND) == 0
    assert counter.value("BTC/USD", 9 * SECOND) == Fraction("7.5")
    assert counter.value("ETH/USD", 0) == 0


@pytest.mark.parametrize(
    "age_s, costs",
    [
        (0, (3, 6, 8)),
        (4.999, (3, 6, 8)),
        (5, (2, 5, 6)),
        (10, (1, 4, 5)),
        (15, (0, 2, 4)),
        (45, (0, 1, 2)),
        (90, (0, 0, 1)),
        (300, (0, 0, 0)),
    ],
)
def test_young_orders_cost_more(age_s: float, costs: tuple[int, int, int]) -> None:
    """It costs the more to touch an order, the younger it is."""
    age = int(age_s * SECOND)
    assert tuple(by_age(points, age) for points in (AMENDED, EDITED, CANCELLED)) == costs
