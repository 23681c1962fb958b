"""Orders: what a program may ask about them.

Each method makes one request of what it is given: named so that its order can be found again, dated
where it is to end, priced by the rate counter. How it is sent and answered stands in ``asking``,
what is known of the account in ``reports``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from decimal import Decimal
from types import TracebackType
from typing import Literal, Self

import trio
from msgspec.structs import replace
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core import order_rules
from kraken_trio._internal.core.rates import TradingRate
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import (
    ConfigurationError,
    OutcomeUnknown,
)
from kraken_trio._internal.model.lifecycle import ConnectionState
from kraken_trio._internal.model.messages import OrderResult
from kraken_trio._internal.model.reference import InstrumentPair
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
from kraken_trio._internal.model.settlement import Settlement
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.asking import Asking
from kraken_trio._internal.shell.hub import PRIVATE, Hub, endpoint_of
from kraken_trio._internal.shell.preparing import named, names_of, numbered, result, results
from kraken_trio._internal.shell.reports import EXECUTIONS, Reports
from kraken_trio._internal.shell.switch import Switch, keep_switch
from kraken_trio._internal.shell.tokens import Tokens


class Trading:
    """Orders, placed and changed over a session of its own: ``feed.trading()`` gives it.

    An async context manager. Entering waits until the session is there, knows every open order and
    the instruments; it raises ``SubscriptionError`` where the key may not see executions. Each
    method waits for the exchange's answer, and raises

    * ``RequestNotSent`` where nothing was sent: the request cannot be right, the exchange's mode
      forbids it, or there is no connection;
    * ``OrderRejected`` where the exchange said no;
    * ``OutcomeUnknown`` where its answer did not come within ``answer_within_s`` (the
      configuration's ``timeout`` unless given) or the connection was lost: the request may have
      been carried out or not. ``settle`` finds out. Cancelling the call has the same effect, and
      as nobody can be told then, it stands in ``unknown``, and is an event like all of these.

    What the exchange accepts is not done yet: fills and ends are told by ``feed.executions()``.
    """

    def __init__(
        self,
        config: KrakenConfig,
        *,
        hub: Hub,
        tokens: Tokens,
        name_order: Callable[[], str],
        number_order: Callable[[], int],
    ) -> None:
        """Nothing begins yet. ``name_order`` gives a name that no order ever had, ``number_order``
        a number.
        """
        tokens.prepare(EXECUTIONS, endpoint_of(config, PRIVATE))
        self._hub = hub
        self._name_order = name_order
        self._number_order = number_order
        self._reports = Reports(hub)
        self._stack = AsyncExitStack()
        self._asking = Asking(hub, self._reports, config.timeout)
        self._switches: list[Switch] = []

    @enable_ki_protection
    async def __aenter__(self) -> Self:
        """Begin the session, and wait until it is there."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._reports.instruments())
            session = self._hub.begin_trading()
            self._asking.open(session)
            stack.callback(self._asking.close)
            await stack.enter_async_context(self._reports.executions(session))
            self._stack = stack.pop_all()
        return self

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the session, without a wait. Open orders stay open."""
        await self._stack.aclose()

    # Asking.

    async def add_order(
        self,
        order: AddOrder,
        *,
        deadline_s: float | None = None,
        answer_within_s: float | None = None,
    ) -> OrderResult:
        """Place an order; with its ``validate`` set, only have the exchange check it.

        An order that has neither a ``cl_ord_id`` nor an ``order_userref`` is given a ``cl_ord_id``
        that no other has, so that it can be found again whatever happens; the result holds it.
        ``deadline_s`` from now, 0.5 to 60, it is not matched any more.
        """
        order = named(order, self._name_order)
        reply = await self._asking.ask(
            order,
            order.symbol,
            names=names_of(order),
            cost={order.symbol: 1},
            answer_within_s=answer_within_s,
            deadline_s=deadline_s,
        )
        return result(reply, cl_ord_id=order.cl_ord_id, order_userref=order.order_userref)

    async def batch_add(
        self,
        batch: BatchAdd,
        *,
        deadline_s: float | None = None,
        answer_within_s: float | None = None,
    ) -> tuple[OrderResult, ...]:
        """Place 2 to 15 orders of one pair. What became of each stands in its place; one that
        failed alone has an ``error``. Names and ``deadline_s`` as in ``add_order``.
        """
        orders = tuple(named(order, self._name_order) for order in batch.orders)
        batch = replace(batch, orders=orders)
        reply = await self._asking.ask(
            batch,
            batch.symbol,
            names=names_of(*orders),
            cost={batch.symbol: len(orders) / 2},
            answer_within_s=answer_within_s,
            deadline_s=deadline_s,
        )
        return results(reply, orders)

    async def amend_order(
        self,
        change: AmendOrder,
        *,
        deadline_s: float | None = None,
        answer_within_s: float | None = None,
    ) -> OrderResult:
        """Change an order in place: it keeps its name, and where it can its place in the queue."""
        name = change.order_id or change.cl_ord_id or ""
        symbol = change.symbol or self._reports.symbol_of(name)
        cost = self._reports.cost("amend", name)
        reply = await self._asking.ask(
            change,
            symbol,
            names=(name,),
            cost=cost,
            answer_within_s=answer_within_s,
            deadline_s=deadline_s,
        )
        return result(reply, order_id=change.order_id, cl_ord_id=change.cl_ord_id)

    async def edit_order(
        self,
        change: EditOrder,
        *,
        deadline_s: float | None = None,
        answer_within_s: float | None = None,
    ) -> OrderResult:
        """Cancel an order and place another: the result has both names. ``amend_order`` does what
        it does, and keeps the place. The exchange edits none that has a ``cl_ord_id``: one that is
        to be edited needs an ``order_userref``. The new order has the number that ``change`` gives
        it, or one that no other has, by which it can be found again.
        """
        change = numbered(change, self._number_order)
        cost = self._reports.cost("edit", change.order_id)
        reply = await self._asking.ask(
            change,
            change.symbol,
            names=(change.order_id, str(change.order_userref)),
            cost=cost,
            answer_within_s=answer_within_s,
            deadline_s=deadline_s,
        )
        number = change.order_userref
        return result(reply, original_order_id=change.order_id, order_userref=number)

    async def cancel_order(
        self,
        order_id: str | None = None,
        *,
        cl_ord_id: str | None = None,
        order_userref: int | None = None,
        answer_within_s: float | None = None,
    ) -> OrderResult:
        """Cancel one order, by one of its names. All that have a number are cancelled by it; the
        result names one of them.
        """
        request = CancelOrder(
            order_id=() if order_id is None else (order_id,),
            cl_ord_id=() if cl_ord_id is None else (cl_ord_id,),
            order_userref=() if order_userref is None else (order_userref,),
        )
        names = (*request.order_id, *request.cl_ord_id, *map(str, request.order_userref))
        cost = self._reports.cost("cancel", *names)
        reply = await self._asking.ask(
            request,
            None,
            names=names,
            cost=cost,
            answer_within_s=answer_within_s,
        )
        return result(reply, order_id=order_id, cl_ord_id=cl_ord_id)

    async def batch_cancel(
        self,
        *order_ids: str,
        cl_ord_ids: Iterable[str] = (),
        answer_within_s: float | None = None,
    ) -> int:
        """Cancel 2 to 50 orders; give how many were. Numbers of the client's may stand among
        ``order_ids``, as text.
        """
        request = BatchCancel(orders=order_ids, cl_ord_id=tuple(cl_ord_ids))
        names = (*request.orders, *request.cl_ord_id)
        cost = self._reports.cost("cancel", *names, each=True)
        reply = await self._asking.ask(
            request,
            None,
            names=names,
            cost=cost,
            answer_within_s=answer_within_s,
        )
        return reply.count or 0

    async def cancel_all(self, *, answer_within_s: float | None = None) -> int:
        """Cancel every open order of the account, whoever placed it; give how many there were."""
        cost = self._reports.cost("cancel", *self.orders)
        reply = await self._asking.ask(
            CancelAll(),
            None,
            names=(),
            cost=cost,
            answer_within_s=answer_within_s,
        )
        return reply.count or 0

    async def cancel_all_orders_after(
        self, timeout_s: int, *, answer_within_s: float | None = None
    ) -> Timestamp | None:
        """Have all orders cancelled so many seconds from now, unless this is asked again; 0 takes
        that back. Gives when, by the exchange's clock. ``dead_man_switch`` asks again by itself.
        """
        request = CancelAllOrdersAfter(timeout_s=timeout_s)
        reply = await self._asking.ask(
            request,
            None,
            names=(),
            cost={},
            answer_within_s=answer_within_s,
        )
        return reply.trigger_time if timeout_s else None

    def dead_man_switch(self, timeout_s: int = 60) -> AbstractAsyncContextManager[Switch]:
        """For the length of a block, have all orders cancelled by the exchange when this program
        is not heard of for ``timeout_s``: its process dies, its connection stays lost.

        A task renews the switch, three times in that while. If the block ends by itself, it is
        taken back, and orders stay; if by an exception or a cancellation, it is left to go off.
        Where it could not be renewed in time, the block is cancelled and ``SwitchLapsed`` raised;
        a refusal that will not pass comes out of it likewise. One such block at a time: the account
        has one switch.
        """
        asking = self._asking
        return keep_switch(
            self.cancel_all_orders_after, timeout_s, settle=asking.forget, there=self._switches
        )

    # Doubts.

    @property
    def unknown(self) -> tuple[OutcomeUnknown, ...]:
        """What nobody knows the outcome of, and was not settled: the oldest first."""
        return self._asking.unknown

    async def settle(self, unknown: OutcomeUnknown, *, within_s: float | None = None) -> Settlement:
        """Find out what became of a request, from the executions.

        Waits until it can come into effect no more, and then for a snapshot of all open orders and
        the latest fills, which is asked for anew; an answer that comes late ends the wait at once.
        Raises ``unknown`` again where that takes longer than ``within_s``, or where executions are
        told no more (the cause says why); then, and when it is cancelled, nothing has changed.
        Always a checkpoint.
        """
        return await self._asking.settle(unknown, within_s)

    # What there is.

    @property
    def state(self) -> ConnectionState:
        """Of its session, which ``feed.states`` calls ``trading``."""
        return self._asking.session.supervisor.state

    @property
    def system(self) -> str | None:
        """The mode of the trading engine, such as ``online``; None before it was told."""
        return self._reports.system

    @property
    def whole(self) -> bool:
        """Whether every open order is known now. It is not from a loss to the next snapshot."""
        return self._reports.lives.whole

    @property
    def orders(self) -> dict[str, Execution]:
        """The open orders, by ``order_id``: what is known of each, gathered from its reports.
        While not ``whole``, those that were open, and were not seen to end.
        """
        return {life.known.order_id: life.known for life in self._reports.lives.open}

    def fills(self, name: str) -> tuple[Execution, ...]:
        """The fills of an order that are known, by one of its names, oldest first. Those of the
        latest 2,000 orders that are over are remembered.
        """
        lives = self._reports.lives.named(name)
        return tuple(fill for life in lives for fill in life.fills.values())

    def pair(self, symbol: str) -> InstrumentPair:
        """What is known of a pair; ``ConfigurationError`` where that is nothing."""
        pair = self._reports.pairs.get(symbol)
        if pair is None:
            raise ConfigurationError(
                "symbol", f"must be a pair of the exchange's, {symbol} is none", "See instrument"
            )
        return pair

    def round_price(self, symbol: str, price: Decimal, side: Literal["buy", "sell"]) -> Decimal:
        """The nearest price that the pair has and that is no worse: lower to buy, higher to sell.

        ``ConfigurationError`` for a pair that is not known, and for what is no price.
        """
        return order_rules.round_price(self.pair(symbol), price, side)

    def round_qty(self, symbol: str, qty: Decimal) -> Decimal:
        """The nearest quantity that the pair has and that is no more. It may be less than the
        pair's least, and 0. ``ConfigurationError`` as in ``round_price``.
        """
        return order_rules.round_qty(self.pair(symbol), qty)

    def rate(self, symbol: str) -> TradingRate:
        """The trading rate counter of a pair, counted here and corrected where the exchange shows
        it.
        """
        return self._reports.rates.at(symbol, trio.current_time())

    async def wait_rate(self, symbol: str, points: float = 1.0) -> None:
        """Wait until the rate counter of a pair has room for so much. Always a checkpoint.

        What is asked right after it, without a wait between, finds the room.
        """
        await trio.lowlevel.checkpoint()
        rates = self._reports.rates
        while True:
            now = trio.current_time()
            ready_at = rates.ready_at(symbol, points, now)
            if ready_at <= now:
                return
            await trio.sleep_until(ready_at)  # others may be quicker
