"""Reports on orders as the simulated exchange tells them by protocol v1: fills, and orders.

Knows the members of both channels. Fees are told without their asset. Waits for nothing.

Source: sections "ownTrades" and "openOrders" of the WebSocket v1 documentation, and captured
traffic. Where a member is not documented with its values, what was captured is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kraken_trio._internal.testing.v1_text import pair_text, price_text, qty_text, seconds_text

_STATUSES = {
    "pending_new": "pending",
    "new": "open",
    "partially_filled": "open",
    "filled": "closed",
}
_PARTS = {"cum_qty": "vol_exec", "cum_cost": "cost", "avg_price": "avg_price", "order_qty": "vol"}
_SAME = ("cl_ord_id", "sender_sub_id", "amended")


def fills(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Give the payload of ``ownTrades``."""
    return [
        {
            row["exec_id"]: {
                "cost": price_text(row["cost"]),
                "fee": price_text(_fee(row)),
                "margin": "0.00000",
                "ordertxid": row["order_id"],
                "ordertype": row["order_type"],
                "pair": pair_text(row["symbol"]),
                "postxid": "TKH2SE-M7IF5-CFI7LT",
                "price": price_text(row["last_price"]),
                "time": seconds_text(row["timestamp"]),
                "type": row["side"],
                "vol": qty_text(row["last_qty"]),
            }
        }
        for row in rows
    ]


def orders(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Give the payload of ``openOrders``: whole where an order is described, else the changes."""
    return [{row["order_id"]: _order(row)} for row in rows]


def _order(row: Mapping[str, Any]) -> dict[str, object]:
    members: dict[str, object] = {}
    if "order_status" in row:
        members["status"] = _STATUSES.get(row["order_status"], row["order_status"])
    members["userref"] = row.get("order_userref", 0)
    for name, old in _PARTS.items():
        if name in row:
            write = price_text if name in ("cum_cost", "avg_price") else qty_text
            members[old] = write(row[name])
    members |= {name: row[name] for name in _SAME if name in row}
    if "ratecount" in row:
        members["ratecount"] = row["ratecount"]
    whole = "symbol" in row and row.get("exec_type") != "trade"
    at = seconds_text(row["timestamp"])
    members["opentm" if whole else "lastupdated"] = at
    if "reason" in row:
        amended = row.get("exec_type") in ("amended", "restated")
        members["amend_reason" if amended else "cancel_reason"] = row["reason"]
    if not whole:
        return members
    flags = [flag for name, flag in (("post_only", "post"),) if row.get(name)]
    trigger = (row.get("triggers") or {}).get("price")
    limit = row.get("limit_price")
    first, second = (limit, None) if trigger is None else (trigger, limit)
    return members | {
        "descr": {
            "close": None,
            "leverage": None,
            "order": f"{row['side']} {qty_text(row.get('order_qty'))} {pair_text(row['symbol'])}",
            "ordertype": row["order_type"],
            "pair": pair_text(row["symbol"]),
            "price": price_text(first),
            "price2": price_text(second),
            "type": row["side"],
        },
        "expiretm": seconds_text(row["expire_time"]) if "expire_time" in row else None,
        "fee": price_text(0),
        "misc": "",
        "oflags": ",".join([str(row.get("fee_ccy_pref", "fciq")), *flags]),
        "refid": None,
        "starttm": seconds_text(row["effective_time"]) if "effective_time" in row else None,
        "stopprice": price_text(trigger),
        "timeinforce": row.get("time_in_force", "GTC"),
    }


def _fee(row: Mapping[str, Any]) -> Any:
    return sum(fee["qty"] for fee in row.get("fees", ()))
