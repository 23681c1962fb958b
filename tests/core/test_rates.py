"""The trading rate counter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.rates import (
    AMENDED,
    CANCELLED,
    EDITED,
    Rates,
    Tier,
    TradingRate,
    by_age,
)


@pytest.mark.parametrize(
    "ceiling, tier",
    [
        (60, Tier(60, 1.0)),
        (125, Tier(125, 2.34)),
        (180, Tier(180, 3.75)),
        (150, Tier(150, 2.34)),
        (20, Tier(20, 1.0)),
        (500, Tier(500, 3.75)),
    ],
)
def test_the_ceiling_tells_the_tier(ceiling: int, tier: Tier) -> None:
    """One that is not known falls as fast as the tier below it."""
    rates = Rates()
    assert rates.tier == Tier(60, 1.0)
    rates.allow(ceiling)
    assert rates.tier == tier


def test_a_counter_rises_and_falls() -> None:
    """Each pair has its own; what the exchange shows counts."""
    rates = Rates()
    rates.charge("BTC/USD", 9, 0.0)
    rates.charge("BTC/USD", 1, 5.0)
    assert (rates.count("BTC/USD", 5.0), rates.count("ETH/USD", 5.0)) == (5.0, 0.0)
    assert rates.count("BTC/USD", 100.0) == 0.0
    rates.observe("BTC/USD", 30.0, 100.0)
    assert rates.count("BTC/USD", 100.0) == 40.0  # as before what is unanswered
    for points in (9, 1):
        rates.answered("BTC/USD", points)
    rates.observe("BTC/USD", 50.0, 100.0)
    assert rates.at("BTC/USD", 101.0) == TradingRate("BTC/USD", 49.0, 60, 1.0)
    assert rates.at("BTC/USD", 101.0).left == 11.0
    assert rates.ready_at("BTC/USD", 11.0, 101.0) == 101.0
    assert rates.ready_at("BTC/USD", 21.0, 101.0) == 111.0
    assert rates.ready_at("BTC/USD", 1000.0, 101.0) == 150.0


@pytest.mark.parametrize(
    "age_s, costs",
    [
        (0.0, (3, 6, 8)),
        (5.0, (2, 5, 6)),
        (10.0, (1, 4, 5)),
        (15.0, (0, 2, 4)),
        (45.0, (0, 1, 2)),
        (90.0, (0, 0, 1)),
        (300.0, (0, 0, 0)),
    ],
)
def test_young_orders_cost_more(age_s: float, costs: tuple[int, int, int]) -> None:
    """As the table of the documentation has it: amended, edited, cancelled."""
    assert tuple(by_age(row, age_s) for row in (AMENDED, EDITED, CANCELLED)) == costs


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 9)), max_size=80))
def test_whoever_waits_never_exceeds_the_ceiling(wishes: list[tuple[float, int]]) -> None:
    """Whenever and whatever is spent."""
    rates, now = Rates(), 0.0
    for pause_s, points in wishes:
        now = rates.ready_at("BTC/USD", points, now + pause_s)
        rates.charge("BTC/USD", points, now)
        assert rates.count("BTC/USD", now) <= rates.tier.ceiling + 1e-6
