"""Of an order, each report has what it has at the exchange, and no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from kraken_trio._internal.model.account import Contingent, Execution, Triggers
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import AddOrder, Conditional, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.fills import make_fill
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.terms import terms_of

D = Decimal
AT = Timestamp(1_000_000)
TERMS = terms_of(market_pairs(["BTC/USD"])[0])
ALWAYS = {"order_id", "exec_type", "order_status", "timestamp"}


def order(**others: Any) -> Order:
    """Make one for two bitcoins at a hundred dollars."""
    usual: dict[str, Any] = {"order_type": "limit", "order_qty": D(2), "limit_price": D(100)}
    return Order("O1", AddOrder(symbol="BTC/USD", side="buy", **(usual | others)), TERMS)


def bought(it: Order, qty: str, price: str = "100") -> Execution:
    """Fill some of it."""
    fill = make_fill(
        TERMS,
        "buy",
        D(qty),
        D(price),
        rate=D("0.01"),
        base_places=None,
        maker=True,
        exec_id="T1",
        trade_id=7,
    )
    return it.add(fill, AT)


def members(report: Execution | None) -> set[str]:
    """Give the names of what a report says."""
    assert report is not None
    said = {
        n for n in msgspec.structs.asdict(report) if getattr(report, n) not in (None, (), False)
    }
    return said - ALWAYS


SUMS = {"cum_qty", "cum_cost", "avg_price", "fee_usd_equiv"}


def test_members() -> None:
    """The first report describes all; later ones are sparse, and only fills name the pair."""
    it = order(cl_ord_id="mine")
    assert members(it.pending(AT)) >= {"symbol", "side", "order_qty", "limit_price", "fee_ccy_pref"}
    assert members(it.start(AT)) == {"cl_ord_id"}
    assert members(bought(it, "0.5")) == SUMS | {
        *("cl_ord_id", "exec_id", "trade_id", "symbol", "side", "last_qty", "last_price"),
        *("liquidity_ind", "cost", "order_type", "fees"),
    }
    assert members(it.amend(it.request, AT, "User requested")) == {
        *("cl_ord_id", "cum_qty", "reason", "amended", "order_qty"),
        *("limit_price", "limit_price_type"),
    }
    assert members(it.close("canceled", AT, "User requested")) == SUMS | {"cl_ord_id", "reason"}
    assert not it.open


@pytest.mark.parametrize(
    "names, shown",
    [
        ({}, (None, 0)),
        ({"order_userref": 7}, (None, 7)),
        ({"cl_ord_id": "mine"}, ("mine", None)),
    ],
)
def test_client_names(names: dict[str, Any], shown: tuple[str | None, int | None]) -> None:
    """Every report has the client's name, or else its number, which is 0 where there is none."""
    it = order(**names)
    for report in (it.pending(AT), it.start(AT), bought(it, "1"), it.close("filled", AT)):
        assert (report.cl_ord_id, report.order_userref) == shown


def test_sums() -> None:
    """Fills are added up; the average is that of the price that was paid."""
    it = order()
    assert (str(it.avg_price), it.left()) == ("0.0", D(2))
    bought(it, "0.5", "90")
    report = bought(it, "1", "99.6")
    assert (report.cum_qty, report.cum_cost, report.avg_price) == (D("1.5"), D("144.6"), D("96.4"))
    assert (report.fee_usd_equiv, it.left(), it.status) == (
        D("1.446"),
        D("0.5"),
        "partially_filled",
    )


def test_what_is_left_of_money() -> None:
    """Of an order for money, what is left depends on the price."""
    it = order(order_qty=None, limit_price=None, order_type="market", cash_order_qty=D(100))
    assert (it.left(), it.left(D(40))) == (D(0), D("2.5"))
    bought(it, "1", "60")
    assert it.left(D(80)) == D("0.5")
    assert it.needs(D("0.1")) == ("USD", D(44))


def test_an_order_without_quantity_has_nothing_left() -> None:
    """Neither quantity nor money: nothing."""
    assert order(order_qty=None).left(D(1)) == D(0)


@pytest.mark.parametrize(
    "side, in_base, needed",
    [
        ("buy", False, ("USD", D(220))),
        ("buy", True, ("USD", D(200))),
        ("sell", False, ("BTC", D(2))),
        ("sell", True, ("BTC", D("2.2"))),
    ],
)
def test_needs(side: str, in_base: bool, needed: tuple[str, Decimal]) -> None:
    """It needs what it gives, and its fee where that is in the same asset."""
    it = order(fee_preference="base" if in_base else None)
    it.request = msgspec.structs.replace(it.request, side="buy" if side == "buy" else "sell")
    assert it.needs(D("0.1")) == needed


@pytest.mark.parametrize(
    "others, price, needed",
    [
        ({"limit_price": None}, None, D(0)),
        ({"limit_price": None}, D(50), D(110)),
        ({"limit_price": None, "triggers": TriggerParams(price=D(60))}, D(50), D(132)),
        ({"limit_price": D(1), "limit_price_type": "pct"}, D(50), D(110)),
        (
            {"limit_price": None, "triggers": TriggerParams(price=D(1), price_type="quote")},
            None,
            D(0),
        ),
    ],
)
def test_what_it_is_worth(others: dict[str, Any], price: Decimal | None, needed: Decimal) -> None:
    """Without a limit, the price that sets it off counts, and without that the market's."""
    assert order(**others).needs(D("0.1"), price) == ("USD", needed)


def test_limits() -> None:
    """A price worse than the limit raises; a limit that is a distance bounds nothing."""
    order().check_limit(D(100))
    order(limit_price=None).check_limit(D(1000))
    order(limit_price=D(1), limit_price_type="pct").check_limit(D(1000))
    with pytest.raises(ConfigurationError, match="100 or better"):
        order().check_limit(D("100.1"))


def test_slices() -> None:
    """An iceberg shows the next slice when one is gone; other orders show none."""
    assert order().refill(D(1), AT) is None
    it = order(display_qty=D("0.5"))
    bought(it, "0.2")
    assert it.refill(D("0.2"), AT) is None
    assert it.shown == D("0.3")
    bought(it, "1.5")
    assert members(it.refill(D("1.5"), AT)) == {"display_qty_remain"}
    assert it.shown == D("0.3")


def test_triggers_and_conditions() -> None:
    """What sets it off is reported with its defaults, and so is what its fills are to place."""
    it = order(
        triggers=TriggerParams(price=D(90)),
        conditional=Conditional(order_type="limit", limit_price=D(120)),
        fee_preference="base",
    )
    assert order(limit_price=None).pending(AT).limit_price_type is None
    report = it.pending(AT)
    untriggered = Triggers(reference="last", price=D(90), price_type="static", status="untriggered")
    assert (report.triggers, report.contingent, report.fee_ccy_pref) == (
        untriggered,
        Contingent(order_type="limit", limit_price=D(120)),
        "fcib",
    )
    amended = it.amend(
        msgspec.structs.replace(it.request, triggers=TriggerParams(price=D(80))), AT, "x"
    )
    assert amended.triggers == msgspec.structs.replace(untriggered, price=D(80))
    assert it.set_off(untriggered, AT).exec_type == "status"
    assert it.amend(it.request, AT, "x", by_engine=True).exec_type == "restated"


def test_snapshots() -> None:
    """A snapshot shows an open order as it stands, pending or live, and says if it was amended."""
    it = order()
    assert it.described().exec_type == "pending_new"
    it.start(AT)
    live = it.described()
    assert (live.exec_type, live.amended, live.snapshot) == ("new", None, True)
    it.amend(msgspec.structs.replace(it.request, display_qty=D(3)), AT, "x")
    assert (it.described().amended, it.shown) == (True, D(2))
