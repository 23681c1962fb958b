"""Orders are placed, amended and edited as asked, or refused and left as they were."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kraken_trio._internal.model.account import Triggers
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    Conditional,
    EditOrder,
    TriggerParams,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.rules import ExchangeRules

if TYPE_CHECKING:
    from tests.testing.conftest import Trader

Make = Callable[..., AddOrder]
D = Decimal
STOP: dict[str, Any] = {
    "order_type": "stop-loss",
    "limit_price": None,
    "triggers": TriggerParams(price=D(65000)),
}


def placed(trader: Trader, request: AddOrder) -> str:
    """Place an order, and give its name."""
    order_id = trader.ordering.add(request, trader.now)["order_id"]
    trader.kinds()
    return str(order_id)


def test_placing(trader: Trader, limit: Make) -> None:
    """A placed order is answered with its names, and counted once."""
    result = trader.ordering.add(limit(cl_ord_id="mine"), trader.now)
    (name,) = trader.account.orders
    assert result == {"order_id": name, "cl_ord_id": "mine"}
    assert trader.counter.value("BTC/USD", trader.now) == 1
    assert trader.ordering.add(limit(order_userref=0, order_qty=D("0.1")), trader.now).keys() == {
        "order_id",
        "order_userref",
    }


def test_only_checked(trader: Trader, limit: Make) -> None:
    """To check an order does nothing, and says what would be wrong."""
    assert trader.ordering.add(limit(validate=True, cl_ord_id="mine"), trader.now) == {
        "cl_ord_id": "mine"
    }
    assert trader.kinds() == []
    with pytest.raises(Refused, match="EOrder:Insufficient funds"):
        trader.ordering.add(limit(validate=True, order_qty=D(5)), trader.now)


def test_too_much(make_trader: type[Trader], limit: Make) -> None:
    """Requests beyond the ceiling are refused, and so are orders beyond the tier's number."""
    trader = make_trader(ExchangeRules(tier="starter"))
    small = limit(order_qty=D("0.001"))
    for _ in range(60):
        trader.ordering.add(small, trader.now)
    with pytest.raises(Refused, match="EOrder:Rate limit exceeded"):
        trader.ordering.add(small, trader.now)
    trader.clock.sleep(60)
    with pytest.raises(Refused, match="EOrder:Orders limit exceeded"):
        trader.ordering.add(small, trader.now)
    assert len(trader.account.orders) == 60


def test_unknown_pairs_are_not_counted(trader: Trader, limit: Make) -> None:
    """There is no counter for a pair that there is not."""
    with pytest.raises(Refused, match="EQuery:Unknown asset pair"):
        trader.ordering.add(limit(symbol="XBT/USD"), trader.now)
    assert trader.counter.value("XBT/USD", trader.now) == 0


def amended(trader: Trader, **changes: Any) -> dict[str, object]:
    """Amend an order."""
    return trader.ordering.amend(AmendOrder(**changes), trader.now)


def test_amending(trader: Trader, limit: Make) -> None:
    """An order is amended by either name, and answered by that; it keeps the exchange's name."""
    name = placed(trader, limit(cl_ord_id="mine"))
    result = amended(trader, order_id=name, limit_price=D("50001.0"))
    assert result.keys() == {"amend_id", "order_id"}
    assert amended(trader, cl_ord_id="mine", order_qty=D("0.5")).keys() == {"amend_id", "cl_ord_id"}
    order = trader.account.orders[name]
    assert (order.order_qty, order.limit_price) == (D("0.50000000"), D("50001.0"))
    assert trader.kinds() == ["amended", "amended"]
    assert trader.counter.value("BTC/USD", trader.now) == 1 + 4 + 4
    trader.clock.sleep(15)
    before = trader.counter.value("BTC/USD", trader.now)
    amended(trader, order_id=name, order_qty=D("0.4"), symbol="BTC/USD")
    assert trader.counter.value("BTC/USD", trader.now) == before + 1


def test_an_amendment_may_take(trader: Trader, limit: Make) -> None:
    """A new price that crosses the market takes at once; one that must not is refused."""
    name = placed(trader, limit())
    with pytest.raises(Refused, match="EOrder:Invalid price"):
        amended(trader, order_id=name, limit_price=D(60000), post_only=True)
    assert trader.kinds() == []
    amended(trader, order_id=name, limit_price=D(60000))
    assert trader.kinds() == ["amended", "trade", "filled"]


def test_amending_below_what_is_filled(trader: Trader, limit: Make) -> None:
    """A quantity that is filled already cancels the rest."""
    name = placed(trader, limit())
    trader.account.fill(name, D("0.5"))
    trader.kinds()
    amended(trader, order_id=name, order_qty=D("0.5"))
    assert trader.kinds() == ["canceled"]


def test_amending_what_sets_it_off(trader: Trader, limit: Make) -> None:
    """The price that sets an order off can be amended, and how it is to be read."""
    name = placed(trader, limit(**STOP))
    amended(trader, order_id=name, trigger_price=D(66000))
    triggers = trader.account.orders[name].triggers
    assert triggers == Triggers(
        reference="last", price=D("66000.0"), price_type="static", status="untriggered"
    )
    amended(trader, order_id=name, trigger_price_type="pct")
    changed = trader.account.orders[name].triggers
    assert changed is not None
    assert (changed.price, changed.price_type) == (D("66000.0"), "pct")
    assert trader.account.order(name).open


def test_amending_what_waits(trader: Trader, limit: Make) -> None:
    """An order that is not live yet takes nothing."""
    name = placed(trader, limit(effective_time=Timestamp(trader.now + 10**9)))
    amended(trader, order_id=name, limit_price=D(70000))
    money = limit(
        order_type="market",
        order_qty=None,
        limit_price=None,
        cash_order_qty=D(100),
        effective_time=Timestamp(trader.now + 10**9),
    )
    amended(trader, order_id=placed(trader, money), deadline=Timestamp(trader.now + 10**9))
    assert trader.kinds() == ["amended"]


@pytest.mark.parametrize(
    "changes, error",
    [
        ({}, "EGeneral:Invalid arguments"),
        ({"order_id": "O", "cl_ord_id": "x"}, "EGeneral:Invalid arguments"),
        ({"order_id": "O"}, "EOrder:Unknown order"),
        ({"cl_ord_id": ""}, "EOrder:Unknown order"),
        ({"cl_ord_id": "mine", "symbol": "ETH/USD"}, "EGeneral:Invalid arguments"),
        ({"cl_ord_id": "mine", "trigger_price": D(1)}, "EGeneral:Invalid arguments"),
        ({"cl_ord_id": "mine", "limit_price": D("1.23")}, "EOrder:Tick size check failed"),
        ({"cl_ord_id": "mine", "order_qty": D(5)}, "EOrder:Insufficient funds"),
        ({"cl_ord_id": "mine", "deadline": Timestamp(1)}, "EService:Deadline elapsed"),
        ({"cl_ord_id": "closing"}, "EOrder:Invalid order"),
    ],
)
def test_refused_amendments(
    trader: Trader, limit: Make, changes: dict[str, Any], error: str
) -> None:
    """An amendment that is refused changes nothing."""
    placed(trader, limit(cl_ord_id="mine"))
    closing = Conditional(order_type="limit", limit_price=D(80000))
    placed(trader, limit(cl_ord_id="closing", order_qty=D("0.1"), conditional=closing))
    before = trader.account.orders
    with pytest.raises(Refused) as refused:
        amended(trader, **changes)
    assert refused.value.error == error
    assert (trader.account.orders, trader.kinds()) == (before, [])


def test_an_amendment_needs_the_difference_alone(trader: Trader, limit: Make) -> None:
    """What the order has already is there for it, and what is filled need not be paid again."""
    name = placed(trader, limit(order_qty=D("1.9")))
    amended(trader, order_id=name, order_qty=D("1.95"))
    trader.account.fill(name, D("1.9"))
    amended(trader, order_id=name, order_qty=D("1.96"))
    amended(trader, order_id=name, order_qty=D("1.95"))


def test_amendments_are_counted(make_trader: type[Trader], limit: Make) -> None:
    """Amendments beyond the ceiling are refused."""
    trader = make_trader(ExchangeRules(tier="starter"))
    name = placed(trader, limit())
    with pytest.raises(Refused, match="EOrder:Rate limit exceeded"):
        for _ in range(15):
            amended(trader, order_id=name, order_qty=D("0.5"))
    assert len(trader.kinds()) == 14


def edited(trader: Trader, order_id: str, **changes: Any) -> dict[str, object]:
    """Edit an order."""
    form: dict[str, Any] = {"order_id": order_id, "symbol": "BTC/USD"}
    return trader.ordering.edit(EditOrder(**(form | changes)), trader.now)


def test_editing(trader: Trader, limit: Make) -> None:
    """An edit cancels an order and places another, with what is left and the number given."""
    name = placed(trader, limit(order_qty=D("1.5"), order_userref=7))
    trader.account.fill(name, D("0.5"))
    trader.kinds()
    result = edited(trader, name, limit_price=D("50001"), order_userref=8)
    (order,) = trader.account.orders.values()
    assert result == {"order_id": order.order_id, "original_order_id": name}
    assert (order.order_qty, order.limit_price) == (D("1.00000000"), D("50001.0"))
    assert (order.cum_qty, order.order_userref) == (D("0E-8"), 8)
    assert trader.kinds() == ["canceled", "pending_new", "new"]
    assert trader.account.executions[-3].reason == "Order replaced"
    again = edited(trader, order.order_id, order_qty=D("1.4"), validate=True)
    assert again == {"original_order_id": order.order_id}
    assert trader.kinds() == []


@pytest.mark.parametrize(
    "others, changes, error",
    [
        ({}, {"symbol": "ETH/USD"}, "EQuery:Unknown asset pair"),
        ({}, {"order_id": "O"}, "EOrder:Unknown order"),
        ({"cl_ord_id": "mine"}, {}, "EOrder:Invalid order"),
        (
            {"conditional": Conditional(order_type="limit", limit_price=D(80000))},
            {},
            "EOrder:Invalid order",
        ),
        ({}, {"order_qty": D("0.4")}, "EOrder:Invalid order"),
        ({}, {"order_qty": D("2.5")}, "EOrder:Insufficient funds"),
        ({}, {"triggers": TriggerParams(price=D(1))}, "EGeneral:Invalid arguments:triggers"),
    ],
)
def test_refused_edits(
    trader: Trader, limit: Make, others: dict[str, Any], changes: dict[str, Any], error: str
) -> None:
    """An edit that is refused leaves the order as it was."""
    name = placed(trader, limit(**others))
    trader.account.fill(name, D("0.5"))
    before = trader.account.orders
    with pytest.raises(Refused) as refused:
        edited(trader, **({"order_id": name} | changes))
    assert refused.value.error == error
    assert trader.account.orders == before


def test_what_was_set_off_is_not_edited(trader: Trader, limit: Make) -> None:
    """A stop order can be edited until it is set off, and then it is filled."""
    name = placed(trader, limit(**STOP))
    name = str(edited(trader, name, triggers=TriggerParams(price=D(66000)))["order_id"])
    trader.account.trigger(name, D(66000))
    with pytest.raises(Refused, match="EOrder:Unknown order"):
        edited(trader, name)


def batch(*orders: dict[str, Any], **others: Any) -> BatchAdd:
    """Make a batch of small orders."""
    usual: dict[str, Any] = {"order_type": "limit", "side": "buy", "limit_price": D(50000)}
    usual["order_qty"] = D("0.1")
    batched = tuple(BatchOrder(**(usual | order)) for order in orders)
    return BatchAdd(symbol="BTC/USD", orders=batched, **others)


def test_batches(trader: Trader) -> None:
    """A batch is answered in its order; what cannot be paid for fails alone."""
    form = batch({"cl_ord_id": "a"}, {"order_qty": D(50)}, {"order_userref": 3})
    one, failed, three = trader.ordering.batch(form, trader.now)
    assert [order.cl_ord_id for order in trader.account.orders.values()] == ["a", None]
    assert (one["cl_ord_id"], three["order_userref"]) == ("a", 3)
    assert failed == {"error": "EOrder:Insufficient funds"}
    assert trader.counter.value("BTC/USD", trader.now) == D("1.5")


@pytest.mark.parametrize(
    "form, error",
    [
        (batch({}), "EGeneral:Invalid arguments"),
        (batch(*[{}] * 16), "EGeneral:Invalid arguments"),
        (batch({"cl_ord_id": "a"}, {"cl_ord_id": "a"}), "EGeneral:Invalid arguments"),
        (batch({}, {"limit_price": D("1.23")}), "EOrder:Tick size check failed"),
        (batch({}, {}, deadline=Timestamp(1)), "EService:Deadline elapsed"),
    ],
)
def test_refused_batches(trader: Trader, form: BatchAdd, error: str) -> None:
    """One order that is wrong has all refused, and a batch has 2 to 15."""
    with pytest.raises(Refused) as refused:
        trader.ordering.batch(form, trader.now)
    assert refused.value.error == error
    assert trader.kinds() == []


def test_batches_that_are_only_checked(trader: Trader) -> None:
    """To check a batch does nothing."""
    form = batch({"cl_ord_id": "a"}, {}, validate=True)
    assert trader.ordering.batch(form, trader.now) == [{"cl_ord_id": "a"}, {}]
    assert trader.kinds() == []


def test_a_template_that_can_make_no_order_is_refused(trader: Trader, limit: Make) -> None:
    """With the order that has it, and before anything is placed."""
    with pytest.raises(Refused, match="EGeneral:Invalid arguments:conditional"):
        placed(trader, limit(conditional=Conditional(order_type="limit")))
    assert trader.account.orders == {}


def test_an_amended_trigger_counts_at_once(trader: Trader, limit: Make) -> None:
    """It sets the order off where it is reached already; a distance counts anew."""
    stop = limit(order_type="stop-loss", limit_price=None, triggers=TriggerParams(price=D(70000)))
    name = placed(trader, stop)
    amended(trader, order_id=name, trigger_price=D(-1000), trigger_price_type="quote")
    order = trader.account.order(name)
    assert order.triggers is not None
    assert (order.triggers.actual_price, order.status) == (D("59000.0"), "filled")
