"""The payloads of protocol v1's market data but the book."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw

from kraken_trio._internal.model.messages import Record
from kraken_trio._internal.model.records import Candle, Spread, Ticker, Today, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_market import READERS

AT = Timestamp(42)
TICKER: dict[str, Any] = {
    "a": ["5525.40000", 1, "1.000"],
    "b": ["5525.10000", 2, "2.000"],
    "c": ["5525.20000", "0.00398963"],
    "h": ["5783.00000", "5784.00000"],
    "l": ["5505.00000", "5504.00000"],
    "o": ["5760.70000", "5763.40000"],
    "p": ["5631.44067", "5653.78939"],
    "t": [11493, 16267],
    "v": ["2634.11501494", "3591.17907851"],
}
SPREAD = ["5698.40000", "5700.00000", "1542057299.545897", "1.01234567", "0.98765432"]
TRADE = ["5541.20000", "0.15850568", "1534614057.321597", "s", "l", ""]
CANDLE: list[Any] = [
    "1542057314.748456",
    "1542057360.435743",
    "3586.70000",
    "3586.80000",
    "3586.60000",
    "3586.65000",
    "3586.68894",
    "0.03373000",
    2,
]


def read(
    channel: str, payload: object, *, interval: int | None = None, snapshot: bool = False
) -> tuple[Record, ...]:
    """Read a payload of a channel."""
    return READERS[channel]("BTC/USD", interval, Raw(json.dumps(payload).encode()), AT, snapshot)


def test_ticker() -> None:
    """A ticker has the day's figures beside those of 24 hours, and no change of the price."""
    assert read("ticker", TICKER, snapshot=True) == (
        Ticker(
            symbol="BTC/USD",
            bid=Decimal("5525.1"),
            bid_qty=Decimal(2),
            ask=Decimal("5525.4"),
            ask_qty=Decimal(1),
            last=Decimal("5525.2"),
            volume=Decimal("3591.17907851"),
            vwap=Decimal("5653.78939"),
            low=Decimal(5504),
            high=Decimal(5784),
            change=None,
            change_pct=None,
            trades=16267,
            received_at=AT,
            snapshot=True,
            last_qty=Decimal("0.00398963"),
            open=Decimal("5763.4"),
            today=Today(
                volume=Decimal("2634.11501494"),
                vwap=Decimal("5631.44067"),
                trades=11493,
                low=Decimal(5505),
                high=Decimal(5783),
                open=Decimal("5760.7"),
            ),
        ),
    )


def test_spread() -> None:
    """A spread is a record as it is: the best levels with their quantities."""
    assert read("spread", SPREAD) == (
        Spread(
            "BTC/USD",
            Decimal("5698.4"),
            Decimal("1.01234567"),
            Decimal(5700),
            Decimal("0.98765432"),
            Timestamp(1542057299_545897000),
            AT,
        ),
    )


@pytest.mark.parametrize(
    "letter, side", [("b", "buy"), ("s", "sell"), ("buy", "buy"), ("sell", "sell")]
)
@pytest.mark.parametrize("kind, order_type", [("m", "market"), ("l", "limit"), ("limit", "limit")])
def test_trades(letter: str, side: Any, kind: str, order_type: str) -> None:
    """A trade has no number; its side and type are letters, or the words of the schema."""
    row = [*TRADE[:3], letter, kind, "x"]
    assert read("trade", [row, row])[1] == Trade(
        symbol="BTC/USD",
        side=side,
        price=Decimal("5541.2"),
        qty=Decimal("0.15850568"),
        ord_type=order_type,
        trade_id=None,
        timestamp=Timestamp(1534614057_321597000),
        received_at=AT,
        misc="x",
    )


def test_candle() -> None:
    """A candle begins its interval before its end, which is a whole second."""
    assert read("ohlc", CANDLE, interval=5, snapshot=True) == (
        Candle(
            symbol="BTC/USD",
            interval=5,
            interval_begin=Timestamp(1542057060_000000000),
            open=Decimal("3586.7"),
            high=Decimal("3586.8"),
            low=Decimal("3586.6"),
            close=Decimal("3586.65"),
            vwap=Decimal("3586.68894"),
            trades=2,
            volume=Decimal("0.03373"),
            timestamp=Timestamp(1542057314_748456000),
            received_at=AT,
            snapshot=True,
        ),
    )


@pytest.mark.parametrize(
    "channel, payload, interval",
    [
        ("ticker", {**TICKER, "t": [-1, 1]}, None),
        ("ticker", {**TICKER, "t": [1]}, None),
        ("ticker", {**TICKER, "a": ["NaN", 1, "1"]}, None),
        ("ticker", {name: value for name, value in TICKER.items() if name != "o"}, None),
        ("ticker", [], None),
        ("spread", SPREAD[:4], None),
        ("spread", ["-1", *SPREAD[1:]], None),
        ("trade", [TRADE[:5]], None),
        ("trade", [[*TRADE[:3], "x", "l", ""]], None),
        ("trade", TRADE, None),
        ("ohlc", CANDLE[:8], 5),
        ("ohlc", CANDLE, 7),
        ("ohlc", CANDLE, None),
        ("ohlc", [*CANDLE[:8], -1], 5),
        ("ohlc", ["soon", *CANDLE[1:]], 5),
    ],
)
def test_what_is_refused(channel: str, payload: object, interval: int | None) -> None:
    """What is not of the shape, or holds what is no number, side, time or interval, is refused."""
    with pytest.raises(FAULTS):
        read(channel, payload, interval=interval)
