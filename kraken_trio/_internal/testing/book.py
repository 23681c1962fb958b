"""A book and its trades that never were, of one pair, all from one seed.

Knows how levels come and go and what takes from them, in whole numbers of the pair's smallest
steps (ticks and lots), and what a client of some depth must be told; nothing of frames.
Checksums are made here, from the integers, with the CRC-32 of the standard library.

Source: sections "book" and "Checklist for a faithful simulator" of the WebSocket v2
documentation, and captured traffic.
"""

from __future__ import annotations

import random
import zlib
from typing import Literal, NamedTuple

from kraken_trio._internal.testing.frames import Rows, TradeRow
from kraken_trio._internal.testing.side import Side
from kraken_trio._internal.testing.tape import Tape

TRADES_BEFORE = 50
"""Trades that were made before a market opens: as many as a snapshot has."""
CHECKED_LEVELS = 10
"""Levels a side under a checksum, whatever the depth."""

Allowed = Literal["all", "no trades", "cancels", "nothing"]
"""What may happen in a book: less and less. With ``cancels`` levels only go."""

_SECOND = 10**9
_TAKERS = ("buy", "sell")
_HALF = 0.5
_TRADE_SHARE = 0.1  # Of the steps.
_NEARNESS = 0.15  # Changes are some seven levels from the best price, on average.
_NEAR_SHARE = 0.9  # Of the changes; the others are anywhere in the book.
_CHANGE_SHARE = 0.3  # Of the changes; the others add or remove a level.
_INSIDE_SHARE = 0.5  # Of the added levels, while the spread is wide: they close it again.
_MOST_OF_A_DRAW = 10**15  # Below 2**53.
_WHOLE_SHARE = 0.7  # Of the fills; the others leave some of the level for the next one.


class NamedFill(NamedTuple):
    """What was traded of an order with a name, because somebody took it."""

    name: str
    """Of the order."""
    ticks: int
    """The price."""
    lots: int
    """How much."""
    trade_id: int
    """The number of the trade."""


class SeededBook:
    """The market of one pair. Neither side is ever empty, and they never cross."""

    def __init__(
        self,
        price: int,
        *,
        most_lots: int,
        levels: int,
        kept_trades: int,
        dice: random.Random,
        now: int,
    ) -> None:
        """Fill it with ``levels`` a side around ``price``, of ``most_lots`` at most.

        50 trades were made until ``now``, one a second; the latest ``kept_trades`` are kept.
        ``dice`` decide about everything; times are nanoseconds since the epoch.
        """
        self.bids: Side = Side(-1)
        """Never empty."""
        self.asks: Side = Side(1)
        """Never empty."""
        self.tape: Tape = Tape(kept_trades)
        """What was traded."""
        self.changed_at: int = now
        """When the latest step was."""
        self.named_fills: list[NamedFill] = []
        """What was traded of orders with names, until somebody takes it out of here."""
        self._dice = dice
        self._most_digits = len(str(most_lots))
        self._levels = levels
        self._checksum: int | None = None  # Not known since the latest step.
        # So far apart that the levels of one side cover some percent of the price.
        self._gap = max(1, price // 50_000)
        self._next_trade_id = dice.randrange(10**6, 10**8)
        for side, key in ((self.bids, 1 - price), (self.asks, price)):
            while side.sign * key > 0 and len(side.keys) < levels:
                side.put(key, self._some_lots())
                key += dice.randint(1, 2 * self._gap)  # noqa: PLW2901 - from level to level
            side.changes.clear()
        for age in range(TRADES_BEFORE, 0, -1):
            self._trade(dice.choice(_TAKERS), price, self._some_lots(), now - age * _SECOND)

    def rows(self, depth: int) -> tuple[Rows, Rows]:
        """The best bids and asks, best first."""
        return self.bids.rows(depth), self.asks.rows(depth)

    def checksum(self) -> int:
        """CRC-32 of the ten best levels: asks, then bids, each price and quantity as digits."""
        if self._checksum is None:
            bids, asks = self.rows(CHECKED_LEVELS)
            text = "".join([f"{ticks}{lots}" for ticks, lots in [*asks, *bids]])
            self._checksum = zlib.crc32(text.encode())
        return self._checksum

    def step(self, now: int, allowed: Allowed = "all") -> list[TradeRow]:
        """Let a little happen of what is allowed; give the trades among it, oldest first.

        New levels come last, as in all captured messages. So nothing that they push out of a
        window has to come back into it, and a client may drop what is too much after each level
        or after the whole message.
        """
        self._forget()
        if allowed == "nothing":
            return []
        dice = self._dice
        self._touch(now)
        coming: list[tuple[Side, Side, int]] = []
        for _ in range(_few(dice)):
            sides = (self.bids, self.asks) if dice.random() < _HALF else (self.asks, self.bids)
            if allowed == "cancels":
                self._cancel(sides[0])
                continue
            key = self._change_a_level(*sides)
            if key is not None:
                coming.append((*sides, key))
        traded = allowed == "all" and dice.random() < _TRADE_SHARE
        trades = self._take(_TAKERS[dice.random() < _HALF], now) if traded else []
        for side, other, key in coming:
            if side.sign * key > 0 and key + other.keys[0] > 0:
                side.put(key, self._some_lots())
        return trades

    def take(
        self, taker: Literal["buy", "sell"], lots: int, now: int, order_type: str
    ) -> list[TradeRow]:
        """Let somebody take from the best level of the other side, at most what is there."""
        self._touch(now)
        side = self.side(taker, takes=True)
        key = side.keys[0]
        return self._traded(taker, side, key, min(lots, side.lots[key]), now, order_type)

    def rest(
        self, side: Literal["buy", "sell"], ticks: int, name: str, lots: int, now: int
    ) -> None:
        """Let an order with a name join the queue at its price, which must not cross."""
        self._touch(now)
        where = self.side(side)
        where.join(where.sign * ticks, name, lots)

    def resize(
        self, side: Literal["buy", "sell"], ticks: int, name: str, lots: int, now: int
    ) -> None:
        """Give an order with a name another quantity, in its place; zero takes it away."""
        self._touch(now)
        where = self.side(side)
        where.resize(where.sign * ticks, name, lots)

    def side(self, side: Literal["buy", "sell"], *, takes: bool = False) -> Side:
        """Where an order of that side waits, or what it takes from."""
        return self.bids if (side == "buy") != takes else self.asks

    def remove(self, side: Literal["bid", "ask"], now: int) -> None:
        """Let the best level of a side go, unless it is the last."""
        self._touch(now)
        where = self.bids if side == "bid" else self.asks
        if len(where.keys) > 1:
            where.put(where.keys[0], 0)

    def _touch(self, now: int) -> None:
        """Something else happens now."""
        self._forget()
        self.changed_at = now
        self._checksum = None

    def _forget(self) -> None:
        """Forget what the step before did."""
        self.bids.changes.clear()
        self.asks.changes.clear()

    def _cancel(self, side: Side) -> None:
        """Let a level go, mostly near the best price, unless it is the last."""
        count = len(side.keys)
        if count > 1:
            side.put(side.keys[min(int(self._dice.expovariate(_NEARNESS)), count - 1)], 0)

    def _change_a_level(self, side: Side, other: Side) -> int | None:
        """Let one order change or go, mostly near the best price; or give where one will come."""
        dice, count = self._dice, len(side.keys)
        if dice.random() < _NEAR_SHARE:
            key = side.keys[min(int(dice.expovariate(_NEARNESS)), count - 1)]
        else:
            key = side.keys[int(dice.random() * count)]
        if dice.random() < _CHANGE_SHARE:
            side.put(key, self._some_lots())
        elif count > 1 and dice.random() * 2 * self._levels < count:
            side.put(key, 0)  # The more there are, the likelier, so their number stays the same.
        else:
            spread = side.keys[0] + other.keys[0]
            if spread > 2 * self._gap and dice.random() < _INSIDE_SHARE:
                return side.keys[0] - dice.randrange(spread)
            return key + dice.randint(-2 * self._gap, 2 * self._gap)
        return None

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
                fills += self._traded(taker, side, key, lots, now, order_type)
        return fills

    def _traded(  # noqa: PLR0917 - as ``_trade``
        self, taker: str, side: Side, key: int, lots: int, at: int, order_type: str
    ) -> list[TradeRow]:
        """Let so much of a level be taken: one trade for each of those it was taken from."""
        trades: list[TradeRow] = []
        for name, part in side.take(key, lots):
            if name is not None:
                fill = NamedFill(name, side.sign * key, part, self._next_trade_id)
                self.named_fills.append(fill)
            trades.append(self._trade(taker, side.sign * key, part, at, order_type))
        return trades

    def _trade(
        self, taker: str, ticks: int, lots: int, at: int, order_type: str = "limit"
    ) -> TradeRow:
        """Number a trade, and put it on the tape."""
        trade = (taker, ticks, lots, order_type, self._next_trade_id, at)
        self._next_trade_id += 1
        self.tape.add(trade)
        return trade

    def _some_lots(self) -> int:
        """A quantity: small ones, with many zeros, are as likely as large ones."""
        bound = 10 ** (1 + int(self._dice.random() * self._most_digits))
        # In one draw, as long as that has digits enough; a float is chance here, not a quantity.
        if bound <= _MOST_OF_A_DRAW:
            return 1 + int(self._dice.random() * (bound - 1))
        return self._dice.randrange(1, bound)


def _few(dice: random.Random) -> int:
    """One, two or three."""
    return 1 + int(dice.random() * 3)
