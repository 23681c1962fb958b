"""What it costs to watch a feed: hooks, latencies, metrics that are scraped, OpenTelemetry.

    python benchmarks/watching.py [--quick] [--messages N] [--rounds N] [--seconds S] [--seed N]
                                  [--json FILE] [--page]

A server process sends book messages that it made beforehand, over loopback, as fast as they are
read. The library, in a process of its own, verifies them and counts what arrives at its consumer;
nobody watches it, or somebody does, in several ways, which take turns. ``nobody`` is what everybody
pays. Those that show metrics need the extras ``metrics`` and ``otel``, and OpenTelemetry's SDK; who
cannot be run is left out with a word.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

import page
from figures import table
from flood_server import PAIRS
from machine import in_words, machine, write
from race import WARM_UP, Entrant, race, serving

DEPTH = 10
NOBODY = "nobody"
WAYS = {
    NOBODY: "",
    "a hook that does nothing": "",
    "latencies": "",
    "latencies, scraped": "prometheus_client",
    "metrics alone, scraped": "prometheus_client",
    "OpenTelemetry": "opentelemetry.sdk",
}
"""Who watches, and what must be installed for it."""
QUICK_MESSAGES = 2000


def installed(package: str) -> bool:
    """Say whether a package is there."""
    try:
        return not package or importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def shown(rows: list[dict[str, Any]]) -> str:
    """Make a table."""
    return table(
        ["who watches", "updates/s", "slowest to fastest", "CPU us/update", "times as much CPU"],
        [
            (
                row["client"],
                f"{row['updates_per_second']:,.0f}",
                f"{row['slowest']:,.0f} to {row['fastest']:,.0f}",
                f"{row['cpu_us_per_update']:.2f}",
                f"{row['by_cpu']:.2f}",
            )
            for row in rows
        ],
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=150_000, help="that are made, at most")
    parser.add_argument("--rounds", type=int, default=5, help="in which all take turns")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each, in each round")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args(arguments)
    if given.quick:
        given.messages, given.rounds, given.seconds = QUICK_MESSAGES, 1, 0
    ways = [name for name, package in WAYS.items() if installed(package)]
    entrants = [Entrant(name, "watched", beside=NOBODY) for name in ways]
    pairs = [(pair.symbol, pair.price_precision, pair.qty_precision) for pair in PAIRS]
    with serving(DEPTH, pairs, messages=given.messages, seed=given.seed) as server:
        rows = race(server, entrants, given.rounds, given.messages, given.seconds)
    where = machine("kraken-trio", "trio", "prometheus-client", "opentelemetry-sdk")
    head = f"{in_words(where)}. {given.rounds} rounds of about {given.seconds:g} s each."
    missing = [name for name in WAYS if name not in ways]
    tail = [f"Left out, as not installed: {'; '.join(missing)}."] if missing else []
    text = "\n\n".join([head, shown(rows), *tail])
    print(text)
    write(given.json, where, rows, seed=given.seed, warm_up=WARM_UP)
    if given.page:
        page.write("watching", text)


if __name__ == "__main__":
    main()
