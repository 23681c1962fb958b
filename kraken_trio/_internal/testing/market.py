"""A small market that never was: the frames about some pairs, all from one seed.

Knows the pairs and whose turn it is. It has no clock: time goes on by itself with each step, or
as it is told. What it does depends on the seed alone, never on who watches; only of which orders a
level is made up is decided when somebody first looks.

Source: as ``pair``, and the "Checklist for a faithful simulator" there.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    EVENT_TRIGGERS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
)
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.records import BookSnapshot, Candle, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.book import Allowed
from kraken_trio._internal.testing.frames import TradeRow
from kraken_trio._internal.testing.instrument import Instruments
from kraken_trio._internal.testing.listing import USUAL_PAIRS
from kraken_trio._internal.testing.pair import MarketEvent, MarketPair, PairMarket

_ALLOWED: dict[str, Allowed] = {
    # By the mode of the engine or the status of a pair; any other allows everything.
    "post_only": "no trades",
    "cancel_only": "cancels",
    "maintenance": "nothing",
    "delisted": "nothing",
    "work_in_progress": "nothing",
}
_STRICTER: tuple[Allowed, ...] = ("all", "no trades", "cancels", "nothing")
_MICROSECOND = 1000
_STEP_MICROSECONDS = range(100, 20_000)


class Market:
    """Some pairs, whose books and trades go on step by step.

    The same pairs, seed and start give the same frames, to the byte. Every method that is given
    a symbol, depth, interval or trigger that does not exist raises ``ConfigurationError``.
    """

    def __init__(self, pairs: Iterable[MarketPair] = USUAL_PAIRS, *, seed: int, start: int) -> None:
        """Open the market of ``pairs``, at least one, at ``start`` nanoseconds since the epoch."""
        self._dice = random.Random(seed)  # noqa: S311 - chance that is meant to be foreseen
        self._now = start - start % _MICROSECOND
        self._pairs: dict[str, PairMarket] = {}
        for pair in pairs:
            if pair.symbol in self._pairs:
                raise ConfigurationError(
                    field="pairs",
                    rule=f"must hold each symbol once, holds {pair.symbol} twice",
                    mend="Leave one out",
                )
            # Dice of its own: what happens in it does not depend on what is beside it.
            dice = random.Random(f"{seed}/{pair.symbol}")  # noqa: S311 - as above
            self._pairs[pair.symbol] = PairMarket(
                pair, dice, start, orders_seed=f"{seed}/{pair.symbol}/orders"
            )
        if not self._pairs:
            raise ConfigurationError(
                field="pairs", rule="must hold at least one pair", mend="Give one"
            )
        self.system: str = "online"
        """The mode of the trading engine: in ``maintenance`` time goes on and nothing happens, in
        ``cancel_only`` orders go and none comes, in ``post_only`` nothing is traded."""
        self.traded: dict[str, tuple[int, int]] = {}
        """Between which prices, in ticks, was traded in each pair since somebody took it out."""
        self._markets = tuple(self._pairs.values())
        self._instruments = Instruments(market.pair for market in self._markets)
        self._shares = list(accumulate(market.pair.activity for market in self._markets))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The pairs, in the order given."""
        return tuple(self._pairs)

    @property
    def pairs(self) -> tuple[MarketPair, ...]:
        """What it was opened with."""
        return tuple(market.pair for market in self._markets)

    def status(self, symbol: str) -> str:
        """The status of a pair, such as ``online``."""
        return self._instruments.status(self._pair(symbol).pair.symbol)

    @property
    def now(self) -> Timestamp:
        """The market's own time: that of the latest step."""
        return Timestamp(self._now)

    def step(self, at: int | None = None) -> list[MarketEvent]:
        """Let something happen to one pair, some milliseconds later, or ``at`` that time.

        ``at`` is in nanoseconds since the epoch, and its microsecond counts, as on the wire; time
        does not go back for it. Gives the update of the book, then of its orders, for each depth
        that is watched and where it shows, then the trades, if there were any, in one frame, then
        the tickers and candles that are watched.
        """
        dice, shares = self._dice, self._shares
        later = self._now + dice.choice(_STEP_MICROSECONDS) * _MICROSECOND
        at = later if at is None else max(self._now, at)
        self._now = at - at % _MICROSECOND
        chosen = self._markets[bisect(shares, int(dice.random() * shares[-1]))]
        status = self._instruments.status(chosen.pair.symbol)
        if status == self.system == "online":
            events = chosen.step(self._now)
            if chosen.traded:
                self.note_trades(chosen.pair.symbol, chosen.traded)
            return events
        allowed = (_ALLOWED.get(self.system, "all"), _ALLOWED.get(status, "all"))
        return chosen.step(self._now, max(allowed, key=_STRICTER.index))

    def pair_market(self, symbol: str) -> PairMarket:
        """The market of one pair."""
        return self._pair(symbol)

    def advance(self, at: int) -> int:
        """Go on to that time, if it is later than that of the latest step; give the time then."""
        at = max(self._now, at)
        self._now = at - at % _MICROSECOND
        return self._now

    def note_trades(self, symbol: str, trades: Iterable[TradeRow]) -> None:
        """Remember between which prices was traded."""
        prices = [ticks for _, ticks, *_ in trades]
        low, high = self.traded.get(symbol, (prices[0], prices[0]))
        self.traded[symbol] = min(low, *prices), max(high, *prices)

    def remove_best(self, symbol: str, side: Literal["bid", "ask"]) -> list[MarketEvent]:
        """Let the best level of a side go, now, unless it is the last; give what is to be told.

        A client whose window was full is told of the level that slides in, too.
        """
        return self._pair(symbol).remove_best(side, self._now)

    def change_pair(self, symbol: str, status: str, *, exponents: bool = True) -> bytes:
        """Give a pair another status; give the frame of the change.

        What may happen in it follows from that, as from ``system``, and whichever is stricter
        counts. A status that is not documented changes nothing else.
        """
        return self._instruments.change_pair(symbol, status, exponents=exponents)

    def change_asset(self, asset: str, status: str) -> bytes:
        """Give an asset another status; give the frame of the change."""
        return self._instruments.change_asset(asset, status)

    def watch(self, symbol: str, depth: int) -> None:
        """From now on, give updates of this book at this depth. Take its snapshot first."""
        self._pair(symbol, depth=depth).depths.add(depth)

    def unwatch(self, symbol: str, depth: int) -> None:
        """Give none any more."""
        self._pair(symbol, depth=depth).depths.discard(depth)

    def watch_level3(self, symbol: str, depth: int) -> None:
        """From now on, give what becomes of the orders of this book at this depth."""
        self._pair(symbol, orders_depth=depth).level3.watch(depth)

    def unwatch_level3(self, symbol: str, depth: int) -> None:
        """Give none any more."""
        self._pair(symbol, orders_depth=depth).level3.unwatch(depth)

    def watch_ticker(self, symbol: str, event_trigger: Literal["trades", "bbo"]) -> None:
        """From now on, give the ticker with each trade, or each change of the best levels."""
        self._pair(symbol, event_trigger=event_trigger).triggers.add(event_trigger)

    def unwatch_ticker(self, symbol: str, event_trigger: Literal["trades", "bbo"]) -> None:
        """Give none any more."""
        self._pair(symbol, event_trigger=event_trigger).triggers.discard(event_trigger)

    def watch_candles(self, symbol: str, interval: int) -> None:
        """From now on, give the candle of that many minutes with each trade."""
        self._pair(symbol, interval=interval).intervals.add(interval)

    def unwatch_candles(self, symbol: str, interval: int) -> None:
        """Give none any more."""
        self._pair(symbol, interval=interval).intervals.discard(interval)

    def book_snapshot(self, symbol: str, depth: int) -> bytes:
        """The frame of the whole book as it stands, best levels first."""
        return self._pair(symbol, depth=depth).book_snapshot(depth)

    def level3_snapshot(self, symbol: str, depth: int) -> bytes:
        """The frame of the orders of the best levels, best first, then in queue order."""
        return self._pair(symbol, orders_depth=depth).level3.snapshot(depth)

    def trade_snapshot(self, symbol: str) -> bytes:
        """The frame of the latest 50 trades, oldest first."""
        return self._pair(symbol).trade_snapshot()

    def ticker_snapshot(self, symbol: str) -> bytes:
        """The frame of the ticker as it stands."""
        return self._pair(symbol).ticker_frame("snapshot")

    def candle_snapshot(self, symbol: str, interval: int) -> bytes:
        """The frame of the latest candles, at most 12, oldest first."""
        return self._pair(symbol, interval=interval).candle_frame("snapshot", interval)

    def instrument_snapshot(self, *, tokenized: bool = False, exponents: bool = True) -> bytes:
        """The frame of all pairs and their assets; of tokenised shares only where wanted.

        With ``exponents``, small increments are shown like ``1e-08``.
        """
        return self._instruments.snapshot(tokenized=tokenized, exponents=exponents)

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The book as it stands."""
        return self._pair(symbol, depth=depth).book(depth)

    def book_steps(
        self, symbol: str, depth: int
    ) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """The book as it stands, bids and asks, best first: price and quantity of each level, in
        whole numbers of the pair's smallest steps.

        It says the same as ``book`` and takes a twentieth of the time, for who looks after every
        step.
        """
        bids, asks = self._pair(symbol, depth=depth).book_steps(depth)
        return tuple(bids), tuple(asks)

    def level3(self, symbol: str, depth: int) -> Level3Snapshot:
        """The orders of the book as it stands; those of a level are the level's quantity together.

        Who they are is made up when a level is first shown, here or to a client.
        """
        return self._pair(symbol, orders_depth=depth).level3.record(depth)

    def trades(self, symbol: str, latest: int | None = None) -> tuple[Trade, ...]:
        """The latest trades, oldest first: 50 at the start, and as many as the pair keeps.

        Only so many where ``latest`` is given, 0 or more.
        """
        return self._pair(symbol).trades(latest)

    def ticker(self, symbol: str) -> Ticker:
        """The ticker as it stands."""
        return self._pair(symbol).ticker()

    def candles(self, symbol: str, interval: int) -> tuple[Candle, ...]:
        """The latest candles, at most 12, oldest first."""
        return self._pair(symbol, interval=interval).candles(interval)

    def _pair(
        self,
        symbol: str,
        *,
        depth: int = BOOK_DEPTHS[0],
        orders_depth: int = LEVEL3_DEPTHS[0],
        interval: int = OHLC_INTERVALS[0],
        event_trigger: str = EVENT_TRIGGERS[0],
    ) -> PairMarket:
        for field, value, known in (
            ("symbol", symbol, self._pairs),
            ("depth", depth, BOOK_DEPTHS),
            ("depth", orders_depth, LEVEL3_DEPTHS),
            ("interval", interval, OHLC_INTERVALS),
            ("event_trigger", event_trigger, EVENT_TRIGGERS),
        ):
            if value not in known:
                raise ConfigurationError(
                    field=field,
                    rule=f"must be one of {', '.join(map(str, known))}, is {value}",
                    mend="Choose one of these",
                )
        return self._pairs[symbol]
