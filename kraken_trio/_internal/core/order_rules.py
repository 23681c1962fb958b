"""What a pair demands of an order, before it is sent: steps, sizes, and what its status lets pass.

Knows the metadata of ``instrument`` and the modes of the trading engine, and how a number is
rounded so that it never costs more than was meant. What the exchange demands of combinations of
parameters it says itself. What it does not tell of a pair is not checked.

Source: sections "instrument", "Trading methods" and "Trading-engine modes and maintenance" of the
WebSocket v2 documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Final, Literal

from msgspec import Struct

from kraken_trio._internal.core.errands import OrderRequest
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.reference import InstrumentPair
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    BatchOrder,
    CancelOrder,
    EditOrder,
)

BATCH_ADD: Final = range(2, 16)
"""Orders in a batch."""
BATCH_CANCEL: Final = range(2, 51)
"""Orders that one batch takes away."""

_LONGEST_TIMEOUT_S: Final = 24 * 60 * 60
# Exact for any two numbers that requests may hold, whatever the program's own context is.
_EXACT: Final = Context(prec=160, traps=[])
_SIDES = ("buy", "sell")
_SIMPLE = frozenset({"limit", "iceberg"})
_CLOSED = frozenset({"maintenance", "delisted", "work_in_progress"})


class Fault(Struct, frozen=True):
    """Why a request is not sent."""

    field: str
    """The parameter, or empty where it is none."""
    reason: str
    """What is wrong."""
    mend: str
    """What to do about it."""


def price_step(pair: InstrumentPair) -> Decimal | None:
    """The smallest step of a price; None where nobody told it."""
    return _step(pair.price_increment, pair.price_precision)


def qty_step(pair: InstrumentPair) -> Decimal | None:
    """The smallest step of a quantity; None where nobody told it."""
    return _step(pair.qty_increment, pair.qty_precision)


def round_price(pair: InstrumentPair, price: Decimal, side: Literal["buy", "sell"]) -> Decimal:
    """The nearest price that the pair has and that is no worse: lower to buy, higher to sell.

    A sale is rounded up from below the smallest price there is; a purchase then down to zero,
    which no exchange takes. ``ConfigurationError`` for what is no price, or no side.
    """
    _check_number("price", price)
    if side not in _SIDES:
        raise ConfigurationError("side", f"must be buy or sell, is {side}", "Say which way")
    step = price_step(pair)
    if step is None:
        return price
    down = _floor(price, step, pair.price_precision)
    return down if side == "buy" or down == price else _EXACT.add(down, step)


def round_qty(pair: InstrumentPair, qty: Decimal) -> Decimal:
    """The nearest quantity that the pair has and that is no more; it may be less than its least.

    ``ConfigurationError`` for what is no quantity.
    """
    _check_number("qty", qty)
    step = qty_step(pair)
    return qty if step is None else _floor(qty, step, pair.qty_precision)


def fault(request: OrderRequest, pair: InstrumentPair | None, system: str | None) -> Fault | None:
    """Why a request is not to be sent, if it is not.

    ``pair`` is what is known of its pair, ``system`` the mode of the trading engine; None where
    nobody told.
    """
    return next(_faults(request, pair, system), None)


def _faults(
    request: OrderRequest, pair: InstrumentPair | None, system: str | None
) -> Iterator[Fault]:
    if system == "maintenance":
        yield Fault("", "the exchange is in maintenance", "Wait until its status is another")
    match request:
        case AddOrder():
            yield from _of_order(request, pair, system)
        case BatchAdd(orders=orders):
            if len(orders) not in BATCH_ADD:
                yield Fault("orders", "must be 2 to 15", "Use add_order for one")
            for order in orders:
                yield from _of_order(order, pair, system)
        case AmendOrder() | EditOrder():
            yield from _of_change(request, pair, system)
        case CancelOrder():
            if len(request.order_id) + len(request.cl_ord_id) + len(request.order_userref) != 1:
                yield Fault("order_id", "must be one order", "Use batch_cancel for several")
        case BatchCancel(orders=orders, cl_ord_id=names):
            if len(orders) + len(names) not in BATCH_CANCEL:
                yield Fault("orders", "must be 2 to 50", "Use cancel_order for one")
        case _:
            seconds = getattr(request, "timeout_s", 0)
            if not 0 <= seconds < _LONGEST_TIMEOUT_S:
                yield Fault("timeout", "must be from 0 to 86399 seconds", "60 is usual")


def _of_order(
    order: AddOrder | BatchOrder, pair: InstrumentPair | None, system: str | None
) -> Iterator[Fault]:
    simple = order.order_type in _SIMPLE
    resting = simple and bool(order.post_only)
    yield from _of_mode(pair, system, simple=simple, resting=resting, reducing=order.reduce_only)
    if pair is None:
        return
    yield from _of_price("limit_price", order.limit_price, order.limit_price_type, pair)
    if order.triggers is not None:
        yield from _of_price("triggers", order.triggers.price, order.triggers.price_type, pair)
    yield from _of_qty("order_qty", order.order_qty, pair)
    yield from _of_qty("display_qty", order.display_qty, pair, least=False)
    if order.cash_order_qty is not None:
        yield from _of_cost("cash_order_qty", order.cash_order_qty, pair)
    elif order.order_qty is not None and order.limit_price is not None and simple:
        yield from _of_cost("order_qty", _EXACT.multiply(order.order_qty, order.limit_price), pair)


def _of_change(
    change: AmendOrder | EditOrder, pair: InstrumentPair | None, system: str | None
) -> Iterator[Fault]:
    if isinstance(change, AmendOrder) and (change.order_id is None) == (change.cl_ord_id is None):
        yield Fault("order_id", "must be given, or cl_ord_id, and not both", "Name one order")
    yield from _of_mode(pair, system, simple=True, resting=bool(change.post_only), reducing=True)
    if pair is None:
        return
    kind = getattr(change, "limit_price_type", None)
    yield from _of_price("limit_price", change.limit_price, kind, pair)
    if isinstance(change, AmendOrder):
        price, kind = change.trigger_price, change.trigger_price_type
        yield from _of_price("trigger_price", price, kind, pair)
    elif change.triggers is not None:
        yield from _of_price("triggers", change.triggers.price, change.triggers.price_type, pair)
    # A total below what is filled takes the rest away, so an amendment has no least.
    yield from _of_qty("order_qty", change.order_qty, pair, least=isinstance(change, EditOrder))
    yield from _of_qty("display_qty", change.display_qty, pair, least=False)


def _of_mode(
    pair: InstrumentPair | None,
    system: str | None,
    *,
    simple: bool,
    resting: bool,
    reducing: bool | None,
) -> Iterator[Fault]:
    """What the modes of the engine and of the pair forbid, of which the stricter counts."""
    status = None if pair is None else pair.status
    for whose, mode in (("the exchange", system), ("the pair", status)):
        if whose == "the pair" and mode in _CLOSED:
            yield Fault("symbol", f"the pair's status is {mode}", "Wait until it is online")
        elif mode == "cancel_only":
            yield Fault("", f"{whose} takes no orders: its mode is cancel_only", "Cancel, or wait")
        elif mode == "post_only" and not resting:
            yield Fault(
                "post_only",
                f"{whose} takes limit orders with post_only alone: its mode is post_only",
                "Set post_only, or wait",
            )
        elif mode == "limit_only" and not simple:
            yield Fault(
                "order_type", f"{whose} takes limit orders alone: its mode is limit_only", "Wait"
            )
        elif mode == "reduce_only" and not reducing:
            yield Fault(
                "reduce_only",
                f"{whose} takes orders with reduce_only alone: its mode is reduce_only",
                "Set reduce_only, or wait",
            )


def _of_price(
    field: str, price: Decimal | None, kind: str | None, pair: InstrumentPair
) -> Iterator[Fault]:
    """Of a price that is one; distances may be anything."""
    if price is None or kind not in (None, "static"):
        return
    step = price_step(pair)
    if price <= 0:
        yield Fault(field, f"must be more than 0, is {price:f}", "Give a price")
    elif step is not None and _EXACT.remainder(price, step):
        yield Fault(
            field,
            f"must be a multiple of {step:f} in {pair.symbol}, is {price:f}",
            "Round it with round_price()",
        )


def _of_qty(
    field: str, qty: Decimal | None, pair: InstrumentPair, *, least: bool = True
) -> Iterator[Fault]:
    if qty is None:
        return
    step = qty_step(pair)
    if qty <= 0:
        yield Fault(field, f"must be more than 0, is {qty:f}", "Give a quantity")
    elif step is not None and _EXACT.remainder(qty, step):
        yield Fault(
            field,
            f"must be a multiple of {step:f} in {pair.symbol}, is {qty:f}",
            "Round it with round_qty()",
        )
    elif least and pair.qty_min is not None and qty < pair.qty_min:
        yield Fault(
            field, f"must be {pair.qty_min:f} or more in {pair.symbol}, is {qty:f}", "Ask for more"
        )


def _of_cost(field: str, cost: Decimal, pair: InstrumentPair) -> Iterator[Fault]:
    if pair.cost_min is not None and cost < pair.cost_min:
        yield Fault(
            field,
            f"must be worth {pair.cost_min:f} or more in {pair.symbol}, is worth {cost:f}",
            "Ask for more",
        )


def _step(increment: Decimal | None, precision: int | None) -> Decimal | None:
    if increment is not None and increment > 0:
        return increment
    return None if precision is None else Decimal((0, (1,), -precision))


def _floor(number: Decimal, step: Decimal, precision: int | None) -> Decimal:
    """The multiple of a step at or below a number, with the decimals of its pair."""
    multiple = _EXACT.multiply(_EXACT.divide_int(number, step), step)
    if precision is None:
        return multiple
    padded = _EXACT.quantize(multiple, Decimal((0, (1,), -precision)))
    return padded if padded == multiple else multiple


def _check_number(field: str, number: object) -> None:
    if not isinstance(number, Decimal) or not number.is_finite() or number < 0:
        raise ConfigurationError(field, "must be a finite Decimal of 0 or more", "Give a number")
