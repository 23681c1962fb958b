"""How many order-book updates one core takes, the whole way from the socket to the consumer.

    python benchmarks/flood.py [--quick] [--depths 10 100 1000] [--messages N] [--runs N]
                               [--seed N] [--tls] [--json FILE]

For each depth a server process sends book messages that it made beforehand, over loopback, as
fast as they are read; each client, in a process of its own, subscribes to them and counts what
arrives at its consumer. Of several runs the fastest is shown: the one that was disturbed least.
``README.md`` beside this file says what the rivals do and do not do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flood_clients import NOT_INSTALLED
from flood_server import CERTIFICATE
from machine import in_words, machine, write

HERE = Path(__file__).parent
OURS = "kraken_trio"
CLIENTS = {
    OURS: 1,
    "kraken_trio-batches": 1,
    "trio-websocket+json": 1,
    "trio-websocket+msgspec": 1,
    "ccxt.pro": 0.5,
    "python-kraken-sdk": 0.02,
}
"""Who is measured, and on which share of the messages: slow ones are not waited for."""
WITHOUT_TLS = ("ccxt.pro", "python-kraken-sdk")
"""Clients that are measured over plain loopback alone: they take no certificate of ours."""
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec", "ccxt", "python-kraken-sdk")
CLIENT_TIMEOUT_S = 300
QUICK_MESSAGES = 2000


@contextmanager
def serving(depth: int, given: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Run a server: its URL, and what else a client must be told."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, HERE / "flood_server.py", depth, given.messages, given.seed]
        tls = ["--tls", folder] if given.tls else []
        with subprocess.Popen(  # noqa: S603 - our own words
            [*map(str, command), *tls], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            try:
                trust = ["--trust", str(Path(folder) / CERTIFICATE)] if given.tls else []
                yield server.stdout.readline().strip(), trust
            finally:
                server.kill()


def measure(name: str, url: str, depth: int, messages: int, trust: list[str]) -> Any:
    """Run one client once: what it reports, or None where it is not installed."""
    command = [sys.executable, HERE / "flood_clients.py", name, url, depth, messages]
    ran = subprocess.run(  # noqa: S603 - our own words
        [*map(str, command), *trust],
        stdout=subprocess.PIPE,
        text=True,
        timeout=CLIENT_TIMEOUT_S,
        check=False,
    )
    if ran.returncode == NOT_INSTALLED:
        return None
    if ran.returncode:
        sys.exit(f"{name} failed with exit code {ran.returncode}")
    return json.loads(ran.stdout.splitlines()[-1])


def best(name: str, url: str, depth: int, trust: list[str], given: argparse.Namespace) -> Any:
    """Give the fastest of several runs, checked; None where the client is not installed."""
    if given.tls and name in WITHOUT_TLS:
        return None
    messages = max(1, int(given.messages * CLIENTS[name]))
    runs = []
    for _ in range(given.runs):
        result = measure(name, url, depth, messages, trust)
        if result is None:
            return None
        # A figure counts only where nothing was lost, and all was verified by who verifies.
        if (
            result["lost"]
            or result["updates"] != messages
            or result["verified"] not in (None, messages)
        ):
            sys.exit(f"{name} at depth {depth}: not all arrived and verified: {result}")
        runs.append(result)
    fastest = min(runs, key=lambda run: run["seconds"])
    return {
        "client": name,
        "depth": depth,
        "messages": messages,
        "verified": fastest["verified"],
        "lost": fastest["lost"],
        "updates_per_second": messages / fastest["seconds"],
        "cpu_us_per_update": fastest["cpu_seconds"] / messages * 10**6,
        "runs_seconds": [run["seconds"] for run in runs],
    }


def print_table(results: list[dict[str, Any]]) -> None:
    """Print what was measured, each depth compared with ours."""
    print("| depth | client | checksums | updates/s | CPU us/update | kraken_trio is |")
    print("|---:|---|---|---:|---:|---:|")
    ours = {each["depth"]: each["updates_per_second"] for each in results if each["client"] == OURS}
    for each in results:
        checked = "none" if each["verified"] is None else "all"
        ratio = ours[each["depth"]] / each["updates_per_second"]
        print(
            f"| {each['depth']} | {each['client']} | {checked} | "
            f"{each['updates_per_second']:,.0f} | {each['cpu_us_per_update']:.1f} | "
            f"{ratio:.1f} x as fast |"
        )


def main(arguments: list[str] | None = None) -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description="How many book updates a second one core takes.")
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--messages", type=int, default=100_000, help="in one flood")
    parser.add_argument("--runs", type=int, default=3, help="of each client")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--tls", action="store_true", help="measure over TLS")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args(arguments)
    if given.quick:
        given.messages, given.runs = QUICK_MESSAGES, 1
    results: list[dict[str, Any]] = []
    left_out: dict[str, None] = {}
    for depth in given.depths:
        with serving(depth, given) as (url, trust):
            for name in CLIENTS:
                result = best(name, url, depth, trust, given)
                if result is None:
                    left_out[name] = None
                else:
                    results.append(result)
    where = machine(*PACKAGES)
    print(in_words(where))
    print(f"{'TLS' if given.tls else 'plain TCP'}, {given.messages} messages, best of {given.runs}")
    print()
    print_table(results)
    for name in left_out:
        print(f"{name} is left out: not installed, or not measured over TLS")
    write(given.json, where, results, tls=given.tls, seed=given.seed)


if __name__ == "__main__":
    main()
