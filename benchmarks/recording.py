"""What it costs to record: a flooded feed alone, recorded, and recorded compressed, in turns.

    python benchmarks/recording.py [--quick] [--runs N] [--frames N] [--page] [--json FILE]

The same frames of two books and their trades, made beforehand, go through the engine with the
observers of a feed: none; a recorder of a plain file, and one of a compressed file, whose task and
thread run meanwhile; and what keeps the latest frames and books for incident bundles. Shown are
frames a second on the path of the data and until all is in the file, and what that costs each frame
of processor time, threads too. Then each recording is replayed, and must deliver as many records.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import trio

from figures import show, spread, table
from kraken_trio import KrakenConfig, Timestamp
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import Opened
from kraken_trio._internal.shell.incidents import Incidents
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.extended import Observer, Recorder, open_recorder, replay_capture
from kraken_trio.testing import USUAL_PAIRS, Market
from machine import machine, write

WHO = {
    "alone": "nobody",
    "plain": "a recorder, `rec.jsonl`",
    "gzip": "a recorder, `rec.jsonl.gz`",
    "incidents": "`incidents` on",
}
RECORDS = {"plain": "rec.jsonl", "gzip": "rec.jsonl.gz"}
"""Who writes a file, and which."""
FRAMES, QUICK_FRAMES = 200_000, 5000
AT_ONCE = 200
"""Frames between two looks at others: what one read of a flood may hold."""
PAIRS = USUAL_PAIRS[:2]
CHANNELS = (
    Channel.book(*(pair.symbol for pair in PAIRS)),
    Channel.trades(*(pair.symbol for pair in PAIRS)),
)


def make_frames(count: int) -> list[bytes]:
    """Make frames of a market, which begin with the snapshots of its books."""
    market = Market(PAIRS, seed=1, start=time.time_ns())
    frames = [market.book_snapshot(pair.symbol, 10) for pair in PAIRS]
    for pair in PAIRS:
        market.watch(pair.symbol, 10)
    while len(frames) < count:
        frames += [event.frame for event in market.step()]
    return frames[:count]


async def measure(who: str, frames: list[bytes], folder: Path) -> dict[str, Any]:
    """Feed all frames once."""
    path = folder / RECORDS.get(who, "nothing")
    items = 0

    def count(_: object) -> None:
        nonlocal items
        items += 1

    async with AsyncExitStack() as stack:
        recorder: Recorder | None = None
        watching: list[Observer] = []
        if who in RECORDS:
            # What was recorded before would stay, beside this.
            path.unlink(missing_ok=True)
            recorder = await stack.enter_async_context(open_recorder(path, room_bytes=2**31))
            watching.append(recorder)
        elif who == "incidents":
            watching.append(
                Incidents(
                    folder,
                    KrakenConfig(),
                    engines=lambda: {"public": engine},
                    statistics=lambda: sys.exit("a bundle was made, though nothing failed"),
                    wall=lambda: Timestamp(time.time_ns()),
                )
            )
        decoder = V2Decoder()
        engine = Engine(decoder, hooks=Hooks(own=watching))
        engine.attach(count)
        for part in (part for channel in CHANNELS for part in channel.parts()):
            perform(engine, Opened(part, GapHandling()))
        wall, cpu = time.perf_counter(), time.process_time()
        for number, frame in enumerate(frames, 1):
            engine.feed(frame, Timestamp(number))
            if number % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        fed = time.perf_counter() - wall
    done = time.perf_counter() - wall
    cpu = time.process_time() - cpu
    if recorder is not None:
        lost = recorder.statistics().lost
        delivered = sum(1 for _ in replay_capture(path))
        if lost or delivered != items:
            sys.exit(f"{who}: {lost} lost, {delivered} of {items} delivered by the recording")
    return {
        "fed_s": fed,
        "done_s": done,
        "cpu_s": cpu,
        "frames": len(frames),
        "items": items,
        "bytes": path.stat().st_size if who in RECORDS else 0,
    }


def shown(results: dict[str, list[dict[str, Any]]]) -> str:
    """Show it all; ratios are those of the same turn."""
    rows = []
    for who, name in WHO.items():
        runs = results[who]
        ratio = [
            run["fed_s"] / alone["fed_s"] for run, alone in zip(runs, results["alone"], strict=True)
        ]
        rows.append(
            (
                name,
                spread([run["frames"] / run["fed_s"] for run in runs]),
                spread([run["frames"] / run["done_s"] for run in runs]),
                spread([10**6 * run["cpu_s"] / run["frames"] for run in runs], 2),
                f"{statistics.median(ratio):.2f} x",
                f"{runs[0]['bytes'] / runs[0]['frames']:.0f}",
            )
        )
    heads = ["watched by", "frames/s", "and written", "CPU us each", "time", "bytes each"]
    return table(heads, rows)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--runs", type=int, default=5, help="of each")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each run")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args(arguments)
    if given.quick:
        given.runs, given.frames = 1, QUICK_FRAMES
    frames = make_frames(given.frames)
    results: dict[str, list[dict[str, Any]]] = {who: [] for who in WHO}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.runs):
            for who in WHO:
                results[who].append(trio.run(measure, who, frames, Path(folder)))
    where = machine("kraken-trio", "trio", "msgspec", "zlib-ng")
    show("recording", where, shown(results), to_page=given.page)
    write(given.json, where, results, frames=given.frames)


if __name__ == "__main__":
    main()
