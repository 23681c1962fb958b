"""How things stood: what an engine needs to go on from some line, kept in bounded memory.

What is cheap is taken at once. A book is a copy of its lists, so of all books no two are taken with
one line, unless there are very many: each stands between the lines then, at the moment when it was
so. To write one as a frame costs a hundred times as much, and is done by whoever writes a bundle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.routes import Route, TrackedRoute
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.records import BookSnapshot, Trade
from kraken_trio._internal.model.steps import Broke, Confirmed, Opened, Probed, Step
from kraken_trio._internal.wire.anchors import trade_frame

ROOM_BYTES: Final = 32 * 2**20
"""That the books of one segment take, but for the last: forty of them with 1,000 levels a side."""
LEVEL_BYTES: Final = 400
"""What one level takes, or one order: a record, two exact numbers, and its places in lists."""

Whole = BookSnapshot | Level3Snapshot
Entry = tuple[str, bytes | Step | Whole, int | None]
"""Session, a frame, a step or a book as it stood, and when."""


class Failed(NamedTuple):
    """That something failed."""

    lines: int
    """How many lines there were then: it was the last one."""
    kind: str
    """Of incident."""
    session: str
    """In which session."""
    channel: str | None
    """Of what; None where it is unknown."""
    symbol: str | None
    """Likewise."""


class Segment:
    """Some lines, and how things stood before them, or a little later."""

    __slots__ = (
        "_at_once",
        "_head",
        "_room",
        "_taken",
        "begun",
        "failures",
        "left_out",
        "lines",
        "pending",
        "size",
    )

    def __init__(
        self, engines: Iterable[tuple[str, Engine]] = (), at: int = 0, *, most: int
    ) -> None:
        """Begin with what is open; its books are taken over the first half of ``most`` lines."""
        self.lines: list[Entry] = []
        """What came and was done."""
        self.size: int = 0
        """What frames take."""
        self.failures: list[Failed] = []
        """What failed, in order."""
        self.left_out: int = 0
        """Books for which there was no room."""
        self.begun: int = 0
        """How many lines there were when all books had been taken."""
        self._head: list[Entry] = []
        # Each with how many lines there were when it was taken.
        self._taken: list[tuple[int, Entry]] = []
        self.pending: deque[tuple[str, Engine, BookRoute]] = deque()
        """Books that are still to be taken."""
        self._room = ROOM_BYTES
        for session, engine in engines:
            for route in engine.routes():
                self._begin(session, engine, route, at)
        self._at_once = 1 + 2 * len(self.pending) // most

    def add(self, session: str, what: bytes | Step, at: int | None) -> None:
        """Add a line."""
        if self.pending:
            self.take_some(at)
        self.lines.append((session, what, at))
        self.size += size_of(what)

    def take_some(self, at: int | None) -> None:
        """Take a book or a few that are still to be taken: before a line is added, which has not
        come to anything yet.
        """
        self.take_books(self._at_once, at)

    def take_books(self, most: int | None, at: int | None) -> None:
        """Take so many of those that are still to be taken; all with None."""
        pending = self.pending
        for _ in range(len(pending) if most is None else min(most, len(pending))):
            self._take(*pending.popleft(), at)
        if not pending:
            self.begun = len(self.lines)

    def fail(self, kind: str, session: str, channel: str | None, symbol: str | None) -> None:
        """Note that something failed with the latest line."""
        self.failures.append(Failed(len(self.lines), kind, session, channel, symbol))

    def whole(self) -> Iterator[Entry]:
        """Give all of it, with how things stood."""
        yield from self._head
        done = 0
        for lines, book in self._taken:
            yield from self.lines[done:lines]
            yield book
            done = lines
        yield from self.lines[done:]

    @property
    def stood(self) -> int:
        """How many entries say how things stood."""
        return len(self._head) + len(self._taken)

    def _begin(self, session: str, engine: Engine, route: Route, at: int) -> None:
        """Take what is cheap of a route."""
        head = self._head
        head.append((session, Opened(route.part, route.handling, engine.traits.name), at))
        if isinstance(route, BookRoute):
            self.pending.append((session, engine, route))
        elif isinstance(route, TrackedRoute) and isinstance(route.tracker.last, Trade):
            head.append((session, trade_frame(route.tracker.last), at))
        if route.confirmed:
            head.append((session, Confirmed(route.part), at))

    def _take(self, session: str, engine: Engine, route: BookRoute, at: int | None) -> None:
        """Take a book, if it is still there, live, and not too large. One that is not live begins
        with its next snapshot.
        """
        if engine.route(route.part) is not route:
            return
        book = route.book.snapshot() if self._room > 0 else None
        if book is None:
            self.left_out += self._room <= 0
            return
        self._room -= LEVEL_BYTES * (len(book.bids) + len(book.asks))
        self._taken.append((len(self.lines), (session, book, at)))
        probe = route.probe
        if probe is not None:
            step = Probed(route.part, probe.confirmed_at, probe.left_at)
            self._taken.append((len(self.lines), (session, step, at)))


def size_of(what: bytes | Step) -> int:
    """What it takes, where that is worth counting."""
    match what:
        case bytes():
            return len(what)
        case Broke(piece=piece):
            return len(piece)
        case _:
            return 0
