"""What loss looks like in each channel that is not a book.

A tracker sees every message of one subscription, puts a ``Gap`` where records are missing and
takes out what was there before. It never raises, and does nothing about a loss. It outlives
connections: what was missed while there was none is found by the first message of the next.

====================  =========================================================================
channel               evidence
====================  =========================================================================
trade                 ``trade_id`` is consecutive within a pair
ohlc                  after a reconnect, the snapshot does not reach back to what was seen
executions, balances  messages are numbered from 1 with each subscription
ticker, spread        none: each record says all there is to say, so they need no tracker
====================  =========================================================================

Source: the channel pages of the WebSocket v2 documentation, and captured traffic. Imports
nothing but the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import Record, RecordsMessage
from kraken_trio._internal.model.records import Candle, Trade
from kraken_trio._internal.model.timestamp import Timestamp


class Tracker(Protocol):
    """What all trackers have in common."""

    @property
    def repeats(self) -> int:
        """Records that were taken out because they were there before; messages, where messages
        are numbered.
        """
        ...

    @property
    def last(self) -> Record | None:
        """The latest record; None where none came, or they say nothing of each other."""
        ...

    def accept(self, message: RecordsMessage) -> Sequence[Record | Gap]:
        """What to deliver of a message of this subscription, in order.

        A gap stands right before the record that showed it. The message's own tuple comes back
        where there is nothing to say about it.
        """
        ...

    def restart(self) -> None:
        """The exchange is asked for the subscription anew: numbers that it begins anew with that
        begin anew here.
        """
        ...


class TradeTracker:
    """Of the trades of one pair. Their numbers go on whatever happens to connections."""

    __slots__ = ("_last", "_symbol", "repeats")

    def __init__(self, symbol: str) -> None:
        """Start anywhere: the first trade is as good as any."""
        self.repeats = 0
        """Trades that were there before."""
        self._symbol = symbol
        self._last: Trade | None = None

    @property
    def last(self) -> Trade | None:
        """As in ``Tracker``."""
        return self._last

    def accept(self, message: RecordsMessage) -> Sequence[Record | Gap]:
        """As in ``Tracker``. A snapshot after a reconnect overlaps with what was seen."""
        trades = cast("tuple[Trade, ...]", message.records)
        if self._last is None:
            return self._sort_out(trades)
        number = self._last.trade_id
        for trade in trades:
            number += 1
            if trade.trade_id != number:
                return self._sort_out(trades)
        if trades:
            self._last = trades[-1]
        return trades

    def restart(self) -> None:
        """Nothing begins anew: the pair's numbers are its own."""

    def _sort_out(self, trades: tuple[Trade, ...]) -> list[Record | Gap]:
        """Go through trades that are not simply the next ones."""
        kept: list[Record | Gap] = []
        for trade in trades:
            last = self._last
            if last is not None and trade.trade_id != last.trade_id + 1:
                gap = self._jump(last, trade)
                if gap is None:
                    self.repeats += 1
                    continue
                kept.append(gap)
            kept.append(trade)
            self._last = trade
        return kept

    def _jump(self, last: Trade, trade: Trade) -> Gap | None:
        """The gap between two trades; None where the later one was there before."""
        expected = last.trade_id + 1
        size: int | None = trade.trade_id - expected
        if trade.trade_id < expected:
            # No repeat is newer than what it repeats. Should a pair ever be numbered anew, all
            # its trades would be taken for repeats, and be lost without a word.
            if trade.snapshot or trade.timestamp <= last.timestamp:
                return None
            size = None
        return Gap(
            "trade",
            self._symbol,
            GapReason.TRADE_ID,
            expected,
            trade.trade_id,
            size,
            last.timestamp,
            trade.timestamp,
        )


class CandleTracker:
    """Of the candles of one pair and one interval.

    An interval without trades has no candle, so on a connection that lives a jump shows nothing.
    After a reconnect the exchange sends the last candles there are. As long as these reach back
    to the one seen last, or to the next interval, nothing is missing between them; otherwise
    there may be candles in between. How many, nobody can know: the gap has no size.
    """

    __slots__ = ("_last", "_symbol", "repeats")

    def __init__(self, symbol: str) -> None:
        """Start anywhere."""
        self.repeats = 0
        """Candles of intervals that were over already."""
        self._symbol = symbol
        self._last: Candle | None = None

    @property
    def last(self) -> Candle | None:
        """As in ``Tracker``."""
        return self._last

    def accept(self, message: RecordsMessage) -> Sequence[Record | Gap]:
        """As in ``Tracker``. Another state of the interval seen last is no repeat."""
        candles = cast("tuple[Candle, ...]", message.records)
        kept: list[Record | Gap] = []
        if message.snapshot and candles and self._last is not None:
            last, oldest = self._last, candles[0]
            if oldest.interval_begin > last.interval_end:
                kept.append(
                    Gap(
                        "ohlc",
                        self._symbol,
                        GapReason.CANDLE,
                        last.interval_end,
                        oldest.interval_begin,
                        from_time=last.timestamp or last.interval_begin,
                        to_time=oldest.interval_begin,
                    )
                )
        for candle in candles:
            if self._last is not None and candle.interval_begin < self._last.interval_begin:
                self.repeats += 1
            else:
                kept.append(candle)
                self._last = candle
        return kept

    def restart(self) -> None:
        """Nothing begins anew: intervals are where the clock puts them."""


class SequenceTracker:
    """Of a private channel, whose messages are numbered from 1 with each subscription.

    One that is asked for anew, to be made whole, begins with its next snapshot: what comes before
    that was on its way from the one before, and is numbered as that was. Where none comes, as for
    sub-accounts, the next message is the beginning, for nobody says where counting starts; nor does
    anybody where it is not ``from_one``: then a snapshot is the beginning, whatever its number.
    """

    __slots__ = (
        "_begins_with_snapshot",
        "_channel",
        "_expected",
        "_from_one",
        "_last_at",
        "repeats",
    )

    def __init__(self, channel: str, *, snapshot: bool = True, from_one: bool = True) -> None:
        """Start before the first message; ``snapshot`` says whether that is one."""
        self.repeats = 0
        """Messages that were there before."""
        self._channel = channel
        self._begins_with_snapshot = snapshot
        self._from_one = snapshot and from_one
        # None before a subscription that was asked for anew has begun.
        self._expected: int | None = 1 if self._from_one else None
        self._last_at: Timestamp | None = None

    @property
    def last(self) -> None:
        """As in ``Tracker``: what is numbered is messages."""

    def accept(self, message: RecordsMessage) -> Sequence[Record | Gap]:
        """As in ``Tracker``. The times of a gap are those of reading the messages around it.

        A message without a number is passed: nothing can be said about it. So is what was still on
        its way from a subscription that is over.
        """
        expected, sequence = self._expected, message.sequence
        if sequence is None:
            return message.records
        if expected is None:
            if self._begins_with_snapshot and not message.snapshot and sequence != 1:
                return message.records
            expected = 1 if self._from_one else sequence
        if sequence < expected:
            self.repeats += 1
            return ()
        self._expected = sequence + 1
        last_at, self._last_at = self._last_at, message.received_at
        if sequence == expected:
            return message.records
        gap = Gap(
            self._channel,
            None,
            GapReason.SEQUENCE,
            expected,
            sequence,
            sequence - expected,
            last_at,
            message.received_at,
        )
        return (gap, *message.records)

    def restart(self) -> None:
        """Numbers begin anew with the next subscription."""
        self._expected = None
        self._last_at = None
