"""How much of an account, and of books of orders, one core takes from the socket to the consumer.

    python benchmarks/account.py [--quick] [--runs N] [--orders N] [--depths 10 100 1000]
                                 [--updates N] [--requests N] [--page] [--json FILE]

A server process sends frames that were made beforehand, in one piece, over loopback: the executions
of orders, or the entries of the ledger, under sequence numbers without a gap, or the updates of
four books of orders with right checksums. Clients run in processes of their own, in turns; each
folds what it is given, and the outcome must be right.

And how long an order takes from the call to its answer, over loopback, from a simulated exchange in
a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from figures import show, spread, table
from machine import machine, write
from stage import ACCOUNT, staged

CLIENTS = Path(__file__).parent / "account_clients.py"
ORDERS = CLIENTS.with_name("order_exchange.py")
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec", "zlib-ng")
PAIRS = 4
QUICK_ORDERS, QUICK_UPDATES, QUICK_REQUESTS = 200, 1000, 20
CLIENT_TIMEOUT_S = 120


def measure(words: list[str]) -> dict[str, Any]:
    """Run one client once."""
    command = [sys.executable, str(CLIENTS), *words]
    ran = subprocess.run(  # noqa: S603 - our own words
        command, stdout=subprocess.PIPE, text=True, timeout=CLIENT_TIMEOUT_S, check=False
    )
    if ran.returncode:
        sys.exit(f"{' '.join(words)} failed")
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def measure_all(given: argparse.Namespace, depths: list[int]) -> dict[str, list[dict[str, Any]]]:
    """Run all clients in turns."""
    results: dict[str, list[dict[str, Any]]] = {}
    clients: dict[str, list[str]] = {}
    with ExitStack() as stack:
        for play in ACCOUNT:
            opening = staged(play, pairs=0, depth=0, steps=given.orders, rate=0)
            url, _, updates = stack.enter_context(opening)
            clients[play] = [play, url, updates, str(given.orders)]
        for depth in depths:
            opening = staged("level3", pairs=PAIRS, depth=depth, steps=given.updates, rate=0)
            url, _, updates = stack.enter_context(opening)
            clients[f"level3 {depth}"] = ["level3", url, updates, str(PAIRS), str(depth)]
        exchange = stack.enter_context(
            subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, str(ORDERS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        clients["orders"] = ["orders", exchange_url(exchange), str(given.requests), "0"]
        for _ in range(given.runs):
            for name, words in clients.items():
                results.setdefault(name, []).append(measure(words))
    return results


def exchange_url(exchange: subprocess.Popen[str]) -> str:
    """Wait until an exchange says where it is."""
    if exchange.stdout is None:
        sys.exit("the exchange says nothing")
    return exchange.stdout.readline().strip()


def latencies(runs: list[dict[str, Any]]) -> str:
    """Give a table of how long orders took."""
    return table(
        ["from the call to the answer, us", "median", "99 of 100 within", "requests"],
        [
            (
                f"`{method}`",
                spread([run[method][0] for run in runs]),
                spread([run[method][1] for run in runs]),
                f"{runs[0]['updates']:,}",
            )
            for method in ("add_order", "cancel_order")
        ],
    )


def shown(results: dict[str, list[dict[str, Any]]]) -> str:
    """Give a table."""
    names = {
        "executions": "`executions`, folded into orders",
        "balances": "`balances`, folded into what is held",
    }
    streams = {name: runs for name, runs in results.items() if name != "orders"}
    first = table(
        ["", "a second", "CPU us each", "frames", "checksums"],
        [
            (
                names.get(name, f"`level3`, {PAIRS} books of depth {name[7:]}"),
                spread([run["updates"] / run["seconds"] for run in runs]),
                spread([10**6 * run["cpu_seconds"] / run["updates"] for run in runs], 1),
                f"{runs[0]['updates']:,}",
                "" if runs[0]["verified"] is None else "all",
            )
            for name, runs in streams.items()
        ],
    )
    return f"{first}\n\n{latencies(results['orders'])}"


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--runs", type=int, default=5, help="of each client")
    parser.add_argument("--orders", type=int, default=8000, help="five executions of each")
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--updates", type=int, default=40_000, help="steps of the market of level3")
    parser.add_argument("--requests", type=int, default=200, help="orders, placed and cancelled")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args(arguments)
    depths = given.depths
    if given.quick:
        given.runs, given.orders, given.updates = 1, QUICK_ORDERS, QUICK_UPDATES
        given.requests = QUICK_REQUESTS
        depths = depths[:1]
    results = measure_all(given, depths)
    where = machine(*PACKAGES)
    show("account", where, shown(results), to_page=given.page)
    write(given.json, where, results, orders=given.orders)


if __name__ == "__main__":
    main()
