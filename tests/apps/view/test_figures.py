"""Figures, as a page has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kraken_trio import BookUpdate, ConnectionState, Timestamp
from kraken_trio._internal.apps.view.figures import Rates, buffers, latencies, sessions
from kraken_trio.extended import Latency

if TYPE_CHECKING:
    from tests.apps.view.conftest import Made

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

MS = 1_000_000


def test_a_session_tells_what_it_did(made: type[Made]) -> None:
    """With where it is and since when; durations are milliseconds."""
    (found,) = sessions(made.statistics(), {"public": 5}, {"public": 99}, "wss://here/v2")
    assert found == {
        "name": "public",
        "url": "wss://here/v2",
        "state": "subscribed",
        "since": 5,
        "attempts": 2,
        "connections": 2,
        "reconnects": 1,
        "frames": 7,
        "bytes": 99,
        "rtt_ms": 12.5,
    }


def test_a_session_that_is_over_is_not_shown(made: type[Made]) -> None:
    """It has no state any more."""
    over = made.statistics(states={"private": ConnectionState.CLOSED})
    assert sessions(over, {}, {}, "") == []


def test_latencies_are_percentiles_and_buckets() -> None:
    """Not cumulative; the last bucket has no bound; all channels are one."""
    latency = Latency()
    assert latencies(latency, latency.statistics()) == {"window": 0, "stages": {}}
    for took_ms in (2, 2, 20, 20_000):
        update = BookUpdate("BTC/USD", (), (), None, None, 0, Timestamp(0), Timestamp(took_ms * MS))
        latency.record_received("public", update)
    shown = latencies(latency, latency.statistics())
    assert shown["window"] == 4
    network = shown["stages"]["network"]
    assert network["count"] == 4
    assert network["p50"] == pytest.approx(2, rel=0.01)
    assert network["max"] == pytest.approx(20_000, rel=0.01)
    buckets = network["buckets"]
    assert [2.5, 2] in buckets
    assert [25.0, 1] in buckets
    assert buckets[-1] == [None, 1]
    assert sum(count for _, count in buckets) == 4
    assert [bound for bound, _ in buckets[:-1]] == sorted(bound for bound, _ in buckets[:-1])


def test_buffers_that_somebody_reads_are_shown(made: type[Made]) -> None:
    """Those of consumers that have left are not."""
    assert buffers(made.statistics()) == [{"name": "book", "used": 3, "size": 500, "dropped": 2}]


def test_a_rate_is_of_late() -> None:
    """Over two seconds; nothing at first, and nothing when nothing comes."""
    rates = Rates()
    assert rates.look(0, frames=0) == {"frames": 0.0}
    assert rates.look(500, frames=50) == {"frames": 100.0}
    seen = [rates.look(now, frames=50)["frames"] for now in range(1000, 6001, 500)]
    assert seen[-1] == 0.0
    assert rates.look(6000, frames=50)["frames"] == 0.0
