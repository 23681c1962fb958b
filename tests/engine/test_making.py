"""The kind of route of each channel."""

from __future__ import annotations

import pytest

from kraken_trio._internal.core.backfill import TradeLine
from kraken_trio._internal.core.trackers import CandleTracker, TradeTracker
from kraken_trio._internal.engine.account_routes import (
    AccountRoute,
    OpenOrdersRoute,
    OwnTradesRoute,
)
from kraken_trio._internal.engine.accounts import ExecutionsSource, FillsSource
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.holding import HoldingRoute
from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.routes import Route, TrackedRoute
from kraken_trio._internal.engine.tickers import SpreadRoute, TickerRoute
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling, GapPolicy
from kraken_trio._internal.model.traits import V1


@pytest.mark.parametrize(
    "part, kind, tracker",
    [
        (Channel.ticker("BTC/USD"), TickerRoute, None),
        (Channel.instrument(), Route, None),
        (Channel.spread("BTC/USD"), SpreadRoute, None),
        (Channel.book("BTC/USD"), BookRoute, None),
        (Channel.level3("BTC/USD"), BookRoute, None),
        (Channel.trades("BTC/USD"), TrackedRoute, TradeTracker),
        (Channel.ohlc("BTC/USD"), TrackedRoute, CandleTracker),
        (Channel.executions(), AccountRoute, None),
        (Channel.open_orders(), OpenOrdersRoute, None),
        (Channel.own_trades(), OwnTradesRoute, None),
        (Channel.balances(), AccountRoute, None),
    ],
)
def test_each_channel_has_its_kind_of_route(
    part: Channel, kind: type, tracker: type | None
) -> None:
    """What a channel's loss looks like decides how it is routed."""
    route = make_route(part, GapHandling())
    assert type(route) is kind
    assert tracker is None or type(route.tracker) is tracker  # type: ignore[attr-defined]


def test_trades_that_are_waited_for_are_held() -> None:
    """With the policy Buffer, or history to be fetched, trades have a line to stand in."""
    for handling in (GapHandling(policy=GapPolicy.BUFFER), GapHandling(backfill=True)):
        route = make_route(Channel.trades("BTC/USD"), handling)
        assert isinstance(route, HoldingRoute)
        assert type(route.tracker) is TradeLine


@pytest.mark.parametrize("policy", GapPolicy)
@pytest.mark.parametrize("part", [Channel.trades("BTC/USD"), Channel.spread("BTC/USD")], ids=str)
def test_what_is_handed_on_as_it_is(part: Channel, policy: GapPolicy) -> None:
    """Trades without numbers have nothing to wait for, and spreads may come as such."""
    assert type(make_route(part, GapHandling(policy=policy), (), V1)) is Route


@pytest.mark.parametrize(
    "part, kind, source",
    [
        (Channel.open_orders(), OpenOrdersRoute, ExecutionsSource),
        (Channel.own_trades(), OwnTradesRoute, FillsSource),
    ],
    ids=str,
)
def test_what_has_a_channel_of_its_own_shares_nothing(
    part: Channel, kind: type, source: type
) -> None:
    """Where the exchange has open orders and own trades, neither is folded from executions."""
    others = [make_route(each, GapHandling(), (), V1) for each in (part, part)]
    route = make_route(part, GapHandling(), others, V1)
    assert type(route) is kind
    assert type(route.source) is source  # type: ignore[attr-defined]
    assert route.source.wire == part  # type: ignore[attr-defined]
    assert route.source not in [each.source for each in others]  # type: ignore[attr-defined]
