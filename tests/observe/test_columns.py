"""Records as rows of typed columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Gap,
    GapReason,
    Heartbeat,
    Level,
    Ticker,
    Timestamp,
    Trade,
)
from kraken_trio._internal.observe.columns import TABLES, Rows

D = Decimal
AT = Timestamp(7)
BID, ASK = Level(D("1.0"), D("2.00")), Level(D("3.0"), D("4.00"))
PRICES: dict[str, Any] = {
    name: D(n)
    for n, name in enumerate(
        ["bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high", "change"]
    )
}


@pytest.mark.parametrize(
    "item, rows",
    [
        (
            Trade("A/B", "buy", D("1.50"), D("0.1"), "limit", 9, AT, None, snapshot=True),
            [("trades", ("A/B", 9, "buy", D("1.50"), D("0.1"), "limit", 7, None, True, False))],
        ),
        (
            Ticker(symbol="A/B", change_pct=D("0.5"), **PRICES, timestamp=AT),
            [("tickers", ("A/B", *map(D, range(10)), D("0.5"), None, 7, None, False))],
        ),
        (
            Candle("A/B", 5, AT, D(1), D(2), D(3), D(4), D(5), 6, D(7), received_at=AT),
            [
                (
                    "candles",
                    ("A/B", 5, 7, D(1), D(2), D(3), D(4), D(5), 6, D(7), None, 7, False),
                )
            ],
        ),
        (
            Gap("book", "A/B", GapReason.CHECKSUM, 1, 2, None, AT),
            [("gaps", ("book", "A/B", "checksum", 1, 2, None, 7, None))],
        ),
        (Heartbeat(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_record_is_a_row(item: object, rows: list[Any]) -> None:
    """With its values as they are, in the order of the columns."""
    found = list(Rows().of(item))
    assert found == rows
    assert all(len(row) == len(TABLES[table]) for table, row in found)


def test_a_book_is_a_top_and_its_levels() -> None:
    """Those of one message have one number."""
    rows = Rows()
    snapshot = BookSnapshot("A/B", 10, (BID,), (), 5, AT)
    update = BookUpdate("A/B", (), (ASK, ASK), BID, ASK, 6, None, AT)
    assert [*rows.of(snapshot), *rows.of(update)] == [
        ("book_tops", ("A/B", 1, D("1.0"), D("2.00"), None, None, 5, 7, None, True)),
        ("book_levels", ("A/B", 1, "bid", D("1.0"), D("2.00"), 7, None, True)),
        ("book_tops", ("A/B", 2, *(D("1.0"), D("2.00"), D("3.0"), D("4.00")), 6, None, 7, False)),
        ("book_levels", ("A/B", 2, "ask", D("3.0"), D("4.00"), None, 7, False)),
        ("book_levels", ("A/B", 2, "ask", D("3.0"), D("4.00"), None, 7, False)),
    ]
