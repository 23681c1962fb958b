"""What it takes to follow the whole exchange: all pairs, books and trades, bursts, for a minute.

    python benchmarks/whole.py [--quick] [--pairs N] [--rate N] [--seconds N] [--presets ...]
                               [--per-write 5 1] [--sockets plain tls] [--json FILE] [--page]

A server process sends messages that were made beforehand, at their times; the client, in a process
of its own, subscribes to the books, of depth 10, and the trades of all pairs, verifies every book,
and reads everything, record by record. Measured are its share of a core, its memory, and how late
each message was in its hand: counted from when it was due, so that a client that does not read in
time, and holds the server up, looks no better for it.

It needs Linux, for what a process holds in memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import page
from machine import in_words, machine, write
from pacing import Plan, Server, Wanted, in_hand, quantiles, read_numbers, run, serving, verdict

BURST, BURST_S, PERIOD_S = 10, 0.15, 5.0
"""Ten times as much as on average, for so long, once in so long."""
SHAPES = (5, 1)
PRESETS = ("aggregator", "default")
SOCKETS = ("plain", "tls")
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
    """Make a table."""
    lines = [
        "| socket | each | preset | CPU | mark | no core | memory | lag p50 | p99 | max | books |",
        "|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in results:
        lag = each["lag_ms"]
        mark = CPU_MARKS.get((each["preset"], each["per_write"]))
        if each["socket"] != "plain":
            mark = None
        cells = [
            each["socket"],
            str(each["per_write"]),
            each["preset"],
            f"{each['cpu_percent']:.1f} %",
            "" if mark is None else f"{mark} %: {verdict(each['cpu_percent'], mark)}",
            f"{each['waited_percent']:.1f} %",
            f"{each['most_resident_mb']:.0f} MB",
            f"{lag['p50']:.1f} ms",
            f"{lag['p99']:.1f} ms",
            f"{lag['max']:.0f} ms",
            f"{each['verified']:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def marks(results: list[dict[str, Any]]) -> str:
    """Say of memory and lag, over plain sockets, whether they are within bounds."""
    plain = [each for each in results if each["socket"] == "plain"] or results
    lag = max(each["lag_ms"]["max"] for each in plain)
    late = max(each["server_late_ms"] for each in plain)
    resident = max(each["most_resident_mb"] for each in results)
    return (
        f"Longest lag over plain sockets: {lag:.0f} ms, the mark is {LAG_MARK_MS}: "
        f"{verdict(lag, LAG_MARK_MS)}; the server itself was up to {late:.0f} ms late. Most "
        f"memory: {resident:.0f} MB, the mark is {RESIDENT_MARK_MB}: "
        f"{verdict(resident, RESIDENT_MARK_MB)}. Gaps: none, or there would be no table."
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1500, help="of the exchange")
    parser.add_argument("--rate", type=float, default=5500, help="messages a second, on average")
    parser.add_argument("--seconds", type=float, default=60, help="of sending, each time")
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
        given.presets, given.per_write = ["aggregator"], [5]
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
                for number, plan in enumerate(plans):
                    for preset in given.presets:
                        measured = measure(preset, server, number, plan, Path(folder))
                        results.append({"socket": socket, **measured})
    where = machine(*PACKAGES)
    live = max(each["live_seconds"] for each in results)
    note = (
        f"{given.pairs:,} pairs, {count:,} messages in {given.seconds:g} s; every {period_s:g} s a "
        f"burst of {BURST * given.rate:,.0f} messages/s for {1000 * burst_s:.0f} ms. The second "
        f"column is messages to a write, on average; the last is books verified. No core: so much "
        f"of the time the client was ready to run, and others had the cores. All was live after "
        f"{live:.1f} s at most."
    )
    text = "\n\n".join([in_words(where), note, table(results), marks(results)])
    print(text)
    write(given.json, where, results, pairs=given.pairs, rate=given.rate, seconds=given.seconds)
    if given.page:
        page.write("whole", text)


if __name__ == "__main__":
    main()
