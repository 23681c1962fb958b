"""What can be asked of the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    Conditional,
    Ping,
    Subscribe,
    TriggerParams,
    Unsubscribe,
)
from kraken_trio._internal.model.timestamp import Timestamp

ORDER: dict[str, Any] = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD"}


@pytest.mark.parametrize(
    "kind, values, field",
    [
        (AddOrder, {**ORDER, "order_qty": 0.1}, "order_qty"),
        (AddOrder, {**ORDER, "order_qty": 1}, "order_qty"),
        (AddOrder, {**ORDER, "limit_price": "28440.0"}, "limit_price"),
        (AddOrder, {**ORDER, "deadline": 1_700_000_000.5}, "deadline"),
        (AddOrder, {**ORDER, "expire_time": 1_700_000_000}, "expire_time"),
        (AmendOrder, {"trigger_price": 1.0}, "trigger_price"),
        (Conditional, {"order_type": "limit", "limit_price": 1.0}, "limit_price"),
        (TriggerParams, {"price": -2.0}, "price"),
        (CancelAllOrdersAfter, {"timeout_s": 60.0}, "timeout_s"),
        (CancelOrder, {"order_userref": (1, 2.0)}, "order_userref"),
    ],
)
def test_wrong_type_is_refused(kind: type[Struct], values: dict[str, Any], field: str) -> None:
    """A float is refused wherever it stands, and a price or time of any other wrong type too."""
    with pytest.raises(ConfigurationError) as caught:
        kind(**values)
    assert caught.value.field == field


def test_wrong_value_is_not_shown() -> None:
    """What was given in a wrong place is not shown: it may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        AddOrder(**{**ORDER, "order_qty": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e39",
        "1e-41",
        "1e1000000",
        "0e-1000000",
        "1" * 40,
        "0." + "1" * 41,
        "12345678901234567890.123456789012345678901",
    ],
)
def test_absurd_number_is_refused(number: str) -> None:
    """A number must be finite and have at most 40 digits."""
    with pytest.raises(ConfigurationError, match="at most 40 digits"):
        TriggerParams(price=Decimal(number))


@pytest.mark.parametrize("number", ["0", "-2.0", "1e-40", "1e38", "9" * 39, "9" * 39 + ".9"])
def test_number_within_bounds_is_kept(number: str) -> None:
    """Any number of 40 digits is taken, its digits unchanged."""
    assert str(TriggerParams(price=Decimal(number)).price) == str(Decimal(number))


def test_repr_shows_what_is_set() -> None:
    """Only what is set is shown; there is no token that could be."""
    order = AddOrder(**ORDER, order_qty=Decimal("1.0"), validate=False)
    assert repr(order) == (
        "AddOrder(order_type='limit', side='buy', order_qty=Decimal('1.0'), symbol='BTC/USD', "
        "validate=False)"
    )


def test_order_of_batch_has_no_symbol() -> None:
    """An order with a symbol of its own is not one that a batch takes."""
    batch = BatchAdd(symbol="BTC/USD", orders=(BatchOrder(order_type="market", side="buy"),))
    assert not hasattr(batch.orders[0], "symbol")
    assert not issubclass(AddOrder, BatchOrder)


def test_times_are_timestamps() -> None:
    """A time is taken as a ``Timestamp``."""
    assert AddOrder(**ORDER, deadline=Timestamp(5)).deadline == 5


@pytest.mark.parametrize(
    "request_, private",
    [
        (Ping(), False),
        (CancelAll(), True),
        (AddOrder(**ORDER), True),
        (Subscribe(Channel.ticker("BTC/USD")), False),
        (Unsubscribe(Channel.ticker("BTC/USD")), False),
        (Subscribe(Channel.level3("BTC/USD")), True),
        (Unsubscribe(Channel.balances()), True),
    ],
)
def test_private(request_: Any, private: bool) -> None:
    """Orders need a token, and so do subscriptions of private channels and of ``level3``."""
    assert request_.private is private
