"""What sets an order off: the price that does, how it follows the market, and the limit it gives.

Knows which way a price has to come, and how distances are counted; nothing of who trades, nor of
what becomes of the order then.

Trailing. The best price since the order went live is its peak: the highest of an order to sell, the
lowest of one to buy. Its trigger keeps its distance to the peak, and never goes back. Prices come
in runs that rise or fall, so they are told as the least, the greatest and the last: the old trigger
is held against the run before it moves, the new one against what came last.

Source: sections "add_order" and "executions" of the WebSocket v2 documentation. Not settled there,
and decided here: the distance of an order that does not trail counts from the price at the first
look; that of a limit counts from the trigger, and is added to it; and no price is less than the
smallest step of its pair.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from kraken_trio._internal.model.account import Triggers
from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.testing.amounts import difference, product, rounded, total, unit
from kraken_trio._internal.testing.demands import TRAILING
from kraken_trio._internal.testing.order import Order

_STATIC = (None, "static")
_PERCENT = Decimal("0.01")


class Run(NamedTuple):
    """Prices since the last look."""

    low: Decimal
    """The least."""
    high: Decimal
    """The greatest."""
    last: Decimal
    """The latest."""


def rises(request: AddOrder) -> bool:
    """Whether a price that rises to the trigger sets the order off; else one that falls to it."""
    return (request.side == "buy") != request.order_type.startswith("take-profit")


def look(order: Order, run: Run) -> tuple[Triggers, Decimal | None] | None:
    """Give how the trigger of an order stands after ``run``, and the price that reached it, if one
    did. None where nothing has to set the order off any more.
    """
    request, triggers = order.request, order.triggers
    if triggers is None or request.triggers is None or triggers.status == "triggered":
        return None
    distance, up = request.triggers.price, rises(request)
    kind, places = request.triggers.price_type, order.terms.price_precision
    trailing = request.order_type in TRAILING
    if trailing and not up:
        distance = difference(Decimal(0), distance)
    peak, at = triggers.peak_price, triggers.actual_price
    if kind in _STATIC:
        at = distance
    elif at is None:
        peak = peak or run.last
        at = away(peak, distance, kind, places)
    far = run.high if up else run.low
    reached = far if _reached(far, at, up=up) else None
    if trailing and reached is None:
        best = min(peak or run.low, run.low) if up else max(peak or run.high, run.high)
        if best != peak:
            peak, at = best, away(best, distance, kind, places)
            reached = run.last if _reached(run.last, at, up=up) else None
    if kind not in _STATIC:
        triggers = replace(triggers, actual_price=at, peak_price=peak if trailing else None)
    return triggers, reached


def limit_at(request: AddOrder, at: Decimal, places: int) -> Decimal | None:
    """Give the limit that an order has once its trigger was reached, which stood ``at`` that price.
    None where it has its limit already, or will have none.
    """
    limit, kind = request.limit_price, request.limit_price_type
    return None if limit is None or kind in _STATIC else away(at, limit, kind, places)


def away(base: Decimal, distance: Decimal, kind: str | None, places: int) -> Decimal:
    """Give the price at a distance from another: in percent of it, or as it is."""
    far = product(product(base, distance), _PERCENT) if kind == "pct" else distance
    return max(rounded(total((base, far)), places), unit(places))


def _reached(price: Decimal, at: Decimal, *, up: bool) -> bool:
    return price >= at if up else price <= at
