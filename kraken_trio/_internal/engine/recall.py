"""What one who joins a running subscription is given first.

That is what the exchange would send to a new subscriber: the state of a channel whose records are
states, the end of a history of one whose records are events. Knows which record takes the place
of which; books keep, and verify, their own.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Candle, Trade
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair

TRADES: Final = 50
"""Trades that are kept: as many as a snapshot of the exchange holds."""
CANDLES: Final = 12
"""Candles that are kept at least: the snapshots that were seen hold 9 to 12."""


class Recall:
    """The records of one route that still say something; with gaps, where they were."""

    __slots__ = ("_items", "_limit")

    def __init__(self, channel: str) -> None:
        """Start with none."""
        self._items: OrderedDict[object, Item] = OrderedDict()
        self._limit = {"trade": TRADES, "ohlc": CANDLES}.get(channel, sys.maxsize)

    def begin(self, message: RecordsMessage) -> None:
        """Keep what a snapshot says, and from now on as much as it said; nothing from before."""
        self._items.clear()
        self._limit = max(self._limit, len(message.records))
        for record in message.records:
            self.note(record)

    def note(self, item: Item) -> None:
        """Keep an item, in its order, or in the place of the one that it replaces."""
        items = self._items
        items[_place(item)] = item
        if len(items) > self._limit:
            items.popitem(last=False)

    def forget(self) -> None:
        """Nothing of it holds any more."""
        self._items.clear()

    def __iter__(self) -> Iterator[Item]:
        """All that is kept, oldest first; records marked as those of a snapshot are."""
        return map(_marked, self._items.values())


def _place(item: Item) -> object:
    """What two items have in common of which the newer one replaces the older one."""
    match item:
        case Trade():
            return item.trade_id
        case Candle():
            return item.interval_begin
        case InstrumentAsset():
            return "asset", item.id
        case InstrumentPair():
            return "pair", item.symbol
        case Gap():
            return object()
        case _:  # a ticker or a spread: the newest says it all
            return type(item)


def _marked(item: Any) -> Item:
    marked: Item = replace(item, snapshot=True) if hasattr(item, "snapshot") else item
    return marked
