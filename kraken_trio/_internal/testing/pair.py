"""One pair's market: its book and its trades as frames, and as the records that they are.

Knows who wants to be told of what, and prints it. It has no clock and no dice of its own.

Source: the channels' sections of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal, cast

from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.records import BookSnapshot, Candle, Level, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.book import Allowed, SeededBook
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
from kraken_trio._internal.testing.level3 import PairLevel3
from kraken_trio._internal.testing.tape import CANDLE_SNAPSHOT

MAX_PRECISION = 10
"""Decimals of a price or a quantity at most."""
TRADE_SNAPSHOT = 50
"""Trades in a snapshot."""

Topic = tuple[str, str | None, int | str | None]
"""What a frame is about: channel, symbol, and the depth, interval or trigger where it has one."""

_LEAST_TICKS = 2  # Room for one bid under the first ask.
_LEAST_MOST_LOTS = 99  # So that quantities differ, however dear the smallest of them is.


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
    largest_order: Decimal = Decimal(100_000)
    """What the largest orders are worth, in the quote asset, to the order of magnitude. Those of
    each smaller order of magnitude are as many, so most have few digits."""
    levels: int = 1500
    """A side of its book at the start, and about so many later. The default is more than the
    deepest subscription shows; a thin book costs less."""
    activity: int = 1
    """How much happens in it, compared with the other pairs of a market: 1 or more."""
    kept_trades: int = 10_000
    """How many of its latest trades a market remembers: 50 or more, as many as a snapshot has."""

    def __post_init__(self) -> None:
        """Check it; raises ``ConfigurationError``."""
        base, slash, quote = self.symbol.partition("/")
        if not (base and slash and quote) or "/" in quote:
            raise ConfigurationError(
                field="symbol",
                rule=f"must be two assets with a slash between, is {self.symbol}",
                mend="Write it like BTC/USD",
            )
        for field in ("levels", "activity", "largest_order"):
            if getattr(self, field) <= 0:
                raise ConfigurationError(
                    field=field,
                    rule=f"must be more than 0, is {getattr(self, field)}",
                    mend="Leave it out for the default",
                )
        if self.kept_trades < TRADE_SNAPSHOT:
            raise ConfigurationError(
                field="kept_trades",
                rule=f"must be {TRADE_SNAPSHOT} or more, is {self.kept_trades}",
                mend="Leave it out for the default",
            )
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

    @property
    def most_lots(self) -> int:
        """The quantity of the largest orders, in smallest steps, to the order of magnitude."""
        lots = Fraction(self.largest_order) / Fraction(self.price) * 10**self.qty_precision
        return max(_LEAST_MOST_LOTS, int(lots))


class MarketEvent(Struct, frozen=True):
    """One frame that those who subscribed to it are to be sent."""

    channel: str
    """``book``, ``level3``, ``trade``, ``ticker`` or ``ohlc``."""
    symbol: str
    """Such as ``BTC/USD``."""
    depth: int | None
    """Of the subscription that it is for; ``book`` and ``level3`` alone."""
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

    def __init__(
        self, pair: MarketPair, dice: random.Random, now: int, *, orders_seed: str = ""
    ) -> None:
        """Open it at ``now``, nanoseconds since the epoch; ``dice`` decide about everything.

        Its book is made when it is first needed, which changes nothing about it; so are the orders
        behind that, of which ``orders_seed`` decides.
        """
        self.pair = pair
        """The pair."""
        self.depths: set[int] = set()
        """Of the books that are watched."""
        self.intervals: set[int] = set()
        """Of the candles that are watched."""
        self.triggers: set[str] = set()
        """Of the tickers that are watched."""
        self._dice = dice
        self._orders_seed = orders_seed
        self._level3: PairLevel3 | None = None
        self._opened_at = now
        self._traded: list[TradeRow] = []
        self._precisions = (pair.price_precision, pair.qty_precision)

    @cached_property
    def _book(self) -> SeededBook:
        return SeededBook(
            self.pair.ticks,
            most_lots=self.pair.most_lots,
            levels=self.pair.levels,
            kept_trades=self.pair.kept_trades,
            dice=self._dice,
            now=self._opened_at,
        )

    @property
    def level3(self) -> PairLevel3:
        """The orders behind its book. Before this is first asked for there are none."""
        if self._level3 is None:
            dice = random.Random(self._orders_seed)  # noqa: S311 - chance, to be foreseen
            self._level3 = PairLevel3(self.pair.symbol, self._precisions, self._book, dice)
        return self._level3

    def step(self, now: int, allowed: Allowed = "all") -> list[MarketEvent]:
        """Let a little happen of what is allowed; give what is to be told of it.

        That is the update of the book, then of its orders, for each depth that is watched and where
        it shows, then the trades, if there were any, in one frame, then ticker and candles.
        """
        return self.told(lambda: self._book.step(now, allowed))

    def remove_best(self, side: Literal["bid", "ask"], now: int) -> list[MarketEvent]:
        """Let the best level of a side go, unless it is the last; give what is to be told."""
        return self.told(lambda: self._book.remove(side, now))

    @property
    def seeded(self) -> SeededBook:
        """Its book."""
        return self._book

    @property
    def traded(self) -> list[TradeRow]:
        """The trades of the latest thing that happened, oldest first."""
        return self._traded

    def told(self, change: Callable[[], list[TradeRow] | None]) -> list[MarketEvent]:
        """Let something happen; give what is to be told of it."""
        book = self._book
        best = book.rows(1) if self.triggers else None
        trades = self._traded = change() or []
        events: list[MarketEvent] = []
        for depth in sorted(self.depths):
            bids, asks = book.bids.update(depth), book.asks.update(depth)
            if bids or asks:
                events.append(self._event("book", self._book_frame("update", bids, asks), depth))
        if self._level3 is not None and self._level3.watched:
            for depth, frame in self._level3.updates():
                events.append(self._event("level3", frame, depth))
        if trades:
            events.append(self._event("trade", self._trade_frame("update", trades)))
        for trigger in sorted(self.triggers):
            if trades if trigger == "trades" else book.rows(1) != best:
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

    def book_steps(self, depth: int) -> tuple[Rows, Rows]:
        """The book as it stands, in ticks and lots."""
        return self._book.rows(depth)

    def trades(self, latest: int | None = None) -> tuple[Trade, ...]:
        """The trades that are kept, or so many of the latest, oldest first."""
        kept = self._book.tape.trades
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
            for side, ticks, lots, order_type, trade_id, at in (
                kept if latest is None else self._book.tape.latest(latest)
            )
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
