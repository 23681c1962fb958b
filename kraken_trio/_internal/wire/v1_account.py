"""The payloads of protocol v1's ``ownTrades`` and ``openOrders``, as reports on orders.

Knows their shapes on the wire; nothing of orders, or of what a jump of ``sequence`` means.

Each entry is an object with one member: its name is that of a fill or an order. What is said of an
order is whole when it is new, and later only what has changed. Of a fill nothing is said of how its
order stands then, and of no fee in what it was paid.

Source: the channels' sections of the WebSocket v1 documentation, and captured traffic.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.account import Contingent, Execution, Fee, Triggers
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.v1_text import moment, number, symbol_of

_Side = Literal["buy", "sell"]

_STATUSES = {"pending": "pending_new", "open": "new", "closed": "filled"}
"""What is called otherwise today."""
_LIMITED = frozenset({"limit", "iceberg"})
_TRIGGERED_LIMITS = frozenset({"stop-loss-limit", "take-profit-limit", "trailing-stop-limit"})
_NO_LEVERAGE = ("", "none", "0:1", "1:1")


class _Fill(Struct, frozen=True, gc=False):
    ordertxid: str
    pair: str
    time: str
    type: _Side
    ordertype: str
    price: str
    cost: str
    fee: str
    vol: str
    margin: str | None = None
    margin_borrow: bool | None = None
    postxid: str | int | None = None
    userref: int | None = None
    cl_ord_id: str | None = None
    ext_exec_id: str | None = None


class _Close(Struct, frozen=True, gc=False):
    ordertype: str | None = None
    price: str | None = None
    price2: str | None = None


class _Descr(Struct, frozen=True, gc=False):
    pair: str | None = None
    type: _Side | None = None
    ordertype: str | None = None
    price: str | None = None
    price2: str | None = None
    leverage: str | None = None
    position: str | None = None
    order: str | None = None


class _Order(Struct, frozen=True, gc=False):
    status: str | None = None
    refid: str | None = None
    userref: int | None = None
    cl_ord_id: str | None = None
    ext_ord_id: str | None = None
    sender_sub_id: str | None = None
    opentm: str | None = None
    starttm: str | None = None
    expiretm: str | None = None
    lastupdated: str | None = None
    vol: str | None = None
    vol_exec: str | None = None
    cost: str | None = None
    fee: str | None = None
    avg_price: str | None = None
    stopprice: str | None = None
    limitprice: str | None = None
    display_volume: str | None = None
    display_volume_remain: str | None = None
    oflags: str | None = None
    misc: str | None = None
    timeinforce: str | None = None
    cancel_reason: str | None = None
    amend_reason: str | None = None
    amended: bool | None = None
    contingent: _Close | None = None
    descr: _Descr | None = None
    ratecount: str | int | None = None


_decode_fills = msgspec.json.Decoder(tuple[dict[str, _Fill], ...]).decode
_decode_orders = msgspec.json.Decoder(tuple[dict[str, _Order], ...]).decode


def read_fills(
    payload: Raw, received_at: Timestamp | None, *, snapshot: bool
) -> tuple[Execution, ...]:
    """Give the fills of a message. Raises what ``faults.FAULTS`` names."""
    return tuple(
        Execution(
            order_id=row.ordertxid,
            exec_type="trade",
            order_status=None,
            timestamp=moment(row.time),
            cl_ord_id=row.cl_ord_id,
            order_userref=row.userref,
            symbol=symbol_of(row.pair),
            side=row.type,
            order_type=row.ordertype,
            margin_borrow=row.margin_borrow,
            ext_exec_id=row.ext_exec_id,
            exec_id=name,
            last_qty=number(row.vol),
            last_price=number(row.price),
            cost=number(row.cost),
            fees=(Fee(None, number(row.fee)),),
            position_id=None if row.postxid is None else str(row.postxid),
            margin_cost=_number(row.margin),
            received_at=received_at,
            snapshot=snapshot,
        )
        for entry in _decode_fills(payload)
        for name, row in entry.items()
    )


def may_begin(payload: Raw) -> bool:
    """Whether a message of orders can be what a subscription begins with, all that is open: each
    is described, and none has only just come. Raises what ``faults.FAULTS`` names.
    """
    rows = [row for entry in _decode_orders(payload) for row in entry.values()]
    return all(row.descr is not None and row.status == "open" for row in rows)


def read_orders(
    payload: Raw, received_at: Timestamp | None, *, snapshot: bool
) -> tuple[Execution, ...]:
    """Give the reports on orders of a message. Raises what ``faults.FAULTS`` names."""
    return tuple(
        _report(name, row, received_at, snapshot=snapshot)
        for entry in _decode_orders(payload)
        for name, row in entry.items()
    )


def _report(name: str, row: _Order, received_at: Timestamp | None, *, snapshot: bool) -> Execution:
    status = None if row.status is None else _STATUSES.get(row.status, row.status)
    kind = "amended" if row.amended else status or "status"
    prices = _price(row.limitprice), _price(row.stopprice)
    described = _priced(*prices) if row.descr is None else _described(row.descr, *prices)
    flags = {} if row.oflags is None else _flagged(row.oflags.split(","))
    qty = _number(row.vol)
    in_quote = row.oflags is not None and "viqc" in row.oflags.split(",")
    return Execution(
        order_id=name,
        exec_type="status" if snapshot else kind,
        order_status=status,
        timestamp=_moment(row.lastupdated) or _moment(row.opentm),
        cl_ord_id=row.cl_ord_id,
        order_userref=row.userref,
        order_qty=None if in_quote else qty,
        cash_order_qty=qty if in_quote else None,
        cum_qty=_number(row.vol_exec),
        cum_cost=_number(row.cost),
        cum_fee=_number(row.fee),
        avg_price=_number(row.avg_price),
        display_qty=_number(row.display_volume),
        display_qty_remain=_number(row.display_volume_remain),
        time_in_force=row.timeinforce,
        effective_time=_moment(row.starttm),
        expire_time=_moment(row.expiretm),
        liquidated=None if row.misc is None else "liquidation" in row.misc.split(","),
        amended=row.amended,
        ord_ref_id=row.refid,
        contingent=None if row.contingent is None else _contingent(row.contingent),
        reason=row.cancel_reason if row.cancel_reason is not None else row.amend_reason,
        sender_sub_id=row.sender_sub_id,
        ext_ord_id=row.ext_ord_id,
        ratecount=None if row.ratecount is None else number(str(row.ratecount)),
        received_at=received_at,
        snapshot=snapshot,
        **described,
        **flags,
    )


def _described(descr: _Descr, limit: Decimal | None, stop: Decimal | None) -> dict[str, Any]:
    """What the description of an order says, in the members of today.

    Its first price is the limit, or what sets it off; then the second one is the limit. A distance,
    which is written with a sign or a percent, has no place there: it stands in the words, and what
    it comes to beside the description, where it is known. What is of no type that is said may be
    either, so it is neither.
    """
    kind = descr.ordertype
    first, second = _price(descr.price), _price(descr.price2)
    if kind in _LIMITED:
        prices = _priced(first or limit, None)
    elif kind is None or kind == "market":
        prices = _priced(limit, stop) if kind is None else {}
    else:
        prices = _priced((second or limit) if kind in _TRIGGERED_LIMITS else None, first or stop)
    whole = kind is not None or descr.leverage is not None
    return prices | {
        "symbol": None if descr.pair is None else symbol_of(descr.pair),
        "side": descr.type,
        "order_type": kind,
        "margin": (descr.leverage or "") not in _NO_LEVERAGE if whole else None,
        "leverage": descr.leverage,
        "position_id": descr.position,
        "description": descr.order,
    }


def _priced(limit: Decimal | None, stop: Decimal | None) -> dict[str, Any]:
    return {"limit_price": limit, "triggers": None if stop is None else Triggers(price=stop)}


def _flagged(flags: list[str]) -> dict[str, Any]:
    return {
        "post_only": "post" in flags,
        "no_mpp": "nompp" in flags,
        "fee_ccy_pref": next((flag for flag in flags if flag in ("fcib", "fciq")), None),
    }


def _contingent(close: _Close) -> Contingent:
    kind = close.ordertype or ""
    first, second = _price(close.price), _price(close.price2)
    return Contingent(
        order_type=close.ordertype,
        limit_price=first if kind in _LIMITED else second,
        trigger_price=None if kind in _LIMITED else first,
    )


def _price(text: str | None) -> Decimal | None:
    """A price, where it is one: zero stands for none, and a distance is none."""
    if not text or text[0] in "+-#" or text[-1] == "%":
        return None
    return number(text) or None


def _number(text: str | None) -> Decimal | None:
    return None if text is None else number(text)


def _moment(text: str | None) -> Timestamp | None:
    """A time; zero stands for none."""
    return (moment(text) or None) if text else None
