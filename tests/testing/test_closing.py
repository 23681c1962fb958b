"""A fill places the opposite of what it was of, of its size, by the template of its order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.model.requests import AddOrder, Conditional, TriggerParams
from kraken_trio._internal.testing.closing import closing, sound
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.terms import terms_of

D = Decimal
TERMS = terms_of(market_pairs(["BTC/USD"])[0])


def template(kind: str, **members: Any) -> Conditional:
    """Make one, with text for numbers."""
    numbers: dict[str, Any] = {
        name: text if name.endswith("type") else D(text) for name, text in members.items()
    }
    return Conditional(order_type=kind, **numbers)


@pytest.mark.parametrize(
    "made, right",
    [
        (template("limit", limit_price="1.5"), True),
        (template("limit", limit_price="-1", limit_price_type="pct"), True),
        (template("limit"), False),
        (template("limit", limit_price="1.55"), False),
        (template("limit", limit_price="0"), False),
        (template("limit", limit_price="1", trigger_price="1"), False),
        (template("iceberg", limit_price="1"), False),
        (template("market"), False),
        (template("stop-loss", trigger_price="1"), True),
        (template("stop-loss", trigger_price="-1"), False),
        (template("stop-loss", trigger_price="-1", trigger_price_type="quote"), True),
        (template("stop-loss"), False),
        (template("stop-loss-limit", trigger_price="1", limit_price="1"), True),
        (template("take-profit", trigger_price="1", limit_price="1"), False),
        (template("trailing-stop", trigger_price="1"), False),
        (template("trailing-stop", trigger_price="1", trigger_price_type="pct"), True),
        (template("trailing-stop", trigger_price="-1", trigger_price_type="pct"), False),
        (
            template(
                "trailing-stop-limit",
                trigger_price="1",
                trigger_price_type="pct",
                limit_price="-0.55",
            ),
            True,
        ),
    ],
)
def test_what_a_template_has_to_be(made: Conditional, right: bool) -> None:
    """Of a type that can close, with all that this needs and nothing else, in the pair's steps."""
    assert sound(made, TERMS) is right


def closed(made: Conditional | None, side: Any = "buy") -> AddOrder | None:
    """Fill half a bitcoin at 100."""
    request = AddOrder(
        symbol="BTC/USD",
        side=side,
        order_type="limit",
        order_qty=D(1),
        limit_price=D(100),
        cl_ord_id="mine",
        conditional=made,
    )
    return closing(request, D("0.5"), D(100), TERMS)


def test_without_a_template_nothing_is_placed() -> None:
    """Most orders have none."""
    assert closed(None) is None


@pytest.mark.parametrize(
    "made, members",
    [
        (template("limit", limit_price="120"), {"limit_price": D(120)}),
        (
            template("limit", limit_price="20", limit_price_type="quote"),
            {"limit_price": D("120.0")},
        ),
        (template("limit", limit_price="-5", limit_price_type="pct"), {"limit_price": D("95.0")}),
        (
            template("stop-loss", trigger_price="90"),
            {"triggers": TriggerParams(price=D(90))},
        ),
        (
            template(
                "trailing-stop-limit",
                trigger_price="2",
                trigger_price_type="pct",
                limit_price="-1",
            ),
            {
                "triggers": TriggerParams(price=D(2), price_type="pct"),
                "limit_price": D(-1),
                "limit_price_type": "quote",
            },
        ),
        (
            template(
                "take-profit-limit",
                trigger_price="110",
                limit_price="-1",
                limit_price_type="pct",
            ),
            {
                "triggers": TriggerParams(price=D(110)),
                "limit_price": D(-1),
                "limit_price_type": "pct",
            },
        ),
    ],
)
@pytest.mark.parametrize("side, other", [("buy", "sell"), ("sell", "buy")])
def test_the_order_that_it_makes(
    made: Conditional, members: dict[str, Any], side: str, other: Any
) -> None:
    """Opposite, of the fill's size, without the client's names."""
    assert closed(made, side) == AddOrder(
        symbol="BTC/USD", side=other, order_type=made.order_type, order_qty=D("0.5"), **members
    )
