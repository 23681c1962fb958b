"""The feed: who shares what, who is called, what can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    CallbackError,
    Candle,
    Channel,
    ConfigurationError,
    ConnectionState,
    Feed,
    Gap,
    GapPolicy,
    GapReason,
    Heartbeat,
    InstrumentPair,
    KrakenConfig,
    ProtocolError,
    Spread,
    StateChange,
    SubscriptionError,
    SystemStatus,
    Ticker,
    Trade,
    open_kraken,
)
from kraken_trio.testing import Exchange, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


@pytest.fixture
async def still(autojump_clock: trio.abc.Clock) -> AsyncIterator[Exchange]:
    """Give an exchange whose market stands still unless it is told to go on."""
    async with open_exchange(seed=1) as exchange:
        yield exchange


@pytest.mark.parametrize(
    "channel, kind",
    [
        (Channel.ticker("BTC/USD"), Ticker),
        (Channel.ticker("BTC/USD", event_trigger="bbo"), Ticker),
        (Channel.spread("BTC/USD"), Spread),
        *(
            (Channel.book("BTC/USD", depth=depth), BookSnapshot)
            for depth in (10, 25, 100, 500, 1000)
        ),
        (Channel.trades("BTC/USD", snapshot=True), Trade),
        *(
            (Channel.ohlc("BTC/USD", interval=interval), Candle)
            for interval in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
        ),
    ],
)
async def test_every_channel_delivers(
    autojump_clock: trio.abc.Clock, feed: Feed, channel: Channel, kind: type
) -> None:
    """Each channel, with each of its options, gives its records."""
    async with feed.subscribe(channel) as records:
        for _ in range(3):
            item = await records.receive()
            assert isinstance(item, (kind, BookUpdate))
            assert getattr(item, "symbol", None) == "BTC/USD"


async def test_the_short_forms_are_the_channels(autojump_clock: trio.abc.Clock, feed: Feed) -> None:
    """Each has a channel behind it."""
    assert [
        feed.ticker("BTC/USD").channel,
        feed.spread("BTC/USD").channel,
        feed.book("BTC/USD", depth=25).channel,
        feed.trades("BTC/USD", snapshot=True).channel,
        feed.ohlc("BTC/USD", interval=5).channel,
        feed.instrument().channel,
    ] == [
        Channel.ticker("BTC/USD"),
        Channel.spread("BTC/USD"),
        Channel.book("BTC/USD", depth=25),
        Channel.trades("BTC/USD", snapshot=True),
        Channel.ohlc("BTC/USD", interval=5),
        Channel.instrument(),
    ]


async def test_instruments_status_and_heartbeats(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """What has no symbol comes too: subscribed to, or pushed."""
    async with feed.events() as events, feed.instrument() as instruments:
        seen: set[type] = set()
        pair = await instruments.receive()
        while not isinstance(pair, InstrumentPair):
            pair = await instruments.receive()
        assert pair.price_precision is not None
        async for event in events:
            seen.add(type(event))
            if {SystemStatus, Heartbeat, StateChange, InstrumentPair} <= seen:
                break


async def test_the_instruments_have_room_for_their_snapshot(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """All assets and pairs come in one frame; only a user's own word makes their queue short."""
    depths = []
    for depth in (None, 7):
        instruments = feed.subscribe(Channel.instrument(), max_queue_depth=depth)
        records = instruments.statistics().records
        assert records is not None
        depths.append(records.capacity)
    assert depths == [10_000, 7]


async def test_old_names_are_understood(autojump_clock: trio.abc.Clock, feed: Feed) -> None:
    """XBT is BTC, XDG is DOGE."""
    async with feed.book("XBT/USD") as book:
        first = await book.receive()
        assert isinstance(first, BookSnapshot)
        assert first.symbol == "BTC/USD"
        assert feed.order_book("XBT/USD") == feed.order_book("BTC/USD")


async def test_equal_wishes_share_one_subscription(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The one who joins late gets a verified local snapshot, then the same updates."""
    async with feed.book("BTC/USD") as early:
        for _ in range(20):
            await early.receive()
        async with feed.book("BTC/USD") as late:
            assert len(exchange.connections[0].subscriptions) == 1
            snapshot = await late.receive()
            assert isinstance(snapshot, BookSnapshot)
            assert snapshot.local
            update = await late.receive()
            while await early.receive() != update:
                pass
        assert feed.is_subscribed(early.channel)
        assert isinstance(await early.receive(), BookUpdate)


async def test_a_ticker_and_a_spread_share_one_subscription(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Both live on the changes of the best levels; neither ends with the other."""
    async with feed.ticker("BTC/USD", event_trigger="bbo") as ticker:
        async with feed.spread("BTC/USD") as spread:
            assert len(exchange.connections[0].subscriptions) == 1
            shown = await spread.receive()
            assert isinstance(shown, Spread)
            assert shown.spread == shown.ask - shown.bid
        assert isinstance(await ticker.receive(), Ticker)


@pytest.mark.parametrize(
    "channel, least",
    [
        (Channel.ticker("BTC/USD"), 1),
        (Channel.spread("BTC/USD"), 1),
        (Channel.book("BTC/USD"), 1),
        (Channel.trades("BTC/USD", snapshot=True), 50),
        (Channel.ohlc("BTC/USD", interval=1), 1),
        (Channel.instrument(), 10),
    ],
)
async def test_one_who_joins_late_is_told_what_a_new_subscriber_would_be(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, channel: Channel, least: int
) -> None:
    """The exchange tells it once; the second consumer has it from the feed, in the same order."""
    async with feed.subscribe(channel) as early:
        exchange.step(300)
        await trio.sleep(1)
        known = await early.receive_batch()
        async with feed.subscribe(channel) as late:
            told = await late.receive_batch()
            assert len(told) >= least
            if channel.name in ("trade", "ohlc", "instrument"):
                assert _identities(told) == _identities(known)[-len(told) :]
            exchange.step(300)
            await trio.sleep(1)
            if channel.name != "instrument":
                assert await late.receive_batch() == await early.receive_batch()
    assert exchange.connected == 1


def _identities(items: list[Any]) -> list[Any]:
    """What is told by each of them, each once, in the order of its first coming."""
    names = ("trade_id", "interval_begin", "symbol", "id")
    return list(
        dict.fromkeys(
            next((type(item), getattr(item, name)) for name in names if hasattr(item, name))
            for item in items
        )
    )


@pytest.mark.parametrize("snapshot", [False, True])
async def test_one_who_comes_back_at_once_begins_anew(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, snapshot: bool
) -> None:
    """What is still on its way of the subscription that was left is nobody's any more."""
    async with feed.trades("BTC/USD", snapshot=snapshot) as trades:
        await trades.receive()
        exchange.step(300)
    async with feed.trades("BTC/USD", snapshot=snapshot) as trades:
        await trio.sleep(1)
        got = [trade for trade in await trades.receive_batch() if isinstance(trade, Trade)]
        assert sum(trade.snapshot for trade in got) == 50 * snapshot
        assert all(trade.snapshot == snapshot for trade in got[:50])
        numbers = [trade.trade_id for trade in got]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert feed.statistics().gaps == {}


async def test_a_late_joiner_has_room_for_all_that_it_is_given(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It cannot have been too slow before it was there."""
    symbols = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD")
    channel = Channel.trades(*symbols, snapshot=True)
    async with feed.subscribe(channel):
        await trio.sleep(1)
        async with feed.subscribe(channel, max_queue_depth=100) as late:
            assert len(await late.receive_batch()) >= 200
            statistics = late.statistics().records
            assert statistics is not None
            assert statistics.dropped == 0


async def test_what_is_subscribed_is_said_with_its_options(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Another depth or another trigger is another subscription; a snapshot is not."""
    async with feed.book("BTC/USD"), feed.ticker("BTC/USD"), feed.trades("BTC/USD"):
        assert feed.is_subscribed(Channel.book("BTC/USD"))
        assert not feed.is_subscribed(Channel.book("BTC/USD", depth=1000))
        assert feed.is_subscribed(Channel.ticker("BTC/USD", snapshot=False))
        assert not feed.is_subscribed(Channel.ticker("BTC/USD", event_trigger="bbo"))
        assert feed.is_subscribed(Channel.trades("BTC/USD", snapshot=True))


async def test_one_who_waits_to_be_answered_is_told_that_the_session_ends(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """With the same words as one who comes a moment later."""
    exchange.refusals["BTC/USD"] = None
    raised: list[SubscriptionError] = []

    async def enter() -> None:
        with pytest.raises(SubscriptionError, match="the session was ended") as caught:
            await feed.subscribe(Channel.book("BTC/USD", "ETH/USD")).__aenter__()
        raised.append(caught.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(enter)
        await trio.sleep(1)
        feed.disconnect()
    assert len(raised) == 1
    assert feed.statistics().subscriptions == ()


async def test_trades_made_before_a_subscription_never_come_as_news(
    autojump_clock: trio.abc.Clock, still: Exchange
) -> None:
    """A reconnect fetches the past to see what was missed; of a quiet pair all of it is old."""
    async with (
        open_kraken(CONFIG, dial=still.dial) as feed,
        feed.trades("BTC/USD") as trades,
    ):
        still.connections[0].drop()
        gap = await trades.receive()
        assert isinstance(gap, Gap)
        assert gap.reason is GapReason.DISCONNECT
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        await trio.sleep(1)
        with pytest.raises(trio.WouldBlock):
            trades.receive_nowait()
        still.step(200)
        trade = await trades.receive()
        assert isinstance(trade, Trade)
        assert not trade.snapshot


async def test_trades_that_came_without_their_past_have_none_for_others(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """An empty past would be a silent lie."""
    async with feed.trades("BTC/USD"):
        with pytest.raises(SubscriptionError, match="without its snapshot"):
            async with feed.trades("BTC/USD", snapshot=True):
                raise AssertionError
        async with feed.trades("BTC/USD"):
            pass


async def test_two_depths_of_a_book_are_refused_here(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The exchange would not tell them apart; the one that is there stays."""
    async with feed.book("BTC/USD") as book:
        with pytest.raises(SubscriptionError, match="is subscribed to as book 10 BTC/USD"):
            async with feed.book("BTC/USD", depth=25):
                raise AssertionError
        assert isinstance(await book.receive(), BookSnapshot)
    async with feed.book("BTC/USD", depth=25) as deeper:
        first = await deeper.receive()
        assert isinstance(first, BookSnapshot)
        assert first.depth == 25


async def test_callbacks_are_called_in_order_and_can_be_removed(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Sync and async ones, in the order of registration."""
    called: list[tuple[str, int]] = []

    async def second(trade: Trade) -> None:
        called.append(("async", trade.trade_id))

    first = feed.on(Trade, lambda trade: called.append(("sync", trade.trade_id)))
    feed.on(Trade, second)
    async with feed.trades("BTC/USD", snapshot=True) as trades:
        await trades.receive_batch()
        await trio.sleep(1)
        first.remove()
        before = len(called)
        await trio.sleep(5)
    assert [kind for kind, _ in called[:4]] == ["sync", "async"] * 2
    assert {kind for kind, _ in called[before:]} == {"async"}


async def test_a_callback_that_raises_ends_the_block_with_its_own_exception(
    autojump_clock: trio.abc.Clock,
    exchange: Exchange,
) -> None:
    """A user's bug is never healed by a reconnect."""
    error = ZeroDivisionError("mine")

    def broken(_: Trade) -> None:
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        async with open_kraken(CONFIG, dial=exchange.dial) as feed:
            feed.on(Trade, broken)
            async with feed.trades("BTC/USD", snapshot=True):
                await trio.sleep_forever()
    assert caught.value is error


async def test_isolated_callbacks_report_what_they_raise(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """The failure is an event, and everything goes on."""
    failures: list[CallbackError] = []
    async with open_kraken(CONFIG, dial=exchange.dial, callback_errors="isolate") as feed:
        feed.on(Trade, lambda trade: trade.no_such_thing)  # type: ignore[attr-defined]
        feed.on(CallbackError, failures.append)
        async with feed.trades("BTC/USD", snapshot=True) as trades:
            for _ in range(60):
                await trades.receive()
    assert isinstance(failures[0].exception, AttributeError)
    assert len(failures) >= 50


async def test_the_live_book_can_be_asked_at_any_time(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It is the book after the last verified message; where there is none, there is None."""
    assert feed.order_book("BTC/USD") is None
    assert feed.best_bid_ask("BTC/USD") is None
    async with feed.book("BTC/USD") as book:
        await book.receive()
        whole = feed.order_book("BTC/USD")
        assert whole is not None
        assert whole.local
        assert feed.best_bid_ask("BTC/USD") == (whole.best_bid, whole.best_ask)
    assert feed.order_book("BTC/USD") is None


async def test_a_wrong_checksum_is_told_and_mended_for_that_pair_alone(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The session is RESYNCING meanwhile, and the other pair does not notice."""
    changes: list[Any] = []
    feed.on(StateChange, changes.append)
    async with feed.book("BTC/USD", "ETH/USD") as book:
        exchange.connections[0].corrupt_next_book("BTC/USD")
        gap_seen = False
        others = 0
        async for item in book:
            if isinstance(item, Gap):
                assert (item.symbol, item.reason) == ("BTC/USD", GapReason.CHECKSUM)
                gap_seen = True
            elif item.symbol == "ETH/USD":
                assert not (gap_seen and isinstance(item, BookSnapshot))
                others += gap_seen
            elif gap_seen:
                assert isinstance(item, BookSnapshot)
                break
        await trio.sleep(1)
    states = [change.to_state for change in changes]
    assert states[-2:] == [ConnectionState.RESYNCING, ConnectionState.SUBSCRIBED]
    statistics = feed.statistics()
    assert statistics.states["public"] is ConnectionState.SUBSCRIBED
    assert statistics.gaps == {GapReason.CHECKSUM: 1}
    assert (statistics.resyncs, statistics.connections) == (1, 1)


async def test_after_a_cut_everything_is_restored(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Books say that they were lost and come back with a snapshot; trades miss nothing."""
    async with feed.book("BTC/USD") as book, feed.trades("BTC/USD") as trades:
        await book.receive()
        exchange.connections[0].drop()
        kinds: list[type] = []
        async for item in book:
            kinds.append(type(item))
            if isinstance(item, BookSnapshot):
                break
        assert kinds[-2:] == [Gap, BookSnapshot]
        numbers = []
        for _ in range(30):
            trade = await trades.receive()
            if isinstance(trade, Trade):
                numbers.append(trade.trade_id)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(exchange.connections) == 1


async def test_a_faulty_frame_is_an_event_and_nothing_else(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The text that a proxy sends before its restart, among others."""
    faults: list[ProtocolError] = []
    feed.on(ProtocolError, faults.append)
    async with feed.trades("BTC/USD") as trades:
        exchange.connections[0].send_raw("CloudFlare WebSocket proxy restarting")
        for _ in range(10):
            assert isinstance(await trades.receive(), Trade)
    assert len(faults) == 1
    assert feed.statistics().faults == 1


async def test_a_book_whose_frame_is_broken_is_told_and_mended(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Nobody waits for the next checksum to find it out."""
    async with feed.book("BTC/USD") as book, feed.book("ETH/USD") as other:
        await book.receive()
        exchange.connections[0].alter_next("book", "BTC/USD", lambda frame: (frame[:-9],))
        while not isinstance(item := await book.receive(), Gap):
            pass
        assert item.reason is GapReason.UNDECODABLE
        assert isinstance(await book.receive(), BookSnapshot)
        assert not any(isinstance(item, Gap) for item in await other.receive_batch())
        statistics = feed.statistics()
        assert (statistics.gaps, statistics.faults) == ({GapReason.UNDECODABLE: 1}, 1)


async def test_connect_after_the_end_begins_anew(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A session that was ended by hand is started again by hand, and has its subscriptions."""
    async with feed.book("BTC/USD") as book:
        await book.receive()
        feed.disconnect()
        feed.disconnect()
        assert feed.state is ConnectionState.CLOSED
        await trio.sleep(100)
        assert not exchange.connections
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        async for item in book:
            if isinstance(item, Gap):
                assert item.reason is GapReason.DISCONNECT
                break
        assert isinstance(await book.receive(), BookSnapshot)


async def test_waiting_for_a_state(feed: Feed, autojump_clock: trio.abc.Clock) -> None:
    """The one that is there is not waited for; of a session that there is not, nothing is."""
    await feed.wait_state(ConnectionState.DISCONNECTED)
    with pytest.raises(KeyError):
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="block 1")


@pytest.mark.parametrize(
    "channel", [Channel.executions(), Channel.balances(), Channel.level3("BTC/USD")]
)
async def test_what_needs_a_key_is_refused_without_one(
    autojump_clock: trio.abc.Clock, feed: Feed, channel: Channel
) -> None:
    """At once, with what to do, before a session of that kind begins."""
    with pytest.raises(ConfigurationError, match="KRAKEN_API_KEY") as caught:
        feed.subscribe(channel)
    assert caught.value.field == "api_key"
    assert channel.name in caught.value.rule
    assert list(feed.states) == ["public"]


async def test_a_gap_that_is_ignored_asks_the_exchange_for_nothing(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """It is told and counted; the book is given again as soon as a checksum is right again."""
    channel = Channel.book("BTC/USD")
    async with feed.subscribe(channel, gap_policy=GapPolicy.IGNORE) as book:
        asked = len(exchange.connections[0].requests)
        exchange.connections[0].corrupt_next_book("BTC/USD")
        while not isinstance(await book.receive(), Gap):
            pass
        back = await book.receive()
        assert isinstance(back, BookSnapshot)
        assert back.local
        assert isinstance(await book.receive(), BookUpdate)
        assert len(exchange.connections[0].requests) == asked
        assert feed.statistics().gaps == {GapReason.CHECKSUM: 1}
        with pytest.raises(SubscriptionError, match="those who share it handle gaps alike"):
            await feed.subscribe(channel).__aenter__()


async def test_buffer_means_resync_for_a_book(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """A book has no numbers to put in order, so it is made whole by a fresh snapshot."""
    async with feed.subscribe(Channel.book("BTC/USD"), gap_policy=GapPolicy.BUFFER) as book:
        exchange.connections[0].corrupt_next_book("BTC/USD")
        while not isinstance(await book.receive(), Gap):
            pass
        fresh = await book.receive()
        assert isinstance(fresh, BookSnapshot)
        assert not fresh.local
        await trio.sleep(1)
        assert feed.statistics().resyncs == 1


async def test_a_slow_consumer_loses_its_own_records_alone(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """What it loses is a gap in its own stream; a fast one beside it gets everything."""
    channel = Channel.trades("BTC/USD")
    async with feed.subscribe(channel, max_queue_depth=4) as slow, feed.subscribe(channel) as fast:
        numbers: list[int] = []
        while len(numbers) < 60:
            trade = await fast.receive()
            assert isinstance(trade, Trade)
            numbers.append(trade.trade_id)
        assert numbers == list(range(numbers[0], numbers[0] + 60))
        gap = await slow.receive()
        assert isinstance(gap, Gap)
        assert gap.reason is GapReason.OVERFLOW
        rest = await slow.receive_batch()
        assert gap.size is not None
        assert gap.size + len(rest) == slow.statistics().records.received  # type: ignore[union-attr]


@pytest.mark.parametrize("pause", range(0, 40, 2))
async def test_connecting_and_disconnecting_at_once_leaves_one_connection(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, pause: int
) -> None:
    """A wish to connect that is taken back is not carried out, however late it is taken back."""
    feed.connect()
    for _ in range(pause):
        await trio.lowlevel.checkpoint()
    feed.disconnect()
    assert feed.state is ConnectionState.CLOSED
    await trio.sleep(10)
    assert not exchange.connections
    feed.connect()
    for _ in range(pause):
        await trio.lowlevel.checkpoint()
    feed.disconnect()
    feed.connect()
    with trio.fail_after(60):
        await feed.wait_state(ConnectionState.SUBSCRIBED)
    await trio.sleep(10)
    assert len(exchange.connections) == 1


async def test_what_is_not_live_is_not_called_so(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Without a connection nothing is confirmed; with the next one it is again."""
    async with feed.book("BTC/USD") as book:
        exchange.connections[0].drop()
        await feed.wait_state(ConnectionState.DEGRADED)
        assert not feed.is_subscribed(book.channel)
        assert (feed.active_subscriptions, book.statistics().live) == ((), ())
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        assert feed.is_subscribed(book.channel)


async def test_after_the_end_a_subscription_says_what_to_do(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """It does not wait for a session that nobody starts."""
    feed.connect()
    feed.disconnect()
    with pytest.raises(SubscriptionError, match=r"feed\.connect\(\) starts a new one"):
        async with feed.book("BTC/USD"):
            raise AssertionError


async def test_whoever_waits_for_a_feed_that_ends_is_told(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """A task outside the block that enters a subscription, or waits for a state, is not left."""
    exchange.refusals["BTC/USD"] = None
    told: list[str] = []

    async def enter(feed: Feed) -> None:
        with pytest.raises(trio.ClosedResourceError):
            async with feed.book("BTC/USD"):
                raise AssertionError
        told.append("enter")

    async def wait(feed: Feed) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await feed.wait_state(ConnectionState.RESYNCING)
        told.append("wait")

    with trio.fail_after(10):
        async with (
            trio.open_nursery() as nursery,
            open_kraken(CONFIG, dial=exchange.dial) as feed,
        ):
            nursery.start_soon(enter, feed)
            nursery.start_soon(wait, feed)
            await trio.sleep(1)
    assert sorted(told) == ["enter", "wait"]


async def test_one_who_subscribes_while_the_session_recovers_is_served_by_the_next_connection(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """On a dead connection nothing is answered; the wish waits for one that lives."""
    async with feed.book("BTC/USD"):
        exchange.connections[0].mute()
        await feed.wait_state(ConnectionState.DEGRADED)
        async with feed.trades("BTC/USD"), feed.book("ETH/USD") as book:
            assert isinstance(await book.receive(), BookSnapshot)
            assert exchange.connections[-1].number == 2
            assert len(exchange.connections[-1].subscriptions) == 3
        assert feed.is_subscribed(Channel.book("BTC/USD"))
