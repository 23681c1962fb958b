"""One pair, as it is shown: its card, its tape, its candles, its line of prices.

Nothing here is made up: what nobody told is None, and a price is a string of all its digits.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from kraken_trio import BookSnapshot, Candle, Level, Ticker, Trade
from kraken_trio._internal.apps.text import digits
from kraken_trio.extended import imbalance

TAPE: Final = 200
"""Trades that are kept."""
CANDLES: Final = 300
"""Candles of one interval that are kept."""
POINTS: Final = 90
"""Of the line of prices."""
POINT_MS: Final = 2_000
"""From one point of it to the next, at least: three minutes, where trades are many."""
LEVELS: Final = 25
"""Of each side of a book that are shown."""

Card = dict[str, Any]
"""What a page is told of a pair."""

_FOUR = Decimal("0.0001")


def plain(number: Decimal | None) -> str | None:
    """A number as a page has it."""
    return None if number is None else digits(number)


class Pair:
    """One pair."""

    def __init__(self, symbol: str, since: int) -> None:
        """Nothing is known of it yet; it is wanted ``since`` so many milliseconds."""
        self.symbol = symbol
        """Such as ``BTC/USD``."""
        self.since = since
        """When it was asked for."""
        self.version = 0
        """Rises whenever its card changes."""
        self.ticker: Ticker | None = None
        """The last one."""
        self.last: Decimal | None = None
        """The last price."""
        self.direction = 0
        """Whether that is above the one before, 1, or below, -1; 0 where there was none before."""
        self.updated: int | None = None
        """When it last changed."""
        self.trade_count = 0
        """Trades there were."""
        self.live = False
        """Whether a trade came as it was made. The latest ones, which a subscription begins with,
        are those from then on that were missed while the connection was away."""
        self.tape: deque[Trade] = deque(maxlen=TAPE)
        """The last of them, newest last."""
        self.points: deque[tuple[int, Decimal]] = deque(maxlen=POINTS)
        """Prices at their times, in milliseconds."""
        self.candles: dict[int, Candles] = {}
        """By interval."""
        self._sparked = -1
        self._line: list[list[object]] = []

    def add(self, record: object, now: int) -> None:
        """Take a record of it, that came ``now``."""
        match record:
            case Ticker():
                self.ticker = record
                if not self.trade_count:
                    self._price(record.last)
            case Trade():
                self.trade_count += 1
                self.live = self.live or not record.snapshot
                self.tape.append(record)
                self._price(record.price)
                # What is old has the exchange's time; that of the others is this machine's, so that
                # a clock that is wrong elsewhere does not bend the line.
                old = record.snapshot or record.backfilled
                self._point(min(record.timestamp // 1_000_000, now) if old else now, record.price)
            case Candle():
                self.candles.setdefault(record.interval, Candles()).add(record)
                return
            case _:
                return
        self.version += 1
        self.updated = now

    def card(self, status: str | None, best: tuple[Level | None, Level | None] | None) -> Card:
        """Its card. ``best`` are those of its live book, which are newer than a ticker's."""
        ticker = self.ticker
        bid, ask = best or (None, None)
        bid_price = bid.price if bid else ticker.bid if ticker else None
        ask_price = ask.price if ask else ticker.ask if ticker else None
        spread = None if bid_price is None or ask_price is None else ask_price - bid_price
        return {
            "last": plain(self.last),
            "change": plain(None if ticker is None else ticker.change),
            "change_pct": plain(None if ticker is None else ticker.change_pct),
            "high": plain(None if ticker is None else ticker.high),
            "low": plain(None if ticker is None else ticker.low),
            "volume": plain(None if ticker is None else ticker.volume),
            "vwap": plain(None if ticker is None else ticker.vwap),
            "bid": plain(bid_price),
            "ask": plain(ask_price),
            "spread": plain(spread),
            "direction": self.direction,
            "status": status,
            "spark": self._spark(),
            "updated": self.updated,
        }

    def trades_since(self, count: int, most: int) -> list[dict[str, Any]]:
        """Those that came when ``count`` had been there, newest last, the last of them."""
        new = min(self.trade_count - count, len(self.tape), most)
        return [_trade(trade) for trade in islice(self.tape, len(self.tape) - max(new, 0), None)]

    def _spark(self) -> list[list[object]]:
        """The line of prices, made once for each change: several are shown it."""
        if self._sparked != self.version:
            self._sparked = self.version
            self._line = [[time, digits(price)] for time, price in self.points]
        return self._line

    def _price(self, price: Decimal) -> None:
        if self.last is not None and price != self.last:
            self.direction = 1 if price > self.last else -1
        self.last = price

    def _point(self, time: int, price: Decimal) -> None:
        begin = time // POINT_MS * POINT_MS
        if self.points and begin <= self.points[-1][0]:
            self.points[-1] = self.points[-1][0], price
        else:
            self.points.append((begin, price))


class Candles:
    """Those of one interval."""

    def __init__(self) -> None:
        """There are none yet."""
        self.version = 0
        """Rises with each that comes."""
        self._items: dict[int, tuple[int, Candle]] = {}

    def add(self, candle: Candle) -> None:
        """Take one: a new one, or what became of one."""
        self.version += 1
        self._items[candle.interval_begin] = self.version, candle
        if len(self._items) > CANDLES:
            del self._items[min(self._items)]

    def since(self, version: int) -> list[dict[str, Any]]:
        """Those that changed after that, oldest first."""
        return [
            _candle(candle)
            for _, (changed, candle) in sorted(self._items.items())
            if changed > version
        ]


def ladder(book: BookSnapshot | None, state: str, verified: int, mismatches: int) -> dict[str, Any]:
    """A book as it is shown: best levels first; empty while it may not be believed."""
    bids = () if book is None else book.bids[:LEVELS]
    asks = () if book is None else book.asks[:LEVELS]
    mid = spread = leaning = None
    if bids and asks:
        spread = asks[0].price - bids[0].price
        mid = (asks[0].price + bids[0].price) / 2
        leaning = imbalance(book, levels=10) if book is not None else None
    return {
        "bids": [[digits(level.price), digits(level.qty)] for level in bids],
        "asks": [[digits(level.price), digits(level.qty)] for level in asks],
        "verified": verified,
        "mismatches": mismatches,
        "state": state,
        "time": None if book is None or book.timestamp is None else book.timestamp // 1_000_000,
        "mid": plain(mid),
        "spread": plain(spread),
        "imbalance": None if leaning is None else plain(leaning.quantize(_FOUR)),
    }


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "time": trade.timestamp // 1_000_000,
        "side": trade.side,
        "price": digits(trade.price),
        "qty": digits(trade.qty),
        "type": trade.ord_type,
    }


def _candle(candle: Candle) -> dict[str, Any]:
    return {
        "t": candle.interval_begin // 1_000_000,
        "o": digits(candle.open),
        "h": digits(candle.high),
        "l": digits(candle.low),
        "c": digits(candle.close),
        "v": digits(candle.volume),
        "n": candle.trades,
    }
