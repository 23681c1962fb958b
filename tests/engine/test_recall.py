"""What is kept for those who join late, and what takes the place of what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.engine.recall import CANDLES, TRADES, make_recall
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Candle, Spread, Ticker, Trade
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

ONE = Decimal(1)
NOW = Timestamp(7)


def ticker(bid: int) -> Ticker:
    """Give a ticker with this best bid."""
    return Ticker("BTC/USD", Decimal(bid), *(ONE,) * 10, timestamp=NOW)


def trade(number: int) -> Trade:
    """Give the trade with this number."""
    return Trade("BTC/USD", "buy", ONE, ONE, "limit", number, NOW)


def candle(minute: int, trades: int = 1) -> Candle:
    """Give the candle of this minute, after so many trades."""
    begin = Timestamp(minute * 60 * NANOSECONDS)
    return Candle("BTC/USD", 1, begin, ONE, ONE, ONE, ONE, ONE, trades, ONE)


def asset(name: str, status: str) -> InstrumentAsset:
    """Give an asset in this condition."""
    return InstrumentAsset(id=name, status=status)


def pair(name: str, status: str) -> InstrumentPair:
    """Give a pair in this condition."""
    return InstrumentPair(symbol=name, status=status)


def kept(channel: str, *items: Any) -> list[Any]:
    """What is left of items that came one after the other, without the mark of a snapshot."""
    recall = make_recall(channel)
    for item in items:
        recall.note([item])
    left: list[Any] = list(recall)
    return [replace(i, snapshot=False) if hasattr(i, "snapshot") else i for i in left]


def snapshot(channel: str, *records: Any) -> RecordsMessage:
    """Give the message of a snapshot."""
    return RecordsMessage(
        channel=channel, snapshot=True, records=records, sequence=None, received_at=NOW
    )


@pytest.mark.parametrize(
    "channel, items, left",
    [
        ("ticker", [ticker(1), ticker(2)], [ticker(2)]),
        ("trade", [trade(1), trade(2)], [trade(1), trade(2)]),
        ("ohlc", [candle(1), candle(2), candle(2, 9)], [candle(1), candle(2, 9)]),
        (
            "instrument",
            [asset("A", "enabled"), pair("A", "online"), pair("B", "online"), pair("A", "x")],
            [asset("A", "enabled"), pair("A", "x"), pair("B", "online")],
        ),
    ],
)
def test_a_newer_record_takes_the_place_of_its_like(
    channel: str, items: list[Any], left: list[Any]
) -> None:
    """Of a state the newest, of a history all, of a candle its latest state."""
    assert kept(channel, *items) == left


def test_gaps_stay_where_they_were() -> None:
    """Two that look alike are two."""
    gap = Gap("trade", "BTC/USD", GapReason.TRADE_ID)
    items = [trade(1), gap, trade(4), gap, trade(7)]
    assert kept("trade", *items) == items


@pytest.mark.parametrize(
    "channel, make, limit", [("trade", trade, TRADES), ("ohlc", candle, CANDLES)]
)
def test_of_a_history_the_end_is_kept(channel: str, make: Any, limit: int) -> None:
    """As much as a snapshot of the exchange holds; without bound it would eat all memory."""
    made = [make(number) for number in range(limit + 3)]
    assert kept(channel, *made) == made[3:]


def test_a_snapshot_replaces_everything_and_sets_the_length() -> None:
    """A longer history of the exchange stays as long."""
    recall = make_recall("ohlc")
    recall.note([candle(0)])
    long = tuple(candle(minute) for minute in range(10, 10 + CANDLES + 5))
    recall.begin(snapshot("ohlc", *long))
    recall.note([candle(99)])
    begins = [each.interval_begin for each in (*long[1:], candle(99))]
    assert [item.interval_begin for item in recall if isinstance(item, Candle)] == begins


@pytest.mark.parametrize("channel, record", [("trade", trade(1)), ("ticker", ticker(1))])
def test_what_is_given_says_that_it_is_no_news(channel: str, record: Any) -> None:
    """Records are marked as those of a snapshot; forgotten, they are not given."""
    recall = make_recall(channel)
    assert list(recall) == []
    recall.begin(snapshot(channel, record))
    assert list(recall) == [replace(record, snapshot=True)]
    recall.forget()
    assert list(recall) == []


def test_a_record_without_a_mark_is_given_as_it_is() -> None:
    """A spread is never part of a snapshot of the exchange's."""
    recall = make_recall("spread")
    recall.note([spread := Spread("BTC/USD", ONE, ONE, ONE, ONE, NOW)])
    assert list(recall) == [spread]


@pytest.mark.parametrize(
    "channel, there, other",
    [
        ("ticker", [ticker(1)], [ticker(2)]),
        ("trade", [trade(1), trade(2)], [trade(1)]),
        ("ohlc", [candle(1), candle(2)], [candle(1), candle(2, trades=2)]),
        (
            "instrument",
            [asset("BTC", "enabled"), pair("BTC/USD", "online")],
            [asset("BTC", "enabled"), pair("BTC/USD", "delisted")],
        ),
    ],
)
def test_what_is_kept_is_compared_with_a_snapshot(
    channel: str, there: list[Any], other: list[Any]
) -> None:
    """When either was read makes no difference, nor which of them was marked as a snapshot's."""
    recall = make_recall(channel)
    recall.note(there)
    again = [replace(each, received_at=NOW) for each in there]
    again = [replace(each, snapshot=True) if hasattr(each, "snapshot") else each for each in again]
    assert recall.holds(RecordsMessage(channel, True, tuple(again), None, NOW))  # noqa: FBT003 - a struct
    assert not recall.holds(RecordsMessage(channel, True, tuple(other), None, NOW))  # noqa: FBT003 - a struct
    recall.forget()
    assert recall.holds(RecordsMessage(channel, True, (), None, NOW))  # noqa: FBT003 - a struct
