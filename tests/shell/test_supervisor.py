"""The supervisor: what it sends, when it yields, how it recovers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Channel,
    ConnectionState,
    Feed,
    Gap,
    KrakenConfig,
    StateChange,
    SubscriptionError,
    Timestamp,
    Trade,
    open_kraken,
)
from kraken_trio._internal.shell.serving import wire_part
from kraken_trio.extended import Observer
from kraken_trio.testing import Exchange, Market, MarketPair, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


class Sent(Observer):
    """Remembers what was sent."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.frames: list[bytes] = []

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Remember it."""
        assert (session, type(at)) == ("public", Timestamp)
        self.frames.append(payload)

    def take(self) -> list[bytes]:
        """Give them, and forget them."""
        frames, self.frames = self.frames, []
        return frames


@pytest.fixture
def sent() -> Sent:
    """Give an observer of what is sent."""
    return Sent()


@pytest.fixture
async def feed(exchange: Exchange, sent: Sent) -> AsyncIterator[Feed]:
    """Give a feed of it, observed."""
    async with open_kraken(CONFIG, dial=exchange.dial, observers=[sent]) as feed:
        yield feed


def states(changes: list[StateChange]) -> list[str]:
    """Give the states that were entered."""
    return [change.to_state.value for change in changes]


def test_a_spread_lives_on_tickers() -> None:
    """The exchange has no spread of its own."""
    assert wire_part(Channel.spread("BTC/USD")) == Channel.ticker("BTC/USD", event_trigger="bbo")
    assert wire_part(Channel.book("BTC/USD")) == Channel.book("BTC/USD")


async def test_wishes_made_together_go_out_together(
    autojump_clock: trio.abc.Clock, feed: Feed, sent: Sent, exchange: Exchange
) -> None:
    """A hundred subscriptions of one symbol each are one message."""
    symbols = exchange.market.symbols
    feed.connect()
    await feed.wait_state(ConnectionState.SUBSCRIBED)
    async with trio.open_nursery() as nursery:

        async def hold(symbol: str) -> None:
            async with feed.book(symbol):
                await trio.sleep(30)

        for symbol in symbols:
            nursery.start_soon(hold, symbol)
        await trio.sleep(1)
        assert len(sent.frames) == 1
        assert all(symbol.encode() in sent.frames[0] for symbol in symbols)
        sent.take()
    await trio.sleep(1)
    assert len(sent.take()) <= len(symbols)


async def test_a_quiet_connection_is_pinged(
    autojump_clock: trio.abc.Clock, feed: Feed, sent: Sent, exchange: Exchange
) -> None:
    """Nothing comes without subscriptions, so pings keep the connection, and it is kept."""
    feed.connect()
    await trio.sleep(600)
    frames = sent.take()
    assert frames
    assert set(frames) == {b'{"method":"ping"}'}
    assert feed.state is ConnectionState.SUBSCRIBED
    assert len(exchange.connections) == 1


async def test_a_peer_that_falls_silent_is_left_in_time(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Half-open: the socket lives, nothing comes. It is found, and replaced."""
    changes: list[StateChange] = []
    feed.on(StateChange, changes.append)
    async with feed.trades("BTC/USD") as trades:
        await trades.receive()
        began = trio.current_time()
        exchange.connections[0].mute()
        await feed.wait_state(ConnectionState.DEGRADED)
        assert trio.current_time() - began <= CONFIG.stale_after + CONFIG.heartbeat_timeout + 1
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        assert changes[-2].trigger.value != "heartbeat_timeout"
        assert "heartbeat_timeout" in {change.trigger.value for change in changes}
        while not isinstance(await trades.receive(), Trade):
            pass


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_a_close_is_followed_by_a_new_connection(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, code: int
) -> None:
    """Whatever code the exchange closes with, the feed comes back, with everything on it."""
    changes: list[StateChange] = []
    feed.on(StateChange, changes.append)
    async with feed.book("BTC/USD", "ETH/USD") as book:
        exchange.connections[0].close(code, "bye")
        await feed.wait_state(ConnectionState.DEGRADED)
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        await trio.sleep(1)
        assert feed.is_subscribed(book.channel)
    degraded = next(change for change in changes if change.to_state is ConnectionState.DEGRADED)
    assert degraded.reason == f"connection lost (close code {code}): bye"


@pytest.mark.parametrize("status, counted", [(503, False), (429, True), (403, True)])
async def test_a_refused_upgrade_is_tried_again(
    autojump_clock: trio.abc.Clock, exchange: Exchange, status: int, counted: bool
) -> None:
    """503 costs no attempt, for it is no fault of ours; the others do."""
    exchange.upgrade_status = status
    changes: list[StateChange] = []
    outcome: list[str] = []
    try:
        async with open_kraken(CONFIG.replace(max_attempts=3), dial=exchange.dial) as feed:
            feed.on(StateChange, changes.append)
            feed.connect()
            await trio.sleep(100)
            outcome.append("still trying")
            exchange.upgrade_status = None
            await feed.wait_state(ConnectionState.SUBSCRIBED)
    except Exception as error:  # noqa: BLE001 - which one is what is asked
        outcome.append(type(error).__name__)
    assert outcome == (["RetriesExhausted"] if counted else ["still trying"])
    assert f"HTTP status {status}" in " ".join(change.reason for change in changes)


async def test_a_symbol_that_is_never_answered_ends_alone(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The exchange is silent about one pair, and answers for the other."""
    exchange.refusals["ETH/USD"] = None
    async with feed.trades("BTC/USD") as trades:
        await trades.receive()
        with pytest.raises(SubscriptionError, match="not answered"):
            async with feed.book("ETH/USD"):
                raise AssertionError
        assert feed.is_subscribed(trades.channel)
    assert len(exchange.connections) == 1


async def test_a_flood_does_not_starve_its_consumer(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """Thousands of records that come at once are all received: the reader yields in between."""
    config = CONFIG.replace(max_queue_depth=100)
    async with open_kraken(config, dial=exchange.dial) as feed, feed.book("BTC/USD") as book:
        await book.receive()
        exchange.step(5000)
        received, gaps = 0, 0
        with trio.move_on_after(1):
            async for item in book:
                gaps += isinstance(item, Gap)
                received += 1
        assert received > 500
        assert gaps == 0


async def test_forty_nine_pairs_flow_while_one_is_mended(
    autojump_clock: trio.abc.Clock,
) -> None:
    """One pair resyncs again and again; no other is touched: no gap, no second snapshot."""
    pairs = [
        MarketPair(symbol=f"A{n}/USD", price=Decimal("10.00"), price_precision=2, qty_precision=8)
        for n in range(50)
    ]
    bad = pairs[0].symbol
    seen: dict[str, list[type]] = {pair.symbol: [] for pair in pairs}
    async with (
        open_exchange(Market(pairs, seed=1, start=10**18), rate=100) as exchange,
        open_kraken(CONFIG.replace(max_queue_depth=100_000), dial=exchange.dial) as feed,
        feed.book(*seen) as book,
    ):
        mended = 0
        async for item in book:
            seen[item.symbol or ""].append(type(item))
            if item.symbol == bad and isinstance(item, BookSnapshot):
                mended += 1
                if mended == 3:
                    break
                exchange.connections[0].corrupt_next_book(bad)
                await trio.sleep(31)  # so that each is a first one, mended at once
    assert seen[bad].count(Gap) == 2
    for symbol, kinds in seen.items():
        if symbol != bad:
            assert kinds.count(BookSnapshot) == 1
            assert kinds.count(Gap) == 0
            assert kinds.count(BookUpdate) > 10
