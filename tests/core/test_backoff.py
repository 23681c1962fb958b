"""Delays stay in their bounds, and a host is never asked more often than it allows."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kraken_trio._internal.core.backoff import Backoff, Budget


def backoff(
    initial: float = 0.1,
    maximum: float = 30.0,
    multiplier: float = 2.0,
    jitter: float = 0.0,
    seed: int = 1,
) -> Backoff:
    """Make one with the defaults of the configuration, but for the jitter."""
    return Backoff(
        initial=initial,
        maximum=maximum,
        multiplier=multiplier,
        jitter=jitter,
        random=random.Random(seed),
    )


class Always(random.Random):
    """Dice that always fall the same way."""

    def __init__(self, value: float) -> None:
        """Give ``value`` whenever a number from 0 to 1 is wanted."""
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        """The value."""
        return self.value


def test_delays_double_up_to_the_maximum() -> None:
    """The defaults give 0.1, 0.2, 0.4 and so on, then 30 seconds for ever."""
    delays = [backoff().delay(attempt) for attempt in range(1, 12)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


@pytest.mark.parametrize("attempt", [1100, 10**6, 10**400])
@pytest.mark.parametrize("multiplier", [2, 2.0, 1.7e308])
def test_no_attempt_is_too_late(attempt: int, multiplier: float) -> None:
    """However many attempts there were, the delay is the maximum, and costs no time to find."""
    assert backoff(multiplier=multiplier).delay(attempt) == 30.0


@pytest.mark.parametrize(
    "attempt, dice, delay",
    [
        (1, 0.0, 0.75),
        (1, 0.5, 1.0),
        (1, 1.0, 1.25),
        (4, 0.0, 6.0),
        (4, 1.0, 8.0),
        (50, 0.0, 6.0),
        (50, 0.5, 7.0),
        (50, 1.0, 8.0),
    ],
)
def test_spread(attempt: int, dice: float, delay: float) -> None:
    """A delay is spread to both sides, and at the maximum downwards, without heaping up there."""
    spread = Backoff(initial=1.0, maximum=8.0, multiplier=2.0, jitter=0.25, random=Always(dice))
    assert spread.delay(attempt) == delay


@given(
    initial=st.floats(1e-6, 1e6),
    factor=st.floats(1, 1e6),
    multiplier=st.floats(1, 1e6, exclude_min=True),
    jitter=st.floats(0, 1),
    seed=st.integers(),
    attempt=st.integers(1, 10**9),
)
def test_delay_is_within_bounds(
    *,
    initial: float,
    factor: float,
    multiplier: float,
    jitter: float,
    seed: int,
    attempt: int,
) -> None:
    """No delay is further from its centre than the jitter, negative, or above the maximum."""
    maximum = initial * factor
    centre = backoff(initial, maximum, multiplier).delay(attempt)
    delay = backoff(initial, maximum, multiplier, jitter, seed).delay(attempt)
    assert centre * (1 - jitter) <= delay <= min(centre * (1 + jitter), maximum)
    assert initial <= centre


@given(
    initial=st.floats(1e-6, 1e6),
    factor=st.floats(1, 1e6),
    multiplier=st.floats(1, 100, exclude_min=True),
    attempts=st.lists(st.integers(1, 5000), min_size=2),
)
def test_delays_never_shrink_without_jitter(
    initial: float, factor: float, multiplier: float, attempts: list[int]
) -> None:
    """A later attempt waits at least as long as an earlier one."""
    steady = backoff(initial, initial * factor, multiplier)
    delays = [steady.delay(attempt) for attempt in sorted(attempts)]
    assert all(earlier <= later for earlier, later in pairwise(delays))


def test_budget_is_the_exchange_s() -> None:
    """By default the 151st attempt waits until the first one is ten minutes old."""
    budget = Budget()
    assert [budget.take(float(second)) for second in range(150)] == [0.0] * 150
    assert budget.take(150.0) == 450.0
    assert budget.take(599.0) == 1.0
    assert budget.take(600.0) == 0.0
    assert budget.take(600.0) == 1.0


def test_borders_are_exact() -> None:
    """An attempt may start at the very moment when an earlier one leaves the window."""
    budget = Budget(limit=2, window=10.0)
    assert [budget.take(now) for now in (0.0, 4.0, 4.0)] == [0.0, 0.0, 6.0]
    assert budget.take(math.nextafter(10.0, 0.0)) > 0
    assert [budget.take(now) for now in (10.0, 10.0, 14.0, 14.0)] == [0.0, 4.0, 0.0, 6.0]


def test_waiting_counts_nothing() -> None:
    """An attempt that may not start is not counted, however often it is asked for."""
    budget = Budget(limit=1, window=10.0)
    assert [budget.take(now) for now in (0.0, 1.0, 2.0, 3.0, 10.0)] == [0.0, 9.0, 8.0, 7.0, 0.0]


def test_the_wait_is_long_enough() -> None:
    """Where the difference of two moments rounds down, the wait is a little longer, not short."""
    made, window, now = 2.567071088813134, 962.7384604384799, 419.9701328434613
    assert now + (made + window - now) < made + window
    budget = Budget(limit=1, window=window)
    assert budget.take(made) == 0.0
    assert budget.take(now + budget.take(now)) == 0.0


def test_budgets_of_one_host_count_each_other_s_attempts() -> None:
    """The exchange counts an address; each budget keeps within its own limits of that."""
    wide = Budget(limit=3, window=10.0)
    narrow = wide.beside(limit=1, window=20.0)
    assert (wide.take(0.0), narrow.take(1.0), wide.take(2.0)) == (0.0, 19.0, 0.0)
    assert narrow.take(20.0) == 2.0
    assert narrow.take(22.0) == 0.0
    assert [wide.take(22.0) for _ in range(3)] == [0.0, 0.0, 10.0]


def test_clock_going_back_is_harmless() -> None:
    """After a jump back the wait goes on from where it was: none is lost, none is endless."""
    budget = Budget(limit=2, window=10.0)
    assert [budget.take(now) for now in (1000.0, 1004.0, 1005.0)] == [0.0, 0.0, 5.0]
    assert [budget.take(now) for now in (3.0, 7.0, 8.0, 8.0)] == [5.0, 1.0, 0.0, 4.0]


@given(
    limit=st.integers(1, 5),
    window=st.integers(1, 20),
    steps=st.lists(st.integers(0, 10)),
)
def test_never_more_than_the_limit_in_any_window(limit: int, window: int, steps: list[int]) -> None:
    """Whenever attempts are asked for, any stretch as long as the window holds at most the limit,
    and an attempt is put off only when the limit is reached.
    """
    budget = Budget(limit, float(window))
    made: list[int] = []
    now = 0
    for step in steps:
        now += step
        recent = [moment for moment in made if moment > now - window]
        wait = budget.take(float(now))
        if wait == 0:
            made.append(now)
            recent.append(now)
        else:
            assert wait == recent[0] + window - now
            assert len(recent) == limit
        assert len(recent) <= limit


@given(
    limit=st.integers(1, 5),
    window=st.floats(0.001, 1e4),
    start=st.floats(-1e6, 1e6),
    steps=st.lists(st.floats(-1e3, 1e3), max_size=50),
)
@example(limit=1, window=4096.0, start=1.9, steps=[-1.9354856986334426, -1.9354856986334426])
def test_a_wait_ends(limit: int, window: float, start: float, steps: list[float]) -> None:
    """On any clock, one wait is enough, and none is longer than the window but for rounding."""
    budget = Budget(limit, window)
    now = start
    for step in steps:
        now += step
        wait = budget.take(now)
        assert 0 <= wait <= window + 1e-6
        if wait:
            now += wait
            assert budget.take(now) == 0.0


@given(seconds=st.floats(0.0, 1000.0), jitter=st.floats(0.0, 1.0))
def test_a_spread_pause_is_never_shorter(seconds: float, jitter: float) -> None:
    """What was asked for is the least; the jitter lies above it."""
    chance = random.Random(1)
    backoff = Backoff(initial=1.0, maximum=2.0, multiplier=2.0, jitter=jitter, random=chance)
    assert seconds <= backoff.spread(seconds) <= seconds * (1 + jitter) * (1 + 1e-9)
