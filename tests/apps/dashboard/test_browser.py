"""The conversation with a browser, over a real socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected

from kraken_trio._internal.apps.dashboard.board import MOST_BROWSERS

if TYPE_CHECKING:
    from tests.apps.dashboard.conftest import Serving, Spoken

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BTC, ETH, SOL, XRP = "BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"


def pairs_of(view: dict[str, Any]) -> set[str]:
    """Give the pairs whose subscriptions are live."""
    return {each["symbol"] for each in view["subscriptions"] if each["state"] == "live"}


async def test_it_is_greeted_and_shown_all_there_is(serving: Serving) -> None:
    """What is shown is a simulation, and says so; prices are strings."""
    async with serving() as served, served.browser() as browser:
        hello = await browser.hear()
        assert hello["type"] == "hello"
        assert hello["source"]["kind"] == "simulation"
        assert hello["pairs"] == [BTC, ETH, SOL]
        assert hello["limits"]["pairs"] == 5
        assert hello["config"] == {"protocol": "v2"}
        assert {each["name"] for each in hello["chaos"]} >= {"close_1006", "corrupt_checksum"}
        view = await browser.until(
            lambda view: len(pairs_of(view)) == 3 and view["book"].get(BTC, {}).get("bids")
        )
        card = view["markets"][BTC]
        assert isinstance(card["last"], str)
        assert float(card["bid"]) < float(card["ask"])
        assert view["book"][BTC]["state"] == "synchronised"
        assert view["health"]["verdict"] in ("healthy", "degraded")
        await browser.until(lambda view: view["candles"] and view["candles"]["items"])
        assert "machine" in view


async def test_pairs_are_added_and_removed_on_the_fly(serving: Serving) -> None:
    """What is shown is told before the answer; a sixth is refused with a word."""
    async with serving() as served, served.browser() as browser:
        assert (await browser.ask("add", symbol=XRP))["type"] == "done"
        assert browser.view["pairs"][-1] == XRP
        await browser.until(lambda view: XRP in pairs_of(view) and view["markets"][XRP]["last"])
        assert (await browser.ask("add", symbol="DOGE/USD"))["type"] == "done"
        refused = await browser.ask("add", symbol="LTC/USD")
        assert (refused["type"], refused["reason"][:9]) == ("refused", "At most 5")
        assert (await browser.ask("remove", symbol=XRP))["type"] == "done"
        assert XRP not in browser.view["pairs"]
        while any(XRP in channel.symbols for channel in served.origin.feed.active_subscriptions):
            await browser.hear()


async def test_the_last_one_out_leaves_no_subscription_behind(serving: Serving) -> None:
    """Two browsers share one feed; it does not matter how they go."""
    async with serving() as served:
        feed = served.origin.feed
        async with served.browser() as first:
            async with served.browser() as second:
                await second.ask("add", symbol=XRP)
                await first.until(lambda view: len(pairs_of(view)) == 3)
                await second.until(lambda view: len(pairs_of(view)) == 4)
                # Four pairs, one interval of one of them, and which pairs there are: each once.
                await served.until(lambda: len(feed.active_subscriptions) == 4 * 3 + 2)
                await trio.aclose_forcefully(second.socket._stream)
            while any(XRP in channel.symbols for channel in feed.active_subscriptions):
                await first.hear()
            assert served.board.browsers == 1
        await served.until(lambda: not (feed.active_subscriptions or served.board.browsers))
        assert served.pairs.channels == ()
        assert feed.statistics().subscriptions == ()


async def test_what_it_looks_at_comes_whole(serving: Serving) -> None:
    """A book, trades and candles of that pair."""
    async with serving() as served, served.browser("?rate=30") as browser:
        await browser.until(lambda view: len(pairs_of(view)) == 3)
        assert (await browser.ask("look", symbol=SOL, interval=5))["type"] == "done"
        assert browser.view["look"] == {"symbol": SOL, "interval": 5}
        assert len(browser.view["trades"][SOL]) == 50
        assert browser.view["book"][SOL]["asks"]
        view = await browser.until(
            lambda view: view["candles"]["interval"] == 5 and view["candles"]["items"]
        )
        assert view["candles"]["symbol"] == SOL


async def test_what_makes_no_sense_is_answered(serving: Serving) -> None:
    """And the conversation goes on; what is no text ends it."""
    async with serving() as served, served.browser() as browser:
        await browser.socket.send_message("nonsense")
        refused = await browser.hear_of("refused")
        assert refused["request"] is None
        assert (await browser.ask("buy", symbol=BTC))["type"] == "refused"
        assert (await browser.ask("remove", symbol=BTC))["type"] == "done"
        await browser.socket.send_message(b"\x00")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await browser.hear()
        assert closed.value.reason is not None
        assert closed.value.reason.code == 1003


async def test_a_bug_ends_it_and_does_not_silence_it(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page comes back then; it would else stand still, and look as if it were live."""

    def broken(_delta: object) -> None:
        raise RuntimeError("deque mutated during iteration")

    monkeypatch.setattr("kraken_trio._internal.apps.dashboard.delta.Delta.view", broken)
    async with serving() as served, served.browser() as browser:
        with trio.fail_after(10), pytest.raises(ConnectionClosed):
            while True:
                await browser.hear()
        await served.until(lambda: served.board.browsers == 0)


async def test_a_message_that_is_too_long_ends_it(serving: Serving) -> None:
    """Before it is kept anywhere."""
    async with serving() as served, served.browser() as browser:
        with pytest.raises(ConnectionClosed):
            await browser.socket.send_message("x" * 100_000)
            while True:
                await browser.hear()
        await served.until(lambda: not served.board.browsers)


async def test_a_foreign_page_may_not_read_it(serving: Serving) -> None:
    """Its browser says where it is from, and is refused before it is anybody."""
    async with serving() as served:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            with pytest.raises(ExceptionGroup) as refused:
                async with served.browser(origin=origin):
                    pass
            (error,) = refused.value.exceptions
            assert isinstance(error, ConnectionRejected)
            assert error.status_code == 403
        assert served.board.browsers == 0


async def test_too_many_are_told_to_come_again(serving: Serving) -> None:
    """And those who are there stay."""
    async with serving() as served, trio.open_nursery() as nursery:

        async def stay(*, task_status: trio.TaskStatus[Spoken]) -> None:
            async with served.browser() as browser:
                task_status.started(browser)
                while True:
                    await browser.hear()

        for _ in range(MOST_BROWSERS):
            await nursery.start(stay)
        await served.until(lambda: served.board.browsers == MOST_BROWSERS)
        async with served.browser() as browser:
            assert "close one" in (await browser.hear())["reason"]
            with pytest.raises(ConnectionClosed) as closed:
                await browser.hear()
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1013
        nursery.cancel_scope.cancel()


async def test_frames_are_shown_and_filtered(serving: Serving) -> None:
    """What goes out, too: the requests; no more when they are not wanted."""
    async with serving() as served, served.browser() as browser:
        await browser.until(lambda view: len(pairs_of(view)) == 3)
        await browser.ask("frames", on=True, filter={"text": "subscribe"})
        while not browser.frames:
            await browser.hear()
        assert {frame["direction"] for frame in browser.frames} == {"in", "out"}
        assert all("subscribe" in frame["text"] for frame in browser.frames)
        await browser.ask("frames", on=True, filter={"channel": "book"})
        browser.frames.clear()
        while not browser.frames:
            await browser.hear()
        assert {json.loads(each["text"])["channel"] for each in browser.frames} == {"book"}
        await browser.ask("frames", on=False)
        for _ in range(5):
            assert (await browser.hear())["type"] == "view"


async def test_a_cut_is_seen_and_mended(serving: Serving) -> None:
    """By a button: degraded, then all is live again, and the log says what happened."""
    async with serving() as served, served.browser() as browser:
        await browser.until(lambda view: len(pairs_of(view)) == 3)
        assert (await browser.ask("chaos", name="close_1006"))["type"] == "done"
        await browser.until(lambda view: view["sessions"][0]["state"] == "degraded")
        await browser.until(lambda view: view["health"]["verdict"] == "degraded")
        await browser.until(lambda view: view["sessions"][0]["state"] == "subscribed")
        await browser.until(lambda view: view["book"][BTC]["state"] == "synchronised")
        kinds = {line["kind"] for line in served.origin.view.chronicle.since(0)}
        assert {"chaos", "gap", "resync", "reconnect", "state"} <= kinds


async def test_who_asks_without_listening_is_not_listened_to(serving: Serving) -> None:
    """Answers do not pile up: the next request is read when one is sent."""
    async with serving() as served, served.browser() as browser, trio.open_nursery() as nursery:

        async def nag() -> None:
            while True:
                await browser.socket.send_message('{"type":"remove","symbol":"NO/NO"}')

        await browser.hear()
        nursery.start_soon(nag)
        for _ in range(50):
            await trio.sleep(0.01)
            (waiting,) = [len(each.answers) for each in served.board._browsers]
            assert waiting <= 21
        nursery.cancel_scope.cancel()
