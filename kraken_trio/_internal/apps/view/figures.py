"""Figures of a feed as a page has them: sessions, latencies, buffers, rates.

Knows how each is read from the statistics; durations are milliseconds.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

from kraken_trio import FeedStatistics, LatencyStage
from kraken_trio.extended import Latency, LatencyStatistics

SPAN_MS: Final = 2_000
"""Over how long a rate is taken."""


def sessions(
    statistics: FeedStatistics, since: dict[str, int], received: dict[str, int], url: str
) -> list[dict[str, Any]]:
    """Every session, with what it has done; those that are over are not among them."""
    return [
        {
            "name": each.name,
            "url": url,
            "state": each.state.value,
            "since": since.get(each.name),
            "attempts": each.attempts,
            "connections": each.connections,
            "reconnects": each.reconnections,
            "frames": each.frames,
            "bytes": received.get(each.name, 0),
            "rtt_ms": None if each.round_trip_s is None else _ms(each.round_trip_s),
        }
        for each in statistics.sessions
        if each.name in statistics.states
    ]


def latencies(latency: Latency, statistics: LatencyStatistics) -> dict[str, Any]:
    """Percentiles over the last records, and all there ever were by size, stage by stage."""
    stages: dict[str, Any] = {}
    window = 0
    for stage, summary in statistics.stages.items():
        window = max(window, summary.count)
        stages[stage.value] = {
            "p50": _ms(summary.p50_s),
            "p90": _ms(summary.p90_s),
            "p99": _ms(summary.p99_s),
            "p999": _ms(summary.p999_s),
            "max": _ms(summary.max_s),
            "count": summary.total,
            "buckets": _buckets(latency, stage),
        }
    return {"window": window, "stages": stages}


def buffers(statistics: FeedStatistics) -> list[dict[str, Any]]:
    """What waits to be consumed, by kind."""
    return [
        {
            "name": each.kind,
            "used": each.buffered,
            "size": each.capacity,
            "dropped": each.dropped,
        }
        for each in statistics.consumers
        if each.consumers
    ]


class Rates:
    """How much comes a second, of late."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._seen: deque[tuple[int, tuple[int, ...]]] = deque()

    def look(self, now: int, **counts: int) -> dict[str, float]:
        """Give the rates of these counters, which only rise; ``now`` is in milliseconds."""
        self._seen.append((now, tuple(counts.values())))
        while len(self._seen) > 2 and self._seen[1][0] <= now - SPAN_MS:  # noqa: PLR2004 - a pair
            self._seen.popleft()
        then, before = self._seen[0]
        took_s = (now - then) / 1000
        return {
            name: round((value - old) / took_s, 1) if took_s > 0 else 0.0
            for (name, value), old in zip(counts.items(), before, strict=True)
        }


def _buckets(latency: Latency, stage: LatencyStage) -> list[list[float | int | None]]:
    """How many are in each bucket and in none before, all channels together."""
    bounds: tuple[float, ...] = ()
    counts: list[int] = []
    for each in latency.buckets(stage).values():
        bounds = each.bounds_s
        counts = [*map(sum, zip(counts or [0] * len(each.counts), each.counts, strict=True))]
    shown = [*(round(bound * 1000, 3) for bound in bounds), None]
    return [[bound, count] for bound, count in zip(shown, counts, strict=True)] if counts else []


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4) if math.isfinite(seconds) else 0.0
