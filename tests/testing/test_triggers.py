"""A trigger is reached from its own side; at a distance it follows, and never goes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.requests import AddOrder, TriggerParams
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.terms import terms_of
from kraken_trio._internal.testing.triggers import Run, away, limit_at, look, rises

D = Decimal
TERMS = terms_of(market_pairs(["BTC/USD"])[0])


def order(kind: str, side: str, price: str, price_type: str | None = None, **others: Any) -> Order:
    """Make one that something has to set off."""
    asked: dict[str, Any] = {"symbol": "BTC/USD", "order_type": kind, "side": side}
    triggers = TriggerParams(price=D(price), price_type=price_type)  # type: ignore[arg-type]
    request = AddOrder(order_qty=D(1), triggers=triggers, **asked, **others)
    return Order("O", request, TERMS)


def watch(made: Order, *prices: str) -> list[tuple[str, str, str]]:
    """Let prices come, one by one; give each level, peak, and what reached it."""
    seen = []
    for price in prices:
        found = look(made, Run(*(D(price),) * 3))
        assert found is not None
        made.triggers, reached = found
        seen.append((f"{made.triggers.actual_price}", f"{made.triggers.peak_price}", f"{reached}"))
    return seen


@pytest.mark.parametrize(
    "kind, side, up",
    [
        ("stop-loss", "sell", False),
        ("stop-loss-limit", "buy", True),
        ("take-profit", "sell", True),
        ("take-profit-limit", "buy", False),
        ("trailing-stop", "sell", False),
        ("trailing-stop-limit", "buy", True),
    ],
)
def test_the_side_that_it_is_reached_from(kind: str, side: str, up: bool) -> None:
    """Stops are set off by what makes the order worse, take-profits by what makes it better."""
    made = order(kind, side, "100")
    assert rises(made.request) is up
    if "trailing" not in kind:
        for low, high, price in (("99", "100", "100"), ("100", "101", "100")):
            found = look(made, Run(D(low), D(high), D(100)))
            assert found is not None
            assert found[1] == (D(high) if up else D(low)) or D(price) == found[1]
        assert watch(made, "99" if up else "101") == [("None", "None", "None")]


def test_a_trailing_sale_follows_upwards_alone() -> None:
    """The trigger keeps its distance to the highest price, and waits there."""
    made = order("trailing-stop", "sell", "10", "quote")
    assert watch(made, "100", "105", "101", "95.1", "104", "95") == [
        ("90.0", "100", "None"),
        ("95.0", "105", "None"),
        ("95.0", "105", "None"),
        ("95.0", "105", "None"),
        ("95.0", "105", "None"),
        ("95.0", "105", "95"),
    ]


def test_a_trailing_purchase_follows_downwards_alone() -> None:
    """The same the other way round, in percent of the lowest price, to the pair's decimals."""
    made = order("trailing-stop-limit", "buy", "1", "pct", limit_price=D(2))
    assert watch(made, "100", "98.5", "99.4", "99.5") == [
        ("101.0", "100", "None"),
        ("99.5", "98.5", "None"),
        ("99.5", "98.5", "None"),
        ("99.5", "98.5", "99.5"),
    ]


def test_a_run_that_rises_and_falls() -> None:
    """The old trigger is held against all of it, the new one against its end."""
    for low, high, last, reached in (
        ("89", "120", "120", "89"),
        ("91", "120", "110", "110"),
        ("91", "120", "110.1", "None"),
    ):
        made = order("trailing-stop", "sell", "10", "quote")
        watch(made, "100")
        found = look(made, Run(D(low), D(high), D(last)))
        assert found is not None
        assert f"{found[1]}" == reached
        assert found[0].peak_price == (D(100) if reached == "89" else D(120))


@pytest.mark.parametrize(
    "kind, price, price_type, level",
    [
        ("stop-loss", "-10", "quote", "90.0"),
        ("stop-loss", "-10", "pct", "180.0"),
        ("take-profit", "0.06", "pct", "200.1"),
        ("stop-loss", "-300", "quote", "0.1"),
    ],
)
def test_a_distance_counts_once(kind: str, price: str, price_type: str, level: str) -> None:
    """From the price at the first look; no trigger is less than a step."""
    base = "100" if price_type == "quote" else "200"
    made = order(kind, "sell", price, price_type)
    seen = watch(made, base, base, "190" if kind == "stop-loss" else "150")
    if level == "0.1":
        assert seen[0] == ("0.1", "None", "None")
    else:
        assert [each[0] for each in seen] == [level] * 3
        assert {each[1] for each in seen} == {"None"}


def test_what_nothing_sets_off() -> None:
    """It has no trigger, or had one."""
    plain = AddOrder(symbol="BTC/USD", side="buy", order_type="market", order_qty=D(1))
    assert look(Order("O", plain, TERMS), Run(D(1), D(1), D(1))) is None
    made = order("stop-loss", "sell", "100")
    assert made.triggers is not None
    made.triggers = type(made.triggers)(price=D(100), status="triggered")
    assert look(made, Run(D(1), D(1), D(1))) is None


@pytest.mark.parametrize(
    "limit, kind, at",
    [
        (None, None, None),
        ("99", None, None),
        ("99", "static", None),
        ("-1", "quote", "99.0"),
        ("-1.5", "pct", "98.5"),
        ("-200", "quote", "0.1"),
    ],
)
def test_the_limit_that_it_gives(limit: str | None, kind: Any, at: str | None) -> None:
    """A distance is added to the trigger; a limit that is one stays."""
    price = None if limit is None else D(limit)
    made = order("trailing-stop-limit", "sell", "1", "quote", limit_price=price)
    asked = type(made.request)(
        symbol="BTC/USD",
        side="sell",
        order_type="trailing-stop-limit",
        order_qty=D(1),
        limit_price=price,
        limit_price_type=kind,
    )
    found = limit_at(asked, D(100), 1)
    assert (None if found is None else f"{found}") == at


@given(
    st.sampled_from(["buy", "sell"]),
    st.sampled_from(["pct", "quote"]),
    st.integers(1, 500),
    st.lists(st.integers(500, 2000), min_size=1, max_size=20),
)
def test_a_trailing_trigger_is_what_it_says(
    side: str, kind: str, distance: int, prices: list[int]
) -> None:
    """At every moment as far from the best price so far as was asked, until it is reached."""
    made = order("trailing-stop", side, f"{D(distance) / 10}", kind)
    for number, price in enumerate(prices, 1):
        before = made.triggers.actual_price if made.triggers else None
        found = look(made, Run(*(D(price),) * 3))
        assert found is not None
        made.triggers, reached = found
        seen = prices[:number]
        best = D(max(seen) if side == "sell" else min(seen))
        sign = -1 if side == "sell" else 1
        level = away(best, sign * D(distance) / 10, kind, 1)
        if reached is not None:
            at = level if before is None else before
            assert D(price) <= at if side == "sell" else D(price) >= at
            break
        assert (made.triggers.actual_price, made.triggers.peak_price) == (level, best)
        assert D(price) > level if side == "sell" else D(price) < level
