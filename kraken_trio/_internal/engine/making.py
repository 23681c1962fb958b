"""Which route each channel needs."""

from __future__ import annotations

from collections.abc import Iterable

from kraken_trio._internal.core.trackers import CandleTracker, TradeTracker
from kraken_trio._internal.engine.account_routes import account_route
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.holding import HoldingRoute, holds_back
from kraken_trio._internal.engine.routes import Route, TrackedRoute
from kraken_trio._internal.engine.tickers import SpreadRoute, TickerRoute
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.traits import V2, Traits


def make_route(
    part: Channel, handling: GapHandling, there: Iterable[Route] = (), traits: Traits = V2
) -> Route:
    """The route that the channel of ``part`` needs, where losses are handled so.

    ``there`` are the routes of the same session: what lives on one subscription shares its state.
    Trades without numbers, and spreads that come as such, are handed on as they are.
    """
    route: Route
    match part.name:
        case "trade" if "trade" not in traits.numbered:
            route = Route(part, handling)
        case "spread" if not traits.spread_of_tickers:
            route = Route(part, handling)
        case "trade" if holds_back(part, handling):
            route = HoldingRoute(part, handling)
        case "trade":
            route = TrackedRoute(part, handling, TradeTracker(part.symbols[0]))
        case "ohlc":
            route = TrackedRoute(part, handling, CandleTracker(part.symbols[0]))
        case "executions" | "open_orders" | "own_trades" | "balances":
            route = account_route(part, handling, there, traits)
        case "book" | "level3":
            route = BookRoute(part, handling)
        case "ticker":
            route = TickerRoute(part, handling)
        case "spread":
            route = SpreadRoute(part, handling)
        case _:
            route = Route(part, handling)
    return route
