"""What is new for one browser: merged, bounded, and whole after a look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio import BookSnapshot, Candle, Channel, Level, Timestamp, Trade
from kraken_trio._internal.apps.dashboard.delta import LINES, TRADES, Delta
from kraken_trio._internal.apps.view.frames import MOST_SHOWN, Filter
from kraken_trio._internal.apps.view.view import View

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BTC, ETH = "BTC/USD", "ETH/USD"


class Live:
    """A feed with one book."""

    def __init__(self) -> None:
        """Of which nothing came yet."""
        self.book: BookSnapshot | None = None
        self.active_subscriptions: tuple[Channel, ...] = ()

    def order_book(self, symbol: str) -> BookSnapshot | None:
        """Give it."""
        return self.book if symbol == BTC else None

    def best_bid_ask(self, symbol: str) -> tuple[Level | None, Level | None] | None:
        """Give its best."""
        book = self.order_book(symbol)
        return None if book is None else (book.best_bid, book.best_ask)


class Shown:
    """One browser, and all that is behind it."""

    def __init__(self) -> None:
        """It shows two pairs and looks at the first."""
        self.live = Live()
        self.view = View(lambda: 1000, url="wss://here/v2")
        self.delta = Delta(self.view, self.live)
        for symbol in (BTC, ETH):
            self.view.want(symbol)
            self.delta.pairs.append(symbol)
        self.delta.turn(BTC, 1)

    def trade(self, number: int, symbol: str = BTC, price: str = "10") -> None:
        """Let a trade come."""
        at = Timestamp(number)
        one = Decimal(1)
        self.view.add(Trade(symbol, "buy", Decimal(price), one, "limit", number, at))

    def candle(self, begin_ms: int, interval: int = 1) -> None:
        """Let a candle come."""
        one = Decimal(1)
        begin = Timestamp(begin_ms * 1_000_000)
        self.view.add(Candle(BTC, interval, begin, one, one, one, one, one, 1, one))

    def rest(self, bid: str) -> None:
        """Let the book be another."""
        one = Decimal(1)
        levels = (Level(Decimal(bid), one),), (Level(Decimal(100), one),)
        self.live.book = BookSnapshot(BTC, 10, *levels, 0, Timestamp(0))

    def new(self) -> dict[str, Any]:
        """Give what is new; nothing may be."""
        return self.delta.view() or {}


@pytest.fixture
def shown() -> Shown:
    """Give a browser."""
    return Shown()


def test_the_first_view_has_every_member(shown: Shown) -> None:
    """Empty where there is nothing yet."""
    first = shown.new()
    assert set(first) == {
        "type",
        "markets",
        "book",
        "trades",
        "candles",
        "health",
        "sessions",
        "machine",
        "latency",
        "log",
        "pairs",
        "look",
        "alerts",
        "rates",
        "buffers",
        "subscriptions",
        "known",
    }
    assert first["pairs"] == [BTC, ETH] == list(first["markets"])
    assert first["look"] == {"symbol": BTC, "interval": 1}
    assert first["trades"] == {BTC: []}
    assert first["candles"] == {"symbol": BTC, "interval": 1, "reset": True, "items": []}


def test_the_first_view_of_nobody_has_every_member_too() -> None:
    """There is nothing to look at."""
    view = View(lambda: 0, url="")
    first = Delta(view, Live()).view()
    assert first is not None
    assert (first["look"], first["candles"], first["markets"], first["log"]) == (None, None, {}, [])


def test_nothing_new_is_no_message(shown: Shown) -> None:
    """And the machine is told once."""
    assert "machine" in shown.new()
    assert shown.delta.view() is None


def test_what_came_in_between_is_merged(shown: Shown) -> None:
    """One card with the last of it, however much came; only of the pair that changed."""
    shown.new()
    for number in range(1, 101):
        shown.trade(number, ETH, str(number))
    new = shown.new()
    assert set(new) == {"type", "markets"}
    assert list(new["markets"]) == [ETH]
    assert new["markets"][ETH]["last"] == "100"


def test_a_book_is_sent_when_it_changed(shown: Shown) -> None:
    """With the card, whose best bid it is."""
    shown.new()
    shown.rest("9")
    new = shown.new()
    assert new["book"][BTC]["bids"] == [["9", "1"]]
    assert new["markets"][BTC]["bid"] == "9"
    assert shown.delta.view() is None
    shown.live.book = None
    assert shown.new()["book"][BTC]["bids"] == []


def test_trades_and_candles_come_once(shown: Shown) -> None:
    """Of the pair that is looked at; candles by what changed."""
    shown.new()
    shown.trade(1)
    shown.trade(2, ETH)
    shown.candle(0)
    shown.candle(0, interval=5)
    new = shown.new()
    assert [trade["id"] for trade in new["trades"][BTC]] == [1]
    assert [candle["t"] for candle in new["candles"]["items"]] == [0]
    assert new["candles"]["reset"] is False
    shown.trade(3)
    new = shown.new()
    assert [trade["id"] for trade in new["trades"][BTC]] == [3]
    assert "candles" not in new


def test_after_a_look_all_of_it_comes_whole(shown: Shown) -> None:
    """The last trades, every candle, the book; also of the same pair once more."""
    for number in range(TRADES + 20):
        shown.trade(number)
    shown.candle(0)
    shown.rest("9")
    shown.new()
    for _ in range(2):
        shown.delta.turn(BTC, 1)
        new = shown.new()
        assert [trade["id"] for trade in new["trades"][BTC]] == list(range(20, TRADES + 20))
        assert new["candles"]["reset"] is True
        assert len(new["candles"]["items"]) == 1
        assert new["book"][BTC]["bids"]
    shown.delta.turn(ETH, 5)
    new = shown.new()
    assert new["look"] == {"symbol": ETH, "interval": 5}
    assert new["trades"] == {ETH: []}
    assert list(new["book"]) == [ETH]
    shown.delta.turn(None, 1)
    assert shown.new()["look"] is None


def test_lines_of_the_log_come_once(shown: Shown) -> None:
    """So many at most: the last ones."""
    shown.new()
    for number in range(LINES + 5):
        shown.view.chronicle.write("error", str(number), time=0)
    assert shown.new()["log"][0]["text"] == "5"
    shown.view.chronicle.write("error", "last", time=0)
    assert [line["text"] for line in shown.new()["log"]] == ["last"]


def test_frames_come_while_they_are_asked_for(shown: Shown) -> None:
    """The last ones first, then the new ones; none when none is new, or wanted."""
    for number in range(MOST_SHOWN + 5):
        shown.view.frames.add("public", b"%d" % number, 0, sent=False)
    assert shown.delta.frames() is None
    shown.delta.show_frames(Filter())
    message = shown.delta.frames()
    assert message is not None
    assert len(message["items"]) == MOST_SHOWN
    assert message["total"] == MOST_SHOWN + 5
    assert message["reset"]
    assert shown.delta.frames() is None
    shown.view.frames.add("public", b"new", 0, sent=False)
    message = shown.delta.frames()
    assert message is not None
    assert [item["text"] for item in message["items"]] == ["new"]
    assert not message["reset"]
    shown.delta.show_frames(Filter(text="0"))
    message = shown.delta.frames()
    assert message is not None
    assert message["reset"], "or those of the filter before would stay"
    shown.delta.show_frames(None)
    shown.view.frames.add("public", b"more", 0, sent=False)
    assert shown.delta.frames() is None


def test_known_pairs_are_told_when_they_are_known(shown: Shown) -> None:
    """Once, and again when there are more."""
    assert shown.new()["known"] is None
    shown.view.statuses |= {ETH: "online", BTC: "online"}
    assert shown.new()["known"] == [BTC, ETH]
    assert "known" not in shown.new()
    shown.view.statuses["A/B"] = "online"
    assert shown.new()["known"] == ["A/B", BTC, ETH]


def test_subscriptions_are_live_when_all_of_a_pair_is(shown: Shown) -> None:
    """Candles do not count: they are of what is looked at."""
    assert {each["state"] for each in shown.new()["subscriptions"]} == {"waiting"}
    shown.live.active_subscriptions = (
        Channel.ticker(BTC),
        Channel.trades(BTC),
        Channel.book(BTC),
        Channel.instrument(),
        Channel.ticker(ETH),
    )
    first, second = shown.new()["subscriptions"]
    assert (first["state"], first["channels"]) == ("live", ["book", "ticker", "trade"])
    assert (second["state"], second["since"]) == ("waiting", 1000)


def test_alerts_are_told_as_they_stand(shown: Shown) -> None:
    """A copy: what is changed afterwards is new."""
    shown.delta.alerts.append({"id": 1, "fired": None})
    assert shown.new()["alerts"] == [{"id": 1, "fired": None}]
    shown.delta.alerts[0]["fired"] = 5
    assert shown.new()["alerts"] == [{"id": 1, "fired": 5}]
