"""The order that a fill places: what closes what was bought or sold, by the template of its order.

Knows what a template has to be, and which order it makes of a fill; nothing of when that is placed.

Source: sections "add_order" and "executions" of the WebSocket v2 documentation. Not settled there,
and decided here: the distance of a simple limit counts from the price of the fill; a close watches
the last price, and has neither a name nor a number of the client's; and it may be smaller than the
orders that clients may place, for a fill may be.
"""

from __future__ import annotations

from decimal import Decimal

from kraken_trio._internal.model.requests import AddOrder, Conditional, TriggerParams
from kraken_trio._internal.testing.amounts import fits
from kraken_trio._internal.testing.demands import LIMITS, TRAILING, TRIGGERED
from kraken_trio._internal.testing.terms import PairTerms
from kraken_trio._internal.testing.triggers import away

_STATIC = (None, "static")
_TYPES = (LIMITS | TRIGGERED) - {"iceberg"}


def sound(template: Conditional, terms: PairTerms) -> bool:
    """Whether a template can make an order of this pair."""
    kind, limit, trigger = template.order_type, template.limit_price, template.trigger_price
    if kind not in _TYPES or (limit is None) == (kind in LIMITS):
        return False
    if (trigger is None) == (kind in TRIGGERED):
        return False
    if kind in TRAILING and trigger is not None:
        away_from_it = template.trigger_price_type not in _STATIC and trigger > 0
        if not away_from_it:
            return False
    limit_kind = template.limit_price_type
    if kind == "trailing-stop-limit":
        limit_kind = limit_kind or "quote"
    return all(
        price is None or how not in _STATIC or (price > 0 and fits(price, terms.price_precision))
        for price, how in ((limit, limit_kind), (trigger, template.trigger_price_type))
    )


def closing(request: AddOrder, qty: Decimal, price: Decimal, terms: PairTerms) -> AddOrder | None:
    """Give the order that closes a fill of ``request``; None where it has no template."""
    template = request.conditional
    if template is None:
        return None
    limit, kind = template.limit_price, template.limit_price_type
    if template.order_type == "trailing-stop-limit":
        kind = kind or "quote"
    elif template.order_type == "limit" and limit is not None and kind not in _STATIC:
        limit, kind = away(price, limit, kind, terms.price_precision), None
    triggers = None
    if template.trigger_price is not None:
        triggers = TriggerParams(
            price=template.trigger_price, price_type=template.trigger_price_type
        )
    return AddOrder(
        symbol=request.symbol,
        side="sell" if request.side == "buy" else "buy",
        order_type=template.order_type,
        order_qty=qty,
        limit_price=limit,
        limit_price_type=kind,
        triggers=triggers,
    )
