"""Each channel's loss is found by its own evidence, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_trio._internal.core.trackers import (
    CandleTracker,
    SequenceTracker,
    Tracker,
    TradeTracker,
)
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import Record, RecordsMessage
from kraken_trio._internal.model.records import Candle, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

ONE = Decimal(1)
INTERVAL = 5


def trade(number: int, *, at: int | None = None, snapshot: bool = False) -> Trade:
    """Make a trade, by default one a second."""
    time = Timestamp((number if at is None else at) * NANOSECONDS)
    return Trade("BTC/USD", "buy", ONE, ONE, "limit", number, time, snapshot=snapshot)


def of_trades(records: tuple[Trade, ...], *, snapshot: bool = False) -> RecordsMessage:
    """Make a message of these trades."""
    return RecordsMessage("trade", snapshot, records, None, None)


def trades(*numbers: int, snapshot: bool = False) -> RecordsMessage:
    """Make a message of trades with these numbers."""
    records = tuple(trade(number, snapshot=snapshot) for number in numbers)
    return of_trades(records, snapshot=snapshot)


def missed(expected: int, received: int) -> Gap:
    """Make the gap between two trades."""
    return Gap(
        "trade",
        "BTC/USD",
        GapReason.TRADE_ID,
        expected,
        received,
        received - expected,
        Timestamp((expected - 1) * NANOSECONDS),
        Timestamp(received * NANOSECONDS),
    )


def moment(index: int) -> Timestamp:
    """The start of an interval, by its number."""
    return Timestamp(index * INTERVAL * 60 * NANOSECONDS)


def candle(index: int, count: int = 1, sent: int | None = None) -> Candle:
    """Make a candle of the interval number ``index``."""
    timestamp = None if sent is None else Timestamp(sent)
    return Candle(
        "BTC/USD", INTERVAL, moment(index), ONE, ONE, ONE, ONE, ONE, count, ONE, timestamp
    )


def candles(*records: Candle, snapshot: bool = False) -> RecordsMessage:
    """Make a message of candles."""
    return RecordsMessage("ohlc", snapshot, records, None, None)


def numbered(sequence: int | None, *, records: int = 1) -> RecordsMessage:
    """Make a message of executions, read at the moment of its number."""
    execution = Execution(order_id="O", exec_type="new", order_status="new", timestamp=Timestamp(0))
    at = None if sequence is None else Timestamp(sequence)
    return RecordsMessage("executions", sequence == 1, (execution,) * records, sequence, at)


def fed(tracker: Tracker, messages: Iterable[RecordsMessage]) -> list[Record | Gap]:
    """Give all that comes out."""
    return [item for message in messages for item in tracker.accept(message)]


def test_consecutive_trades_pass_as_they_are() -> None:
    """Nothing is copied where nothing is missing; a message may be empty."""
    tracker = TradeTracker("BTC/USD")
    tracker.accept(trades(7))
    for message in (trades(8), trades(), trades(9, 10, 11), trades(12)):
        assert tracker.accept(message) is message.records
    assert tracker.repeats == 0


def test_the_latest_record_is_known() -> None:
    """Where records say something of each other; what is numbered by message has none."""
    tracker, chart = TradeTracker("BTC/USD"), CandleTracker("BTC/USD")
    assert (tracker.last, chart.last) == (None, None)
    tracker.accept(trades(1, 2))
    chart.accept(candles(candle(1)))
    assert (tracker.last, chart.last) == (trade(2), candle(1))
    private: Tracker = SequenceTracker("executions")
    private.accept(numbered(1))
    assert private.last is None


def test_missing_trades_are_told_where_they_are_missing() -> None:
    """A jump gives a gap right before the trade that showed it, within a message too."""
    tracker = TradeTracker("BTC/USD")
    delivered = fed(tracker, [trades(5), trades(6, 9, 10), trades(12)])
    expected = [5, 6, missed(7, 9), 9, 10, missed(11, 12), 12]
    assert delivered == [trade(item) if isinstance(item, int) else item for item in expected]


def test_reconnect_neither_repeats_nor_hides_trades() -> None:
    """The snapshot of the next connection is compared with the last trade of the one before."""
    tracker = TradeTracker("BTC/USD")
    tracker.accept(trades(5, 6, 7))
    tracker.restart()
    assert tracker.accept(trades(4, 5, 6, 7, 8, 9, snapshot=True)) == [
        trade(8, snapshot=True),
        trade(9, snapshot=True),
    ]
    assert tracker.repeats == 4
    tracker.restart()
    first, *_ = tracker.accept(trades(20, 21, snapshot=True))
    assert first == missed(10, 20)


def test_repeated_trade_is_taken_out() -> None:
    """A number at or below the last one was there before."""
    tracker = TradeTracker("BTC/USD")
    assert fed(tracker, [trades(5, 6), trades(6), trades(5, 7)]) == [trade(5), trade(6), trade(7)]
    assert tracker.repeats == 2


def test_snapshot_is_never_a_new_numbering() -> None:
    """Times may not quite follow numbers: what a snapshot shows again is a repeat all the same."""
    tracker = TradeTracker("BTC/USD")
    tracker.accept(trades(5, 6))
    assert list(tracker.accept(of_trades((trade(5, at=7, snapshot=True),), snapshot=True))) == []


def test_new_numbering_is_a_gap_of_unknown_size() -> None:
    """A new trade with a low number is no repeat: nothing would ever be delivered again."""
    tracker = TradeTracker("BTC/USD")
    tracker.accept(trades(500))
    anew = (trade(1, at=501), trade(2, at=502))
    before, after = trade(500).timestamp, anew[0].timestamp
    assert tracker.accept(of_trades(anew)) == [
        Gap("trade", "BTC/USD", GapReason.TRADE_ID, 501, 1, None, before, after),
        *anew,
    ]


@given(st.lists(st.tuples(st.lists(st.integers(1, 30), max_size=6), st.booleans()), max_size=12))
def test_every_trade_is_delivered_once_or_missing(messages: list[tuple[list[int], bool]]) -> None:
    """Whatever comes, the numbers delivered ascend, and gaps hold exactly those between them."""
    tracker = TradeTracker("BTC/USD")
    delivered = fed(tracker, [trades(*ids, snapshot=snapshot) for ids, snapshot in messages])
    number: int | None = None
    for item in delivered:
        if isinstance(item, Gap):
            assert item.expected == number
            assert number is not None
            assert item.size is not None
            number += item.size
            assert item.received == number
        else:
            assert isinstance(item, Trade)
            assert number in (None, item.trade_id)
            number = item.trade_id + 1
    records = sum(isinstance(item, Trade) for item in delivered)
    assert records + tracker.repeats == sum(len(ids) for ids, _ in messages)


def test_real_trades_are_complete(captures: Path) -> None:
    """Half a minute of real trades has no gap and no repeat."""
    trackers = {symbol: TradeTracker(symbol) for symbol in ("BTC/USD", "ETH/USD")}
    seen = 0
    path = captures / "v2-book-trade-btc-eth-d10-20260707.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        frame = json.loads(json.loads(line)["raw"])
        if frame.get("channel") == "trade":
            message = trades(*(row["trade_id"] for row in frame["data"]))
            kept = trackers[frame["data"][0]["symbol"]].accept(message)
            assert list(kept) == list(message.records)
            seen += len(kept)
    assert seen > 10


def test_quiet_interval_is_no_loss() -> None:
    """On a connection that lives an interval without a candle had no trades."""
    tracker = CandleTracker("BTC/USD")
    rows = [candle(1), candle(1, count=2), candle(9), candle(10)]
    assert fed(tracker, [candles(row) for row in rows]) == rows


def test_snapshot_may_have_holes() -> None:
    """What is missing within a snapshot had no trades; the first snapshot of all shows nothing."""
    tracker = CandleTracker("BTC/USD")
    rows = (candle(1), candle(4), candle(9))
    assert fed(tracker, [candles(*rows, snapshot=True), candles()]) == list(rows)


@pytest.mark.parametrize("oldest", [7, 10, 11])
def test_snapshot_that_reaches_back_has_it_all(oldest: int) -> None:
    """After a reconnect, intervals that were over are taken out, the last one comes anew."""
    tracker = CandleTracker("BTC/USD")
    tracker.accept(candles(candle(10)))
    tracker.restart()
    rows = [candle(oldest), candle(10, count=5), candle(11), candle(14)]
    rows = [row for row in rows if row.interval_begin >= moment(oldest)]
    assert fed(tracker, [candles(*rows, snapshot=True)]) == [
        row for row in rows if row.interval_begin >= moment(10)
    ]
    assert tracker.repeats == (oldest == 7)


@pytest.mark.parametrize("sent", [None, 3_100_000_000_000])
def test_snapshot_that_does_not_reach_back_is_a_gap(sent: int | None) -> None:
    """Between the candle seen last and the oldest one there is now, some may be missing."""
    tracker = CandleTracker("BTC/USD")
    tracker.accept(candles(candle(10, sent=sent)))
    tracker.restart()
    rows = [candle(12), candle(13)]
    assert fed(tracker, [candles(*rows, snapshot=True), candles(snapshot=True)]) == [
        Gap(
            "ohlc",
            "BTC/USD",
            GapReason.CANDLE,
            moment(11),
            moment(12),
            None,
            Timestamp(sent or moment(10)),
            moment(12),
        ),
        *rows,
    ]


def test_candle_of_an_interval_that_is_over_is_taken_out() -> None:
    """Nothing follows the final state of a candle."""
    tracker = CandleTracker("BTC/USD")
    assert fed(tracker, [candles(candle(5)), candles(candle(4)), candles(candle(5, 2))]) == [
        candle(5),
        candle(5, 2),
    ]
    assert tracker.repeats == 1


def test_numbered_messages_pass_as_they_are() -> None:
    """From 1 on, one after the other; an empty snapshot and a message without a number too."""
    tracker = SequenceTracker("executions")
    messages = [numbered(1, records=0), numbered(2), numbered(None), numbered(3, records=2)]
    for message in messages:
        assert tracker.accept(message) is message.records


def test_missing_message_is_told() -> None:
    """A jump gives a gap before the message, even before the first one; its records go on."""
    tracker = SequenceTracker("executions")
    first, *records = tracker.accept(numbered(3, records=2))
    assert first == Gap("executions", None, GapReason.SEQUENCE, 1, 3, 2, None, Timestamp(3))
    assert records == list(numbered(3, records=2).records)
    gap, _ = tracker.accept(numbered(5))
    assert gap == Gap("executions", None, GapReason.SEQUENCE, 4, 5, 1, Timestamp(3), Timestamp(5))


def test_repeated_message_is_taken_out() -> None:
    """A message whose number was there before delivers nothing."""
    tracker = SequenceTracker("balances")
    tracker.accept(numbered(1))
    tracker.accept(numbered(4))
    assert list(tracker.accept(numbered(4))) == []
    assert list(tracker.accept(numbered(2))) == []
    assert tracker.repeats == 2


def test_subscribing_anew_numbers_anew() -> None:
    """After a restart the next snapshot is number 1, and knows of no time before."""
    tracker = SequenceTracker("executions")
    fed(tracker, [numbered(1), numbered(2)])
    tracker.restart()
    for number in (1, 2):
        message = replace(numbered(number), snapshot=number == 1)
        assert tracker.accept(message) is message.records
    tracker.restart()
    gap, _ = tracker.accept(replace(numbered(2), snapshot=True))
    assert isinstance(gap, Gap)
    assert (gap.expected, gap.from_time) == (1, None)


def test_what_is_left_of_a_subscription_passes() -> None:
    """It was on its way when the next was asked for: its numbers are those of the one before."""
    tracker = SequenceTracker("executions")
    fed(tracker, [numbered(1), numbered(5)])
    tracker.restart()
    left = [numbered(6), numbered(7), replace(numbered(1), snapshot=True), numbered(2)]
    assert [tracker.accept(message) for message in left] == [each.records for each in left]
    assert isinstance(tracker.accept(numbered(4))[0], Gap)


def test_without_a_snapshot_counting_starts_anywhere() -> None:
    """Nobody says where; from there on each number counts, and after a restart again."""
    tracker = SequenceTracker("executions", snapshot=False)
    for _ in range(2):
        assert tracker.accept(numbered(7)) == numbered(7).records
        assert isinstance(tracker.accept(numbered(9))[0], Gap)
        tracker.restart()


def test_where_counting_starts_anywhere_the_snapshot_is_the_beginning() -> None:
    """What comes before it passes; from it on each number is the next, and so it is anew."""
    tracker = SequenceTracker("own_trades", from_one=False)
    for first in (3, 7):
        begins = replace(numbered(first), snapshot=True)
        for message in (numbered(first - 1), begins, numbered(first + 1)):
            assert tracker.accept(message) == message.records
        gap, _ = tracker.accept(numbered(first + 3))
        assert isinstance(gap, Gap)
        assert (gap.expected, gap.received, gap.size) == (first + 2, first + 3, 1)
        tracker.restart()
