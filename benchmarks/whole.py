"""What it takes to follow the whole exchange: all pairs, books and trades, bursts, for a minute.

    python benchmarks/whole.py [--quick] [--pairs N] [--rate N] [--seconds N] [--runs N]
                               [--presets ...] [--per-write 5 1] [--sockets plain tls]
                               [--json FILE] [--page]

A server process sends messages that were made beforehand, at their times; the client, in a process
of its own, subscribes to the books, of depth 10, and the trades of all pairs, verifies every book,
and reads everything, record by record. Measured are its share of a core, its memory, and how late
each message was in its hand: counted from when it was due, so that a client that does not read in
time, and holds the server up, looks no better for it. The minute has three parts, in each of which
every preset has its turn: a machine has good and bad minutes.

It needs Linux, for what a process holds in memory.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import page
from figures import at_most, spread
from machine import in_words, machine, write
from pacing import Plan, Server, Wanted, in_hand, quantiles, read_numbers, run, serving

BURST, BURST_S, PERIOD_S = 10, 0.15, 5.0
"""Ten times as much as on average, for so long, once in so long."""
SHAPES = (5, 1)
PRESETS = ("aggregator", "default")
SOCKETS = ("plain", "tls")
MARKED = "plain"
"""Whom the marks are for."""
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec")
CPU_MARKS = {("aggregator", 5): 30, ("aggregator", 1): 45, ("default", 1): 65}
"""Percent of a core, by preset and messages to a write; over plain sockets."""
RESIDENT_MARK_MB, LAG_MARK_MS = 400, 250
QUICK_PAIRS, QUICK_S = 50, 1.0


def measure(preset: str, server: Server, number: int, plan: Plan, folder: Path) -> dict[str, Any]:
    """Follow the exchange once."""
    topics = server.topics[: plan.messages]
    channels = {
        channel: [index for index, topic in enumerate(topics) if topic[0] == channel]
        for channel in ("book", "trade")
    }
    last = {channel: topics[indices[-1]][2] for channel, indices in channels.items()}
    given = json.dumps({"symbols": server.symbols, "last": last})
    records = folder / "records"
    url = f"{server.url}/{number}/v2"
    result = run("whole_client.py", preset, url, given, records, *server.trust)
    sent = server.sent()
    trades = sum(topic[3] for topic in topics)
    lost = [result[name] for name in ("failed", "dropped", "gaps")]
    if any(lost) or result["verified"] != len(channels["book"]) or result["connections"] != 1:
        sys.exit(f"{preset}: not all arrived and was verified: {result}")
    lags: list[float] = []
    for channel, indices in channels.items():
        times, moments = read_numbers(records.with_suffix(f".{channel}"), 2)
        if channel == "trade" and len(times) != trades:
            sys.exit(f"{preset}: {trades} trades were sent, and {len(times)} arrived")
        messages = [(topics[index][1], topics[index][2]) for index in indices]
        hand = in_hand(messages, times, moments)
        if hand is None:
            sys.exit(f"{preset}: messages of {channel} did not arrive")
        lags += [(at - sent.due[index]) / 10**6 for index, at in zip(indices, hand, strict=True)]
    return {
        "preset": preset,
        "per_write": plan.per_write,
        "cpu_percent": 100 * result["cpu_seconds"] / result["seconds"],
        "system_percent": 100 * result["system_seconds"] / result["seconds"],
        "waited_percent": 100 * result["waited_seconds"] / result["seconds"],
        "resident_mb": result["resident"] / 10**6,
        "most_resident_mb": result["most_resident"] / 10**6,
        "lag_ms": quantiles(lags),
        "server_late_ms": sent.late_ns / 10**6,
        "messages": plan.messages,
        "trades": trades,
        **{name: result[name] for name in ("seconds", "verified", "coalesced", "live_seconds")},
        **{name: result[name] for name in ("gaps", "dropped", "failed", "most_waiting")},
    }


def table(results: list[dict[str, Any]]) -> str:
    """Make a table, a row for the runs of one preset."""
    lines = [
        "| socket | each | preset | CPU % | mark | no core % | MB | lag p50 | p99 | max | books |",
        "|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    rows: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for each in results:
        rows.setdefault((each["socket"], each["per_write"], each["preset"]), []).append(each)
    for (socket, per_write, preset), runs in rows.items():
        mark = CPU_MARKS.get((preset, per_write)) if socket == MARKED else None
        cpu = [each["cpu_percent"] for each in runs]
        cells = [
            socket,
            str(per_write),
            preset,
            spread(cpu, 1),
            "" if mark is None else f"{mark} %: {at_most(statistics.median(cpu), mark)}",
            spread([each["waited_percent"] for each in runs], 1),
            spread([each["most_resident_mb"] for each in runs]),
            *(
                spread([each["lag_ms"][name] for each in runs], digits)
                for name, digits in (("p50", 1), ("p99", 1), ("max", 0))
            ),
            f"{sum(each['verified'] for each in runs):,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def marks(results: list[dict[str, Any]]) -> list[str]:
    """Say of memory and lag whether they are within bounds; the bounds are for plain sockets."""
    said = []
    for socket in dict.fromkeys(each["socket"] for each in results):
        these = [each for each in results if each["socket"] == socket]
        lag = max(each["lag_ms"]["max"] for each in these)
        late = max(each["server_late_ms"] for each in these)
        bound = f", the mark is {LAG_MARK_MS}: {at_most(lag, LAG_MARK_MS)}"
        said.append(
            f"Longest lag over {socket} sockets: {lag:.0f} ms{bound if socket == MARKED else ''}; "
            f"the server itself was up to {late:.0f} ms late."
        )
    resident = max(each["most_resident_mb"] for each in results)
    said.append(
        f"Most memory: {resident:.0f} MB, the mark is {RESIDENT_MARK_MB}: "
        f"{at_most(resident, RESIDENT_MARK_MB)}. Gaps: none, or there would be no table."
    )
    return said


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1500, help="of the exchange")
    parser.add_argument("--rate", type=float, default=5500, help="messages a second, on average")
    parser.add_argument("--seconds", type=float, default=20, help="of sending, each time")
    parser.add_argument("--runs", type=int, default=3, help="of each")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--per-write", type=int, nargs="+", default=SHAPES, help="messages")
    parser.add_argument("--sockets", nargs="+", choices=SOCKETS, default=SOCKETS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args()
    if sys.platform != "linux":
        print("whole.py is left out: it needs the /proc of Linux")
        return
    if given.quick:
        given.pairs, given.seconds, given.sockets = QUICK_PAIRS, QUICK_S, ["plain"]
        given.presets, given.per_write, given.runs = ["aggregator"], [5], 1
    count = int(given.rate * given.seconds)
    period_s = min(PERIOD_S, given.seconds)
    burst_s = BURST_S * period_s / PERIOD_S
    plans = tuple(
        Plan(count, given.rate, per_write, BURST, burst_s, period_s)
        for per_write in given.per_write
    )
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for socket in given.sockets:
            with serving(Wanted(given.pairs, plans, trades=True), tls=socket == "tls") as server:
                turns = itertools.product(range(given.runs), enumerate(plans), given.presets)
                for _, (number, plan), preset in turns:
                    measured = measure(preset, server, number, plan, Path(folder))
                    results.append({"socket": socket, **measured})
    where = machine(*PACKAGES)
    live = max(each["live_seconds"] for each in results)
    note = (
        f"{given.pairs:,} pairs, {count:,} messages in {given.seconds:g} s, and that {given.runs} "
        f"times: medians (lowest-highest); every {period_s:g} s a "
        f"burst of {BURST * given.rate:,.0f} messages/s for {1000 * burst_s:.0f} ms. The second "
        f"column is messages to a write, on average; the last is books verified. Lags are in "
        f"milliseconds. No core: so much "
        f"of the time the client was ready to run, and others had the cores. All was live after "
        f"{live:.1f} s at most."
    )
    text = "\n\n".join([in_words(where), note, table(results), *marks(results)])
    print(text)
    write(given.json, where, results, pairs=given.pairs, rate=given.rate, seconds=given.seconds)
    if given.page:
        page.write("whole", text)


if __name__ == "__main__":
    main()
