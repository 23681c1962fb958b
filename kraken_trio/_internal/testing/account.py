"""An account that never was: its orders, its balances, and what is told of both.

Knows what follows from each thing that happens to the account, in the order in which the exchange
tells of it. It decides nothing: that an order is filled, at which price and when, is up to whoever
has it filled. Its clock and its chance are passed in.

Source: sections "executions", "balances" and "Trading methods" of the WebSocket v2 documentation,
and captured traffic. Not settled there, and decided here: a fill is told before what it did to
the balances, of which that of the base asset comes first.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.requests import AddOrder, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.amounts import difference, total
from kraken_trio._internal.testing.commands import check_amount, padded, wrong
from kraken_trio._internal.testing.fills import Fill, make_fill
from kraken_trio._internal.testing.holdings import MAIN, Holdings
from kraken_trio._internal.testing.identifiers import Identifiers
from kraken_trio._internal.testing.listing import USUAL_PAIRS
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.pair import MarketPair
from kraken_trio._internal.testing.terms import (
    MAKER_RATE,
    TAKER_RATE,
    PairTerms,
    asset_precisions,
    terms_of,
)

AccountRecord = Execution | BalanceUpdate
"""What an account tells of: in ``executions``, or in ``balances``."""

RecordT = TypeVar("RecordT", bound=AccountRecord)
"""One of these."""

USER = "User requested"
"""The reason for what the client asked for."""

_MICROSECOND = 1000  # Times on the wire have no more digits.


class Account:
    """Orders and balances, which go on as they are told to.

    Each command gives what is told of it, oldest first, and tells whoever listens. One that makes
    no sense raises ``ConfigurationError`` and changes nothing; but what the exchange demands of an
    order, funds above all, it demands of requests alone: commands are beyond that.
    """

    def __init__(
        self, pairs: Iterable[MarketPair] = USUAL_PAIRS, *, seed: int = 0, clock: Callable[[], int]
    ) -> None:
        """Open it for a market of ``pairs``, with nothing in it.

        ``seed`` makes names and numbers; ``clock`` gives nanoseconds since the epoch.
        """
        self.terms: dict[str, PairTerms] = {pair.symbol: terms_of(pair) for pair in pairs}
        """Of each pair, by symbol."""
        self.maker_rate: Decimal = MAKER_RATE
        """What is charged of a fill's worth, for an order that was in the book."""
        self.taker_rate: Decimal = TAKER_RATE
        """What is charged of a fill's worth, for an order that took from the book."""
        self._clock = clock
        self._moment: int | None = None
        dice = random.Random(f"{seed}/account")  # noqa: S311 - chance that is meant to be foreseen
        self._names = Identifiers(dice)
        self._trade_id = dice.randrange(10**6, 10**8)
        self._orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}
        self._fills: list[Execution] = []
        self._executions: list[Execution] = []
        self._holdings = Holdings(asset_precisions(self.terms.values()), self._names)
        self._listeners: list[Callable[[AccountRecord], object]] = []
        self._untold: deque[AccountRecord] = deque()
        self._telling = False

    @property
    def now(self) -> Timestamp:
        """The account's clock, to the microsecond."""
        now = self._clock() if self._moment is None else self._moment
        return Timestamp(now - now % _MICROSECOND)

    @property
    def orders(self) -> dict[str, Execution]:
        """The open orders as they stand, by name, oldest first."""
        return {order_id: order.described() for order_id, order in self._open.items()}

    @property
    def executions(self) -> tuple[Execution, ...]:
        """All that was reported of orders, oldest first."""
        return tuple(self._executions)

    @property
    def fills(self) -> tuple[Execution, ...]:
        """All fills as snapshots show them, latest first."""
        return tuple(reversed(self._fills))

    @property
    def balances(self) -> dict[str, BalanceSnapshot]:
        """What is held, by asset."""
        return self._holdings.balances()

    @property
    def ledger(self) -> tuple[BalanceUpdate, ...]:
        """All entries of the ledger, oldest first."""
        return tuple(self._holdings.ledger)

    def order(self, order_id: str) -> Order:
        """An order, open or not; ``ConfigurationError`` for one that never was."""
        if order_id not in self._orders:
            raise wrong("order_id", f"must be of an order, is {order_id}", "Look in orders")
        return self._orders[order_id]

    def open_orders(self) -> tuple[Order, ...]:
        """The open orders, oldest first."""
        return tuple(self._open.values())

    def available(self, asset: str) -> Decimal:
        """What may be traded with: what is in the main wallet, less what open orders need."""
        self._holdings.check_asset(asset)
        needs = (order.needs(self.taker_rate) for order in self._open.values())
        held = total(amount for needed, amount in needs if needed == asset)
        return difference(self._holdings.in_wallet(asset), held)

    @contextmanager
    def moment(self) -> Iterator[Timestamp]:
        """Let all that happens in the block happen at one moment, which is given."""
        before = self._moment
        self._moment = now = self.now
        try:
            yield now
        finally:
            self._moment = before

    def listen(self, listener: Callable[[AccountRecord], object]) -> None:
        """Tell ``listener``, from now on, all that happens; it may give commands itself."""
        self._listeners.append(listener)

    def place(
        self,
        symbol: str,
        side: Literal["buy", "sell"],
        order_qty: Decimal | None,
        limit_price: Decimal | None = None,
        *,
        order_type: str = "limit",
        **others: Any,
    ) -> tuple[Execution, ...]:
        """Place an order, which rests: ``pending_new`` and ``new``.

        ``others`` are those of ``add_order`` by their names, with ``Decimal`` for numbers.
        """
        request = AddOrder(
            symbol=symbol,
            side=side,
            order_type=order_type,
            order_qty=order_qty,
            limit_price=limit_price,
            **others,
        )
        with self.moment():
            order = self.accept(request)
            return self._executions[-1], *self.start(order.order_id)

    def accept(self, request: AddOrder, ord_ref_id: str | None = None) -> Order:
        """Accept an order, which is not live yet: ``pending_new``. ``ord_ref_id`` names the order
        whose fill places it.
        """
        if request.symbol not in self.terms:
            known = ", ".join(self.terms)
            raise wrong("symbol", f"must be one of {known}", "Choose one of these")
        terms = self.terms[request.symbol]
        now = self.now
        order = Order(self._names.order(), padded(request, terms), terms, now, ord_ref_id)
        self._orders[order.order_id] = self._open[order.order_id] = order
        self._tell(order.pending(now))
        return order

    def start(self, order_id: str) -> tuple[Execution, ...]:
        """Let an order that was accepted go live: ``new``."""
        order = self._still_open(order_id)
        if order.status != "pending_new":
            raise wrong("order_id", "must be of an order that is not live", "Start it once")
        return self._tell(order.start(self.now))

    def fill(
        self,
        order_id: str,
        qty: Decimal | None = None,
        price: Decimal | None = None,
        *,
        maker: bool = True,
        trade_id: int | None = None,
    ) -> tuple[AccountRecord, ...]:
        """Fill an order: ``trade``, then ``filled`` if that is all, then what was paid and got.

        All that is left of it, and at its limit, unless told otherwise. ``maker`` says whether it
        was in the book, ``trade_id`` which trade it was: the next one.
        """
        order = self._still_open(order_id)
        if order.status == "pending_new" or (
            order.triggers is not None and order.triggers.status != "triggered"
        ):
            raise wrong("order_id", "must be of an order that is live", "Start or trigger it first")
        terms = order.terms
        price = order.request.limit_price if price is None else price
        if price is None:
            raise wrong("price", "must be given, the order has no limit", "Say at which price")
        price = check_amount("price", price, terms.price_precision)
        order.check_limit(price)
        left = order.left(price)
        qty = check_amount("qty", left if qty is None else qty, terms.qty_precision)
        if qty > left:
            raise wrong("qty", f"must be {left:f} at most, is {qty:f}", "Fill what is left")
        fill = self._fill(order, qty, price, maker=maker, trade_id=trade_id)
        now = self.now
        reports = [order.add(fill, now)]
        if order.left(price):
            refill = order.refill(qty, now)
            reports += [] if refill is None else [refill]
        else:
            del self._open[order_id]
            reports.append(order.close("filled", now))
        self._fills.append(order.fill_report(fill, now))
        return self._tell(*reports, *self._holdings.settle(terms, fill, now))

    def cancel(self, order_id: str, reason: str = USER) -> tuple[Execution, ...]:
        """Cancel an order: ``canceled``."""
        return self._close(order_id, "canceled", reason)

    def expire(self, order_id: str) -> tuple[Execution, ...]:
        """Let an order expire: ``expired``."""
        return self._close(order_id, "expired", None)

    def cancel_all(self, reason: str = USER) -> tuple[Execution, ...]:
        """Cancel all open orders, oldest first."""
        with self.moment():
            return tuple(record for name in [*self._open] for record in self.cancel(name, reason))

    def amend(
        self,
        order_id: str,
        order_qty: Decimal | None = None,
        limit_price: Decimal | None = None,
        *,
        display_qty: Decimal | None = None,
        trigger_price: Decimal | None = None,
        reason: str = USER,
        by_engine: bool = False,
    ) -> tuple[Execution, ...]:
        """Change an order in place: ``amended``, or ``restated`` where the engine did it.

        With a total quantity that is filled already, the rest is ``canceled`` instead.
        """
        request = self._still_open(order_id).request
        changes = {
            "order_qty": order_qty,
            "limit_price": limit_price,
            "display_qty": display_qty,
            "triggers": self._moved(request.triggers, trigger_price),
        }
        given = {name: value for name, value in changes.items() if value is not None}
        return self.change(order_id, replace(request, **given), reason, by_engine=by_engine)

    def change(
        self, order_id: str, request: AddOrder, reason: str = USER, *, by_engine: bool = False
    ) -> tuple[Execution, ...]:
        """As ``amend``: the order asks for ``request`` from now on."""
        order = self._still_open(order_id)
        request = padded(request, order.terms)
        if request.order_qty is not None and request.order_qty <= order.cum_qty:
            return self.cancel(order_id, reason)
        return self._tell(order.amend(request, self.now, reason, by_engine=by_engine))

    def amendment(self) -> str:
        """Give an amendment its name."""
        return self._names.trade()

    def trigger(
        self, order_id: str, last_price: Decimal, *, limit_price: Decimal | None = None
    ) -> tuple[Execution, ...]:
        """Let a price set an order off: ``status``. From then on it may be filled.

        ``limit_price`` is its limit then, where that was a distance.
        """
        prices = {"last_price": last_price, "limit_price": limit_price}
        return self._set_off(order_id, prices, status="triggered")

    def move_trigger(
        self, order_id: str, actual_price: Decimal | None, *, peak_price: Decimal | None = None
    ) -> tuple[Execution, ...]:
        """Let the price that will set an order off follow the market: ``status``. ``peak_price``
        is the best so far, where the order trails it.
        """
        return self._set_off(order_id, {"actual_price": actual_price, "peak_price": peak_price})

    def deposit(
        self, asset: str, amount: Decimal, *, fee: Decimal | None = None
    ) -> tuple[BalanceUpdate, ...]:
        """Bring funds in."""
        return self._tell(self._holdings.move("deposit", asset, amount, self.now, fee=fee))

    def withdraw(
        self, asset: str, amount: Decimal, *, fee: Decimal | None = None
    ) -> tuple[BalanceUpdate, ...]:
        """Take funds out."""
        return self._tell(self._holdings.move("withdrawal", asset, amount, self.now, fee=fee))

    def transfer(
        self, asset: str, amount: Decimal, *, source: str = MAIN, target: str = "flex"
    ) -> tuple[BalanceUpdate, ...]:
        """Move funds from one wallet to another."""
        moved = self._holdings.transfer(asset, amount, self.now, source=source, target=target)
        return self._tell(*moved)

    def _moved(self, triggers: TriggerParams | None, price: Decimal | None) -> TriggerParams | None:
        if price is None:
            return None
        if triggers is None:
            raise wrong("trigger_price", "must be of an order with a trigger", "Leave it out")
        return replace(triggers, price=price)

    def _set_off(
        self, order_id: str, prices: dict[str, Decimal | None], **changes: str
    ) -> tuple[Execution, ...]:
        order = self._still_open(order_id)
        if order.triggers is None:
            raise wrong("order_id", "must be of an order with a trigger", "Choose another order")
        moved: dict[str, Any] = {
            field: check_amount(field, price, order.terms.price_precision)
            for field, price in prices.items()
            if price is not None
        }
        limit_price = moved.pop("limit_price", None)
        now = self.now
        if "status" in changes:
            moved["timestamp"] = now
        triggers = replace(order.triggers, **moved, **changes)
        return self._tell(order.set_off(triggers, now, limit_price))

    def _close(self, order_id: str, status: str, reason: str | None) -> tuple[Execution, ...]:
        order = self._still_open(order_id)
        del self._open[order_id]
        return self._tell(order.close(status, self.now, reason))

    def _still_open(self, order_id: str) -> Order:
        order = self.order(order_id)
        if not order.open:
            raise wrong("order_id", f"must be of an open order, {order_id} is not", "Place another")
        return order

    def _fill(
        self, order: Order, qty: Decimal, price: Decimal, *, maker: bool, trade_id: int | None
    ) -> Fill:
        """Say what a trade comes to; its number is the next one unless it is given."""
        self._trade_id = self._trade_id + 1 if trade_id is None else trade_id
        terms, in_base = order.terms, order.request.fee_preference == "base"
        return make_fill(
            terms,
            order.request.side,
            qty,
            price,
            rate=self.maker_rate if maker else self.taker_rate,
            base_places=self._holdings.precision(terms.base) if in_base else None,
            maker=maker,
            exec_id=self._names.trade(),
            trade_id=self._trade_id,
        )

    def _tell(self, *records: RecordT) -> tuple[RecordT, ...]:
        """Keep what happened, and tell it; what a listener makes happen is told after it."""
        self._executions += (record for record in records if isinstance(record, Execution))
        self._untold += records
        if not self._telling:
            self._telling = True
            try:
                while self._untold:
                    record = self._untold.popleft()
                    for listener in self._listeners:
                        listener(record)
            finally:
                self._telling = False
        return records
