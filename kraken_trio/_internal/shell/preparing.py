"""Requests about orders as they are sent, and answers as they are given.

Knows what is filled in where a program left it open: the name of an order, the moment after which a
request is void, and in an answer the names that it was asked by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from kraken_trio._internal.core.errands import OrderRequest
from kraken_trio._internal.model.errors import RequestNotSent
from kraken_trio._internal.model.messages import OrderResult, Reply
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    EditOrder,
)
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.encode import METHODS

SHORTEST_DEADLINE_S: Final = 0.5
"""From now, as the exchange takes it."""
LONGEST_DEADLINE_S: Final = 60.0
"""Likewise."""
USUAL_DEADLINE_S: Final = 5.0
"""So long the exchange works on what has no deadline, from when that reached it."""

Order = TypeVar("Order", AddOrder, BatchOrder)
"""One order, alone or in a batch."""
About = TypeVar("About", bound=OrderRequest)
"""Any request about orders."""
_DATED: Final = (AddOrder, AmendOrder, EditOrder, BatchAdd)
"""Those that the exchange does not work on for ever."""


def named(order: Order, name_order: Callable[[], str]) -> Order:
    """Give an order a name if it has neither name nor number, so that it can be found again. A
    number of 0 is none: reports show it of orders without one.
    """
    if order.cl_ord_id or order.order_userref:
        return order
    return replace(order, cl_ord_id=name_order(), order_userref=None)


def numbered(change: EditOrder, number_order: Callable[[], int]) -> EditOrder:
    """Give what an edit makes a number if it has none: it keeps none of the order's, and takes no
    name.
    """
    return change if change.order_userref else replace(change, order_userref=number_order())


def names_of(*orders: AddOrder | BatchOrder) -> list[str]:
    """What orders are found by again: the client's names, or else numbers, as text."""
    return [order.cl_ord_id or str(order.order_userref) for order in orders]


def dated(request: About, deadline_s: float | None, clock: Callable[[], Timestamp]) -> About:
    """Make what makes or changes an order void so many seconds from now; ``RequestNotSent`` for too
    few or too many. ``clock`` is the exchange's.
    """
    if deadline_s is None or not isinstance(request, _DATED):
        return request
    if not SHORTEST_DEADLINE_S <= deadline_s <= LONGEST_DEADLINE_S:
        asked: OrderRequest = request
        raise RequestNotSent(
            METHODS[type(asked)],
            f"must be {SHORTEST_DEADLINE_S:g} to {LONGEST_DEADLINE_S:g} seconds, is {deadline_s:g}",
            field="deadline_s",
            mend="Choose one of these",
        )
    return replace(request, deadline=Timestamp(clock() + int(deadline_s * NANOSECONDS)))


def stamped(request: About, now: Timestamp | None) -> About:
    """Give what is being sent the deadline that the exchange would give it when it comes there. One
    that is on its way for longer is not carried out any more, and that can be known.

    ``now`` is by the exchange's clock; None where nobody knows that, then it is left as it is.
    """
    if now is None or not isinstance(request, _DATED):
        return request
    if request.deadline is not None:
        return request
    return replace(request, deadline=Timestamp(now + int(USUAL_DEADLINE_S * NANOSECONDS)))


def result(
    reply: Reply,
    *,
    order_id: str | None = None,
    cl_ord_id: str | None = None,
    order_userref: int | None = None,
    original_order_id: str | None = None,
) -> OrderResult:
    """What an answer says about one order, with the names that it was asked by."""
    first = reply.orders[0] if reply.orders else OrderResult()
    return replace(
        first,
        order_id=first.order_id or order_id,
        cl_ord_id=first.cl_ord_id or cl_ord_id,
        order_userref=first.order_userref or order_userref,
        original_order_id=first.original_order_id or original_order_id,
        warnings=first.warnings or reply.warnings,
    )


def results(reply: Reply, orders: Sequence[BatchOrder]) -> tuple[OrderResult, ...]:
    """What an answer says about each order of a batch, in their order: found by name or number,
    else by place. An answer of another length is given as it is, for nobody knows who is missing.
    """
    if len(reply.orders) != len(orders):
        return reply.orders
    names = Counter(names_of(*orders))
    places = {name: place for place, name in enumerate(names_of(*orders)) if names[name] == 1}
    found: dict[int, OrderResult] = {}
    rest: list[OrderResult] = []
    for row in reply.orders:
        place = places.pop(row.cl_ord_id or str(row.order_userref), None)
        if place is None:
            rest.append(row)
        else:
            found[place] = row
    unnamed = iter(rest)
    rows = [found[place] if place in found else next(unnamed) for place in range(len(orders))]
    return tuple(
        replace(
            row,
            cl_ord_id=row.cl_ord_id or order.cl_ord_id,
            order_userref=row.order_userref or order.order_userref,
        )
        for row, order in zip(rows, orders, strict=True)
    )
