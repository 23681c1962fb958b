"""The REST call that serves the history of one pair's trades: what is asked, what is answered.

Knows the path and the rows; nothing of why they are asked for, and never sends anything. What all
answers have in common stands in ``rest``.

Numbers stand in quotes, but for the time, which is a JSON number of more digits than a float holds.

Source: section "Trades" of the REST documentation, and observed answers: history under a key that
is not the name that was asked for.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.faults import FAULTS, protocol_error
from kraken_trio._internal.wire.numerals import JSON_NUMBER, bounded, check_unsigned
from kraken_trio._internal.wire.rest import RestRefused, read_result

METHOD: Final = "Trades"
"""What errors call it."""

_PATH = "/0/public/Trades"
_SIDES: Final[dict[str, Literal["buy", "sell"]]] = {"b": "buy", "s": "sell"}
_TYPES = {"l": "limit", "m": "market"}
_MAX_TRADE_ID = 2**63 - 1
_YEAR_10000_S = 253_402_300_800
"""Where ``datetime`` ends."""
_EXACT = Context(prec=100)
_NUMBER = re.compile(JSON_NUMBER.decode(), re.ASCII).fullmatch


class _Row(Struct, frozen=True, gc=False, array_like=True):
    # Members that may be added behind these are passed over.
    price: str
    volume: str
    time: Decimal
    side: Literal["b", "s"]
    type: str
    misc: str
    trade_id: int


_rows = msgspec.json.Decoder(tuple[_Row, ...]).decode


def trades_path(symbol: str, since: Timestamp, count: int) -> str:
    """The path, with its query, that asks for the oldest ``count`` trades after ``since``."""
    query = urlencode({"pair": symbol, "since": int(since), "count": count})
    return f"{_PATH}?{query}"


def read_trades(
    response: RestResponse, symbol: str, received_at: Timestamp
) -> tuple[Trade, ...] | RestRefused:
    """Give the rows of an answer about ``symbol``, in their order, marked as backfilled.

    ``ProtocolError`` for an answer that is none.
    """
    try:
        result = read_result(response, METHOD, received_at)
        if isinstance(result, RestRefused):
            return result
        keys = [key for key in result if key != "last"]
        if len(keys) != 1:
            raise ValueError("an answer does not hold the trades of one pair")
        return tuple(_trade(row, symbol, received_at) for row in _rows(result[keys[0]]))
    except FAULTS as fault:
        raise protocol_error(fault, response.body) from fault


def _trade(row: _Row, symbol: str, received_at: Timestamp) -> Trade:
    price, qty = _number(row.price), _number(row.volume)
    if not 0 <= row.trade_id <= _MAX_TRADE_ID:
        raise ValueError("a trade_id is out of bounds")
    return Trade(
        symbol,
        _SIDES[row.side],
        price,
        qty,
        _TYPES.get(row.type, row.type),
        row.trade_id,
        _instant(row.time),
        received_at,
        backfilled=True,
    )


def _number(text: str) -> Decimal:
    """The number in quotes, with its very digits."""
    if not _NUMBER(text):
        raise ValueError("a quoted number is not written like a number")
    number = Decimal(text)
    check_unsigned((number,))
    return number


def _instant(seconds: Decimal) -> Timestamp:
    """The moment; digits below a nanosecond are cut off."""
    if not 0 <= bounded(seconds) < _YEAR_10000_S:
        raise ValueError("a time is out of bounds")
    return Timestamp(_EXACT.multiply(seconds, NANOSECONDS))
