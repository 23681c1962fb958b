"""Numbers of commands are those that their pair can have, or an error says which cannot be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import AddOrder, Conditional, TriggerParams
from kraken_trio._internal.testing.commands import check_amount, padded
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.terms import terms_of

TERMS = terms_of(market_pairs(["BTC/USD"])[0])


def test_padding() -> None:
    """A number gets the decimals of its kind, and no other digit changes."""
    assert str(check_amount("qty", Decimal("1.5"), 4)) == "1.5000"
    assert str(check_amount("qty", Decimal("1.50000"), 2)) == "1.50"


@pytest.mark.parametrize(
    "value, rule",
    [
        (1.5, "must be a Decimal, is of type float"),
        (2, "must be a Decimal, is of type int"),
        (Decimal("NaN"), "must be more than 0, is NaN"),
        (Decimal("Infinity"), "must be more than 0, is Infinity"),
        (Decimal(0), "must be more than 0, is 0"),
        (Decimal(-1), "must be more than 0, is -1"),
        (Decimal("1e50"), r"must be more than 0, is 1E\+50"),
        (Decimal("0.12345"), "must have 4 decimals at most, is 0.12345"),
    ],
)
def test_what_cannot_be(value: Any, rule: str) -> None:
    """Anything else is refused, with the name of what is wrong."""
    with pytest.raises(ConfigurationError, match=f"qty.*{rule}"):
        check_amount("qty", value, 4)


def order(**others: Any) -> AddOrder:
    """Make a request."""
    return AddOrder(symbol="BTC/USD", side="buy", order_type="limit", **others)


def test_orders_are_padded() -> None:
    """Quantities, costs and prices of an order have their decimals; distances are as they were."""
    done = padded(
        order(
            order_qty=Decimal(1),
            display_qty=Decimal("0.1"),
            limit_price=Decimal(60000),
            triggers=TriggerParams(price=Decimal(59000)),
        ),
        TERMS,
    )
    assert str(done.order_qty) == "1.00000000"
    assert str(done.display_qty) == "0.10000000"
    assert str(done.limit_price) == "60000.0"
    assert done.triggers is not None
    assert str(done.triggers.price) == "59000.0"
    away = order(
        cash_order_qty=Decimal(5),
        limit_price=Decimal("-0.125"),
        limit_price_type="pct",
        triggers=TriggerParams(price=Decimal("-2.125"), price_type="pct"),
    )
    assert padded(away, TERMS) == away
    assert str(padded(away, TERMS).cash_order_qty) == "5.00000"


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"order_qty": Decimal(1), "cash_order_qty": Decimal(1)},
        {"order_qty": Decimal("1e-9")},
        {"order_qty": Decimal(1), "limit_price": Decimal("1.23")},
        {"order_qty": Decimal(1), "triggers": TriggerParams(price=Decimal("1.23"))},
    ],
)
def test_orders_that_cannot_be(others: dict[str, Any]) -> None:
    """An order needs one quantity, and numbers that its pair can have."""
    with pytest.raises(ConfigurationError):
        padded(order(**others), TERMS)


@pytest.mark.parametrize(
    "template, wrong",
    [
        (Conditional(order_type="limit", limit_price=Decimal("1.55")), "limit_price"),
        (Conditional(order_type="stop-loss", trigger_price=Decimal(0)), "trigger_price"),
        (Conditional(order_type="limit", limit_price=Decimal("1.5")), None),
        (
            Conditional(
                order_type="trailing-stop-limit",
                limit_price=Decimal("-1.55"),
                trigger_price=Decimal("0.55"),
                trigger_price_type="pct",
            ),
            None,
        ),
    ],
)
def test_what_a_fill_is_to_place(template: Conditional, wrong: str | None) -> None:
    """Its prices are looked at before the order is there; distances may be anything."""
    made = order(order_qty=Decimal(1), limit_price=Decimal(60000), conditional=template)
    if wrong is None:
        assert padded(made, TERMS).conditional == template
        return
    with pytest.raises(ConfigurationError, match=f"conditional.{wrong}"):
        padded(made, TERMS)
