"""What a route counts that is told of its session as a whole."""

from __future__ import annotations

from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.holding import HoldingRoute
from kraken_trio._internal.engine.routes import Route, TrackedRoute


def counted(route: Route) -> dict[str, int]:
    """What a route counts, by the names that it has here."""
    match route:
        case BookRoute(book=book):
            return {"checksums_ok": book.checksums_ok, "checksums_failed": book.checksums_failed}
        case HoldingRoute(line=line):
            return {"trades_repeated": line.repeats, "trades_backfilled": line.backfilled}
        case TrackedRoute(tracker=tracker) if route.part.name == "trade":
            return {"trades_repeated": tracker.repeats}
        case _:
            return {}
