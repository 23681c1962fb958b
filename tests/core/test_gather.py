"""When to read next: only where messages are quick, and few at a time."""

from __future__ import annotations

import math

import pytest

from kraken_trio._internal.core.gather import PLENTY, WORTH, Gather

WINDOW = 0.6
QUICK = WINDOW / WORTH - 0.01
ONE = 250  # Bytes of a message.


def reads(*read: tuple[float, int], window_s: float = WINDOW) -> Gather:
    """Note reads: how long each came after the one before, and what it brought."""
    gather = Gather(window_s)
    now = 0.0
    for after, size in read:
        now += after
        gather.note(size, now)
    gather.until -= now
    return gather


SLOW = (1.0, ONE)
NEXT = (QUICK, ONE)
WAITED = (WINDOW + QUICK, WORTH * ONE)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param((), id="nothing was read"),
        pytest.param((SLOW,), id="the first"),
        pytest.param((SLOW, (WINDOW / WORTH + 0.01, ONE)), id="too slow to be worth it"),
        pytest.param((SLOW, (QUICK, PLENTY)), id="many at a time"),
        pytest.param((SLOW, NEXT, (WINDOW, WORTH * ONE - 1)), id="it was not worth it"),
        pytest.param((SLOW, NEXT, WAITED, (WINDOW, PLENTY)), id="many at a time by now"),
        pytest.param((SLOW, NEXT, WAITED, (1.0, ONE), (1.0, ONE)), id="slow again"),
    ],
)
def test_what_is_read_at_once(read: tuple[tuple[float, int], ...]) -> None:
    """Nothing is waited for where it would not save reads."""
    assert reads(*read).until == -math.inf


@pytest.mark.parametrize(
    "read",
    [
        pytest.param((SLOW, NEXT), id="quick"),
        pytest.param((SLOW, NEXT, WAITED, WAITED), id="still quick"),
        pytest.param((SLOW, NEXT, WAITED, SLOW, SLOW, NEXT), id="quick again"),
    ],
)
def test_what_gathers(read: tuple[tuple[float, int], ...]) -> None:
    """The next read is a window after the last."""
    assert reads(*read).until == pytest.approx(WINDOW)


def test_without_a_window_nothing_gathers() -> None:
    """Every read is at once."""
    assert reads((0.0, 1), (0.0, 1), (0.0, 9), window_s=0).until == -math.inf
