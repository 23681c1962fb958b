"""What the exchange announces about itself: maintenance to come, and incidents.

Knows the members of both kinds of entries in a ``status`` message, and what they say at which
time before a maintenance; nothing of who is told.

Source: section "status" of the WebSocket v2 documentation and captured traffic. Which
recommendation goes with which phase is not known but for the first, and decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.testing.frames import moment

_MINUTE_S = 60
_PHASES = (
    # Seconds to the start that are more than those, and what is said then.
    (24 * 60 * _MINUTE_S, "announced", "allowed", "continue"),
    (30 * _MINUTE_S, "reminder_24h", "allowed", "continue"),
    (5 * _MINUTE_S, "approaching_30m", "discouraged", "reduce_activity"),
    (30, "imminent_5m", "discouraged", "cancel_open_orders"),
    (0, "final_warning_30s", "blocked", "disconnect_and_wait"),
)
_TO_CANCEL_S = 5 * _MINUTE_S


class PlannedMaintenance(Struct, frozen=True, kw_only=True):
    """A maintenance that is planned. Until it starts, every ``status`` message tells of it."""

    start: int
    """When it is to start, in nanoseconds since the epoch."""
    end: int
    """When it is to end."""
    event_id: int = 33
    """Its number; stays the same."""
    title: str = "Order Entry System Maintenance"
    """What it is."""
    affected_services: tuple[str, ...] = ("spot_trading", "spot_fix", "spot_ws")
    """What will not work."""
    source_url: str = "https://status.kraken.example/33"
    """Where to read about it."""

    def entry(self, now: int) -> Mapping[str, object] | None:
        """Give what a message at ``now`` says of it, or None once it has started.

        The phase, and what is recommended, follow from how long it is until the start.
        """
        left_s = (self.start - now) // NANOSECONDS
        for least_s, phase, order_submission, recommended_action in _PHASES:
            if left_s > least_s or (left_s == least_s == 0 and now < self.start):
                return {
                    "affected_services": list(self.affected_services),
                    "cancel_before_utc": moment(self.start - _TO_CANCEL_S * NANOSECONDS),
                    "event_id": self.event_id,
                    "expected_end_utc": moment(self.end),
                    "expected_start_utc": moment(self.start),
                    "order_submission": order_submission,
                    "phase": phase,
                    "recommended_action": recommended_action,
                    "source_url": self.source_url,
                    "time_to_start_s": left_s,
                    "title": self.title,
                }
        return None


class Incident(Struct, frozen=True, kw_only=True):
    """An incident. While it is announced, every ``status`` message tells of it."""

    started_at: int
    """When it began, in nanoseconds since the epoch."""
    event_id: int = 34
    """Its number; stays the same."""
    title: str = "Trading engine unavailable"
    """What it is."""
    incident_status: str = "investigating"
    """``investigating``, ``identified``, ``monitoring`` or ``resolved``."""
    impact: str = "major"
    """How bad it is; the values are not documented."""
    affected_services: tuple[str, ...] = ("spot_trading",)
    """What does not work."""
    restart_at: int | None = None
    """When a restart is expected, if one is."""
    source_url: str = "https://status.kraken.example/34"
    """Where to read about it."""

    def entry(self, now: int) -> Mapping[str, object]:  # noqa: ARG002 - as that of a window
        """Give what a message says of it."""
        steps: list[Mapping[str, object]] = []
        if self.restart_at is not None:
            steps = [
                {
                    "applies_to": service,
                    "type": "expected_restart",
                    "expected_at": moment(self.restart_at),
                }
                for service in self.affected_services
            ]
        return {
            "affected_services": list(self.affected_services),
            "event_id": self.event_id,
            "impact": self.impact,
            "incident_status": self.incident_status,
            "next_steps": steps,
            "source_url": self.source_url,
            "started_at": moment(self.started_at),
            "title": self.title,
        }
