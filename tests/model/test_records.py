"""The records of market data are frozen, exact to the digit, and readable."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction
from operator import ne

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    TimedLevel,
    Trade,
)
from kraken_trio._internal.model.timestamp import Timestamp

T = Timestamp(1_695_729_600_000_000_000)
NOON = "2023-09-26T12:00:00.000000Z"
BID = Level(Decimal("62802.5"), Decimal("0.00000010"))
ASK = Level(Decimal("62802.6"), Decimal("1.00000000"))
ZERO = Level(Decimal("62802.7"), Decimal("0.00000000"))


def spread(bid: str, ask: str) -> Spread:
    """Make one of two prices."""
    return Spread("BTC/USD", Decimal(bid), Decimal(1), Decimal(ask), Decimal(1))


TICKER = Ticker(
    symbol="BTC/USD",
    bid=Decimal("62802.5"),
    bid_qty=Decimal("0.00000010"),
    ask=Decimal("62802.6"),
    ask_qty=Decimal("1.00000000"),
    last=Decimal("62802.6"),
    volume=Decimal("3156.84782110"),
    vwap=Decimal("62000.0"),
    low=Decimal("61000.0"),
    high=Decimal("63000.0"),
    change=Decimal("-429.3"),
    change_pct=Decimal("-0.51"),
)
TRADE = Trade("BTC/USD", "sell", Decimal("62802.5"), Decimal("0.00000010"), "limit", 7, T)
CANDLE = Candle(
    symbol="BTC/USD",
    interval=5,
    interval_begin=T,
    open=Decimal("1.0"),
    high=Decimal("2.0"),
    low=Decimal("0.0000001"),
    close=Decimal("1.5"),
    vwap=Decimal("1.2"),
    trades=3,
    volume=Decimal("0.00000000"),
)
RECORDS: list[tuple[msgspec.Struct, str]] = [
    (BID, "Level(0.00000010 @ 62802.5)"),
    (
        BookSnapshot("BTC/USD", 10, (BID,), (ASK, ZERO), 7, T),
        (
            "BookSnapshot(BTC/USD depth 10: 1 bids, best Level(0.00000010 @ 62802.5); 2 asks, best "
            f"Level(1.00000000 @ 62802.6); {NOON})"
        ),
    ),
    (
        BookSnapshot("BTC/USD", 10, (), (), 0),
        "BookSnapshot(BTC/USD depth 10: 0 bids, best None; 0 asks, best None; None)",
    ),
    (
        BookUpdate("BTC/USD", (), (ZERO, ASK), None, ASK, 7, T),
        (
            "BookUpdate(BTC/USD: bids [], asks [Level(0.00000000 @ 62802.7), Level(1.00000000 @ "
            f"62802.6)]; best None / Level(1.00000000 @ 62802.6); {NOON})"
        ),
    ),
    (
        TICKER,
        "Ticker(BTC/USD bid 0.00000010 @ 62802.5, ask 1.00000000 @ 62802.6, last 62802.6; None)",
    ),
    (spread("0.0000001", "1E+3"), "Spread(BTC/USD bid 1 @ 0.0000001, ask 1 @ 1000; None)"),
    (TRADE, f"Trade(BTC/USD sell 0.00000010 @ 62802.5, id 7; {NOON})"),
    (
        CANDLE,
        (
            f"Candle(BTC/USD 5 min from {NOON}: open 1.0, high 2.0, low 0.0000001, close 1.5, "
            "volume 0.00000000)"
        ),
    ),
]


@pytest.mark.parametrize("record, text", RECORDS)
def test_text(record: msgspec.Struct, text: str) -> None:
    """It shows what matters, with every digit of the wire and never an exponent."""
    assert (repr(record), str(record)) == (text, text)


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_frozen(record: msgspec.Struct) -> None:
    """No field can be changed, and equal records are one key."""
    for field in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, field, None)
    assert hash(record) == hash(copy.copy(record))


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_record_travels(record: msgspec.Struct) -> None:
    """A pickled record is equal to the last digit."""
    twin = pickle.loads(pickle.dumps(record))  # noqa: S301 - made right here
    assert (twin, repr(twin)) == (record, repr(record))


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_no_cycle_collection_is_needed(record: msgspec.Struct) -> None:
    """Records are left alone by the collector, which millions of them would slow down."""
    assert record.__struct_config__.gc is False


def test_best_levels_of_a_snapshot() -> None:
    """The best level is the first of its side, or None where there is none."""
    snapshot = BookSnapshot("BTC/USD", 10, (BID,), (ASK, ZERO), 7)
    assert (snapshot.best_bid, snapshot.best_ask) == (BID, ASK)
    empty = BookSnapshot("BTC/USD", 10, (), (), 0)
    assert (empty.best_bid, empty.best_ask) == (None, None)


@pytest.mark.parametrize(
    "bid, ask, difference, middle",
    [
        ("62802.5", "62802.6", "0.1", "62802.55"),
        ("62802.5", "62802.7", "0.2", "62802.60"),
        ("0.00000001", "0.00000002", "0.00000001", "0.000000015"),
        ("2", "1", "-1", "1.5"),
        ("1" * 39 + ".1", "9" * 39 + ".9", "8" * 39 + ".8", "5" * 39 + ".50"),
    ],
)
def test_spread_and_mid_are_exact(bid: str, ask: str, difference: str, middle: str) -> None:
    """Difference and middle have every digit, far beyond what a context usually keeps."""
    record = spread(bid, ask)
    assert format(record.spread, "f") == difference
    assert format(record.mid, "f") == middle


@given(
    *(st.decimals(0, 10**20, places=places, allow_nan=False) for places in (10, 8)),
)
def test_mid_is_halfway(bid: Decimal, ask: Decimal) -> None:
    """The middle is as far from the one as from the other, to the last digit."""
    record = spread(str(bid), str(ask))
    assert Fraction(record.mid) == (Fraction(bid) + Fraction(ask)) / 2
    assert Fraction(record.spread) == Fraction(ask) - Fraction(bid)


@pytest.mark.parametrize("interval", [1, 5, 1440, 21600])
def test_end_of_a_candle(interval: int) -> None:
    """A candle ends its interval's minutes after its start, to the nanosecond."""
    candle = msgspec.structs.replace(CANDLE, interval=interval)
    assert candle.interval_end - candle.interval_begin == interval * 60_000_000_000
    assert isinstance(candle.interval_end, Timestamp)


def test_digits_are_kept_through_json() -> None:
    """A number of the wire becomes a Decimal with the same digits, trailing zeros and all."""
    level = msgspec.json.decode(b'{"price":62797.0,"qty":0.00005100}', type=Level)
    assert repr(level) == "Level(0.00005100 @ 62797.0)"


def test_a_level_with_a_time_equals_one_without() -> None:
    """Books of both protocols can be compared, from either side, and found in sets."""
    timed = TimedLevel(BID.price, BID.qty, T, republished=True)
    assert timed == BID == timed
    pairs = ((timed, BID), (BID, timed), (timed, ASK), (ASK, timed), (timed, timed.price))
    assert [ne(*pair) for pair in pairs] == [False, False, True, True, True]
    assert timed == TimedLevel(BID.price, BID.qty, T)
    assert {timed} == {BID}
    assert timed != ASK
    assert timed != ZERO
    assert timed != TimedLevel(ASK.price, BID.qty, T)
    assert timed != (BID.price, BID.qty)
    assert (timed,) == (BID,)
