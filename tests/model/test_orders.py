"""What is folded from reports shows itself in few words, and knows whether it is over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio._internal.model.orders import Order, OwnTrade
from kraken_trio._internal.model.timestamp import Timestamp


@pytest.mark.parametrize(
    "status, still_open",
    [
        ("pending_new", True),
        ("new", True),
        ("partially_filled", True),
        ("a word of tomorrow", True),
        ("filled", False),
        ("canceled", False),
        ("expired", False),
        ("gone", False),
    ],
)
def test_only_what_has_ended_is_not_open(status: str, *, still_open: bool) -> None:
    """A status that nobody knows yet is no end."""
    assert Order(order_id="O", order_status=status, exec_type="new").open is still_open


@pytest.mark.parametrize(
    "members, shown",
    [
        ({}, "Order(O new)"),
        (
            {"side": "buy", "symbol": "BTC/USD", "order_qty": Decimal("1E-7")},
            "Order(O new buy BTC/USD 0.0000001)",
        ),
        (
            {"order_qty": Decimal(2), "limit_price": Decimal("9.0"), "cum_qty": Decimal("1.50")},
            "Order(O new 2 @ 9.0, filled 1.50)",
        ),
    ],
)
def test_an_order_is_shown_in_short(members: dict[str, object], shown: str) -> None:
    """As far as it is known, with the digits of the wire."""
    order = Order(order_id="O", order_status="new", exec_type="new", **members)  # type: ignore[arg-type]
    assert repr(order) == shown


@pytest.mark.parametrize("side, shown", [("sell", "sell BTC/USD "), (None, "")])
def test_a_fill_is_shown_in_short(side: str | None, shown: str) -> None:
    """What was traded, at which price, and of which order."""
    trade = OwnTrade(
        exec_id="T",
        order_id="O",
        qty=Decimal("1E-7"),
        price=Decimal("9.0"),
        symbol=side and "BTC/USD",
        side=side,  # type: ignore[arg-type]
        timestamp=Timestamp(0),
    )
    assert repr(trade) == f"OwnTrade(T {shown}0.0000001 @ 9.0 of O; 1970-01-01T00:00:00.000000Z)"
