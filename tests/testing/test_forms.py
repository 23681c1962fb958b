"""Requests that trade are read, or refused in the exchange's words."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

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
    Request,
    TriggerParams,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.forms import FORMS, read_form
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.place import TRADING
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.requests import read_request

D = Decimal
LIMIT: dict[str, Any] = {
    "order_type": "limit",
    "side": "buy",
    "symbol": "BTC/USD",
    "order_qty": 1,
    "limit_price": 100.5,
}


def read(method: str, **params: object) -> Request:
    """Read a request with these parameters."""
    return read_form(read_request(json.dumps({"method": method, "params": params}).encode()))


def test_all_methods() -> None:
    """Every method that trades can be read."""
    assert FORMS.keys() == TRADING


@pytest.mark.parametrize(
    "request_",
    [
        AddOrder(
            symbol="BTC/USD",
            side="buy",
            order_type="stop-loss",
            order_qty=D("0.10"),
            triggers=TriggerParams(price=D("-2.0"), price_type="pct"),
            time_in_force="gtd",
            expire_time=Timestamp(1_767_225_600 * 10**9),
            deadline=Timestamp(1_767_225_600_500 * 10**6),
        ),
        AmendOrder(order_id="O", limit_price=D("1.5")),
        EditOrder(order_id="O", symbol="BTC/USD", order_qty=D("1.0")),
        BatchAdd(
            symbol="BTC/USD",
            orders=(BatchOrder(order_type="market", side="sell", order_qty=D("2.0")),) * 2,
        ),
        BatchCancel(orders=("1", "O"), cl_ord_id=("mine",)),
        CancelOrder(order_userref=(1, 2)),
        CancelAll(),
        CancelAllOrdersAfter(timeout_s=60),
    ],
    ids=lambda request: type(request).__name__,
)
def test_what_the_library_writes(request_: Any) -> None:
    """What the library asks is read as what it meant."""
    assert read_form(read_request(encode_request(request_))) == request_


@pytest.mark.parametrize(
    "method, params, error",
    [
        (
            "add_order",
            {"price": 1.0},
            "Unsupported field: 'price' for the given msg type: add order",
        ),
        (
            "cancel_all_orders_after",
            {"timeout_s": 1},
            "Unsupported field: 'timeout_s' for the given msg type: cancel all orders after",
        ),
        ("add_order", {"limit_price": "1.0"}, "Limit_price field must be a number_float"),
        ("add_order", {"cash_order_qty": None}, "Cash_order_qty field must be a number_float"),
        ("add_order", {"order_qty": True}, "Order_qty field must be a number_float"),
        ("add_order", {"triggers": {"price": "1"}}, "Price field must be a number_float"),
        ("batch_add", {"orders": [{"order_qty": "1"}]}, "Order_qty field must be a number_float"),
        ("add_order", {"side": "buy"}, "EGeneral:Invalid arguments"),
        ("add_order", LIMIT | {"side": "hold"}, "EGeneral:Invalid arguments"),
        ("add_order", LIMIT | {"deadline": "soon"}, "EGeneral:Invalid arguments"),
        ("add_order", LIMIT | {"deadline": "2026-01-01T00:00:00"}, "EGeneral:Invalid arguments"),
        (
            "add_order",
            LIMIT | {"effective_time": "0001-01-01T00:00:00+14:00"},
            "EGeneral:Invalid arguments",
        ),
        ("add_order", LIMIT | {"order_qty": 10**45}, "EGeneral:Invalid arguments"),
        ("cancel_order", {"order_id": "O"}, "EGeneral:Invalid arguments"),
        ("cancel_all_orders_after", {}, "EGeneral:Invalid arguments"),
    ],
)
def test_refusals(method: str, params: dict[str, Any], error: str) -> None:
    """Unknown parameters, numbers in quotes, and whatever else is wrong have their words."""
    with pytest.raises(Refused) as refused:
        read(method, **params)
    assert refused.value.error == error


def test_nesting() -> None:
    """A request may be nested as deeply as anybody likes."""
    frame = read_request(b'{"method":"add_order","params":{"triggers":1}}')
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    frame.params["triggers"] = deep
    with pytest.raises(Refused):
        read_form(frame)


def test_numbers() -> None:
    """Whole numbers are numbers, and what is deprecated and without effect is passed over."""
    form = read("add_order", **LIMIT, no_mpp=True)
    assert form == AddOrder(
        symbol="BTC/USD",
        side="buy",
        order_type="limit",
        order_qty=D(1),
        limit_price=D("100.5"),
    )


def test_documented_requests(examples: Path) -> None:
    """Every request in the documentation of the methods that trade can be read."""
    read_ones = 0
    for method in FORMS:
        for line in (examples / f"v2-{method}.jsonl").read_text(encoding="utf-8").splitlines():
            if "params" in json.loads(line):
                assert isinstance(read_form(read_request(line.encode())), FORMS[method])
                read_ones += 1
    assert read_ones > 10
