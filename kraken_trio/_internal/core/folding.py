"""Trades folded into what they come to: an average price, candles of any interval.

Pure. Sums are exact, whatever a program's own decimal context is; an average is rounded to
``QUOTIENT_DIGITS`` digits, where the exchange rounds its own to the digits of the pair. Imports
nothing but the vocabulary, and ``depth`` for how much a quotient is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal

from msgspec import Struct

from kraken_trio._internal.core.depth import QUOTIENT_DIGITS
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

_EXACT = Context(prec=300)
_ROUNDED = Context(prec=QUOTIENT_DIGITS)


class Bar(Struct, frozen=True):
    """The trades of one pair in one interval, folded. Intervals without trades have none."""

    symbol: str
    """Such as ``BTC/USD``."""
    begin: Timestamp
    """Start of the interval: a whole number of intervals since the epoch, as the exchange's."""
    end: Timestamp
    """Its end, exclusive."""
    open: Decimal
    """First price."""
    high: Decimal
    """Highest price."""
    low: Decimal
    """Lowest price."""
    close: Decimal
    """Last price."""
    vwap: Decimal
    """Volume-weighted average price."""
    trades: int
    """How many there were."""
    volume: Decimal
    """Base currency."""
    whole: bool
    """Whether it is known that no trade is missing in it: false for the first one, which may have
    begun before, for one that is not over yet, and where a number is missing between two trades."""


class _Running:
    """An interval that is being folded."""

    def __init__(self, trade: Trade, begin: int, *, whole: bool) -> None:
        self.symbol, self.begin, self.whole = trade.symbol, begin, whole
        self.open = self.high = self.low = self.close = trade.price
        self.volume = self.worth = Decimal(0)
        self.trades = 0

    def add(self, trade: Trade) -> None:
        price = self.close = trade.price
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.volume = _EXACT.add(self.volume, trade.qty)
        self.worth = _EXACT.fma(price, trade.qty, self.worth)
        self.trades += 1

    def bar(self, interval_ns: int, *, over: bool) -> Bar:
        average = _ROUNDED.divide(self.worth, self.volume) if self.volume else self.close
        return Bar(
            symbol=self.symbol,
            begin=Timestamp(self.begin),
            end=Timestamp(self.begin + interval_ns),
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            vwap=average,
            trades=self.trades,
            volume=self.volume,
            whole=self.whole and over,
        )


class Folder:
    """Folds the trades of any number of pairs into candles, as they come."""

    def __init__(self, interval_s: float) -> None:
        """Fold into intervals of so many seconds; ``ValueError`` below a nanosecond."""
        self._interval_ns = round(interval_s * NANOSECONDS)
        if self._interval_ns < 1:
            msg = f"interval_s must be above 0, is {interval_s}"
            raise ValueError(msg)
        self._running: dict[str, _Running] = {}
        self._last: dict[str, int] = {}

    def add(self, item: Trade | Gap) -> Bar | None:
        """Take a trade, or the gap before one; give the candle that is over by it.

        A trade of an interval that is over, or that was there before, means nothing any more.
        """
        if isinstance(item, Gap):
            if item.symbol is not None and item.channel == "trade":
                self._last.pop(item.symbol, None)
                running = self._running.get(item.symbol)
                if running is not None:
                    running.whole = False
            return None
        last = self._last.get(item.symbol)
        if last is not None and item.trade_id <= last:
            return None
        begin = item.timestamp - item.timestamp % self._interval_ns
        running, over = self._running.get(item.symbol), None
        follows = last is not None and item.trade_id == last + 1
        self._last[item.symbol] = item.trade_id
        if running is not None and begin < running.begin:
            running.whole = False
            return None
        if running is not None and not follows:
            running.whole = False
        if running is None or begin > running.begin:
            if running is not None:
                over = running.bar(self._interval_ns, over=True)
            running = self._running[item.symbol] = _Running(item, begin, whole=follows)
        running.add(item)
        return over

    def running(self) -> tuple[Bar, ...]:
        """Give the candles that are not over yet, as they stand."""
        return tuple(each.bar(self._interval_ns, over=False) for each in self._running.values())


def fold_candles(trades: Iterable[Trade | Gap], interval_s: float) -> Iterator[Bar]:
    """Fold trades, in their order, into candles of so many seconds; the unfinished ones last."""
    folder = Folder(interval_s)
    for trade in trades:
        over = folder.add(trade)
        if over is not None:
            yield over
    yield from folder.running()


def trade_vwap(trades: Iterable[Trade]) -> Decimal | None:
    """Give the volume-weighted average price of some trades; None of none."""
    volume = worth = Decimal(0)
    for trade in trades:
        volume = _EXACT.add(volume, trade.qty)
        worth = _EXACT.fma(trade.price, trade.qty, worth)
    return _ROUNDED.divide(worth, volume) if volume else None
