"""What a test may tell the simulated account to do: numbers that its pair or asset can have.

Knows how numbers are checked and padded; raises the library's ``ConfigurationError`` for what
would break the arithmetic, and nothing for what the exchange alone would mind.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.testing.amounts import fits, rounded
from kraken_trio._internal.testing.terms import PairTerms

_LARGEST = Decimal(10) ** 39  # As in a request.


def wrong(field: str, rule: str, mend: str) -> ConfigurationError:
    """Give the error of a command that makes no sense."""
    return ConfigurationError(field=field, rule=rule, mend=mend)


def check_amount(field: str, value: object, places: int) -> Decimal:
    """Give a positive number padded to its decimals; ``ConfigurationError`` for another."""
    if not isinstance(value, Decimal):
        raise wrong(
            field,
            f"must be a Decimal, is of type {type(value).__name__}",
            'Write it like Decimal("0.1")',
        )
    if not value.is_finite() or not 0 < value < _LARGEST:
        raise wrong(field, f"must be more than 0, is {value}", "Give a positive number")
    if not fits(value, places):
        raise wrong(field, f"must have {places} decimals at most, is {value:f}", "Round it")
    return rounded(value, places)


def padded(request: AddOrder, terms: PairTerms) -> AddOrder:
    """Give an order with its numbers as reports show them; ``ConfigurationError`` for wrong ones.

    Distances to a price are left as they are.
    """
    if (request.order_qty is None) == (request.cash_order_qty is None):
        raise wrong("order_qty", "must be given, or else cash_order_qty", "Give one of them")
    changes: dict[str, Any] = {}
    for field, places in (
        ("order_qty", terms.qty_precision),
        ("display_qty", terms.qty_precision),
        ("cash_order_qty", terms.cost_precision),
        ("limit_price", terms.price_precision),
    ):
        value = getattr(request, field)
        distance = field == "limit_price" and request.limit_price_type in ("pct", "quote")
        if value is not None and not distance:
            changes[field] = check_amount(field, value, places)
    triggers = request.triggers
    if triggers is not None and triggers.price_type in (None, "static"):
        price = check_amount("triggers.price", triggers.price, terms.price_precision)
        changes["triggers"] = msgspec.structs.replace(triggers, price=price)
    template = request.conditional
    if template is not None:
        trailing = template.order_type == "trailing-stop-limit"
        for field, usual in (
            ("limit_price", "quote" if trailing else None),
            ("trigger_price", None),
        ):
            price, kind = getattr(template, field), getattr(template, f"{field}_type") or usual
            if price is not None and kind not in ("pct", "quote"):
                check_amount(f"conditional.{field}", price, terms.price_precision)
    return msgspec.structs.replace(request, **changes)
