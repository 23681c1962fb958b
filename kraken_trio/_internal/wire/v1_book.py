"""The payload of protocol v1's ``book``: a snapshot, or what changed on one side or both.

Knows its shapes on the wire; nothing of a book, its depth or its checksum.

A snapshot has no checksum. An update has one, in its last object: where both sides change there
are two objects. Each level has a time of its own; that of the message is the latest of them. A
level that is said once more because a better one went (``r``) has its old time.

Source: section "book" of the WebSocket v1 documentation, and captured traffic.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.model.records import TimedLevel
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.v1_text import moment, unsigned

_Rows = tuple[tuple[str, ...], ...]

MOST_LEVELS = 20_000
"""Of both sides; the deepest book has 1000 a side."""
_LENGTHS = (3, 4)  # Price, volume, time; and why it is said.
_AGAIN = ("r",)
_MAX_CHECKSUM = 2**32 - 1


class _Sides(Struct, frozen=True, gc=False):
    """One of the objects of a message."""

    all_asks: _Rows | None = msgspec.field(default=None, name="as")
    all_bids: _Rows | None = msgspec.field(default=None, name="bs")
    asks: _Rows | None = msgspec.field(default=None, name="a")
    bids: _Rows | None = msgspec.field(default=None, name="b")
    checksum: str | None = msgspec.field(default=None, name="c")


_decode = msgspec.json.Decoder(_Sides).decode


def read_book(symbol: str, payload: Sequence[Raw], received_at: Timestamp | None) -> BookMessage:
    """Give what the objects of one message say. Raises what ``faults.FAULTS`` names."""
    parts = [_decode(each) for each in payload]
    first = parts[0]
    snapshot = first.all_asks is not None or first.all_bids is not None
    asks: _Rows = first.all_asks or ()
    bids: _Rows = first.all_bids or ()
    for part in parts:
        if (part.asks is not None or part.bids is not None) is snapshot:
            raise ValueError("neither a snapshot of a book nor an update")
        asks += part.asks or ()
        bids += part.bids or ()
    if len(asks) + len(bids) > MOST_LEVELS:
        raise ValueError("more levels than any book has")
    sides = _levels(bids), _levels(asks)
    return BookMessage(
        symbol,
        snapshot,
        *sides,
        None if snapshot else _checksum(parts[-1].checksum),
        max((level.timestamp for side in sides for level in side), default=None),
        received_at,
    )


def _levels(rows: _Rows) -> tuple[TimedLevel, ...]:
    if any(len(row) not in _LENGTHS for row in rows):
        raise ValueError("a level is not a price, a volume and a time")
    return tuple(
        [
            TimedLevel(unsigned(row[0]), unsigned(row[1]), moment(row[2]), row[3:] == _AGAIN)
            for row in rows
        ]
    )


def _checksum(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= len("4294967295")):
        raise ValueError("the checksum of an update is missing, or none")
    checksum = int(text)
    if checksum > _MAX_CHECKSUM:
        raise ValueError("a checksum is out of bounds")
    return checksum
