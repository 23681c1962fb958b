"""The frames of ``ticker``, ``trade`` and ``ohlc``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Candle, Ticker, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.decode_market import market_readers
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.instants import Instants

AT = Timestamp(42)
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,'
    b'"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,'
    b'"volume":3156.84782110,"vwap":84174.6,"low":83163.6,"high":85247.4,"change":-429.3,'
    b'"change_pct":-0.51,"trades":135262,"timestamp":"1970-01-01T00:00:01.000002Z"}]}'
)
TRADES = (
    b'{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"sell",'
    b'"price":68466.0,"qty":0.01919410,"ord_type":"market","trade_id":70635251,'
    b'"timestamp":"1970-01-01T00:00:01.000001Z"},{"symbol":"BTC/USD","side":"buy",'
    b'"price":68471.2,"qty":0.00007723,"ord_type":"limit","trade_id":70635252,'
    b'"timestamp":"1970-01-01T00:00:01.000002Z"}]}'
)
CANDLE = (
    b'{"channel":"ohlc","type":"update","timestamp":"1970-01-01T00:00:26.844359566Z","data":'
    b'[{"symbol":"BTC/USD","open":83729.5,"high":83745.2,"low":83729.4,"close":83744.0,'
    b'"trades":33,"volume":0.21155620,"vwap":83736.4,'
    b'"interval_begin":"1970-01-01T00:00:00.000000000Z","interval":1,'
    b'"timestamp":"1970-01-01T00:01:00.000000Z"}]}'
)


def read(payload: bytes) -> RecordsMessage:
    """Read a frame of the channel that it says, with a new reader."""
    message = market_readers(Instants())[json.loads(payload)["channel"]](payload, AT)
    assert isinstance(message, RecordsMessage)
    assert message.received_at == AT
    assert message.sequence is None
    return message


def test_ticker() -> None:
    """A ticker is one record with the digits of the wire."""
    message = read(TICKER)
    (record,) = message.records
    assert message.channel == "ticker"
    assert not message.snapshot
    assert record == Ticker(
        symbol="BTC/USD",
        bid=Decimal("83744.2"),
        bid_qty=Decimal("0.56251979"),
        ask=Decimal("83744.3"),
        ask_qty=Decimal("0.00044780"),
        last=Decimal("83744.3"),
        volume=Decimal("3156.84782110"),
        vwap=Decimal("84174.6"),
        low=Decimal("83163.6"),
        high=Decimal("85247.4"),
        change=Decimal("-429.3"),
        change_pct=Decimal("-0.51"),
        trades=135262,
        timestamp=Timestamp(1_000_002_000),
        received_at=AT,
        snapshot=False,
    )
    assert isinstance(record, Ticker)
    assert str(record.volume) == "3156.84782110"


def test_ticker_of_older_traffic() -> None:
    """A ticker may lack its time and its count of trades; a first one is a snapshot."""
    older = TICKER.replace(b',"trades":135262,"timestamp":"1970-01-01T00:00:01.000002Z"', b"")
    (record,) = read(older.replace(b"update", b"snapshot")).records
    assert isinstance(record, Ticker)
    assert (record.trades, record.timestamp, record.snapshot) == (None, None, True)


def test_trades() -> None:
    """Trades stand in the order of the wire."""
    message = read(TRADES)
    assert message.channel == "trade"
    assert message.snapshot
    assert message.records == (
        Trade(
            symbol="BTC/USD",
            side="sell",
            price=Decimal("68466.0"),
            qty=Decimal("0.01919410"),
            ord_type="market",
            trade_id=70635251,
            timestamp=Timestamp(1_000_001_000),
            received_at=AT,
            snapshot=True,
        ),
        Trade(
            symbol="BTC/USD",
            side="buy",
            price=Decimal("68471.2"),
            qty=Decimal("0.00007723"),
            ord_type="limit",
            trade_id=70635252,
            timestamp=Timestamp(1_000_002_000),
            received_at=AT,
            snapshot=True,
        ),
    )


def test_no_trades() -> None:
    """A pair that never traded has an empty snapshot."""
    assert read(b'{"channel":"trade","type":"snapshot","data":[]}').records == ()


def test_candle() -> None:
    """A candle has the time of its message, not the deprecated one of its row."""
    message = read(CANDLE)
    assert message.channel == "ohlc"
    assert message.records == (
        Candle(
            symbol="BTC/USD",
            interval=1,
            interval_begin=Timestamp(0),
            open=Decimal("83729.5"),
            high=Decimal("83745.2"),
            low=Decimal("83729.4"),
            close=Decimal("83744.0"),
            vwap=Decimal("83736.4"),
            trades=33,
            volume=Decimal("0.21155620"),
            timestamp=Timestamp(26_844_359_566),
            received_at=AT,
            snapshot=False,
        ),
    )
    (record,) = message.records
    assert isinstance(record, Candle)
    assert record.interval_end == 60 * NANOSECONDS


def test_count_of_trades_may_be_written_as_a_float() -> None:
    """The schema calls the count of trades a float, so one that is whole is taken."""
    assert read(CANDLE.replace(b"33", b"33.0")) == read(CANDLE)


@pytest.mark.parametrize(
    "payload, member",
    [
        (TICKER, b'"received_at":"1970-01-01T00:00:09Z","snapshot":true,'),
        (TICKER, b'"last_qty":7.0,"open":7.0,"today":null,'),
        (TRADES, b'"misc":"x",'),
        (
            TRADES,
            b'"received_at":"1970-01-01T00:00:09Z","snapshot":false,"backfilled":true,',
        ),
        (CANDLE, b'"received_at":"1970-01-01T00:00:09Z","snapshot":true,'),
    ],
)
def test_wire_cannot_set_what_is_ours(payload: bytes, member: bytes) -> None:
    """What only this program knows cannot be set by a frame."""
    assert read(payload.replace(b'"symbol"', member + b'"symbol"')) == read(payload)


@pytest.mark.parametrize(
    "payload, number", [(TICKER, b"83744.2"), (TRADES, b"68466.0"), (CANDLE, b"83744.0")]
)
def test_quoted_numbers_are_numbers(payload: bytes, number: bytes) -> None:
    """Numbers in quotes are the same numbers."""
    assert read(payload.replace(number, b'"' + number + b'"')) == read(payload)


@pytest.mark.parametrize(
    "payload, old, new",
    [
        (TICKER, b"83744.2", b"-83744.2"),
        (TICKER, b"83744.2", b'"NaN"'),
        (TICKER, b"83744.2", b'"8_3"'),
        (TICKER, b"3156.84782110", b"1e40"),
        (TICKER, b"-429.3", b"-1e40"),
        (TICKER, b"-0.51", b"-1e40"),
        (TICKER, b"-0.51", b'"-Infinity"'),
        (TICKER, b"-0.51", b'"-0_5"'),
        (TICKER, b'"trades":135262', b'"trades":1.5'),
        (TICKER, b'"last":83744.3,', b""),
        (TICKER, b'"data":[', b'"data":[],"more":['),
        (TICKER, b'"timestamp":"1970', b'"timestamp":"197'),
        (TRADES, b"68466.0", b"-1"),
        (TRADES, b"68466.0", b'"6_8"'),
        (TRADES, b"0.01919410", b'"Infinity"'),
        (TRADES, b'"sell"', b'"hold"'),
        (TICKER, b'"change":-429.3', b'"change":null'),
        (TICKER, b'"change_pct":-0.51', b'"change_pct":null'),
        (TRADES, b"70635251", b"null"),
        (TRADES, b"70635251", b"-1"),
        (TRADES, b"70635251", b"9223372036854775808"),
        (TRADES, b"70635251", b'"70635251"'),
        (TRADES, b'"timestamp":"1970-01-01T00:00:01.000001Z"', b'"timestamp":null'),
        (TRADES, b'"data":[', b'"data":0,"more":['),
        (CANDLE, b"83744.0", b"-1"),
        (CANDLE, b"83744.0", b'" 1"'),
        (CANDLE, b'"trades":33', b'"trades":33.5'),
        (CANDLE, b'"trades":33', b'"trades":-33'),
        (CANDLE, b'"trades":33', b'"trades":1e1000000'),
        (CANDLE, b'"interval":1', b'"interval":0'),
        (CANDLE, b'"interval":1', b'"interval":527041'),
        (CANDLE, b'"interval_begin"', b'"interval_end"'),
    ],
)
def test_bad_frame_is_refused(payload: bytes, old: bytes, new: bytes) -> None:
    """A record with an absurd number, a wrong type or a missing member is refused."""
    assert payload.count(old) == 1
    with pytest.raises(FAULTS):
        read(payload.replace(old, new))
