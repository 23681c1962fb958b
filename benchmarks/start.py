"""How long it takes to start, how soon there are data, and what books and subscriptions weigh.

    python benchmarks/start.py [--quick] [--runs N] [--pairs N] [--page] [--json FILE]

Everything is measured in fresh processes, on loopback, against frames that were made beforehand:
the import of the library and, in turns, that of its dependencies alone; the first record; books and
trades of all pairs from nothing, while their market goes on; and the memory, as what many take
more than few. It needs Linux, for resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from figures import at_most, show, spread, table
from machine import machine, write
from stage import staged

CLIENTS = Path(__file__).parent / "start_clients.py"
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec", "attrs", "zlib-ng")
IMPORTS = {
    "trio": "import trio",
    "dependencies": "import trio, trio_websocket, msgspec, attrs, zlib_ng.zlib_ng",
    "kraken_trio": "import kraken_trio",
}
"""What is imported, each by itself. trio is among the others, too."""
EXTRAS = ("cyclopts", "dotenv", "httpcore2", "httpx2", "rich", "trustme")
"""What extras install: nothing of it may be imported before it is needed."""
IMPORT_MARK, LIVE_MARK_S = 1.4, 5.0
RATE, DEPTH, DEEP = 5500, 10, 1000
FEW, DEEP_PAIRS = 10, 200
QUICK_PAIRS = 30
SECONDS = 8
"""Of the market beforehand: more than a start takes."""


def environment(folder: str) -> dict[str, str]:
    """Give each process the bytecode that an installation has, whatever this one was told."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def output(words: list[str], given: dict[str, str], *, of_errors: bool = False) -> str:
    """Run Python once, and give what it wrote."""
    command = [sys.executable, *words]
    ran = subprocess.run(  # noqa: S603 - our own words
        command, env=given, capture_output=True, text=True, timeout=120, check=False
    )
    if ran.returncode:
        sys.exit(f"{words}\n{ran.stdout}{ran.stderr}")
    return ran.stderr if of_errors else ran.stdout


def imports(runs: int, given: dict[str, str]) -> dict[str, Any]:
    """Import each in turns, so many times, in seconds; and see what comes along."""
    timed = (
        "import time; wall, cpu = time.perf_counter(), time.process_time(); {};"
        " print(time.perf_counter() - wall, time.process_time() - cpu)"
    )
    walls: dict[str, list[float]] = {name: [] for name in IMPORTS}
    cpus: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for run in range(runs + 1):
        for name, statement in IMPORTS.items():
            wall, cpu = output(["-c", timed.format(statement)], given).split()
            if run:  # The first one writes the bytecode.
                walls[name].append(float(wall))
                cpus[name].append(float(cpu))
    listed = output(["-c", "import sys, kraken_trio; print(*sys.modules)"], given).split()
    extras = sorted({name.partition(".")[0] for name in listed}.intersection(EXTRAS))
    if extras:
        sys.exit(f"import kraken_trio imports what is an extra: {', '.join(extras)}")
    return {
        "seconds": walls,
        "cpu_seconds": cpus,
        "ratios": ratios(walls),
        "cpu_ratios": ratios(cpus),
        "modules": len(listed),
        "slowest": slowest(given),
    }


def ratios(found: dict[str, list[float]]) -> list[float]:
    """Compare each import of ours with that of the dependencies right before it."""
    both = zip(found["kraken_trio"], found["dependencies"], strict=True)
    return [ours / alone for ours, alone in both]


def slowest(given: dict[str, str]) -> dict[str, dict[str, int]]:
    """Say which modules of ours, and which rooms, take longest by themselves, in microseconds.

    Their dependencies are imported first, so that none of these is put down to one of ours.
    """
    statements = f"{IMPORTS['dependencies']}\n{IMPORTS['kraken_trio']}"
    modules: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    for line in output(["-X", "importtime", "-c", statements], given, of_errors=True).splitlines():
        own, _, name = line.removeprefix("import time:").replace("|", " ").split(maxsplit=2)
        if name.startswith("kraken_trio"):
            modules[name] = int(own)
            rooms[".".join(name.split(".")[:3])] += int(own)
    return {"modules": dict(modules.most_common(15)), "rooms": dict(rooms.most_common())}


def first_records(runs: int, url: str, given: dict[str, str]) -> list[dict[str, float]]:
    """Wait for the first record of one book, in a fresh process each time."""
    found = []
    for _ in range(runs):
        began = time.monotonic()
        words = [str(CLIENTS), "first", url, "BTC/USD", repr(began)]
        found.append(json.loads(output(words, given)))
    return found


def cold_starts(
    runs: int, url: str, orders: str, pairs: int, given: dict[str, str]
) -> list[dict[str, float]]:
    """Have books and trades of all pairs live."""
    words = [str(CLIENTS), "cold", url, orders, str(pairs)]
    return [json.loads(output(words, given)) for _ in range(runs)]


def weights(
    kind: str, depth: int, many: int, runs: int, given: dict[str, str]
) -> dict[str, list[float]]:
    """Give the bytes that one takes, as the difference between many and few.

    Both memories are taken in processes of their own: to trace one takes memory itself.
    """
    found: dict[str, list[float]] = {"resident": [], "traced": []}
    with staged("market", pairs=many, depth=depth, steps=0, rate=RATE) as (url, _, _):
        for _ in range(runs):
            for measure, values in found.items():
                of_many, of_few = (
                    json.loads(
                        output(
                            [str(CLIENTS), "memory", url, kind, str(count), str(depth), measure],
                            given,
                        )
                    )[f"{measure}_bytes"]
                    for count in (many, FEW)
                )
                values.append((of_many - of_few) / (many - FEW))
    return found


def tables(results: dict[str, Any], pairs: int) -> list[str]:
    """Show it all."""
    imported, first, cold = results["imports"], results["first"], results["cold"]
    ratio = statistics.median(imported["ratios"])
    names = ("seconds", "cpu_seconds")
    rows: list[tuple[object, ...]] = [
        (
            f"`{statement}`",
            *(spread([1000 * value for value in imported[each][name]]) for each in names),
            "",
        )
        for name, statement in IMPORTS.items()
    ]
    rows += [
        (
            "import of ours, times that of the dependencies",
            spread(imported["ratios"], 2),
            spread(imported["cpu_ratios"], 2),
            f"1.4: {at_most(ratio, IMPORT_MARK)}",
        ),
    ]
    start = table(["import", "ms, or times", "CPU ms, or times", "mark"], rows)

    def of(runs: list[dict[str, float]], name: str) -> list[float]:
        return [1000 * run[name] for run in runs]

    live = statistics.median(run["live_s"] for run in cold)
    records = table(
        ["from, to", "ms", "mark"],
        [
            ("start of the process, `kraken_trio` imported", spread(of(first, "imported_s")), ""),
            ("`open_kraken`, first record of a book", spread(of(first, "opened_s")), ""),
            ("start of the process, first record of a book", spread(of(first, "process_s")), ""),
            (
                f"`open_kraken`, books and trades of {pairs:,} pairs live",
                spread(of(cold, "live_s")),
                f"5,000: {at_most(live, LIVE_MARK_S)}",
            ),
            ("of these: until the first request is sent", spread(of(cold, "connected_s")), ""),
            (
                f"of these: between the first and the last of {cold[0]['requests']} requests",
                spread(of(cold, "requests_s")),
                "",
            ),
            ("CPU of the client for that", spread(of(cold, "cpu_s")), ""),
            ("CPU of the server for that", spread(of(cold, "server_cpu_s")), ""),
        ],
    )
    weighed = table(
        ["KB each", "resident", "by tracemalloc"],
        [
            (name, *(spread([each / 1000 for each in found[how]], 1) for how in found))
            for name, found in results["memory"].items()
        ],
    )
    return [start, records, weighed]


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--runs", type=int, default=15, help="imports; a third of the others")
    parser.add_argument("--pairs", type=int, default=1500, help="pairs of the cold start")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args(arguments)
    if sys.platform != "linux":
        print("start.py is left out: it needs the /proc of Linux")
        return
    if given.quick:
        given.runs, given.pairs = 1, QUICK_PAIRS
    weighed = [
        ("a book of depth 10", "book", DEPTH, given.pairs),
        ("a book of depth 1,000", "book", DEEP, DEEP_PAIRS),
        ("a subscription to the trades of one pair", "subscription", DEPTH, given.pairs),
    ][: 1 if given.quick else None]
    few = max(1, given.runs // 3)
    with tempfile.TemporaryDirectory() as folder:
        within = environment(folder)
        results: dict[str, Any] = {"imports": imports(given.runs, within)}
        steps = 500 if given.quick else RATE * SECONDS
        with staged("market", pairs=given.pairs, depth=DEPTH, steps=steps, rate=RATE) as stage:
            url, orders, _ = stage
            first_records(1, url, within)
            results["first"] = first_records(given.runs, url, within)
            results["cold"] = cold_starts(few, url, orders, given.pairs, within)
        results["memory"] = {
            name: weights(kind, depth, many, max(1, few - 2), within)
            for name, kind, depth, many in weighed
        }
    where = machine(*PACKAGES)
    show("start", where, *tables(results, given.pairs), to_page=given.page)
    write(given.json, where, results, pairs=given.pairs)


if __name__ == "__main__":
    main()
