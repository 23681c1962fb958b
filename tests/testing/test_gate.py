"""Who comes too often is banned for a while, and everybody else comes in."""

from __future__ import annotations

from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.testing.gate import Allowance, Gate, Refusal
from kraken_trio._internal.testing.rules import ExchangeRules


def test_an_allowance_is_of_a_rolling_window() -> None:
    """There are so many in any window of time; what was refused does not count."""
    allowance = Allowance(2, 1.0)
    times = [0.0, 0.5, 0.9, 1.0, 1.1, 1.5, 1.6]
    assert [allowance.take(now) for now in times] == [True, True, False, True, False, True, False]


@given(now=st.floats(0, 1e6), window=st.floats(0.1, 600.0))
def test_a_window_ends_when_it_is_over(now: float, window: float) -> None:
    """To the last digit: who waits for just so long is let in again, and not a moment earlier."""
    allowance = Allowance(1, window)
    assert allowance.take(now)
    assert not allowance.take(nextafter(now + window, 0.0))
    assert allowance.take(now + window)


def test_the_usual_ban() -> None:
    """The 151st attempt within ten minutes is refused for ten minutes, of that address alone."""
    gate = Gate(ExchangeRules())
    assert [gate.knock("a", 600 + number, inside=0) for number in range(150)] == [None] * 150
    assert gate.knock("a", 800, inside=0) == Refusal(429, None)
    assert gate.knock("b", 800, inside=0) is None
    assert gate.knock("a", 1399.9, inside=0) == Refusal(429, None)
    assert gate.knock("a", 1400, inside=0) is None


def test_attempts_are_forgotten_in_time() -> None:
    """Attempts at a slow pace are never too many."""
    gate = Gate(ExchangeRules())
    assert {gate.knock("a", 4.0 * number, inside=0) for number in range(1000)} == {None}


def test_other_bans() -> None:
    """How many are too many, how long a ban lasts, and how it is told, is up to the rules."""
    rules = ExchangeRules(
        max_attempts=1, attempts_window_s=5, ban_s=30, ban_status=403, ban_tells_when=True
    )
    gate = Gate(rules)
    assert gate.knock("a", 0, inside=0) is None
    assert gate.knock("a", 1, inside=0) == Refusal(403, 30)
    assert gate.knock("a", 10.5, inside=0) == Refusal(403, 21)
    gate.forgive()
    assert gate.knock("a", 11, inside=0) is None


@pytest.mark.parametrize("most, refusal", [(None, None), (3, None), (2, Refusal(429, None))])
def test_there_may_be_room_for_so_many(most: int | None, refusal: Refusal | None) -> None:
    """Where the room is limited, one more is refused."""
    gate = Gate(ExchangeRules(max_connections=most, max_attempts=None))
    assert gate.knock("a", 0, inside=2) == refusal


def test_everybody_can_be_refused() -> None:
    """On command nobody comes in, and is told when to come again; attempts count all the same."""
    gate = Gate(ExchangeRules(max_attempts=2))
    gate.status, gate.retry_after_s = 503, 12
    assert [gate.knock("a", number, inside=0) for number in range(2)] == [Refusal(503, 12)] * 2
    assert gate.knock("a", 3, inside=0) == Refusal(429, None)


def test_a_door_can_be_shut() -> None:
    """On command nobody comes in by one door, and others do by others."""
    gate = Gate(ExchangeRules())
    gate.door_statuses["level3"] = 503
    assert gate.knock("a", 0, inside=0, door="level3") == Refusal(503, None)
    assert gate.knock("a", 0, inside=0, door="private") is None
    gate.status = 429
    assert gate.knock("a", 0, inside=0, door="level3") == Refusal(429, None)
