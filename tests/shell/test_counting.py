"""The one frozen record of everything that is counted."""

from __future__ import annotations

import pytest
import trio

from kraken_trio import (
    BookState,
    Channel,
    ConnectionState,
    DropPolicy,
    Feed,
    FeedStatistics,
    GapReason,
    KrakenConfig,
    SessionTrigger,
    open_kraken,
)
from kraken_trio._internal.shell.counting import Requests
from kraken_trio._internal.testing.place import TRADING
from kraken_trio.testing import Exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


def consistent(statistics: FeedStatistics) -> None:
    """See that what stands there twice is the same."""
    for name in ("frames", "faults", "unknown", "unrouted", "heartbeats", "connections"):
        whole = sum(getattr(session, name) for session in statistics.sessions)
        assert getattr(statistics, name) == whole
    for name in ("checksums_ok", "checksums_failed", "resyncs"):
        assert getattr(statistics, name) == sum(getattr(part, name) for part in statistics.parts)
    for name in ("dropped", "coalesced", "overflows"):
        assert getattr(statistics, name) == sum(
            getattr(consumer, name) for consumer in statistics.consumers
        )
    for reason, count in statistics.gaps.items():
        assert count == sum(part.gaps.get(reason, 0) for part in statistics.parts)
    for session in statistics.sessions:
        assert session.attempts >= session.connections
        assert session.reconnections == max(0, session.connections - 1) or session.name == "ended"


async def test_everything_is_there_once(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """By session, subscription, symbol, book, reason, consumer: and the sums agree."""
    exchange.refusals["SOL/USD"] = "Currency pair not supported SOL/USD"
    async with (
        feed.events() as events,
        feed.subscribe(Channel.book("BTC/USD", "SOL/USD"), max_queue_depth=10_000) as book,
        feed.subscribe(Channel.book("ETH/USD"), max_queue_depth=5),
    ):
        exchange.connections[0].corrupt_next_book("BTC/USD")
        await trio.sleep(5)
        exchange.connections[0].drop()
        await trio.sleep(35)  # as long as it takes to have sent a ping
        taken = len([item for item in await book.receive_batch() if hasattr(item, "checksum")])
        consistent(statistics := feed.statistics())
    (session,) = statistics.sessions
    assert (session.name, session.state) == ("public", ConnectionState.SUBSCRIBED)
    assert (session.attempts, session.failures, session.connections) == (2, 0, 2)
    assert (session.reconnections, session.subscription_failures) == (1, 1)
    assert session.transitions[SessionTrigger.CONFIRMED] == 2
    assert session.round_trip_s is not None
    assert session.clock_offset_s is not None
    assert abs(session.clock_offset_s) < 1
    parts = {(part.channel, part.symbol): part for part in statistics.parts}
    assert parts["book", "BTC/USD"].checksums_failed == 1
    assert parts["book", "BTC/USD"].gaps == {GapReason.CHECKSUM: 1, GapReason.DISCONNECT: 1}
    assert parts["book", "BTC/USD"].resyncs == 2
    books = {each.symbol: each for each in statistics.books}
    assert books.keys() == {"BTC/USD", "ETH/USD"}
    assert {each.state for each in books.values()} == {BookState.LIVE}
    assert books["BTC/USD"].checksums_failed == 1
    consumers = {each.kind: each for each in statistics.consumers}
    assert (consumers["book"].consumers, consumers["events"].consumers) == (2, 1)
    assert consumers["book"].processed == taken
    assert consumers["book"].dropped > 0
    assert consumers["callbacks"].received == 0
    assert statistics.observers == ()
    assert events.statistics().received == consumers["events"].received
    after = feed.statistics()
    consistent(after)
    (left,) = [each for each in after.consumers if each.kind == "book"]
    assert (left.consumers, left.processed, left.received) == (
        0,
        consumers["book"].processed,
        consumers["book"].received,
    )
    with pytest.raises(AttributeError):
        setattr(statistics, "frames", 0)  # noqa: B010 - it is frozen, which mypy knows too


async def test_sessions_that_are_over_are_counted_on_as_one(
    autojump_clock: trio.abc.Clock, feed: Feed
) -> None:
    """With all that came through them."""
    for number in (1, 2):
        channel = Channel.book("BTC/USD")
        async with feed.subscribe(channel, drop_policy=DropPolicy.BLOCK) as book:
            await book.receive()
            consistent(feed.statistics())
        statistics = feed.statistics()
        consistent(statistics)
        ended = statistics.sessions[-1]
        assert (ended.name, ended.state) == ("ended", ConnectionState.CLOSED)
        assert (ended.connections, ended.attempts) == (number, number)
        assert (ended.round_trip_s, ended.clock_offset_s) == (None, None)
    assert feed.statistics().checksums_ok >= 2


async def test_an_attempt_that_fails_is_one(autojump_clock: trio.abc.Clock) -> None:
    """Whether nobody is there, or nobody answers in time."""

    async def nobody(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        if len(seen) % 2:
            await trio.sleep_forever()
        seen.append(None)
        raise OSError("nobody listens")

    seen: list[None] = []
    async with open_kraken(CONFIG.replace(timeout=1.0), dial=nobody) as feed:
        feed.connect()
        await trio.sleep(20)
        (session,) = feed.statistics().sessions
        assert session.attempts >= 2
        assert session.failures in (session.attempts, session.attempts - 1)
        assert session.transitions[SessionTrigger.CONNECT_FAILED] == 1
        assert session.transitions[SessionTrigger.CONNECT_TIMED_OUT] == session.failures - 1


def test_requests_are_counted_by_how_they_end() -> None:
    """Each ends once, and what did not end waits; methods that nobody used are there too."""
    requests = Requests()
    for what in ("asked", "asked", "asked", "asked", "asked", "accepted", "rejected", "not_sent"):
        requests.count("add_order", what)
    requests.count("add_order", "unknown")
    (add,) = (each for each in requests.statistics() if each.method == "add_order")
    assert (add.asked, add.waiting) == (5, 1)
    assert (add.accepted, add.rejected, add.unknown, add.not_sent) == (1, 1, 1, 1)
    assert (add.settled, add.unsettled) == (0, 1)
    requests.count("add_order", "settled")
    rest = {each.method: each for each in requests.statistics()}
    assert (rest["add_order"].settled, rest["add_order"].unsettled) == (1, 0)
    assert {*rest} == TRADING
    assert not any(each.asked for method, each in rest.items() if method != "add_order")
