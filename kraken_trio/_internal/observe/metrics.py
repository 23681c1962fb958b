"""What there is to see of a feed, as metrics: one table, for whoever exports them.

Knows the name, the meaning and the labels of each, and how it is read from ``feed.statistics()``
and a ``Latency``. How a page for Prometheus or an instrument of OpenTelemetry looks like stands
with them. Nothing is counted here: what a scrape shows is what the statistics say.

Names follow Prometheus: base units at the end, ``_total`` for what only rises. Labels have few
values: sessions, channels, reasons and states are a handful; of symbols only so many have a name of
their own, and all others are ``other``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Final, Protocol

from msgspec import Struct

from kraken_trio._internal.model.alert import LatencyStage
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.statistics import (
    FeedStatistics,
    PartStatistics,
    SessionStatistics,
)
from kraken_trio._internal.observe.histogram import Buckets
from kraken_trio._internal.observe.latency import Latency

PREFIX: Final = "kraken_"
FEED: Final = "feed"
"""The label that every metric has: which feed of the program it is about."""
OTHER: Final = "other"
"""What symbols are called that have no name of their own, together."""
MOST_SYMBOLS: Final = 50
"""Symbols with names of their own, unless a program wants more."""
_BLOCK: Final = "block"
"""What the sessions of single subscriptions are called, those that are over too: they are many,
one after the other."""
_NAMED: Final = ("public", "private", "level3", "trading")
_ENDED: Final = "ended"
"""What the names of those that are over begin with; behind it stands of what kind they were."""


class Kind(Enum):
    """How a metric behaves."""

    COUNTER = "counter"
    """It only rises, as long as the feed is open."""
    GAUGE = "gauge"
    """It is what it is now."""
    HISTOGRAM = "histogram"
    """Values by size, ever since the feed was opened."""


class Metric(Struct, frozen=True):
    """One metric, without its values."""

    name: str
    """In full, with its unit; a counter's without ``_total``, which Prometheus adds."""
    kind: Kind
    """How it behaves."""
    labels: tuple[str, ...]
    """What its values are told apart by, beside the feed."""
    help: str
    """What it is."""
    unit: str = ""
    """The unit of it that its name ends in, if it has one."""

    @property
    def shown(self) -> str:
        """Its name as Prometheus has it."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


class Distribution(Struct, frozen=True):
    """The value of a histogram at one moment."""

    buckets: tuple[tuple[float, int], ...]
    """Bounds, and how many are not above each: cumulative. The last bound is infinity."""
    sum: float
    """Of all values."""


Value = float | Distribution
Samples = dict[tuple[str, tuple[str, ...]], Value]
"""By the metric's name and the values of its labels."""


class Watched(Protocol):
    """What there must be of a feed to show it."""

    def statistics(self) -> FeedStatistics:
        """Everything that is counted."""
        ...

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Who watches it."""
        ...


def _counter(name: str, labels: str, text: str, unit: str = "") -> Metric:
    return Metric(f"{PREFIX}{name}", Kind.COUNTER, tuple(labels.split()), text, unit)


def _gauge(name: str, labels: str, text: str, unit: str = "") -> Metric:
    return Metric(f"{PREFIX}{name}", Kind.GAUGE, tuple(labels.split()), text, unit)


def _histogram(name: str, labels: str, text: str) -> Metric:
    return Metric(f"{PREFIX}{name}", Kind.HISTOGRAM, tuple(labels.split()), text, "seconds")


METRICS: Final = (
    _counter("messages_received", "channel symbol", "Messages received, by what they are of."),
    _counter("messages_processed", "channel", "Records that consumers took."),
    _counter("messages_dropped", "channel", "Records lost because a consumer was too slow."),
    _counter("messages_coalesced", "channel", "Records merged into others, nothing lost."),
    _counter("messages_unrouted", "session", "Messages that nobody is subscribed to."),
    _counter("frames_received", "session", "Data frames received, whatever is in them."),
    _counter("frames_faulty", "session", "Frames that could not be decoded."),
    _counter("frames_unknown", "session", "Frames of a kind that this version does not know."),
    _counter("heartbeats_received", "session", "Heartbeats received."),
    _counter("connection_attempts", "session", "Connections tried."),
    _counter("connection_failures", "session", "Attempts that came to nothing."),
    _counter("reconnections", "session", "Connections that took the place of one before."),
    _counter("subscription_failures", "session", "Symbols that ended with an error."),
    _counter("gaps", "channel symbol reason", "Holes in what was received, by their evidence."),
    _counter("resyncs", "channel symbol", "How often it was whole again after a hole."),
    _counter("checksum_failures", "channel symbol", "Book messages that did not verify."),
    _counter("checksums_verified", "channel symbol", "Book messages that verified."),
    _counter("trades_repeated", "", "Trades dropped because they had been there before."),
    _counter("trades_backfilled", "", "Trades that were missed, and fetched over REST."),
    _counter(
        "order_requests",
        "method outcome",
        "Requests about orders that ended: accepted, rejected, unknown or not_sent.",
    ),
    _counter("outcomes_settled", "method", "Unknown outcomes that were settled."),
    _counter("observer_seconds", "observer", "Time that hooks of observers took.", "seconds"),
    _counter("latency_exceeded", "stage", "Records that took longer than they may."),
    _gauge("active_subscriptions", "channel", "Subscriptions that are confirmed and complete."),
    _gauge("connection_state", "session state", "Sessions in this state."),
    _gauge("sessions_not_sound", "session", "Sessions that should be subscribed, and are not."),
    _gauge("book_live", "channel symbol", "Books that are live and verified."),
    _gauge("books_not_live", "channel symbol", "Books that are not, and not to be believed."),
    _gauge("queue_depth", "channel", "Entries that wait for consumers."),
    _gauge("queue_capacity", "channel", "Entries that there is room for."),
    _gauge("order_requests_waiting", "method", "Requests about orders that have not ended."),
    _gauge("outcomes_unsettled", "method", "Outcomes that are unknown still."),
    _gauge("observers_disabled", "", "Observers that raised, and are told nothing more."),
    _gauge(
        "round_trip_seconds", "session", "Of the last request that was answered.", unit="seconds"
    ),
    _gauge(
        "clock_offset_seconds",
        "session",
        "How far the exchange's clock is ahead, estimated.",
        unit="seconds",
    ),
    _gauge(
        "latency_seconds",
        "stage quantile",
        "Latency of the last records, its window; quantile 0 is the least, 1 the greatest.",
        unit="seconds",
    ),
    _gauge(
        "read_timestamp_seconds",
        "",
        "When these values were read from the feed, since 1970.",
        unit="seconds",
    ),
    _gauge("latency_mean_seconds", "stage", "Its mean, over the same.", unit="seconds"),
    _histogram(
        "message_latency_seconds", "channel", "From the exchange's time of a record to its receipt."
    ),
    _histogram(
        "processing_time_seconds", "channel", "From the receipt of a record to its consumer."
    ),
    _histogram(
        "total_latency_seconds", "channel", "From the exchange's time of a record to its consumer."
    ),
)
"""All of them, in the order of the page."""

HISTOGRAMS: Final = {
    LatencyStage.NETWORK: f"{PREFIX}message_latency_seconds",
    LatencyStage.PROCESSING: f"{PREFIX}processing_time_seconds",
    LatencyStage.TOTAL: f"{PREFIX}total_latency_seconds",
}
_CONTENT: Final = (
    ConnectionState.SUBSCRIBED,
    ConnectionState.DISCONNECTED,  # Nobody has asked for it yet.
    ConnectionState.CLOSED,  # Nobody wants it any more.
)
"""The states of a session in which nothing is wrong."""
_CHECKED: Final = ("book", "level3")
"""Channels with checksums."""
_QUANTILES: Final = {
    "0": "min_s",
    "0.5": "p50_s",
    "0.75": "p75_s",
    "0.9": "p90_s",
    "0.95": "p95_s",
    "0.99": "p99_s",
    "0.999": "p999_s",
    "1": "max_s",
}
_OF_SESSIONS: Final = {
    "messages_unrouted": "unrouted",
    "frames_received": "frames",
    "frames_faulty": "faults",
    "frames_unknown": "unknown",
    "heartbeats_received": "heartbeats",
    "connection_attempts": "attempts",
    "connection_failures": "failures",
    "reconnections": "reconnections",
    "subscription_failures": "subscription_failures",
}
_OF_CONSUMERS: Final = {
    "messages_processed": "processed",
    "messages_dropped": "dropped",
    "messages_coalesced": "coalesced",
    "queue_depth": "buffered",
    "queue_capacity": "capacity",
}
_OUTCOMES: Final = ("accepted", "rejected", "unknown", "not_sent")
_OF_PARTS: Final = {
    "messages_received": "messages",
    "resyncs": "resyncs",
    "checksum_failures": "checksums_failed",
    "checksums_verified": "checksums_ok",
}


class Symbols:
    """Which symbols have names of their own: the first ones, for good, so that no counter falls."""

    __slots__ = ("_most", "_named")

    def __init__(self, most: int = MOST_SYMBOLS) -> None:
        """Name so many; 0 for none."""
        self._most = most
        self._named: set[str] = set()

    def label(self, symbol: str | None) -> str:
        """What a symbol is called; nothing where there is none."""
        if symbol is None:
            return ""
        if symbol in self._named:
            return symbol
        if len(self._named) >= self._most:
            return OTHER
        self._named.add(symbol)
        return symbol


def latency_of(feed: Watched) -> Latency | None:
    """What measures the latencies of a feed, if anything does; the first one."""
    return next((each for each in feed.observers if isinstance(each, Latency)), None)


def measure(feed: Watched, symbols: Symbols) -> Samples:
    """Every value of every metric, now. Where several have the same labels, it is their sum."""
    sums: dict[tuple[str, tuple[str, ...]], float] = {}
    latency = latency_of(feed)
    for name, labels, value in _values(feed.statistics(), latency, symbols):
        key = name, labels
        sums[key] = sums.get(key, 0) + value
    samples: Samples = {(PREFIX + name, labels): value for (name, labels), value in sums.items()}
    if latency is not None:
        samples |= _distributions(latency)
    return samples


_Values = Iterator[tuple[str, tuple[str, ...], float]]


def _values(statistics: FeedStatistics, latency: Latency | None, symbols: Symbols) -> _Values:
    # A thread that asks in vain shows the last values, and a feed that hangs would look sound.
    yield "read_timestamp_seconds", (), time.time()
    yield from _sessions(statistics.sessions)
    yield from _parts(statistics.parts, symbols)
    for book in statistics.books:
        labels = book.channel, symbols.label(book.symbol)
        yield "book_live", labels, int(book.state is BookState.LIVE)
        yield "books_not_live", labels, int(book.state is not BookState.LIVE)
    for consumer in statistics.consumers:
        for name, field in _OF_CONSUMERS.items():
            yield name, (consumer.kind,), getattr(consumer, field)
    for subscription in statistics.subscriptions:
        yield "active_subscriptions", (subscription.channel.name,), int(subscription.active)
    yield "trades_repeated", (), statistics.trades_repeated
    yield "trades_backfilled", (), statistics.trades_backfilled
    for requests in statistics.requests:
        method = requests.method
        for outcome in _OUTCOMES:
            yield "order_requests", (method, outcome), getattr(requests, outcome)
        yield "order_requests_waiting", (method,), requests.waiting
        yield "outcomes_settled", (method,), requests.settled
        yield "outcomes_unsettled", (method,), requests.unsettled
    for observer in statistics.observers:
        yield "observer_seconds", (observer.name,), observer.spent_s
    yield "observers_disabled", (), sum(each.disabled for each in statistics.observers)
    if latency is not None:
        yield from _latencies(latency)


def _sessions(sessions: Iterable[SessionStatistics]) -> _Values:
    for session in sessions:
        name = session.name.removeprefix(f"{_ENDED} ")
        label = name if name in _NAMED else _BLOCK
        over = session.name.partition(" ")[0] == _ENDED
        for name, field in _OF_SESSIONS.items():
            yield name, (label,), getattr(session, field)
        if not over and (session.state is not ConnectionState.CLOSED or label != _BLOCK):
            for state in ConnectionState:
                yield "connection_state", (label, state.value), int(session.state is state)
            yield "sessions_not_sound", (label,), int(session.state not in _CONTENT)
        if label == _BLOCK:
            continue
        if session.round_trip_s is not None:
            yield "round_trip_seconds", (label,), session.round_trip_s
        if session.clock_offset_s is not None:
            yield "clock_offset_seconds", (label,), session.clock_offset_s


def _parts(parts: Iterable[PartStatistics], symbols: Symbols) -> _Values:
    known: set[tuple[str, str]] = set()
    for part in parts:
        labels = part.channel, symbols.label(part.symbol)
        if labels not in known:
            # From the beginning, for Prometheus sees no rise in a series that begins with 1: the
            # first gap of each kind would be no reason for an alarm.
            known.add(labels)
            for reason in GapReason:
                yield "gaps", (*labels, reason.value), 0
        for name, field in _OF_PARTS.items():
            if part.channel in _CHECKED or not name.startswith("checksum"):
                yield name, labels, getattr(part, field)
        for reason, count in part.gaps.items():
            yield "gaps", (*labels, reason.value), count


def _latencies(latency: Latency) -> _Values:
    figures = latency.statistics()
    for stage, exceeded in figures.exceeded.items():
        yield "latency_exceeded", (stage.value,), exceeded
    for stage, summary in figures.stages.items():
        for quantile, field in _QUANTILES.items():
            yield "latency_seconds", (stage.value, quantile), getattr(summary, field)
        yield "latency_mean_seconds", (stage.value,), summary.mean_s


def _distributions(latency: Latency) -> Samples:
    return {
        (name, (channel,)): distribution(buckets)
        for stage, name in HISTOGRAMS.items()
        for channel, buckets in latency.buckets(stage).items()
    }


def distribution(buckets: Buckets) -> Distribution:
    """What buckets hold, cumulative."""
    total = 0
    found: list[tuple[float, int]] = []
    for bound, count in zip((*buckets.bounds_s, float("inf")), buckets.counts, strict=True):
        total += count
        found.append((bound, total))
    return Distribution(tuple(found), buckets.sum_ns / 1e9)


def table(metrics: Mapping[str, Metric] | None = None) -> str:
    """All of them as a table for a page."""
    rows = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    for metric in METRICS if metrics is None else metrics.values():
        labels = ", ".join(f"`{label}`" for label in (FEED, *metric.labels))
        rows.append(f"| `{metric.shown}` | {metric.kind.value} | {labels} | {metric.help} |")
    return "\n".join(rows)
