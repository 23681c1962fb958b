"""One pair's market: its book and its trades as frames, and as the records that they are.

Knows who wants to be told of what, and prints it. It has no clock and no dice of its own.

Source: the channels' sections of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Literal, cast

from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.records import BookSnapshot, Candle, Level, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.book import SeededBook
from kraken_trio._internal.testing.frames import (
    Rows,
    TickerRow,
    TradeRow,
    book_frame,
    candle_frame,
    fixed,
    ticker_frame,
    trade_frame,
)
from kraken_trio._internal.testing.tape import CANDLE_SNAPSHOT

MAX_PRECISION = 10
"""Decimals of a price or a quantity at most."""
TRADE_SNAPSHOT = 50
"""Trades in a snapshot."""

Topic = tuple[str, str | None, int | str | None]
"""What a frame is about: channel, symbol, and the depth, interval or trigger where it has one."""

_LEAST_TICKS = 2  # Room for one bid under the first ask.


class MarketPair(Struct, frozen=True, kw_only=True):
    """A pair to make a market of."""

    symbol: str
    """Such as ``BTC/USD``."""
    price: Decimal
    """Where its market starts: a positive multiple of the smallest step."""
    price_precision: int
    """Decimals of prices, 0 to 10."""
    qty_precision: int
    """Decimals of quantities, 0 to 10."""

    def __post_init__(self) -> None:
        """Check it; raises ``ConfigurationError``."""
        for field in ("price_precision", "qty_precision"):
            if getattr(self, field) not in range(MAX_PRECISION + 1):
                raise ConfigurationError(
                    field=field,
                    rule=f"must be from 0 to {MAX_PRECISION}, is {getattr(self, field)}",
                    mend="Take what the exchange has for the pair",
                )
        scaled = Fraction(self.price) * 10**self.price_precision
        if scaled.denominator != 1 or scaled < _LEAST_TICKS:
            raise ConfigurationError(
                field="price",
                rule=f"must be two smallest steps of {self.price_precision} decimals or more, "
                f"is {self.price}",
                mend="Round it to the precision, or raise that",
            )

    @property
    def ticks(self) -> int:
        """``price`` in smallest steps."""
        return int(Fraction(self.price) * 10**self.price_precision)


class MarketEvent(Struct, frozen=True):
    """One frame that those who subscribed to it are to be sent."""

    channel: str
    """``book``, ``trade``, ``ticker`` or ``ohlc``."""
    symbol: str
    """Such as ``BTC/USD``."""
    depth: int | None
    """Of the subscription that it is for; ``book`` alone."""
    at: Timestamp
    """When it happened."""
    frame: bytes
    """As the exchange would print it."""
    interval: int | None = None
    """Minutes of the candle; ``ohlc`` alone."""
    event_trigger: Literal["trades", "bbo"] | None = None
    """Of the subscription that it is for; ``ticker`` alone."""

    @property
    def topic(self) -> Topic:
        """What it is about."""
        return self.channel, self.symbol, self.depth or self.interval or self.event_trigger


class PairMarket:
    """The market of one pair, and what of it is watched."""

    def __init__(self, pair: MarketPair, dice: random.Random, now: int) -> None:
        """Open it at ``now``, nanoseconds since the epoch; ``dice`` decide about everything."""
        self.pair = pair
        """The pair."""
        self.depths: set[int] = set()
        """Of the books that are watched."""
        self.intervals: set[int] = set()
        """Of the candles that are watched."""
        self.triggers: set[str] = set()
        """Of the tickers that are watched."""
        self._book = SeededBook(pair.ticks, pair.qty_precision, dice, now)
        self._precisions = (pair.price_precision, pair.qty_precision)

    def step(self, now: int) -> list[MarketEvent]:
        """Let a little happen; give what is to be told of it.

        That is the book's update for each depth that is watched and where it shows, then the
        trades, if there were any, in one frame, then ticker and candles.
        """
        book = self._book
        before = {depth: book.keys(depth) for depth in sorted(self.depths)}
        best = book.rows(1)
        trades = book.step(now)
        events: list[MarketEvent] = []
        for depth, (bids_before, asks_before) in before.items():
            bids = book.bids.update(bids_before, depth)
            asks = book.asks.update(asks_before, depth)
            if bids or asks:
                events.append(self._event("book", self._book_frame("update", bids, asks), depth))
        if trades:
            events.append(self._event("trade", self._trade_frame("update", trades)))
        happened = {"trades": bool(trades), "bbo": book.rows(1) != best}
        for trigger in sorted(self.triggers):
            if happened[trigger]:
                frame = self.ticker_frame("update")
                events.append(self._event("ticker", frame, event_trigger=trigger))
        for interval in sorted(self.intervals if trades else ()):
            frame = self.candle_frame("update", interval)
            events.append(self._event("ohlc", frame, interval=interval))
        return events

    def book_snapshot(self, depth: int) -> bytes:
        """The frame of the whole book, best levels first."""
        return self._book_frame("snapshot", *self._book.rows(depth))

    def trade_snapshot(self) -> bytes:
        """The frame of the latest 50 trades, oldest first."""
        return self._trade_frame("snapshot", self._book.tape.latest(TRADE_SNAPSHOT))

    def ticker_frame(self, kind: str) -> bytes:
        """The frame of the ticker as it stands; ``kind`` is ``snapshot`` or ``update``."""
        at = self._book.changed_at
        symbol = self.pair.symbol
        return ticker_frame(kind, symbol, self._ticker(), precisions=self._precisions, at=at)

    def candle_frame(self, kind: str, interval: int) -> bytes:
        """The frame of the latest candles for a ``snapshot``, of the last one for an ``update``."""
        count = CANDLE_SNAPSHOT if kind == "snapshot" else 1
        return candle_frame(
            kind,
            self.pair.symbol,
            self._book.tape.candles(interval, count),
            interval=interval,
            precisions=self._precisions,
            at=self._book.changed_at,
        )

    def book(self, depth: int) -> BookSnapshot:
        """The book as it stands."""
        bids, asks = (
            tuple(Level(self._price(ticks), self._qty(lots)) for ticks, lots in rows)
            for rows in self._book.rows(depth)
        )
        at = Timestamp(self._book.changed_at)
        return BookSnapshot(self.pair.symbol, depth, bids, asks, self._book.checksum(), at)

    def trades(self) -> tuple[Trade, ...]:
        """The trades that are kept, oldest first."""
        return tuple(
            Trade(
                symbol=self.pair.symbol,
                side=cast("Literal['buy', 'sell']", side),
                price=self._price(ticks),
                qty=self._qty(lots),
                ord_type=order_type,
                trade_id=trade_id,
                timestamp=Timestamp(at),
            )
            for side, ticks, lots, order_type, trade_id, at in self._book.tape.trades
        )

    def ticker(self) -> Ticker:
        """The ticker as it stands."""
        row = self._ticker()
        return Ticker(
            symbol=self.pair.symbol,
            bid=self._price(row.bid),
            bid_qty=self._qty(row.bid_qty),
            ask=self._price(row.ask),
            ask_qty=self._qty(row.ask_qty),
            last=self._price(row.last),
            volume=self._qty(row.volume),
            vwap=self._price(row.vwap),
            low=self._price(row.low),
            high=self._price(row.high),
            change=self._price(row.change),
            change_pct=Decimal(fixed(row.change_pct, 2)),
            trades=row.trades,
            timestamp=Timestamp(self._book.changed_at),
        )

    def candles(self, interval: int) -> tuple[Candle, ...]:
        """The latest candles, oldest first."""
        return tuple(
            Candle(
                symbol=self.pair.symbol,
                interval=interval,
                interval_begin=Timestamp(row.begin),
                open=self._price(row.open),
                high=self._price(row.high),
                low=self._price(row.low),
                close=self._price(row.close),
                vwap=self._price(row.vwap),
                trades=row.trades,
                volume=self._qty(row.volume),
                timestamp=Timestamp(self._book.changed_at),
            )
            for row in self._book.tape.candles(interval, CANDLE_SNAPSHOT)
        )

    def _ticker(self) -> TickerRow:
        day = self._book.tape.day(self._book.changed_at)
        ((bid, bid_qty),), ((ask, ask_qty),) = self._book.rows(1)
        return TickerRow(
            bid=bid,
            bid_qty=bid_qty,
            ask=ask,
            ask_qty=ask_qty,
            last=self._book.tape.trades[-1][1],
            volume=day.volume,
            vwap=day.vwap,
            low=day.low,
            high=day.high,
            change=day.change,
            change_pct=day.change_pct,
            trades=day.trades,
        )

    def _book_frame(self, kind: str, bids: Rows, asks: Rows) -> bytes:
        return book_frame(
            kind,
            self.pair.symbol,
            bids=bids,
            asks=asks,
            precisions=self._precisions,
            checksum=self._book.checksum(),
            at=self._book.changed_at,
        )

    def _trade_frame(self, kind: str, trades: list[TradeRow]) -> bytes:
        return trade_frame(kind, self.pair.symbol, trades, precisions=self._precisions)

    def _event(
        self,
        channel: str,
        frame: bytes,
        depth: int | None = None,
        *,
        interval: int | None = None,
        event_trigger: str | None = None,
    ) -> MarketEvent:
        return MarketEvent(
            channel,
            self.pair.symbol,
            depth,
            Timestamp(self._book.changed_at),
            frame,
            interval,
            cast("Literal['trades', 'bbo'] | None", event_trigger),
        )

    def _price(self, ticks: int) -> Decimal:
        return Decimal(fixed(ticks, self._precisions[0]))

    def _qty(self, lots: int) -> Decimal:
        return Decimal(fixed(lots, self._precisions[1]))


USUAL_PAIRS = (
    MarketPair(symbol="BTC/USD", price=Decimal("62800.0"), price_precision=1, qty_precision=8),
    MarketPair(symbol="ETH/USD", price=Decimal("1770.00"), price_precision=2, qty_precision=8),
    MarketPair(symbol="SOL/USD", price=Decimal("78.50"), price_precision=2, qty_precision=8),
    MarketPair(symbol="XRP/USD", price=Decimal("1.33000"), price_precision=5, qty_precision=8),
    MarketPair(symbol="DOGE/USD", price=Decimal("0.0912000"), price_precision=7, qty_precision=8),
)
"""Some pairs to make a market of, with precisions such as the exchange has for them."""
