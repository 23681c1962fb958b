"""What there is to see of a feed, and that it is what the statistics say."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import trio
import trio.testing

from kraken_trio import (
    Channel,
    DropPolicy,
    FeedStatistics,
    GapReason,
    LatencyStage,
    open_kraken,
)
from kraken_trio._internal.observe.histogram import Buckets
from kraken_trio._internal.observe.latency import Latency
from kraken_trio._internal.observe.metrics import (
    FEED,
    METRICS,
    OTHER,
    PREFIX,
    Distribution,
    Kind,
    Samples,
    Symbols,
    distribution,
    latency_of,
    measure,
    table,
)
from kraken_trio.extended import Observer
from kraken_trio.testing import open_exchange
from tests.observe.conftest import CONFIG, ORDER, Open
from tests.observe.figures import Made, expected

BY_NAME = {metric.name: metric for metric in METRICS}


def total(samples: Samples, name: str, **labels: str) -> float:
    """Add up the values of a metric that have these labels."""
    found = 0.0
    for (metric, values), value in samples.items():
        its = dict(zip(BY_NAME[metric].labels, values, strict=True))
        if metric == PREFIX + name and labels.items() <= its.items():
            assert not isinstance(value, Distribution)
            found += value
    return found


def test_names_are_as_prometheus_wants_them() -> None:
    """Base units at the end, and none of them twice; a counter's ``_total`` is not its name."""
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"kraken_[a-z_]*[a-z]", metric.name)
        assert not metric.name.endswith("_total")
        assert metric.shown.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert metric.name.endswith("_seconds") == (metric.unit == "seconds")
        assert FEED not in metric.labels
        assert metric.help.endswith(".")


@pytest.mark.parametrize(
    "promised",
    [
        *("messages_received", "messages_processed", "messages_dropped", "messages_coalesced"),
        *("connection_attempts", "connection_failures", "reconnections", "gaps", "resyncs"),
        *("checksum_failures", "active_subscriptions", "connection_state", "queue_depth"),
        *("message_latency_seconds", "processing_time_seconds"),
    ],
)
def test_what_is_promised_is_there(promised: str) -> None:
    """Under the names that were promised, with their units."""
    assert PREFIX + promised in BY_NAME


def test_only_so_many_symbols_have_names() -> None:
    """The first ones, for good; all others together have one more."""
    symbols = Symbols(2)
    names = [symbols.label(each) for each in ("A", None, "B", "C", "A", "D", "C")]
    assert names == ["A", "", "B", OTHER, "A", OTHER, OTHER]
    assert Symbols(0).label("A") == OTHER


def test_a_distribution_is_cumulative() -> None:
    """The last bound is infinity, and has all."""
    buckets = Buckets((0.001, 0.01))
    for value in (500_000, 5_000_000, 6_000_000, 50_000_000):
        buckets.record(value)
    made = distribution(buckets)
    assert made.buckets == ((0.001, 1), (0.01, 3), (float("inf"), 4))
    assert made.sum == pytest.approx(0.0615)


def test_the_table_has_them_all() -> None:
    """One row each; some of them, if asked."""
    assert table().count("\n") == len(METRICS) + 1
    one = METRICS[0]
    assert table({one.name: one}).splitlines()[2].startswith(f"| `{one.shown}` | counter | `feed`")


async def test_every_value_is_of_a_metric_with_its_labels(
    autojump_clock: trio.abc.Clock, opened: Open
) -> None:
    """Of all that there are, and with one value each; every metric but rare ones has some."""
    latency = Latency()
    async with opened(latency) as (exchange, feed):
        assert latency_of(feed) is latency
        blocking = feed.subscribe(Channel.trades("BTC/USD"), drop_policy=DropPolicy.BLOCK)
        async with feed.book("BTC/USD", "ETH/USD") as book, blocking:
            await trio.sleep(1)
            await book.receive_batch()
            exchange.connections[0].corrupt_next_book("BTC/USD")
            await trio.sleep(2)
            samples = measure(feed, Symbols())
            for (name, values), value in samples.items():
                metric = BY_NAME[name]
                assert len(values) == len(metric.labels)
                assert isinstance(value, Distribution) == (metric.kind is Kind.HISTOGRAM)
            assert {name for name, _ in samples} == BY_NAME.keys()
            assert total(samples, "checksum_failures", symbol="BTC/USD") == 1
            assert total(samples, "gaps", reason="checksum") == 1
            assert total(samples, "connection_state", state="subscribed") == 2
            assert total(samples, "active_subscriptions") == 2
            assert total(samples, "book_live") == 2
            assert total(samples, "books_not_live") == 0
            assert total(samples, "sessions_not_sound") == 0
            waited = samples[PREFIX + "processing_time_seconds", ("book",)]
            assert isinstance(waited, Distribution)
            assert waited.buckets[-1][1] == latency.buckets(LatencyStage.PROCESSING)["book"].count


async def test_gaps_are_counted_from_nothing(autojump_clock: trio.abc.Clock, opened: Open) -> None:
    """Each kind is there before the first of it: else Prometheus saw no rise, and no alarm rang."""
    async with opened() as (exchange, feed), feed.book("BTC/USD", "ETH/USD"):
        await trio.sleep(1)
        for most in (50, 0):
            gaps = {
                labels: value
                for (name, labels), value in measure(feed, Symbols(most)).items()
                if name == f"{PREFIX}gaps"
            }
            named = ("BTC/USD", "ETH/USD") if most else (OTHER,)
            wanted = {("book", each, reason.value) for each in named for reason in GapReason}
            assert gaps == dict.fromkeys(wanted, 0)
        exchange.connections[0].corrupt_next_book("BTC/USD")
        await trio.sleep(2)
        after = measure(feed, Symbols())
        assert after[f"{PREFIX}gaps", ("book", "BTC/USD", "checksum")] == 1
        assert total(after, "gaps") == 1


async def test_what_has_ended_is_counted_on(autojump_clock: trio.abc.Clock, opened: Open) -> None:
    """Sessions of single subscriptions come and go; together they are one, and never fall."""
    async with opened() as (_, feed):
        seen = 0.0
        for _ in range(3):
            channel = Channel.trades("BTC/USD")
            async with feed.subscribe(channel, drop_policy=DropPolicy.BLOCK):
                await trio.sleep(1)
                samples = measure(feed, Symbols())
                assert total(samples, "connection_state", session="block") == 1
                frames = total(samples, "frames_received", session="block")
                assert frames > seen
                seen = frames
        samples = measure(feed, Symbols())
        assert total(samples, "connection_attempts", session="block") == 3
        assert total(samples, "connection_state", session="block") == 0
        assert total(samples, "frames_received") == feed.statistics().frames
        assert latency_of(feed) is None


async def test_symbols_without_names_are_added_up(
    autojump_clock: trio.abc.Clock, opened: Open
) -> None:
    """No message is left out."""
    async with opened(Observer()) as (_, feed), feed.book("BTC/USD", "ETH/USD", "SOL/USD") as book:
        await book.receive()
        await trio.sleep(1)
        statistics = feed.statistics()
        samples = measure(feed, Symbols(1))
        assert total(samples, "messages_received", symbol=OTHER) > 0
        received = sum(part.messages for part in statistics.parts)
        assert total(samples, "messages_received") == received
        assert statistics.observers[0].name == "Observer"
        assert isinstance(statistics, FeedStatistics)
        assert GapReason.CHECKSUM not in statistics.gaps


async def test_trading_has_a_name_and_is_counted_on(autojump_clock: trio.abc.Clock) -> None:
    """It is no single subscription; left and entered again, no counter of it falls."""
    async with open_exchange(seed=1, rate=20) as exchange:
        exchange.account.deposit("USD", Decimal(10**6))
        config = CONFIG.replace(api_key=exchange.api_key, api_secret=exchange.api_secret)
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            seen: dict[str, float] = {}

            def look() -> Samples:
                samples = measure(feed, Symbols())
                for metric in METRICS:
                    name = metric.name.removeprefix(PREFIX)
                    if metric.kind is Kind.COUNTER and "session" in metric.labels:
                        now = total(samples, name, session="trading")
                        assert now >= seen.get(name, 0)
                        seen[name] = now
                        assert total(samples, name, session="block") == 0
                return samples

            for entered in (1, 2, 3):
                async with feed.trading() as trading:
                    await trading.add_order(ORDER)
                    await trio.sleep(1)
                    samples = look()
                    assert seen["connection_attempts"] == entered
                    state = {"session": "trading", "state": "subscribed"}
                    assert total(samples, "connection_state", **state) == 1
                    assert total(samples, "connection_state", session="trading") == 1
                    assert total(samples, "connection_state", session="block") == 0
                    assert total(samples, "round_trip_seconds", session="trading") >= 0
                samples = look()
                assert total(samples, "connection_state", session="trading") == 0
                assert seen["frames_received"] > entered
                names = [each.name for each in feed.statistics().sessions]
                assert names == ["public", "ended trading"]
            channel = Channel.trades("BTC/USD")
            async with feed.subscribe(channel, drop_policy=DropPolicy.BLOCK):
                await trio.sleep(1)
            names = [each.name for each in feed.statistics().sessions]
            assert sorted(names) == ["ended", "ended trading", "public"]
            samples = measure(feed, Symbols())
            assert total(samples, "connection_attempts", session="trading") == 3
            assert total(samples, "connection_attempts", session="block") == 1


async def test_one_of_several_with_the_same_labels_is_seen_to_be_broken(
    autojump_clock: trio.abc.Clock, opened: Open
) -> None:
    """Of books without names of their own, and of sessions of single subscriptions."""
    alone = Channel.book("ETH/USD")
    async with (
        opened() as (exchange, feed),
        feed.book("BTC/USD", "ETH/USD", "SOL/USD"),
        feed.subscribe(Channel.trades("BTC/USD"), drop_policy=DropPolicy.BLOCK),
        feed.subscribe(alone, drop_policy=DropPolicy.BLOCK),
    ):
        await trio.sleep(1)
        before = measure(feed, Symbols(0))
        assert total(before, "book_live", symbol=OTHER) == 4
        assert total(before, "books_not_live", symbol=OTHER) == 0
        assert total(before, "sessions_not_sound", session="block") == 0
        exchange.connections[-1].drop()
        await trio.testing.wait_all_tasks_blocked()
        after = measure(feed, Symbols(0))
        assert total(after, "book_live", symbol=OTHER) == 3
        assert total(after, "books_not_live", symbol=OTHER) == 1
        assert total(after, "sessions_not_sound", session="block") == 1
        assert total(after, "sessions_not_sound", session="public") == 0
        await trio.sleep(20)
        healed = measure(feed, Symbols(0))
        assert total(healed, "books_not_live") == total(healed, "sessions_not_sound") == 0
        feed.disconnect()
        await trio.testing.wait_all_tasks_blocked()
        assert total(measure(feed, Symbols(0)), "sessions_not_sound") == 0


def test_every_value_is_the_figure_it_stands_for() -> None:
    """Of every metric there is, by figures that all differ: none can stand for another."""
    made = Made()
    made.fill()
    wanted = {(PREFIX + name, labels): value for (name, labels), value in expected().items()}
    assert {name for name, _ in wanted} == BY_NAME.keys()
    assert {name for (name, _), value in wanted.items() if value} == BY_NAME.keys()
    samples = measure(made, Symbols())
    assert samples.keys() == wanted.keys()
    for key, value in samples.items():
        if isinstance(value, Distribution):
            assert value.sum == pytest.approx(sum(wanted[key]))
            for bound, count in value.buckets:
                assert count == len([each for each in wanted[key] if each <= bound])
        else:
            assert value == pytest.approx(wanted[key], rel=1 / 256), key
