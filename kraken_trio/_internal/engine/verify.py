"""Captured traffic through the engine: is all of it readable, and is every book right.

A file says most of what is needed itself: the depth of a book in the acknowledgement of its
subscription, the precision of a pair in an instrument frame. Where it does not, the depth is
the smallest legal one that holds the larger side of every snapshot of a connection, and the
precision is that of the most digits in the file. These are known at its end only, so where a
book turns out to have more digits than it first showed, the file is read once more with what was
learnt, if it can be; what comes of that counts only where it is better.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, cast

from msgspec import Struct

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.signals import DataLost, Replied, Signal, StatusSeen
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.channel import BOOK_DEPTHS, LEVEL3_DEPTHS, Channel, modern_symbol
from kraken_trio._internal.model.errors import ConfigurationError, ProtocolError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot, Level3Update
from kraken_trio._internal.model.messages import (
    BookMessage,
    Level3Message,
    Message,
    RecordsMessage,
    Reply,
)
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair, SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.capture import CapturedFrame, CaptureError, read_capture
from kraken_trio._internal.wire.codec import AnyDecoder

FAULTS_TOLD = 20
"""Faults of one file that are described; more are counted."""

_Name = tuple[str, str]  # channel and symbol
_Precisions = dict[_Name, tuple[int, int]]

_DEPTHS = {"book": BOOK_DEPTHS, "level3": LEVEL3_DEPTHS}
_CHANNEL: dict[type, str] = {
    Ticker: "ticker",
    Spread: "spread",
    Trade: "trade",
    Candle: "ohlc",
    BookSnapshot: "book",
    BookUpdate: "book",
    Level3Snapshot: "level3",
    Level3Update: "level3",
    InstrumentAsset: "instrument",
    InstrumentPair: "instrument",
    SystemStatus: "status",
    Execution: "executions",
    BalanceSnapshot: "balances",
    BalanceUpdate: "balances",
}


class BookCounts(Struct, frozen=True, kw_only=True):
    """What became of the messages of one book."""

    depth: int
    """Levels a side."""
    snapshots: int
    """Snapshots in the file."""
    updates: int
    """Updates in the file; those before the first snapshot of a subscription, and between a
    failed checksum and the next one, cannot be verified, and count here only."""
    checksums_ok: int
    """Messages whose checksum was right."""
    checksums_failed: int
    """Messages whose checksum was wrong."""


class Fault(Struct, frozen=True):
    """One thing that is wrong with a file."""

    line: int
    """The number of the line, from 1."""
    reason: str
    """What is wrong there."""


class Verification(Struct, frozen=True, kw_only=True):
    """What one file of captured traffic holds, and whether it is right."""

    file: str
    """As it was named."""
    frames: int
    """Frames in it; a line that is cut off or damaged counts as one."""
    decoded: int
    """Those that could be decoded, of an unknown kind or not."""
    undecoded: int
    """Those that could not, or are of nothing that can be subscribed to."""
    unknown: int
    """Those of a channel or method that this version does not know."""
    books: dict[str, BookCounts]
    """By symbol; a ``level3`` book as ``BTC/USD level3``."""
    trades: int
    """Public trades, each once."""
    trade_gaps: int
    """How often the numbers of a pair's trades jumped."""
    records: dict[str, int]
    """How many records each channel brought, snapshots included; the empty ones left out."""
    faults: tuple[Fault, ...]
    """What is wrong, in the order of the file; the first ``FAULTS_TOLD``."""
    faults_untold: int
    """How many more there are."""

    @property
    def ok(self) -> bool:
        """Whether every frame was decoded and every checksum was right."""
        return not self.faults

    def summary(self) -> dict[str, object]:
        """As plain values, fit for JSON: everything but the faults."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__[:-2]}
        shown["books"] = {
            name: {field: getattr(book, field) for field in book.__struct_fields__}
            for name, book in self.books.items()
        }
        return shown


def verify_capture(
    path: str | os.PathLike[str], *, progress: Callable[[int], object] | None = None
) -> Verification:
    """Run a file of captured frames through the engine, and give what it held.

    The file has one frame a line: ``{"ts": seconds or null, "raw": "<text>"}``, or the text
    itself; gzip is understood. Raises ``OSError`` where it cannot be read. A line that is cut
    off or damaged is one of the faults, and the next one goes on. Holds one line at a time.
    ``progress`` is told now and then how many bytes were read; a second reading begins anew.
    """
    reading = _Reading(path, {}).run(progress)
    precisions = reading.raised_precisions()
    # A pipe is empty when it was read.
    if precisions and stat.S_ISREG(Path(path).stat().st_mode):
        another = _Reading(path, precisions).run(progress)
        if another.better_than(reading):
            reading = another
    return reading.result()


class _Reading:
    """One reading of one file, from its beginning to its end."""

    def __init__(self, path: str | os.PathLike[str], precisions: _Precisions) -> None:
        self._path = path
        self._precisions = precisions
        decoder = AnyDecoder()
        self._decode = decoder.decode
        self._engine = Engine(decoder)
        self._engine.attach(self._count)
        # What this connection is, and the depths that it has shown so far: of an acknowledgement,
        # or the least that a snapshot needs.
        self._connection: int | None = None
        self._depths: dict[tuple[str, str | None], int] = {}
        # All books that there were, in the order of their first messages: a subscription made
        # anew with another depth is another book.
        self._books: dict[_Name, list[BookRoute]] = {}
        # What else is open: channel, symbol, interval.
        self._others: set[tuple[str, str | None, int | None]] = set()
        self._records = Counter[str]()
        self._trade_gaps = 0
        self._frames = 0
        self._undecoded = 0
        self._faults: list[Fault] = []
        self._untold = 0

    def run(self, progress: Callable[[int], object] | None) -> Self:
        """Read all of it, and give itself. Raises ``OSError`` where it cannot be read."""
        for frame in read_capture(self._path, on_damage=self._damage, progress=progress):
            self._take(frame)
        return self

    def better_than(self, first: _Reading) -> bool:
        """Whether it saw no less, has more checksums right, and no more of them wrong.

        One number with too many digits is enough to look like zeros that were lost everywhere.
        """
        right, wrong = self._checksums()
        first_right, first_wrong = first._checksums()
        return self._frames >= first._frames and right > first_right and wrong <= first_wrong

    def raised_precisions(self) -> _Precisions:
        """The precisions of the books that failed, and may have failed for want of digits."""
        return {
            name: (route.book.price_precision, route.book.qty_precision)
            for name, routes in self._books.items()
            for route in routes
            if route.book.precision_raised and route.book.checksums_failed
        }

    def result(self) -> Verification:
        """What was found."""
        return Verification(
            file=os.fspath(self._path),
            frames=self._frames,
            decoded=self._frames - self._undecoded,
            undecoded=self._undecoded,
            unknown=self._engine.unknown,
            books={
                symbol if channel == "book" else f"{symbol} {channel}": _counts(routes)
                for (channel, symbol), routes in self._books.items()
            },
            trades=self._records["trade"],
            trade_gaps=self._trade_gaps,
            records=dict(sorted(self._records.items())),
            faults=tuple(self._faults),
            faults_untold=self._untold,
        )

    def _checksums(self) -> tuple[int, int]:
        """How many were right, and how many wrong."""
        books = [route.book for routes in self._books.values() for route in routes]
        return sum(b.checksums_ok for b in books), sum(b.checksums_failed for b in books)

    def _count(self, item: Item) -> None:
        """Count a record by its channel."""
        channel = _CHANNEL.get(type(item))
        if channel is not None:
            self._records[channel] += 1

    def _damage(self, error: CaptureError) -> None:
        """Count a line that holds no frame, or not a whole one."""
        self._frames += 1
        self._refuse(error.line, error.reason)

    def _refuse(self, line: int, reason: str) -> None:
        self._undecoded += 1
        self._blame(line, reason)

    def _blame(self, line: int, reason: str) -> None:
        if len(self._faults) < FAULTS_TOLD:
            self._faults.append(Fault(line, reason))
        else:
            self._untold += 1

    def _take(self, frame: CapturedFrame) -> None:
        """Take a frame to the engine, with all open that it needs."""
        self._frames += 1
        at = None if frame.received_ns is None else Timestamp(frame.received_ns)
        try:
            message = self._decode(frame.payload, at)
            self._open(message)
        except ProtocolError as error:
            self._refuse(frame.line, str(error))
        except ConfigurationError as error:
            self._refuse(frame.line, f"data of nothing that can be subscribed to: {error}")
        else:
            for signal in self._engine.take(message):
                self._heed(signal, frame.line)

    def _heed(self, signal: Signal, line: int) -> None:
        """Act on what a frame means beside its records."""
        match signal:
            case Replied(reply):
                self._subscribed(reply)
            case StatusSeen(status) if status.connection_id not in (None, self._connection):
                self._connected(status.connection_id)
            case DataLost(_, gap) if gap.reason is GapReason.TRADE_ID:
                self._trade_gaps += 1
            case DataLost(_, gap) if gap.reason is GapReason.CHECKSUM:
                self._blame(
                    line,
                    f"{gap.channel} {gap.symbol}: the checksum should be {gap.expected}, "
                    f"and is {gap.received}",
                )

    def _connected(self, number: int | None) -> None:
        """A new connection has nothing of the one before."""
        self._connection = number
        self._depths.clear()
        for route in self._engine.routes():
            route.discard()

    def _subscribed(self, reply: Reply) -> None:
        """A subscription begins, perhaps once more: note its depth, discard what was before."""
        channel, symbol = reply.channel, reply.symbol
        if not (reply.success and reply.method == "subscribe" and channel):
            return
        self._depths.pop((channel, symbol), None)
        if reply.depth in _DEPTHS.get(channel, ()):
            self._depths[channel, symbol] = reply.depth
        self._discard(channel, symbol)

    def _discard(self, channel: str, symbol: str | None) -> None:
        """Begin anew what a subscription begins anew."""
        symbols = () if symbol is None else (symbol,)
        for route in self._engine.routes():
            if route.part.name == channel and route.part.symbols == symbols:
                route.discard()

    def _open(self, message: Message) -> None:
        """Make the routes that data need; ``ConfigurationError`` where there can be none."""
        match message:
            case BookMessage():
                self._open_book(("book", message.symbol), message)
            case Level3Message():
                self._open_book(("level3", message.symbol), message)
            case RecordsMessage() if message.channel != "status":
                for key in _keys(message):
                    if key not in self._others:
                        self._engine.open(_part(*key))
                        self._others.add(key)
                if message.snapshot and message.sequence == 1:
                    # Subscribed anew, though the file may not show how.
                    self._discard(message.channel, None)

    def _open_book(self, name: _Name, message: BookMessage | Level3Message) -> None:
        """Make the book of a message, or another one where a snapshot shows another depth."""
        books = self._books.get(name)
        if books and not message.snapshot:
            return
        depth = self._depth(name, message)
        if books and books[-1].book.depth == depth:
            return
        part = _part(*name, depth=depth)
        if books:
            self._engine.close(books[-1].part)
        route = cast("BookRoute", self._engine.open(part))
        self._books.setdefault(name, []).append(route)
        if name in self._precisions:
            route.book.set_precision(*self._precisions[name])

    def _depth(self, name: _Name, message: BookMessage | Level3Message) -> int:
        """The smallest depth that holds what this connection has shown; an update shows nothing."""
        legal = _DEPTHS[name[0]]
        larger = self._depths.get(name, 0)
        if message.snapshot:
            larger = max(larger, _levels(message.bids), _levels(message.asks))
        depth = next((depth for depth in legal if depth >= larger), legal[-1])
        if message.snapshot:
            self._depths[name] = depth
        return depth


def _keys(message: RecordsMessage) -> Iterator[tuple[str, str | None, int | None]]:
    """Channel, symbol and interval of what must have been subscribed to for this to come."""
    if message.channel not in ("ticker", "spread", "trade", "ohlc"):
        yield message.channel, None, None
    for record in message.records:
        match record:
            case Ticker() | Spread() | Trade():
                yield message.channel, record.symbol, None
            case Candle():
                yield message.channel, record.symbol, record.interval


def _part(
    channel: str, symbol: str | None, interval: int | None = None, *, depth: int | None = None
) -> Channel:
    """The subscription that data are of; ``ConfigurationError`` where there can be none."""
    if symbol is None:
        return Channel(name=channel)
    if modern_symbol(symbol) != symbol:
        raise ConfigurationError(
            field="symbol",
            rule=f"{symbol} is an old name, which no data have",
            mend=f"Today it is {modern_symbol(symbol)}",
        )
    if channel == "ticker":  # has an option that nothing here depends on
        return Channel.ticker(symbol)
    return Channel(name=channel, symbols=(symbol,), interval=interval, depth=depth)


def _levels(side: Sequence[Level | Level3Order]) -> int:
    """How many price levels a side has."""
    return len({each.limit_price if isinstance(each, Level3Order) else each.price for each in side})


def _counts(routes: list[BookRoute]) -> BookCounts:
    """What became of the messages of one symbol, over all its books."""
    books = [route.book for route in routes]
    return BookCounts(
        depth=books[-1].depth,
        snapshots=sum(book.snapshots for book in books),
        updates=sum(book.updates + book.stale for book in books),
        checksums_ok=sum(book.checksums_ok for book in books),
        checksums_failed=sum(book.checksums_failed for book in books),
    )
