"""What executions show of a request that was never answered.

Knows what each kind of request would have done to orders, and how that shows; nothing of how it is
waited for. Called when nothing is missing and the request cannot come into effect any more.

Orders are found by name. One that was seen before the request was sent is not what it made, though
it may have had the same name: names are used again. What an edit made is found by its number, for
nothing in the protocol says that an order names the one that it replaced; an ``ord_ref_id`` is that
of an order whose fill placed it.

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
            return made, _was_made(made, lives, sent_at)
        case BatchAdd(orders=orders):
            each = [_made(order, lives, sent_at) for order in orders]
            found = list(dict.fromkeys(life for made in each for life in made))
            return found, _all_or_none(_was_made(made, lives, sent_at) for made in each)
        case AmendOrder():
            life = _named(lives, request.order_id or request.cl_ord_id or "")
            return ([life], _amended(request, life)) if life else ([], None)
        case EditOrder():
            life = _named(lives, request.order_id)
            made = [each for each in _made(request, lives, sent_at) if each is not life]
            done = _was_made(made, lives, sent_at)
            if life is not None and life.open:
                done = False
            elif not made and not request.order_userref:
                done = None  # It has no name to be found by.
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
            return there, _all_or_none(not life.open for life in there) if there else True
        case CancelAll():
            before = [life for life in lives.open if life.seen_at <= sent_at]
            return before, not before
        case _:
            return [], None


def _made(order: AddOrder | BatchOrder | EditOrder, lives: Lives, sent_at: float) -> list[Life]:
    """What an order became: none, or one; several where its number is not its alone."""
    name, number = getattr(order, "cl_ord_id", None), order.order_userref
    if name:
        found = [life for life in lives.called(name) if life.known.cl_ord_id == name]
    elif number:
        found = [life for life in lives.called(str(number)) if life.known.order_userref == number]
    else:
        found = []
    return [life for life in found if life.seen_at >= sent_at]


def _was_made(made: list[Life], lives: Lives, sent_at: float) -> bool | None:
    """Whether an order came to be; None where it may be in fills that were missed."""
    if made:
        return True
    blind = lives.blind_until is not None and sent_at <= lives.blind_until
    return None if blind else False


def _named(lives: Lives, name: str) -> Life | None:
    return next(iter(lives.named(name)), None)


def _amended(request: AmendOrder, life: Life) -> bool | None:
    """Whether an order is as it was to be; None where it is over, and may have been."""
    if not life.open:
        return None
    known = life.known
    every = (
        (request.order_qty, known.order_qty),
        (request.limit_price, known.limit_price),
        (request.display_qty, known.display_qty),
        (request.trigger_price, None if known.triggers is None else known.triggers.price),
    )
    wanted = [(want, there) for want, there in every if want is not None]
    # How a price is to be read is not compared, for a report shows what came of it.
    return all(want == there for want, there in wanted) if wanted else None


def _all_or_none(done: Iterable[bool | None]) -> bool | None:
    each = set(done)
    return each.pop() if len(each) == 1 else None
