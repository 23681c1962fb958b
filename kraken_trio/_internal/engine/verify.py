"""Captured traffic through the engine: is all of it readable, and is every book right.

What a file must have been subscribed to is found out as it is read (``opening``), for each session
that a recording tells apart. The precision of a pair stands in an instrument frame; where there is
none, it is that of the most digits in the file. That is known at its end only, so where a
book turns out to have more digits than it first showed, the file is read once more with what was
learnt, if it can be; what comes of that counts only where it is better.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from msgspec import Struct

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.opening import Name, Opening, Precisions
from kraken_trio._internal.engine.signals import DataLost, Signal
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.errors import ConfigurationError, ProtocolError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
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

    def __init__(self, path: str | os.PathLike[str], precisions: Precisions) -> None:
        self._path = path
        self._precisions = precisions
        self._sessions: dict[str | None, _Session] = {}
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

    def raised_precisions(self) -> Precisions:
        """The precisions of the books that failed, and may have failed for want of digits."""
        return {
            name: (route.book.price_precision, route.book.qty_precision)
            for name, routes in self._books()
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
            unknown=sum(each.engine.unknown for each in self._sessions.values()),
            books={
                symbol if channel == "book" else f"{symbol} {channel}": _counts(routes)
                for (channel, symbol), routes in self._books()
            },
            trades=self._records["trade"],
            trade_gaps=self._trade_gaps,
            records=dict(sorted(self._records.items())),
            faults=tuple(self._faults),
            faults_untold=self._untold,
        )

    def _books(self) -> Iterator[tuple[Name, list[BookRoute]]]:
        """All books that there were, in the order of their first messages, by their names."""
        found: dict[Name, list[BookRoute]] = {}
        for session in self._sessions.values():
            for name, routes in session.opening.books.items():
                found.setdefault(name, []).extend(routes)
        return iter(found.items())

    def _checksums(self) -> tuple[int, int]:
        """How many were right, and how many wrong."""
        books = [route.book for _, routes in self._books() for route in routes]
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
        """Take a frame to the engine of its session, with all open that it needs."""
        self._frames += 1
        at = None if frame.received_ns is None else Timestamp(frame.received_ns)
        session = self._sessions.get(frame.session)
        if session is None:
            session = self._sessions[frame.session] = _Session(self._precisions, self._count)
        try:
            signals = session.opening.take(session.decode(frame.payload, at))
        except ProtocolError as error:
            self._refuse(frame.line, str(error))
        except ConfigurationError as error:
            self._refuse(frame.line, f"data of nothing that can be subscribed to: {error}")
        else:
            for signal in signals:
                self._heed(signal, frame.line)

    def _heed(self, signal: Signal, line: int) -> None:
        """Count what is missing, and tell what is wrong."""
        match signal:
            case DataLost(_, gap) if gap.reason is GapReason.TRADE_ID:
                self._trade_gaps += 1
            case DataLost(_, gap) if gap.reason is GapReason.CHECKSUM:
                self._blame(
                    line,
                    f"{gap.channel} {gap.symbol}: the checksum should be {gap.expected}, "
                    f"and is {gap.received}",
                )


class _Session:
    """What one session's frames go through."""

    def __init__(self, precisions: Precisions, count: Callable[[Item], None]) -> None:
        decoder = AnyDecoder()
        self.decode = decoder.decode
        self.engine = Engine(decoder)
        self.engine.attach(count)
        self.opening = Opening(self.engine, precisions)


def learnt_precisions(path: str | os.PathLike[str]) -> Precisions:
    """Read a file, and give the precisions that its books are right with and would not be without.

    Of a pipe, which can be read once, none.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        return {}
    reading = _Reading(path, {}).run(None)
    precisions = reading.raised_precisions()
    better = precisions and _Reading(path, precisions).run(None).better_than(reading)
    return precisions if better else {}


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
