"""The client of ``whole.py``: follows all pairs, and prints one line of JSON about what that took.

    python whole_client.py PRESET URL GIVEN RECORDS [--trust FILE]

``GIVEN`` is JSON: the ``symbols``, and the times of the last message of ``book`` and of ``trade``.
The books are one subscription and the trades another, each read by a task of its own, record by
record. Into the files ``RECORDS.book`` and ``RECORDS.trade`` go the time of each record, and behind
these the moments of CLOCK_MONOTONIC at which they were in hand; all are nanoseconds.

The processor's time counts from the first message after all is live until the last one is in hand.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from array import array
from pathlib import Path
from typing import Any

import trio

from kraken_trio import BookSnapshot, Gap, Subscription
from ours import PRESETS, opened
from pacing import NANOSECONDS

DRAIN_S = 0.5
"""Longer than any window of a preset: what was merged may stand behind the last message."""
SCHEDULING = Path("/proc/self/schedstat")
FIELDS = {"VmRSS": "resident", "VmHWM": "most_resident"}


class Meter:
    """What the process took since the first record."""

    def __init__(self) -> None:
        """Nothing was measured yet."""
        self._began: tuple[float, ...] | None = None
        self.taken: dict[str, float] = {}
        """Seconds: of the clock, of the processor, of that what the system took, and what the
        process was ready to run and had no core."""

    def begin(self) -> None:
        """There is the first record, unless there was one before."""
        self._began = self._began or self._now()

    def end(self) -> None:
        """There is what may be the last one."""
        names = ("seconds", "cpu_seconds", "system_seconds", "waited_seconds")
        began = self._began or self._now()
        pairs = zip(names, began, self._now(), strict=True)
        self.taken = {name: after - before for name, before, after in pairs}

    def _now(self) -> tuple[float, ...]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        # Documentation/scheduler/sched-stats.rst of the kernel; some machines do not count.
        counted = SCHEDULING.read_text(encoding="ascii").split() if SCHEDULING.exists() else []
        waited = int(counted[1]) / NANOSECONDS if counted else 0.0
        return time.perf_counter(), time.process_time(), usage.ru_stime, waited


class Consumer:
    """Reads one subscription, and notes when each record was in hand."""

    def __init__(self, records: Subscription[Any], last: int, meter: Meter) -> None:
        """``last`` is the time of the last message."""
        self._records = records
        self._last = last
        self._meter = meter
        self.times, self.moments = array("q"), array("q")
        self.gaps = 0
        """What it was told is missing."""

    async def consume(self) -> None:
        """Read until there is nothing more."""
        receive, last, meter = self._records.receive, self._last, self._meter
        times, moments, now = self.times, self.moments, time.monotonic_ns
        with trio.CancelScope() as scope:
            while True:
                item = await receive()
                kind = type(item)
                if kind is BookSnapshot:
                    continue
                if kind is Gap:
                    self.gaps += 1
                    continue
                moments.append(now())
                at = item.timestamp
                times.append(at)
                if len(times) == 1:
                    meter.begin()
                if at == last:
                    meter.end()
                    scope.deadline = trio.current_time() + DRAIN_S

    def write(self, path: Path) -> None:
        """Write everything down."""
        with path.open("wb") as file:
            self.times.tofile(file)
            self.moments.tofile(file)


def memory() -> dict[str, int]:
    """Give what this process holds, and the most that it ever did, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return {name: int(values[field].split()[0]) * 1024 for field, name in FIELDS.items()}


async def follow(
    preset: str, url: str, trust: str | None, symbols: list[str], last: dict[str, int]
) -> tuple[dict[str, Consumer], dict[str, Any]]:
    """Follow all of it to the end."""
    began = time.perf_counter()
    async with (
        opened(preset, url, trust) as feed,
        feed.book(*symbols) as book,
        feed.trades(*symbols) as trade,
    ):
        live_seconds = time.perf_counter() - began
        meter = Meter()
        consumers = {
            "book": Consumer(book, last["book"], meter),
            "trade": Consumer(trade, last["trade"], meter),
        }
        async with trio.open_nursery() as nursery:
            for consumer in consumers.values():
                nursery.start_soon(consumer.consume)
        statistics = feed.statistics()
        return consumers, {
            **meter.taken,
            **memory(),
            "live_seconds": live_seconds,
            "verified": statistics.checksums_ok - len(symbols),
            "failed": statistics.checksums_failed,
            "dropped": statistics.dropped,
            "coalesced": statistics.coalesced,
            "frames": statistics.frames,
            "connections": statistics.connections,
            "gaps": sum(statistics.gaps.values()) + sum(c.gaps for c in consumers.values()),
            "most_waiting": [s.records.high_water for s in statistics.subscriptions if s.records],
        }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("url")
    parser.add_argument("given", type=json.loads)
    parser.add_argument("records", type=Path)
    parser.add_argument("--trust")
    words = parser.parse_args()
    given = words.given
    consumers, report = trio.run(
        follow, words.preset, words.url, words.trust, given["symbols"], given["last"]
    )
    for name, consumer in consumers.items():
        consumer.write(words.records.with_suffix(f".{name}"))
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
