"""Frames of ``executions`` and ``balances`` as the exchange prints them: members in their order.

Knows the text of both channels, the deprecated members included; numbers are printed with the
digits that they have. Never imports a decoder or an encoder of the library: a mistake made twice
would not be seen.

Source: sections "executions" and "balances" of the WebSocket v2 documentation, and captured
traffic. Where a member stands that no capture has is decided here, and so is that an open order
in a snapshot has the order of ``pending_new``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Contingent,
    Execution,
    Triggers,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.frames import moment

_BEGINNING = (
    *("order_id", "symbol", "order_qty", "cash_order_qty", "cum_qty", "cum_cost"),
    *("time_in_force", "exec_type", "side", "order_type", "cl_ord_id", "order_userref"),
    "limit_price_type",
)
_REST = (
    *("contingent", "display_qty", "display_qty_remain", "effective_time", "expire_time"),
    *("post_only", "reduce_only", "margin", "amended", "sender_sub_id", "order_status"),
    *("avg_price", "fee_usd_equiv", "fee_ccy_pref", "timestamp"),
)
_DESCRIBED = (*_BEGINNING, "limit_price", "stop_price", *_REST)
_WAITING = (
    # An order that something has to set off.
    *(*_BEGINNING, "triggers", "stop_price", "limit_price", "trigger", "triggered_price"),
    *_REST,
)
_SPARSE = ("timestamp", "order_status", "exec_type", "cl_ord_id", "order_userref")
_CLOSED = (
    *("timestamp", "order_status", "exec_type", "cum_qty", "cum_cost", "fee_usd_equiv"),
    *("avg_price", "cl_ord_id", "order_userref", "cancel_reason", "reason", "order_id"),
)
_CHANGED = (
    *("timestamp", "exec_type", "order_status", "cum_qty", "reason", "amended", "order_qty"),
    *("limit_price", "limit_price_type", "display_qty", "triggers", "cl_ord_id"),
    *("order_userref", "order_id"),
)
_TRADED = (
    *("order_id", "cl_ord_id", "order_userref", "exec_id", "exec_type", "trade_id", "symbol"),
    *("side", "last_qty", "last_price", "liquidity_ind", "cost", "order_type", "timestamp"),
    *("order_status", "cum_qty", "cum_cost", "avg_price", "fee_usd_equiv", "fees"),
)
_TRADED_BEFORE = (
    *("order_id", "cl_ord_id", "order_userref", "exec_id", "exec_type", "trade_id", "symbol"),
    *("side", "last_qty", "last_price", "liquidity_ind", "cost", "order_status", "order_type"),
    *("timestamp", "fee_usd_equiv", "fees"),
)
_ORDERS = {
    # Of members, by what happened.
    "new": (*_SPARSE, "order_id"),
    "filled": _CLOSED,
    "canceled": _CLOSED,
    "expired": _CLOSED,
    "amended": _CHANGED,
    "restated": _CHANGED,
    "iceberg_refill": (*_SPARSE, "display_qty_remain", "order_id"),
    "status": (*_SPARSE, "triggers", "order_id"),
}
_TRIGGERS = (
    *("price", "price_type", "reference", "status", "actual_price", "peak_price"),
    *("last_price", "timestamp"),
)
_CONTINGENT = (
    *("order_type", "trigger_price", "trigger_price_type", "limit_price", "limit_price_type"),
)
_ENTRY = (
    *("ledger_id", "ref_id", "timestamp", "type", "subtype", "asset", "asset_class", "category"),
    *("wallet_type", "wallet_id", "amount", "fee", "balance"),
)
_WALLET = ("type", "id", "balance")


def executions_frame(
    kind: str, reports: Iterable[tuple[Execution, int | None]], sequence: int
) -> bytes:
    """A ``snapshot`` of orders and fills, or an ``update``.

    Beside each report stands its rate counter, where the subscription asked for it.
    """
    rows = (_report(report, ratecount) for report, ratecount in reports)
    return _frame("executions", kind, rows, sequence)


def holdings_frame(holdings: Iterable[BalanceSnapshot], sequence: int) -> bytes:
    """A ``snapshot`` of what is held."""
    rows = (
        f'{{"asset":{_text(holding.asset)},"asset_class":{_text(holding.asset_class)},'
        f'"wallets":{_list(_row(wallet, _WALLET) for wallet in holding.wallets)},'
        f'"balance":{_text(holding.balance)}}}'
        for holding in holdings
    )
    return _frame("balances", "snapshot", rows, sequence)


def ledger_frame(entry: BalanceUpdate, sequence: int) -> bytes:
    """An ``update``: one entry of the ledger."""
    return _frame("balances", "update", [_row(entry, _ENTRY)], sequence)


def _frame(channel: str, kind: str, rows: Iterable[str], sequence: int) -> bytes:
    return (
        f'{{"channel":"{channel}","type":"{kind}","data":{_list(rows)},"sequence":{sequence}}}'
    ).encode()


def _report(report: Execution, ratecount: int | None) -> str:
    members: dict[str, object] = {name: _value(report, name) for name in _order(report)}
    members["ratecount"] = ratecount
    return _object(members)


def _order(report: Execution) -> tuple[str, ...]:
    """Give the members that a report may have, in their order."""
    if report.exec_type == "trade":
        return _TRADED_BEFORE if report.snapshot else _TRADED
    if report.snapshot or report.exec_type == "pending_new":
        return _DESCRIBED if report.triggers is None else _WAITING
    return _ORDERS[report.exec_type]


def _value(report: Execution, name: str) -> object:
    """Give a member of a report. The deprecated ones, which are still sent, repeat others."""
    triggers = report.triggers
    match name:
        case "cancel_reason":
            return report.reason
        case "stop_price" if triggers is None:
            # Zero with the decimals of prices, where a price shows how many these are.
            exponent = 0 if report.limit_price is None else report.limit_price.as_tuple().exponent
            return Decimal((0, (0,), int(exponent)))
        case "stop_price":
            return getattr(triggers, "price", None)
        case "trigger":
            return getattr(triggers, "reference", None)
        case "triggered_price":
            return getattr(triggers, "last_price", None)
        case _:
            return getattr(report, name)


def _row(record: Struct, order: tuple[str, ...]) -> str:
    return _object({name: getattr(record, name) for name in order})


def _object(members: Mapping[str, object]) -> str:
    """Give an object as JSON, without the members that there are not."""
    texts = (
        f'"{name}":{_text(value)}' for name, value in members.items() if value not in (None, ())
    )
    return "{" + ",".join(texts) + "}"


def _list(rows: Iterable[str]) -> str:
    return "[" + ",".join(rows) + "]"


def _text(value: object) -> str:
    """Give a value as JSON."""
    match value:
        case Decimal():
            return f"{value:f}"
        case Timestamp():
            return json.dumps(moment(value))
        case tuple():
            return _list(_row(part, part.__struct_fields__) for part in value)
        case Triggers():
            return _row(value, _TRIGGERS)
        case Contingent():
            return _row(value, _CONTINGENT)
        case _:
            return json.dumps(value)
