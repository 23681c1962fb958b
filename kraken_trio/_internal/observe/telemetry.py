"""Feeds for OpenTelemetry: the same metrics, and a span for each thing that takes its time.

An observer. Knows when a connection, a subscription, a mending or a request begins and ends, and
what instruments are made of the table in ``metrics``. Needs the extra ``otel``, the API alone:
where spans and values go is for the program's own SDK to say, and without one they go nowhere.

Spans are made with the times of what they are about, when it is over; nothing waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kraken_trio._internal.model.alert import LatencyStage, RoundTrip
from kraken_trio._internal.model.errors import ConfigurationError, OutcomeUnknown
from kraken_trio._internal.model.gap import Resync
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.observe.latency import NETWORK_BOUNDS_S, PROCESSING_BOUNDS_S
from kraken_trio._internal.observe.metrics import (
    FEED,
    HISTOGRAMS,
    METRICS,
    MOST_SYMBOLS,
    Distribution,
    Kind,
    Watched,
    latency_of,
)
from kraken_trio._internal.observe.prometheus import MAIN
from kraken_trio._internal.observe.source import Source

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

NAME: Final = "kraken_trio"
"""What its tracer and its meter are called."""
_BOUNDS: Final = {
    LatencyStage.NETWORK: NETWORK_BOUNDS_S,
    LatencyStage.PROCESSING: PROCESSING_BOUNDS_S,
    LatencyStage.TOTAL: NETWORK_BOUNDS_S,
}
_OPENED: Final = (SessionTrigger.ESTABLISHED, SessionTrigger.ESTABLISHED_PRIVATE)
_ENDED: Final = (ConnectionState.DEGRADED, ConnectionState.CLOSED)
FRESH_S: Final = 1.0
"""How long values are taken for those of now, by one reader that asks for all metrics."""
_SILENT_METHODS: Final = ("ping",)
"""Requests that are no span: a ping is a measurement, and that is a metric."""


class Telemetry(Observer):
    """Spans of one feed, and its metrics. Give it to ``open_kraken`` among the observers.

    ``kraken.connect``, ``kraken.authenticate``, ``kraken.subscribe`` and, after a reconnect,
    ``kraken.resubscribe``: until all is there, or it failed. ``kraken.resync``: from a gap until
    it was mended. ``kraken.request``: each request and its answer, orders too, but pings; and of an
    order whose answer nobody waits for any more until then, as an error. An order's is a child of
    the span that the task which waits for the answer is in; all others have no parent.
    """

    def __init__(
        self,
        *,
        name: str = MAIN,
        tracer_provider: Any = None,
        meter_provider: Any = None,
    ) -> None:
        """``name`` is the feed's, in the attribute ``feed``. The providers are the program's own,
        unless a ``TracerProvider`` and a ``MeterProvider`` are given. Raises
        ``ConfigurationError`` without the extra ``otel``.
        """
        try:
            from opentelemetry import context, metrics, trace  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigurationError(
                "otel",
                "needs opentelemetry, which is not installed",
                'Install it: pip install "kraken-trio[otel]"',
            ) from error
        self._name = name
        self._trace = trace
        self._of_nobody = context.Context()
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        self._meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._observation: Callable[[float, dict[str, str]], Observation] = metrics.Observation
        # What began and did not end, session by session: its name and when.
        self._begun: dict[str, tuple[str, Timestamp]] = {}
        self._subscribed: set[str] = set()

    def state_changed(self, change: StateChange) -> None:
        """Begin and end what a session does."""
        session, to_state = change.session, change.to_state
        if to_state is change.from_state:
            return  # A second gap, or another token: what goes on goes on.
        if change.from_state is ConnectionState.RESYNCING and to_state not in _ENDED:
            return  # Of single subscriptions, which have spans of their own.
        failed = to_state in _ENDED and change.trigger is not SessionTrigger.CLOSE
        self._end(session, change.at, change.reason or change.trigger.value if failed else None)
        match to_state:
            case ConnectionState.CONNECTING:
                self._begun[session] = "kraken.connect", change.at
            case ConnectionState.AUTHENTICATING:
                self._begun[session] = "kraken.authenticate", change.at
            case ConnectionState.SUBSCRIBING:
                again = session in self._subscribed
                what = "kraken.resubscribe" if again else "kraken.subscribe"
                self._begun[session] = what, change.at
            case ConnectionState.SUBSCRIBED:
                self._subscribed.add(session)
            case ConnectionState.CLOSED:
                self._subscribed.discard(session)
            case _:
                pass

    def resync(self, session: str, resync: Resync) -> None:
        """One is whole again."""
        attributes = {"channel": resync.channel, "reason": resync.reason.value}
        if resync.symbol is not None:
            attributes["symbol"] = resync.symbol
        begun = Timestamp(resync.at - round(resync.duration_s * NANOSECONDS))
        self._span("kraken.resync", session, begun, resync.at, attributes)

    def answered(self, session: str, trip: RoundTrip) -> None:
        """A request has its answer."""
        if trip.method in _SILENT_METHODS:
            return
        failure = None if trip.success else trip.error or "refused"
        attributes: dict[str, Any] = {"method": trip.method}
        if trip.req_id is not None:
            attributes["req_id"] = trip.req_id
        self._span(
            *("kraken.request", session, trip.sent_at, trip.received_at, attributes),
            failure=failure,
            asked=True,
        )

    def unanswered(
        self, session: str, error: OutcomeUnknown, sent_at: Timestamp, at: Timestamp
    ) -> None:
        """A request about orders has none, and nobody knows what became of it."""
        attributes: dict[str, Any] = {"method": error.method}
        if error.req_id is not None:
            attributes["req_id"] = error.req_id
        self._span(
            *("kraken.request", session, sent_at, at, attributes),
            failure=error.reason,
            asked=True,
        )

    def watch(self, feed: Watched, *, most_symbols: int = MOST_SYMBOLS) -> None:
        """Show the metrics of a feed, the same ones that Prometheus is shown. Once.

        To be called in the run of trio that it belongs to. Values are read when the SDK's reader
        wants them; histograms are those of a ``Latency`` among the observers, and cost each record
        what the SDK takes for a value.
        """
        source = Source(feed, most_symbols=most_symbols)
        for metric in METRICS:
            read = partial(self._observe, source, metric.name, metric.labels)
            described = {"unit": "s" if metric.unit else "1", "description": metric.help}
            match metric.kind:
                case Kind.COUNTER:
                    self._meter.create_observable_counter(metric.name, [read], **described)
                case Kind.GAUGE:
                    self._meter.create_observable_gauge(metric.name, [read], **described)
                case Kind.HISTOGRAM:
                    pass
        latency = latency_of(feed)
        if latency is None:
            return
        histograms = {
            stage: self._meter.create_histogram(
                name, unit="s", explicit_bucket_boundaries_advisory=_BOUNDS[stage]
            )
            for stage, name in HISTOGRAMS.items()
        }

        def value(stage: LatencyStage, channel: str, took_s: float) -> None:
            histograms[stage].record(took_s, {FEED: self._name, "channel": channel})

        latency.on_value = value

    def _observe(
        self, source: Source, name: str, labels: tuple[str, ...], _: CallbackOptions
    ) -> Iterable[Observation]:
        """The values of one metric, now. A reader asks for all metrics, one after the other, the
        first one first: so a feed is read once for all.
        """
        samples = source.read(0.0 if name == METRICS[0].name else FRESH_S)
        return [
            self._observation(value, {FEED: self._name, **dict(zip(labels, values, strict=True))})
            for (found, values), value in samples.items()
            if found == name and not isinstance(value, Distribution)
        ]

    def _end(self, session: str, at: Timestamp, failure: str | None) -> None:
        """End what a session was about, if it was about anything."""
        begun = self._begun.pop(session, None)
        if begun is not None:
            name, since = begun
            self._span(name, session, since, at, {}, failure=failure)

    def _span(
        self,
        name: str,
        session: str,
        begun: Timestamp,
        ended: Timestamp,
        attributes: dict[str, Any],
        *,
        failure: str | None = None,
        asked: bool = False,
    ) -> None:
        """Make a span of what is over; a child of the current one if something ``asked`` for it."""
        known = {FEED: self._name, "session": session, **attributes}
        span = self._tracer.start_span(
            name,
            context=None if asked else self._of_nobody,
            start_time=int(begun),
            attributes=known,
        )
        if failure is not None:
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, failure))
        span.end(end_time=max(int(begun), int(ended)))
