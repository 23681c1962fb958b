"""The frames of ``ticker``, ``trade`` and ``ohlc``: market data that is records already.

Knows their shapes on the wire; nothing of trackers, or of what a gap is.

A record that has the members of the wire is decoded to directly, and what only this program
knows (``received_at``, ``snapshot``, ``backfilled``), or protocol v1 alone has, is set afterwards,
whatever the frame said. Quotes are counted as in ``decode_book``.

Sources: the channels' pages of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Candle, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import ChannelFrame, Reader, frame_decoder
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.numerals import check_number, check_unsigned, quotes_rule

_Minutes = Annotated[int, Meta(gt=0, le=366 * 24 * 60)]
_MAX_TRADE_ID = 2**63 - 1

# The quotes that a frame needs: "channel" and "type" with their values, and "data".
_FRAME_QUOTES = 10
_TICKER_QUOTES = 26  # "symbol" with its value, and eleven numbers
_TRADES_QUOTES = 2
_TIMESTAMP_QUOTES = 4
_TRADE_QUOTES = 22  # "symbol", "side", "ord_type", "timestamp" with values, and three numbers


class _TickerFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["ticker"]
    data: tuple[Ticker]


class _TradeFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["trade"]
    data: tuple[Trade, ...]


class _CandleRow(Struct, frozen=True, gc=False):
    # A type of its own: a row's deprecated timestamp is not the candle's, and the documented
    # schema calls the count of trades a float.
    symbol: str
    interval: _Minutes
    interval_begin: Timestamp
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    trades: Decimal
    volume: Decimal


class _CandleFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["ohlc"]
    data: tuple[_CandleRow, ...]
    timestamp: Timestamp | None = None


def market_readers(instants: Instants) -> dict[str, Reader]:
    """Give the reader of each channel; all read times with ``instants``."""
    return {
        "ohlc": _candle_reader(instants),
        "ticker": _ticker_reader(instants),
        "trade": _trade_reader(instants),
    }


def _ticker_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_TickerFrame, instants)
    check_quotes = quotes_rule(_TickerFrame)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        (row,) = frame.data
        prices = (row.bid, row.ask, row.last, row.vwap, row.low, row.high)
        check_unsigned(prices)
        check_unsigned((row.bid_qty, row.ask_qty, row.volume))
        if row.change is None or row.change_pct is None:
            raise ValueError("a change of the price is missing")
        check_number(row.change)
        check_number(row.change_pct)
        quotes = _FRAME_QUOTES + _TICKER_QUOTES
        if row.trades is not None:
            quotes += _TRADES_QUOTES
        if row.timestamp is not None:
            quotes += _TIMESTAMP_QUOTES
        if payload.count(b'"') != quotes:
            check_quotes(payload)
        snapshot = frame.type == "snapshot"
        record = replace(
            row,
            received_at=received_at,
            snapshot=snapshot,
            last_qty=None,
            open=None,
            today=None,
        )
        return RecordsMessage("ticker", snapshot, (record,), None, received_at)

    return read


def _trade_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_TradeFrame, instants)
    check_quotes = quotes_rule(_TradeFrame)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        snapshot = frame.type == "snapshot"
        records = []
        for row in frame.data:
            check_unsigned((row.price, row.qty))
            if row.trade_id is None or not 0 <= row.trade_id <= _MAX_TRADE_ID:
                raise ValueError("a trade_id is missing or out of bounds")
            records.append(
                replace(
                    row,
                    received_at=received_at,
                    snapshot=snapshot,
                    backfilled=False,
                    misc=None,
                )
            )
        if payload.count(b'"') != _FRAME_QUOTES + _TRADE_QUOTES * len(records):
            check_quotes(payload)
        return RecordsMessage("trade", snapshot, tuple(records), None, received_at)

    return read


def _candle_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_CandleFrame, instants)
    check_quotes = quotes_rule(_CandleFrame)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        check_quotes(payload)  # Rare frames: counting would not pay.
        snapshot = frame.type == "snapshot"
        records = []
        for row in frame.data:
            check_unsigned((row.open, row.high, row.low, row.close, row.vwap))
            check_unsigned((row.volume, row.trades))
            trades = int(row.trades)  # Quick only within bounds.
            if trades != row.trades:
                raise ValueError("a count of trades is not whole")
            records.append(
                Candle(
                    symbol=row.symbol,
                    interval=row.interval,
                    interval_begin=row.interval_begin,
                    open=row.open,
                    high=row.high,
                    low=row.low,
                    close=row.close,
                    vwap=row.vwap,
                    trades=trades,
                    volume=row.volume,
                    timestamp=frame.timestamp,
                    received_at=received_at,
                    snapshot=snapshot,
                )
            )
        return RecordsMessage("ohlc", snapshot, tuple(records), None, received_at)

    return read
