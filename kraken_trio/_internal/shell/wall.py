"""The wall clock of a feed, by which frames are stamped and the exchange's clock is judged.

It is the system's, and goes as fast as trio's clock does: where a mock clock jumps a minute ahead,
this one does too, so that latencies, pauses and skews are in a test what they would be in a minute.
With trio's own clock nothing is added, whatever becomes of the system's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp


def make_wall() -> Callable[[], Timestamp]:
    """A wall clock for the run of trio that this is called in."""
    ahead = trio.current_time() - time.perf_counter()

    def wall() -> Timestamp:
        # trio's own clock is this counter plus a constant, so the difference is none but rounding.
        run_ahead = trio.current_time() - time.perf_counter() - ahead
        if -_NOISE_S < run_ahead < _NOISE_S:
            return Timestamp(time.time_ns())
        return Timestamp(time.time_ns() + int(run_ahead * NANOSECONDS))

    return wall


_NOISE_S = 0.001
"""Between two readings of one clock the machine may have done something else."""
