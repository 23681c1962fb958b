"""The frames of the two channels that books are made of: ``book`` and ``level3``.

Knows their shapes on the wire; nothing of a book, its depth or its checksum.

Numbers are asked for their bounds and their sign, and, where a frame has more quotes than its
members need, for how the quoted ones are written (see ``numerals``). Fewer quotes are
impossible: each name and each text brings two. So a frame whose count is exact has no number
in quotes, and the search for odd ones, which costs as much as the decoding, is spared.

A frame with more levels or orders than any book has is refused: in the worst order, a book costs
the square of what it is made of.

Sources: the ``book`` and ``level3`` pages of the WebSocket v2 documentation.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kraken_trio._internal.model.level3 import Level3Order
from kraken_trio._internal.model.messages import BookMessage, Level3Message
from kraken_trio._internal.model.records import Level
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import ChannelFrame, Reader, frame_decoder
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.numerals import bounded, check_record, check_unsigned, quotes_rule

_Checksum = Annotated[int, Meta(ge=0, le=2**32 - 1)]

# The quotes that a frame needs. With their values: "channel", "type" and "symbol"; alone:
# "data", "bids", "asks", "checksum".
_FRAME_QUOTES = 20
_TIMESTAMP_QUOTES = 4
_LEVEL_QUOTES = 4  # "price", "qty"
_ORDER_QUOTES = 12  # "order_id" and "timestamp" with their values, "limit_price", "order_qty"
_EVENT_QUOTES = 4  # "event" with its value

_MOST_LEVELS = 20_000  # Of both sides; the deepest book has 1000 a side.
_MOST_ORDERS = 50_000  # Of both sides, which have 1000 levels each; some thousands in practice.


class _BookRow(Struct, frozen=True, gc=False):
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    checksum: _Checksum
    timestamp: str | None = None  # Text: reading it here is cheaper than a hook of the decoder.


class _BookFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["book"]
    data: tuple[_BookRow]


class _Level3Row(Struct, frozen=True, gc=False):
    symbol: str
    bids: tuple[Level3Order, ...]
    asks: tuple[Level3Order, ...]
    checksum: _Checksum
    timestamp: Timestamp | None = None


class _Level3Frame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["level3"]
    data: tuple[_Level3Row]


def book_readers(instants: Instants) -> dict[str, Reader]:
    """Give the reader of each channel; both read times with ``instants``."""
    return {"book": _book_reader(instants), "level3": _level3_reader(instants)}


def _book_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_BookFrame, instants)
    check_quotes = quotes_rule(_BookFrame)
    parse = instants.parse

    def read(payload: bytes, received_at: Timestamp | None) -> BookMessage:
        # The hottest lines of the library: of each level is asked only what must be. Without
        # quotes there is no NaN and no infinity, so they are not looked for.
        frame = decode(payload)
        row = frame.data[0]
        bids = row.bids
        asks = row.asks
        levels = bids + asks if bids and asks else bids or asks
        if len(levels) > _MOST_LEVELS:
            raise ValueError("more levels than any book has")
        for level in levels:
            price = level.price
            qty = level.qty
            if price.is_signed() or qty.is_signed():
                raise ValueError("a price or quantity is negative")
            bounded(price)
            bounded(qty)
        timestamp = None
        quotes = _FRAME_QUOTES + _LEVEL_QUOTES * len(levels)
        if row.timestamp is not None:
            timestamp = parse(row.timestamp)
            quotes += _TIMESTAMP_QUOTES
        if payload.count(b'"') != quotes:
            check_quotes(payload)
            for level in levels:
                check_record(level)
        return BookMessage(
            row.symbol,
            frame.type == "snapshot",
            bids,
            asks,
            row.checksum,
            timestamp,
            received_at,
        )

    return read


def _level3_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_Level3Frame, instants)
    check_quotes = quotes_rule(_Level3Frame)

    def read(payload: bytes, received_at: Timestamp | None) -> Level3Message:
        frame = decode(payload)
        (row,) = frame.data
        snapshot = frame.type == "snapshot"
        orders = row.bids + row.asks
        if len(orders) > _MOST_ORDERS:
            raise ValueError("more orders than any book has")
        for order in orders:
            check_unsigned((order.limit_price, order.order_qty))
            if (order.event is None) is not snapshot:
                raise ValueError("an event is missing in an update, or stands in a snapshot")
        quotes = _FRAME_QUOTES + _ORDER_QUOTES * len(orders)
        if not snapshot:
            quotes += _EVENT_QUOTES * len(orders)
        if row.timestamp is not None:
            quotes += _TIMESTAMP_QUOTES
        if payload.count(b'"') != quotes:
            check_quotes(payload)
        return Level3Message(
            row.symbol,
            snapshot,
            row.bids,
            row.asks,
            row.checksum,
            row.timestamp,
            received_at,
        )

    return read
