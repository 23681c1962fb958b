"""What time it is."""

from __future__ import annotations

import time

import trio
from trio.testing import MockClock

from kraken_trio._internal.shell.wall import make_wall


async def test_it_is_the_system_s() -> None:
    """With trio's own clock, to the moment."""
    wall = make_wall()
    before = time.time_ns()
    now = wall()
    assert before - 2_000_000 <= now <= time.time_ns() + 2_000_000


async def test_it_goes_as_fast_as_trio_s(mock_clock: MockClock) -> None:
    """Where a mock clock jumps an hour ahead, an hour has passed."""
    wall = make_wall()
    before = wall()
    mock_clock.jump(3600)
    assert abs(wall() - before - 3600 * 10**9) < 10**9
    assert trio.current_time() == 3600
