"""Who trades is answered in the exchange's shapes, and the account does what was asked."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.testing.forms import FORMS
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.requests import read_request

if TYPE_CHECKING:
    from tests.testing.conftest import Trader

D = Decimal
LIMIT: dict[str, Any] = {
    "order_type": "limit",
    "side": "buy",
    "order_qty": 0.1,
    "limit_price": 50000.5,
}


def good(method: str, result: object) -> dict[str, object]:
    """Give the answer to what was done."""
    return {"method": method, "req_id": 7, "result": result, "success": True}


UNKNOWN = {"error": "EOrder:Unknown order", "req_id": 7, "success": False, "method": "cancel_order"}


def add(trader: Trader, **others: object) -> str:
    """Place an order, and give its name."""
    (answer,) = trader.ask("add_order", {**LIMIT, "symbol": "BTC/USD", **others})
    return str(answer["result"]["order_id"])


def test_orders(trader: Trader) -> None:
    """An order is placed, amended and edited, and each answer names it."""
    (answer,) = trader.ask("add_order", {**LIMIT, "symbol": "BTC/USD", "order_userref": 5})
    name = answer["result"]["order_id"]
    assert answer == good("add_order", {"order_id": name, "order_userref": 5})
    (answer,) = trader.ask("amend_order", {"order_id": name, "order_qty": 0.2})
    amend_id = answer["result"]["amend_id"]
    assert answer == good("amend_order", {"amend_id": amend_id, "order_id": name})
    (answer,) = trader.ask("edit_order", {"order_id": name, "symbol": "BTC/USD"})
    (new,) = trader.account.orders
    assert answer == good("edit_order", {"order_id": new, "original_order_id": name})


def test_each_order_is_answered(trader: Trader) -> None:
    """Orders are cancelled by any name, each with an answer of its own, good or bad."""
    one = add(trader)
    add(trader, cl_ord_id="mine")
    three, four = (add(trader, order_userref=9) for _ in range(2))
    answers = trader.ask(
        "cancel_order",
        {
            "order_id": [one, "O", one],
            "cl_ord_id": ["mine", "yours"],
            "order_userref": [9, 8],
        },
    )
    assert answers == [
        good("cancel_order", {"order_id": one}),
        UNKNOWN,
        UNKNOWN,
        good("cancel_order", {"cl_ord_id": "mine"}),
        UNKNOWN,
        good("cancel_order", {"order_id": three}),
        good("cancel_order", {"order_id": four}),
        UNKNOWN,
    ]
    assert trader.account.orders == {}
    assert trader.counter.value("BTC/USD", trader.now) == 4 + 4 * 8


def test_all_at_once(trader: Trader) -> None:
    """All open orders are cancelled and counted, also where there is none."""
    add(trader)
    add(trader)
    assert trader.ask("cancel_all") == [good("cancel_all", {"count": 2})]
    assert trader.ask("cancel_all") == [good("cancel_all", {"count": 0})]


@pytest.mark.parametrize("documented", [True, False])
def test_batches_of_cancellations(make_trader: type[Trader], documented: bool) -> None:
    """Orders are cancelled by names and numbers, and counted in either of two shapes."""
    trader = make_trader(ExchangeRules(batch_cancel_result=documented))
    one = add(trader)
    add(trader, cl_ord_id="mine")
    add(trader, order_userref=9)
    kept = add(trader)
    (answer,) = trader.ask("batch_cancel", {"orders": [one, "9", "O"], "cl_ord_id": ["mine"]})
    if documented:
        assert answer == good("batch_cancel", {"count": 3})
    else:
        assert answer == {
            "method": "batch_cancel",
            "orders_cancelled": 3,
            "req_id": 7,
            "success": True,
        }
    assert [*trader.account.orders] == [kept]


def test_batches_of_orders(trader: Trader) -> None:
    """A batch is answered with a list."""
    (answer,) = trader.ask("batch_add", {"symbol": "BTC/USD", "orders": [LIMIT, LIMIT]})
    names = [*trader.account.orders]
    assert answer == good("batch_add", [{"order_id": name} for name in names])


@pytest.mark.parametrize("under_orders", [True, False])
def test_batches_that_fail_in_part(make_trader: type[Trader], under_orders: bool) -> None:
    """Where some orders of a batch fail, the answer has either of two shapes."""
    trader = make_trader(ExchangeRules(batch_failures_in_orders=under_orders))
    orders = [LIMIT, LIMIT | {"order_qty": 50, "cl_ord_id": "mine"}]
    (answer,) = trader.ask("batch_add", {"symbol": "BTC/USD", "orders": orders})
    (name,) = trader.account.orders
    done: dict[str, object] = {"order_id": name}
    failed: dict[str, object] = {"cl_ord_id": "mine", "error": "EOrder:Insufficient funds"}
    if under_orders:
        done["success"], failed["success"] = True, False
        assert answer == good("batch_add", {"orders": [done, failed]})
    else:
        assert answer == good("batch_add", [done, failed])
    reply = V2Decoder().decode(json.dumps(answer).encode(), None)
    assert isinstance(reply, Reply)
    assert [order.error for order in reply.orders] == [None, "EOrder:Insufficient funds"]


def test_the_switch(trader: Trader) -> None:
    """The dead man's switch tells when it strikes, in full seconds, or that it is off."""
    trader.clock.sleep(0.3)
    (answer,) = trader.ask("cancel_all_orders_after", {"timeout": 60})
    times = {"currentTime": "2026-01-01T00:00:01Z", "triggerTime": "2026-01-01T00:01:01Z"}
    assert answer == good("cancel_all_orders_after", times)
    assert trader.timers.switch_at == trader.now + 60 * 10**9
    (answer,) = trader.ask("cancel_all_orders_after", {"timeout": 0})
    assert answer["result"]["triggerTime"] == "0"
    assert trader.timers.switch_at is None


@pytest.mark.parametrize(
    "method, params, error",
    [
        (
            "add_order",
            {"price": 1.0},
            "Unsupported field: 'price' for the given msg type: add order",
        ),
        ("add_order", {**LIMIT, "symbol": "X/USD"}, "EQuery:Unknown asset pair"),
        ("cancel_order", {}, "EGeneral:Invalid arguments"),
        ("cancel_all_orders_after", {"timeout": 86400}, "EGeneral:Invalid arguments"),
        ("cancel_all_orders_after", {"timeout": -1}, "EGeneral:Invalid arguments"),
        ("batch_cancel", {"orders": ["O"]}, "EGeneral:Invalid arguments"),
        ("batch_cancel", {"orders": ["O"] * 51}, "EGeneral:Invalid arguments"),
        ("amend_order", {"order_id": "O"}, "EOrder:Unknown order"),
    ],
)
def test_refusals(trader: Trader, method: str, params: dict[str, Any], error: str) -> None:
    """What cannot be done is refused as a whole."""
    with pytest.raises(Refused) as refused:
        trader.ask(method, params)
    assert refused.value.error == error


@pytest.mark.parametrize("method", FORMS)
def test_maintenance(trader: Trader, method: str) -> None:
    """During a maintenance nothing can be asked, not even to cancel."""
    trader.quotes.system = "maintenance"
    params: dict[str, Any] = {
        "add_order": {**LIMIT, "symbol": "BTC/USD"},
        "batch_add": {"symbol": "BTC/USD", "orders": [LIMIT, LIMIT]},
        "edit_order": {"order_id": "O", "symbol": "BTC/USD"},
        "cancel_all_orders_after": {"timeout": 1},
    }
    with pytest.raises(Refused, match="EService:Unavailable"):
        trader.ask(method, params.get(method))


NAMES = st.sampled_from(["", "mine", "O", "9", "2c6be801-1f53-4f79-a0bb-4ea1c95dfae9"])
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 0.1, 50000, 60000.5, 1e-9, 10**30, "1", None, True]),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "order_type": st.sampled_from(
        ["limit", "market", "iceberg", "stop-loss", "trailing-stop", "trailing-stop-limit"]
    ),
    "conditional": st.fixed_dictionaries(
        {"order_type": st.sampled_from(["limit", "stop-loss", "trailing-stop-limit", "x"])},
        optional={
            "limit_price": NUMBERS,
            "limit_price_type": st.sampled_from(["static", "pct", "quote"]),
            "trigger_price": NUMBERS,
            "trigger_price_type": st.sampled_from(["static", "pct", "quote"]),
        },
    ),
    "side": st.sampled_from(["buy", "sell"]),
    "symbol": st.sampled_from(["BTC/USD", "ETH/USD", "XBT/USD"]),
    "order_qty": NUMBERS,
    "cash_order_qty": NUMBERS,
    "limit_price": NUMBERS,
    "display_qty": NUMBERS,
    "trigger_price": NUMBERS,
    "triggers": st.fixed_dictionaries(
        {"price": NUMBERS}, optional={"price_type": st.sampled_from(["static", "pct", "x"])}
    ),
    "time_in_force": st.sampled_from(["gtc", "gtd", "ioc", "fok"]),
    "post_only": st.booleans(),
    "cl_ord_id": NAMES | st.lists(NAMES, max_size=3),
    "order_userref": st.integers(-1, 9),
    "fee_preference": st.sampled_from(["base", "quote"]),
    "order_id": NAMES | st.lists(NAMES, max_size=3),
    "timeout": st.integers(-1, 100_000),
    "deadline": st.sampled_from(["2026-01-01T00:00:01Z", "2026-01-01T00:00:00.000001Z", "no"]),
    "expire_time": st.sampled_from(["2026-01-01T00:00:01Z", "9999-12-31T23:59:59Z", "0001-01-01"]),
    "validate": st.booleans(),
}
REQUESTS = st.tuples(
    st.sampled_from(["add_order"] * 4 + sorted(FORMS)),
    st.fixed_dictionaries({}, optional=VALUES),
    st.booleans(),
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(REQUESTS, max_size=12))
def test_no_request_breaks_it(
    make_trader: type[Trader], requests: list[tuple[str, dict[str, Any], bool]]
) -> None:
    """Whatever is asked is answered or refused, and nothing is spent that is not there."""
    trader = make_trader()
    decoder = V2Decoder()
    for method, said, whole in requests:
        params = {**LIMIT, "symbol": "BTC/USD"} | said if whole else said
        known = {name for name in params if name in FORMS[method].__struct_encode_fields__}
        text = json.dumps(
            {"method": method, "params": {name: params[name] for name in known}}
        ).encode()
        trader.clock.sleep(1)
        with suppress(Refused):
            for answer in trader.trading.answer(read_request(text), trader.now):
                assert isinstance(decoder.decode(answer, None), Reply)
        trader.timers.run()
        assert all(balance.balance >= 0 for balance in trader.account.balances.values())
        assert all(trader.account.available(asset) >= 0 for asset in ("BTC", "USD", "ETH"))
