"""An order rests unless it crosses the market, and then takes all at the best price."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kraken_trio._internal.model.requests import AddOrder, TriggerParams
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
