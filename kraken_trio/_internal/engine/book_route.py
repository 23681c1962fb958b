"""Where the data of one book go: each message through the book, and what it became to the sinks.

Knows what a book's losses look like; what is done about them is decided by whoever reads the
signals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.engine.probe import Probe, mostly_other, same_book
from kraken_trio._internal.engine.routes import NOTHING, Route
from kraken_trio._internal.engine.signals import DataLost, Signal, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.messages import BookMessage, Level3Message
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate
from kraken_trio._internal.model.timestamp import Timestamp

_UPDATES = frozenset({BookUpdate, Level3Update})


class BookRoute(Route):
    """Of a book, each of whose messages has a checksum: ``book`` and ``level3``."""

    __slots__ = ("_probes", "book")

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start with an empty book."""
        super().__init__(part, handling)
        kind = OrderBook if part.name == "book" else Level3Book
        self.book: OrderBook | Level3Book = kind(part.symbols[0], part.depth or 0)
        """The live book."""
        self.book.lenient = handling.policy is GapPolicy.IGNORE
        self._probes = 0

    @property
    def heard(self) -> int:
        """As in ``Route``; the book counts anyway."""
        return self.book.snapshots + self.book.updates - self._probes

    def verify(self, message: BookMessage | Level3Message) -> Sequence[Signal]:
        """Apply a message of this part, and deliver what it became, if it means anything."""
        if message.snapshot and self.probe is not None:
            return self._compare(self.probe, message)
        # Each message finds its way by its own channel, so it is of the book's own kind.
        item = self.book.apply(message)  # type: ignore[arg-type]
        if item is None:
            return NOTHING
        for sink in self.sinks:
            sink(item)
        return NOTHING if type(item) in _UPDATES else self._signals(item)

    def _compare(self, probe: Probe, message: BookMessage | Level3Message) -> Sequence[Signal]:
        """As ``verify``, of the snapshot of a probe."""
        before = self.book.snapshot()
        self.end_probe()
        self._probes += 1
        item = self.book.apply(message)  # type: ignore[arg-type]
        missed: Sequence[Signal] = NOTHING
        if before is not None and isinstance(item, BookSnapshot | Level3Snapshot):
            if same_book(before, item):
                return (SnapshotSeen(self.part),)
            self._received = (before.timestamp,)
            reason = probe.verdict(item.timestamp)
            if reason is GapReason.DISCONNECT and (mostly_other(before, item) or not self._doubt()):
                reason = GapReason.STALLED
            missed = self._miss(reason, item.timestamp)
        if item is None:
            return NOTHING
        self._deliver(item)
        return (*missed, *self._signals(item))

    def _signals(self, item: Item) -> Sequence[Signal]:
        """What else it means that this was delivered."""
        match item:
            case Gap():
                return (DataLost(self.part, item),)
            case BookSnapshot() | Level3Snapshot() if not item.local:
                return (SnapshotSeen(self.part),)
            case _:
                return NOTHING

    def recall(self) -> Iterable[Item]:
        """The book as a verified snapshot, if it is live."""
        snapshot = self.book.snapshot()
        return () if snapshot is None else (snapshot,)

    def discard(self) -> None:
        """Empty the book; updates mean nothing until the next snapshot."""
        self.end_probe()
        self.book.invalidate()

    def stall(self) -> Gap:
        """As in ``Route``, from the last change on."""
        self._note_time()
        return super().stall()

    def disconnect(self) -> Gap | None:
        """A live book is right no longer, and says so."""
        live = self._note_time()
        self.discard()
        return self._lose() if live else None

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """A live book is right no longer. One that is lenient will find out by its checksum."""
        if self.book.lenient or not self._note_time():
            return None
        self.book.invalidate()
        return super().lose_frame(received_at)

    def close(self) -> None:
        """End the book."""
        self.book.close()

    def _note_time(self) -> bool:
        """Note when the book last changed, if it is live; say whether it is."""
        snapshot = self.book.snapshot()
        self._received = () if snapshot is None else (snapshot.timestamp,)
        return snapshot is not None
