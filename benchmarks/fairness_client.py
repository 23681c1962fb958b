"""The client of ``fairness.py``: reads a flood, and sees how long another task has to wait.

    python fairness_client.py PRESET PROBE URL GIVEN PAUSES

``PRESET`` is one of ours, or ``none``: then there is no feed at all, and the figure is that of Trio
and the machine. ``PROBE`` is ``checkpoint``, a task that does nothing but let others run, or
``sleep``, one that sleeps for a millisecond and sees how late it wakes. ``GIVEN`` is JSON: the
``symbols``, and the time of the ``last`` message. Into the file ``PAUSES`` go the moments of
CLOCK_MONOTONIC at which pauses ended, behind these the pauses, and last how long the processor
worked in each; all are nanoseconds. It prints one line of JSON: when the last message was read, and
what was verified and lost.
"""

from __future__ import annotations

import argparse
import json
import time
from array import array
from pathlib import Path
from typing import Any

import trio

from kraken_trio import BookUpdate, Gap
from ours import PRESETS, opened

NONE = "none"
ALONE_S = 2
SLEEP_S = 0.001
SLEEP_NS = 1_000_000


class Pauses:
    """Where a task had to wait: until when, how long, and how much was computed meanwhile."""

    def __init__(self) -> None:
        """Nowhere yet."""
        self._lists = array("q"), array("q"), array("q")

    async def checkpoint(self) -> None:
        """Note how long each turn of the others takes."""
        now, cpu, let_others_run = time.monotonic_ns, time.thread_time_ns, trio.lowlevel.checkpoint
        moments, pauses, computed = self._lists
        before, cpu_before = now(), cpu()
        while True:
            await let_others_run()
            after, cpu_after = now(), cpu()
            moments.append(after)
            pauses.append(after - before)
            computed.append(cpu_after - cpu_before)
            before, cpu_before = after, cpu_after

    async def sleep(self) -> None:
        """Note how late each alarm is."""
        now, cpu = time.monotonic_ns, time.thread_time_ns
        moments, pauses, computed = self._lists
        while True:
            before, cpu_before = now(), cpu()
            await trio.sleep(SLEEP_S)
            after = now()
            moments.append(after)
            pauses.append(after - before - SLEEP_NS)
            computed.append(cpu() - cpu_before)

    def write(self, path: Path) -> None:
        """Write everything down."""
        with path.open("wb") as file:
            for numbers in self._lists:
                numbers.tofile(file)


PROBES = {"checkpoint": Pauses.checkpoint, "sleep": Pauses.sleep}


async def flooded(
    preset: str, probe: str, url: str, given: dict[str, Any], pauses: Pauses
) -> dict[str, Any]:
    """Read everything, with the probe beside it."""
    gaps, end = 0, 0
    async with (
        opened(preset, url, None) as feed,
        feed.book(*given["symbols"]) as book,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(PROBES[probe], pauses)
        async for item in book:
            if type(item) is Gap:
                gaps += 1
            elif type(item) is BookUpdate and item.timestamp == given["last"]:
                # What is gathered comes later than it was read.
                end = time.monotonic_ns() - time.time_ns() + (item.received_at or 0)
                break
        nursery.cancel_scope.cancel()
        statistics = feed.statistics()
    return {
        "end": end,
        "verified": statistics.checksums_ok - len(given["symbols"]),
        "lost": gaps + statistics.dropped + statistics.checksums_failed,
    }


async def alone(probe: str, pauses: Pauses) -> dict[str, Any]:
    """Nothing but the probe."""
    with trio.move_on_after(ALONE_S):
        await PROBES[probe](pauses)
    return {"end": time.monotonic_ns()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", choices=(NONE, *PRESETS))
    parser.add_argument("probe", choices=PROBES)
    parser.add_argument("url")
    parser.add_argument("given", type=json.loads)
    parser.add_argument("pauses", type=Path)
    words = parser.parse_args()
    pauses = Pauses()
    if words.preset == NONE:
        result = trio.run(alone, words.probe, pauses)
    else:
        given = (words.preset, words.probe, words.url, words.given, pauses)
        result = trio.run(flooded, *given)
    pauses.write(words.pauses)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
