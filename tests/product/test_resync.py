"""What happens when something goes wrong while something else is being mended.

Each test lets the simulated exchange do one thing too many, and watches what a program is told: a
gap, what follows it, and that the other pairs go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio import (
    BookSnapshot,
    ConnectionState,
    Feed,
    Gap,
    GapReason,
    KrakenConfig,
    RetriesExhausted,
    StateChange,
    SubscriptionError,
    Trade,
    open_kraken,
)
from kraken_trio.testing import Exchange, ExchangeConnection, ExchangeRules, open_exchange

BTC, ETH = "BTC/USD", "ETH/USD"


WRONG = {
    "v2": '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],'
    '"asks":[{"price":1.0,"qty":1.00000000}],"checksum":1}]}',
    "v1": '[336,{"a":[["1.00000","1.00000000","1.000000"]],"c":"1"},"book-10","XBT/USD"]',
}
"""An update that no book has, by protocol."""
USUAL: dict[str, Any] = {"timeout": 10.0, "max_queue_depth": 50_000}
NUMBERED = pytest.mark.parametrize("protocol", ["v2"], indirect=True)
"""What is about numbers of trades, which one protocol has."""


@pytest.fixture(params=["v2", "v1"], autouse=True)
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let everything here be so by both protocols."""
    monkeypatch.setitem(USUAL, "protocol", request.param)
    return str(request.param)


@asynccontextmanager
async def opened(
    *, rules: ExchangeRules | None = None, rate: float = 50, **settings: Any
) -> AsyncIterator[tuple[Exchange, Feed]]:
    """Open an exchange that goes on by itself, and a feed to it."""
    config = KrakenConfig(**{**USUAL, **settings})
    async with (
        open_exchange(seed=11, rate=rate, rules=rules) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
    ):
        yield exchange, feed


def peer(exchange: Exchange) -> ExchangeConnection:
    """Give the one client of the exchange."""
    (only,) = exchange.connections
    return only


def methods(exchange: Exchange, symbol: str) -> list[str]:
    """What was asked about a symbol, in order."""
    asked = [request.decode().replace("XBT", "BTC") for request in peer(exchange).requests]
    return [
        "subscribe" if '"subscribe"' in each else "unsubscribe" for each in asked if symbol in each
    ]


def taken(channel: Any) -> list[Any]:
    """Take all that waits."""
    items: list[Any] = []
    while True:
        try:
            items.append(channel.receive_nowait())
        except trio.WouldBlock:
            return items


def kinds(items: list[Any], symbol: str) -> list[str]:
    """What came of one symbol, but for its updates."""
    return [
        f"gap {item.reason.value}" if isinstance(item, Gap) else "snapshot"
        for item in items
        if isinstance(item, Gap | BookSnapshot) and item.symbol == symbol
    ]


async def until(condition: Any) -> None:
    """Wait until it is so."""
    with trio.fail_after(600):
        while not condition():  # noqa: ASYNC110 - nothing tells it, and time costs nothing here
            await trio.sleep(0.01)


def right(exchange: Exchange, feed: Feed, symbol: str) -> bool:
    """Whether the feed's book is the exchange's."""
    mine, theirs = feed.order_book(symbol), exchange.market.book(symbol, 10)
    return mine is not None and (mine.bids, mine.asks) == (theirs.bids, theirs.asks)


async def test_a_second_gap_while_one_is_mended_is_part_of_it(
    autojump_clock: trio.testing.MockClock, protocol: str
) -> None:
    """Wrong updates of what is being left anyway mean nothing; one gap, one snapshot."""
    rules = ExchangeRules(snapshot_delay_s=0.5)
    async with opened(rules=rules) as (exchange, feed), feed.book(BTC) as book:
        taken(book)
        peer(exchange).corrupt_next_book(BTC)
        await until(lambda: feed.state is ConnectionState.RESYNCING)
        for _ in range(3):
            peer(exchange).send_raw(WRONG[protocol])
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        assert kinds(taken(book), BTC) == ["gap checksum", "snapshot"]
        assert methods(exchange, BTC) == ["subscribe", "unsubscribe", "subscribe"]
        await trio.sleep(1)
        assert feed.statistics().gaps == {GapReason.CHECKSUM: 1}
        await until(lambda: right(exchange, feed, BTC))


@pytest.mark.parametrize(
    "first, protocol",
    [("snapshot", "v2"), ("update", "v2"), ("update", "v1")],
    indirect=["protocol"],
)
async def test_a_gap_in_the_first_message_after_a_resync_is_another_one(
    first: str, autojump_clock: trio.testing.MockClock
) -> None:
    """The fresh snapshot is wrong, or what comes right behind it: it is mended once more."""
    async with opened() as (exchange, feed), feed.book(BTC) as book, feed.book(ETH) as other:
        taken(book)
        peer(exchange).corrupt_next_book(BTC)
        if first == "update":
            await until(lambda: feed.statistics().resyncs)
        peer(exchange).corrupt_next_book(BTC)
        await until(lambda: feed.statistics().gaps.get(GapReason.CHECKSUM) == 2)
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        shown = kinds(taken(book), BTC)
        whole = ["snapshot"] if first == "update" else []
        assert shown == ["gap checksum", *whole, "gap checksum", "snapshot"]
        await trio.sleep(1)
        await until(lambda: right(exchange, feed, BTC))
        assert kinds(taken(other), ETH) == ["snapshot"]


async def test_leaving_before_the_snapshot_leaves_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Once unsubscribed, the snapshot never comes; whoever asks again gets a fresh one."""
    rules = ExchangeRules(snapshot_delay_s=5.0)
    async with opened(rules=rules) as (exchange, feed):
        with trio.move_on_after(1) as scope:
            async with feed.book(BTC):
                raise AssertionError("its snapshot is not there yet")
        assert scope.cancelled_caught
        await until(lambda: methods(exchange, BTC) == ["subscribe", "unsubscribe"])
        await trio.sleep(20)
        assert feed.active_subscriptions == ()
        assert feed.state is ConnectionState.SUBSCRIBED
        async with feed.book(BTC) as book:
            assert isinstance(await book.receive(), BookSnapshot)
            await trio.sleep(0.5)
            await until(lambda: right(exchange, feed, BTC))


async def test_a_book_that_never_verifies_is_given_up_while_others_go_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Bounded attempts with growing pauses; then that subscription ends with its error."""
    async with opened(jitter=0.0) as (exchange, feed), feed.book(ETH) as other:
        async with feed.book(BTC) as book:
            for _ in range(100):
                peer(exchange).corrupt_next_book(BTC)
            moments: list[float] = []
            with pytest.raises(SubscriptionError, match=r"not to be made whole: .*, in 5 attempts"):
                while True:
                    if isinstance(await book.receive(), Gap):
                        moments.append(trio.current_time())
        pauses = [after - before for before, after in pairwise(moments)]
        assert len(moments) == 5
        assert pauses[-1] > pauses[-2] > pauses[-3]
        assert feed.order_book(BTC) is None
        assert kinds(taken(other), ETH) == ["snapshot"]
        await trio.sleep(5)
        await until(lambda: right(exchange, feed, ETH))
        assert taken(other)
        assert feed.statistics().connections == 1


@pytest.mark.parametrize("subscribing", [True, False])
async def test_a_wish_without_a_connection_takes_effect_on_the_next(
    subscribing: bool,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Subscribed or left meanwhile: the next connection asks for exactly what is wanted then."""
    async with opened() as (exchange, feed), feed.book(ETH):
        leaving = feed.book(BTC)
        if not subscribing:
            await leaving.__aenter__()
        exchange.upgrade_status = 503
        exchange.connections[0].drop()
        await until(lambda: feed.state is ConnectionState.DEGRADED)
        if not subscribing:
            await leaving.aclose()
        async with trio.open_nursery() as nursery:
            if subscribing:
                nursery.start_soon(leaving.__aenter__)
            await trio.sleep(10)
            exchange.upgrade_status = None
            await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        wanted = {ETH, BTC} if subscribing else {ETH}
        symbols = {s for part in peer(exchange).subscriptions for s in part.symbols}
        assert symbols == wanted
        assert {s for part in feed.active_subscriptions for s in part.symbols} == wanted
        if subscribing:
            await leaving.aclose()


async def test_a_maintenance_is_waited_for_as_long_as_it_takes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Attempts in it do not count, and are far apart; then everything comes back."""
    async with opened(max_attempts=3) as (exchange, feed), feed.book(BTC) as book:
        attempts: list[bool] = []
        feed.on(StateChange, lambda change: attempts.append(change.to_state.value == "connecting"))
        exchange.change_system("maintenance", shut=True)
        await trio.sleep(1)
        exchange.connections[0].drop()
        await trio.sleep(1800)
        assert 10 < sum(attempts) < 1800 / 4
        exchange.change_system("online")
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        taken(book)
        await trio.sleep(1)
        await until(lambda: right(exchange, feed, BTC))


@pytest.mark.parametrize(
    "status, retry_after_s, wait", [(403, None, 0.0), (429, 20, 20.0), (503, 7, 7.0)]
)
async def test_a_refused_upgrade_is_tried_again_when_it_was_asked_to(
    status: int, retry_after_s: int | None, wait: float, autojump_clock: trio.testing.MockClock
) -> None:
    """Within the attempts there are, and not before ``Retry-After``."""
    async with opened() as (exchange, feed), feed.events() as events, feed.book(BTC):
        exchange.upgrade_status, exchange.retry_after_s = status, retry_after_s
        exchange.connections[0].drop()
        began = trio.current_time()
        await until(
            lambda: any(
                isinstance(told, StateChange) and f"status {status}" in told.reason
                for told in taken(events)
            )
        )
        exchange.upgrade_status = None
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        assert round(trio.current_time() - began, 6) >= wait  # a sum of floats


async def test_a_host_that_refuses_for_ever_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """When the attempts are spent, the block is told."""
    with pytest.raises(RetriesExhausted) as caught:
        async with opened(max_attempts=4) as (exchange, feed), feed.book(BTC):
            exchange.upgrade_status = 403
            exchange.connections[0].drop()
            await trio.sleep_forever()
    assert caught.value.attempts == 4
    assert "403" in str(caught.value.__cause__)


async def test_a_close_in_good_order_is_followed_by_a_connection_at_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Code 1000: no back-off, but for ``initial_delay``. The proxy's words are no harm."""
    async with opened(jitter=0.0) as (exchange, feed), feed.events() as events, feed.book(BTC):
        peer(exchange).send_proxy_notice()
        await trio.sleep(1)
        began = trio.current_time()
        peer(exchange).close(1000)
        await until(lambda: exchange.connected == 2 and feed.state is ConnectionState.SUBSCRIBED)
        assert trio.current_time() - began < 0.5
        told = Counter(type(item).__name__ for item in taken(events))
        assert told["ProtocolError"] == 1


@NUMBERED
async def test_trades_are_whole_over_every_kind_of_trouble(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Cut, repeated, resubscribed: each number once and in order, or in one gap."""
    async with opened(rate=200) as (exchange, feed), feed.trades(BTC) as trades:
        for trouble in ("repeat", "drop", "cut", "lose"):
            await trio.sleep(3)
            connection = exchange.connections[0]
            if trouble == "repeat":
                connection.repeat_next("trade", BTC)
            elif trouble == "drop":
                connection.drop_next("trade", BTC)
            elif trouble == "cut":
                connection.drop()
            else:
                connection.mute()
                await trio.sleep(30)
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        await trio.sleep(3)
        expected: int | None = None
        missing = 0
        for item in taken(trades):
            if isinstance(item, Gap):
                assert (item.expected, item.size) != (None, None)
                assert item.expected == expected
                missing += item.size or 0
                expected = item.received
            else:
                assert isinstance(item, Trade)
                assert expected in (None, item.trade_id)
                expected = item.trade_id + 1
        last = exchange.market.trades(BTC)[-1].trade_id
        assert expected is not None
        assert last - 5 <= expected - 1 <= last
        assert missing
        assert feed.statistics().trades_repeated


async def test_a_half_open_connection_is_found_in_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Within ``stale_after`` and ``heartbeat_timeout``, with the books invalid from then on."""
    settings: dict[str, Any] = {"stale_after": 3.0, "heartbeat_timeout": 4.0}
    async with (
        opened(**settings) as (exchange, feed),
        feed.book(BTC),
        feed.events() as events,
    ):
        peer(exchange).mute()
        began = trio.current_time()
        await until(lambda: feed.state is ConnectionState.DEGRADED)
        assert trio.current_time() - began <= 7.1
        assert feed.order_book(BTC) is None
        change = next(item for item in taken(events) if isinstance(item, StateChange))
        assert change.trigger.value == "heartbeat_timeout"
