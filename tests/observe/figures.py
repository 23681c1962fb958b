"""A feed that was never open, whose figures all differ; and what is to be shown of each.

Nothing here is computed by what is tested: an expected value is a number that stands here, or a
sum of two or three of them.
"""

from __future__ import annotations

import time
from typing import Any, Final

from kraken_trio import BookUpdate, Channel, FeedStatistics, GapReason, Timestamp
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.statistics import (
    BookStatistics,
    ChannelStatistics,
    ConsumerStatistics,
    ObserverStatistics,
    PartStatistics,
    RequestStatistics,
    SessionStatistics,
    SubscriptionStatistics,
)
from kraken_trio._internal.observe.latency import Latency

NETWORK_MS: Final = (10, 20, 30, 60)
WAITED_MS: Final = (1, 2, 3, 4, 5)
WAY_MS: Final = 100
"""How long those took to come that waited."""
_SESSIONS: Final = {
    "connection_attempts": ("attempts", 1),
    "connection_failures": ("failures", 2),
    "reconnections": ("reconnections", 3),
    "frames_received": ("frames", 4),
    "frames_faulty": ("faults", 5),
    "frames_unknown": ("unknown", 6),
    "messages_unrouted": ("unrouted", 7),
    "heartbeats_received": ("heartbeats", 8),
    "subscription_failures": ("subscription_failures", 9),
}
_QUANTILES: Final = ("0", "0.5", "0.75", "0.9", "0.95", "0.99", "0.999", "1")
_NOT_SHOWN: Final = ChannelStatistics(1, 2, 3, 4, 5, 6, 7, 8, 9)


def _session(
    name: str, base: int, state: ConnectionState, round_trip_s: float, offset_s: float
) -> SessionStatistics:
    counts = {field: base + number for field, number in _SESSIONS.values()}
    return SessionStatistics(
        name=name,
        state=state,
        connections=99_999,
        transitions={},
        round_trip_s=round_trip_s,
        clock_offset_s=offset_s,
        **counts,
    )


def _part(
    channel: str, symbol: str | None, counts: tuple[int, int, int, int], **gaps: int
) -> PartStatistics:
    messages, checksums_ok, checksums_failed, resyncs = counts
    return PartStatistics(
        channel=channel,
        symbol=symbol,
        messages=messages,
        checksums_ok=checksums_ok,
        checksums_failed=checksums_failed,
        gaps={GapReason(reason): count for reason, count in gaps.items()},
        resyncs=resyncs,
    )


def _book(channel: str, symbol: str, state: BookState) -> BookStatistics:
    return BookStatistics(
        session="public",
        channel=channel,
        symbol=symbol,
        state=state,
        depth=10,
        snapshots=1,
        updates=2,
        ignored=3,
        checksums_failed=4,
    )


def _consumer(kind: str, base: int) -> ConsumerStatistics:
    return ConsumerStatistics(
        kind=kind,
        consumers=99_999,
        received=99_999,
        overflows=99_999,
        buffered=base + 1,
        capacity=base + 2,
        processed=base + 3,
        dropped=base + 4,
        coalesced=base + 5,
    )


def _observer(name: str, spent_s: float, *, disabled: bool) -> ObserverStatistics:
    return ObserverStatistics(name=name, disabled=disabled, calls=7, spent_s=spent_s, slowest_s=9.0)


def _requests(method: str, base: int) -> RequestStatistics:
    return RequestStatistics(
        method=method,
        asked=99_999,
        waiting=base + 1,
        accepted=base + 2,
        rejected=base + 3,
        unknown=base + 4,
        not_sent=base + 5,
        settled=base + 6,
        unsettled=base + 7,
    )


_FIGURES: Final = FeedStatistics(
    states={},
    **dict.fromkeys(
        (
            *("frames", "faults", "unknown", "unrouted", "heartbeats", "checksums_ok"),
            *("checksums_failed", "resyncs", "connections", "dropped", "coalesced", "overflows"),
        ),
        99_999,
    ),
    gaps={},
    trades_repeated=91,
    trades_backfilled=92,
    subscriptions=tuple(
        SubscriptionStatistics(channel, active, (), (), None)
        for channel, active in (
            (Channel.book("BTC/USD"), True),
            (Channel.book("ETH/USD"), True),
            (Channel.trades("BTC/USD"), False),
        )
    ),
    streams=(),
    callbacks=_NOT_SHOWN,
    sessions=(
        _session("public", 100, ConnectionState.SUBSCRIBED, 0.011, -0.5),
        _session("block 1", 200, ConnectionState.DEGRADED, 9.9, 9.9),
        _session("block 2", 300, ConnectionState.SUBSCRIBED, 9.9, 9.9),
        _session("trading", 400, ConnectionState.RESYNCING, 0.013, 0.25),
        _session("ended", 1000, ConnectionState.CLOSED, 9.9, 9.9),
        _session("ended trading", 2000, ConnectionState.CLOSED, 0.0, 0.0),
    ),
    parts=(
        _part("book", "BTC/USD", (41, 42, 43, 46), checksum=44, disconnect=45),
        _part("trade", "ETH/USD", (51, 0, 0, 53), overflow=52),
        _part("status", None, (61, 0, 0, 62)),
    ),
    books=(
        _book("book", "BTC/USD", BookState.LIVE),
        _book("book", "ETH/USD", next(each for each in BookState if each is not BookState.LIVE)),
        _book("level3", "BTC/USD", BookState.LIVE),
    ),
    consumers=(_consumer("book", 70), _consumer("events", 80)),
    requests=(_requests("add_order", 500), _requests("cancel_all", 600)),
    observers=(
        _observer("Latency", 0.093, disabled=False),
        _observer("Mine", 0.094, disabled=True),
        _observer("Mine 2", 0.095, disabled=True),
    ),
)


class Made:
    """The feed."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.latency = Latency(network_s=0.05, processing_s=0.0035, total_s=0.1)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """One that measures."""
        return (self.latency,)

    def statistics(self) -> FeedStatistics:
        """All that there is."""
        return _FIGURES

    def fill(self) -> None:
        """Measure some latencies."""
        for took_ms in NETWORK_MS:
            self.latency.record_received("public", _update(took_ms))
        for waited_ms in WAITED_MS:
            at = Timestamp((WAY_MS + waited_ms) * 10**6)
            self.latency.record_taken("book", _update(WAY_MS), at)


def _update(received_ms: int) -> BookUpdate:
    return BookUpdate(
        "BTC/USD", (), (), None, None, 0, Timestamp(0), Timestamp(received_ms * 10**6)
    )


Expected = dict[tuple[str, tuple[str, ...]], Any]


def expected() -> Expected:
    """What is to be shown, by name without prefix and labels; of a histogram all its values."""
    found: Expected = {
        ("trades_repeated", ()): 91,
        ("trades_backfilled", ()): 92,
        ("observers_disabled", ()): 2,
        ("read_timestamp_seconds", ()): time.time(),
        ("order_requests_waiting", ("add_order",)): 501,
        ("order_requests", ("add_order", "accepted")): 502,
        ("order_requests", ("add_order", "rejected")): 503,
        ("order_requests", ("add_order", "unknown")): 504,
        ("order_requests", ("add_order", "not_sent")): 505,
        ("outcomes_settled", ("add_order",)): 506,
        ("outcomes_unsettled", ("add_order",)): 507,
        ("order_requests_waiting", ("cancel_all",)): 601,
        ("order_requests", ("cancel_all", "accepted")): 602,
        ("order_requests", ("cancel_all", "rejected")): 603,
        ("order_requests", ("cancel_all", "unknown")): 604,
        ("order_requests", ("cancel_all", "not_sent")): 605,
        ("outcomes_settled", ("cancel_all",)): 606,
        ("outcomes_unsettled", ("cancel_all",)): 607,
        ("observer_seconds", ("Latency",)): 0.093,
        ("observer_seconds", ("Mine",)): 0.094,
        ("observer_seconds", ("Mine 2",)): 0.095,
        ("active_subscriptions", ("book",)): 2,
        ("active_subscriptions", ("trade",)): 0,
        ("messages_received", ("book", "BTC/USD")): 41,
        ("messages_received", ("trade", "ETH/USD")): 51,
        ("messages_received", ("status", "")): 61,
        ("checksums_verified", ("book", "BTC/USD")): 42,
        ("checksum_failures", ("book", "BTC/USD")): 43,
        ("gaps", ("book", "BTC/USD", "checksum")): 44,
        ("gaps", ("book", "BTC/USD", "disconnect")): 45,
        ("gaps", ("trade", "ETH/USD", "overflow")): 52,
        ("resyncs", ("book", "BTC/USD")): 46,
        ("resyncs", ("trade", "ETH/USD")): 53,
        ("resyncs", ("status", "")): 62,
        ("sessions_not_sound", ("public",)): 0,
        ("sessions_not_sound", ("block",)): 1,
        ("sessions_not_sound", ("trading",)): 1,
        ("round_trip_seconds", ("public",)): 0.011,
        ("round_trip_seconds", ("trading",)): 0.013,
        ("clock_offset_seconds", ("public",)): -0.5,
        ("clock_offset_seconds", ("trading",)): 0.25,
        ("latency_exceeded", ("network",)): 1,
        ("latency_exceeded", ("processing",)): 2,
        ("latency_exceeded", ("total",)): 5,
        ("latency_mean_seconds", ("network",)): 0.030,
        ("latency_mean_seconds", ("processing",)): 0.003,
        ("latency_mean_seconds", ("total",)): 0.103,
        ("message_latency_seconds", ("book",)): [each / 1000 for each in NETWORK_MS],
        ("processing_time_seconds", ("book",)): [each / 1000 for each in WAITED_MS],
        ("total_latency_seconds", ("book",)): [(WAY_MS + each) / 1000 for each in WAITED_MS],
    }
    for labels in (("book", "BTC/USD"), ("trade", "ETH/USD"), ("status", "")):
        for reason in GapReason:  # There from the beginning, or the first one is no rise.
            found.setdefault(("gaps", (*labels, reason.value)), 0)
    for name, (_, number) in _SESSIONS.items():
        found[name, ("public",)] = 100 + number
        found[name, ("block",)] = 200 + 300 + 1000 + 3 * number
        found[name, ("trading",)] = 400 + 2000 + 2 * number
    there = {("public", "subscribed"), ("trading", "resyncing")}
    there |= {("block", "subscribed"), ("block", "degraded")}
    for session in ("public", "block", "trading"):
        for state in ConnectionState:
            found["connection_state", (session, state.value)] = int((session, state.value) in there)
    for labels, live in ((("book", "BTC/USD"), 1), (("book", "ETH/USD"), 0)):
        found["book_live", labels] = live
        found["books_not_live", labels] = 1 - live
    found["book_live", ("level3", "BTC/USD")] = 1
    found["books_not_live", ("level3", "BTC/USD")] = 0
    for kind, base in (("book", 70), ("events", 80)):
        found["queue_depth", (kind,)] = base + 1
        found["queue_capacity", (kind,)] = base + 2
        found["messages_processed", (kind,)] = base + 3
        found["messages_dropped", (kind,)] = base + 4
        found["messages_coalesced", (kind,)] = base + 5
    of_stages = {
        "network": (10, 20, 30, 60, 60, 60, 60, 60),
        "processing": (1, 3, 4, 5, 5, 5, 5, 5),
        "total": (101, 103, 104, 105, 105, 105, 105, 105),
    }
    for stage, values in of_stages.items():
        for quantile, value in zip(_QUANTILES, values, strict=True):
            found["latency_seconds", (stage, quantile)] = value / 1000
    return found
