"""What comes in the wrong order goes on in the right one, or a gap says what is missing."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.window import Window
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.timestamp import Timestamp


def window(
    *,
    expected: int | None = 1,
    max_gap: int = 10,
    max_pending: int = 10,
    timeout_s: float = 30.0,
) -> Window[int]:
    """Make a window of numbers that are their own items, and their own times."""
    return Window(
        "trade",
        "BTC/USD",
        GapReason.TRADE_ID,
        time_of=Timestamp,
        max_gap=max_gap,
        max_pending=max_pending,
        timeout_s=timeout_s,
        expected=expected,
    )


def gap(expected: int, received: int, *, first: bool = False) -> Gap:
    """Make the gap before ``received``; ``first`` where nothing was given out before it."""
    return Gap(
        "trade",
        "BTC/USD",
        GapReason.TRADE_ID,
        expected,
        received,
        received - expected,
        None if first else Timestamp(expected - 1),
        Timestamp(received),
    )


def fed(to: Window[int], numbers: list[int]) -> list[int | Gap]:
    """Put all, and give what comes out."""
    return [item for number in numbers for item in to.put(number, number)]


def test_order_is_left_alone() -> None:
    """What comes in order goes on at once."""
    numbers = window()
    assert [numbers.put(number, number) for number in (1, 2, 3)] == [[1], [2], [3]]
    assert numbers.deadline == math.inf


def test_early_item_waits() -> None:
    """It is held until the hole is filled, and then everything goes on."""
    numbers = window()
    assert fed(numbers, [1, 3, 4]) == [1]
    assert len(numbers) == 2
    assert fed(numbers, [2, 5]) == [2, 3, 4, 5]
    assert (len(numbers), numbers.deadline) == (0, math.inf)


@given(st.integers(1, 30), st.integers(0, 2**32), st.booleans())
def test_any_order_within_the_window_comes_out_sorted(count: int, seed: int, known: bool) -> None:
    """Nothing is lost, nothing comes twice, and nothing is called missing."""
    numbers = list(range(1, count + 1))
    random.Random(seed).shuffle(numbers)
    if not known:
        numbers.remove(1)
        numbers.insert(0, 1)
    patient = window(expected=1 if known else None, max_gap=30, max_pending=30)
    assert fed(patient, numbers) == sorted(numbers)
    assert (len(patient), patient.repeats) == (0, 0)


@given(
    numbers=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), max_size=40),
    max_gap=st.integers(1, 8),
    max_pending=st.integers(1, 8),
)
def test_every_number_is_given_once_or_missing(
    numbers: list[tuple[int, int]], max_gap: int, max_pending: int
) -> None:
    """Whatever comes whenever, what comes out ascends, and gaps hold exactly what is between."""
    impatient = window(max_gap=max_gap, max_pending=max_pending, timeout_s=5.0)
    out: list[int | Gap] = []
    now = 0.0
    for number, pause in numbers:
        now += pause
        out += impatient.tick(now)
        out += impatient.put(number, number)
        assert len(impatient) <= max_pending
        assert (impatient.deadline == math.inf) is (len(impatient) == 0)
        assert all(impatient.awaits(each) for each in impatient.hole)
        out += impatient.tick(now)
        assert impatient.deadline > now
    out += impatient.restart()
    assert len(impatient) == 0
    expected = 1
    for item in out:
        if isinstance(item, Gap):
            assert item.expected == expected
            assert item.size is not None
            assert item.size > 0
            expected += item.size
            assert item.received == expected
        else:
            assert item == expected
            expected += 1
    given_out = [item for item in out if isinstance(item, int)]
    assert len(given_out) + impatient.repeats == len(numbers)


@pytest.mark.parametrize("repeat", [1, 2, 4])
def test_repeat_is_taken_out(repeat: int) -> None:
    """A number that was given out, or is held, is there already."""
    numbers = window()
    fed(numbers, [1, 2, 4])
    assert fed(numbers, [repeat]) == []
    assert numbers.repeats == 1
    assert fed(numbers, [3]) == [3, 4]


def test_wide_gap_is_not_waited_for() -> None:
    """A jump above the maximum is given up at once, with every hole before it."""
    numbers = window(max_gap=10)
    assert fed(numbers, [1, 12]) == [1]
    assert fed(numbers, [13, 40]) == [gap(2, 12), 12, 13, gap(14, 40), 40]
    assert fed(numbers, [41]) == [41]


def test_first_hole_has_no_time_before_it() -> None:
    """Where nothing was given out yet, nobody knows since when something is missing."""
    assert fed(window(), [20]) == [gap(1, 20, first=True), 20]


def test_too_many_are_not_held() -> None:
    """The first hole is given up when more than the maximum wait for it; later ones are not."""
    numbers = window(max_pending=3)
    assert fed(numbers, [1, 3, 4, 6]) == [1]
    assert fed(numbers, [8]) == [gap(2, 3), 3, 4]
    assert fed(numbers, [5]) == [5, 6]
    assert len(numbers) == 1


def test_nothing_waits_for_ever() -> None:
    """A hole is given up when the first item that came because of it has waited long enough."""
    numbers = window(timeout_s=30.0)
    fed(numbers, [1, 3])
    assert numbers.deadline == -math.inf
    assert numbers.tick(5.0) == []
    fed(numbers, [5])
    assert numbers.deadline == 35.0
    assert numbers.tick(20.0) == []
    assert numbers.deadline == 35.0
    assert numbers.tick(34.9) == []
    assert numbers.tick(35.0) == [gap(2, 3), 3]
    assert numbers.deadline == 50.0
    assert fed(numbers, [2]) == []
    assert fed(numbers, [4]) == [4, 5]
    assert numbers.repeats == 1


def test_what_was_held_for_no_time_is_not_waited_for() -> None:
    """The time is told after the hole was filled: nothing is left of it."""
    numbers = window()
    assert fed(numbers, [1, 3, 2, 5]) == [1, 2, 3]
    assert numbers.tick(7.0) == []
    assert numbers.deadline == 37.0


def test_what_is_waited_for_can_be_asked() -> None:
    """Which numbers, and whether one is among them; that of the first hole can be given up."""
    numbers = window()
    assert (numbers.hole, numbers.awaits(1), numbers.give_up()) == (range(0), False, [])
    assert fed(numbers, [1, 4, 8, 6, 2]) == [1, 2]
    assert (numbers.hole, numbers.newest, numbers.last) == (range(3, 4), 8, 2)
    assert [number for number in range(12) if numbers.awaits(number)] == [3, 5, 7]
    assert numbers.give_up() == [gap(3, 4), 4]
    assert numbers.hole == range(5, 6)


def test_restart_gives_up_everything() -> None:
    """What is held goes on behind its gaps, and numbers begin anew."""
    numbers = window()
    fed(numbers, [1, 3, 6])
    assert numbers.restart(1) == [gap(2, 3), 3, gap(4, 6), 6]
    assert fed(numbers, [2, 1]) == [1, 2]
    assert numbers.restart() == []
    assert fed(numbers, [77, 78]) == [77, 78]
