"""Feeds for OpenTelemetry: its own SDK is asked what it was given."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import (
    ConfigurationError,
    ConnectionState,
    GapReason,
    LatencyStage,
    OrderRejected,
    OutcomeUnknown,
    SessionTrigger,
    StateChange,
    Timestamp,
)
from kraken_trio._internal.model.gap import Resync
from kraken_trio._internal.observe.metrics import METRICS, Distribution, Kind, Symbols, measure
from kraken_trio._internal.observe.telemetry import Telemetry
from kraken_trio.extended import Latency, RoundTrip
from tests.observe.conftest import ORDER, Open, desk
from tests.observe.figures import Made, expected

pytestmark = pytest.mark.extra("otel")  # noqa: S610 - a mark of pytest, no query of Django


class Kit:
    """An SDK in memory."""

    def __init__(self) -> None:
        """Have nothing yet."""
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - of an extra
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
            InMemorySpanExporter,
        )

        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def telemetry(self, name: str = "main") -> Telemetry:
        """Give one that is told to this."""
        return Telemetry(name=name, tracer_provider=self.tracers, meter_provider=self.meters)

    def spans(self) -> list[Any]:
        """Give the spans that have ended."""
        return list(self.exporter.get_finished_spans())

    def metrics(self) -> dict[str, Any]:
        """Give all metrics there are now."""
        data: Any = self.reader.get_metrics_data()
        if data is None:
            return {}
        (resource,) = data.resource_metrics
        (scope,) = resource.scope_metrics
        assert scope.scope.name == "kraken_trio"
        return {metric.name: metric for metric in scope.metrics}


@pytest.fixture
def kit() -> Iterator[Kit]:
    """Give an SDK."""
    made = Kit()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def change(
    before: ConnectionState, after: ConnectionState, trigger: SessionTrigger, at: int, why: str = ""
) -> StateChange:
    """Give a transition."""
    return StateChange("public", before, after, trigger, why, Timestamp(at))


def told(span: Any) -> tuple[str, int, int, str | None]:
    """Give what a span says: its name, when it was, and why it failed."""
    assert span.attributes["feed"] == "main"
    assert span.attributes["session"] == "public"
    failed = span.status.status_code.name == "ERROR"
    return span.name, span.start_time, span.end_time, span.status.description if failed else None


def test_what_a_session_does_is_a_span_each(kit: Kit) -> None:
    """From its beginning to its end, with what it failed by."""
    state, trigger = ConnectionState, SessionTrigger
    watching = kit.telemetry()
    walk = [
        (state.DISCONNECTED, state.CONNECTING, trigger.CONNECT, ""),
        (state.CONNECTING, state.DEGRADED, trigger.CONNECT_FAILED, "nobody listens"),
        (state.DEGRADED, state.CONNECTING, trigger.RETRY, ""),
        (state.CONNECTING, state.AUTHENTICATING, trigger.ESTABLISHED_PRIVATE, ""),
        (state.AUTHENTICATING, state.SUBSCRIBING, trigger.AUTH_ACCEPTED, ""),
        (state.SUBSCRIBING, state.SUBSCRIBING, trigger.SYMBOL_ENDED, ""),
        (state.SUBSCRIBING, state.SUBSCRIBED, trigger.CONFIRMED, ""),
        (state.SUBSCRIBED, state.RESYNCING, trigger.GAP, ""),
        (state.RESYNCING, state.SUBSCRIBED, trigger.RESYNCED, ""),
        (state.SUBSCRIBED, state.DEGRADED, trigger.SILENT, ""),
        (state.DEGRADED, state.CONNECTING, trigger.RETRY, ""),
        (state.CONNECTING, state.SUBSCRIBING, trigger.ESTABLISHED, ""),
        (state.SUBSCRIBING, state.DEGRADED, trigger.UNANSWERED, ""),
        (state.DEGRADED, state.CLOSED, trigger.CLOSE, ""),
        (state.CLOSED, state.CONNECTING, trigger.CONNECT, ""),
        (state.CONNECTING, state.SUBSCRIBING, trigger.ESTABLISHED, ""),
        (state.SUBSCRIBING, state.CLOSED, trigger.CLOSE, ""),
    ]
    for at, (before, after, why, reason) in enumerate(walk):
        watching.state_changed(change(before, after, why, at, reason))
    assert [told(span) for span in kit.spans()] == [
        ("kraken.connect", 0, 1, "nobody listens"),
        ("kraken.connect", 2, 3, None),
        ("kraken.authenticate", 3, 4, None),
        ("kraken.subscribe", 4, 6, None),
        ("kraken.connect", 10, 11, None),
        ("kraken.resubscribe", 11, 12, "subscription_failed"),
        ("kraken.connect", 14, 15, None),
        ("kraken.subscribe", 15, 16, None),
    ]


def test_a_mending_is_a_span(kit: Kit) -> None:
    """From the gap to the snapshot."""
    watching = kit.telemetry()
    at = Timestamp(5 * 10**9)
    watching.resync("public", Resync("book", "BTC/USD", GapReason.CHECKSUM, 1.5, at))
    watching.resync("public", Resync("instrument", None, GapReason.STALLED, 0.0, at))
    first, second = kit.spans()
    assert told(first) == ("kraken.resync", 3_500_000_000, 5_000_000_000, None)
    assert first.attributes["symbol"] == "BTC/USD"
    assert (first.attributes["channel"], first.attributes["reason"]) == ("book", "checksum")
    assert "symbol" not in second.attributes


@pytest.mark.parametrize(
    "method, success, error, why",
    [
        ("add_order", True, None, None),
        ("add_order", False, "EOrder:Insufficient funds", "EOrder:Insufficient funds"),
        ("subscribe", False, None, "refused"),
    ],
)
def test_a_request_is_a_span(
    kit: Kit, method: str, success: bool, error: str | None, why: str | None
) -> None:
    """Orders, when they are placed, need nothing new; a ping is none."""
    watching = kit.telemetry()
    for each, req_id in ((method, 7), ("ping", None), ("edit_order", None)):
        trip = RoundTrip(
            method=each,
            req_id=req_id,
            success=success,
            error=error,
            sent_at=Timestamp(10),
            time_in=None,
            time_out=None,
            received_at=Timestamp(30),
        )
        watching.answered("public", trip)
    span, other = kit.spans()
    assert told(span) == ("kraken.request", 10, 30, why)
    assert (span.attributes["method"], span.attributes["req_id"]) == (method, 7)
    assert "req_id" not in other.attributes


async def test_metrics_are_those_that_prometheus_is_shown(
    autojump_clock: trio.abc.Clock, opened: Open, kit: Kit
) -> None:
    """Value by value; histograms hold as many values, in the same buckets."""
    latency, watching = Latency(), kit.telemetry()
    async with opened(latency, watching) as (exchange, feed):
        watching.watch(feed)
        async with feed.book("BTC/USD") as book:
            await trio.sleep(1)
            await book.receive_batch()
            exchange.connections[0].corrupt_next_book("BTC/USD")
            await trio.sleep(1)
            samples = measure(feed, Symbols())
            found = kit.metrics()
    assert found.keys() == {name for name, _ in samples}
    for metric in METRICS:
        expected = {
            tuple(zip(("feed", *metric.labels), ("main", *labels), strict=True)): value
            for (name, labels), value in samples.items()
            if name == metric.name
        }
        shown = found[metric.name]
        points = {
            tuple((label, point.attributes[label]) for label in ("feed", *metric.labels)): point
            for point in shown.data.data_points
        }
        assert points.keys() == expected.keys()
        for labels, value in expected.items():
            if isinstance(value, Distribution):
                assert points[labels].count == value.buckets[-1][1]
                assert points[labels].sum == pytest.approx(value.sum)
                assert list(points[labels].explicit_bounds) == [b for b, _ in value.buckets[:-1]]
            elif metric.name == "kraken_read_timestamp_seconds":
                assert points[labels].value == pytest.approx(value, abs=60)
            elif not metric.name.startswith("kraken_observer"):  # which measuring adds to
                assert points[labels].value == value
        assert shown.unit == ("s" if metric.unit else "1")
        if metric.kind is Kind.COUNTER:
            assert shown.data.is_monotonic
    names = {span.name for span in kit.spans()}
    assert names >= {"kraken.connect", "kraken.subscribe", "kraken.resync", "kraken.request"}


async def test_an_order_is_a_span(autojump_clock: trio.abc.Clock, kit: Kit) -> None:
    """In a live feed: one that is accepted, and one that is refused, with the reason."""
    watching = kit.telemetry()
    async with desk(watching) as (_, _, trading):
        await trading.add_order(ORDER)
        with pytest.raises(OrderRejected) as caught:
            await trading.add_order(replace(ORDER, order_qty=Decimal(1000)))
    spans = [each for each in kit.spans() if each.attributes.get("method") == "add_order"]
    assert {each.name for each in spans} == {"kraken.request"}
    assert {each.attributes["session"] for each in spans} == {"trading"}
    first, second = spans
    assert first.parent is None
    assert first.attributes["req_id"] != second.attributes["req_id"]
    assert first.start_time <= first.end_time <= second.start_time <= second.end_time
    assert not first.status.description
    assert second.status.status_code.name == "ERROR"
    assert second.status.description
    assert second.status.description in str(caught.value)


async def test_an_order_is_a_child_of_the_span_that_its_task_is_in(
    autojump_clock: trio.abc.Clock, kit: Kit
) -> None:
    """With an answer, and without: of each task its own. No span of anything else is, and no late
    answer, though all was opened in a span.
    """
    watching, parents = kit.telemetry(), dict[str, Any]()
    mine = kit.tracers.get_tracer("mine")
    with mine.start_as_current_span("startup"):
        async with desk(watching) as (exchange, feed, trading), feed.book("BTC/USD"):

            async def place(name: str) -> None:
                with mine.start_as_current_span(name) as span:
                    parents[name] = span.get_span_context().span_id
                    with suppress(OutcomeUnknown):
                        await trading.add_order(replace(ORDER, cl_ord_id=name), answer_within_s=2.0)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(place, "one")
                nursery.start_soon(place, "other")
            lines = [each for each in exchange.connections if each.door == "private"]
            for line in lines:
                line.hold()
            await place("late")
            for line in lines:
                line.release()
            await trio.sleep(1)
            exchange.refusals["add_order"] = None  # No answer at all.
            async with trio.open_nursery() as nursery:
                nursery.start_soon(place, "cut")
                await trio.sleep(1)
                for line in lines:
                    line.drop()
            await trio.sleep(10)
    spans = [each for each in kit.spans() if each.name.startswith("kraken.")]
    asked = [each for each in spans if each.attributes.get("method") == "add_order"]
    children = {each.parent.span_id: each for each in asked if each.parent}
    assert sorted(children) == sorted(parents.values())
    failed = {name for name, each in parents.items() if not children[each].status.is_ok}
    assert failed == {"late", "cut"}
    assert len(asked) == len(children) + 1  # The late answer itself.
    others = {each.name for each in spans if each not in asked}
    assert others >= {"kraken.connect", "kraken.subscribe", "kraken.resubscribe", "kraken.request"}
    assert all(each.parent is None for each in spans if each not in children.values())


async def test_an_order_without_an_answer_is_a_span(
    autojump_clock: trio.abc.Clock, kit: Kit
) -> None:
    """Until nobody waits for it any more: too long, by a cancellation, or for its connection. What
    is answered with words that leave it open has an answer, and one span as well.
    """
    watching, began = kit.telemetry(), trio.current_time()
    async with desk(watching) as (exchange, feed, trading):
        exchange.refusals["add_order"] = "EService:Deadline elapsed"
        with pytest.raises(OutcomeUnknown, match="Deadline"):
            await trading.add_order(ORDER)
        exchange.refusals["add_order"] = None
        with pytest.raises(OutcomeUnknown, match="no answer within 2 s"):
            await trading.add_order(ORDER, answer_within_s=2)
        with trio.move_on_after(1):
            await trading.add_order(ORDER, answer_within_s=60)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                with pytest.raises(OutcomeUnknown, match="connection was lost"):
                    await trading.add_order(ORDER, answer_within_s=60)

            await trio.sleep(1)
            for connection in exchange.connections:
                connection.drop()
        unknown = feed.statistics().requests[0]
        assert (unknown.method, unknown.unknown) == ("add_order", 4)
    spans = [each for each in kit.spans() if each.attributes.get("method") == "add_order"]
    assert [(each.name, each.attributes["session"]) for each in spans] == [
        ("kraken.request", "trading")
    ] * 4
    assert len({each.attributes["req_id"] for each in spans}) == 4
    assert {each.status.status_code.name for each in spans} == {"ERROR"}
    assert [each.status.description for each in spans] == [
        "EService:Deadline elapsed",
        "no answer within 2 s",
        "its answer was waited for no longer: cancelled",
        "the connection was lost",
    ]
    assert all(each.start_time <= each.end_time for each in spans)
    assert trio.current_time() - began >= 4


@pytest.mark.parametrize("req_id", [7, None])
def test_a_request_without_an_answer_says_which_it_was(kit: Kit, req_id: int | None) -> None:
    """By its number, if it had one; a clock that was set back makes no span end before it began."""
    error = OutcomeUnknown("add_order", "no answer", req_id)
    watching = kit.telemetry()
    watching.unanswered("public", error, Timestamp(10), Timestamp(30))
    watching.unanswered("public", error, Timestamp(10), Timestamp(5))
    first, second = kit.spans()
    assert told(first) == ("kraken.request", 10, 30, "no answer")
    assert told(second) == ("kraken.request", 10, 10, "no answer")
    assert first.attributes["method"] == "add_order"
    assert first.attributes.get("req_id") == req_id


async def test_every_value_is_the_figure_it_stands_for(kit: Kit) -> None:
    """As it stands written, and not as the same code measures it."""
    made, watching = Made(), kit.telemetry()
    watching.watch(made)
    made.fill()
    found = kit.metrics()
    wanted = expected()
    assert found.keys() == {f"kraken_{name}" for name, _ in wanted} == {m.name for m in METRICS}
    shown = {
        (metric.name, tuple(point.attributes[label] for label in metric.labels)): point
        for metric in METRICS
        for point in found[metric.name].data.data_points
    }
    assert shown.keys() == {(f"kraken_{name}", labels) for name, labels in wanted}
    for (name, labels), value in wanted.items():
        point = shown[f"kraken_{name}", labels]
        if isinstance(value, list):
            assert (point.count, point.sum) == (len(value), pytest.approx(sum(value)))
            assert (point.min, point.max) == (pytest.approx(min(value)), pytest.approx(max(value)))
        else:
            assert point.value == pytest.approx(value, rel=1 / 256), (name, labels)


async def test_a_feed_is_read_once_for_all_metrics(
    autojump_clock: trio.abc.Clock, opened: Open, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that a reader wants them; without a ``Latency`` there are no histograms."""
    watching = kit.telemetry()
    async with opened(watching) as (_, feed):
        watching.watch(feed, most_symbols=0)
        asked: list[None] = []
        usual = feed.statistics

        def counting() -> Any:
            asked.append(None)
            return usual()

        monkeypatch.setattr(feed, "statistics", counting)
        for _ in range(3):
            assert "kraken_message_latency_seconds" not in kit.metrics()
    assert len(asked) == 3


async def test_without_an_sdk_nothing_happens(autojump_clock: trio.abc.Clock, opened: Open) -> None:
    """The API's own providers keep nothing."""
    watching = Telemetry()
    async with opened(watching, Latency()) as (_, feed), feed.book("BTC/USD") as book:
        watching.watch(feed)
        await trio.sleep(1)
        await book.receive_batch()
        assert not feed.statistics().observers[0].disabled
    assert LatencyStage.NETWORK in feed.observers[1].statistics().stages  # type: ignore[attr-defined]


def test_without_the_extra_it_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is made."""
    usual = builtins.__import__

    def refuse(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return usual(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigurationError, match=r"kraken-trio\[otel\]"):
        Telemetry()
