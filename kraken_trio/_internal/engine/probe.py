"""What the snapshot of a subscription that was asked for anew says about the one before.

A subscription that was silent for long is left and asked for anew (``core.silence`` says when). If
its snapshot says what was known, its market was quiet. If not, something was kept from us, or it
happened while we were not subscribed, for which the exchange's own times are asked. Knows how two
states of a channel are compared; nothing of what is done about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from msgspec import Struct

from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.messages import Record
from kraken_trio._internal.model.records import BookSnapshot, Candle, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp

FEW = 3
"""Levels, or orders, that one event in a market may well take away. Ours."""


class Probe(Struct, frozen=True):
    """A subscription that was left to be asked for anew."""

    confirmed_at: Timestamp | None = None
    """When it had been confirmed, by the exchange's clock; None where nobody knows."""
    left_at: Timestamp | None = None
    """When it was left; likewise."""

    def verdict(self, at: Timestamp | None) -> GapReason:
        """What was wrong, where something happened ``at`` a time, at the latest, and was not told:
        ``STALLED``, unless we had left by then.
        """
        if at is not None and self.left_at is not None and at > self.left_at:
            return GapReason.DISCONNECT
        return GapReason.STALLED

    def since_confirmed(self, at: Timestamp) -> bool:
        """Whether what happened then should have been told; as far as that is known."""
        return self.confirmed_at is not None and at > self.confirmed_at


def same_book(one: BookSnapshot | Level3Snapshot, other: BookSnapshot | Level3Snapshot) -> bool:
    """Whether two books hold the same."""
    return one.bids == other.bids and one.asks == other.asks


def mostly_other(one: BookSnapshot | Level3Snapshot, other: BookSnapshot | Level3Snapshot) -> bool:
    """Whether most of what a book held is gone: more than a moment can have done to a quiet one."""
    held = {*one.bids, *one.asks}
    gone = len(held.difference(other.bids, other.asks))
    return gone > FEW and 2 * gone > len(held)


def same_ticker(one: Ticker, other: Ticker, *, by_trades: bool) -> bool:
    """Whether nothing happened between two tickers that would have made another one: a trade, or a
    change of the best levels. The rest of them changes with the clock.
    """
    if by_trades:
        return one.last == other.last
    return (one.bid, one.bid_qty, one.ask, one.ask_qty) == (
        other.bid,
        other.bid_qty,
        other.ask,
        other.ask_qty,
    )


def newer(records: Iterable[Record], last: Record | None) -> list[Trade | Candle]:
    """Give what is news, of trades or candles, after the one seen last; all, where there is none.

    The running candle is news when it has changed.
    """
    return [cast("Trade | Candle", each) for each in records if not _known(each, last)]


def over_at(record: Trade | Candle) -> Timestamp:
    """By when it had happened: of a candle, whose trades have no times here, that is its end."""
    return record.timestamp if isinstance(record, Trade) else record.interval_end


def begun_at(record: Trade | Candle) -> Timestamp:
    """From when on it can have happened."""
    return record.timestamp if isinstance(record, Trade) else record.interval_begin


def stalled(probe: Probe, news: Sequence[Trade | Candle]) -> bool:
    """Whether any of these should have been told."""
    return any(probe.verdict(over_at(each)) is GapReason.STALLED for each in news)


def _known(record: Record, last: Record | None) -> bool:
    """Whether a trade or a candle says nothing that the one seen last did not."""
    if isinstance(record, Trade) and isinstance(last, Trade):
        return record.trade_id <= last.trade_id
    if isinstance(record, Candle) and isinstance(last, Candle):
        if record.interval_begin != last.interval_begin:
            return record.interval_begin < last.interval_begin
        return (record.trades, record.volume, record.close) == (
            last.trades,
            last.volume,
            last.close,
        )
    return False
