"""The REST call that serves the history of one pair's trades: what is asked, what is answered.

Knows the path, the envelope and the rows; nothing of why they are asked for, and never sends
anything.

An answer says yes or no in its body: the HTTP status is 200 for nearly everything that got as
far as the exchange. Numbers stand in quotes there, but for the time, which is a JSON number of
more digits than a float holds.

Source: sections "Basics", "Trades" and "Rate limits" of the REST documentation, and observed
answers: history under a key that is not the name that was asked for, throttling with status 200.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.errors import RequestError
from kraken_trio._internal.model.messages import Refusal
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.faults import FAULTS, excerpt, protocol_error
from kraken_trio._internal.wire.numerals import JSON_NUMBER, bounded, check_unsigned
from kraken_trio._internal.wire.refusals import refusal_of

METHOD: Final = "Trades"
"""What errors call it."""

_PATH = "/0/public/Trades"
_OK = 200
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet (RFC 9110 section 15, RFC 6585 section 4)."""
_EDGE_ERRORS = range(520, 531)
"""As 502 and 504, in the words of the proxy before the exchange, which is Cloudflare's."""
_SIDES: Final[dict[str, Literal["buy", "sell"]]] = {"b": "buy", "s": "sell"}
_TYPES = {"l": "limit", "m": "market"}
_MAX_TRADE_ID = 2**63 - 1
_YEAR_10000_S = 253_402_300_800
"""Where ``datetime`` ends."""
_EXACT = Context(prec=100)
_NUMBER = re.compile(JSON_NUMBER.decode(), re.ASCII).fullmatch
# "EService: Throttled: 1790359841": when to ask again.
_THROTTLED = re.compile(r"EService: ?Throttled: ?(\d{1,12})", re.ASCII).match
_SECONDS = re.compile(r"\d{1,6}", re.ASCII).fullmatch


class TradesRefused(Struct, frozen=True):
    """History was not given."""

    error: RequestError
    """Why, in the words of the exchange or of whoever is in front of it."""
    transient: bool
    """Whether the same question may be answered later."""
    retry_after_s: float = 0.0
    """How long it asked to wait, in seconds."""


class _Row(Struct, frozen=True, gc=False, array_like=True):
    # Members that may be added behind these are passed over.
    price: str
    volume: str
    time: Decimal
    side: Literal["b", "s"]
    type: str
    misc: str
    trade_id: int


class _Envelope(Struct, frozen=True, gc=False):
    error: tuple[str, ...] = ()
    result: dict[str, Raw] | None = None


_envelope = msgspec.json.Decoder(_Envelope).decode
_rows = msgspec.json.Decoder(tuple[_Row, ...]).decode


def trades_path(symbol: str, since: Timestamp, count: int) -> str:
    """The path, with its query, that asks for the oldest ``count`` trades after ``since``."""
    query = urlencode({"pair": symbol, "since": int(since), "count": count})
    return f"{_PATH}?{query}"


def read_trades(
    response: RestResponse, symbol: str, received_at: Timestamp
) -> tuple[Trade, ...] | TradesRefused:
    """Give the rows of an answer about ``symbol``, in their order, marked as backfilled.

    ``ProtocolError`` for an answer that is none.
    """
    if response.status != _OK:
        return _refused_by_http(response)
    try:
        envelope = _envelope(response.body)
        # A warning ("W...") may come with a result.
        errors = [error for error in envelope.error if not error.startswith("W")]
        if errors:
            return _refused(errors, received_at)
        keys = [key for key in envelope.result or () if key != "last"]
        if envelope.result is None or len(keys) != 1:
            raise ValueError("an answer does not hold the trades of one pair")
        rows = _rows(envelope.result[keys[0]])
        return tuple(_trade(row, symbol, received_at) for row in rows)
    except FAULTS as fault:
        raise protocol_error(fault, response.body) from fault


def _refused_by_http(response: RestResponse) -> TradesRefused:
    status = response.status
    after = dict(response.headers).get("retry-after", "")
    return TradesRefused(
        RequestError(METHOD, f"HTTP status {status}"),
        status in _BUSY or status in _EDGE_ERRORS,
        float(after) if _SECONDS(after) else 0.0,
    )


def _refused(errors: list[str], received_at: Timestamp) -> TradesRefused:
    """What the exchange's own words mean. Of several, the worst counts."""
    transient = all(refusal_of(error) is Refusal.TRANSIENT for error in errors)
    until = max((int(found[1]) for error in errors if (found := _THROTTLED(error))), default=0)
    wait_s = max(0.0, until - received_at / NANOSECONDS)
    words = excerpt(", ".join(errors).encode())
    return TradesRefused(RequestError(METHOD, words), transient, wait_s)


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
