"""Captured traffic through the engine: is all of it readable, and is every book right.

A file says most of what is needed itself: the depth of a book in the acknowledgement of its
subscription, the precision of a pair in an instrument frame. Where it does not, the depth is
the smallest legal one that holds the snapshot's larger side, and the precision is that of the
most digits in the file. These are known at its end only, so where a book turns out to have more
digits than it first showed, the file is read once more with what was learnt.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.routes import BookRoute
from kraken_trio._internal.engine.signals import DataLost, Faulted, Replied, Signal, Unrouted
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.channel import BOOK_DEPTHS, LEVEL3_DEPTHS, Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot, Level3Update
from kraken_trio._internal.model.messages import (
    BookMessage,
    Level3Message,
    RecordsMessage,
    Reply,
)
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair, SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.capture import CaptureError, read_capture
from kraken_trio._internal.wire.decode import V2Decoder

FAULTS_TOLD = 20
"""Faults of one file that are described; more are counted."""

_Name = tuple[str, str]
_Precisions = dict[_Name, tuple[int, int]]

_DEPTHS = {"book": BOOK_DEPTHS, "level3": LEVEL3_DEPTHS}
_CHANNEL: dict[type, str] = {
    Ticker: "ticker",
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
    """Updates in the file; those between a failed checksum and the next snapshot cannot be
    verified, and count here only."""
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
    """Frames in it; a line that is cut off counts as one."""
    decoded: int
    """Those that could be decoded, of an unknown kind or not."""
    undecoded: int
    """Those that could not."""
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


def verify_capture(path: str | os.PathLike[str]) -> Verification:
    """Run a file of captured frames through the engine, and give what it held.

    The file has one frame a line: ``{"ts": seconds or null, "raw": "<text>"}``, or the text
    itself; gzip is understood. Raises ``OSError`` where it cannot be read. A line that is cut
    off or damaged ends the reading, and is one of the faults. Holds one line at a time.
    """
    reading = _Reading(path, {})
    reading.run()
    precisions = reading.raised_precisions()
    if precisions:
        reading = _Reading(path, precisions)
        reading.run()
    return reading.result()


class _Reading:
    """One reading of one file, from its beginning to its end."""

    def __init__(self, path: str | os.PathLike[str], precisions: _Precisions) -> None:
        self._path = path
        self._precisions = precisions
        self._engine = Engine(V2Decoder())
        self._engine.attach(self._count)
        # What acknowledgements said last, by channel and symbol.
        self._depths: dict[_Name, int | None] = {}
        # All books that there were, in the order of their first snapshots: a subscription made
        # anew with another depth is another book.
        self._books: dict[_Name, list[BookRoute]] = {}
        self._records = Counter[str]()
        self._trade_gaps = 0
        self._damaged = 0
        self._faults: list[Fault] = []
        self._untold = 0

    def run(self) -> None:
        """Read all of it. Raises ``OSError`` where it cannot be read."""
        feed = self._engine.feed
        try:
            for frame in read_capture(self._path):
                at = None if frame.received_ns is None else Timestamp(frame.received_ns)
                for signal in feed(frame.payload, at):
                    self._heed(signal, frame.line)
        except CaptureError as error:
            self._damaged = 1
            self._blame(error.line, error.reason)

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
        engine = self._engine
        undecoded = engine.faults + self._damaged
        frames = engine.frames + self._damaged
        return Verification(
            file=os.fspath(self._path),
            frames=frames,
            decoded=frames - undecoded,
            undecoded=undecoded,
            unknown=engine.unknown,
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

    def _count(self, item: Item) -> None:
        """Count a record by its channel."""
        channel = _CHANNEL.get(type(item))
        if channel is not None:
            self._records[channel] += 1

    def _blame(self, line: int, reason: str) -> None:
        if len(self._faults) < FAULTS_TOLD:
            self._faults.append(Fault(line, reason))
        else:
            self._untold += 1

    def _heed(self, signal: Signal, line: int) -> None:
        """Act on what a frame means beside its records."""
        match signal:
            case Replied(reply):
                self._note_depth(reply)
            case Unrouted(message):
                self._open(message, line)
            case DataLost(_, gap) if gap.reason is GapReason.TRADE_ID:
                self._trade_gaps += 1
            case DataLost(_, gap) if gap.reason is GapReason.CHECKSUM:
                self._blame(
                    line,
                    f"{gap.channel} {gap.symbol}: the checksum should be {gap.expected}, "
                    f"and is {gap.received}",
                )
            case Faulted(error):
                self._blame(line, str(error))

    def _note_depth(self, reply: Reply) -> None:
        """Remember the depth of a subscription; one that changes it begins another book."""
        if not (reply.success and reply.method == "subscribe" and reply.symbol):
            return
        if reply.channel not in _DEPTHS:
            return
        name = reply.channel, reply.symbol
        self._depths[name] = reply.depth
        routes = self._books.get(name)
        if routes and reply.depth not in (None, routes[-1].book.depth):
            with suppress(KeyError):  # it may be closed already
                self._engine.close(routes[-1].part)

    def _open(self, message: BookMessage | Level3Message | RecordsMessage, line: int) -> None:
        """Make the route that data need, and give them to it."""
        engine = self._engine
        try:
            part = self._part(message)
            route = engine.open(part)
        except (ConfigurationError, ValueError) as error:
            self._blame(line, f"data of nothing that can be subscribed to: {error}")
            return
        if isinstance(route, BookRoute):
            name = part.name, part.symbols[0]
            self._books.setdefault(name, []).append(route)
            if name in self._precisions:
                route.book.set_precision(*self._precisions[name])
        for signal in engine.take(message):
            self._heed(signal, line)

    def _part(self, message: BookMessage | Level3Message | RecordsMessage) -> Channel:
        """What must have been subscribed to for this to come."""
        match message:
            case BookMessage(symbol=symbol):
                return Channel.book(symbol, depth=self._depth("book", message))
            case Level3Message(symbol=symbol):
                return Channel.level3(symbol, depth=self._depth("level3", message))
        for record in message.records:
            match record:
                case Ticker(symbol=symbol):
                    return Channel.ticker(symbol)
                case Trade(symbol=symbol):
                    return Channel.trades(symbol)
                case Candle(symbol=symbol, interval=interval):
                    return Channel.ohlc(symbol, interval=interval)
        return Channel(name=message.channel)

    def _depth(self, channel: str, message: BookMessage | Level3Message) -> int:
        """As acknowledged, else the smallest that holds the larger side."""
        legal = _DEPTHS[channel]
        told = self._depths.get((channel, message.symbol))
        if told in legal:
            return told
        larger = max(_levels(message.bids), _levels(message.asks))
        return next((depth for depth in legal if depth >= larger), legal[-1])


def _levels(side: Sequence[Level | Level3Order]) -> int:
    """How many price levels a side has."""
    return len(
        {order.limit_price if isinstance(order, Level3Order) else order.price for order in side}
    )


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
