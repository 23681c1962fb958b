"""What executions show of a request that was never answered.

Knows what each kind of request would have done to orders, and how that shows; nothing of how it is
waited for. Called when nothing is missing and the request cannot come into effect any more.

Orders are found by name. One that was seen before the request was sent is not what it made, though
it may have had the same name: names are used again.

Source: sections "executions", "Trading methods" and "Reconnecting" of the WebSocket v2
documentation.
"""

from __future__ import annotations

from collections.abc import Iterable

from kraken_trio._internal.core.errands import Errand
from kraken_trio._internal.core.lives import Life, Lives
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    BatchOrder,
    CancelAll,
    CancelOrder,
    EditOrder,
)
from kraken_trio._internal.model.settlement import Settlement


def settlement(errand: Errand, lives: Lives, method: str) -> Settlement:
    """Say what became of a request that was sent, from what is known of all orders."""
    found, done = _found(errand, lives)
    late = errand.late
    if late is not None:
        done = late.success
    return Settlement(
        method=method,
        req_id=errand.req_id,
        carried_out=done,
        orders=tuple(life.known for life in found),
        open_orders=tuple(life.known.order_id for life in found if life.open),
        fills=tuple(fill for life in found for fill in life.fills.values()),
        answer=None if late is None else late.error or "",
    )


def _found(errand: Errand, lives: Lives) -> tuple[list[Life], bool | None]:
    """The orders concerned, and whether the request was carried out."""
    request, sent_at = errand.request, errand.sent_at or 0.0
    match request:
        case AddOrder():
            made = _made(request, lives, sent_at)
            return made, bool(made)
        case BatchAdd(orders=orders):
            each = [_made(order, lives, sent_at) for order in orders]
            found = list(dict.fromkeys(life for made in each for life in made))
            return found, _all_or_none(bool(made) for made in each)
        case AmendOrder():
            life = _named(lives, request.order_id or request.cl_ord_id or "")
            return ([life], _amended(request, life)) if life else ([], None)
        case EditOrder():
            life = _named(lives, request.order_id)
            made = [each for each in lives if each.known.ord_ref_id == request.order_id]
            still = life is not None and life.open
            # One that is over may have ended otherwise, and its successor need not name it.
            done = True if made else (False if still else None)
            return [*([life] if life else []), *made], done
        case CancelOrder(order_id=ids, cl_ord_id=names, order_userref=numbers):
            there = [life for name in (*ids, *names) if (life := _named(lives, name))]
            there += [life for life in lives if life.known.order_userref in numbers]
            there = [life for life in there if life.seen_at <= sent_at or life.open]
            return there, not any(life.open for life in there)
        case BatchCancel(orders=ids, cl_ord_id=names):
            there = [life for name in (*ids, *names) if (life := _named(lives, name))]
            there += [life for life in lives if str(life.known.order_userref) in ids]
            there = list(dict.fromkeys(there))
            return there, _all_or_none(not life.open for life in there)
        case CancelAll():
            before = [life for life in lives.open if life.seen_at <= sent_at]
            return before, not before
        case _:
            return [], None


def _made(order: AddOrder | BatchOrder, lives: Lives, sent_at: float) -> list[Life]:
    """What an order became: none, or one; several where its number is not its alone."""
    later = [life for life in lives if life.seen_at >= sent_at]
    if order.cl_ord_id is not None:
        return [life for life in later if life.known.cl_ord_id == order.cl_ord_id]
    if order.order_userref:
        return [life for life in later if life.known.order_userref == order.order_userref]
    return []


def _named(lives: Lives, name: str) -> Life | None:
    return next(iter(lives.named(name)), None)


def _amended(request: AmendOrder, life: Life) -> bool | None:
    """Whether an order is as it was to be; None where it is over, and may have been."""
    if not life.open:
        return None
    known = life.known
    wanted = (
        (request.order_qty, known.order_qty),
        (request.limit_price, known.limit_price),
        (request.display_qty, known.display_qty),
        (request.trigger_price, None if known.triggers is None else known.triggers.price),
    )
    return all(want == there for want, there in wanted if want is not None)


def _all_or_none(done: Iterable[bool]) -> bool | None:
    each = set(done)
    return each.pop() if len(each) == 1 else None
