"""How long a message takes from the exchange's send to the consumer's hand, beside other clients.

    python benchmarks/paced.py [--quick] [--rates 1000 5000] [--sockets plain tls] [--seconds N]
                               [--runs N] [--json FILE] [--page]

A server process sends updates of books one by one, at even times, and notes when; each client, in
a process of its own, notes when it has them in hand. Ours verifies every book; the others decode
what they get and do nothing with it. They take turns, so that all of them share good and bad times
of the machine; shown is the median of the runs, and from where to where they go.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import page
import rivals
from figures import at_most, spread
from machine import in_words, machine, write
from pacing import (
    Plan,
    Server,
    Wanted,
    in_hand,
    quantiles,
    read_numbers,
    run,
    serving,
)

PAIRS = 4
OURS = "kraken_trio, default"
MARKED = "aiohttp, asyncio"
"""Whom ours is measured against: p50 and p99 at the lowest rate, over plain sockets."""
CLIENTS = (
    OURS,
    "kraken_trio, low_latency",
    "kraken_trio, aggregator",
    MARKED,
    "aiohttp, uvloop",
    "picows, asyncio",
    "picows, uvloop",
    "websockets, asyncio",
    "trio-websocket, trio",
)
MARKED_PRESETS = (OURS, "kraken_trio, low_latency")
BESIDE_OURS = ("kraken_trio", "trio-websocket")
"""What is installed where ours is."""
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec")
ENVIRONMENT = "transports"
"""That of the others, see ``rivals.py``."""
WARM = 0.2
"""Of the messages, which do not count."""
QUANTILES = ("p50", "p99", "p99.9")
QUICK_S = 0.2


def measure(
    name: str, server: Server, number: int, plan: Plan, folder: Path
) -> dict[str, float] | None:
    """Run one client once; None where it is not installed."""
    beside = name.startswith(BESIDE_OURS)
    python = Path(sys.executable) if beside else rivals.python_of(ENVIRONMENT)
    if python is None:
        return None
    warm = int(plan.messages * WARM)
    messages = [(symbol, at) for _, symbol, at, _ in server.topics[: plan.messages]]
    times = [messages[max(0, warm - 1)][1], messages[-1][1]]
    given = {"symbols": server.symbols, "messages": plan.messages, "warm": warm, "times": times}
    file = folder / "moments"
    words = (name, f"{server.url}/{number}/v2", json.dumps(given), file, *server.trust)
    result = run("paced_clients.py", *words, python=python)
    if result is None:
        return None
    sent = server.sent()
    moments: Any
    if name.startswith("kraken_trio"):
        moments, record_times = read_numbers(file, 2)
        moments = in_hand(messages, record_times, moments)
    else:
        (moments,) = read_numbers(file, 1)
    if moments is None or len(moments) != plan.messages:
        sys.exit(f"{name}: not all messages arrived")
    late = zip(moments[warm:], sent.went[warm:], strict=True)
    return {
        **quantiles((moment - went) / 1000 for moment, went in late),
        "cpu_us": result["cpu_seconds"] / (plan.messages - warm) * 10**6,
        "server_late_us": sent.late_ns / 1000,
    }


def measure_all(socket: str, given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Have all clients take turns."""
    plans = tuple(Plan(int(rate * given.seconds), rate) for rate in given.rates)
    runs: dict[tuple[float, str], list[dict[str, float]]] = defaultdict(list)
    missing: set[str] = set()
    with serving(Wanted(PAIRS, plans, depth=10), tls=socket == "tls") as server:
        for _ in range(given.runs):
            for number, plan in enumerate(plans):
                for name in CLIENTS:
                    if name in missing:
                        continue
                    result = measure(name, server, number, plan, folder)
                    if result is None:
                        missing.add(name)
                        print(f"{name} is left out: it is not installed", file=sys.stderr)
                    else:
                        runs[plan.rate, name].append(result)
    return [
        {
            "socket": socket,
            "rate": rate,
            "client": name,
            "messages": int(rate * given.seconds),
            **{figure: [each[figure] for each in results] for figure in results[0]},
        }
        for (rate, name), results in runs.items()
    ]


def table(results: list[dict[str, Any]]) -> str:
    """Make a table: of each socket and rate, all compared with ours."""
    lines = [
        "| socket | rate | client | p50 us | p99 us | p99.9 us | CPU us/message | p50 | CPU |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    base: dict[str, Any] = {}
    for each in results:
        if each["client"] == OURS:
            base = each
        cells = [each["socket"], f"{each['rate']:,.0f}", each["client"]]
        cells += [spread(each[figure]) for figure in (*QUANTILES, "cpu_us")]
        for figure in ("p50", "cpu_us"):
            cells.append(f"{statistics.median(ratios(base, each, figure)):.2f} x")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(ours: dict[str, Any], theirs: dict[str, Any], figure: str) -> list[float]:
    """Compare runs of the same turn: a machine has good and bad minutes."""
    pairs = zip(ours[figure], theirs[figure], strict=True)
    return [one / other for one, other in pairs]


def verdict(found: list[float]) -> str:
    """Say whether all runs say that ours is no later than another; some may, and some not."""
    if min(found) <= 1 < max(found):
        return f"undecided, for {sum(each <= 1 for each in found)} of {len(found)} runs reach it"
    return at_most(max(found), 1)


def marks(results: list[dict[str, Any]]) -> list[str]:
    """Say whether the whole of ours is no later than the rival that only decodes."""
    clients = {
        each["client"]: each
        for each in results
        if each["rate"] == results[0]["rate"] and each["socket"] == "plain"
    }
    return [
        f"{preset}: {figure} is {spread(found, 2)} times that of {MARKED} over plain sockets at "
        f"{results[0]['rate']:,.0f} messages/s; the mark is 1: {verdict(found)}."
        for preset in MARKED_PRESETS
        for figure in ("p50", "p99")
        if {preset, MARKED} <= clients.keys()
        for found in [ratios(clients[preset], clients[MARKED], figure)]
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", default=[1000, 5000])
    parser.add_argument("--sockets", nargs="+", choices=("plain", "tls"), default=["plain", "tls"])
    parser.add_argument("--seconds", type=float, default=3, help="of sending, for each client")
    parser.add_argument("--runs", type=int, default=5, help="of each client")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args()
    if given.quick:
        given.rates, given.sockets = given.rates[:1], given.sockets[:1]
        given.seconds, given.runs = QUICK_S, 1
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for socket in given.sockets:
            results += measure_all(socket, given, Path(folder))
    where = machine(*PACKAGES)
    where["versions"] |= rivals.versions(ENVIRONMENT)
    late = max(value for each in results for value in each["server_late_us"])
    note = (
        f"Medians of {given.runs} runs of {given.seconds:g} s (lowest-highest), {1 - WARM:.0%} of "
        f"each counted. The last two columns are ours in the default preset by the client of the "
        f"line, run by run. No message was sent more than {late / 1000:.1f} ms after it was due."
    )
    text = "\n\n".join([in_words(where), table(results), note, *marks(results)])
    print(text)
    write(given.json, where, results, seconds=given.seconds)
    if given.page:
        page.write("paced", text)


if __name__ == "__main__":
    main()
