"""What one who joins a running subscription is given first.

That is what the exchange would send to a new subscriber: the state of a channel whose records are
states, the end of a history of one whose records are events. Knows which record takes the place
of which; books keep, and verify, their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, Final, Protocol

from msgspec.structs import replace

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.reference import InstrumentPair

TRADES: Final = 50
"""Trades that are kept: as many as a snapshot of the exchange holds."""
CANDLES: Final = 12
"""Candles that are kept at least: the snapshots that were seen hold 9 to 12."""


class Recall(Protocol):
    """The items of one route that still say something."""

    def begin(self, message: RecordsMessage) -> None:
        """Keep what a snapshot says, and nothing from before."""
        ...

    def note(self, items: Iterable[Item]) -> None:
        """Keep what these say, in their order or in the place of what they replace."""
        ...

    def forget(self) -> None:
        """Nothing of it holds any more."""
        ...

    def holds(self, message: RecordsMessage) -> bool:
        """Whether what is kept is what a snapshot says; when either was read does not matter."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """All that is kept, oldest first; records that can be are marked as a snapshot's."""
        ...


class Newest:
    """Of tickers: the newest says it all."""

    __slots__ = ("_item",)

    def __init__(self) -> None:
        """Start with none."""
        self._item: Item | None = None

    def begin(self, message: RecordsMessage) -> None:
        """As in ``Recall``."""
        self.note(message.records)

    def note(self, items: Iterable[Item]) -> None:
        """As in ``Recall``."""
        for item in items:
            self._item = item

    def forget(self) -> None:
        """As in ``Recall``."""
        self._item = None

    def holds(self, message: RecordsMessage) -> bool:
        """As in ``Recall``."""
        return _timeless(() if self._item is None else (self._item,)) == _timeless(message.records)

    def __iter__(self) -> Iterator[Item]:
        """As in ``Recall``."""
        return iter(() if self._item is None else (_marked(self._item),))


class Latest:
    """Of trades, candles and instruments: the latest of each, and of histories the end."""

    __slots__ = ("_identity", "_items", "_limit")

    def __init__(self, identity: Callable[[Any], object], limit: int | None) -> None:
        """Keep one record of each ``identity``, and no more than ``limit`` if there is one."""
        self._identity = identity
        self._limit = limit
        self._items: OrderedDict[object, Item] = OrderedDict()

    def begin(self, message: RecordsMessage) -> None:
        """As in ``Recall``. From now on as much is kept as the snapshot had."""
        self._items.clear()
        if self._limit is not None:
            self._limit = max(self._limit, len(message.records))
        self.note(message.records)

    def note(self, items: Iterable[Item]) -> None:
        """As in ``Recall``. A gap stays where it was, until it is the oldest."""
        kept = self._items
        for item in items:
            kept[object() if isinstance(item, Gap) else self._identity(item)] = item
            if self._limit is not None and len(kept) > self._limit:
                kept.popitem(last=False)

    def forget(self) -> None:
        """As in ``Recall``."""
        self._items.clear()

    def holds(self, message: RecordsMessage) -> bool:
        """As in ``Recall``."""
        kept = dict(zip(self._items, _timeless(self._items.values()), strict=True))
        said = map(self._identity, message.records)
        return kept == dict(zip(said, _timeless(message.records), strict=True))

    def __iter__(self) -> Iterator[Item]:
        """As in ``Recall``."""
        return map(_marked, self._items.values())


def make_recall(channel: str) -> Recall:
    """What keeps the records of a channel."""
    match channel:
        case "trade":
            return Latest(attrgetter("trade_id"), TRADES)
        case "ohlc":
            return Latest(attrgetter("interval_begin"), CANDLES)
        case "instrument":
            return Latest(_instrument, None)
        case _:
            return Newest()


def _instrument(item: Any) -> object:
    return ("pair", item.symbol) if isinstance(item, InstrumentPair) else ("asset", item.id)


def _timeless(items: Iterable[Any]) -> list[Any]:
    return [_marked(replace(item, received_at=None)) for item in items]


def _marked(item: Any) -> Item:
    marked: Item = replace(item, snapshot=True) if hasattr(item, "snapshot") else item
    return marked
