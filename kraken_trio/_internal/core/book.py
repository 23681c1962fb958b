"""The order book of one symbol, level by level, verified after every message.

Knows how levels change and which of them the checksum is made of; what a checksum is and what
its failure means stands in ``checksum``. Imports ``digits``, too, and else
nothing but the vocabulary.

Built for the message that changes one level. A side is a sorted list of prices beside a list of
levels, so that finding one is a bisection and the ends are next to hand; the text of the ten
best is kept level by level, so that only what changed is printed again. A deeper book costs
what longer lists cost to shift, and nothing else.

Source: the ``book`` page and the checksum guide of the WebSocket v2 documentation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

from kraken_trio._internal.core.checksum import TOP, CheckedBook
from kraken_trio._internal.core.digits import Digits, steps
from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Level


class LevelSide:
    """One side of a book."""

    __slots__ = ("_depth", "_descending", "_digits", "_keys", "_texts", "levels", "text")

    def __init__(self, depth: int, digits: Digits, *, descending: bool) -> None:
        """Start empty; ``descending`` where the highest price is the best."""
        self._depth = depth
        self._digits = digits
        self._descending = descending
        # The prices of the levels, negated where they descend: bisection wants ascending ones.
        self._keys: list[Decimal] = []
        # What the first ten levels are in the checksum: always as many as there are of those.
        self._texts: list[str] = []
        self.levels: list[Level] = []
        """Best first."""
        self.text = b""
        """The digits of its ten best levels, best first."""

    def apply(self, changes: tuple[Level, ...]) -> bool:
        """Make the changes in their order, then cut to the depth; say whether the text changed."""
        keys, levels, texts, digits = self._keys, self.levels, self._texts, self._digits
        touched = False
        for level in changes:
            price = level.price
            qty = level.qty
            # Unary minus would round to the digits of the user's context.
            key = price.copy_negate() if self._descending else price
            index = bisect_left(keys, key)
            there = index < len(keys) and keys[index] == key
            if not qty:
                if there and self._remove(index):
                    touched = True
                continue
            if there:
                levels[index] = level
            else:
                keys.insert(index, key)
                levels.insert(index, level)
            if index < TOP:
                touched = True
                # As ``Digits.text``, whose call would cost a twentieth of the whole.
                text = f"{steps(price, digits.price_step)!s}{steps(qty, digits.qty_step)!s}"
                if there:
                    texts[index] = text
                else:
                    texts.insert(index, text)
                    if len(texts) > TOP:
                        texts.pop()
        depth = self._depth
        if len(keys) > depth:
            del keys[depth:], levels[depth:], texts[depth:]
        if touched:
            self.text = "".join(texts).encode()
        return touched

    def _remove(self, index: int) -> bool:
        """Drop a level; say whether the text changed."""
        levels, texts = self.levels, self._texts
        del self._keys[index], levels[index]
        if index >= TOP:
            return False
        del texts[index]
        if len(levels) >= TOP:
            tenth = levels[TOP - 1]
            texts.append(self._digits.text(tenth.price, tenth.qty))
        return True

    def clear(self) -> None:
        """Drop every level."""
        self._keys.clear()
        self._texts.clear()
        self.levels.clear()
        self.text = b""

    def render(self) -> None:
        """Make the text anew: the precision is another one."""
        self._texts[:] = [self._digits.text(level.price, level.qty) for level in self.levels[:TOP]]
        self.text = "".join(self._texts).encode()

    def numbers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Give price and quantity of every level."""
        return ((level.price, level.qty) for level in self.levels)


class OrderBook(CheckedBook[LevelSide, BookMessage, BookSnapshot, BookUpdate]):
    """The levels of one symbol within the subscribed depth. Empty while it is not live."""

    __slots__ = ()

    channel = "book"

    def __init__(
        self, symbol: str, depth: int, *, price_precision: int = 0, qty_precision: int = 0
    ) -> None:
        """Start without a snapshot.

        ``depth`` is levels a side. A precision that is not known is 0, and learned from the
        numbers. ``ValueError`` for one below 0 or above 40.
        """
        digits = Digits(price_precision, qty_precision)
        bids = LevelSide(depth, digits, descending=True)
        asks = LevelSide(depth, digits, descending=False)
        super().__init__(symbol, depth, digits, bids, asks)

    @property
    def bids(self) -> tuple[Level, ...]:
        """Best (highest) price first."""
        return tuple(self._bids.levels)

    @property
    def asks(self) -> tuple[Level, ...]:
        """Best (lowest) price first."""
        return tuple(self._asks.levels)

    @property
    def best_bid(self) -> Level | None:
        """The highest bid, or None for an empty side."""
        levels = self._bids.levels
        return levels[0] if levels else None

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask, or None for an empty side."""
        levels = self._asks.levels
        return levels[0] if levels else None

    def _update(self, message: BookMessage) -> BookUpdate:
        bids, asks = self._bids.levels, self._asks.levels
        return BookUpdate(
            self.symbol,
            message.bids,
            message.asks,
            bids[0] if bids else None,
            asks[0] if asks else None,
            message.checksum,
            message.timestamp,
            message.received_at,
        )

    def _whole(self, last: BookMessage, *, local: bool) -> BookSnapshot:
        return BookSnapshot(
            self.symbol,
            self.depth,
            self.bids,
            self.asks,
            self._crc if local else last.checksum,  # There are snapshots without one.
            last.timestamp,
            last.received_at,
            local,
        )
