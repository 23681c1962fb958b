"""How old the data are: on the way from the exchange, in this program, and in all.

An observer. Knows what of a record is a moment of the exchange's and what is not, and when it is to
be said that something takes too long. What percentiles are, ``histogram`` knows.

What is measured. The time of a record is the exchange's own, so what it shows of the network has
the error of both clocks; it is never below nothing here, but ``ahead`` counts what seemed to come
from the future. Snapshots, history and what was fetched afterwards tell of the past, and are left
out; so is a spread, of which nobody can see whether it is one, but for the time it waited here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from kraken_trio._internal.model.account import BalanceUpdate, Execution
from kraken_trio._internal.model.alert import Alert, LatencyAlert, LatencyStage
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.level3 import Level3Update
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.records import BookUpdate, Candle, Spread, Ticker, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.observe.histogram import WINDOW, Buckets, LatencySummary, Window

log = logging.getLogger("kraken_trio.observe")

NETWORK_S, PROCESSING_S, TOTAL_S = 0.1, 0.01, 0.15
"""What each stage may take before there is an alert."""
ALERT_PAUSE_S: Final = 10.0
"""Between two alerts of one stage."""
NETWORK_BOUNDS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25),
    *(0.5, 1.0, 2.5, 5.0, 10.0),
)
PROCESSING_BOUNDS_S: Final = (
    *(0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0),
)
"""Each alarm stands on a bound, so that a query can tell what is above it."""

_UPDATES: Final = frozenset({BookUpdate, Level3Update})
"""Records that are always news."""
_CHANNELS: Final[dict[type, str]] = {
    BookUpdate: "book",
    Level3Update: "level3",
    Ticker: "ticker",
    Trade: "trade",
    Candle: "ohlc",
    Execution: "executions",
    BalanceUpdate: "balances",
}
"""Those that tell when they happened, and by which channel they come."""


class LatencyStatistics(Struct, frozen=True, kw_only=True):
    """All latencies at one moment."""

    stages: dict[LatencyStage, LatencySummary]
    """Those of which there was any, over the last so many of each."""
    exceeded: dict[LatencyStage, int]
    """How many took longer than they may."""
    ahead: int
    """Records that seemed to come from the future: clocks are not alike."""


class _Stage:
    """One stage."""

    __slots__ = ("ahead", "bounds", "buckets", "due", "exceeded", "threshold", "told", "window")

    def __init__(self, size: int, threshold_s: float, bounds: tuple[float, ...]) -> None:
        self.window = Window(size)
        self.bounds = bounds
        self.buckets: dict[str, Buckets] = {}
        self.threshold = threshold_s * NANOSECONDS
        self.exceeded = self.told = 0
        # When the next alert may be, by the time of records.
        self.due = -math.inf


class Latency(Observer):
    """Measures latencies. One for each feed that is measured.

    Give it to ``open_kraken`` among the observers; read ``statistics()``, or have ``serve_metrics``
    show it. It costs each record nearly as much as verifying it: see docs/performance.md.
    """

    def __init__(
        self,
        *,
        network_s: float = NETWORK_S,
        processing_s: float = PROCESSING_S,
        total_s: float = TOTAL_S,
        window: int = WINDOW,
    ) -> None:
        """``window`` is how many of the last of each stage percentiles are made of.

        The others are what each stage may take: one record that takes longer is a ``LatencyAlert``,
        no more often than every ten seconds; ``math.inf`` for none. Raises ``ConfigurationError``
        for a threshold that is not above 0, and for a window outside of 1 to a million.
        """
        thresholds = {"network_s": network_s, "processing_s": processing_s, "total_s": total_s}
        for field, value in thresholds.items():
            if not value > 0:
                raise ConfigurationError(field, f"must be above 0, is {value}", "In seconds")
        if not 0 < window <= _WIDEST:
            raise ConfigurationError("window", f"must be 1 to {_WIDEST}, is {window}", "In records")
        self._network = _Stage(window, network_s, NETWORK_BOUNDS_S)
        self._processing = _Stage(window, processing_s, PROCESSING_BOUNDS_S)
        self._total = _Stage(window, total_s, NETWORK_BOUNDS_S)
        self._stages = {
            LatencyStage.NETWORK: self._network,
            LatencyStage.PROCESSING: self._processing,
            LatencyStage.TOTAL: self._total,
        }
        self._ahead = 0
        self._publish: Callable[[Alert], object] | None = None
        self.on_value: Callable[[LatencyStage, str, float], object] | None = None
        """Is given each value, in seconds, with its stage and channel."""

    def opened(self, publish: Callable[[Alert], None]) -> None:
        """Have alerts told by this feed."""
        self._publish = publish

    def record_received(self, session: str, record: Any) -> None:  # noqa: ARG002 - the hook's
        """Measure the way here."""
        channel = _CHANNELS.get(type(record))
        if channel is None or not _is_news(record):
            return
        happened, received = record.timestamp, record.received_at
        if happened is None or received is None:
            return
        took = received - happened
        if took < 0:
            self._ahead += 1
            took = 0
        self._note(LatencyStage.NETWORK, channel, took, record, received)

    def record_taken(self, consumer: str, record: Any, at: Timestamp) -> None:
        """Measure what it waited here, and the whole."""
        kind = type(record)
        if kind is not Spread and (kind not in _CHANNELS or not _is_news(record)):
            return
        # Its buffer has seen to it that it came while the consumer was there.
        waited = max(0, at - record.received_at)
        self._note(LatencyStage.PROCESSING, consumer, waited, record, at)
        if kind is not Spread and record.timestamp is not None:
            took = max(0, at - record.timestamp)
            self._note(LatencyStage.TOTAL, consumer, took, record, at)

    def statistics(self) -> LatencyStatistics:
        """All figures, at this moment."""
        summaries = {stage: each.window.summary() for stage, each in self._stages.items()}
        return LatencyStatistics(
            stages={stage: each for stage, each in summaries.items() if each is not None},
            exceeded={stage: each.exceeded for stage, each in self._stages.items()},
            ahead=self._ahead,
        )

    def buckets(self, stage: LatencyStage) -> dict[str, Buckets]:
        """All there ever was of a stage, channel by channel: only to be read."""
        return self._stages[stage].buckets

    def _note(
        self, stage: LatencyStage, channel: str, took: int, record: Any, at: Timestamp
    ) -> None:
        """Count one, and alert if it is time to."""
        its = self._stages[stage]
        its.window.record(took)
        buckets = its.buckets.get(channel)
        if buckets is None:
            buckets = its.buckets[channel] = Buckets(its.bounds)
        buckets.record(took)
        if self.on_value is not None:
            self.on_value(stage, channel, took / NANOSECONDS)
        if took <= its.threshold:
            return
        its.exceeded += 1
        pause = ALERT_PAUSE_S * NANOSECONDS
        if its.due - pause <= at < its.due:
            return  # Before that is only what comes when the clock was set back.
        its.due = at + pause
        exceeded, its.told = its.exceeded - its.told, its.exceeded
        symbol = getattr(record, "symbol", None)
        took_s, may_s = took / NANOSECONDS, its.threshold / NANOSECONDS
        fields = {"stage": stage.value, "channel": channel, "symbol": symbol}
        log.warning(
            "latency: %s of %s %s: %.3g s, %.3g s are allowed; %d were above of late",
            *(stage.value, channel, symbol or "", took_s, may_s, exceeded),
            extra={"event": "latency", **fields, "took_s": took_s, "exceeded": exceeded},
        )
        if self._publish is not None:
            alert = LatencyAlert(stage, channel, symbol, took_s, may_s, exceeded, at)
            self._publish(alert)


def _is_news(record: Any) -> bool:
    """Whether it tells of what happens now."""
    if type(record) in _UPDATES:
        return True
    return not (record.snapshot or getattr(record, "backfilled", False))


_WIDEST: Final = 1_000_000
