"""How records of one symbol become one while nobody has read them.

Knows what a reader needs who sees only the merged record. When records wait, and for how long,
is the buffer's matter. Imports nothing but the vocabulary.

Of a ticker, a spread or a candle the newest says it all. A candle is merged with records of its
own interval only, so the final state of every interval is delivered. Trades, executions and
balances are events and never merged; nor are the orders of ``level3``.

Updates of a book are merged into one that has the effect of all of them. The latest level of
each price is not enough for that: the exchange never takes back a level that is pushed out of
the depth. A reader who applies each update sees it fall off; one who applies them all at once
keeps it, and finds it among the best again after later removals. So the merger follows the
prices in its reader's book, and says of each level that fell off what the exchange does not:
that its quantity is zero.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import TypeVar

import msgspec

from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
)

Key = tuple[str, str | None]
"""A channel and a symbol: what is kept in order, and lost or merged together."""

T = TypeVar("T")

_ZERO = Decimal(0)
_NEWEST = (Ticker, Spread, Candle)


class Newest:
    """Stands in a queue for the newest of the unread records of one symbol."""

    __slots__ = ("_item", "key")

    def __init__(self, key: Key, item: Ticker | Spread | Candle) -> None:
        """Hold ``item``, unread."""
        self.key = key
        """Whose it is."""
        self._item: Ticker | Spread | Candle | None = item

    def merge(self, item: Ticker | Spread | Candle) -> bool:
        """Replace the unread record. False where there is none, or it is of another interval."""
        old = self._item
        if old is None:
            return False
        if (
            isinstance(item, Candle)
            and isinstance(old, Candle)
            and (item.interval_begin != old.interval_begin or item.interval != old.interval)
        ):
            return False
        self._item = item
        return True

    def take(self) -> Ticker | Spread | Candle:
        """Read the record; nothing is merged with it later. ``LookupError`` if it was read."""
        item, self._item = self._item, None
        if item is None:
            raise LookupError(self.key)
        return item


class _Side:
    """The prices on one side of a reader's book, and what changed since the reader looked."""

    __slots__ = ("_added", "_changed", "_depth", "_prices", "_worst_first")

    def __init__(self, prices: list[Decimal], depth: int, *, worst_first: bool) -> None:
        """Start with ``prices``, ascending; ``worst_first`` says which end falls off."""
        self._prices = prices
        self._depth = depth
        self._worst_first = worst_first
        # Levels that the reader has a price of, and levels that are new to the reader. Of a new
        # one that is gone again the reader need not hear, which bounds both by the depth: the
        # first by what the reader has, the second by what the book has.
        self._changed: dict[Decimal, Level] = {}
        self._added: dict[Decimal, Level] = {}

    def follow(self, levels: tuple[Level, ...], *, noting: bool) -> None:
        """Apply one update: all its levels in order, then the cut to the depth.

        ``noting`` is false where the reader gets this very update, and nothing else is unread.
        """
        prices = self._prices
        for level in levels:
            price = level.price
            index = bisect_left(prices, price)
            there = index < len(prices) and prices[index] == price
            if level.qty:
                if not there:
                    prices.insert(index, price)
                if noting:
                    known = price in self._changed or (there and price not in self._added)
                    (self._changed if known else self._added)[price] = level
            elif there:
                del prices[index]
                if noting:
                    self._gone(level)
        excess = len(prices) - self._depth
        if excess > 0:
            fallen = slice(excess) if self._worst_first else slice(self._depth, None)
            if noting:
                for price in prices[fallen]:
                    self._gone(Level(price, _ZERO))
            del prices[fallen]

    def _gone(self, level: Level) -> None:
        """Note that a price of the book is not in it any more."""
        if self._added.pop(level.price, None) is None:
            self._changed[level.price] = level

    def take(self) -> tuple[Level, ...]:
        """What was noted since the last time, each price once, in no particular order."""
        levels = (*self._changed.values(), *self._added.values())
        self._changed.clear()
        self._added.clear()
        return levels


class BookMerge:
    """Stands in a queue for the unread updates of one book, all of them after one snapshot.

    The reader's book is that snapshot with every update applied that was taken from here: all
    levels in order, zeros dropped, both sides cut to the depth. Taking the merged update brings
    it to the very state after the last update that was merged: a price of that state either was
    in the reader's book and not touched since (no price comes back untouched), or stands in the
    merged update with its latest level; a price not in that state either is unknown to the
    reader, or stands in the merged update with quantity zero.
    """

    __slots__ = ("_asks", "_bids", "_last", "_merged", "key")

    def __init__(self, key: Key, snapshot: BookSnapshot) -> None:
        """Follow a reader who gets ``snapshot`` before anything that is taken from here."""
        self.key = key
        """Whose it is."""
        bids = [level.price for level in reversed(snapshot.bids)]
        asks = [level.price for level in snapshot.asks]
        self._bids = _Side(bids, snapshot.depth, worst_first=True)
        self._asks = _Side(asks, snapshot.depth, worst_first=False)
        self._last: BookUpdate | None = None
        self._merged = False

    def hold(self, update: BookUpdate) -> None:
        """Keep ``update``, unread; nothing else may be unread."""
        self._last = update

    def merge(self, update: BookUpdate) -> bool:
        """Add ``update`` to what is unread. False where there is nothing."""
        last = self._last
        if last is None:
            return False
        if not self._merged:
            self._merged = True
            self._follow(last)
        self._follow(update)
        self._last = update
        return True

    def take(self) -> BookUpdate:
        """Read what is unread, as one update; one that was not merged comes as it is.

        Best levels, checksum and times are those of the last one. ``LookupError`` if nothing is
        unread.
        """
        update, self._last = self._last, None
        if update is None:
            raise LookupError(self.key)
        if not self._merged:
            self._follow(update)
            return update
        self._merged = False
        bids, asks = self._bids.take(), self._asks.take()
        return msgspec.structs.replace(update, bids=bids, asks=asks)

    def _follow(self, update: BookUpdate) -> None:
        if update.bids:
            self._bids.follow(update.bids, noting=self._merged)
        if update.asks:
            self._asks.follow(update.asks, noting=self._merged)


class Coalescer:
    """What of one buffer is being merged, by channel and symbol."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        """Start with nothing."""
        self._slots: dict[Key, Newest | BookMerge] = {}

    def merge(self, key: Key, item: object) -> bool:
        """Merge ``item`` into an unread record of ``key``. False where it must be queued."""
        slot = self._slots.get(key)
        if isinstance(slot, Newest):
            return isinstance(item, _NEWEST) and slot.merge(item)
        return slot is not None and isinstance(item, BookUpdate) and slot.merge(item)

    def entry(self, key: Key, item: T) -> T | Newest | BookMerge:
        """What to queue for an ``item`` that was not merged: itself, or what stands for it.

        An update of a book that no snapshot came before is passed as it is.
        """
        slot: Newest | BookMerge | None
        if isinstance(item, BookUpdate):
            slot = self._slots.get(key)
            if isinstance(slot, BookMerge):
                slot.hold(item)
                return slot
        elif isinstance(item, BookSnapshot):
            self._slots[key] = BookMerge(key, item)
        elif isinstance(item, _NEWEST):
            slot = self._slots[key] = Newest(key, item)
            return slot
        return item

    def seal(self, key: Key) -> None:
        """Merge nothing that comes later with what came before."""
        self._slots.pop(key, None)
