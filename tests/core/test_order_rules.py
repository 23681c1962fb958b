"""What a pair demands of an order, and how numbers are rounded for it."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.order_rules import fault, round_price, round_qty
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.reference import InstrumentPair
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
    TriggerParams,
)

D = Decimal
PAIR = InstrumentPair(
    symbol="BTC/USD",
    status="online",
    price_precision=1,
    price_increment=D("0.1"),
    qty_precision=8,
    qty_increment=D("1E-8"),
    qty_min=D("0.0001"),
    cost_min=D("0.5"),
)
BARE = InstrumentPair(symbol="BTC/USD")
ORDER: dict[str, Any] = {"side": "buy", "order_type": "limit"}
GOOD: dict[str, Any] = {**ORDER, "order_qty": D("0.1"), "limit_price": D(50000)}
STOP = {"order_type": "stop-loss", "limit_price": None}


def add(**members: Any) -> AddOrder:
    """Give an order that is right, but for these."""
    return AddOrder(symbol="BTC/USD", **{**GOOD, **members})


RIGHT = [
    add(),
    add(limit_price=D("50000.10"), order_qty=D("0.12345678")),
    add(order_type="market", limit_price=None),
    add(order_type="market", order_qty=None, limit_price=None, cash_order_qty=D(10)),
    add(**STOP, triggers=TriggerParams(price=D(3), price_type="pct")),
    add(order_type="trailing-stop-limit", limit_price=D("0.01"), limit_price_type="quote"),
    add(order_type="iceberg", display_qty=D("0.00005")),
    BatchAdd(symbol="BTC/USD", orders=(BatchOrder(**GOOD), BatchOrder(**GOOD))),
    AmendOrder(order_id="A", order_qty=D("0.00000001"), limit_price=D(1)),
    AmendOrder(cl_ord_id="mine", trigger_price=D("0.05"), trigger_price_type="pct"),
    EditOrder(order_id="A", symbol="BTC/USD", order_qty=D(1)),
    EditOrder(order_id="A", symbol="BTC/USD", triggers=TriggerParams(price=D("0.1"))),
    CancelOrder(order_userref=(1,)),
    BatchCancel(orders=("A",), cl_ord_id=("mine",)),
    CancelAll(),
    CancelAllOrdersAfter(timeout_s=60),
]
WRONG = [
    (add(limit_price=D("50000.05")), "limit_price", "multiple of 0.1"),
    (add(limit_price=D(0)), "limit_price", "more than 0"),
    (add(order_qty=D("0.123456789")), "order_qty", "multiple of 0.00000001"),
    (add(order_qty=D(-1)), "order_qty", "more than 0"),
    (add(order_qty=D("0.00001")), "order_qty", "0.0001 or more"),
    (add(order_qty=D("0.0001"), limit_price=D(100)), "order_qty", "worth 0.5 or more"),
    (
        add(order_type="market", order_qty=None, limit_price=None, cash_order_qty=D("0.1")),
        "cash_order_qty",
        "worth 0.5",
    ),
    (add(order_type="iceberg", display_qty=D(0)), "display_qty", "more than 0"),
    (add(**STOP, triggers=TriggerParams(price=D("0.05"))), "triggers", "multiple"),
    (
        BatchAdd(
            symbol="BTC/USD", orders=(BatchOrder(**GOOD), BatchOrder(**GOOD | {"order_qty": D(0)}))
        ),
        "order_qty",
        "more than 0",
    ),
    (BatchAdd(symbol="BTC/USD", orders=(BatchOrder(**GOOD),)), "orders", "2 to 15"),
    (AmendOrder(order_qty=D(1)), "order_id", "must be given"),
    (AmendOrder(order_id="A", cl_ord_id="mine"), "order_id", "not both"),
    (AmendOrder(order_id="A", limit_price=D("0.05")), "limit_price", "multiple"),
    (AmendOrder(order_id="A", trigger_price=D("0.05")), "trigger_price", "multiple"),
    (EditOrder(order_id="A", symbol="BTC/USD", order_qty=D("0.00001")), "order_qty", "or more"),
    (
        EditOrder(order_id="A", symbol="BTC/USD", triggers=TriggerParams(price=D("0.05"))),
        "triggers",
        "multiple",
    ),
    (CancelOrder(), "order_id", "one order"),
    (CancelOrder(order_id=("A", "B")), "order_id", "one order"),
    (BatchCancel(orders=("A",)), "orders", "2 to 50"),
    (CancelAllOrdersAfter(timeout_s=86400), "timeout", "86399"),
]


@pytest.mark.parametrize("request_", RIGHT, ids=repr)
def test_what_is_right_passes(request_: Any) -> None:
    """Whether anything is known of the pair or not."""
    for pair in (PAIR, BARE, None):
        assert fault(request_, pair, "online") is None
    assert fault(request_, PAIR, None) is None


@pytest.mark.parametrize("request_, field, words", WRONG, ids=lambda each: repr(each)[:60])
def test_what_is_wrong_is_named(request_: Any, field: str, words: str) -> None:
    """The parameter, the rule, and what to do."""
    found = fault(request_, PAIR, "online")
    assert found is not None
    assert found.field == field
    assert words in found.reason
    assert found.mend


@pytest.mark.parametrize("request_", RIGHT, ids=repr)
def test_nothing_is_asked_during_a_maintenance(request_: Any) -> None:
    """The exchange would answer nothing, or no."""
    found = fault(request_, PAIR, "maintenance")
    assert found is not None
    assert "maintenance" in found.reason


RESTING, POSTED = add(), add(post_only=True)
MARKET = add(order_type="market", limit_price=None)
REDUCING = add(reduce_only=True)
AMEND, POSTED_AMEND = AmendOrder(order_id="A"), AmendOrder(order_id="A", post_only=True)


@pytest.mark.parametrize(
    "mode, passing, refused",
    [
        ("cancel_only", [CancelAll()], [RESTING, POSTED, MARKET, AMEND]),
        ("post_only", [CancelAll(), POSTED, POSTED_AMEND], [RESTING, MARKET, AMEND]),
        ("limit_only", [RESTING, POSTED, AMEND], [MARKET]),
        ("reduce_only", [REDUCING, AMEND], [RESTING, MARKET]),
        ("delisted", [CancelAll()], [RESTING, AMEND]),
        ("work_in_progress", [CancelAll()], [RESTING]),
        ("tomorrow's", [RESTING, MARKET, AMEND], []),
    ],
)
@pytest.mark.parametrize("whose", ["exchange", "pair"])
def test_modes_let_pass_what_they_should(
    mode: str, passing: list[Any], refused: list[Any], whose: str
) -> None:
    """Of the engine and of the pair, the stricter counts; what is not known forbids nothing."""
    if whose == "exchange" and mode in {"delisted", "work_in_progress"}:
        refused = []
    pair = InstrumentPair(symbol="BTC/USD", status=mode if whose == "pair" else "online")
    system = mode if whose == "exchange" else "online"
    assert [fault(each, pair, system) for each in passing] == [None] * len(passing)
    for each in refused:
        found = fault(each, pair, system)
        assert found is not None
        assert mode in found.reason


NUMBERS = st.decimals(0, 10**9, places=12)
STEPS = st.sampled_from([D("0.1"), D("0.25"), D("1E-8"), D(5), D("0.00000005")])


@given(NUMBERS, STEPS, st.sampled_from(["buy", "sell"]))
def test_prices_are_rounded_so_that_they_cost_no_more(price: Any, step: Any, side: Any) -> None:
    """Down to buy, up to sell, to a multiple of the step that is less than a step away."""
    pair = InstrumentPair(symbol="X/Y", price_increment=step, price_precision=10)
    rounded = round_price(pair, price, side)
    assert rounded % step == 0
    assert 0 <= (price - rounded if side == "buy" else rounded - price) < step
    assert round_price(pair, rounded, side) == rounded


@given(NUMBERS, STEPS)
def test_quantities_are_rounded_down(qty: Any, step: Any) -> None:
    """To a multiple of the step that is less than a step away."""
    rounded = round_qty(InstrumentPair(symbol="X/Y", qty_increment=step), qty)
    assert rounded % step == 0
    assert 0 <= qty - rounded < step


def test_rounding_needs_no_context_and_keeps_the_digits() -> None:
    """What a program does with its own context changes nothing; unknown steps round nothing."""
    with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact])):
        assert str(round_price(PAIR, D("12345678.91"), "sell")) == "12345679.0"
        assert str(round_price(PAIR, D("50000"), "buy")) == "50000.0"
        assert fault(add(limit_price=D("12345678.9")), PAIR, None) is None
    assert round_price(BARE, D("1.23"), "buy") == D("1.23")
    assert round_qty(BARE, D("1.23")) == D("1.23")
    coarse = InstrumentPair(symbol="X/Y", price_precision=0, price_increment=D("0.5"))
    assert round_price(coarse, D("1.7"), "buy") == D("1.5")
    bare = InstrumentPair(symbol="X/Y", qty_precision=2, qty_increment=D(0))
    assert round_qty(bare, D("1.239")) == D("1.23")


@pytest.mark.parametrize("side", ["Buy", "bid", "", None])
def test_a_side_that_is_none_rounds_nothing(side: Any) -> None:
    """A purchase that is taken for a sale would cost more than was meant."""
    with pytest.raises(ConfigurationError, match="buy or sell"):
        round_price(PAIR, D("1.23"), side)


@pytest.mark.parametrize("number", [1.5, D("NaN"), D("Infinity"), D(-1)])
def test_only_numbers_are_rounded(number: Any) -> None:
    """A float is not the number that was written."""
    with pytest.raises(ConfigurationError, match="price"):
        round_price(PAIR, number, "buy")
    with pytest.raises(ConfigurationError, match="qty"):
        round_qty(PAIR, number)
