"""How long the other tasks of a program wait for their turn while a feed is flooded.

    python benchmarks/fairness.py [--quick] [--messages N] [--runs N] [--json FILE] [--page]

A server process sends updates of books, made beforehand, as fast as they are read; the client, in a
process of its own, verifies and reads all of them. In the same Trio run there is one more task: one
that does nothing but let others run, which shows how long each turn of theirs takes, or one that
sleeps for a millisecond and sees how late it wakes. The presets take turns, with a run that has no
feed at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import page
from figures import spread
from machine import in_words, machine, write
from pacing import NANOSECONDS, Plan, Server, Wanted, quantiles, read_numbers, run, serving

PAIRS = 4
NONE = "none"
PRESETS = (NONE, "default", "low_latency", "multi_pair", "aggregator")
PROBES = {"checkpoint": "lets others run", "sleep": "sleeps for 1 ms"}
FIGURES = ("p50", "p99", "p99.9", "max", "max_cpu")
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec")
QUICK_MESSAGES = 2000


def measure(
    preset: str, probe: str, server: Server, messages: int, folder: Path
) -> dict[str, float]:
    """Run the client once."""
    last = server.topics[messages - 1][2]
    given = json.dumps({"symbols": server.symbols, "last": last})
    file = folder / "pauses"
    result = run("fairness_client.py", preset, probe, f"{server.url}/0/v2", given, file)
    moments, pauses, computed = read_numbers(file, 3)
    begin, seconds = 0, 0.0
    if preset != NONE:
        begin = server.sent().went[0]
        seconds = (result["end"] - begin) / NANOSECONDS
        if result["lost"] or result["verified"] != messages:
            sys.exit(f"{preset}: not all arrived and was verified: {result}")
    # A pause counts that began in the flood, though it may end behind it.
    flood = [
        (pause / 1000, cpu / 1000)
        for moment, pause, cpu in zip(moments, pauses, computed, strict=True)
        if moment > begin and moment - pause <= result["end"]
    ]
    return {
        **quantiles(pause for pause, _ in flood),
        "max_cpu": max(cpu for _, cpu in flood),
        "updates_per_second": messages / seconds if seconds else 0,
    }


def table(results: list[dict[str, Any]]) -> str:
    """Make a table."""
    lines = [
        "| the other task | preset | pause p50 | p99 | p99.9 | longest | most CPU | updates/s |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in results:
        cells = [PROBES[each["probe"]], each["preset"].replace(NONE, "no feed")]
        cells += [spread(each[figure]) for figure in FIGURES]
        cells.append("" if each["preset"] == NONE else spread(each["updates_per_second"]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=150_000, help="in one flood")
    parser.add_argument("--runs", type=int, default=3, help="of each preset")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args()
    if given.quick:
        given.messages, given.runs = QUICK_MESSAGES, 1
    runs: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Wanted(PAIRS, (Plan(given.messages),))) as server,
    ):
        for _ in range(given.runs):
            for probe in PROBES:
                for preset in PRESETS:
                    words = (preset, probe, server, given.messages, Path(folder))
                    runs[probe, preset].append(measure(*words))
    results = [
        {
            "probe": probe,
            "preset": preset,
            **{figure: [each[figure] for each in found] for figure in found[0]},
        }
        for (probe, preset), found in runs.items()
    ]
    where = machine(*PACKAGES)
    note = (
        f"Microseconds, medians of {given.runs} runs (lowest-highest); {given.messages:,} updates "
        f"in a flood. The most CPU is what this process itself computed in one pause: what a pause "
        f"has beyond that it waited for the machine."
    )
    text = "\n\n".join([in_words(where), table(results), note])
    print(text)
    write(given.json, where, results, messages=given.messages)
    if given.page:
        page.write("fairness", text)


if __name__ == "__main__":
    main()
