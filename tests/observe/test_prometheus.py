"""Feeds in a registry of prometheus_client."""

from __future__ import annotations

import builtins
import threading
import urllib.request
from collections.abc import Iterable
from typing import Any

import pytest
import trio

from kraken_trio import ConfigurationError
from kraken_trio._internal.observe.metrics import METRICS, Kind
from kraken_trio._internal.observe.prometheus import MetricsCollector, register_metrics
from kraken_trio.extended import Latency
from tests.observe.conftest import Open

pytestmark = pytest.mark.extra("metrics")  # noqa: S610 - a mark of pytest, no query of Django


def families(text: str) -> dict[str, Any]:
    """Parse a page as prometheus_client does."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - an extra

    return {family.name: family for family in text_string_to_metric_families(text)}


def value(found: Iterable[Any], name: str, **labels: str) -> float:
    """Give the one value that has these labels."""
    (one,) = [
        sample.value
        for family in found
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return float(one)


async def test_a_page_has_every_metric_and_its_values(
    autojump_clock: trio.abc.Clock, opened: Open
) -> None:
    """As the library's own parser reads it, and as the statistics say."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra

    registry = CollectorRegistry()
    async with opened(Latency()) as (_, feed), feed.book("BTC/USD") as book:
        register_metrics(feed, registry)
        await trio.sleep(1)
        await book.receive_batch()
        statistics = feed.statistics()
        found = families(generate_latest(registry).decode())
    assert found.keys() == {metric.name for metric in METRICS}
    for metric in METRICS:
        assert found[metric.name].type == metric.kind.value
        assert found[metric.name].documentation == metric.help
    frames = value(found.values(), "kraken_frames_received_total", feed="main", session="public")
    assert frames == statistics.frames
    (book_of,) = statistics.books
    labels = {"channel": "book", "symbol": "BTC/USD"}
    received = value(found.values(), "kraken_messages_received_total", **labels)
    assert received == book_of.snapshots + book_of.updates
    count = value(found.values(), "kraken_processing_time_seconds_count", channel="book")
    assert count == book_of.updates
    inf = value(found.values(), "kraken_processing_time_seconds_bucket", channel="book", le="+Inf")
    assert inf == count
    histograms = [metric for metric in METRICS if metric.kind is Kind.HISTOGRAM]
    for metric in histograms:
        bounds = [sample.labels.get("le") for sample in found[metric.name].samples]
        assert all(each is None or float(each) > 0 for each in bounds)


async def test_several_feeds_share_a_registry(opened: Open) -> None:
    """Told apart by their names, with each metric once; what is removed is shown no more."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra

    registry = CollectorRegistry()
    async with opened() as (_, first), opened() as (_, second), second.book("BTC/USD"):
        collector = register_metrics(first, registry, name="first")
        collector.add(second, "second")
        with pytest.raises(ValueError, match="'second' is shown already"):
            collector.add(second, "second")
        with pytest.raises(ValueError, match="Duplicated timeseries"):
            register_metrics(second, registry)
        page = generate_latest(registry).decode()
        found = families(page).values()
        frames = [
            value(found, "kraken_frames_received_total", feed=name) for name in ("first", "second")
        ]
        assert frames[0] == 0 < frames[1]
        assert page.count("# TYPE kraken_frames_received_total counter") == 1
        collector.remove("second")
        assert 'feed="second"' not in generate_latest(registry).decode()
        with pytest.raises(KeyError):
            collector.remove("second")


async def test_the_library_s_own_registry_is_the_usual_one(opened: Open) -> None:
    """Which its own server, a thread, shows too."""
    from prometheus_client import REGISTRY, start_http_server  # noqa: PLC0415 - an extra

    async with opened() as (_, feed), feed.book("BTC/USD"):
        collector = register_metrics(feed, name="mine", most_symbols=0)
        server, thread = start_http_server(0, "127.0.0.1")
        try:
            url = f"http://127.0.0.1:{server.server_port}/metrics"

            def get() -> str:
                with urllib.request.urlopen(url, timeout=10) as page:
                    return str(page.read().decode())

            page = await trio.to_thread.run_sync(get)
        finally:
            await trio.to_thread.run_sync(server.shutdown)
            server.server_close()
            thread.join()
            REGISTRY.unregister(collector)
        assert threading.current_thread() is threading.main_thread()
    frames = value(families(page).values(), "kraken_frames_received_total", feed="mine")
    assert frames > 0
    assert 'symbol="other"' in page
    assert "BTC/USD" not in page


async def test_without_the_extra_it_says_which_one(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is done."""
    usual = builtins.__import__

    def refuse(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("prometheus_client"):
            raise ImportError(name)
        return usual(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    async with opened() as (_, feed):
        with pytest.raises(ConfigurationError, match=r"kraken-trio\[metrics\]"):
            MetricsCollector()
        with pytest.raises(ConfigurationError, match=r"kraken-trio\[metrics\]"):
            register_metrics(feed)
