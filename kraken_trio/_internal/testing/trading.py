"""How the exchange answers those who trade.

Knows the answers to each method, and what takes orders away; nothing of connections, nor of what is
told in the channels.

Source: sections "Trading methods" and "Limits" of the WebSocket v2 documentation, and captured
answers. Not settled there, and decided here: during a maintenance everything is refused; an order
that a number of the client's names is answered for by its own name; and a switch that is turned off
has the trigger time of protocol v1. Which of several shapes an answer has is up to
``ExchangeRules``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
)
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.demands import Quotes, check_system
from kraken_trio._internal.testing.forms import INVALID, read_form
from kraken_trio._internal.testing.frames import (
    batch_cancelled_frame,
    failure_frame,
    success_frame,
    whole_moment,
)
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.ordering import UNKNOWN_ORDER, Ordering, Result
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.placing import Placing
from kraken_trio._internal.testing.ratecount import CANCELLED, RateCounter, by_age
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.timers import Timers
from kraken_trio._internal.wire.requests import RequestFrame

_BATCH_CANCEL = range(2, 51)
_TIMEOUTS_S = range(24 * 60 * 60)
_OFF = "0"


class Trading:
    """Does what clients ask for one account."""

    def __init__(
        self, account: Account, quotes: Quotes, counter: RateCounter, rules: ExchangeRules
    ) -> None:
        """Trade for ``account`` with the manners of ``rules``, and count it in ``counter``."""
        self._account = account
        self._quotes = quotes
        self._counter = counter
        self._rules = rules
        self.placing: Placing = Placing(account, quotes)
        """What becomes of orders in the market."""
        self._ordering = Ordering(account, quotes, self.placing, counter)
        self.timers: Timers = Timers(account, quotes, self.placing)
        """What happens by itself."""

    def answer(self, frame: RequestFrame, now: Timestamp) -> list[bytes]:
        """Do what a request asks that came ``now``; ``Refused`` where it is not done."""
        form = read_form(frame)
        check_system(self._quotes)
        result: object
        match form:
            case AddOrder():
                result = self._ordering.add(form, now)
            case AmendOrder():
                result = self._ordering.amend(form, now)
            case EditOrder():
                result = self._ordering.edit(form, now)
            case BatchAdd():
                result = self._batch(form, now)
            case CancelAll():
                result = {"count": self._cancel_all(now)}
            case CancelAllOrdersAfter():
                result = self._set_switch(form.timeout_s, now)
            case BatchCancel():
                count = self._cancel_batch(form, now)
                if not self._rules.batch_cancel_result:
                    return [batch_cancelled_frame(count, now, req_id=frame.req_id)]
                result = {"count": count}
            case CancelOrder():
                return [self._cancelled(frame, *one, now) for one in self._named(form)]
            case _ as unreachable:
                assert_never(unreachable)
        return [success_frame(frame.method or "", result, now, req_id=frame.req_id)]

    def _batch(self, form: BatchAdd, now: Timestamp) -> object:
        results = self._ordering.batch(form, now)
        if self._rules.batch_failures_in_orders and any("error" in result for result in results):
            return {"orders": [result | {"success": "error" not in result} for result in results]}
        return results

    def _cancel_all(self, now: Timestamp) -> int:
        orders = self._account.open_orders()
        for order in orders:
            self._cancel(order, now)
        return len(orders)

    def _set_switch(self, timeout_s: int, now: Timestamp) -> Result:
        if timeout_s not in _TIMEOUTS_S:
            raise Refused(INVALID)
        self.timers.set_switch(timeout_s, now)
        at = whole_moment(now + timeout_s * NANOSECONDS) if timeout_s else _OFF
        return {"currentTime": whole_moment(now), "triggerTime": at}

    def _named(self, form: CancelOrder) -> Iterator[tuple[str, Order | None]]:
        """Give how each order is named that is to be cancelled, and the order if there is one."""
        if not (form.order_id or form.cl_ord_id or form.order_userref):
            raise Refused(INVALID)
        orders = self._account.open_orders()
        by_id = {order.order_id: order for order in orders}
        by_name = {order.request.cl_ord_id: order for order in orders}
        yield from (("order_id", by_id.get(order_id)) for order_id in form.order_id)
        yield from (("cl_ord_id", by_name.get(name)) for name in form.cl_ord_id)
        for number in form.order_userref:
            found = [order for order in orders if order.request.order_userref == number]
            yield from (("order_id", order) for order in found or (None,))

    def _cancel_batch(self, form: BatchCancel, now: Timestamp) -> int:
        if len(form.orders) + len(form.cl_ord_id) not in _BATCH_CANCEL:
            raise Refused(INVALID)
        found = [
            order
            for order in self._account.open_orders()
            if order.order_id in form.orders
            or str(order.request.order_userref) in form.orders
            or order.request.cl_ord_id in form.cl_ord_id
        ]
        for order in found:
            self._cancel(order, now)
        return len(found)

    def _cancelled(
        self, frame: RequestFrame, how: str, order: Order | None, now: Timestamp
    ) -> bytes:
        """Cancel one order; give the answer about it."""
        if order is None or not order.open:
            return failure_frame(frame.method, UNKNOWN_ORDER, now, req_id=frame.req_id)
        self._cancel(order, now)
        name = order.order_id if how == "order_id" else order.request.cl_ord_id
        return success_frame("cancel_order", {how: name}, now, req_id=frame.req_id)

    def _cancel(self, order: Order, now: Timestamp) -> None:
        points = by_age(CANCELLED, now - order.accepted_at)
        self._counter.charge(order.terms.symbol, points, now)
        self._account.cancel(order.order_id)
