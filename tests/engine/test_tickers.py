"""Tickers as they are, and as the spreads that they show."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.signals import Missed, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Spread, Ticker, Trade
from kraken_trio._internal.model.timestamp import Timestamp

NOW = Timestamp(1_000)
LATER = Timestamp(2_000)
ONE = Decimal(1)


def opened(part: Channel) -> tuple[Any, list[Any]]:
    """Give a route, and the list that is its one sink."""
    route, got = make_route(part, GapHandling()), list[Any]()
    route.join(got.append)
    return route, got


def message(channel: str, record: Any, *, snapshot: bool = False) -> RecordsMessage:
    """Give a message of one record."""
    return RecordsMessage(channel, snapshot, (record,), None, NOW)


def ticker(bid: str, last: str = "1") -> Ticker:
    """Give a ticker with this best bid and this last price."""
    figures = (ONE, ONE, ONE, Decimal(last), *(ONE,) * 6)
    return Ticker("BTC/USD", Decimal(bid), *figures, timestamp=NOW, received_at=LATER)


def test_a_spread_comes_with_each_change_of_the_best_levels() -> None:
    """A ticker that shows the same bid and ask as before gives no spread."""
    route, got = opened(Channel.spread("BTC/USD"))
    for bid in ("1.5", "1.5", "1.6", "1.60"):
        assert list(route.take(message("ticker", ticker(bid)))) == []
    assert got == [
        Spread("BTC/USD", Decimal(bid), ONE, ONE, ONE, NOW, LATER) for bid in ("1.5", "1.6")
    ]


@pytest.mark.parametrize("field", ["bid", "bid_qty", "ask", "ask_qty"])
def test_each_of_the_four_makes_a_spread(field: str) -> None:
    """A change of one price or one quantity alone is a change."""
    route, got = opened(Channel.spread("BTC/USD"))
    for value in ("7", "8"):
        route.take(message("ticker", replace(ticker("1.5"), **{field: Decimal(value)})))
    assert [getattr(item, field) for item in got] == [7, 8]


def test_after_a_disconnect_the_spread_is_shown_again() -> None:
    """Nobody knows what it was in between, so the same one is news."""
    route, got = opened(Channel.spread("BTC/USD"))
    for _ in range(2):
        route.take(message("ticker", ticker("1.5")))
        route.disconnect()
    assert [type(item) for item in got] == [Spread, Gap, Spread, Gap]


def test_only_tickers_make_a_spread() -> None:
    """Whatever else a message holds is none of its business."""
    route, got = opened(Channel.spread("BTC/USD"))
    route.take(message("ticker", Trade("BTC/USD", "buy", ONE, ONE, "limit", 1, NOW, NOW)))
    assert got == []


def test_the_spread_that_was_shown_last_is_recalled() -> None:
    """Not the ticker that it came from; and none before the first."""
    route, got = opened(Channel.spread("BTC/USD"))
    assert list(route.recall()) == []
    route.take(message("ticker", ticker("1.5")))
    assert list(route.recall()) == got
    route.disconnect()
    assert list(route.recall()) == []


def test_a_probe_of_a_quiet_ticker_tells_nothing() -> None:
    """No trade since, it says, whatever the clock did to the rest: the market is quiet."""
    route, got = opened(Channel.ticker("BTC/USD"))
    route.take(message("ticker", ticker("1.5")))
    heard = route.heard
    route.probe = Probe()
    seen = SnapshotSeen(route.part)
    assert list(route.take(message("ticker", ticker("1.6"), snapshot=True))) == [seen]
    assert (got, route.heard, route.probe) == ([ticker("1.5")], heard, None)


@pytest.mark.parametrize(
    "part, news",
    [
        (Channel.ticker("BTC/USD"), ticker("1.5", last="2")),
        (Channel.ticker("BTC/USD", event_trigger="bbo"), ticker("1.6")),
    ],
)
def test_a_probe_shows_what_a_ticker_kept_from_us(part: Channel, news: Ticker) -> None:
    """The event that makes a ticker happened, and none came: the gap is told, then the news."""
    route, got = opened(part)
    route.take(message("ticker", ticker("1.5")))
    route.probe = Probe()
    missed, _ = route.take(message("ticker", news, snapshot=True))
    gap = Gap("ticker", "BTC/USD", GapReason.STALLED, from_time=NOW)
    assert missed == Missed(part, gap)
    assert got == [ticker("1.5"), gap, news]


@pytest.mark.parametrize("promised", [True, False])
def test_a_ticker_that_never_came_was_missed_if_it_was_promised(*, promised: bool) -> None:
    """One who asked for the state at the beginning and got none missed it; else nobody knows, but
    what the probe showed is known from then on.
    """
    route, got = opened(Channel.ticker("BTC/USD", snapshot=promised))
    route.probe = Probe()
    route.take(message("ticker", ticker("1.5"), snapshot=True))
    assert [type(item) for item in got] == ([Gap, Ticker] if promised else [])
    route.probe = Probe()
    route.take(message("ticker", ticker("1.5", last="2"), snapshot=True))
    assert [type(item) for item in got][-2:] == [Gap, Ticker]


def test_a_probe_of_a_spread_compares_the_four() -> None:
    """What a trade changes besides is none of its business."""
    route, got = opened(Channel.spread("BTC/USD"))
    route.take(message("ticker", ticker("1.5")))
    for bid, last in (("1.5", "9"), ("1.6", "9")):
        route.probe = Probe()
        route.take(message("ticker", ticker(bid, last), snapshot=True))
    assert [type(item) for item in got] == [Spread, Gap, Spread]


def test_a_probe_that_brings_no_ticker_shows_nothing() -> None:
    """An empty snapshot, or one of something else, is no evidence."""
    route, got = opened(Channel.ticker("BTC/USD"))
    route.probe = Probe()
    empty = RecordsMessage("ticker", True, (), None, NOW)  # noqa: FBT003 - a struct
    assert list(route.take(empty)) == [SnapshotSeen(route.part)]
    assert got == []
