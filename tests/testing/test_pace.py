"""What is to happen so often does, however late somebody is."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.pace import BURST, Pace, check_rate


async def test_each_at_its_time(autojump_clock: trio.testing.MockClock) -> None:
    """Who is never late is woken for each, at its time, and there is no drift."""
    await trio.sleep(3)
    pace = Pace(3)
    for number in range(1, 1000):
        assert await pace.wait() == 1
        assert trio.current_time() == pytest.approx(3 + number / 3)
        assert pace.lag_s == 0
    assert pace.taken == 999


async def test_a_delay_is_made_up_for(autojump_clock: trio.testing.MockClock) -> None:
    """After a delay all that were due are, in bounded bursts, and then it goes on as planned."""
    pace = Pace(100)
    await trio.sleep(3.005)
    assert pace.lag_s == pytest.approx(2.995)
    assert [await pace.wait() for _ in range(4)] == [BURST, BURST, BURST, 1]
    assert trio.current_time() == pytest.approx(3.01)
    assert pace.lag_s == pytest.approx(0)


async def test_the_average_is_right(autojump_clock: trio.testing.MockClock) -> None:
    """However irregularly one comes, there are as many as time allows."""
    pace = Pace(7.3)
    for number in range(500):
        await pace.wait()
        await trio.sleep(number % 7 / 10)
        assert abs(pace.taken - trio.current_time() * 7.3) < 7


async def test_when_one_is_due() -> None:
    """The moment of each follows from its number alone."""
    pace = Pace(8)
    assert [pace.due_s(number) for number in (1, 2, 80)] == [0.125, 0.25, 10]


@pytest.mark.parametrize("rate", [-1, math.inf, math.nan])
def test_no_such_rate(rate: float) -> None:
    """A rate is a number, 0 or more."""
    with pytest.raises(ConfigurationError, match="rate: must be a number of frames a second"):
        check_rate(rate, "frames")
    check_rate(0, "frames")
    check_rate(5500, "frames")
