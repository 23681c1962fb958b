"""A feed that is watched, in the live path: metrics after chaos, lines of a log, and no secrets."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import trio
import trio.testing
from msgspec.structs import replace

import kraken_trio
from kraken_trio import (
    AuthenticationError,
    Channel,
    ClockSkew,
    Feed,
    FeedStatistics,
    GapReason,
    KrakenConfig,
    LatencyStage,
    OrderRejected,
    RequestError,
    open_kraken,
)
from kraken_trio._internal.observe.metrics import METRICS
from kraken_trio.extended import AddOrder, HttpRest, Latency, Telemetry, serve_metrics
from kraken_trio.testing import ChaosFault, chaos, open_exchange

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
DASHBOARD: Final = PAGE.with_name("grafana-dashboard.json")
CONFIG: Final = KrakenConfig(jitter=0.0, max_attempts=None, stale_after=2.0, initial_delay=0.05)
metrics = pytest.mark.extra("metrics")  # noqa: S610 - a mark of pytest, no query of Django


class Scraped:
    """A page of metrics as the client library's own parser reads it."""

    def __init__(self, page: str) -> None:
        """Parse it."""
        self.asked = set[str]()
        from prometheus_client.parser import (  # noqa: PLC0415 - an extra
            text_string_to_metric_families,
        )

        self.samples = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """Add up all values that have these labels."""
        self.asked.add(f"kraken_{name}")
        return sum(
            value
            for found, its, value in self.samples
            if found == f"kraken_{name}" and labels.items() <= its.items()
        )


async def scrape(port: int) -> Scraped:
    """Get the page over HTTP, with a client of others."""
    http = HttpRest(f"http://127.0.0.1:{port}")
    answer = await http("GET", "/metrics", headers={}, body=b"")
    assert answer.status == 200
    return Scraped(answer.body.decode())


def same(
    page: Scraped,
    statistics: FeedStatistics,
    later: FeedStatistics,
    latency: Latency,
    protocol: str,
) -> None:
    """See that every figure of the page is that of the statistics; ``later`` are those of a moment
    after it, for watching goes on. No metric is left out.
    """
    for session in statistics.sessions:
        of = partial(page.total, session=session.name)
        assert of("frames_received_total") == session.frames
        assert of("frames_faulty_total") == session.faults
        assert of("frames_unknown_total") == session.unknown
        assert of("messages_unrouted_total") == session.unrouted
        assert of("heartbeats_received_total") == session.heartbeats
        assert of("connection_attempts_total") == session.attempts
        assert of("connection_failures_total") == session.failures
        assert of("reconnections_total") == session.reconnections
        assert of("connection_state", state=session.state.value) == 1
        assert of("connection_state") == 1
        sound = session.state.value in {"subscribed", "disconnected", "closed"}
        assert of("sessions_not_sound") == (not sound)
        assert of("subscription_failures_total") == session.subscription_failures
        assert session.round_trip_s is not None
        assert of("round_trip_seconds") == session.round_trip_s
        # What answers in v1 has no time.
        assert (session.clock_offset_s is None) == (protocol == "v1")
        assert of("clock_offset_seconds") == (session.clock_offset_s or 0)
    for part in statistics.parts:
        of = partial(page.total, channel=part.channel, symbol=part.symbol or "")
        assert of("messages_received_total") == part.messages
        assert of("resyncs_total") == part.resyncs
        assert of("checksum_failures_total") == part.checksums_failed
        assert of("checksums_verified_total") == part.checksums_ok
        for reason in GapReason:
            assert of("gaps_total", reason=reason.value) == part.gaps.get(reason, 0)
    for consumer in statistics.consumers:
        of = partial(page.total, channel=consumer.kind)
        assert of("messages_processed_total") == consumer.processed
        assert of("messages_dropped_total") == consumer.dropped
        assert of("messages_coalesced_total") == consumer.coalesced
        assert of("queue_depth") == consumer.buffered
        assert of("queue_capacity") == consumer.capacity
    assert page.total("gaps_total") == sum(statistics.gaps.values())
    assert page.total("resyncs_total") == statistics.resyncs
    assert page.total("messages_dropped_total") == statistics.dropped
    assert page.total("checksum_failures_total") == statistics.checksums_failed
    assert page.total("active_subscriptions") == sum(
        each.active for each in statistics.subscriptions
    )
    assert page.total("trades_repeated_total") == statistics.trades_repeated
    assert page.total("trades_backfilled_total") == statistics.trades_backfilled
    assert statistics.books
    for book in statistics.books:
        of = partial(page.total, channel=book.channel, symbol=book.symbol)
        assert (of("book_live"), of("books_not_live")) == ((1, 0) if is_live(book) else (0, 1))
    same_observers(page, statistics, later)
    same_requests(page, statistics)
    assert page.total("read_timestamp_seconds") == pytest.approx(time.time(), abs=60)
    same_latencies(page, latency)
    looked_at = {name.removesuffix("_count") for name in page.asked}
    assert {metric.shown for metric in METRICS} - looked_at == set()


def same_observers(page: Scraped, statistics: FeedStatistics, later: FeedStatistics) -> None:
    """See that what observers take is what was counted, between two looks."""
    for observer, after in zip(statistics.observers, later.observers, strict=True):
        spent_s = page.total("observer_seconds_total", observer=observer.name)
        assert 0 < observer.spent_s <= spent_s <= after.spent_s
    assert page.total("observers_disabled") == sum(each.disabled for each in statistics.observers)


def same_requests(page: Scraped, statistics: FeedStatistics) -> None:
    """See that what became of requests about orders is what was counted."""
    for requests in statistics.requests:
        of = partial(page.total, method=requests.method)
        for outcome in ("accepted", "rejected", "unknown", "not_sent"):
            ended = of("order_requests_total", outcome=outcome)
            assert ended == getattr(requests, outcome)
        assert of("order_requests_waiting") == requests.waiting
        assert of("outcomes_settled_total") == requests.settled
        assert of("outcomes_unsettled") == requests.unsettled


def same_latencies(page: Scraped, latency: Latency) -> None:
    """See that every latency of the page is what was measured."""
    figures = latency.statistics()
    for stage in LatencyStage:
        of, summary = partial(page.total, stage=stage.value), figures.stages[stage]
        assert of("latency_exceeded_total") == figures.exceeded[stage]
        assert of("latency_mean_seconds") == summary.mean_s
        for quantile, value in (
            *(("0", summary.min_s), ("0.5", summary.p50_s), ("0.75", summary.p75_s)),
            *(("0.9", summary.p90_s), ("0.95", summary.p95_s), ("0.99", summary.p99_s)),
            *(("0.999", summary.p999_s), ("1", summary.max_s)),
        ):
            assert of("latency_seconds", quantile=quantile) == value
    for name, stage in (
        ("message_latency_seconds", LatencyStage.NETWORK),
        ("processing_time_seconds", LatencyStage.PROCESSING),
        ("total_latency_seconds", LatencyStage.TOTAL),
    ):
        assert page.total(f"{name}_count") == figures.stages[stage].total


def is_live(book: Any) -> bool:
    """Say whether a book may be believed."""
    return bool(book.state.value == "live")


async def live(feed: Feed) -> None:
    """Take all that comes, for ever; slowly, of trades."""
    async with (
        feed.book("BTC/USD", "ETH/USD") as book,
        feed.subscribe(Channel.trades("BTC/USD"), max_queue_depth=5) as trades,
        feed.ticker("BTC/USD") as ticker,
        trio.open_nursery() as nursery,
    ):

        async def take(records: Any, pause_s: float) -> None:
            while True:
                await records.receive()
                await trio.sleep(pause_s)

        nursery.start_soon(take, book, 0)
        nursery.start_soon(take, ticker, 0)
        nursery.start_soon(take, trades, 0.5)


async def trade(feed: Feed, over: trio.Event) -> None:
    """Place orders until it is over, some of which are refused, and some of which nobody knows."""
    async with feed.trading() as trading:
        number = 0
        while not over.is_set():
            number += 1
            order = AddOrder(
                symbol="BTC/USD",
                side="buy",
                order_type="limit",
                order_qty=Decimal("0.01") if number % 3 else Decimal(10**6),
                limit_price=Decimal(1000),
            )
            with contextlib.suppress(RequestError):
                await trading.add_order(order, answer_within_s=0 if number % 5 == 0 else 1)
            await trio.sleep(0.02)
        await trio.sleep_forever()


@metrics
@pytest.mark.extra("rest")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("seed, protocol", [(1, "v2"), (2, "v2"), (3, "v2"), (1, "v1")])
async def test_metrics_over_http_are_the_statistics_after_chaos(seed: int, protocol: str) -> None:
    """Whatever went wrong, each figure that is scraped is the one that is counted."""
    latency = Latency()
    async with (
        open_exchange(seed=seed, rate=200) as exchange,
        chaos(exchange.dial, seed=seed, every_s=None) as trouble,
        open_kraken(
            CONFIG.replace(
                protocol=protocol, api_key=exchange.api_key, api_secret=exchange.api_secret
            ),
            dial=trouble.dial,
            rest=exchange.rest,
            observers=[latency],
        ) as feed,
        trio.open_nursery() as nursery,
    ):
        exchange.account.deposit("USD", Decimal(10**6))
        port, over = await nursery.start(serve_metrics, feed, 0), trio.Event()
        nursery.start_soon(live, feed)
        await feed.wait_state(kraken_trio.ConnectionState.SUBSCRIBED)
        if protocol == "v1":  # Whose messages the line does not know, and which has no orders.
            (peer,) = exchange.connections
            peer.corrupt_next_book("BTC/USD")
            peer.send_raw(b'{"event":"nonsense"}')
            peer.send_raw(b"[")
            faults = ["cut_in_frame"]
        else:
            nursery.start_soon(trade, feed, over)
            faults = ["corrupt_checksum", "truncate", "unknown_channel", "drop", "cut_in_frame"]
        for fault in faults:
            await trio.sleep(0.15)
            trouble.inflict(ChaosFault(fault))
        with trio.fail_after(20):
            statistics = feed.statistics()
            while not (
                any(each.reconnections for each in statistics.sessions)
                and GapReason.OVERFLOW in statistics.gaps
            ):
                await trio.sleep(0.05)
                statistics = feed.statistics()
        over.set()
        feed.disconnect()  # so that nothing changes between the two looks
        with trio.fail_after(20):
            while True:
                statistics, page = feed.statistics(), await scrape(port)
                now = feed.statistics()
                if replace(statistics, observers=()) == replace(now, observers=()):
                    break  # else what was buffered was still being taken
        nursery.cancel_scope.cancel()
    same(page, statistics, now, latency, protocol)
    assert statistics.gaps[GapReason.CHECKSUM]
    assert statistics.gaps[GapReason.OVERFLOW]
    assert statistics.faults
    assert statistics.unknown
    if protocol == "v2":
        (placed,) = (each for each in statistics.requests if each.method == "add_order")
        assert min(placed.accepted, placed.rejected, placed.not_sent + placed.unknown) > 0
    assert page.total("reconnections_total") >= 1


@metrics
@pytest.mark.extra("rest")  # noqa: S610 - a mark of pytest, no query of Django
async def test_it_is_scraped_while_it_connects_again() -> None:
    """In whatever state a session is: each page is whole, and no counter of it ever falls."""
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    states: set[str] = set()
    async with (
        open_exchange(seed=4, rate=100) as exchange,
        open_kraken(CONFIG, dial=exchange.dial, observers=[Latency()]) as feed,
        trio.open_nursery() as nursery,
    ):
        port = await nursery.start(serve_metrics, feed, 0)
        nursery.start_soon(live, feed)
        with trio.fail_after(30):
            while feed.statistics().connections < 4:
                if feed.state is kraken_trio.ConnectionState.SUBSCRIBED:
                    exchange.connections[-1].drop()
                page = await scrape(port)
                for name, labels, value in page.samples:
                    key = name, tuple(sorted(labels.items()))
                    if name.endswith(("_total", "_count", "_bucket", "_sum")):
                        assert value >= seen.get(key, 0), key
                        seen[key] = value
                    elif name == "kraken_connection_state" and value:
                        states.add(labels["state"])
        nursery.cancel_scope.cancel()
    assert "degraded" in states
    assert len(states) > 1
    assert sum(value for (name, _), value in seen.items() if name == RECONNECTIONS) >= 2


async def test_a_clock_that_is_wrong_is_told_of_once(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """By round trips, as soon as one shows it; where both are right, nothing is said."""
    heard: list[ClockSkew] = []
    async with (
        open_exchange(seed=1) as exchange,
        chaos(exchange.dial, seed=5, every_s=None) as trouble,
        open_kraken(CONFIG, dial=trouble.dial) as feed,
        feed.book("BTC/USD"),
    ):
        feed.on(ClockSkew, heard.append)
        await trio.sleep(120)
        (session,) = feed.statistics().sessions
        assert abs(session.clock_offset_s or 0) < 0.1
        assert not heard
        trouble.inflict(ChaosFault.CLOCK_SKEW)
        await trio.sleep(120)
        (session,) = feed.statistics().sessions
        assert abs(session.clock_offset_s or 0) > 1
    (skew,) = heard
    assert not skew.over
    assert skew.offset_s == pytest.approx(session.clock_offset_s, abs=0.1)
    assert caplog.text.count("clock_skew") == 1


RECONNECTIONS: Final = "kraken_reconnections_total"
"""What a drop is counted as."""
SHARED_ROWS: Final = {"high_water", "overflow", "backfill", "backfill_refused", "backfill_again"}
"""Events whose rows on the page have the fields of others, too."""


ORDER: Final = AddOrder(
    symbol="BTC/USD",
    side="buy",
    order_type="limit",
    order_qty=Decimal("0.01"),
    limit_price=Decimal(1000),
)


class Lines(logging.Handler):
    """Writes what a formatter for JSON writes: the message, the level, and every extra field."""

    USUAL: Final = frozenset(
        {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
    )

    def __init__(self) -> None:
        """Write nothing yet."""
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        extra = {name: value for name, value in vars(record).items() if name not in self.USUAL}
        line = {"said": record.getMessage(), "level": record.levelname, "logger": record.name}
        self.lines.append(json.loads(json.dumps({**line, **extra})))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Give what is logged, at any level, as JSON."""
    log, handler = logging.getLogger("kraken_trio"), Lines()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler.lines
    log.setLevel(before)
    log.removeHandler(handler)


def documented() -> dict[str, tuple[str, set[str]]]:
    """Give the level of each event that the page has, and the fields."""
    table = PAGE.read_text(encoding="utf-8").split("\n| event |", 1)[1].split("\n\n", 1)[0]
    found: dict[str, tuple[str, set[str]]] = {}
    for row in table.splitlines()[2:]:
        events, levels, fields = (cell.strip() for cell in row.strip("|").split("|"))
        names, each = re.findall(r"`(\w+)`", events), levels.upper().split(", ")
        for name, level in zip(names, each if len(each) > 1 else each * len(names), strict=True):
            found[name] = level, set(re.findall(r"`(\w+)`", fields))
    return found


async def test_every_line_of_the_log_is_fit_for_json(
    autojump_clock: trio.abc.Clock, lines: list[dict[str, Any]]
) -> None:
    """It has the event that it begins with, fields that say the rest, and one logger of ours; the
    level and the fields are those that the page has.
    """
    async with (
        open_exchange(seed=1, rate=50) as exchange,
        chaos(exchange.dial, seed=11, every_s=2) as trouble,
        open_kraken(CONFIG, dial=trouble.dial, observers=[Latency()]) as feed,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(live, feed)
        await trio.sleep(240)
        nursery.cancel_scope.cancel()
    events, page = {line["event"] for line in lines}, documented()
    assert events >= {"gap", "resync", "faulty_frame", "retry_in", "silent", "restored", "latency"}
    for line in lines:
        assert line["said"].startswith(f"{line['event']}: ")
        assert re.fullmatch(r"[a-z_]+", line["event"])
        assert re.fullmatch(r"kraken_trio\.[a-z]+", line["logger"])
        assert line["level"] in {"INFO", "WARNING", "ERROR"}
        fields = line.keys() - {"said", "level", "logger", "event"}
        assert fields
        assert all(re.fullmatch(r"[a-z_]+", field) for field in fields)
        level, wanted = page[line["event"]]
        assert (line["level"], fields <= wanted) == (level, True), line
        assert fields == wanted or line["event"] in SHARED_ROWS, line
        assert all(value is None or not isinstance(value, dict | list) for value in line.values())
    assert len(lines) < 20 * 240


def test_a_library_says_nothing_unless_it_is_asked_to() -> None:
    """A program that configures no logging sees none on its standard error."""
    program = (
        "import logging, kraken_trio\n"
        "logging.getLogger('kraken_trio.feed').error('gap: x')\n"
        "print(logging.getLogger('kraken_trio').handlers)"
    )
    run = subprocess.run(  # noqa: S603 - our own program, in our own interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert "NullHandler" in run.stdout


@metrics
@pytest.mark.extra("otel")  # noqa: S610 - a mark of pytest, no query of Django
async def test_no_secret_is_in_what_operators_see(
    lines: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a line's fields, a metric, its labels, a span or its attributes; nor do a server's
    own words put one there, nor does any other library's logger.
    """
    caplog.set_level(logging.DEBUG)  # Of all loggers that there are.
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - of an extra
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
        InMemorySpanExporter,
    )

    spans, provider, tokens = InMemorySpanExporter(), TracerProvider(), set[str]()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    pages: list[Scraped] = []
    async with open_exchange(seed=1) as exchange:
        issue = exchange._venue.tokens.issue

        def issued(now: float) -> Any:
            token = issue(now)
            tokens.add(token.reveal())
            return token

        exchange._venue.tokens.issue = issued  # type: ignore[method-assign]
        config = CONFIG.replace(api_key=exchange.api_key, api_secret=exchange.api_secret)
        observers = [Telemetry(tracer_provider=provider), Latency()]
        with pytest.raises(AuthenticationError), trio.fail_after(30):
            async with (
                open_kraken(
                    config, dial=exchange.dial, rest=exchange.rest, observers=observers
                ) as feed,
                feed.executions(),
                feed.balances(),
                trio.open_nursery() as nursery,
            ):
                port = await nursery.start(serve_metrics, feed, 0)
                exchange.step(20)
                (private,) = [each for each in exchange.connections if each.door == "private"]
                for token in sorted(tokens):
                    private.send_raw(f'{{"token":"{token}"')
                    private.send_raw(f'{{"error":"bad token {token}","method":"subscribe"}}')
                async with feed.trading() as trading:
                    exchange.refusals["add_order"] = f"EOrder:Not with {' '.join(sorted(tokens))}"
                    with pytest.raises(OrderRejected, match="EOrder:Not with") as refused:
                        await trading.add_order(ORDER)
                await trio.sleep(0.1)
                pages.append(await scrape(port))
                exchange.rest.refuse_next("EAPI:Invalid key")
                private.drop()
                await trio.sleep_forever()
        secrets = {exchange.api_key, exchange.api_secret, *tokens}
    shown = [(span.name, span.attributes, span.status) for span in spans.get_finished_spans()]
    seen = repr([lines, pages[0].samples, [(*each[:2], vars(each[2])) for each in shown]])
    seen += caplog.text + repr([vars(each) for each in caplog.records]) + repr(refused.value)
    assert {"kraken_trio.feed", "trio-websocket"} <= {each.name for each in caplog.records}
    assert seen.count("EOrder:Not with") >= 2
    assert "faulty_frame" in seen
    assert "kraken.authenticate" in seen
    assert "executions" in seen
    assert not [secret for secret in secrets if secret in seen]


@metrics
def test_the_example_runs() -> None:
    """It says where its metrics are, and at the end what was seen."""
    script = PAGE.parents[1] / "examples" / "watched.py"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(script), "0", "2"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert re.match(r"metrics: http://127\.0\.0\.1:\d+/metrics\nnetwork: p50 ", done.stdout)
    assert re.search(r"\d+ frames, \d+ gaps, \d+ resyncs, \d+ alerts\n$", done.stdout)


def test_what_the_page_shows_can_be_compiled() -> None:
    """Its blocks of Python are Python, and what they import is there."""
    blocks = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 3
    for block in blocks:
        compile(block, PAGE.name, "exec")
        for line in block.splitlines():
            if line.startswith(("import ", "from ")):
                exec(line, {})  # noqa: S102 - our own words


@metrics
def test_the_list_of_metrics_is_that_of_the_code() -> None:
    """docs/metrics.md is what docs/list_metrics.py writes today."""
    script = PAGE.with_name("list_metrics.py")
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, "run: python docs/list_metrics.py"


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """It is JSON that Grafana imports; each expression names metrics, with labels of theirs."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert dashboard["title"]
    assert {each["name"] for each in dashboard["templating"]["list"]} == {"datasource", "feed"}
    known: dict[str, set[str]] = {}
    for metric in METRICS:
        labels = {"feed", *metric.labels}
        known[metric.shown] = labels
        if metric.kind.value == "histogram":
            known |= {
                f"{metric.name}_{each}": labels | {"le"} for each in ("bucket", "sum", "count")
            }
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    asked: set[str] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            expression = target["expr"]
            names = set(re.findall(r"kraken_\w+", expression))
            assert names
            assert names <= known.keys()
            assert 'feed=~"$feed"' in expression
            asked |= names
            allowed = set[str]().union(*(known[name] for name in names))
            grouped = re.findall(r"by \(([^)]*)\)", expression)
            labels = {each.strip() for group in grouped for each in group.split(",")}
            labels |= set(re.findall(r"[{,]\s*(\w+)\s*[=!]", expression))
            assert labels <= allowed
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert {metric.shown for metric in METRICS} - shown == set()
