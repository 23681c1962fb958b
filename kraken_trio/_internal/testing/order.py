"""One order of the simulated account: where it stands, and what is reported of it.

Knows an order's whole life and which members each report has; nothing of balances. What happens
to it is decided elsewhere: here it is added up.

Source: section "executions" of the WebSocket v2 documentation, and captured traffic. Not settled
there, and decided here: the last fill still says ``partially_filled``, as most captures do, and
which members ``status``, ``restated`` and ``iceberg_refill`` have.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from kraken_trio._internal.model.account import Contingent, Execution, Triggers
from kraken_trio._internal.model.requests import AddOrder, Conditional
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.amounts import (
    difference,
    nothing,
    product,
    quotient_down,
    ratio,
    rounded_up,
    total,
)
from kraken_trio._internal.testing.commands import wrong
from kraken_trio._internal.testing.fills import Fill
from kraken_trio._internal.testing.terms import USD_PRECISION, PairTerms

CLOSED = frozenset({"filled", "canceled", "expired"})
"""The statuses that nothing follows."""


class Order:
    """An order that was accepted. Its numbers have the decimals of its pair."""

    def __init__(
        self,
        order_id: str,
        request: AddOrder,
        terms: PairTerms,
        accepted_at: int = 0,
        ord_ref_id: str | None = None,
    ) -> None:
        """Accept ``request`` in a pair of these ``terms``; it is not live yet."""
        self.order_id: str = order_id
        """The exchange's name of it."""
        self.ord_ref_id: str | None = ord_ref_id
        """The order whose fill placed it; None where a client did."""
        self.accepted_at: int = accepted_at
        """When it was accepted."""
        self.changed_at: Timestamp = Timestamp(accepted_at)
        """When something was reported of it last."""
        self.request: AddOrder = request
        """What it asks for now: amendments change that."""
        self.terms: PairTerms = terms
        """Of its pair."""
        self.status: str = "pending_new"
        """As ``order_status`` of ``Execution``."""
        self.cum_qty: Decimal = nothing(terms.qty_precision)
        """Filled, base asset."""
        self.cum_cost: Decimal = nothing(terms.cost_precision)
        """Filled, quote asset."""
        self.fee_usd: Decimal = nothing(USD_PRECISION)
        """What its fills were charged, in dollars."""
        self.amended: bool = False
        """Whether it was changed since."""
        self.shown: Decimal | None = request.display_qty
        """What is left of the slice of an iceberg order that the book shows."""
        self.triggers: Triggers | None = None
        """What sets it off, where something has to."""
        if request.triggers is not None:
            self.triggers = Triggers(
                reference=request.triggers.reference or "last",
                price=request.triggers.price,
                price_type=request.triggers.price_type or "static",
                status="untriggered",
            )

    @property
    def open(self) -> bool:
        """Whether something may still follow."""
        return self.status not in CLOSED

    @property
    def avg_price(self) -> Decimal:
        """The average price of what is filled; zero where nothing is."""
        if not self.cum_qty:
            return nothing(self.terms.price_precision)
        return ratio(self.cum_cost, self.cum_qty, self.terms.price_precision)

    def left(self, price: Decimal | None = None) -> Decimal:
        """What is not filled yet, base asset.

        Of an order that says how much to spend, that depends on the price; without one it is 0.
        """
        if self.request.order_qty is not None:
            return difference(self.request.order_qty, self.cum_qty)
        if self.request.cash_order_qty is None or not price:
            return nothing(self.terms.qty_precision)
        money = difference(self.request.cash_order_qty, self.cum_cost)
        return quotient_down(money, price, self.terms.qty_precision)

    def needs(self, rate: Decimal, price: Decimal | None = None) -> tuple[str, Decimal]:
        """Which asset it needs, and how much of it for all that is left, fees at ``rate`` included.

        ``price`` counts for an order that has none of its own; without any, it needs nothing.
        """
        request, terms = self.request, self.terms
        charged = total((Decimal(1), rate))
        in_base = request.fee_preference == "base"
        if request.side == "sell":
            left = self.left()
            return terms.base, product(left, charged) if in_base else left
        if request.cash_order_qty is not None:
            cost = difference(request.cash_order_qty, self.cum_cost)
        else:
            cost = product(self.left(), self._own_price() or price or Decimal(0))
        needed = cost if in_base else product(cost, charged)
        return terms.quote, rounded_up(needed, terms.cost_precision)

    def _own_price(self) -> Decimal | None:
        """Give what it is worth by itself: its limit, or else what sets it off."""
        request = self.request
        if request.limit_price is not None and request.limit_price_type in (None, "static"):
            return request.limit_price
        triggers = request.triggers
        if triggers is not None and triggers.price_type in (None, "static"):
            return triggers.price
        return None

    def check_limit(self, price: Decimal) -> None:
        """Raise ``ConfigurationError`` for a price that is worse than its limit."""
        request = self.request
        limit = request.limit_price
        if limit is None or request.limit_price_type in ("pct", "quote"):
            return
        if price > limit if request.side == "buy" else price < limit:
            raise wrong("price", f"must be {limit:f} or better, is {price:f}", "Keep to the limit")

    def pending(self, now: Timestamp) -> Execution:
        """It is accepted: the full description."""
        return self._described("pending_new", now)

    def start(self, now: Timestamp) -> Execution:
        """It is live."""
        self.status = "new"
        return self._report("new", now)

    def add(self, fill: Fill, now: Timestamp) -> Execution:
        """Part of it is filled, or all that was left."""
        self.status = "partially_filled"
        self.changed_at = now
        self.cum_qty = total((self.cum_qty, fill.qty))
        self.cum_cost = total((self.cum_cost, fill.cost))
        self.fee_usd = total((self.fee_usd, fill.fee_usd))
        return replace(
            self.fill_report(fill, now),
            order_status=self.status,
            cum_qty=self.cum_qty,
            cum_cost=self.cum_cost,
            avg_price=self.avg_price,
            fee_usd_equiv=self.fee_usd,
            snapshot=False,
        )

    def fill_report(self, fill: Fill, at: Timestamp) -> Execution:
        """A fill as snapshots show it: as if it had been all."""
        return Execution(
            order_id=self.order_id,
            exec_type="trade",
            order_status="filled",
            timestamp=at,
            exec_id=fill.exec_id,
            trade_id=fill.trade_id,
            symbol=self.terms.symbol,
            side=self.request.side,
            last_qty=fill.qty,
            last_price=fill.price,
            liquidity_ind="m" if fill.maker else "t",
            cost=fill.cost,
            order_type=self.request.order_type,
            fee_usd_equiv=fill.fee_usd,
            fees=(fill.fee,),
            snapshot=True,
            **self._client_names(),
        )

    def close(self, status: str, now: Timestamp, reason: str | None = None) -> Execution:
        """It is ``filled``, ``canceled`` or ``expired``."""
        self.status = status
        return self._report(
            status,
            now,
            cum_qty=self.cum_qty,
            cum_cost=self.cum_cost,
            fee_usd_equiv=self.fee_usd,
            avg_price=self.avg_price,
            reason=reason,
        )

    def amend(
        self, request: AddOrder, now: Timestamp, reason: str, *, by_engine: bool = False
    ) -> Execution:
        """It is ``request`` from now on."""
        moved = request.triggers != self.request.triggers
        self.request = request
        self.amended = True
        if request.display_qty is not None:
            self.shown = min(request.display_qty, self.left())
        if self.triggers is not None and request.triggers is not None:
            self.triggers = replace(
                self.triggers,
                price=request.triggers.price,
                price_type=request.triggers.price_type or "static",
                # A distance counts anew; from the same peak, where there is one.
                actual_price=None if moved else self.triggers.actual_price,
            )
        return self._report(
            "restated" if by_engine else "amended",
            now,
            cum_qty=self.cum_qty,
            reason=reason,
            amended=True,
            order_qty=request.order_qty,
            limit_price=request.limit_price,
            limit_price_type=self._limit_price_type(),
            display_qty=request.display_qty,
            triggers=self.triggers,
        )

    def refill(self, filled: Decimal, now: Timestamp) -> Execution | None:
        """After a fill of that quantity, show the next slice, if it is an iceberg and time."""
        whole, shown = self.request.display_qty, self.shown
        if whole is None or shown is None:
            return None
        shown = difference(shown, filled)
        if shown > 0:
            self.shown = shown
            return None
        self.shown = min(whole, self.left())
        return self._report("iceberg_refill", now, display_qty_remain=self.shown)

    def set_off(
        self, triggers: Triggers, now: Timestamp, limit_price: Decimal | None = None
    ) -> Execution:
        """What sets it off has changed, or did it; ``limit_price`` is its limit from now on."""
        self.triggers = triggers
        if limit_price is None:
            return self._report("status", now, triggers=triggers)
        self.request = replace(self.request, limit_price=limit_price, limit_price_type="static")
        limit = {"limit_price": limit_price, "limit_price_type": "static"}
        return self._report("status", now, triggers=triggers, **limit)

    def described(self) -> Execution:
        """It as it stands: what snapshots show of an open order."""
        kind = "pending_new" if self.status == "pending_new" else "new"
        return replace(
            self._described(kind, self.changed_at),
            cum_qty=self.cum_qty,
            avg_price=self.avg_price,
            amended=self.amended or None,
            snapshot=True,
        )

    def _described(self, exec_type: str, now: Timestamp) -> Execution:
        request = self.request
        base = request.fee_preference == "base"
        return self._report(
            exec_type,
            now,
            symbol=request.symbol,
            order_qty=request.order_qty,
            cash_order_qty=request.cash_order_qty,
            cum_cost=self.cum_cost,
            time_in_force=(request.time_in_force or "gtc").upper(),
            side=request.side,
            order_type=request.order_type,
            limit_price_type=self._limit_price_type(),
            limit_price=request.limit_price,
            triggers=self.triggers,
            contingent=_contingent(request.conditional),
            fee_usd_equiv=self.fee_usd,
            fee_ccy_pref="fcib" if base else "fciq",
            display_qty=request.display_qty,
            display_qty_remain=self.shown,
            effective_time=request.effective_time,
            expire_time=request.expire_time,
            post_only=request.post_only or None,
            reduce_only=request.reduce_only or None,
            margin=request.margin or None,
            sender_sub_id=request.sender_sub_id,
            ord_ref_id=self.ord_ref_id,
        )

    def _limit_price_type(self) -> str | None:
        if self.request.limit_price is None:
            return None
        return self.request.limit_price_type or "static"

    def _report(self, exec_type: str, now: Timestamp, **members: Any) -> Execution:
        self.changed_at = now
        return Execution(
            order_id=self.order_id,
            exec_type=exec_type,
            order_status=self.status,
            timestamp=now,
            **self._client_names(),
            **members,
        )

    def _client_names(self) -> dict[str, Any]:
        """Give the client's name of it, or else its number, which is 0 where there is none."""
        if self.request.cl_ord_id is not None:
            return {"cl_ord_id": self.request.cl_ord_id}
        return {"order_userref": self.request.order_userref or 0}


def _contingent(conditional: Conditional | None) -> Contingent | None:
    if conditional is None:
        return None
    return Contingent(
        order_type=conditional.order_type,
        trigger_price=conditional.trigger_price,
        trigger_price_type=conditional.trigger_price_type,
        limit_price=conditional.limit_price,
        limit_price_type=conditional.limit_price_type,
    )
