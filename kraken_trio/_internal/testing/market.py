"""A small market that never was: books, trades and their frames, all from one seed.

Prices and quantities are whole numbers of the pair's smallest steps (ticks and lots); checksums
are made from them here, with the CRC-32 of the standard library. It has no clock: time goes on
by itself with each step. What it does depends on the seed alone, never on who watches.

Source: sections "book", "trade" and "Checklist for a faithful simulator" of the WebSocket v2
documentation, and captured traffic.
"""

from __future__ import annotations

import random
import zlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from kraken_trio._internal.model.channel import BOOK_DEPTHS
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.frames import Rows, TradeRow, book_frame, trade_frame

MAX_PRECISION = 10
"""Decimals of a price or a quantity at most."""
TRADE_SNAPSHOT = 50
"""Trades in a snapshot."""
CHECKED_LEVELS = 10
"""Levels a side under a checksum, whatever the depth."""

_MICROSECOND = 1000
_SECOND = 10**9
_STEP_MICROSECONDS = range(100, 20_000)
_LEVELS = 1500  # A side at the start: more than the deepest window, so that levels slide in.
_LEAST_TICKS = 2  # Room for one bid under the first ask.
_TAKERS = ("buy", "sell")
_TRADE_SHARE = 0.1  # Of the steps.
_NEAR_SHARE = 0.9  # Of the changes; the others are anywhere in the book.
_CHANGE_SHARE = 0.3  # Of the changes; the others add or remove a level.
_INSIDE_SHARE = 0.5  # Of the added levels, while the spread is wide: they close it again.
_WHOLE_SHARE = 0.7  # Of the fills; the others leave some of the level for the next one.


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
    """``book`` or ``trade``."""
    symbol: str
    """Such as ``BTC/USD``."""
    depth: int | None
    """Of the subscription that it is for; None for trades."""
    at: Timestamp
    """When it happened."""
    frame: bytes
    """As the exchange would print it."""


class _Side:
    """One side of a book. A key is a price, negative for bids: the lowest key is the best."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.changes: list[tuple[int, int]] = []
        """What the step under way did: keys and their new lots, in order."""

    def put(self, key: int, lots: int) -> None:
        """Set the quantity at a price; zero removes it."""
        if not lots:
            del self.lots[key]
            del self.keys[bisect_left(self.keys, key)]
        else:
            if key not in self.lots:
                insort(self.keys, key)
            self.lots[key] = lots
        self.changes.append((key, lots))

    def rows(self, depth: int) -> list[tuple[int, int]]:
        """The best levels, best first, as prices and quantities."""
        return [(self.sign * key, self.lots[key]) for key in self.keys[:depth]]

    def update(self, before: list[int], depth: int) -> list[tuple[int, int]]:
        """What a client must be told that holds ``before`` and wants the best ``depth`` levels.

        The changes that concern it, in order, so one price may come twice. Levels that slide
        into its window come right after the first removal, and not sorted; those that are pushed
        out of it are not mentioned.
        """
        after = self.keys[:depth]
        held, concerned = set(before), {*before, *after}
        rows: list[tuple[int, int]] = []
        for key, lots in self.changes:
            if key in concerned and (lots or key in held):
                rows.append((self.sign * key, lots))
                if lots:
                    held.add(key)
                else:
                    held.remove(key)
        refill = [(self.sign * key, self.lots[key]) for key in after if key not in held]
        place = next((i for i, (_, lots) in enumerate(rows, 1) if not lots), len(rows))
        rows[place:place] = reversed(refill)
        return rows


class _Book:
    """The market of one pair. Neither side is ever empty, and they never cross."""

    def __init__(self, pair: MarketPair, dice: random.Random, now: int) -> None:
        self.precisions = (pair.price_precision, pair.qty_precision)
        self.changed_at = now
        self.watched: set[int] = set()
        self.bids = _Side(-1)
        self.asks = _Side(1)
        self.trades: deque[TradeRow] = deque(maxlen=TRADE_SNAPSHOT)
        self._dice = dice
        # So far apart that the levels of one side cover some percent of the price.
        self._gap = max(1, pair.ticks // 50_000)
        self._next_trade_id = dice.randrange(10**6, 10**8)
        for side, key in ((self.bids, 1 - pair.ticks), (self.asks, pair.ticks)):
            while side.sign * key > 0 and len(side.keys) < _LEVELS:
                side.put(key, self._some_lots())
                key += dice.randint(1, 2 * self._gap)  # noqa: PLW2901 - from level to level
            side.changes.clear()
        for age in range(TRADE_SNAPSHOT, 0, -1):
            self._trade(dice.choice(_TAKERS), pair.ticks, self._some_lots(), now - age * _SECOND)

    def keys(self, depth: int) -> tuple[list[int], list[int]]:
        """The keys of the best bids and asks, best first."""
        return self.bids.keys[:depth], self.asks.keys[:depth]

    def rows(self, depth: int) -> tuple[Rows, Rows]:
        """The best bids and asks, best first."""
        return self.bids.rows(depth), self.asks.rows(depth)

    def checksum(self) -> int:
        """CRC-32 of the ten best levels: asks, then bids, each price and quantity as digits."""
        bids, asks = self.rows(CHECKED_LEVELS)
        return zlib.crc32("".join(f"{ticks}{lots}" for ticks, lots in [*asks, *bids]).encode())

    def step(self, now: int) -> list[TradeRow]:
        """Let a little happen; give the trades among it, oldest first."""
        self.changed_at = now
        self.bids.changes.clear()
        self.asks.changes.clear()
        for _ in range(self._dice.randint(1, 3)):
            self._change_a_level(
                *self._dice.choice(((self.bids, self.asks), (self.asks, self.bids)))
            )
        if self._dice.random() < _TRADE_SHARE:
            return self._take(self._dice.choice(_TAKERS), now)
        return []

    def _change_a_level(self, side: _Side, other: _Side) -> None:
        """Let one order come, go or change, mostly near the best price."""
        dice, count = self._dice, len(side.keys)
        near = min(int(dice.expovariate(0.15)), count - 1)
        key = side.keys[near if dice.random() < _NEAR_SHARE else dice.randrange(count)]
        if dice.random() < _CHANGE_SHARE:
            side.put(key, self._some_lots())
        elif count > 1 and dice.randrange(2 * _LEVELS) < count:
            side.put(key, 0)  # The more there are, the likelier, so their number stays the same.
        else:
            spread = side.keys[0] + other.keys[0]
            if spread > 2 * self._gap and dice.random() < _INSIDE_SHARE:
                key = side.keys[0] - dice.randrange(spread)
            else:
                key += dice.randint(-2 * self._gap, 2 * self._gap)
            if side.sign * key > 0 and key + other.keys[0] > 0:
                side.put(key, self._some_lots())

    def _take(self, taker: str, now: int) -> list[TradeRow]:
        """Let an order take from the best levels of the other side; give its fills.

        Several orders rest at one price, so the price comes once for each of them.
        """
        dice = self._dice
        side = self.asks if taker == "buy" else self.bids
        order_type = dice.choice(("limit", "market"))
        fills: list[TradeRow] = []
        for left in range(dice.randrange(3), -1, -1):
            key = side.keys[0]
            if len(side.keys) == 1:
                break
            open_lots = side.lots[key] if left else dice.randint(1, side.lots[key])
            while open_lots:
                lots = open_lots if dice.random() < _WHOLE_SHARE else dice.randint(1, open_lots)
                open_lots -= lots
                side.put(key, side.lots[key] - lots)
                fills.append(self._trade(taker, side.sign * key, lots, now, order_type))
        return fills

    def _trade(
        self, taker: str, ticks: int, lots: int, at: int, order_type: str = "limit"
    ) -> TradeRow:
        """Number a trade, and keep it for the snapshot."""
        trade = (taker, ticks, lots, order_type, self._next_trade_id, at)
        self._next_trade_id += 1
        self.trades.append(trade)
        return trade

    def _some_lots(self) -> int:
        """A quantity: small ones, with many zeros, are as likely as large ones."""
        return self._dice.randrange(1, 10 ** self._dice.randint(1, self.precisions[1] + 1))


class Market:
    """Some pairs, whose books and trades go on step by step.

    The same pairs, seed and start give the same frames, to the byte.
    """

    def __init__(self, pairs: Iterable[MarketPair], *, seed: int, start: int) -> None:
        """Open the market of ``pairs``, at least one, at ``start`` nanoseconds since the epoch."""
        self._dice = random.Random(seed)  # noqa: S311 - chance that is meant to be foreseen
        self._now = start
        self._books: dict[str, _Book] = {}
        for pair in pairs:
            if pair.symbol in self._books:
                raise ConfigurationError(
                    field="pairs",
                    rule=f"must hold each symbol once, holds {pair.symbol} twice",
                    mend="Leave one out",
                )
            self._books[pair.symbol] = _Book(pair, self._dice, start)
        if not self._books:
            raise ConfigurationError(
                field="pairs", rule="must hold at least one pair", mend="Give one"
            )

    @property
    def symbols(self) -> tuple[str, ...]:
        """The pairs, in the order given."""
        return tuple(self._books)

    @property
    def now(self) -> Timestamp:
        """The market's own time: that of the latest step."""
        return Timestamp(self._now)

    def watch(self, symbol: str, depth: int) -> None:
        """From now on, give updates of this book at this depth. Take its snapshot first."""
        self._book(symbol, depth).watched.add(depth)

    def unwatch(self, symbol: str, depth: int) -> None:
        """Give none any more."""
        self._book(symbol, depth).watched.discard(depth)

    def book_snapshot(self, symbol: str, depth: int) -> bytes:
        """The frame of the whole book as it stands, best levels first."""
        book = self._book(symbol, depth)
        return self._book_frame("snapshot", symbol, book, *book.rows(depth))

    def trade_snapshot(self, symbol: str) -> bytes:
        """The frame of the latest 50 trades, oldest first."""
        book = self._book(symbol)
        return trade_frame("snapshot", symbol, book.trades, precisions=book.precisions)

    def step(self) -> list[MarketEvent]:
        """Let something happen to one pair, some milliseconds later.

        Gives the book's update for each depth that is watched and where it shows, then the
        trades, if there were any, in one frame.
        """
        self._now += self._dice.choice(_STEP_MICROSECONDS) * _MICROSECOND
        symbol, book = self._dice.choice(list(self._books.items()))
        before = {depth: book.keys(depth) for depth in sorted(book.watched)}
        trades = book.step(self._now)
        events: list[MarketEvent] = []
        for depth, (bids_before, asks_before) in before.items():
            bids = book.bids.update(bids_before, depth)
            asks = book.asks.update(asks_before, depth)
            if bids or asks:
                frame = self._book_frame("update", symbol, book, bids, asks)
                events.append(MarketEvent("book", symbol, depth, self.now, frame))
        if trades:
            frame = trade_frame("update", symbol, trades, precisions=book.precisions)
            events.append(MarketEvent("trade", symbol, None, self.now, frame))
        return events

    def _book(self, symbol: str, depth: int = BOOK_DEPTHS[0]) -> _Book:
        for field, value, known in (
            ("symbol", symbol, self._books),
            ("depth", depth, BOOK_DEPTHS),
        ):
            if value not in known:
                raise ConfigurationError(
                    field=field,
                    rule=f"must be one of {', '.join(map(str, known))}, is {value}",
                    mend="Choose one of these",
                )
        return self._books[symbol]

    def _book_frame(self, kind: str, symbol: str, book: _Book, bids: Rows, asks: Rows) -> bytes:
        return book_frame(
            kind,
            symbol,
            bids=bids,
            asks=asks,
            precisions=book.precisions,
            checksum=book.checksum(),
            at=book.changed_at,
        )
