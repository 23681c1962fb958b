"""Records as rows of typed columns: which tables there are, and what stands in them.

Knows columns and how a record becomes a row, or several; nothing of files. Each column has a kind:
``text``, ``number`` (an integer of 64 bits), ``decimal``, ``time`` (nanoseconds since the epoch) or
``flag``; any may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Ticker,
    Trade,
)

Kind = Literal["text", "number", "decimal", "time", "flag"]
"""Of a column."""
Row = tuple[Any, ...]
"""Its values: ``str``, ``int``, ``Decimal``, ``int``, ``bool``, or None."""

_WHEN: dict[str, Kind] = {"timestamp": "time", "received_at": "time"}
TABLES: dict[str, dict[str, Kind]] = {
    "trades": {
        "symbol": "text",
        "trade_id": "number",
        "side": "text",
        "price": "decimal",
        "qty": "decimal",
        "ord_type": "text",
        **_WHEN,
        "snapshot": "flag",
        "backfilled": "flag",
    },
    "tickers": {
        "symbol": "text",
        **dict.fromkeys(
            (
                *("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high"),
                *("change", "change_pct"),
            ),
            "decimal",
        ),
        "trades": "number",
        **_WHEN,
        "snapshot": "flag",
    },
    "candles": {
        "symbol": "text",
        "interval": "number",
        "interval_begin": "time",
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), "decimal"),
        "trades": "number",
        "volume": "decimal",
        **_WHEN,
        "snapshot": "flag",
    },
    "book_tops": {
        "symbol": "text",
        "message": "number",
        **dict.fromkeys(("bid", "bid_qty", "ask", "ask_qty"), "decimal"),
        "checksum": "number",
        **_WHEN,
        "snapshot": "flag",
    },
    "book_levels": {
        "symbol": "text",
        "message": "number",
        "side": "text",
        "price": "decimal",
        "qty": "decimal",
        **_WHEN,
        "snapshot": "flag",
    },
    "gaps": {
        "channel": "text",
        "symbol": "text",
        "reason": "text",
        "expected": "number",
        "received": "number",
        "size": "number",
        "from_time": "time",
        "to_time": "time",
    },
}
"""Each table with its columns, in their order. ``message`` counts the messages of all books from 1:
what has the same came together."""


class Rows:
    """Makes rows of records."""

    def __init__(self) -> None:
        """No book has had a message yet."""
        self._messages = 0

    def of(self, item: object) -> Iterator[tuple[str, Row]]:
        """Give the rows of an item, each with its table; none where it has none."""
        match item:
            case Trade():
                yield "trades", _fields("trades", item)
            case Ticker():
                yield "tickers", _fields("tickers", item)
            case Candle():
                yield "candles", _fields("candles", item)
            case BookSnapshot() | BookUpdate():
                yield from self._book(item)
            case Gap():
                row = _fields("gaps", item)
                yield "gaps", (*row[:2], item.reason.value, *row[3:])

    def _book(self, book: BookSnapshot | BookUpdate) -> Iterator[tuple[str, Row]]:
        self._messages += 1
        whole = isinstance(book, BookSnapshot)
        when = (_plain(book.timestamp), _plain(book.received_at), whole)
        best = (*_level(book.best_bid), *_level(book.best_ask))
        yield "book_tops", (book.symbol, self._messages, *best, book.checksum, *when)
        for side, levels in (("bid", book.bids), ("ask", book.asks)):
            for each in levels:
                row = (book.symbol, self._messages, side, each.price, each.qty, *when)
                yield "book_levels", row


def _fields(table: str, record: object) -> Row:
    return tuple(_plain(getattr(record, name)) for name in TABLES[table])


def _level(level: Level | None) -> tuple[Any, Any]:
    return (None, None) if level is None else (level.price, level.qty)


def _plain(value: Any) -> Any:
    """A timestamp as the integer that it is."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
