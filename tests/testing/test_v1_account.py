"""Reports on orders as protocol v1 tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kraken_trio._internal.testing.v1_account import fills, orders

FIRST = "2026-08-16T23:37:05.000000Z"
WHOLE: dict[str, Any] = {
    "order_id": "O1",
    "symbol": "BTC/USD",
    "order_qty": Decimal("1.5"),
    "cum_qty": Decimal(0),
    "cum_cost": Decimal(0),
    "time_in_force": "GTC",
    "exec_type": "pending_new",
    "side": "buy",
    "order_type": "limit",
    "order_userref": 3,
    "cl_ord_id": "mine",
    "limit_price": Decimal(5),
    "post_only": True,
    "order_status": "pending_new",
    "fee_ccy_pref": "fciq",
    "timestamp": FIRST,
}


def order(row: dict[str, Any]) -> Any:
    """Give what is said of one order."""
    (entry,) = orders([row])
    assert list(entry) == ["O1"]
    return entry["O1"]


def test_a_fill() -> None:
    """A fill is told by its name, with the name of its order."""
    row = {
        "exec_id": "T1",
        "order_id": "O1",
        "order_type": "limit",
        "symbol": "BTC/USD",
        "side": "sell",
        "last_qty": Decimal("0.5"),
        "last_price": Decimal(10),
        "cost": Decimal(5),
        "fees": [{"asset": "USD", "qty": Decimal("0.02")}],
        "timestamp": FIRST,
    }
    (entry,) = fills([row])
    assert entry == {
        "T1": {
            "cost": "5.00000",
            "fee": "0.02000",
            "margin": "0.00000",
            "ordertxid": "O1",
            "ordertype": "limit",
            "pair": "XBT/USD",
            "postxid": "TKH2SE-M7IF5-CFI7LT",
            "price": "10.00000",
            "time": "1786923425.000000",
            "type": "sell",
            "vol": "0.50000000",
        }
    }


def test_a_new_order() -> None:
    """A new order is described, with its limit as its first price."""
    told = order(WHOLE)
    assert (told["status"], told["userref"], told["cl_ord_id"]) == ("pending", 3, "mine")
    assert (told["vol"], told["vol_exec"], told["opentm"]) == (
        "1.50000000",
        "0.00000000",
        "1786923425.000000",
    )
    assert told["oflags"] == "fciq,post"
    assert (told["descr"]["pair"], told["descr"]["price"]) == ("XBT/USD", "5.00000")
    assert (told["expiretm"], told["starttm"], told["stopprice"]) == (None, None, "0.00000")


def test_an_order_that_is_set_off() -> None:
    """Where something sets an order off, that is its first price and its limit the second."""
    times = {"expire_time": FIRST, "effective_time": FIRST}
    told = order({**WHOLE, **times, "triggers": {"price": Decimal(4)}, "post_only": False})
    assert (told["descr"]["price"], told["descr"]["price2"]) == ("4.00000", "5.00000")
    assert told["stopprice"] == "4.00000"
    assert told["expiretm"] == told["starttm"] == "1786923425.000000"
    assert told["oflags"] == "fciq"


def test_changes_are_partial() -> None:
    """Of a change only that is told; a fill of an order is one."""
    told = order(
        {
            "order_id": "O1",
            "symbol": "BTC/USD",
            "exec_type": "trade",
            "order_status": "partially_filled",
            "cum_qty": Decimal("0.5"),
            "cum_cost": Decimal(5),
            "avg_price": Decimal(10),
            "ratecount": 2,
            "timestamp": FIRST,
        }
    )
    assert told == {
        "status": "open",
        "userref": 0,
        "vol_exec": "0.50000000",
        "cost": "5.00000",
        "avg_price": "10.00000",
        "ratecount": 2,
        "lastupdated": "1786923425.000000",
    }


def test_reasons() -> None:
    """A cancellation and an amendment have their reasons by different names."""
    row = {"order_id": "O1", "reason": "User requested", "timestamp": FIRST}
    assert order({**row, "exec_type": "canceled"})["cancel_reason"] == "User requested"
    told = order({**row, "exec_type": "amended", "amended": True})
    assert (told["amend_reason"], told["amended"]) == ("User requested", True)
    assert "status" not in told
