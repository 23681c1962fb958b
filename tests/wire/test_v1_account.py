"""The payloads of protocol v1's private channels."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw

from kraken_trio._internal.model.account import Contingent, Execution, Fee, Triggers
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_account import read_fills, read_orders

AT = Timestamp(42)
FILL: dict[str, Any] = {
    "cost": "727.07370899",
    "fee": "0.10000000",
    "margin": "0.00000000",
    "ordertxid": "OMQFJD-AHO32-PQ2TLE",
    "ordertype": "limit",
    "pair": "XBT/USD",
    "postxid": "TKH2SE-M7IF5-CFI7LT",
    "price": "0.99980000",
    "time": "1672125657.439219",
    "type": "sell",
    "vol": "727.21915282",
}
ORDER: dict[str, Any] = {
    "avg_price": "0.00000000",
    "cost": "0.00000000",
    "descr": {
        "close": None,
        "leverage": None,
        "order": "buy 10.00000000 XBT/USD @ limit 0.99800000",
        "ordertype": "limit",
        "pair": "XBT/USD",
        "price": "0.99800000",
        "price2": "0.00000000",
        "type": "buy",
    },
    "expiretm": None,
    "fee": "0.00000000",
    "limitprice": "0.00000000",
    "misc": "",
    "oflags": "fciq,post",
    "opentm": "1671487359.886110",
    "refid": None,
    "starttm": "0.000000",
    "status": "pending",
    "stopprice": "0.00000000",
    "timeinforce": "GTC",
    "userref": 0,
    "vol": "10.00000000",
    "vol_exec": "0.00000000",
}


def fills(*rows: dict[str, Any]) -> tuple[Execution, ...]:
    """Read fills, each by the name of its place."""
    payload = [{f"T{place}": row} for place, row in enumerate(rows)]
    return read_fills(Raw(json.dumps(payload).encode()), AT, snapshot=True)


def order(row: dict[str, Any], *, snapshot: bool = False) -> Execution:
    """Read one report on an order."""
    payload = json.dumps([{"O1": row}]).encode()
    (report,) = read_orders(Raw(payload), AT, snapshot=snapshot)
    return report


def test_a_fill() -> None:
    """A fill does not say how its order stands, nor in what its fee was paid."""
    assert fills(FILL) == (
        Execution(
            order_id="OMQFJD-AHO32-PQ2TLE",
            exec_type="trade",
            order_status=None,
            timestamp=Timestamp(1672125657_439219000),
            symbol="BTC/USD",
            side="sell",
            order_type="limit",
            exec_id="T0",
            last_qty=Decimal("727.21915282"),
            last_price=Decimal("0.9998"),
            cost=Decimal("727.07370899"),
            fees=(Fee(None, Decimal("0.1")),),
            position_id="TKH2SE-M7IF5-CFI7LT",
            margin_cost=Decimal(0),
            received_at=AT,
            snapshot=True,
        ),
    )
    assert repr(fills(FILL)[0].fees) == "(Fee(0.10000000 ?),)"


def test_several_fills() -> None:
    """A fill may lack its position, or have a number for it; names of the client are kept."""
    bare = {name: value for name, value in FILL.items() if name not in ("postxid", "margin")}
    first, second = fills(bare, {**FILL, "postxid": 7, "userref": 3, "cl_ord_id": "mine"})
    assert (first.position_id, first.margin_cost) == (None, None)
    assert (second.position_id, second.order_userref, second.cl_ord_id) == ("7", 3, "mine")
    assert (first.exec_id, second.exec_id) == ("T0", "T1")


def test_a_new_order() -> None:
    """A new order is described wholly, in the words of today."""
    assert order(ORDER) == Execution(
        order_id="O1",
        exec_type="pending_new",
        order_status="pending_new",
        timestamp=Timestamp(1671487359_886110000),
        order_userref=0,
        symbol="BTC/USD",
        side="buy",
        order_type="limit",
        order_qty=Decimal(10),
        cum_qty=Decimal(0),
        cum_cost=Decimal(0),
        cum_fee=Decimal(0),
        avg_price=Decimal(0),
        limit_price=Decimal("0.998"),
        time_in_force="GTC",
        post_only=True,
        no_mpp=False,
        fee_ccy_pref="fciq",
        margin=False,
        liquidated=False,
        description="buy 10.00000000 XBT/USD @ limit 0.99800000",
        received_at=AT,
    )


@pytest.mark.parametrize(
    "status, modern",
    [
        ("pending", "pending_new"),
        ("open", "new"),
        ("closed", "filled"),
        ("canceled", "canceled"),
        ("expired", "expired"),
    ],
)
def test_a_change_says_only_what_changed(status: str, modern: str) -> None:
    """Later reports have what changed, and nothing else."""
    assert order({"status": status, "userref": 0}) == Execution(
        order_id="O1", exec_type=modern, order_status=modern, order_userref=0, received_at=AT
    )


def test_a_report_without_a_status() -> None:
    """A report may say how much was filled, and not how the order stands."""
    assert order({"vol_exec": "1.5", "lastupdated": "7.5"}) == Execution(
        order_id="O1",
        exec_type="status",
        order_status=None,
        timestamp=Timestamp(7_500000000),
        cum_qty=Decimal("1.5"),
        received_at=AT,
    )


def test_an_order_of_a_snapshot() -> None:
    """What a subscription begins with is no event."""
    report = order({"status": "open"}, snapshot=True)
    assert (report.exec_type, report.order_status, report.snapshot) == ("status", "new", True)


def test_an_amended_order() -> None:
    """An amendment says so, and why; a cancellation says why too."""
    report = order({"amended": True, "amend_reason": "User requested", "vol": "2"})
    assert (report.exec_type, report.amended, report.reason) == ("amended", True, "User requested")
    assert order({"status": "canceled", "cancel_reason": "x"}).reason == "x"


@pytest.mark.parametrize(
    "kind, prices, limit, trigger",
    [
        ("limit", ("5", "0"), "5", None),
        ("market", ("0", "0"), None, None),
        ("market", ("5", "0"), None, None),
        ("stop-loss", ("5", "0"), None, "5"),
        ("stop-loss-limit", ("5", "4"), "4", "5"),
        ("trailing-stop", ("+5", "0"), None, "3"),
        ("trailing-stop-limit", ("+5", "+1%"), None, "3"),
        ("limit", ("#5", "0"), None, None),
        ("limit", (None, None), None, None),
    ],
)
def test_prices(
    kind: str, prices: tuple[str | None, ...], limit: str | None, trigger: str | None
) -> None:
    """Which price is the limit depends on the type; a distance stands in the words alone."""
    descr = {"ordertype": kind, "price": prices[0], "price2": prices[1]}
    report = order({"descr": descr, "stopprice": "3"})
    assert report.limit_price == (None if limit is None else Decimal(limit))
    assert report.triggers == (None if trigger is None else Triggers(price=Decimal(trigger)))


@pytest.mark.parametrize(
    "row, limit, trigger",
    [
        ({"limitprice": "5", "stopprice": "0.00000"}, "5", None),
        ({"stopprice": "7", "limitprice": "0.00000"}, None, "7"),
        ({"descr": {"price": "6"}, "limitprice": "5"}, "5", None),
        ({"descr": {"price": "6"}, "stopprice": "7"}, None, "7"),
        ({"descr": {"ordertype": "limit", "price": "#5"}, "limitprice": "8"}, "8", None),
        (
            {
                "descr": {"ordertype": "trailing-stop-limit", "price": "+5", "price2": "+1%"},
                "limitprice": "8",
                "stopprice": "9",
            },
            "8",
            "9",
        ),
    ],
)
def test_prices_that_change(row: dict[str, Any], limit: str | None, trigger: str | None) -> None:
    """A price that changed is told beside the description, or without one; of an order whose type
    is not said once more, one in the description might be either.
    """
    report = order(row)
    assert report.limit_price == (None if limit is None else Decimal(limit))
    assert report.triggers == (None if trigger is None else Triggers(price=Decimal(trigger)))


def test_a_description_that_is_partial() -> None:
    """What a description does not say once more has not changed: an order stays on margin."""
    report = order({"descr": {"price": "6", "order": "buy it"}})
    assert (report.margin, report.leverage, report.description) == (None, None, "buy it")


def test_a_trigger_that_is_not_told() -> None:
    """An order whose trigger is a distance, and not known yet, has none."""
    assert order({"descr": {"ordertype": "trailing-stop", "price": "+1%"}}).triggers is None


@pytest.mark.parametrize("leverage, margin", [("5:1", True), ("0:1", False), ("none", False)])
def test_margin(leverage: str, margin: bool) -> None:
    """The leverage says whether it is on margin."""
    report = order({"descr": {"leverage": leverage}})
    assert (report.margin, report.leverage) == (margin, leverage)


def test_a_quantity_in_the_quote_currency() -> None:
    """A flag says that the volume is in the quote currency."""
    report = order({"vol": "5", "oflags": "viqc,nompp,fcib"})
    assert (report.order_qty, report.cash_order_qty) == (None, Decimal(5))
    assert (report.no_mpp, report.post_only, report.fee_ccy_pref) == (True, False, "fcib")


def test_the_rest_of_an_order() -> None:
    """What is rarely there has its field, too."""
    report = order(
        {
            "misc": "liquidation,partial",
            "refid": "O0",
            "ratecount": "5",
            "starttm": "7",
            "display_volume": "1",
            "display_volume_remain": "0.5",
            "contingent": {"ordertype": "stop-loss-limit", "price": "5", "price2": "4"},
        }
    )
    assert report.liquidated
    assert report.ord_ref_id == "O0"
    assert report.ratecount == 5
    assert report.effective_time == Timestamp(7_000000000)
    assert (report.display_qty, report.display_qty_remain) == (Decimal(1), Decimal("0.5"))
    assert report.contingent == Contingent(
        order_type="stop-loss-limit", limit_price=Decimal(4), trigger_price=Decimal(5)
    )
    close = order({"contingent": {"ordertype": "limit", "price": "5"}, "ratecount": 1})
    assert close.contingent == Contingent(order_type="limit", limit_price=Decimal(5))
    assert order({"contingent": {}}).contingent == Contingent()


@pytest.mark.parametrize(
    "row",
    [{"vol": "NaN"}, {"opentm": "soon"}, {"descr": {"pair": "X"}}, {"status": 1}, []],
    ids=str,
)
def test_what_is_refused(row: Any) -> None:
    """What is no number, no time, no pair or not of the shape is refused."""
    with pytest.raises(FAULTS):
        order(row)


def test_a_fill_that_is_refused() -> None:
    """A fill without its order is none."""
    with pytest.raises(FAULTS):
        fills({"price": "1"})
