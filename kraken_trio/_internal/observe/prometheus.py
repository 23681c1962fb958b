"""Feeds as metrics of prometheus_client, for a registry that is there, or one of its own.

Knows how a value becomes a sample of that library; which values there are stands in ``metrics``.
Needs the extra ``metrics``, which is imported when it is used.

Several feeds share the names of their metrics, and a registry has each name once. So one collector
shows any number of feeds, told apart by the label ``feed``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.observe.metrics import (
    FEED,
    METRICS,
    MOST_SYMBOLS,
    Distribution,
    Kind,
    Metric,
    Value,
    Watched,
)
from kraken_trio._internal.observe.source import Source

Family = Any
"""A metric of prometheus_client with its values: that library is there only when it is used."""


class Registry(Protocol):
    """What collectors are registered in: a ``CollectorRegistry`` of prometheus_client."""

    def register(self, collector: Any) -> None:
        """Show what a collector collects; ``ValueError`` for names that are taken."""
        ...

    def unregister(self, collector: Any) -> None:
        """Show it no more."""
        ...

    def collect(self) -> Iterable[Any]:
        """Everything."""
        ...


MAIN = "main"
"""What a feed is called that is given no other name."""


class MetricsCollector:
    """Shows feeds to a registry of prometheus_client: ``registry.register(collector)``.

    It may be asked by any thread.
    """

    def __init__(self) -> None:
        """Show none yet. Raises ``ConfigurationError`` without the extra ``metrics``."""
        check_installed()
        self._sources: dict[str, Source] = {}

    def add(self, feed: Watched, name: str = MAIN, *, most_symbols: int = MOST_SYMBOLS) -> None:
        """Show a feed, which is ``name`` in the label ``feed``; ``ValueError`` for one that is
        shown already.

        To be called in the run of trio that it belongs to. So many symbols have names of their own,
        the first ones; the others are ``other``. What stays is kept: ``remove`` it when it is over.
        """
        if name in self._sources:
            raise ValueError(f"a feed called {name!r} is shown already")
        self._sources[name] = Source(feed, most_symbols=most_symbols)

    def remove(self, name: str = MAIN) -> None:
        """Show a feed no more; ``KeyError`` if it is not shown."""
        del self._sources[name]

    def describe(self) -> Iterable[Family]:
        """What will be shown, without values: so that a registry sees what clashes."""
        return [_family(metric, {}) for metric in METRICS]

    def collect(self) -> Iterable[Family]:
        """Every value of every feed, now."""
        found: _ByMetric = {}
        for feed, source in tuple(self._sources.items()):
            for (name, labels), value in source.read().items():
                found.setdefault(name, []).append(((feed, *labels), value))
        return [_family(metric, found) for metric in METRICS]


def register_metrics(
    feed: Watched,
    registry: Registry | None = None,
    *,
    name: str = MAIN,
    most_symbols: int = MOST_SYMBOLS,
) -> MetricsCollector:
    """Show a feed in a registry that is there: prometheus_client's own, unless one is given.

    Gives what shows it, to which more feeds can be added: a registry takes only one, and raises
    ``ValueError`` for a second. Raises ``ConfigurationError`` without the extra ``metrics``.
    """
    check_installed()
    from prometheus_client import REGISTRY  # noqa: PLC0415 - an extra

    collector = MetricsCollector()
    collector.add(feed, name, most_symbols=most_symbols)
    (REGISTRY if registry is None else registry).register(collector)
    return collector


def check_installed() -> None:
    """Raise ``ConfigurationError`` where prometheus_client is not installed."""
    try:
        import prometheus_client  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "metrics",
            "needs prometheus_client, which is not installed",
            'Install it: pip install "kraken-trio[metrics]"',
        ) from error


_ByMetric = dict[str, list[tuple[tuple[str, ...], Value]]]
"""By the name of a metric, its values with their labels, that of the feed first."""


def _family(metric: Metric, found: _ByMetric) -> Family:
    """One metric with all its values, feed by feed."""
    from prometheus_client import core  # noqa: PLC0415 - an extra

    there = found.get(metric.name, ())
    labels = (FEED, *metric.labels)
    if metric.kind is Kind.HISTOGRAM:
        histogram = core.HistogramMetricFamily(metric.name, metric.help, labels=labels)
        for values, value in there:
            if isinstance(value, Distribution):
                buckets = [(_printed(bound), count) for bound, count in value.buckets]
                histogram.add_metric(values, buckets, value.sum)
        return histogram
    plain = core.CounterMetricFamily if metric.kind is Kind.COUNTER else core.GaugeMetricFamily
    family = plain(metric.name, metric.help, labels=labels)
    for values, value in there:
        if not isinstance(value, Distribution):
            family.add_metric(values, value)
    return family


def _printed(bound: float) -> str:
    """A bound as Prometheus spells it."""
    return "+Inf" if bound == math.inf else f"{bound:.6f}".rstrip("0") if bound % 1 else f"{bound}"
