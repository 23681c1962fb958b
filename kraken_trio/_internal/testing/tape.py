"""What was traded in one pair, and what follows from it: candles and the figures of 24 hours.

Knows how trades are added up, in whole numbers of the pair's smallest steps; nothing of a book.

Source: sections "ticker", "trade" and "ohlc" of the WebSocket v2 documentation, and captured
traffic.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from kraken_trio._internal.model.channel import OHLC_INTERVALS
from kraken_trio._internal.testing.frames import CandleRow, TradeRow

CANDLE_SNAPSHOT = 12
"""Candles in a snapshot, at most; captured ones have 9 to 12."""

_SHORTEST = min(OHLC_INTERVALS)
_MINUTE = 60 * 10**9
_DAY_MINUTES = 24 * 60
_PERCENT_STEPS = 100 * 100  # A change is shown in hundredths of a percent.


class Day(NamedTuple):
    """The 24 hours up to now, to the minute."""

    volume: int
    """Quantity traded."""
    vwap: int
    """Volume-weighted average price."""
    low: int
    """Lowest price."""
    high: int
    """Highest price."""
    change: int
    """From the first price to the last."""
    change_pct: int
    """The same in hundredths of a percent."""
    trades: int
    """How many."""


class _Candle:
    """The trades of one interval, added up."""

    __slots__ = ("begin", "close", "cost", "high", "low", "open", "trades", "volume")

    def __init__(self, begin: int, price: int) -> None:
        self.begin = begin
        self.open = self.high = self.low = self.close = price
        self.cost = 0  # In steps of the price times steps of the quantity.
        self.volume = 0
        self.trades = 0

    def add(self, price: int, qty: int) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.cost += price * qty
        self.volume += qty
        self.trades += 1

    def row(self) -> CandleRow:
        return CandleRow(
            begin=self.begin,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            trades=self.trades,
            volume=self.volume,
            vwap=rounded(self.cost, self.volume),
        )


class Tape:
    """The trades of one pair, in their order. There has been at least one when it is asked."""

    def __init__(self, kept_trades: int) -> None:
        """Nothing was traded yet; so many of the latest trades are to be kept."""
        self.trades: deque[TradeRow] = deque(maxlen=kept_trades)
        """The latest ones, oldest first."""
        self._candles: dict[int, deque[_Candle]] = {
            # Of the shortest as many as the figures of a day are made of.
            interval: deque(maxlen=_DAY_MINUTES if interval == _SHORTEST else CANDLE_SNAPSHOT)
            for interval in OHLC_INTERVALS
        }

    def add(self, trade: TradeRow) -> None:
        """Add the next trade; its time is not before that of the one before."""
        _, price, qty, _, _, at = trade
        self.trades.append(trade)
        for interval, candles in self._candles.items():
            begin = at - at % (interval * _MINUTE)
            if not candles or candles[-1].begin != begin:
                candles.append(_Candle(begin, price))
            candles[-1].add(price, qty)

    def latest(self, count: int) -> list[TradeRow]:
        """The latest trades, oldest first."""
        return list(islice(reversed(self.trades), count))[::-1]

    def candles(self, interval: int, count: int) -> list[CandleRow]:
        """The latest candles of ``interval`` minutes, oldest first; at most ``CANDLE_SNAPSHOT``.

        Intervals without trades have none.
        """
        return [candle.row() for candle in list(self._candles[interval])[-count:]]

    def day(self, now: int) -> Day:
        """What was traded in the 24 hours before ``now``, nanoseconds since the epoch.

        They begin on a full minute. Where nothing was, the last price stands for all others.
        """
        last = self.trades[-1][1]
        first_minute = now - now % _MINUTE - (_DAY_MINUTES - 1) * _MINUTE
        minutes = [c for c in self._candles[_SHORTEST] if c.begin >= first_minute]
        if not minutes:
            return Day(0, last, last, last, 0, 0, 0)
        volume = sum(minute.volume for minute in minutes)
        first = minutes[0].open
        return Day(
            volume=volume,
            vwap=rounded(sum(minute.cost for minute in minutes), volume),
            low=min(minute.low for minute in minutes),
            high=max(minute.high for minute in minutes),
            change=last - first,
            change_pct=rounded(_PERCENT_STEPS * (last - first), first),
            trades=sum(minute.trades for minute in minutes),
        )


def rounded(dividend: int, divisor: int) -> int:
    """The quotient to the nearest whole number, halves up. ``divisor`` is positive."""
    return (2 * dividend + divisor) // (2 * divisor)
