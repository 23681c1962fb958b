"""The payloads of protocol v1's ``ticker``, ``spread``, ``trade`` and ``ohlc``, as records.

Knows their shapes on the wire: members by one letter, and by place; nothing of trackers, or of
what a gap is. Whether one is the first of a subscription stands in none of them: it is given.

Source: the channels' sections of the WebSocket v1 documentation, and captured traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.channel import OHLC_INTERVALS
from kraken_trio._internal.model.messages import Record
from kraken_trio._internal.model.records import Candle, Spread, Ticker, Today, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.v1_text import moment, unsigned

Reader = Callable[[str, int | None, Raw, Timestamp | None, bool], tuple[Record, ...]]
"""Gives the records of a payload: of a symbol, an interval, read at a time, and whether it is the
first of a subscription. Raises what ``faults.FAULTS`` names."""

_Day = tuple[str, str]  # Today, and the last 24 hours.
_SIDES: dict[str, Literal["buy", "sell"]] = {"b": "buy", "s": "sell", "buy": "buy", "sell": "sell"}
_TYPES = {"m": "market", "l": "limit"}
_MINUTE = 60 * NANOSECONDS


class _Ticker(Struct, frozen=True, gc=False):
    a: tuple[str, int | str, str]
    b: tuple[str, int | str, str]
    c: _Day
    v: _Day
    p: _Day
    t: tuple[int, int]
    l: _Day  # noqa: E741 - the wire's
    h: _Day
    o: _Day


_decode_ticker = msgspec.json.Decoder(_Ticker).decode
_decode_trades = msgspec.json.Decoder(tuple[tuple[str, str, str, str, str, str], ...]).decode
_decode_spread = msgspec.json.Decoder(tuple[str, str, str, str, str]).decode
_decode_candle = msgspec.json.Decoder(
    tuple[str, str, str, str, str, str, str, str, int],
).decode


def _read_ticker(
    symbol: str,
    _: int | None,
    payload: Raw,
    received_at: Timestamp | None,
    snapshot: bool,  # noqa: FBT001 - as ``Reader``
) -> tuple[Record, ...]:
    row = _decode_ticker(payload)
    if min(row.t) < 0:
        raise ValueError("a count of trades is negative")
    ticker = Ticker(
        symbol=symbol,
        bid=unsigned(row.b[0]),
        bid_qty=unsigned(row.b[2]),
        ask=unsigned(row.a[0]),
        ask_qty=unsigned(row.a[2]),
        last=unsigned(row.c[0]),
        volume=unsigned(row.v[1]),
        vwap=unsigned(row.p[1]),
        low=unsigned(row.l[1]),
        high=unsigned(row.h[1]),
        change=None,
        change_pct=None,
        trades=row.t[1],
        received_at=received_at,
        snapshot=snapshot,
        last_qty=unsigned(row.c[1]),
        open=unsigned(row.o[1]),
        today=Today(
            volume=unsigned(row.v[0]),
            vwap=unsigned(row.p[0]),
            trades=row.t[0],
            low=unsigned(row.l[0]),
            high=unsigned(row.h[0]),
            open=unsigned(row.o[0]),
        ),
    )
    return (ticker,)


def _read_spread(
    symbol: str,
    _: int | None,
    payload: Raw,
    received_at: Timestamp | None,
    __: bool,  # noqa: FBT001 - as ``Reader``
) -> tuple[Record, ...]:
    bid, ask, at, bid_qty, ask_qty = _decode_spread(payload)
    return (
        Spread(
            symbol,
            unsigned(bid),
            unsigned(bid_qty),
            unsigned(ask),
            unsigned(ask_qty),
            moment(at),
            received_at,
        ),
    )


def _read_trades(
    symbol: str,
    _: int | None,
    payload: Raw,
    received_at: Timestamp | None,
    snapshot: bool,  # noqa: FBT001 - as ``Reader``
) -> tuple[Record, ...]:
    return tuple(
        [
            Trade(
                symbol=symbol,
                side=_side(side),
                price=unsigned(price),
                qty=unsigned(qty),
                ord_type=_TYPES.get(kind, kind),
                trade_id=None,
                timestamp=moment(at),
                received_at=received_at,
                snapshot=snapshot,
                misc=misc,
            )
            for price, qty, at, side, kind, misc in _decode_trades(payload)
        ]
    )


def _side(text: str) -> Literal["buy", "sell"]:
    side = _SIDES.get(text)
    if side is None:
        raise ValueError("a trade is neither bought nor sold")
    return side


def _read_candle(
    symbol: str,
    interval: int | None,
    payload: Raw,
    received_at: Timestamp | None,
    snapshot: bool,  # noqa: FBT001 - as ``Reader``
) -> tuple[Record, ...]:
    row = _decode_candle(payload)
    if interval not in OHLC_INTERVALS or interval is None:
        raise ValueError("a candle is of no interval that there is")
    if row[8] < 0:
        raise ValueError("a count of trades is negative")
    end = moment(row[1])
    candle = Candle(
        symbol=symbol,
        interval=interval,
        # The documentation prints an end with a fraction; what is sent ends with its minute.
        interval_begin=Timestamp(end - end % NANOSECONDS - interval * _MINUTE),
        open=unsigned(row[2]),
        high=unsigned(row[3]),
        low=unsigned(row[4]),
        close=unsigned(row[5]),
        vwap=unsigned(row[6]),
        trades=row[8],
        volume=unsigned(row[7]),
        timestamp=moment(row[0]),
        received_at=received_at,
        snapshot=snapshot,
    )
    return (candle,)


READERS: dict[str, Reader] = {
    "ticker": _read_ticker,
    "spread": _read_spread,
    "trade": _read_trades,
    "ohlc": _read_candle,
}
"""What reads each channel."""
