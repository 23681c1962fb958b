"""How soon all is live again after a cut, and one book whose checksum failed, under load.

    python benchmarks/recovery.py [--quick] [--runs N] [--pairs N] [--rate N] [--page] [--json FILE]

A server process plays frames that were made beforehand, books of depth 10 and trades of all pairs,
on loopback; it cuts the connection, or spoils a checksum, when it is told to. The client, in a
process of its own, is a fresh one for each cut.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import show, spread, table
from machine import machine, write
from stage import staged

CLIENTS = Path(__file__).parent / "recovery_clients.py"
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec", "zlib-ng")
DEPTH, SECONDS = 10, 10
SPOILED, QUICK_PAIRS, QUICK_SECONDS, QUICK_SPOILED = 12, 30, 8, 2
CLIENT_TIMEOUT_S = 120
LAST = 2000
"""Characters of what a client that failed had to say: each gap is logged before that."""


def client(*words: object) -> dict[str, Any]:
    """Run one client to its end."""
    command = [sys.executable, str(CLIENTS), *map(str, words)]
    ran = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, check=False
    )
    if ran.returncode:
        sys.exit(f"{words[0]} failed: ...{ran.stderr[-LAST:]}")
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def tables(cuts: list[dict[str, float]], resync: dict[str, Any], pairs: int) -> list[str]:
    """Show it all."""

    def of(name: str) -> str:
        return spread([1000 * cut[name] for cut in cuts])

    usual = [100 * cut["usual_cpu"] for cut in cuts]
    share = statistics.median(100 * cut["server_cpu_s"] / cut["live_s"] for cut in cuts)
    after = table(
        [f"a cut, {pairs:,} pairs, books and trades", "ms"],
        [
            ("`Restored.duration_s`", of("restored_s")),
            ("from the cut until all is live again", of("live_s")),
            ("until each book is with its consumer", of("books_s")),
            ("until it is noticed, and all consumers are told", of("noticed_s")),
            ("the pause before dialling", of("paused_s")),
            ("connecting", of("connected_s")),
            ("requests, answers and snapshots", of("subscribed_s")),
            ("CPU of the client meanwhile", of("cpu_s")),
            (f"CPU of the server meanwhile, {share:.0f} % of a core", of("server_cpu_s")),
            ("CPU of the client otherwise, in a second", spread([10 * each for each in usual])),
        ],
    )

    def each(name: str) -> str:
        return spread([1000 * value for value in resync[name]], 1)

    one = table(
        [f"a wrong checksum in one of {pairs:,} books", "ms"],
        [
            ("`Resync.duration_s`", each("resync_s")),
            ("from the wrong update until the book is with its consumer", each("live_s")),
            ("longest time without an update of any other book meanwhile", each("pause_s")),
            ("the same while nothing is wrong, in 300 ms", each("usual_pause_s")),
        ],
    )
    count, others = len(resync["live_s"]), sum(resync["others"])
    none = (
        f"While {count} books were resynced, one after the other, {others:,} updates of others were"
        f" consumed. All {resync['counted']:,} that were sent to books whose checksums were left"
        " alone arrived, verified and without a gap."
    )
    return [after, one, none]


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--runs", type=int, default=7, help="cuts")
    parser.add_argument("--pairs", type=int, default=1500)
    parser.add_argument("--rate", type=int, default=5500, help="messages a second")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args(arguments)
    seconds, spoiled = SECONDS, SPOILED
    if given.quick:
        given.runs, given.pairs, given.rate = 1, QUICK_PAIRS, 500
        seconds, spoiled = QUICK_SECONDS, QUICK_SPOILED
    steps = given.rate * seconds
    with staged("market", pairs=given.pairs, depth=DEPTH, steps=steps, rate=given.rate) as stage:
        url, orders, _ = stage
        cuts = [client("cut", url, orders, given.pairs) for _ in range(given.runs)]
        resync = client("resync", url, orders, given.pairs, spoiled)
    where = machine(*PACKAGES)
    show("recovery", where, *tables(cuts, resync, given.pairs), to_page=given.page)
    results = {"cuts": cuts, "resync": resync}
    write(given.json, where, results, pairs=given.pairs, rate=given.rate)


if __name__ == "__main__":
    main()
