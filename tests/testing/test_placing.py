"""An order rests unless it crosses the market, and then takes all at the best price."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kraken_trio._internal.model.requests import AddOrder, Conditional, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp

if TYPE_CHECKING:
    from tests.testing.conftest import Trader

Make = Callable[..., AddOrder]
D = Decimal
RESTS = ["pending_new", "new"]
TAKES = [*RESTS, "trade", "filled"]
STOP = TriggerParams(price=D(70000))


@pytest.mark.parametrize(
    "others, kinds",
    [
        ({"limit_price": D("59999.9")}, RESTS),
        ({"limit_price": D(60000)}, TAKES),
        ({"limit_price": D(70000)}, TAKES),
        ({"side": "sell", "limit_price": D("59999.1")}, RESTS),
        ({"side": "sell", "limit_price": D(59999)}, TAKES),
        ({"order_type": "market", "limit_price": None}, TAKES),
        (
            {
                "order_type": "market",
                "limit_price": None,
                "order_qty": None,
                "cash_order_qty": D(1000),
            },
            TAKES,
        ),
        ({"order_type": "iceberg", "limit_price": D(70000), "display_qty": D("0.1")}, TAKES),
        ({"order_type": "stop-loss", "limit_price": None, "triggers": STOP}, RESTS),
        ({"order_type": "stop-loss-limit", "limit_price": D(70000), "triggers": STOP}, RESTS),
        ({"time_in_force": "ioc"}, [*RESTS, "canceled"]),
        ({"time_in_force": "fok"}, [*RESTS, "canceled"]),
        ({"time_in_force": "ioc", "limit_price": D(60000)}, TAKES),
        ({"post_only": True}, RESTS),
        ({"post_only": True, "limit_price": D(60000)}, ["pending_new", "canceled"]),
        ({"effective_time": Timestamp(1)}, RESTS),
        ({"effective_time": Timestamp(2 * 10**18)}, ["pending_new"]),
    ],
)
def test_what_becomes_of_it(
    trader: Trader, limit: Make, others: dict[str, Any], kinds: list[str]
) -> None:
    """Each kind of order rests, takes, or goes, at once."""
    order = trader.placing.place(limit(**others), trader.now)
    assert trader.kinds() == kinds
    if kinds is TAKES:
        (fill,) = trader.account.fills
        assert fill.last_price == trader.quotes.prices[order.request.side]
        assert fill.liquidity_ind == "t"
    elif kinds[-1] == "canceled":
        reason = "Post only order" if order.request.post_only else "Immediate or cancel"
        assert trader.account.executions[-1].reason == reason


def states(trader: Trader, order_id: str) -> list[tuple[str | None, ...]]:
    """Give what was reported of a trigger: its level, its peak, and whether it was reached."""
    found: list[tuple[str | None, ...]] = []
    for report in trader.account.executions:
        if report.order_id == order_id and report.exec_type == "status":
            triggers = report.triggers
            assert triggers is not None
            found.append((f"{triggers.actual_price}", f"{triggers.peak_price}", triggers.status))
    return found


def traded(trader: Trader, *prices: int) -> None:
    """Let somebody trade at these prices, one after the other."""
    for price in prices:
        trader.quotes.prices = {"buy": D(price), "sell": D(price)}
        trader.quotes.ranges = [(D(price), D(price))]
        trader.placing.follow()


def test_a_trailing_stop_follows_the_market(trader: Trader, limit: Make) -> None:
    """Each move of its level is told, with the peak; and then what set it off."""
    asked = limit(
        side="sell",
        order_type="trailing-stop",
        limit_price=None,
        triggers=TriggerParams(price=D(1), price_type="pct"),
    )
    order = trader.placing.place(asked, trader.now)
    traded(trader, 61000, 60500, 62000, 61380)
    assert states(trader, order.order_id) == [
        ("59400.0", "60000.0", "untriggered"),
        ("60390.0", "61000.0", "untriggered"),
        ("61380.0", "62000.0", "untriggered"),
        ("61380.0", "62000.0", "triggered"),
    ]
    assert trader.kinds()[-2:] == ["trade", "filled"]
    assert order.triggers is not None
    assert order.triggers.last_price == D(61380)


@pytest.mark.parametrize("post_only, end", [(False, "filled"), (True, "canceled")])
def test_a_trailing_limit_is_set_when_it_is_set_off(
    trader: Trader, limit: Make, post_only: bool, end: str
) -> None:
    """At its distance to the trigger, which is told; one that must not take does not."""
    asked = limit(
        order_type="trailing-stop-limit",
        limit_price=D(50),
        limit_price_type="quote",
        post_only=post_only,
        triggers=TriggerParams(price=D(500), price_type="quote", reference="index"),
    )
    order = trader.placing.place(asked, trader.now)
    traded(trader, 59000, 58800, 59300)
    assert order.status == end
    if post_only:
        assert trader.account.executions[-1].reason == "Post only order"
        return
    report = next(each for each in trader.account.executions if each.limit_price == D(59350))
    assert (report.exec_type, report.limit_price_type) == ("status", "static")
    assert order.cum_cost == D(59300)


def test_a_trailing_limit_that_is_none_yet_waits(trader: Trader, limit: Make) -> None:
    """One that the market left behind rests at its limit once it is set off."""
    asked = limit(
        side="sell",
        order_type="trailing-stop-limit",
        limit_price=D(300),
        limit_price_type="quote",
        triggers=TriggerParams(price=D(500), price_type="quote"),
    )
    order = trader.placing.place(asked, trader.now)
    traded(trader, 59400)
    assert (order.status, order.request.limit_price) == ("new", D("59800.0"))
    assert trader.account.orders[order.order_id].limit_price == D("59800.0")


def test_whoever_hears_of_a_trigger_may_cancel_it(trader: Trader, limit: Make) -> None:
    """Then it is not set off any more."""
    asked = limit(
        side="sell",
        order_type="trailing-stop",
        limit_price=None,
        triggers=TriggerParams(price=D(1), price_type="quote"),
    )
    order = trader.placing.place(asked, trader.now)

    def cancel(record: object) -> None:
        if order.open:
            trader.account.cancel(order.order_id)

    trader.account.listen(cancel)
    trader.quotes.prices = {"buy": D(61000), "sell": D(61000)}
    trader.quotes.ranges = [(D(61000), D(62000))]
    trader.placing.follow()
    assert order.status == "canceled"


CLOSE = Conditional(order_type="limit", limit_price=D(30), limit_price_type="pct")


def test_each_fill_places_its_close(trader: Trader, limit: Make) -> None:
    """Opposite, of its size, named after the order that was filled; the client named none of it."""
    order = trader.placing.place(limit(cl_ord_id="mine", conditional=CLOSE), trader.now)
    trader.account.fill(order.order_id, D("0.25"))
    trader.account.fill(order.order_id)
    closes = [*trader.account.orders.values()]
    assert [
        (each.ord_ref_id, each.side, each.order_qty, each.limit_price, each.cl_ord_id)
        for each in closes
    ] == [(order.order_id, "sell", qty, D(65000), None) for qty in (D("0.25"), D("0.75"))]
    assert trader.kinds() == [*RESTS, "trade", *RESTS, "trade", "filled", *RESTS]
    first = next(each for each in trader.account.executions if each.ord_ref_id)
    assert (first.exec_type, first.ord_ref_id) == ("pending_new", order.order_id)


def test_a_close_is_placed_when_the_order_has_taken(trader: Trader, limit: Make) -> None:
    """Else an order that takes level by level would meet what closes it."""
    order = trader.placing.place(limit(limit_price=D(60000), conditional=CLOSE), trader.now)
    assert order.status == "filled"
    assert trader.kinds() == [*TAKES, *RESTS]


def test_a_close_may_be_filled_at_once(trader: Trader, limit: Make) -> None:
    """It is an order like any other."""
    close = Conditional(order_type="limit", limit_price=D(50000))
    trader.placing.place(limit(limit_price=D(60000), conditional=close), trader.now)
    assert trader.kinds() == [*TAKES, *TAKES]
    assert trader.account.orders == {}


def test_a_close_that_cannot_be_paid_for_is_cancelled(trader: Trader, limit: Make) -> None:
    """What was paid in fees is missing for it."""
    trader.account.withdraw("BTC", D(10))
    asked = limit(fee_preference="base", limit_price=D(60000), conditional=CLOSE)
    order = trader.placing.place(asked, trader.now)
    assert trader.kinds() == [*TAKES, "pending_new", "canceled"]
    last = trader.account.executions[-1]
    assert (last.reason, order.status) == ("Insufficient funds", "filled")
    assert trader.account.orders == {}
