"""Manners are checked when they are chosen."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.rules import ExchangeRules


def test_defaults_are_what_was_observed() -> None:
    """A heartbeat a second whatever is sent, a minute of patience, both lists in the status."""
    rules = ExchangeRules()
    assert (rules.heartbeat_interval_s, rules.heartbeats_when_busy) == (1.0, True)
    assert (rules.idle_timeout_s, rules.announcements) == (60.0, True)
    assert (rules.snapshot_delay_s, rules.several_intervals) == (0.0, True)
    assert (rules.tier, rules.events_before_responses) == ("intermediate", False)
    assert (rules.batch_failures_in_orders, rules.batch_cancel_result) == (True, False)


def test_limits_are_the_published_ones() -> None:
    """150 attempts in ten minutes, then ten minutes of ban; what is not published is no limit."""
    rules = ExchangeRules()
    assert (rules.max_attempts, rules.attempts_window_s, rules.ban_s) == (150, 600, 600)
    assert (rules.ban_status, rules.ban_tells_when) == (429, False)
    assert (rules.max_requests_per_s, rules.max_connections) == (None, None)
    assert rules.token_life_s == 900
    assert (rules.max_level3_symbols, rules.max_level3_rate) == (200, 200)


@pytest.mark.parametrize(
    "changes",
    [
        {"idle_timeout_s": None},
        {"idle_timeout_s": 0.5},
        {"snapshot_delay_s": 0.2},
        {"heartbeats_when_busy": False},
        {"max_backlog": 1},
        {"max_attempts": None, "max_connections": 1, "max_requests_per_s": 5},
        {"ban_status": 403, "ban_tells_when": True, "ban_s": 1.5, "attempts_window_s": 60},
        {"bare_rate_refusals": True, "instrument_exponents": False},
        {"token_life_s": 0.5},
        {"tier": "pro", "events_before_responses": True},
        {"batch_failures_in_orders": False, "batch_cancel_result": True},
        {"token_life_s": 0.5, "max_level3_symbols": None, "max_level3_rate": 500},
    ],
)
def test_choices(changes: dict[str, Any]) -> None:
    """Each manner can be chosen."""
    rules = ExchangeRules(**changes)
    assert {name: getattr(rules, name) for name in changes} == changes


@pytest.mark.parametrize(
    "changes",
    [
        {"heartbeat_interval_s": 0},
        {"heartbeats_when_busy": 1},
        {"idle_timeout_s": 0},
        {"idle_timeout_s": "60"},
        {"snapshot_delay_s": -1},
        {"announcements": None},
        {"several_intervals": 0},
        {"max_backlog": 0},
        {"max_attempts": 0},
        {"max_connections": 2.5},
        {"max_requests_per_s": True},
        {"ban_status": 503},
        {"ban_s": 0},
        {"attempts_window_s": None},
        {"bare_rate_refusals": 1},
        {"max_backlog": 1.5},
        {"token_life_s": 0},
        {"tier": "gold"},
        {"events_before_responses": 1},
        {"batch_failures_in_orders": None},
        {"batch_cancel_result": "yes"},
        {"max_level3_symbols": 0},
        {"max_level3_rate": 1.5},
    ],
)
def test_no_such_choice(changes: dict[str, Any]) -> None:
    """What makes no sense is refused, with the name of the field."""
    (field,) = changes
    with pytest.raises(ConfigurationError, match=f"^{field}: "):
        ExchangeRules(**changes)
