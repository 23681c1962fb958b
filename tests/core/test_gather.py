"""When to read next: only where messages are quick, and few at a time."""

from __future__ import annotations

import math
import random

import pytest

from kraken_trio._internal.core.gather import PLENTY, STREAK, WORTH, Gather

WINDOW = 0.6
QUICK = WINDOW / WORTH - 0.01
ONE = 250  # Bytes of a message.

Read = tuple[float, int]


def play(*read: Read, window_s: float = WINDOW) -> float:
    """Note reads: how long each came after the one before, and what it brought. Give for how long
    the next one is to wait.
    """
    gather = Gather(window_s)
    now = 0.0
    for after, size in read:
        waited = gather.until > now
        now += after
        gather.note(size, now, waited=waited)
    return gather.until - now


SLOW = (1.0, ONE)
NEXT = (QUICK, ONE)
STREAM = (SLOW, *[NEXT] * STREAK)
WORTHY = (WINDOW, WORTH * ONE)
POOR = (WINDOW, WORTH * ONE - 1)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param((), id="nothing was read"),
        pytest.param((SLOW,), id="the first"),
        pytest.param(STREAM[:-1], id="not often enough"),
        pytest.param((*STREAM[:-1], SLOW, NEXT), id="not in a row"),
        pytest.param([(WINDOW / WORTH + 0.01, ONE)] * 99, id="too slow to be worth it"),
        pytest.param((*STREAM[:-1], (QUICK, PLENTY)), id="many at a time"),
        pytest.param((*STREAM, POOR, POOR), id="it was not worth it"),
        pytest.param((*STREAM, POOR, POOR, NEXT), id="and begins anew"),
        pytest.param((*STREAM, WORTHY, (WINDOW, PLENTY)), id="many at a time by now"),
        pytest.param((*STREAM, WORTHY, (9.0, 1), (9.0, ONE), SLOW), id="slow again"),
    ],
)
def test_what_is_read_at_once(read: tuple[Read, ...]) -> None:
    """Nothing is waited for where it would not save reads."""
    assert play(*read) == -math.inf


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(STREAM, id="quick"),
        pytest.param((*STREAM, WORTHY, WORTHY), id="still quick"),
        pytest.param((*STREAM, POOR, WORTHY, POOR), id="one is chance"),
        pytest.param((*STREAM, (WINDOW, PLENTY), NEXT), id="after many at a time"),
        pytest.param((*STREAM, POOR, POOR, *STREAM), id="quick again"),
    ],
)
def test_what_gathers(read: tuple[Read, ...]) -> None:
    """The next read is a window after the last."""
    assert play(*read) == pytest.approx(WINDOW)


@pytest.mark.parametrize("spacing", [0.4, 0.7, 0.95, 1.3])
def test_what_is_not_quick_is_not_held_up_by_chance(spacing: float) -> None:
    """A small message right behind another, now and then, begins nothing that lasts."""
    rng = random.Random(1)
    gather, now, waits = Gather(WINDOW), 0.0, 0
    for _ in range(5000):
        for after, size in [(spacing * WINDOW, ONE), (0.001, 25)][: 1 + (rng.random() < 0.1)]:
            waited = gather.until > now
            waits += waited
            now += max(after, WINDOW) if waited else after
            gather.note(size, now, waited=waited)
    assert waits == 0


def test_without_a_window_nothing_gathers() -> None:
    """Every read is at once."""
    assert play(*[(0.0, 1)] * 20, window_s=0) == -math.inf
