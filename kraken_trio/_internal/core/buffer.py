"""What waits between one stream of records and its consumer, and what happens when it is full.

Knows the drop policies. Nothing is lost silently here: whatever is dropped is counted in a
``Gap``, in band, exactly where the hole is. Knows no clock and wakes nobody; imports nothing
but the vocabulary, ``coalesce`` and ``hole``.

========  ====================================================================================
policy    when it is full
========  ====================================================================================
OLDEST    the oldest entry is dropped: the hole is in front of all that is left
LATEST    the incoming record is refused: the hole is behind all that is there
COALESCE  records of one symbol are merged while they are unread; beyond that as OLDEST
BLOCK     nothing is dropped: the caller must stop reading while ``full`` is true
========  ====================================================================================

Holes. All that one symbol of one channel loses in one place makes one gap, which grows until
the consumer takes it. The next record of that symbol never overtakes it.

Chains. Records of a book mean something only in an unbroken row behind a snapshot. So OLDEST
drops with one of them all of that book up to the next snapshot in the buffer; LATEST has
nothing behind its hole. Where no snapshot follows the hole, the book is *stale*: its updates are
dropped into the same hole until a snapshot is put, or until the consumer comes to the hole,
gets the gap, and a snapshot is taken there and then from the live book. That one is unbroken:
everything that was put before is contained in it, everything that is put later is queued behind
it. If the live book has no snapshot to give, the consumer has its gap already, and what is
dropped from then on is in a second one, right before the snapshot that is put at last.

Bound: ``capacity + symbols + 2`` entries, where a symbol counts once for each channel. The queue
takes nothing in while it is full; with LATEST a record may bring in the hole before it too, so
it holds ``capacity + 1``. The holes that still grow take no place, but of these each symbol has
only one. The snapshot behind the gap just taken is one more. With BLOCK the bound is capacity,
and what the caller puts before it looks at ``full``. A merged update of a book has at most twice
the depth of levels a side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, cast

from kraken_trio._internal.core.coalesce import BookMerge, Coalescer, Key, Newest
from kraken_trio._internal.core.hole import Hole
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.alert import Alert
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.errors import ProtocolError, RequestError, SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.lifecycle import Restored, StateChange
from kraken_trio._internal.model.messages import Heartbeat, Record
from kraken_trio._internal.model.orders import Order, OwnTrade
from kraken_trio._internal.model.pressure import HighWater
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair, SystemStatus

Item = (
    Record
    | Order
    | OwnTrade
    | Spread
    | BookSnapshot
    | BookUpdate
    | Level3Snapshot
    | Level3Update
    | Gap
    | Resync
    | Restored
    | StateChange
    | HighWater
    | Heartbeat
    | ProtocolError
    | SubscriptionError
    | RequestError
    | CallbackError
    | Alert
)
"""What a consumer can be given: the records of one channel, or everything in one stream."""

SnapshotOf = Callable[[str, str], BookSnapshot | Level3Snapshot | None]
"""Gives a verified snapshot of the live book of a channel (``book``, ``level3``) and a symbol,
as it stands now; None where the book is not live."""
OnOverflow = Callable[[Gap, BookSnapshot | Level3Snapshot | None], object]
"""Is told what a consumer was given for what it lost: the gap, and the snapshot behind it."""

_BY_SYMBOL: Final[dict[type, str]] = {
    Ticker: "ticker",
    Spread: "spread",
    Trade: "trade",
    Candle: "ohlc",
    BookSnapshot: "book",
    BookUpdate: "book",
    Level3Snapshot: "level3",
    Level3Update: "level3",
}
"""Channels whose records are in order for each symbol by itself."""
_WHOLE: Final[dict[type, str]] = {
    Execution: "executions",
    Order: "open_orders",
    OwnTrade: "own_trades",
    BalanceSnapshot: "balances",
    BalanceUpdate: "balances",
    InstrumentAsset: "instrument",
    InstrumentPair: "instrument",
    SystemStatus: "status",
}
"""Channels whose records are in one order. Whatever else there is belongs to ``events``."""
_CHAINS: Final = frozenset({"book", "level3"})
_SNAPSHOTS: Final = (BookSnapshot, Level3Snapshot)


def _key_of(item: Item) -> Key:
    """The channel and the symbol that a hole in place of ``item`` belongs to."""
    kind = type(item)
    channel = _BY_SYMBOL.get(kind)
    if channel is not None:
        return channel, cast("Ticker", item).symbol
    if isinstance(item, Gap):
        return item.channel, item.symbol
    return _WHOLE.get(kind, "events"), None


_Entry = Item | Hole | Newest | BookMerge
_PLACEHOLDERS: Final = (Hole, Newest, BookMerge)


def _owner(entry: _Entry) -> Key:
    """The channel and the symbol of what stands in the queue."""
    return entry.key if isinstance(entry, _PLACEHOLDERS) else _key_of(entry)


class Buffer:
    """What waits for one consumer. One caller puts, one takes; neither ever waits here."""

    __slots__ = (
        "_coalescer",
        "_front",
        "_next",
        "_on_overflow",
        "_policy",
        "_queue",
        "_snapshot_of",
        "_stale",
        "_tails",
        "capacity",
        "coalesced",
        "dropped",
        "high_water",
        "overflows",
        "received",
    )

    def __init__(
        self,
        capacity: int,
        policy: DropPolicy,
        snapshot_of: SnapshotOf | None = None,
        on_overflow: OnOverflow | None = None,
    ) -> None:
        """Start empty, with room for ``capacity`` entries, one at least.

        ``snapshot_of`` is called while an item is taken, and so is ``on_overflow``, with the gap
        that is given for what was dropped, and the snapshot behind it if there is one. Neither
        may put anything here.
        """
        self.capacity: int = capacity
        """Entries that it has room for."""
        self.received: int = 0
        """Records put. It equals those taken, dropped, coalesced and still waiting; gaps, and
        snapshots that were taken from ``snapshot_of``, are not counted."""
        self.dropped: int = 0
        """Records lost for want of room, each of them counted in a gap."""
        self.coalesced: int = 0
        """Records that were merged into another one, so that nothing is lost."""
        self.overflows: int = 0
        """Holes that were left for want of room: each is a gap, once the consumer comes to it."""
        self.high_water: int = 0
        """The most entries that ever waited."""
        self._policy = policy
        self._snapshot_of = snapshot_of
        self._on_overflow = on_overflow
        self._coalescer = Coalescer() if policy is DropPolicy.COALESCE else None
        self._queue: deque[_Entry] = deque()
        # The snapshot that belongs behind the gap taken last.
        self._next: BookSnapshot | Level3Snapshot | None = None
        # Holes in front of the queue: OLDEST and COALESCE.
        self._front: dict[Key, Hole] = {}
        # Holes in the queue with nothing of their symbol behind them, still growing: LATEST.
        self._tails: dict[Key, Hole] = {}
        # The hole of each stale book. One that is not placed grows after its gap was taken.
        self._stale: dict[Key, Hole] = {}

    def __len__(self) -> int:
        """How many items can be taken now."""
        return len(self._queue) + len(self._front) + (self._next is not None)

    @property
    def waiting(self) -> int:
        """How many of the records put can still be taken: gaps are none. Counted one by one."""
        return sum(type(entry) is not Gap and type(entry) is not Hole for entry in self._queue)

    @property
    def full(self) -> bool:
        """Whether there is no room. With BLOCK, who sees this stops putting."""
        return len(self._queue) - len(self._tails) >= self.capacity

    @property
    def gap_next(self) -> Key | None:
        """Whose gap is given next; None where that is a record, or nothing."""
        if self._next is not None:
            return None
        if self._front:
            return next(iter(self._front))
        entry = self._queue[0] if self._queue else None
        if isinstance(entry, Hole):
            return entry.key
        return (entry.channel, entry.symbol) if isinstance(entry, Gap) else None

    @property
    def whole(self) -> bool:
        """Whether every book in it has its snapshot, or will have: no record is of no use."""
        return not self._stale

    @property
    def stale(self) -> tuple[Key, ...]:
        """Books whose consumer knows of a hole, and gets nothing until a snapshot is put."""
        return tuple(key for key, hole in self._stale.items() if not hole.placed)

    def widen(self, places: int) -> None:
        """Make room for so many more entries."""
        self.capacity += places

    def put(self, item: Item) -> None:
        """Take in a record, or a gap where it belongs; how, the policy says."""
        queue = self._queue
        if type(item) is Gap:
            self._put_gap(item)
        else:
            self.received += 1
            if len(queue) >= self.capacity or self._tails or self._stale or self._coalescer:
                self._put_carefully(item)
            else:
                queue.append(item)
        if len(self._queue) > self.high_water:  # noqa: PLR1730 - max() costs more here
            self.high_water = len(self._queue)

    def get(self) -> Item:
        """Give the next item. ``IndexError`` where there is none."""
        if self._next is not None:
            snapshot, self._next = self._next, None
            return snapshot
        if self._front:
            return self._reach(self._front.pop(next(iter(self._front))))
        entry = self._queue.popleft()
        if not isinstance(entry, _PLACEHOLDERS):
            return entry
        if not isinstance(entry, Hole):
            return entry.take()
        if self._tails.get(entry.key) is entry:
            del self._tails[entry.key]
        return self._reach(entry)

    def get_batch(self, limit: int) -> list[Item]:
        """Give what there is, at most ``limit`` items; none where there is none."""
        return [self.get() for _ in range(min(limit, len(self)))]

    def _put_carefully(self, item: Item) -> None:
        """Take in a record where there may be no room, or it may be merged, or it is of no use."""
        key = _key_of(item)
        link = key[0] in _CHAINS and not isinstance(item, _SNAPSHOTS)
        hole = self._stale.get(key)
        if hole is not None:
            if link:
                self._lose(hole, item)
                return
            if not (hole.placed or hole.empty):
                self._place(hole)
        coalescer = self._coalescer
        if coalescer is not None and coalescer.merge(key, item):
            self.coalesced += 1
            return
        if self._policy is DropPolicy.LATEST:
            if self.full:
                self._refuse(key, item)
                return
            # The hole before it, if there is one, grows no more, and takes a place from now on.
            self._tails.pop(key, None)
        elif self._policy is not DropPolicy.BLOCK and len(self._queue) >= self.capacity:
            self._evict()
            if link and key in self._stale:
                self._lose(self._stale[key], item)
                return
        self._stale.pop(key, None)
        self._queue.append(item if coalescer is None else coalescer.entry(key, item))

    def _put_gap(self, gap: Gap) -> None:
        """Take in a gap. It takes a place like a record, and is never lost: a hole takes it up."""
        key = gap.channel, gap.symbol
        if self._coalescer is not None:
            self._coalescer.seal(key)
        hole = self._stale.get(key) or self._tails.get(key)
        if hole is None and self._policy is not DropPolicy.BLOCK and self.full:
            if self._policy is DropPolicy.LATEST:
                hole = Hole(key)
                self._place(hole)
            else:
                self._evict()
                hole = self._stale.get(key)
        if hole is None:
            self._queue.append(gap)
        else:
            hole.absorb(gap)

    def _place(self, hole: Hole) -> None:
        """Put a hole where the consumer will come to it."""
        hole.placed = True
        if self._policy is DropPolicy.LATEST:
            self._tails[hole.key] = hole
            self._queue.append(hole)
        else:
            self._front[hole.key] = hole

    def _lose(self, hole: Hole, entry: _Entry) -> None:
        """Count in ``hole`` what is not delivered."""
        if isinstance(entry, Gap):
            hole.absorb(entry)
            return
        if isinstance(entry, Newest | BookMerge):
            entry.take()  # so that nothing is merged with it any more
        if hole.lose() == 1:
            self.overflows += 1
        self.dropped += 1

    def _refuse(self, key: Key, item: Item) -> None:
        """Drop an incoming record, LATEST's way."""
        hole = self._tails.get(key)
        if hole is None:
            hole = Hole(key)
            self._place(hole)
        if key[0] in _CHAINS:
            self._stale[key] = hole
        self._lose(hole, item)

    def _evict(self) -> None:
        """Drop the oldest entry, and all that means nothing without it."""
        entry = self._queue.popleft()
        key = _owner(entry)
        hole = self._front.get(key)
        if hole is None:
            hole = Hole(key)
            self._place(hole)
        self._lose(hole, entry)
        if key[0] not in _CHAINS:
            return
        kept: deque[_Entry] = deque()
        entries = iter(self._queue)
        for follower in entries:
            if _owner(follower) != key:
                kept.append(follower)
            elif isinstance(follower, _SNAPSHOTS):
                kept.append(follower)
                kept.extend(entries)
                break
            else:
                self._lose(hole, follower)
        else:
            self._stale[key] = hole
        self._queue = kept

    def _reach(self, hole: Hole) -> Gap:
        """Give the gap at a hole; where a book is stale, see to the snapshot behind it."""
        key = hole.key
        channel, symbol = key
        snapshot = None
        if self._stale.get(key) is hole:
            if self._snapshot_of is not None and symbol is not None:
                snapshot = self._snapshot_of(channel, symbol)
            if snapshot is None:
                self._stale[key] = Hole(key)
            else:
                del self._stale[key]
                self._next = snapshot
                if self._coalescer is not None:
                    self._coalescer.entry(key, snapshot)
        gap = hole.gap()
        if self._on_overflow is not None and gap.reason is GapReason.OVERFLOW:
            self._on_overflow(gap, snapshot)
        return gap
