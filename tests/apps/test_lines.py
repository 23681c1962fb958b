"""Records as lines, for programs and for people."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args

import pytest

from kraken_trio import (
    BalanceSnapshot,
    BalanceUpdate,
    BookSnapshot,
    BookUpdate,
    Candle,
    Execution,
    Gap,
    GapReason,
    Heartbeat,
    InstrumentAsset,
    InstrumentPair,
    Level,
    Level3Snapshot,
    Level3Update,
    Order,
    OwnTrade,
    Spread,
    Ticker,
    Timestamp,
    Trade,
    Wallet,
)
from kraken_trio._internal.apps.lines import NAMES, TYPES, Line, in_json, in_words, is_line

AT = Timestamp(1_783_465_204_005_636_000)
FINE = Timestamp(1_783_465_204_005_636_789)
BID, ASK = Level(Decimal("62800.0"), Decimal("0.00000010")), Level(Decimal(62801), Decimal("1.50"))
PRICES: dict[str, Any] = {name: Decimal("1.50") for name in ("volume", "vwap", "low", "high")}

TICKER = Ticker(
    symbol="BTC/USD",
    bid=BID.price,
    bid_qty=BID.qty,
    ask=ASK.price,
    ask_qty=ASK.qty,
    last=Decimal("62800.5"),
    change=Decimal("-0.50"),
    change_pct=Decimal("0.00"),
    trades=7,
    timestamp=AT,
    received_at=FINE,
    **PRICES,
)
SPREAD = Spread("BTC/USD", BID.price, BID.qty, ASK.price, ASK.qty, AT)
TRADE = Trade("BTC/USD", "buy", Decimal("1.10"), Decimal("0.00000000"), "limit", 12, AT)
SNAPSHOT = BookSnapshot("BTC/USD", 10, (BID,), (), 4294967295, None, FINE)
UPDATE = BookUpdate("BTC/USD", (BID, BID), (ASK,), BID, ASK, 7, AT)
CANDLE = Candle(
    symbol="BTC/USD",
    interval=5,
    interval_begin=Timestamp(1_783_465_200_000_000_000),
    open=Decimal("1.0"),
    high=Decimal("4.0"),
    low=Decimal("0.5"),
    close=Decimal("2.0"),
    vwap=Decimal("2.25"),
    trades=3,
    volume=Decimal("9.00"),
    timestamp=AT,
)
ASSET = InstrumentAsset(id="BTC", status="enabled", precision=10)
PAIR = InstrumentPair(symbol="BTC/USD", status="online", price_precision=1, qty_precision=8)
ORDER = Order(
    order_id="O1",
    order_status="canceled",
    exec_type="canceled",
    symbol="BTC/USD",
    side="buy",
    order_type="limit",
    order_qty=Decimal("0.50"),
    limit_price=Decimal("9.0"),
    cum_qty=Decimal("0.00000010"),
    reason="User requested",
    timestamp=AT,
)
HELD = BalanceSnapshot(
    asset="USD",
    balance=Decimal("5.50"),
    wallets=(Wallet(type="spot", id="main", balance=Decimal("5.50")),),
    received_at=FINE,
)
ENTRY = BalanceUpdate(
    ledger_id="L1",
    asset="USD",
    amount=Decimal("-1.50"),
    balance=Decimal("4.00"),
    fee=Decimal("0.25"),
    type="trade",
    timestamp=AT,
)
GAP = Gap("book", "BTC/USD", GapReason.CHECKSUM, 1, 2)


FILL = OwnTrade(
    exec_id="T1",
    order_id="O1",
    qty=Decimal("0.50"),
    price=Decimal("9.0"),
    symbol="BTC/USD",
    side="buy",
    timestamp=AT,
)
EXECUTION = Execution(order_id="O1", exec_type="trade", order_status="filled", timestamp=AT)
ORDERS = Level3Snapshot("BTC/USD", 10, (), (), 7, AT)
EVENTS = Level3Update("BTC/USD", (), (), 7, AT)


def one_of_each() -> list[Line]:
    """Give a record of each kind."""
    market: list[Line] = [TICKER, SPREAD, TRADE, SNAPSHOT, UPDATE, CANDLE, ASSET, PAIR]
    return [*market, EXECUTION, ORDER, FILL, HELD, ENTRY, ORDERS, EVENTS, GAP]


def test_everything_that_is_a_line_has_a_type() -> None:
    """And nothing else is a line."""
    assert set(TYPES) == set(get_args(Line)) == {type(record) for record in one_of_each()}
    assert all(map(is_line, one_of_each()))
    assert not is_line(Heartbeat())


@pytest.mark.parametrize("record", one_of_each(), ids=lambda record: type(record).__name__)
def test_every_record_is_one_line_of_json_with_all_its_fields(record: Line) -> None:
    """The type first, then the fields in their order; no number has a point."""
    line = in_json(record)
    assert "\n" not in line
    told = json.loads(line, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert list(told) == ["type", *(NAMES.get(name, name) for name in record.__struct_fields__)]
    assert told["type"] == TYPES[type(record)]


@pytest.mark.parametrize(
    "record, name, expected",
    [
        (TICKER, "bid_qty", "0.00000010"),
        (TICKER, "change_pct", "0.00"),
        (TICKER, "timestamp", "2026-07-07T23:00:04.005636Z"),
        (TICKER, "received_at", "2026-07-07T23:00:04.005636789Z"),
        (TICKER, "snapshot", False),
        (TRADE, "qty", "0.00000000"),
        (TRADE, "trade_id", 12),
        (SNAPSHOT, "bids", [{"price": "62800.0", "qty": "0.00000010"}]),
        (SNAPSHOT, "asks", []),
        (SNAPSHOT, "checksum", 4294967295),
        (SNAPSHOT, "timestamp", None),
        (UPDATE, "best_ask", {"price": "62801", "qty": "1.50"}),
        (CANDLE, "interval_begin", "2026-07-07T23:00:00.000000Z"),
        (ENTRY, "type", "ledger_entry"),
        (ENTRY, "entry_type", "trade"),
        (HELD, "wallets", [{"type": "spot", "id": "main", "balance": "5.50"}]),
        (GAP, "reason", "checksum"),
        (GAP, "expected", 1),
        (Gap("ohlc", "A/B", GapReason.CANDLE, AT), "expected", "2026-07-07T23:00:04.005636Z"),
        (Gap("ohlc", "A/B", GapReason.CANDLE, AT), "received", None),
    ],
)
def test_a_value_in_json(record: Line, name: str, expected: object) -> None:
    """Prices and quantities are strings with the digits of the wire, times RFC 3339."""
    assert json.loads(in_json(record))[name] == expected


@pytest.mark.parametrize(
    "record, words",
    [
        (
            TICKER,
            (
                "23:00:04.005636 BTC/USD ticker last 62800.5 bid 62800.0 (0.00000010) "
                "ask 62801 (1.50) 24 h 0.00 %"
            ),
        ),
        (SPREAD, "BTC/USD spread 1.0 bid 62800.0 (0.00000010) ask 62801 (1.50)"),
        (TRADE, "BTC/USD trade buy 0.00000000 @ 1.10 limit, id 12"),
        (
            SNAPSHOT,
            (
                "23:00:04.005636789 BTC/USD book bid 62800.0 (0.00000010) ask - "
                "snapshot of 1 + 0 levels"
            ),
        ),
        (UPDATE, "BTC/USD book bid 62800.0 (0.00000010) ask 62801 (1.50) changes 2 + 1"),
        (CANDLE, "BTC/USD candle 5 min from 23:00 1.0 4.0 0.5 2.0 volume 9.00"),
        (ASSET, "--:--:--.------ asset BTC enabled"),
        (EXECUTION, "23:00:04.005636 order O1 trade, is filled"),
        (ORDERS, "23:00:04.005636 BTC/USD level3 snapshot of 0 + 0 orders"),
        (EVENTS, "23:00:04.005636 BTC/USD level3 changes 0 + 0 orders"),
        (PAIR, "pair BTC/USD online, decimals of prices 1, of quantities 8"),
        (
            ORDER,
            (
                "23:00:04.005636 order O1 canceled (User requested) buy BTC/USD limit 0.50 @ 9.0, "
                "filled 0.00000010"
            ),
        ),
        (Order(order_id="O1", order_status="new", exec_type="new"), "order O1 new"),
        (FILL, "23:00:04.005636 own trade T1 of O1 buy BTC/USD 0.50 @ 9.0"),
        (HELD, "23:00:04.005636789 balance USD 5.50 (spot main 5.50)"),
        (BalanceSnapshot(asset="USD", balance=Decimal(5)), "balance USD 5"),
        (ENTRY, "23:00:04.005636 ledger USD -1.50 by trade, fee 0.25, now 4.00"),
        (
            BalanceUpdate(ledger_id="L", asset="A", amount=Decimal(1), balance=Decimal(1)),
            "ledger A +1 by -, now 1",
        ),
        (GAP, "book BTC/USD GAP checksum, expected 1, received 2"),
        (
            Gap("trade", "A/B", GapReason.TRADE_ID, 5, 9, 4),
            "GAP trade_id, expected 5, received 9, 4",
        ),
        (Gap("instrument", None, GapReason.DISCONNECT), "instrument GAP disconnect"),
        (
            Gap("ohlc", "A/B", GapReason.CANDLE, AT, FINE),
            "expected 2026-07-07T23:00:04.005636Z, received 2026-07-07T23:00:04.005636789Z",
        ),
    ],
)
def test_a_record_in_words(record: Line, words: str) -> None:
    """The time of day, what it is about, and what it says."""
    assert words in in_words(record)


def test_what_the_exchange_says_moves_no_cursor() -> None:
    """In words it is made printable, in JSON it is escaped."""
    hostile: dict[str, Any] = {"symbol": "\x1b[2J\r\n\u202e/USD", "status": "\x07" * 500}
    pair = InstrumentPair(**hostile)
    assert in_words(pair).isprintable()
    assert len(in_words(pair)) <= 200
    assert in_json(pair).isascii()
    assert in_json(pair).isprintable()
    assert json.loads(in_json(pair))["symbol"] == hostile["symbol"]
