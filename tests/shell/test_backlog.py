"""What waits is watched: warned of in time, once; logged by the episode; counted for good."""

from __future__ import annotations

import itertools
import logging
from decimal import Decimal
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    CallbackError,
    Channel,
    ConfigurationError,
    DropPolicy,
    Feed,
    Gap,
    GapReason,
    HighWater,
    KrakenConfig,
    Spread,
    Ticker,
    Timestamp,
    Trade,
    open_kraken,
)
from kraken_trio._internal.shell.backlog import Backlog
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.paced import PacedChannel
from kraken_trio.testing import Exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)
CHANNEL = Channel.spread("BTC/USD", "ETH/USD")
ONE = Decimal(1)
RECORD = Spread("BTC/USD", ONE, ONE, ONE, ONE)


class Room:
    """A backlog whose warnings go to every event stream, as in a feed."""

    def __init__(self) -> None:
        """Start without any."""
        self.telling = False
        self.warnings: list[HighWater] = []
        self.streams: list[RecordChannel[Any]] = []
        self.backlog = Backlog(
            self.publish, lambda: Timestamp(7), lambda _channel, _symbol: None, Pressure()
        )

    def publish(self, warning: HighWater) -> None:
        """Tell every stream."""
        assert not self.telling
        self.telling = True
        self.warnings.append(warning)
        for stream in self.streams:
            stream.put(warning)
        self.telling = False

    def stream(self, buffer_size: int) -> RecordChannel[Any]:
        """Open one more stream."""
        config = CONFIG.replace(buffer_size=buffer_size)
        self.streams.append(self.backlog.stream(config, self.streams.remove))
        return self.streams[-1]

    def subscription(self, **settings: Any) -> RecordChannel[Any]:
        """Make the channel of one more subscription."""
        return self.backlog.subscription(CHANNEL, CONFIG.replace(**settings))


def fill(channel: RecordChannel[Any], count: int) -> None:
    """Put so many records."""
    for _ in range(count):
        channel.put(RECORD)


# Which channel


@pytest.mark.parametrize(
    "settings, kind",
    [
        ({}, RecordChannel),
        ({"coalesce_window": 5.0}, RecordChannel),
        ({"drop_policy": "latest", "coalesce_window": 5.0}, RecordChannel),
        ({"drop_policy": "coalesce", "coalesce_window": 0}, RecordChannel),
        ({"drop_policy": "coalesce"}, PacedChannel),
        ({"max_messages_per_second": 1}, PacedChannel),
        ({"max_messages_per_second": 10**400}, PacedChannel),
    ],
)
def test_only_what_holds_back_is_a_channel_that_does(settings: Any, kind: type) -> None:
    """All others are plain ones, which cost least."""
    assert type(Room().subscription(**settings)) is kind


# High water


def test_what_a_subscription_begins_with_has_room() -> None:
    """A snapshot of each book comes before anybody can receive."""
    symbols = [f"A{number}/USD" for number in range(600)]
    backlog, config = Room().backlog, CONFIG.replace(max_queue_depth=500)
    for channel, capacity in (
        (Channel.book(*symbols), 600),
        (Channel.book(*symbols[:499]), 500),
        (Channel.trades(*symbols), 500),
    ):
        assert backlog.subscription(channel, config).statistics().capacity == capacity


async def test_a_buffer_that_fills_is_warned_of_once(autojump_clock: trio.abc.Clock) -> None:
    """The warning says whose it is; it comes again only after less than half was taken."""
    room = Room()
    channel = room.subscription(max_queue_depth=10)
    fill(channel, 7)
    assert room.warnings == []
    fill(channel, 1)
    assert room.warnings == [HighWater("spread", ("BTC/USD", "ETH/USD"), 8, 10, Timestamp(7))]
    for _ in range(3):
        channel.receive_nowait()
    fill(channel, 50)
    assert len(room.warnings) == 1
    while channel.statistics().buffered >= 5:
        channel.receive_nowait()
    fill(channel, 4)
    assert [warning.buffered for warning in room.warnings] == [8, 8]


@pytest.mark.parametrize("rate, given", [(0, 16), (1, 1)])
async def test_one_that_blocks_is_warned_of_and_counted_like_others(
    autojump_clock: trio.abc.Clock, rate: int, given: int
) -> None:
    """With a rate or without; that its reader does not stop here costs nothing, either."""
    room = Room()
    config = CONFIG.replace(max_queue_depth=10, max_messages_per_second=rate)
    channel = room.backlog.blocking(CHANNEL, config)
    fill(channel, 9)
    assert channel.pause() is None
    fill(channel, 7)
    assert channel.pause() is not None
    assert room.warnings == [HighWater("spread", ("BTC/USD", "ETH/USD"), 8, 10, Timestamp(7))]
    assert len(await channel.receive_batch()) == given
    channel.close()
    (left,) = room.backlog.left.values()
    assert (left.dropped, left.coalesced, left.overflows) == (0, 0, 0)


@pytest.mark.parametrize("capacity", [1, 2, 3, 4])
async def test_of_a_few_entries_nobody_is_warned(
    capacity: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Four fifths of them are all; what is lost is logged all the same."""
    room = Room()
    fill(room.subscription(max_queue_depth=capacity), 9)
    assert room.warnings == []
    assert [record.message for record in caplog.records] == [
        "overflow: spread BTC/USD ETH/USD: by policy oldest, 1 dropped so far"
    ]


@pytest.mark.parametrize("capacity", [5, 6, 10, 1024])
async def test_a_stream_that_is_warned_of_itself_does_not_overflow_for_it(capacity: int) -> None:
    """There is room for the warning, and it brings no other one."""
    room = Room()
    stream = room.stream(capacity)
    while not room.warnings:
        stream.put(RECORD)
    statistics = stream.statistics()
    assert statistics.dropped == 0
    assert statistics.buffered == room.warnings[0].buffered + 1
    fill(stream, 10 * capacity)
    assert len(room.warnings) == 1


async def test_many_streams_that_fill_at_once_warn_one_after_the_other(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Each of them once, however many there are: no warning is told within another."""
    room = Room()
    streams = [room.stream(1000) for _ in range(150)]
    for stream in streams:
        fill(stream, 799)
    fill(streams[0], 1)
    assert [warning.channel for warning in room.warnings] == ["events"] * 150
    for stream in streams:
        statistics = stream.statistics()
        assert (statistics.received, statistics.dropped) == (949 + (stream is streams[0]), 0)


async def test_what_publishing_raises_does_not_silence_the_next_warning(
    autojump_clock: trio.abc.Clock,
) -> None:
    """It comes out where the record was put, which must not happen; the next is told."""
    told: list[HighWater] = []

    def publish(warning: HighWater) -> None:
        told.append(warning)
        if len(told) == 1:
            raise ZeroDivisionError

    backlog = Backlog(publish, lambda: Timestamp(1), lambda _channel, _symbol: None, Pressure())
    with pytest.raises(ZeroDivisionError):
        fill(backlog.subscription(CHANNEL, CONFIG), 400)
    fill(backlog.subscription(CHANNEL, CONFIG), 400)
    assert len(told) == 2


# The log


async def test_an_overflow_is_logged_by_the_episode(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Its warning, its beginning and its end, with what it cost; not each record."""
    caplog.set_level(logging.INFO, "kraken_trio.feed")
    channel = Room().subscription(max_queue_depth=10, drop_policy="latest")
    for _ in range(2):
        fill(channel, 1000)
        while channel.statistics().buffered:
            channel.receive_nowait()
        await trio.sleep(10)
    fill(channel, 1)
    assert [record.message for record in caplog.records] == [
        "high_water: spread BTC/USD ETH/USD: 8 of 10 entries wait",
        "overflow: spread BTC/USD ETH/USD: by policy latest, 1 dropped so far",
        "overflow_over: spread BTC/USD ETH/USD: it cost 990",
        "high_water: spread BTC/USD ETH/USD: 8 of 10 entries wait",
        "overflow: spread BTC/USD ETH/USD: by policy latest, 991 dropped so far",
        "overflow_over: spread BTC/USD ETH/USD: it cost 990",
    ]


async def test_the_log_is_not_flooded(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A buffer that overflows a hundred times a second is spoken of once in ten seconds; events
    tell it each time.
    """
    caplog.set_level(logging.INFO, "kraken_trio.feed")
    room = Room()
    channel = room.subscription(max_queue_depth=10)
    for _ in range(2500):
        fill(channel, 20)
        while channel.statistics().buffered:
            channel.receive_nowait()
        await trio.sleep(0.01)
    words = [record.message.partition(":")[0] for record in caplog.records]
    assert words == ["high_water", "overflow", "overflow_over"] * 3
    assert len(room.warnings) == 2500


async def test_the_log_names_a_few_symbols_of_many(caplog: pytest.LogCaptureFixture) -> None:
    """A subscription may have all that there are."""
    everything = Channel.trades(*(f"A{number}/USD" for number in range(500)))
    config = CONFIG.replace(max_queue_depth=5)
    fill(Room().backlog.subscription(everything, config), 4)
    (record,) = caplog.records
    assert "A9/USD and 490 more" in record.message
    assert len(record.message) < 200


# In a feed


async def hear(feed: Feed) -> list[HighWater]:
    """Have the warnings of a feed kept."""
    heard: list[HighWater] = []
    feed.on(HighWater, heard.append)
    return heard


async def test_a_subscription_that_fills_is_an_event(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """In every stream, and for callbacks; it is about the subscription, not about who is told."""
    heard = await hear(feed)
    channel = Channel.trades("BTC/USD", "ETH/USD")
    async with feed.events() as events, feed.subscribe(channel, max_queue_depth=20) as slow:
        told = await events.receive()
        while not isinstance(told, HighWater):
            told = await events.receive()
        assert slow.statistics().records.dropped == 0  # type: ignore[union-attr]
    assert heard == [told]
    assert (told.channel, told.symbols) == ("trade", ("BTC/USD", "ETH/USD"))
    assert (told.buffered, told.capacity) == (16, 20)
    assert abs(told.at - exchange.market.now) < 3600 * 10**9


async def test_a_stream_that_nobody_reads_is_an_event_for_the_others(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """It is warned of, and so is the queue of a callback that hangs; neither makes a loop."""
    async with open_kraken(CONFIG.replace(buffer_size=50), dial=exchange.dial) as feed:

        async def hang(_: object) -> None:
            await trio.sleep_forever()

        feed.on(Trade, hang)
        feed.on(Ticker, hang)
        warnings: list[HighWater] = []
        async with (
            feed.events() as unread,
            feed.events() as read,
            feed.book("BTC/USD", "ETH/USD"),
            feed.subscribe(Channel.trades("BTC/USD"), stream=False),
            feed.subscribe(Channel.ticker("BTC/USD", event_trigger="bbo"), stream=False),
        ):
            with trio.move_on_after(120):
                while True:
                    event = await read.receive()
                    if isinstance(event, HighWater):
                        warnings.append(event)
            kept = [unread.receive_nowait() for _ in range(unread.statistics().buffered)]
            statistics = feed.statistics()
        assert sorted(warning.channel for warning in warnings) == ["book", "callbacks", "events"]
        assert {(warning.buffered, warning.capacity) for warning in warnings} == {
            (40, 50),
            (400, 500),
        }
        assert statistics.callbacks.capacity == 50
        assert statistics.callbacks.dropped > 100
        assert statistics.dropped > statistics.callbacks.dropped > 0
        assert sum(isinstance(event, Gap) for event in kept) >= 1


async def test_what_was_lost_stays_counted(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Dropped and merged apart, of every kind of consumer, also when it has left."""
    before = feed.statistics()
    assert (before.dropped, before.coalesced, before.overflows, before.streams) == (0, 0, 0, ())
    async with (
        feed.subscribe(Channel.trades("BTC/USD"), max_queue_depth=3) as trades,
        feed.subscribe(Channel.book("BTC/USD"), drop_policy=DropPolicy.COALESCE) as book,
        feed.events() as events,
    ):
        await trio.sleep(60)
        inside = feed.statistics()
        own = [each.records for each in inside.subscriptions]
        assert [each.channel for each in inside.subscriptions] == [trades.channel, book.channel]
        assert own[0] is not None
        assert own[1] is not None
        assert inside.dropped == own[0].dropped + inside.streams[0].dropped
        assert inside.coalesced == own[1].coalesced > 100
        assert own[0].dropped > 10
        assert own[0].overflows == 1
        assert inside.streams == (events.statistics(),)
    after = feed.statistics()
    assert (after.subscriptions, after.streams) == ((), ())
    assert (after.dropped, after.coalesced, after.overflows) == (
        inside.dropped,
        inside.coalesced,
        inside.overflows,
    )
    trades.close()
    assert feed.statistics().dropped == after.dropped


async def test_what_was_lost_is_counted_once(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Also of a channel that was closed while its subscription goes on."""
    async with feed.subscribe(Channel.trades("BTC/USD"), max_queue_depth=3) as trades:
        await trio.sleep(60)
        inside = feed.statistics()
        assert inside.dropped > 10
        assert trades.records_channel is not None
        trades.records_channel.close()
        assert feed.statistics().dropped == inside.dropped
    assert feed.statistics().dropped == inside.dropped


@pytest.mark.parametrize(
    "settings, field",
    [
        ({"max_messages_per_second": -1}, "max_messages_per_second"),
        ({"max_messages_per_second": 0.5}, "max_messages_per_second"),
        ({"drop_policy": "coalesce", "coalesce_window": -0.1}, "coalesce_window"),
        ({"drop_policy": "oldest", "coalesce_window": 0.1}, "coalesce_window"),
        ({"coalesce_window": 0.1}, "coalesce_window"),
        ({"coalesce_window": -1}, "coalesce_window"),
        ({"max_queue_depth": 0}, "max_queue_depth"),
        ({"drop_policy": "newest"}, "drop_policy"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_the_rules_of_the_configuration_check_a_subscription(
    autojump_clock: trio.abc.Clock, feed: Feed, settings: Any, field: str, stream: Any
) -> None:
    """Before anything is asked for; and what would have no effect is refused."""
    with pytest.raises(ConfigurationError, match=field) as caught:
        feed.subscribe(Channel.trades("BTC/USD"), stream=stream, **settings)
    assert caught.value.field == field


async def test_a_subscription_has_its_own_rate(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Beside one without, which is told of everything at once."""
    channel = Channel.book("BTC/USD")
    async with (
        feed.subscribe(channel, max_messages_per_second=5) as slow,
        feed.subscribe(channel) as fast,
    ):
        began, got = trio.current_time(), 0
        with trio.move_on_after(10):
            async for item in slow.records():
                got += isinstance(item, BookSnapshot | BookUpdate)
        took = trio.current_time() - began
        assert abs(got - 5 * took) <= 2
        assert len(await fast.receive_batch()) > 2 * got


async def test_a_subscription_has_its_own_window(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What its symbol did meanwhile is one update, and the consumer's own book is right."""
    async with feed.subscribe(
        Channel.book("BTC/USD"), drop_policy=DropPolicy.COALESCE, coalesce_window=2.0
    ) as book:
        times = []
        checksums = []
        for _ in range(10):
            item = await book.receive()
            assert not isinstance(item, Gap)
            times.append(trio.current_time())
            checksums.append(item.checksum)
        # The snapshot is no update; what followed it in its window is the first.
        pauses = [after - before for before, after in itertools.pairwise(times)]
        assert pauses[0] == 0
        assert all(2.0 <= pause < 2.5 for pause in pauses[1:])
        assert checksums[-1] == feed.order_book("BTC/USD").checksum  # type: ignore[union-attr]
    assert feed.statistics().coalesced > 100


async def test_the_preset_for_many_pairs_has_both(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """Its fields are used: so many a second, gathered for its window."""
    config = KrakenConfig.multi_pair(endpoint=CONFIG.endpoint, max_messages_per_second=20)
    async with (
        open_kraken(config, dial=exchange.dial) as feed,
        feed.ticker("BTC/USD", "ETH/USD", event_trigger="bbo") as tickers,
    ):
        began, got = trio.current_time(), 0
        while trio.current_time() < began + 10:
            got += len(await tickers.receive_batch())
        assert got <= 20 * 10 + 2
        assert feed.statistics().coalesced > 0


async def test_an_overflow_of_a_book_is_followed_by_a_verified_snapshot(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """The gap names how many; the snapshot is the live book; the next update continues it."""
    async with feed.subscribe(Channel.book("BTC/USD"), max_queue_depth=5) as book:
        await trio.sleep(30)
        gap = await book.receive()
        assert isinstance(gap, Gap)
        assert (gap.symbol, gap.reason) == ("BTC/USD", GapReason.OVERFLOW)
        snapshot = await book.receive()
        assert isinstance(snapshot, BookSnapshot)
        assert snapshot.local
        assert snapshot == feed.order_book("BTC/USD")
        assert isinstance(await book.receive(), BookUpdate)
        statistics = feed.statistics()
        assert statistics.overflows == 1
        assert statistics.dropped == gap.size
        assert statistics.gaps == {GapReason.OVERFLOW: 1}


async def test_everybody_is_told_what_one_consumer_lost(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """Marked as local, for nothing is missing here; and who believes no book now has it again."""
    called: list[Gap] = []
    feed.on(Gap, called.append)
    async with (
        feed.events() as events,
        feed.subscribe(Channel.book("BTC/USD"), max_queue_depth=5) as book,
    ):
        await trio.sleep(30)
        batch = await events.receive_batch()
        assert not [item for item in batch if isinstance(item, Gap)]
        gap, snapshot = [await book.receive() for _ in range(2)]
        assert isinstance(gap, Gap)
        assert not gap.local
        told = await events.receive_batch()
        assert told == [replace(gap, local=True), snapshot]
        await trio.sleep(1)
        assert called == told[:1]


async def test_everybody_has_the_book_again_whatever_waits_for_the_consumer(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The consumer has an old snapshot behind its gap; for the others it would come too late."""
    async with (
        feed.events() as events,
        feed.subscribe(Channel.book("BTC/USD"), max_queue_depth=5) as book,
    ):
        await trio.sleep(30)
        exchange.connections[0].corrupt_next_book("BTC/USD")
        exchange.step(5)
        waiting = book.statistics().records
        while waiting is not None and waiting.buffered < 2:
            await trio.sleep(0.1)
            waiting = book.statistics().records
        await events.receive_batch()
        gap, old = [await book.receive() for _ in range(2)]
        assert isinstance(old, BookSnapshot)
        assert not old.local
        assert await events.receive_batch() == [
            replace(gap, local=True),
            feed.order_book("BTC/USD"),
        ]


async def test_a_warning_reaches_a_feed_that_isolates_its_callbacks(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """A callback that fails at a warning is an event, and the warning is not told again."""
    failed: list[CallbackError] = []
    async with open_kraken(CONFIG, dial=exchange.dial, callback_errors="isolate") as feed:

        def fail(_: HighWater) -> None:
            raise ValueError

        feed.on(HighWater, fail)
        feed.on(CallbackError, failed.append)
        async with feed.subscribe(Channel.book("BTC/USD"), max_queue_depth=5):
            await trio.sleep(30)
    assert [type(failure.item) for failure in failed] == [HighWater]
