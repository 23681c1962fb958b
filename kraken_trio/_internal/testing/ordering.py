"""Orders that clients ask for: placed, amended, edited, or refused in the exchange's words.

Knows what each request means for the account; nothing of frames.

Source: sections "Trading methods" and "Limits" of the WebSocket v2 documentation, and captured
refusals. Not settled there, and decided here: what ``validate`` is answered; the reason of an order
that was edited; that an edit without a quantity keeps what is left; and how an amendment is refused
that would take and must not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
from msgspec.structs import replace

from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    EditOrder,
    TriggerParams,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.amounts import difference
from kraken_trio._internal.testing.closing import sound
from kraken_trio._internal.testing.demands import (
    ARGUMENT,
    UNKNOWN_PAIR,
    Quotes,
    check_count,
    check_deadline,
    check_funds,
    check_system,
    checked,
    trimmed,
)
from kraken_trio._internal.testing.forms import INVALID
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.placing import Placing
from kraken_trio._internal.testing.ratecount import AMENDED, EDITED, RateCounter, by_age

UNKNOWN_ORDER = "EOrder:Unknown order"
TOO_FAST = "EOrder:Rate limit exceeded"
WRONG_ORDER = "EOrder:Invalid order"
WRONG_PRICE = "EOrder:Invalid price"
REPLACED = "Order replaced"
"""The reason of an order that was edited."""

Result = dict[str, object]
"""What an answer says about one order."""

_BATCH = range(2, 16)


class Ordering:
    """Takes orders for one account."""

    def __init__(
        self, account: Account, quotes: Quotes, placing: Placing, counter: RateCounter
    ) -> None:
        """Take them for ``account``, and count them in ``counter``."""
        self._account = account
        self._quotes = quotes
        self._placing = placing
        self._counter = counter

    def add(self, form: AddOrder, now: Timestamp) -> Result:
        """Place an order."""
        self._charge(form.symbol, 1, now)
        request = self._checked(form, now)
        if not form.validate:
            return self._place(request, now)
        check_count(self._account, request.symbol, self._counter.allowed.open_orders)
        check_funds(request, self._account, self._quotes)
        return _names(request)

    def batch(self, form: BatchAdd, now: Timestamp) -> list[Result]:
        """Place some orders of one pair; one that fails by itself has an ``error``."""
        if len(form.orders) not in _BATCH:
            raise Refused(INVALID)
        self._charge(form.symbol, Fraction(len(form.orders), 2), now)
        check_deadline(form.deadline, now)
        requests = [
            self._checked(AddOrder(symbol=form.symbol, **_given(order)), now)
            for order in form.orders
        ]
        names = [request.cl_ord_id for request in requests if request.cl_ord_id is not None]
        if len(set(names)) < len(names):
            raise Refused(INVALID)
        if form.validate:
            return [_names(request) for request in requests]
        return [self._placed_or_not(request, now) for request in requests]

    def amend(self, form: AmendOrder, now: Timestamp) -> Result:
        """Change an order in place."""
        order = self.named(form.order_id, form.cl_ord_id)
        symbol = order.terms.symbol
        self._charge(symbol, 1 + by_age(AMENDED, now - order.accepted_at), now)
        if order.request.conditional is not None:
            raise Refused(WRONG_ORDER)
        if form.symbol not in (None, symbol):
            raise Refused(INVALID)
        check_system(self._quotes)
        request = trimmed(_amended(order.request, form), order.terms)
        if request.order_qty is None or request.order_qty > order.cum_qty:
            request = self._checked(request, now, besides=order.order_id)
            self._check_funds(request, order)
            if form.post_only and self._placing.taken_at(request) is not None:
                raise Refused(WRONG_PRICE)
        self._account.change(order.order_id, request)
        if order.status in {"new", "partially_filled"}:
            self._placing.revise(order)
        named = {"order_id": form.order_id, "cl_ord_id": form.cl_ord_id}
        by_name = {name: value for name, value in named.items() if value is not None}
        return {"amend_id": self._account.amendment(), **by_name}

    def edit(self, form: EditOrder, now: Timestamp) -> Result:
        """Cancel an order, and place another."""
        order = self.named(form.order_id, None)
        self._charge(order.terms.symbol, 1 + by_age(EDITED, now - order.accepted_at), now)
        if form.symbol != order.terms.symbol:
            raise Refused(UNKNOWN_PAIR)
        set_off = order.triggers is not None and order.triggers.status == "triggered"
        old = order.request
        if set_off or old.conditional is not None or old.cl_ord_id is not None:
            raise Refused(WRONG_ORDER)
        if form.order_qty is not None and form.order_qty < order.cum_qty:
            raise Refused(WRONG_ORDER)
        changes = _given(form)
        for name in ("order_id", "symbol", "validate"):
            changes.pop(name, None)
        left = None if old.order_qty is None else order.left()
        edited = {"order_qty": left, "deadline": None, "order_userref": None} | changes
        request = self._checked(replace(old, **edited), now, besides=order.order_id)
        check_funds(request, self._account, self._quotes, instead_of=order)
        if form.validate:
            return {"original_order_id": order.order_id}
        self._account.cancel(order.order_id, REPLACED)
        placed = self._placing.place(request, now)
        return {"order_id": placed.order_id, "original_order_id": order.order_id}

    def named(self, order_id: str | None, cl_ord_id: str | None) -> Order:
        """Give the open order of a name, of which there is to be one; ``Refused`` for none."""
        if (order_id is None) == (cl_ord_id is None):
            raise Refused(INVALID)
        for order in self._account.open_orders():
            if order_id == order.order_id or (cl_ord_id and cl_ord_id == order.request.cl_ord_id):
                return order
        raise Refused(UNKNOWN_ORDER)

    def _charge(self, symbol: str, points: Fraction | int, now: Timestamp) -> None:
        if symbol in self._account.terms and self._counter.charge(symbol, points, now):
            raise Refused(TOO_FAST)

    def _checked(self, request: AddOrder, now: Timestamp, *, besides: str = "") -> AddOrder:
        request = checked(request, self._account, self._quotes, now, besides=besides)
        template = request.conditional
        if template is not None and not sound(template, self._account.terms[request.symbol]):
            raise Refused(ARGUMENT.format("conditional"))
        return request

    def _check_funds(self, request: AddOrder, order: Order) -> None:
        """Refuse an amendment of ``order`` that could not be paid for."""
        if request.order_qty is not None:
            left = difference(request.order_qty, order.cum_qty)
            request = replace(request, order_qty=left)
        check_funds(request, self._account, self._quotes, instead_of=order)

    def _place(self, request: AddOrder, now: Timestamp) -> Result:
        check_count(self._account, request.symbol, self._counter.allowed.open_orders)
        check_funds(request, self._account, self._quotes)
        order = self._placing.place(request, now)
        return {"order_id": order.order_id, **_names(request)}

    def _placed_or_not(self, request: AddOrder, now: Timestamp) -> Result:
        try:
            return self._place(request, now)
        except Refused as refused:
            return {"error": refused.error, **_names(request)}


def _names(request: AddOrder) -> Result:
    """Give the client's names of an order, as answers show them."""
    names = {"cl_ord_id": request.cl_ord_id, "order_userref": request.order_userref}
    return {name: value for name, value in names.items() if value is not None}


def _given(form: msgspec.Struct) -> dict[str, Any]:
    """Give what a request says."""
    return {n: value for n, value in msgspec.structs.asdict(form).items() if value is not None}


def _amended(request: AddOrder, form: AmendOrder) -> AddOrder:
    """Give an order as an amendment wants it."""
    changes = _given(form)
    for name in ("order_id", "cl_ord_id", "symbol", "post_only"):
        changes.pop(name, None)
    price = changes.pop("trigger_price", None)
    price_type = changes.pop("trigger_price_type", None)
    triggers = request.triggers
    if price is not None or price_type is not None:
        if triggers is None:
            raise Refused(INVALID)
        changes["triggers"] = TriggerParams(
            price=triggers.price if price is None else price,
            reference=triggers.reference,
            price_type=price_type or "static",
        )
    return replace(request, **({"deadline": None} | changes))
