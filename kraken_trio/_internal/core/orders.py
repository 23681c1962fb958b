"""Own orders as they stand, folded from reports that say only what has changed.

Knows how a report changes an order, and what a snapshot says of the orders that it no longer has.
Reads no clock, never raises, and imports nothing but the vocabulary.

A report is laid over what was known: what it does not say stays. A snapshot replaces all that is
open, for it is the truth; what was open before and is not in it has ended meanwhile. How, no
snapshot says: where its known fills make up all that was ordered it was filled, and otherwise it
is ``gone``, which is honest: it may have been cancelled, or have expired, or have been filled by
more than the snapshot shows. An order that came and was filled while nobody listened shows by its
fills alone, and has ended likewise; one that came and was cancelled then shows nowhere.

Bounds: orders that ended are remembered, the latest ``ENDED_KEPT`` of them. What is open the
exchange bounds itself, by the account's tier.

Source: section "executions" of the WebSocket v2 documentation; captured traffic, in which all
reports of an order but the first are without symbol and side, and an old fill may come once more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from kraken_trio._internal.core.digits import EXACT
from kraken_trio._internal.model.account import Execution, Triggers
from kraken_trio._internal.model.orders import ENDED, GONE, Order

ENDED_KEPT: Final = 1000
"""Orders that are remembered after their end."""

_SHARED: Final = tuple(
    name
    for name in Order.__struct_fields__
    if name in Execution.__struct_fields__ and name not in {"snapshot", "triggers"}
)
"""What a report and an order have in common, and is simply taken over."""
Sum = tuple[Decimal, Decimal]
"""A quantity and its cost."""

_ZERO: Final = Decimal(0)
NOTHING: Final[Sum] = (_ZERO, _ZERO)
"""Not traded at all."""


def is_fill(report: Execution) -> bool:
    """Whether it says that something was traded; a ``filled`` after it is a summary."""
    return report.exec_id is not None and report.last_qty is not None


class Orders:
    """All own orders that are open, and the latest that are not."""

    __slots__ = ("_ended", "_open", "_traded")

    def __init__(self) -> None:
        """Know of none."""
        self._open: dict[str, Order] = {}
        # What the fills that were seen add up to, of the open ones.
        self._traded: dict[str, Sum] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()

    def __len__(self) -> int:
        """How many are known, open or not."""
        return len(self._open) + len(self._ended)

    def __iter__(self) -> Iterator[str]:
        """The names of all that are known: the open ones first, each kind oldest first."""
        yield from self._open
        yield from self._ended

    def get(self, order_id: str) -> Order | None:
        """An order as it stands, if it is known."""
        return self._open.get(order_id) or self._ended.get(order_id)

    @property
    def open(self) -> tuple[Order, ...]:
        """The open ones, oldest first."""
        return tuple(self._open.values())

    def apply(self, report: Execution, *, counted: bool = False) -> Order:
        """Lay a report over what is known of its order; give the order as it stands then.

        ``counted`` says that it is a fill whose quantity is in there already.
        """
        known = self.get(report.order_id)
        changes = _said(report)
        if known is None:
            order = _first(changes)
        else:
            changes["triggers"] = _laid_over(known.triggers, report.triggers)
            changes["reason"] = report.reason  # That of an amendment is none of its fill.
            if not known.open and known.order_status != GONE and report.order_status not in ENDED:
                changes.pop("order_status", None)  # Nothing comes back from its end.
            order = replace(known, **changes, snapshot=False, missed=False)
        if is_fill(report) and not counted:
            if report.cum_qty is None:
                order = _with(order, _add(_said_of(order), [report]))
            self._trade(report)
        self._put(order)
        return order

    def begin(
        self, reports: Iterable[Execution], missed: Iterable[Execution]
    ) -> tuple[list[Order], list[Order], list[Order]]:
        """Take the open orders of a snapshot for the truth. Give those that ended meanwhile, those
        that are open, and those that nobody knew before and are over already, each oldest first.

        ``missed`` are the fills that were not seen before, oldest first, whichever order they are
        of. An order that came and ended without a fill meanwhile is in nothing, so not in these.
        """
        before, self._open = self._open, {}
        fresh = [replace(_first(_said(report)), snapshot=True) for report in reports]
        for order in fresh:
            self._put(order)
        fills: dict[str, list[Execution]] = {}
        for fill in missed:
            fills.setdefault(fill.order_id, []).append(fill)
            self._trade(fill)
        ended = [
            _over(order, self._traded.get(order_id, NOTHING), fills.get(order_id, []))
            for order_id, order in before.items()
            if order_id not in self._open and order_id not in self._ended
        ]
        unseen = [
            _over(_of(found), self._traded[order_id], [])
            for order_id, found in fills.items()
            if order_id not in before and self.get(order_id) is None
        ]
        for order in (*ended, *unseen):
            self._put(order)
        self._traded = {name: sums for name, sums in self._traded.items() if name in self._open}
        return ended, list(self._open.values()), unseen

    def _trade(self, fill: Execution) -> None:
        name = fill.order_id
        self._traded[name] = _add(self._traded.get(name, NOTHING), [fill])

    def _put(self, order: Order) -> None:
        name = order.order_id
        if order.open:
            self._ended.pop(name, None)
            self._open[name] = order
            return
        self._open.pop(name, None)
        self._traded.pop(name, None)
        self._ended[name] = order
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)


def _first(said: dict[str, Any]) -> Order:
    """An order of which nothing else is known. It is open, unless it is said that it is not."""
    said.setdefault("order_status", "partially_filled" if said.get("cum_qty") else "new")
    return Order(**said)


def described(order: Order) -> Execution:
    """An open order as a snapshot of the exchange would show it."""
    said: dict[str, Any] = {name: getattr(order, name) for name in _SHARED}
    said["exec_type"] = "pending_new" if order.order_status == "pending_new" else "new"
    return Execution(**said, triggers=order.triggers, snapshot=True)


def _said(report: Execution) -> dict[str, Any]:
    """What a report says, and nothing else."""
    said = {name: getattr(report, name) for name in (*_SHARED, "triggers")}
    return {name: value for name, value in said.items() if value is not None}


def _laid_over(known: Triggers | None, said: Triggers | None) -> Triggers | None:
    if known is None or said is None:
        return said or known
    given = {
        name: value
        for name in Triggers.__struct_fields__
        if (value := getattr(said, name)) is not None
    }
    return replace(known, **given)


def _said_of(order: Order) -> Sum:
    """What reports say that is filled of it."""
    return order.cum_qty or _ZERO, order.cum_cost or _ZERO


def _add(sums: Sum, fills: Iterable[Execution]) -> Sum:
    """Add fills to what is filled."""
    qty, cost = sums
    for fill in fills:
        qty = EXACT.add(qty, fill.last_qty or _ZERO)
        cost = EXACT.add(cost, fill.cost or _ZERO)
    return qty, cost


def _with(order: Order, filled: Sum) -> Order:
    """An order of which so much is filled; at which average, nobody said."""
    if filled == _said_of(order):
        return order
    return replace(order, cum_qty=filled[0], cum_cost=filled[1], avg_price=None)


def _of(fills: Iterable[Execution]) -> Order:
    """An order of which nothing but fills is known, oldest first."""
    said: dict[str, Any] = {}
    for fill in fills:
        said |= _said(fill)
    return _first(said)


def _over(order: Order, traded: Sum, missed: list[Execution]) -> Order:
    """An order that is not open any more: the snapshot has it not.

    What was filled of it is all its fills that are known; or what reports said, which knew of fills
    that are not, and the fills since. Neither is ever more than the truth, so the larger counts.
    """
    since = [fill for fill in missed if (fill.timestamp or 0) > (order.timestamp or 0)]
    order = _with(order, max(traded, _add(_said_of(order), since)))
    whole = order.order_qty is not None and (order.cum_qty or _ZERO) >= order.order_qty
    return replace(order, order_status="filled" if whole else GONE, snapshot=True, missed=True)
