"""What each request comes to, and what is left when nobody looks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio

from kraken_trio import Channel
from kraken_trio._internal.apps.dashboard.asked import (
    Add,
    AddAlert,
    Break,
    Look,
    Refusal,
    Remove,
    RemoveAlert,
    Request,
    ShowFrames,
)
from kraken_trio._internal.apps.dashboard.board import (
    MOST_ALERTS,
    MOST_BROWSERS,
    Board,
    Browser,
)
from kraken_trio._internal.apps.origin import Origin
from kraken_trio._internal.apps.pairs import INSTRUMENTS, Pairs
from kraken_trio._internal.apps.view.view import View
from kraken_trio.testing import ChaosFault

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BTC, ETH, SOL = "BTC/USD", "ETH/USD", "SOL/USD"


class Feed:
    """A feed that brings nothing."""

    active_subscriptions: tuple[Channel, ...] = ()

    def order_book(self, _symbol: str) -> None:
        """There is none."""

    def best_bid_ask(self, _symbol: str) -> None:
        """There is none."""


class Counted(Pairs):
    """Pairs that are counted, and subscribed to nowhere."""

    def __init__(self, view: View) -> None:
        """Begin with none."""
        self.wanted: dict[Channel, int] = {}
        super().__init__(Feed(), view, None)  # type: ignore[arg-type] # never used here

    def _want(self, channel: Channel) -> None:
        self.wanted[channel] = self.wanted.get(channel, 0) + 1
        self._held[channel] = None  # type: ignore[assignment] # as above

    def _leave(self, channel: Channel) -> None:
        self.wanted[channel] -= 1
        assert self.wanted[channel] >= 0
        if not self.wanted[channel]:
            del self.wanted[channel], self._held[channel]


class Trouble:
    """What is asked to break things."""

    def __init__(self) -> None:
        """Nothing is broken."""
        self.waiting: list[ChaosFault] = []

    def inflict(self, fault: ChaosFault) -> None:
        """It waits for a message."""
        self.waiting.append(fault)


class Room:
    """A board and what is around it."""

    def __init__(
        self, *, trouble: Trouble | None = None, symbols: tuple[str, ...] = (BTC, ETH)
    ) -> None:
        """Nobody is there."""
        self.view = View(lambda: 5, url="wss://here/v2")
        self.pairs = Counted(self.view)
        fields: dict[str, Any] = {"feed": Feed(), "trouble": trouble}
        self.origin = Origin(view=self.view, kind="other", label="", url="", **fields)
        self.board = Board(self.origin, self.pairs, symbols)

    def refusal(self, browser: Browser, asked: Request) -> str:
        """Ask for what is refused, and give the reason."""
        before = (dict(self.pairs.wanted), list(browser.delta.pairs), browser.delta.look)
        with pytest.raises(Refusal) as refused:
            self.board.answer(browser, asked)
        assert before == (self.pairs.wanted, browser.delta.pairs, browser.delta.look)
        return refused.value.reason


@pytest.fixture
def room() -> Room:
    """Give one."""
    return Room()


async def test_the_last_one_out_leaves_nothing_behind(room: Room) -> None:
    """Whatever each of them did before."""
    browsers = [room.board.enter() for _ in range(3)]
    assert room.board.browsers == 3
    assert room.pairs.wanted[Channel.ticker(BTC)] == 3
    assert room.pairs.wanted[Channel.ohlc(BTC, interval=1)] == 3
    assert room.pairs.wanted[INSTRUMENTS] == 3
    room.board.answer(browsers[0], Add(symbol=SOL))
    room.board.answer(browsers[0], Look(symbol=SOL, interval=5))
    room.board.answer(browsers[1], Remove(symbol=BTC))
    room.board.answer(browsers[2], Remove(symbol=BTC))
    room.board.answer(browsers[2], Remove(symbol=ETH))
    for browser in browsers:
        room.board.leave(browser)
    assert room.board.browsers == 0
    assert room.pairs.wanted == {}
    assert room.view.pairs == {}


async def test_too_many_browsers_are_refused(room: Room) -> None:
    """In words; one that goes makes room."""
    browsers = [room.board.enter() for _ in range(MOST_BROWSERS)]
    before = dict(room.pairs.wanted)
    with pytest.raises(Refusal, match="close one"):
        room.board.enter()
    assert room.pairs.wanted == before
    room.board.leave(browsers[0])
    room.board.enter()


async def test_a_sixth_pair_is_refused(room: Room) -> None:
    """With a word; another can come when one went."""
    browser = room.board.enter()
    for symbol in (SOL, "XRP/USD", "doge/usd"):
        answer = room.board.answer(browser, Add(symbol=symbol, request=7))
        assert answer == {"type": "done", "request": 7, "symbol": symbol.upper()}
    assert "At most 5" in room.refusal(browser, Add(symbol="LTC/USD"))
    room.board.answer(browser, Remove(symbol=SOL))
    room.board.answer(browser, Add(symbol="LTC/USD"))
    assert len(browser.delta.pairs) == 5


@pytest.mark.parametrize(
    "symbol, reason",
    [("btc/usd", "shown already"), ("XBT/USD", "shown already"), ("what", "no pair"), ("", "no")],
)
async def test_a_pair_that_makes_no_sense_is_refused(room: Room, symbol: str, reason: str) -> None:
    """Before the exchange is asked."""
    assert reason in room.refusal(room.board.enter(), Add(symbol=symbol))


async def test_a_pair_that_the_exchange_has_not_is_refused(room: Room) -> None:
    """Where it is known which it has."""
    browser = room.board.enter()
    room.view.statuses[SOL] = "online"
    room.board.answer(browser, Add(symbol=SOL))
    assert "no pair NO/NO" in room.refusal(browser, Add(symbol="NO/NO"))


async def test_what_the_exchange_refuses_later_is_told_to_all(room: Room) -> None:
    """And shown no more; who did not show it hears nothing."""
    first, second = room.board.enter(), room.board.enter()
    room.board.answer(first, Add(symbol="NO/NO"))
    room.board.answer(first, Look(symbol="NO/NO"))
    for _ in range(3):  # Once for each channel.
        room.pairs.refused("NO/NO", "Currency pair not supported NO/NO")
    (answer,) = first.answers
    assert (answer["type"], answer["request"]) == ("refused", None)
    assert "NO/NO was refused: Currency pair" in answer["reason"]
    assert first.stirred.is_set()
    assert (first.delta.pairs, first.delta.look) == ([BTC, ETH], (BTC, 1))
    assert not second.answers
    assert "NO/NO" not in room.view.pairs


async def test_a_browser_looks_at_one_pair_at_a_time(room: Room) -> None:
    """Whose candles it wants, and no others."""
    browser = room.board.enter()
    assert browser.delta.look == (BTC, 1)
    room.board.answer(browser, Look(symbol=ETH, interval=60))
    room.board.answer(browser, Look(symbol=ETH, interval=60))
    candles = [channel for channel in room.pairs.wanted if channel.name == "ohlc"]
    assert candles == [Channel.ohlc(ETH, interval=60)]
    assert "not shown" in room.refusal(browser, Look(symbol=SOL))
    assert "minutes" in room.refusal(browser, Look(symbol=ETH, interval=7))
    room.board.answer(browser, Remove(symbol=ETH))
    assert browser.delta.look == (BTC, 60)
    room.board.answer(browser, Remove(symbol=BTC))
    looks = [browser.delta.look]
    assert "not shown" in room.refusal(browser, Remove(symbol=BTC))
    room.board.answer(browser, Add(symbol=SOL))
    assert [*looks, browser.delta.look] == [None, (SOL, 1)]


async def test_without_pairs_there_is_nothing_to_look_at() -> None:
    """And that is no error."""
    room = Room(symbols=())
    browser = room.board.enter()
    assert (browser.delta.pairs, browser.delta.look) == ([], None)
    room.board.leave(browser)
    assert room.pairs.wanted == {}


@pytest.mark.parametrize(
    "when, before, then",
    [("above", "9.99", "10.00"), ("below", "10.01", "10"), ("above", "9", "11")],
)
async def test_an_alert_fires_once(room: Room, when: Any, before: str, then: str) -> None:
    """When its price is reached or passed, and only for who set it."""
    browser, other = room.board.enter(), room.board.enter()
    answer = room.board.answer(browser, AddAlert(symbol=BTC, when=when, price="10.0"))
    assert answer["id"] == 1
    room.view.on_price(ETH, Decimal(then))
    room.view.on_price(BTC, Decimal(before))
    (alert,) = browser.delta.alerts
    assert alert == {"id": 1, "symbol": BTC, "when": when, "price": "10.0", "fired": None}
    assert not browser.stirred.is_set()
    room.view.on_price(BTC, Decimal(then))
    assert alert["fired"] == 5
    assert browser.stirred.is_set()
    alert["fired"] = 1
    room.view.on_price(BTC, Decimal(then))
    assert alert["fired"] == 1
    assert other.delta.alerts == []


async def test_an_alert_that_is_so_already_fires_at_once(room: Room) -> None:
    """For nobody wants to wait for what is there."""
    browser = room.board.enter()
    room.view.pairs[BTC].last = Decimal(12)
    room.board.answer(browser, AddAlert(symbol=BTC, when="above", price="10"))
    assert browser.delta.alerts[0]["fired"] == 5


async def test_alerts_come_and_go(room: Room) -> None:
    """By number; with their pair; not without end, and of no pair that is not shown."""
    browser = room.board.enter()
    for _ in range(MOST_ALERTS):
        room.board.answer(browser, AddAlert(symbol=BTC, when="above", price="1"))
    more = AddAlert(symbol=BTC, when="above", price="1")
    assert "remove one" in room.refusal(browser, more)
    room.board.answer(browser, RemoveAlert(id=3))
    assert "no such" in room.refusal(browser, RemoveAlert(id=3))
    assert "number" in room.refusal(browser, AddAlert(symbol=BTC, when="above", price="x"))
    assert "not shown" in room.refusal(browser, AddAlert(symbol=SOL, when="above", price="1"))
    assert room.board.answer(browser, more)["id"] == MOST_ALERTS + 1
    room.board.answer(browser, Remove(symbol=BTC))
    assert browser.delta.alerts == []


async def test_only_a_simulation_can_be_broken(room: Room) -> None:
    """And each thing once at a time."""
    browser = room.board.enter()
    assert "no simulation" in room.refusal(browser, Break(name="drop"))
    trouble = Trouble()
    broken = Room(trouble=trouble)
    browser = broken.board.enter()
    broken.board.answer(browser, Break(name="drop"))
    assert trouble.waiting == [ChaosFault.DROP]
    assert "under way" in broken.refusal(browser, Break(name="drop"))
    assert "no such" in broken.refusal(browser, Break(name="auth_refusal"))


async def test_frames_are_shown_when_they_are_asked_for(room: Room) -> None:
    """And no more when they are not."""
    browser = room.board.enter()
    room.view.frames.add("public", b"{}", 0, sent=False)
    room.board.answer(browser, ShowFrames(on=True))
    assert browser.delta.frames() is not None
    room.board.answer(browser, ShowFrames(on=False))
    room.view.frames.add("public", b"{}", 0, sent=False)
    assert browser.delta.frames() is None


async def test_an_answer_is_not_waited_for(room: Room) -> None:
    """Whoever sends is told that there is one."""
    browser = room.board.enter()
    browser.stirred = trio.Event()
    browser.tell({"type": "done"})
    assert browser.stirred.is_set()
