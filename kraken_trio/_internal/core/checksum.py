"""The life of a book that is verified: a snapshot, updates, the check after each, and the end.

Knows what ``book`` and ``level3`` have in common, whatever their sides hold. Imports nothing but
the vocabulary, the tables, ``digits`` and CRC32.

The checksum is the CRC32 of the digits of the ten best price levels a side, asks first. It is
also what tells whether the digits are right: they are counted only when it is not.

Source: docs.kraken.com, the checksum guides of WebSocket v2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from zlib_ng.zlib_ng import crc32

from kraken_trio._internal.core.digits import Digits, told_precision
from kraken_trio._internal.core.states import BOOK, BookEffect, Machine
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.lifecycle import BookState, BookTrigger
from kraken_trio._internal.model.messages import BookMessage, Level3Message
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate

TOP = 10
"""Price levels a side that take part in a checksum, whatever the depth."""

# Looked up for every message; on an Enum that is a search.
_LIVE = BookState.LIVE


class Side(Protocol):
    """One side of a book, to whoever only verifies it."""

    text: bytes
    """The digits of its ten best levels, best first."""

    def apply(self, changes: tuple[Any, ...], /) -> bool:
        """Make the changes in their order, then cut to the depth; say whether the text changed."""
        ...

    def clear(self) -> None:
        """Drop every level."""
        ...

    def render(self) -> None:
        """Make the text anew: the precision is another one."""
        ...

    def numbers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Give price and quantity of all that it holds."""
        ...


SideT = TypeVar("SideT", bound=Side)
MessageT = TypeVar("MessageT", bound=BookMessage | Level3Message)
SnapshotT = TypeVar("SnapshotT", bound=BookSnapshot | Level3Snapshot)
UpdateT = TypeVar("UpdateT", bound=BookUpdate | Level3Update)


class CheckedBook(ABC, Generic[SideT, MessageT, SnapshotT, UpdateT]):
    """What every book does with a message, whatever its sides hold.

    A message is taken whole or not at all: after a failed checksum nothing of the book is left,
    and it waits for a fresh snapshot. A *lenient* one, for which nobody asks the exchange, goes on
    applying updates unseen; once a checksum is right again it is live again, with a snapshot.
    """

    __slots__ = (
        "_asks",
        "_asks_crc",
        "_bids",
        "_crc",
        "_digits",
        "_first_precision",
        "_given_precision",
        "_last",
        "_machine",
        "checksums_failed",
        "depth",
        "lenient",
        "snapshots",
        "stale",
        "symbol",
        "unchecked",
        "updates",
    )

    channel: ClassVar[str]
    """Whose messages it takes."""

    def __init__(self, symbol: str, depth: int, digits: Digits, bids: SideT, asks: SideT) -> None:
        """Start empty, with what is known about the precision in ``digits``."""
        self.symbol: str = symbol
        """Such as ``BTC/USD``."""
        self.depth: int = depth
        """Price levels a side."""
        self.lenient: bool = False
        """Whether no fresh snapshot is to be expected after a failed checksum."""
        self.snapshots: int = 0
        """Snapshots that were taken, verified with either result or unchecked."""
        self.updates: int = 0
        """Updates that were verified, with either result."""
        self.stale: int = 0
        """Messages that were ignored: updates of a book that was not live, and all after its
        end."""
        self.checksums_failed: int = 0
        """Messages that did not verify."""
        self.unchecked: int = 0
        """Snapshots that had no checksum: they are believed, and the next update proves them."""
        self._digits = digits
        self._given_precision = (digits.price_precision, digits.qty_precision)
        self._first_precision: tuple[int, int] | None = None
        self._bids = bids
        self._asks = asks
        # CRC32 of the asks' text alone, where that of the bids goes on; and of both. They mean
        # nothing unless the book is live.
        self._asks_crc = 0
        self._crc = 0
        # The last message that verified; what is live is how the book stood after it.
        self._last: MessageT | None = None
        self._machine: Machine[BookState, BookTrigger, BookEffect]
        self._machine = Machine("book", BOOK, BookState.AWAITING_SNAPSHOT)

    @property
    def state(self) -> BookState:
        """Whether it may be believed. While it is not live, it shows nothing."""
        return self._machine.state

    @property
    def checksums_ok(self) -> int:
        """Messages that verified."""
        return self.snapshots + self.updates - self.unchecked - self.checksums_failed

    @property
    def text(self) -> bytes:
        """What its checksum is made of: digits of the ten best levels a side, asks first."""
        return self._asks.text + self._bids.text

    def held(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Price and quantity of all bids and asks that it holds, best first, believed or not."""
        return list(self._bids.numbers()), list(self._asks.numbers())

    @property
    def price_precision(self) -> int:
        """Decimals of a price in the checksum: as told, or the most that were seen."""
        return self._digits.price_precision

    @property
    def qty_precision(self) -> int:
        """Decimals of a quantity in the checksum: as told, or the most that were seen."""
        return self._digits.qty_precision

    @property
    def precision_raised(self) -> bool:
        """Whether a precision is higher now than when the first snapshot was verified.

        Checksums that failed before may have failed for want of digits only: who reads a
        recording can read it again, with the precisions as they are now.
        """
        first = self._first_precision
        return first is not None and (
            self.price_precision > first[0] or self.qty_precision > first[1]
        )

    def set_precision(self, price_precision: int, qty_precision: int) -> None:
        """Tell it the precisions of its pair, which the ``instrument`` channel has.

        A live book keeps the precisions that its checksums prove, until one fails or the next
        snapshot comes. Numbers with more digits than told still count with all of them.
        ``ValueError`` for a precision below 0 or above 40.
        """
        self._given_precision = told_precision(price_precision, qty_precision)
        if self._machine.state is not _LIVE:
            self._digits.set(price_precision, qty_precision)

    def apply(self, message: MessageT) -> SnapshotT | UpdateT | Gap | None:
        """Take a message: give what it became.

        That is its record when the checksum is right; a gap when it is wrong, after which the
        book is resyncing; None for an update of a book that is not live, or for anything after
        the end; a local snapshot where an update made a lenient book right again.
        """
        # The one row of the table that is not fired: a live book that takes an update stays what
        # it is, and the look-up would cost a sixth of the whole.
        if message.snapshot or self._machine.state is not _LIVE:
            return self._take(message)
        self.updates += 1
        bids, asks = self._bids, self._asks
        touched = bids.apply(message.bids) if message.bids else False
        if message.asks and asks.apply(message.asks):
            self._asks_crc = crc32(asks.text)
            touched = True
        if touched:
            self._crc = crc32(bids.text, self._asks_crc)
        if self._crc != message.checksum and not self._verify(message.checksum):
            return self._fail(message)
        self._last = message
        return self._update(message)

    def snapshot(self) -> SnapshotT | None:
        """The book as it stands, verified, for one who joins later; None while it is not live."""
        if self._last is None or self._machine.state is not _LIVE:
            return None
        return self._whole(self._last, local=True)

    def invalidate(self) -> None:
        """Believe nothing of it until the next snapshot: the connection is gone, say."""
        self._fire(BookTrigger.INVALIDATE)

    def close(self) -> None:
        """End it. Whatever comes later is ignored."""
        self._fire(BookTrigger.CLOSE)

    @abstractmethod
    def _update(self, message: MessageT) -> UpdateT:
        """The record of an update that verified."""

    @abstractmethod
    def _whole(self, last: MessageT, *, local: bool) -> SnapshotT:
        """The record of the whole book, as it stands after the message ``last``."""

    def _take(self, message: MessageT) -> SnapshotT | Gap | None:
        """Take a snapshot; ignore what means nothing now."""
        if not message.snapshot or self._machine.state is BookState.CLOSED:
            if self.lenient and self._machine.state is BookState.RESYNCING:
                return self._recover(message)
            self._ignore(message)
            return None
        return self._replace(message) or self._whole(message, local=False)

    def _fire(self, trigger: BookTrigger) -> None:
        if BookEffect.CLEAR in self._machine.fire(trigger).effects:
            self._bids.clear()
            self._asks.clear()

    def _sum(self) -> None:
        """Compute both checksums from the texts."""
        self._asks_crc = crc32(self._asks.text)
        self._crc = crc32(self._bids.text, self._asks_crc)

    def _verify(self, expected: int | None) -> bool:
        """Say whether the checksum is right, perhaps with more digits than were known."""
        return self._crc == expected or (
            self._extend(self._given_precision) and self._crc == expected
        )

    def _extend(self, precision: tuple[int, int]) -> bool:
        """Raise the precisions to these and to all numbers held; say whether anything rose."""
        learn = self._digits.learn
        raised = self._digits.extend(*precision)
        for side in (self._asks, self._bids):
            for price, qty in side.numbers():
                raised |= learn(price, qty)
        if raised:
            self._bids.render()
            self._asks.render()
            self._sum()
        return raised

    def _replace(self, message: MessageT) -> Gap | None:
        """Take a snapshot; a gap if it does not verify."""
        self.snapshots += 1
        known = (self._digits.price_precision, self._digits.qty_precision)
        self._bids.clear()
        self._asks.clear()
        if message.bids or message.asks:
            # First with what it shows itself: the pair may have lost decimals since the last one.
            # Then with all that is known: a recording may have lost the zeros of this one.
            self._digits.set(*self._given_precision)
        self._bids.apply(message.bids)
        self._asks.apply(message.asks)
        self._sum()
        if message.checksum is None:
            # Its numbers are as long as those of its updates: they learn from it.
            self.unchecked += 1
            right = True
            self._extend(self._given_precision)
        else:
            right = self._verify(message.checksum) or (
                self._extend(known) and self._crc == message.checksum
            )
        if self._first_precision is None:
            self._first_precision = (self._digits.price_precision, self._digits.qty_precision)
        if not right:
            return self._fail(message)
        self._fire(BookTrigger.SNAPSHOT)
        self._last = message
        return None

    def _fail(self, message: MessageT) -> Gap:
        """Drop everything, and say what did not fit."""
        self.checksums_failed += 1
        gap = Gap(
            channel=self.channel,
            symbol=self.symbol,
            reason=GapReason.CHECKSUM,
            expected=message.checksum,
            received=self._crc,
            from_time=None if self._last is None else self._last.timestamp,
            to_time=message.timestamp,
        )
        if self.lenient:
            self._machine.fire(BookTrigger.MISMATCH)  # and keep what may become right again
        else:
            self._fire(BookTrigger.MISMATCH)
        return gap

    def _recover(self, message: MessageT) -> SnapshotT | None:
        """Apply an update that nobody is to see unless it makes all right again."""
        self.updates += 1
        self._asks.apply(message.asks)
        self._bids.apply(message.bids)
        # With the precisions of now, which may have been told meanwhile.
        self._bids.render()
        self._asks.render()
        self._sum()
        if not self._verify(message.checksum):
            self.checksums_failed += 1
            return None
        self._fire(BookTrigger.SNAPSHOT)
        self._last = message
        return self._whole(message, local=True)

    def _ignore(self, message: MessageT) -> None:
        """Count a message that means nothing now."""
        self.stale += 1
        self._fire(BookTrigger.SNAPSHOT if message.snapshot else BookTrigger.UPDATE)
        if self._machine.state is not BookState.CLOSED:
            # Of a recording without its trailing zeros, the first snapshot may have failed for
            # want of digits; nothing else than what follows it can show them.
            self._bids.apply(message.bids)
            self._asks.apply(message.asks)
            self._extend(self._given_precision)
            self._bids.clear()
            self._asks.clear()
