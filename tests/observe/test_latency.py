"""How latencies are measured, and what is said of them."""

from __future__ import annotations

import logging
import math
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    ConfigurationError,
    Gap,
    GapReason,
    LatencyAlert,
    LatencyStage,
    Spread,
    Ticker,
    Timestamp,
    Trade,
    open_kraken,
)
from kraken_trio._internal.observe.latency import Latency
from kraken_trio.testing import ChaosFault, chaos
from tests.observe.conftest import CONFIG, Open

NETWORK, PROCESSING, TOTAL = LatencyStage
ONE = Decimal(1)


def ms(milliseconds: float) -> Timestamp:
    """Give a moment."""
    return Timestamp(int(milliseconds * 10**6))


SPREAD = Spread("BTC/USD", ONE, ONE, ONE, ONE, ms(0), ms(20))
TICKER = Ticker(
    *("BTC/USD", ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE), None, ms(0), ms(20)
)


def update(at: float | None = 0, received_at: float | None = 20) -> BookUpdate:
    """Give an update of a book."""
    stamps = [None if each is None else ms(each) for each in (at, received_at)]
    return BookUpdate("BTC/USD", (), (), None, None, 0, *stamps)


def trade(**fields: Any) -> Trade:
    """Give a trade."""
    return replace(
        Trade("BTC/USD", "buy", ONE, ONE, "limit", 1, ms(0), ms(20)),
        **fields,
    )


def quiet() -> Latency:
    """Give one that has nothing to say."""
    return Latency(network_s=math.inf, processing_s=math.inf, total_s=math.inf)


def test_each_part_of_the_way_is_measured() -> None:
    """Twenty milliseconds on the network, five here."""
    latency = quiet()
    for _ in range(3):
        latency.record_received("public", update())
        latency.record_taken("book", update(), ms(25))
    latency.record_taken("events", update(), ms(30))
    stages = latency.statistics().stages
    assert stages[NETWORK].p50_s == pytest.approx(0.02, rel=1 / 256)
    assert stages[PROCESSING].p50_s == pytest.approx(0.005, rel=1 / 256)
    assert stages[TOTAL].max_s == pytest.approx(0.03, rel=1 / 256)
    assert {stage: figures.total for stage, figures in stages.items()} == {
        NETWORK: 3,
        PROCESSING: 4,
        TOTAL: 4,
    }
    buckets = latency.buckets(PROCESSING)
    assert {channel: each.count for channel, each in buckets.items()} == {"book": 3, "events": 1}
    assert buckets["book"].sum_ns == 15 * 10**6


@pytest.mark.parametrize(
    "record",
    [
        trade(snapshot=True),
        trade(backfilled=True),
        trade(received_at=None),
        update(at=None),
        BookSnapshot("BTC/USD", 10, (), (), 0, ms(0), ms(20)),
        replace(TICKER, snapshot=True),
        SPREAD,
        Gap("book", "BTC/USD", GapReason.CHECKSUM),
    ],
)
def test_what_tells_of_the_past_says_nothing_of_the_network(record: object) -> None:
    """Nor does what has no time."""
    latency = quiet()
    latency.record_received("public", record)
    assert latency.statistics().stages == {}


def test_what_is_no_news_did_not_wait_here_either() -> None:
    """A spread did, but is not measured from the exchange on; nor is what has no time there."""
    latency = quiet()
    latency.record_taken("trade", trade(snapshot=True), ms(25))
    latency.record_taken("book", BookSnapshot("BTC/USD", 10, (), (), 0, ms(0), ms(20)), ms(25))
    assert latency.statistics().stages == {}
    latency.record_taken("spread", SPREAD, ms(25))
    latency.record_taken("book", update(at=None), ms(25))
    assert {stage: each.total for stage, each in latency.statistics().stages.items()} == {
        PROCESSING: 2
    }


def test_what_comes_from_the_future_is_counted() -> None:
    """Clocks are not alike; nothing takes less than no time."""
    latency = quiet()
    latency.record_received("public", update(at=50))
    latency.record_taken("book", update(at=50), ms(10))
    figures = latency.statistics()
    assert figures.ahead == 1
    assert [each.max_s for each in figures.stages.values()] == [0, 0, 0]


def test_what_takes_too_long_is_an_alert_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """At once, and then once in ten seconds, with how many there were; each stage by itself."""
    told: list[Any] = []
    latency = Latency(network_s=0.05, processing_s=math.inf, total_s=0.01)
    latency.opened(told.append)
    for second in range(21):
        start = 1000 * second
        latency.record_received("public", update(start, start + 50))
        latency.record_received("public", update(start, start + 60))
    assert [(each.exceeded, each.at) for each in told] == [
        (1, ms(60)),
        (10, ms(10_060)),
        (10, ms(20_060)),
    ]
    first = told[0]
    assert isinstance(first, LatencyAlert)
    assert (first.stage, first.channel, first.symbol) == (NETWORK, "book", "BTC/USD")
    assert (first.took_s, first.threshold_s) == (0.06, 0.05)
    latency.record_taken("events", update(0, 20), ms(25))
    assert (told[-1].stage, told[-1].channel) == (TOTAL, "events")
    assert latency.statistics().exceeded == {NETWORK: 21, PROCESSING: 0, TOTAL: 1}
    assert len(caplog.records) == 4
    assert {line.levelno for line in caplog.records} == {logging.WARNING}
    assert vars(caplog.records[0])["event"] == "latency"
    assert vars(caplog.records[0])["stage"] == "network"


def test_a_clock_that_is_set_back_mutes_no_alert() -> None:
    """As often as always by the time there is now, not when the old time comes again."""
    told: list[Any] = []
    latency = Latency(network_s=0.05)
    latency.opened(told.append)
    hour = 3600 * 1000
    latency.record_received("public", update(hour, hour + 60))
    for second in range(21):
        latency.record_received("public", update(1000 * second, 1000 * second + 60))
    assert [(each.exceeded, each.at) for each in told] == [
        (1, ms(hour + 60)),
        (1, ms(60)),
        (10, ms(10_060)),
        (10, ms(20_060)),
    ]


def test_alone_it_has_nobody_to_tell() -> None:
    """It measures and logs all the same; who listens is given each value."""
    heard: list[Any] = []
    latency = Latency(network_s=0.01)
    latency.on_value = lambda *value: heard.append(value)
    latency.record_received("public", update())
    assert latency.statistics().exceeded[NETWORK] == 1
    assert heard == [(NETWORK, "book", 0.02)]


@pytest.mark.parametrize(
    "given",
    [
        {"network_s": 0},
        {"processing_s": -1},
        {"total_s": math.nan},
        {"window": 0},
        {"window": 10**9},
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    """It is named."""
    with pytest.raises(ConfigurationError) as caught:
        Latency(**given)
    assert [caught.value.field] == list(given)


async def test_a_live_feed_is_measured(autojump_clock: trio.abc.Clock, opened: Open) -> None:
    """Each record once as it comes, once as it is taken: by its consumer, events and callbacks."""
    latency = Latency()
    called: list[BookUpdate] = []
    async with opened(latency) as (_, feed):
        feed.on(BookUpdate, called.append)
        async with (
            feed.events() as events,
            feed.book("BTC/USD") as book,
            feed.book("BTC/USD") as late,
        ):
            await trio.sleep(2)
            for channel in (events, book, late):
                await channel.receive_batch()
            updates = feed.statistics().parts[0].messages - 1
        taken = {each: b.count for each, b in latency.buckets(PROCESSING).items()}
        received = {each: b.count for each, b in latency.buckets(NETWORK).items()}
        stages = latency.statistics().stages
    assert updates == len(called) > 10
    assert taken == {"events": updates, "book": 2 * updates, "callbacks": updates}
    assert received == {"book": updates}
    # In memory nothing takes time, so it waited for who slept two seconds.
    assert 1.5 < stages[PROCESSING].max_s < 2.1
    assert stages[NETWORK].max_s < 0.5


async def test_a_slow_network_is_an_event(
    autojump_clock: trio.abc.Clock, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """As everything else is: in the stream of events and for callbacks."""
    heard: list[LatencyAlert] = []
    async with (
        opened() as (exchange, _),
        chaos(exchange.dial, seed=3, every_s=None) as trouble,
        open_kraken(CONFIG, dial=trouble.dial, observers=[Latency()]) as feed,
        feed.book("BTC/USD") as book,
        feed.events() as events,
    ):
        feed.on(LatencyAlert, heard.append)
        await book.receive()
        trouble.inflict(ChaosFault.DELAY)
        told: Any = None
        while not isinstance(told, LatencyAlert):
            told = await events.receive()
        await trio.testing.wait_all_tasks_blocked()
    assert told.stage in (NETWORK, TOTAL)
    assert told.took_s > 0.1
    assert told in heard
    assert "latency: " in caplog.text
