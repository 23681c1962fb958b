"""What is announced has the members that were captured, and says what the hour demands."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance

START = 1_791_190_800 * 10**9
"""2026-10-05T09:00:00Z."""
HOUR = 3600 * 10**9


@pytest.mark.parametrize(
    "left_s, phase, order_submission, action",
    [
        (3 * 24 * 3600, "announced", "allowed", "continue"),
        (24 * 3600, "reminder_24h", "allowed", "continue"),
        (30 * 60, "approaching_30m", "discouraged", "reduce_activity"),
        (5 * 60, "imminent_5m", "discouraged", "cancel_open_orders"),
        (30, "final_warning_30s", "blocked", "disconnect_and_wait"),
        (0.5, "final_warning_30s", "blocked", "disconnect_and_wait"),
    ],
)
def test_phases(left_s: float, phase: str, order_submission: str, action: str) -> None:
    """The nearer the start, the more urgent the words."""
    window = PlannedMaintenance(start=START, end=START + HOUR)
    entry = window.entry(START - int(left_s * 10**9))
    assert entry is not None
    assert (entry["phase"], entry["order_submission"]) == (phase, order_submission)
    assert (entry["recommended_action"], entry["time_to_start_s"]) == (action, int(left_s))


@pytest.mark.parametrize("late", [0, 1, HOUR])
def test_a_window_that_has_started(late: int) -> None:
    """Once it has started it is not told of any more."""
    assert PlannedMaintenance(start=START, end=START + HOUR).entry(START + late) is None


def test_a_window_is_shown_like_a_real_one(examples: Path) -> None:
    """The captured announcement comes out with all its members, in their order."""
    lines = (examples / "v2-captured-status.jsonl").read_text("utf-8").splitlines()
    (real,) = json.loads(lines[2])["data"][0]["upcoming_maintenance"]
    start, end = (
        Timestamp.of(datetime.fromisoformat(real[name]))
        for name in ("expected_start_utc", "expected_end_utc")
    )
    window = PlannedMaintenance(
        start=start, end=end, event_id=real["event_id"], source_url=real["source_url"]
    )
    entry = window.entry(start - real["time_to_start_s"] * 10**9)
    services = ["spot_trading", "spot_fix", "spot_ws"]
    assert entry is not None
    assert list(entry.items()) == list((real | {"affected_services": services}).items())


def test_an_emergency() -> None:
    """An incident has the members that are known, and a next step where a restart is expected."""
    emergency = Incident(started_at=START, affected_services=("spot_ws", "spot_trading"))
    entry = emergency.entry(START)
    assert entry.keys() == {
        *("event_id", "title", "incident_status", "impact", "affected_services"),
        *("started_at", "next_steps", "source_url"),
    }
    assert (entry["started_at"], entry["next_steps"]) == ("2026-10-05T09:00:00.000000Z", [])
    restarting = Incident(started_at=START, restart_at=START + HOUR)
    assert restarting.entry(START)["next_steps"] == [
        {
            "applies_to": "spot_trading",
            "type": "expected_restart",
            "expected_at": "2026-10-05T10:00:00.000000Z",
        }
    ]
