"""Prometheus itself scrapes a live feed, and says by its own interface what it has seen.

``nox -s prometheus`` runs this with Debian's package; elsewhere the variable
``KRAKEN_TRIO_PROMETHEUS`` names the program. It is a process of its own, and a real clock runs.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from kraken_trio import (
    ConnectionFailed,
    ConnectionState,
    Feed,
    GapReason,
    KrakenConfig,
    open_kraken,
)
from kraken_trio._internal.observe.metrics import METRICS, Kind
from kraken_trio.extended import HttpRest, Latency, serve_metrics
from kraken_trio.testing import open_exchange

PROGRAM = os.environ.get("KRAKEN_TRIO_PROMETHEUS")
pytestmark = [
    pytest.mark.extra("metrics"),  # noqa: S610 - a mark of pytest, no query of Django
    pytest.mark.skipif(not PROGRAM, reason="KRAKEN_TRIO_PROMETHEUS names no Prometheus"),
]
DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = """
global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
scrape_configs:
  - job_name: kraken
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


def free_port() -> int:
    """Give a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def prometheus(port: int, folder: Path) -> AsyncIterator[HttpRest]:
    """Run it, scraping a port of ours; give what asks it."""
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=port), encoding="utf-8")
    listens = f"127.0.0.1:{free_port()}"
    command = [
        str(PROGRAM),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listens}",
    ]
    with (folder / "log").open("wb") as log:
        async with trio.open_nursery() as nursery:
            run = partial(trio.run_process, command, stdout=log, stderr=subprocess.STDOUT)
            process = await nursery.start(run)
            try:
                yield HttpRest(f"http://{listens}")
            finally:
                process.kill()
                nursery.cancel_scope.cancel()


async def asked(web: HttpRest, expression: str) -> list[tuple[dict[str, str], float]]:
    """Give the values that it has, with their labels."""
    query = urllib.parse.urlencode({"query": expression})
    answer = await web("GET", f"/api/v1/query?{query}", headers={}, body=b"")
    found: Any = json.loads(answer.body)
    assert found["status"] == "success", found
    return [(each["metric"], float(each["value"][1])) for each in found["data"]["result"]]


async def until_scraped(web: HttpRest, feed: Feed) -> None:
    """Wait until what it has is what the feed counts now."""
    frames = feed.statistics().frames
    with trio.fail_after(30):
        while True:
            try:
                values = [value for _, value in await asked(web, "kraken_frames_received_total")]
            except Exception:  # noqa: BLE001 - it takes a moment to listen
                values = []
            if sum(values) == frames:
                return
            await trio.sleep(0.2)


async def until_there(web: HttpRest, expression: str) -> None:
    """Wait until there is any value of it."""
    with trio.fail_after(30):
        while True:
            try:
                if await asked(web, expression):
                    return
            except ConnectionFailed:
                pass  # it takes a moment to listen
            await trio.sleep(0.2)


async def see_that_all_can_be_asked(web: HttpRest) -> None:
    """Ask all that the page and the dashboard ask, of this feed: a gap that was the first one."""
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$feed", "main")
            found = await asked(web, expression)
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(legend <= labels.keys() for labels, _ in found), expression
            # What is above nothing is there when something is wrong; and no data are no trouble.
            assert found or expression.endswith("> 0"), expression
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    alarms = page.split("| expression |", 1)[1].split("\n\n", 1)[0]
    ringing = {
        expression
        for expression in re.findall(r"^\| `([^`]+)`", alarms, re.MULTILINE)
        if await asked(web, expression)
    }
    assert any("kraken_gaps_total" in each for each in ringing)
    assert not any("clock" in each or "observers" in each for each in ringing)


async def test_prometheus_sees_what_the_feed_counts(tmp_path: Path) -> None:
    """Every metric is there, by its name and of its kind; values are those of the statistics."""
    async with (
        open_exchange(seed=1, rate=100) as exchange,
        open_kraken(KrakenConfig(), dial=exchange.dial, observers=[Latency()]) as feed,
        trio.open_nursery() as nursery,
    ):
        port = await nursery.start(serve_metrics, feed, 0)
        async with feed.book("BTC/USD", "ETH/USD") as book, prometheus(port, tmp_path) as web:
            for number in range(300):
                await book.receive()
                if number == 99:
                    await until_there(web, "kraken_gaps_total")
                if number == 100:
                    exchange.connections[0].corrupt_next_book("BTC/USD")
            feed.disconnect()
            assert feed.state is ConnectionState.CLOSED
            await until_scraped(web, feed)
            statistics = feed.statistics()
            assert statistics.gaps[GapReason.CHECKSUM] == 1
            for part in statistics.parts:
                which = f'{{channel="{part.channel}",symbol="{part.symbol}",feed="main"}}'
                ((_, value),) = await asked(web, f"kraken_messages_received_total{which}")
                assert value == part.messages
                ((_, value),) = await asked(web, f"kraken_checksum_failures_total{which}")
                assert value == part.checksums_failed
            gaps = await asked(web, 'kraken_gaps_total{reason="checksum"} > 0')
            assert [(labels["symbol"], value) for labels, value in gaps] == [("BTC/USD", 1)]
            await see_that_all_can_be_asked(web)
            states = await asked(web, 'kraken_connection_state{session="public"} == 1')
            assert [labels["state"] for labels, _ in states] == ["closed"]
            ((_, p99),) = await asked(
                web, "histogram_quantile(0.99, sum by (le) (kraken_processing_time_seconds_bucket))"
            )
            assert 0 < p99 < 10
            ((_, up),) = await asked(web, "up")
            assert up == 1
            answer = await web("GET", "/api/v1/metadata", headers={}, body=b"")
            told = json.loads(answer.body)["data"]
            for metric in METRICS:
                # In the format that it asks for, a counter is named without its ending.
                (kind,) = told[metric.name]
                assert (kind["type"], kind["help"]) == (metric.kind.value, metric.help)
                if metric.kind is not Kind.HISTOGRAM:
                    assert await asked(web, metric.shown), metric.shown
        nursery.cancel_scope.cancel()
