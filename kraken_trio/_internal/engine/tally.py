"""What routes counted, channel by channel and symbol by symbol: those too that are closed.

A route counts for itself, so that the way of the data pays nothing for this; here it is added up
when somebody asks. What is kept of a closed one is bounded by what a program ever subscribed to.
"""

from __future__ import annotations

from collections.abc import Iterable

from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.holding import HoldingRoute
from kraken_trio._internal.engine.routes import Route, TrackedRoute
from kraken_trio._internal.model.statistics import BookStatistics

Part = tuple[str, str | None]
"""A channel and a symbol; None for a channel without symbols."""
Counts = dict[str, int]
"""How many, by the name of what was counted."""


class Tally:
    """What the closed routes of one engine counted."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        """Nothing yet."""
        self._closed: dict[Part, Counts] = {}

    def add(self, route: Route) -> None:
        """One is closed."""
        add_counts(self._closed, _part(route), counted(route))

    def parts(self, routes: Iterable[Route]) -> dict[Part, Counts]:
        """Give what all counted, with those that are open: ``messages``, and where there is such a
        thing ``checksums_ok``, ``checksums_failed``, ``trades_repeated``, ``trades_backfilled``.
        """
        found = {part: dict(counts) for part, counts in self._closed.items()}
        for route in routes:
            add_counts(found, _part(route), counted(route))
        return found

    def total(self, routes: Iterable[Route], name: str) -> int:
        """Give one of these figures of all together."""
        closed = sum(counts.get(name, 0) for counts in self._closed.values())
        return closed + sum(counted(route).get(name, 0) for route in routes)


def add_counts(total: dict[Part, Counts], part: Part, more: Counts) -> None:
    """Add what was counted of a part, which may be kept; plain dicts, for there are thousands."""
    known = total.get(part)
    if known is None:
        total[part] = more
        return
    for name, count in more.items():
        known[name] = known.get(name, 0) + count


def counted(route: Route) -> Counts:
    """What a route counts, by the names that it has here."""
    match route:
        case BookRoute(book=book):
            return {
                "messages": book.snapshots + book.updates + book.stale,
                "checksums_ok": book.checksums_ok,
                "checksums_failed": book.checksums_failed,
            }
        case HoldingRoute(line=line):
            repeated, backfilled = line.repeats, line.backfilled
            return {
                "messages": route.messages,
                "trades_repeated": repeated,
                "trades_backfilled": backfilled,
            }
        case TrackedRoute(tracker=tracker) if route.part.name == "trade":
            return {"messages": route.messages, "trades_repeated": tracker.repeats}
        case _:
            return {"messages": route.messages}


def book_statistics(session: str, routes: Iterable[Route]) -> list[BookStatistics]:
    """Give each book among ``routes`` as it stands."""
    return [
        BookStatistics(
            session=session,
            channel=route.part.name,
            symbol=route.book.symbol,
            state=route.book.state,
            depth=route.book.depth,
            snapshots=route.book.snapshots,
            updates=route.book.updates,
            ignored=route.book.stale,
            checksums_failed=route.book.checksums_failed,
        )
        for route in routes
        if isinstance(route, BookRoute)
    ]


def _part(route: Route) -> Part:
    part = route.part
    return part.name, part.symbols[0] if part.symbols else None
