"""An order that is not as the exchange demands is refused in its words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.model.requests import AddOrder, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.demands import (
    check_count,
    check_deadline,
    check_funds,
    check_system,
    checked,
    trimmed,
)
from kraken_trio._internal.testing.part import Refused

if TYPE_CHECKING:
    from tests.testing.conftest import Trader

Make = Callable[..., AddOrder]
D = Decimal
STOP = TriggerParams(price=D(55000))
AWAY = TriggerParams(price=D(1), price_type="pct")
SECOND = 10**9
EPOCH = Timestamp(1_767_225_600 * SECOND)


def refusal(trader: Trader, request: AddOrder) -> str | None:
    """Say how an order is refused, if it is."""
    try:
        checked(request, trader.account, trader.quotes, trader.now)
    except Refused as refused:
        return refused.error
    return None


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"post_only": True, "cl_ord_id": "mine", "time_in_force": "ioc"},
        {"time_in_force": "fok", "order_userref": 5},
        {"time_in_force": "gtd", "expire_time": EPOCH + SECOND},
        {"deadline": EPOCH + SECOND},
        {"order_type": "market", "limit_price": None},
        {
            "order_type": "market",
            "limit_price": None,
            "order_qty": None,
            "cash_order_qty": D("100.00"),
        },
        {"order_type": "iceberg", "display_qty": D("0.1")},
        {"order_type": "stop-loss", "limit_price": None, "triggers": STOP},
        {"order_type": "take-profit-limit", "triggers": STOP},
        {"order_type": "trailing-stop", "limit_price": None, "triggers": AWAY},
        {"cl_ord_id": "2c6be801-1f53-4f79-a0bb-4ea1c95dfae9"},
        {"cl_ord_id": "2C6BE8011F534F79A0BB4EA1C95DFAE9"},
    ],
)
def test_what_is_accepted(trader: Trader, limit: Make, others: dict[str, Any]) -> None:
    """Orders of every type, with what belongs to it, are accepted as they are."""
    times = {
        name: Timestamp(value)
        for name, value in others.items()
        if name in ("expire_time", "deadline")
    }
    request = limit(**(others | times))
    assert refusal(trader, request) is None
    assert checked(request, trader.account, trader.quotes, trader.now) == request


@pytest.mark.parametrize(
    "others, error",
    [
        ({"symbol": "XBT/USD"}, "EQuery:Unknown asset pair"),
        ({"order_type": "settle-position"}, "EOrder:Unknown position"),
        ({"margin": True}, "EOrder:Margin allowance exceeded"),
        ({"reduce_only": True}, "EOrder:Reduce only:No position exists"),
        ({"order_type": "wish"}, "EGeneral:Invalid arguments:order_type"),
        ({"order_qty": None}, "EGeneral:Invalid arguments:order_qty"),
        ({"cash_order_qty": D(1)}, "EGeneral:Invalid arguments:order_qty"),
        (
            {"order_qty": None, "cash_order_qty": D(1)},
            "EGeneral:Invalid arguments:cash_order_qty",
        ),
        ({"limit_price": None}, "EGeneral:Invalid arguments:limit_price"),
        ({"order_type": "market"}, "EGeneral:Invalid arguments:limit_price"),
        ({"order_type": "stop-loss-limit"}, "EGeneral:Invalid arguments:triggers"),
        ({"triggers": STOP}, "EGeneral:Invalid arguments:triggers"),
        (
            {"order_type": "trailing-stop-limit", "triggers": STOP},
            "EGeneral:Invalid arguments:triggers",
        ),
        (
            {
                "order_type": "trailing-stop",
                "limit_price": None,
                "triggers": TriggerParams(price=D(0), price_type="pct"),
            },
            "EGeneral:Invalid arguments:triggers",
        ),
        ({"order_type": "iceberg"}, "EGeneral:Invalid arguments:display_qty"),
        (
            {"order_type": "iceberg", "display_qty": D("0.06")},
            "EGeneral:Invalid arguments:display_qty",
        ),
        (
            {"order_type": "iceberg", "display_qty": D("1.1")},
            "EGeneral:Invalid arguments:display_qty",
        ),
        ({"limit_price_type": "pct"}, "EGeneral:Invalid arguments:limit_price_type"),
        (
            {"order_type": "market", "limit_price": None, "post_only": True},
            "EGeneral:Invalid arguments:post_only",
        ),
        (
            {"order_type": "market", "limit_price": None, "time_in_force": "fok"},
            "EGeneral:Invalid arguments:time_in_force",
        ),
        ({"time_in_force": "gtd"}, "EGeneral:Invalid arguments:expire_time"),
        ({"expire_time": EPOCH}, "EGeneral:Invalid arguments:expire_time"),
        (
            {"time_in_force": "gtd", "expire_time": EPOCH},
            "EGeneral:Invalid arguments:expire_time",
        ),
        (
            {"time_in_force": "gtd", "expire_time": Timestamp(EPOCH + 32 * 86400 * SECOND)},
            "EGeneral:Invalid arguments:expire_time",
        ),
        ({"cl_ord_id": "a", "order_userref": 1}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "x" * 19}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": ""}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "taken"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"limit_price": D(-1)}, "EGeneral:Invalid arguments:price"),
        ({"limit_price": D("50000.01")}, "EOrder:Tick size check failed"),
        (
            {
                "order_type": "stop-loss",
                "limit_price": None,
                "triggers": TriggerParams(price=D("1.55")),
            },
            "EOrder:Tick size check failed",
        ),
        ({"order_qty": D("0.00001")}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"order_qty": D("-1")}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"limit_price": D("0.1")}, "EOrder:Cost minimum not met"),
        ({"deadline": EPOCH}, "EService:Deadline elapsed"),
    ],
)
def test_what_is_refused(trader: Trader, limit: Make, others: dict[str, Any], error: str) -> None:
    """What does not belong together, or is too small, odd, or late, is refused."""
    trader.account.place("BTC/USD", "buy", D(1), D(1), cl_ord_id="taken")
    assert refusal(trader, limit(**others)) == error


@pytest.mark.parametrize(
    "cash, error",
    [
        ("-1", "EGeneral:Invalid arguments:cash_order_qty"),
        ("100.000001", "EGeneral:Invalid arguments:cash_order_qty"),
        ("0.1", "EOrder:Cost minimum not met"),
        ("0.6", "EGeneral:Invalid arguments:volume minimum not met"),
    ],
)
def test_money_to_spend(trader: Trader, limit: Make, cash: str, error: str) -> None:
    """Money must be enough for the smallest order, and have the pair's decimals."""
    request = limit(order_type="market", limit_price=None, order_qty=None, cash_order_qty=D(cash))
    assert refusal(trader, request) == error


@pytest.mark.parametrize(
    "modes, others, error",
    [
        (("maintenance", "online"), {}, "EService:Unavailable"),
        (("cancel_only", "online"), {}, "EService:Market in cancel_only mode"),
        (("post_only", "online"), {}, "EService:Market in post_only mode"),
        (("post_only", "online"), {"post_only": True}, None),
        (("unheard_of", "unheard_of"), {}, None),
        (("online", "maintenance"), {}, "EService:Unavailable"),
        (("online", "delisted"), {}, "EService:Unavailable"),
        (("online", "work_in_progress"), {}, "EService:Unavailable"),
        (("online", "cancel_only"), {}, "EService:Market in cancel_only mode"),
        (("online", "reduce_only"), {}, "EService:Market in reduce_only mode"),
        (("online", "limit_only"), {}, None),
        (
            ("online", "limit_only"),
            {"order_type": "market", "limit_price": None},
            "EService:Market in limit_only mode",
        ),
        (("online", "post_only"), {"post_only": True}, None),
        (("online", "post_only"), {}, "EService:Market in post_only mode"),
    ],
)
def test_modes(
    trader: Trader, limit: Make, modes: tuple[str, str], others: dict[str, Any], error: str | None
) -> None:
    """The mode of the engine and the status of the pair say which orders may come."""
    trader.quotes.system, trader.quotes.statuses["BTC/USD"] = modes
    assert refusal(trader, limit(**others)) == error


def test_maintenance(trader: Trader) -> None:
    """During a maintenance everything is refused."""
    check_system(trader.quotes)
    trader.quotes.system = "maintenance"
    with pytest.raises(Refused, match="EService:Unavailable"):
        check_system(trader.quotes)


def test_trimming(trader: Trader, limit: Make) -> None:
    """Decimals of quantities that the pair has not are cut off; a trailing limit is a distance."""
    terms = trader.account.terms["BTC/USD"]
    request = trimmed(limit(order_qty=D("0.2123456789")), terms)
    assert str(request.order_qty) == "0.21234567"
    trailing = limit(order_type="trailing-stop-limit", triggers=AWAY, limit_price=D("0.55"))
    done = checked(trailing, trader.account, trader.quotes, trader.now)
    assert done == replace(trailing, limit_price_type="quote")


def test_an_order_does_not_stand_in_its_own_way(trader: Trader, limit: Make) -> None:
    """What replaces an order may have its name."""
    trader.account.place("BTC/USD", "buy", D(1), D(1), cl_ord_id="mine")
    (order,) = trader.account.open_orders()
    request = limit(cl_ord_id="mine")
    assert refusal(trader, request) is not None
    args = (request, trader.account, trader.quotes, trader.now)
    assert checked(*args, besides=order.order_id) == request


def test_counts(trader: Trader) -> None:
    """So many orders may be open in a pair, and no more."""
    trader.account.place("BTC/USD", "buy", D(1), D(1))
    trader.account.place("ETH/USD", "buy", D(1), D(1))
    check_count(trader.account, "BTC/USD", 2)
    with pytest.raises(Refused, match="EOrder:Orders limit exceeded"):
        check_count(trader.account, "BTC/USD", 1)


@pytest.mark.parametrize(
    "others, enough",
    [
        ({"order_qty": D("1.99")}, True),
        ({"order_qty": D(2)}, False),  # The fee is missing.
        ({"side": "sell", "order_qty": D(10)}, True),
        ({"side": "sell", "order_qty": D("10.1")}, False),
        ({"order_type": "market", "limit_price": None, "order_qty": D("1.7")}, False),
        ({"order_type": "market", "limit_price": None, "order_qty": D("1.6")}, True),
    ],
)
def test_funds(trader: Trader, limit: Make, others: dict[str, Any], enough: bool) -> None:
    """An order must be paid for, fees included, with what other orders do not need."""
    request = limit(**others)
    if enough:
        check_funds(request, trader.account, trader.quotes)
        trader.account.place("BTC/USD", "buy", D("0.5"), D(50000))
        trader.account.place("BTC/USD", "sell", D("0.5"), D(70000))
    with pytest.raises(Refused, match="EOrder:Insufficient funds"):
        check_funds(request, trader.account, trader.quotes)
    if enough:
        other = next(o for o in trader.account.open_orders() if o.request.side == request.side)
        check_funds(request, trader.account, trader.quotes, instead_of=other)


@pytest.mark.parametrize(
    "seconds, error",
    [
        (-1, "EService:Deadline elapsed"),
        (0.4, "EGeneral:Invalid arguments:deadline"),
        (0.5, None),
        (60, None),
        (61, "EGeneral:Invalid arguments:deadline"),
    ],
)
def test_deadlines(seconds: float, error: str | None) -> None:
    """A deadline is half a second away at least, and a minute at most."""
    check_deadline(None, EPOCH)
    at = Timestamp(EPOCH + int(seconds * SECOND))
    if error is None:
        check_deadline(at, EPOCH)
    else:
        with pytest.raises(Refused, match=error):
            check_deadline(at, EPOCH)
