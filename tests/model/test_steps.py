"""What is done to an engine beside its frames, as data."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_trio import Timestamp, Trade
from kraken_trio._internal.model.steps import HistoryRow

TRADE = Trade(
    symbol="BTC/USD",
    side="sell",
    price=Decimal("62800.10"),
    qty=Decimal("0.00000010"),
    ord_type="market",
    trade_id=7,
    timestamp=Timestamp(5),
    received_at=Timestamp(9),
    backfilled=True,
)


@pytest.mark.parametrize("trade", [TRADE, replace(TRADE, received_at=None, backfilled=False)])
def test_a_row_of_history_is_the_trade_that_it_was(trade: Trade) -> None:
    """With every digit, and its times."""
    again = HistoryRow.of(trade).trade("BTC/USD")
    assert again == trade
    assert again.price.as_tuple() == trade.price.as_tuple()
    assert type(again.timestamp) is Timestamp
