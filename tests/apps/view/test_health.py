"""The verdict: what makes a feed degraded, what unhealthy, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kraken_trio import BookState, ConnectionState, LatencyStage, ObserverStatistics
from kraken_trio._internal.apps.view.health import (
    FEWEST,
    LATE_MS,
    MOST_REASONS,
    PATIENCE_MS,
    RECENT_MS,
    Lateness,
    Recent,
    judge,
)
from kraken_trio.extended import LatencyStatistics, LatencySummary

if TYPE_CHECKING:
    from tests.apps.view.conftest import Made

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

NOW = 10**6
LIVE = {"BTC/USD": BookState.LIVE}


def test_all_is_well(made: type[Made]) -> None:
    """With pairs, and without."""
    live = made.statistics(books=LIVE)
    health = judge(live, {}, Recent(), 1, NOW)
    assert health.shown() == {
        "verdict": "healthy",
        "reasons": ["All is live, and all 1 books are verified."],
    }
    idle = judge(made.statistics(), {}, Recent(), 0, NOW)
    assert idle.verdict == "healthy"
    assert "nobody watches" in idle.reasons[0]


@pytest.mark.parametrize(
    "state, away_ms, verdict",
    [
        (ConnectionState.DEGRADED, 0, "degraded"),
        (ConnectionState.CONNECTING, PATIENCE_MS - 1, "degraded"),
        (ConnectionState.DEGRADED, PATIENCE_MS, "unhealthy"),
        (ConnectionState.AUTHENTICATING, PATIENCE_MS, "unhealthy"),
        (ConnectionState.CLOSED, 0, "unhealthy"),
        (ConnectionState.RESYNCING, 10 * PATIENCE_MS, "degraded"),
        (ConnectionState.SUBSCRIBING, 0, "degraded"),
        (ConnectionState.DISCONNECTED, 10 * PATIENCE_MS, "healthy"),
    ],
)
def test_a_session_that_is_away_is_told(
    made: type[Made], state: ConnectionState, away_ms: int, verdict: str
) -> None:
    """A moment of it is degraded, ten seconds are unhealthy."""
    health = judge(made.statistics(state), {"public": NOW - away_ms}, Recent(), 0, NOW)
    assert health.verdict == verdict
    assert verdict == "healthy" or f"Session public is {state.value}" in health.reasons[0]


def test_a_book_that_may_not_be_believed_is_named(made: type[Made]) -> None:
    """The others are not."""
    books = {"BTC/USD": BookState.LIVE, "ETH/USD": BookState.RESYNCING}
    health = judge(made.statistics(books=books), {}, Recent(), 2, NOW)
    assert (health.verdict, health.reasons) == (
        "degraded",
        ("No verified book of ETH/USD just now.",),
    )


def test_a_pair_without_a_book_is_counted(made: type[Made]) -> None:
    """Its subscription may be refused for a while: that is not well, though no book is wrong."""
    health = judge(made.statistics(books=LIVE), {}, Recent(), 3, NOW)
    assert (health.verdict, health.reasons) == ("degraded", ("Pairs without a book: 2 of 3.",))


def test_a_loss_is_told_for_a_while(made: type[Made]) -> None:
    """Each pair once, then no more."""
    recent = Recent()
    recent.gap("book", "BTC/USD", NOW)
    recent.gap("trade", "BTC/USD", NOW)
    recent.gap("instrument", None, NOW)
    statistics = made.statistics(books=LIVE)
    (reason,) = judge(statistics, {}, recent, 1, NOW + RECENT_MS - 1).reasons
    assert reason == "Data was missed in the last 30 s: BTC/USD, instrument."
    assert judge(statistics, {}, recent, 1, NOW + RECENT_MS).verdict == "healthy"


def test_records_that_were_dropped_are_told_for_a_while(made: type[Made]) -> None:
    """From when their number rose."""
    recent, dropped = Recent(), made.statistics(dropped=3, books=LIVE)
    assert "too slow" in judge(dropped, {}, recent, 1, NOW).reasons[0]
    assert judge(dropped, {}, recent, 1, NOW + RECENT_MS).verdict == "healthy"


def test_the_exchange_and_alarms_have_their_say(made: type[Made]) -> None:
    """An alarm that is repeated is one; what the exchange says stays until it says another."""
    recent = Recent()
    recent.system = "maintenance"
    for _ in range(3):
        recent.alarm("Something is wrong.", NOW)
    assert judge(made.statistics(books=LIVE), {}, recent, 1, NOW).reasons == (
        "The exchange says that it is maintenance.",
        "Something is wrong.",
    )
    recent.system = "online"
    assert judge(made.statistics(books=LIVE), {}, recent, 1, NOW + RECENT_MS).verdict == "healthy"


def test_an_observer_that_failed_is_named(made: type[Made]) -> None:
    """For what it shows is not so any more."""
    failed = ObserverStatistics(name="View", disabled=True, calls=1, spent_s=0, slowest_s=0)
    fine = ObserverStatistics(name="Latency", disabled=False, calls=1, spent_s=0, slowest_s=0)
    health = judge(made.statistics(observers=(failed, fine)), {}, Recent(), 0, NOW)
    assert health.reasons == ("Observer View failed, and is told nothing more.",)


def test_reasons_are_bounded_and_the_worst_first(made: type[Made]) -> None:
    """However much is wrong."""
    recent = Recent()
    for number in range(20):
        recent.alarm(f"alarm {number}", NOW)
    health = judge(made.statistics(ConnectionState.CLOSED), {}, recent, 1, NOW)
    assert (health.verdict, len(health.reasons)) == ("unhealthy", MOST_REASONS)
    assert health.reasons[0] == "Session public is closed."


def latency(total: int, exceeded: int) -> LatencyStatistics:
    """Give those of a feed of which so many of so many records took too long on their way."""
    figures = dict.fromkeys(("min_s", "mean_s", "max_s", "p50_s", "p75_s", "p90_s"), 0.0)
    more = dict.fromkeys(("p95_s", "p99_s", "p999_s"), 0.0)
    summary = LatencySummary(count=total, total=total, **figures, **more)
    stage = LatencyStage.NETWORK
    stages = {stage: summary} if total else {}
    return LatencyStatistics(stages=stages, exceeded={stage: exceeded}, ahead=0)


def test_records_are_late_when_half_of_them_are(made: type[Made]) -> None:
    """Of those that came of late; a few, or single ones, are nothing."""
    lateness = Lateness()
    assert lateness.look(latency(0, 0), 0) == []
    assert lateness.look(latency(FEWEST - 1, FEWEST - 1), 100) == []
    (reason,) = lateness.look(latency(100, 51), 200)
    assert reason == "Half of what came in the last 10 s was late: network."
    assert lateness.look(latency(200, 100), 300) == []
    assert lateness.look(latency(400, 300), 400)
    for now in range(1000, LATE_MS + 2000, 1000):
        lateness.look(latency(400, 300), now)
    assert lateness.look(latency(500, 310), LATE_MS + 2000) == []
    health = judge(made.statistics(books=LIVE), {}, Recent(), 1, NOW, late=["It is late."])
    assert (health.verdict, health.reasons) == ("degraded", ("It is late.",))
