"""How many order-book updates one core takes, the whole way from the socket to the consumer.

    python benchmarks/flood.py [--quick] [--depths 10 100 1000] [--messages N] [--rounds N]
                               [--seconds S] [--seed N] [--clients NAME ...] [--tls]
                               [--captures FOLDER] [--json FILE] [--page]

For each depth a server process sends book messages that it made beforehand, over loopback, as
fast as they are read; each client, in a process of its own, subscribes to them and counts what
arrives at its consumer. They take turns, some rounds of it. Rivals are measured where their
environments are, see ``rivals.py``. With ``--tls`` the first depth is measured over TLS too, and
where ``KRAKEN_TRIO_CAPTURES`` or ``--captures`` names a folder, so is what the exchange itself
sent. ``docs/performance.md`` says what the rivals do and do not do.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import page
import rivals
from captured import Captured, captures
from figures import verdict
from flood_server import PAIRS
from machine import in_words, machine, write
from race import OURS, WARM_UP, Entrant, compared, race, serving, table

NEWER = "kraken_trio, newer Python"
"""Ours on the Python that some rivals need."""
BESIDE_NEWER = OURS if sys.version_info >= rivals.NEWER else NEWER
FIVE, THREE, FIFTEEN = 5.0, 3.0, 15.0
"""How many times as fast ours is to be as who verifies, as who does not, and as the slowest."""
ENTRANTS = (
    Entrant(OURS, "ours"),
    Entrant("kraken_trio, batches", "ours", first_alone=True),
    Entrant("kraken_trio, all read", "ours", first_alone=True),
    *([Entrant(NEWER, "ours", rivals.OURS_NEWER)] if BESIDE_NEWER == NEWER else []),
    Entrant("cryptofeed", "cryptofeed", "cryptofeed", FIVE, BESIDE_NEWER),
    Entrant("cryptofeed, unchecked", "cryptofeed", "cryptofeed", THREE, BESIDE_NEWER),
    Entrant(
        *("nautilus_trader", "nautilus", "nautilus_trader", THREE, BESIDE_NEWER),
        one_pass=True,
        takes_tls=False,
    ),
    Entrant("ccxt.pro", "ccxt", "ccxt", THREE),
    Entrant("python-kraken-sdk", "sdk", "python-kraken-sdk", FIFTEEN),
    Entrant("trio-websocket", "ours", floor=True, first_alone=True),
    Entrant("websockets", "transport", "transports", floor=True, first_alone=True),
    Entrant("aiohttp", "transport", "transports", floor=True, first_alone=True),
    Entrant("picows", "transport", "transports", floor=True, first_alone=True),
)
GROWTH = 1.5
"""What an update may cost at the largest depth, in terms of the smallest."""
QUICK_MESSAGES = 2000
CAPTURED_PASSES = 30
"""So often is a capture received in one run, after the warm-up: it has few messages."""

Rows = list[dict[str, Any]]


def generated(depth: int, entrants: Sequence[Entrant], given: argparse.Namespace) -> Rows:
    """Measure with the messages of a market."""
    pairs = [(pair.symbol, pair.price_precision, pair.qty_precision) for pair in PAIRS]
    sent = {"messages": given.messages, "seed": given.seed, "tls": given.over_tls}
    with serving(depth, pairs, **sent) as server:
        return race(server, entrants, given.rounds, given.messages, given.seconds)


def received(path: Path, entrants: Sequence[Entrant], given: argparse.Namespace) -> Rows:
    """Measure with the messages of a capture file, some times over for they are few."""
    book = Captured.read(path)
    pairs = [(symbol, *decimals) for symbol, decimals in book.decimals.items()]
    counts = [len(book.updates)] * (1 + CAPTURED_PASSES)
    with serving(book.depth, pairs, "--capture", path) as server:
        turns = [
            {each: server.run(each, *counts) for each in entrants} for _ in range(given.rounds)
        ]
    return compared({each: [turn[each] for turn in turns] for each in entrants})


def growth(by_depth: dict[int, Rows]) -> str:
    """Say how the cost of an update grows with the depth."""
    costs = {
        depth: next(row["cpu_us_per_update"] for row in rows if row["client"] == OURS)
        for depth, rows in by_depth.items()
    }
    least, most = min(costs), max(costs)
    ratio = costs[most] / costs[least]
    return (
        f"An update costs {ratio:.2f} times as much at depth {most} as at depth {least}; "
        f"the mark is less than {GROWTH:g}: {verdict(ratio < GROWTH)}."
    )


def show(parts: dict[str, Rows]) -> None:
    """Print the latest part."""
    title, rows = [*parts.items()][-1]
    print(f"{title}:\n\n{table(rows)}\n", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description="How many book updates a second one core takes.")
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--messages", type=int, default=300_000, help="that are made, at most")
    parser.add_argument("--rounds", type=int, default=3, help="in which all take turns")
    parser.add_argument("--seconds", type=float, default=1.6, help="of each client, in each round")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--clients", nargs="+", metavar="NAME", help="measure these alone")
    parser.add_argument("--tls", action="store_true", help="measure over TLS too")
    folder = os.environ.get("KRAKEN_TRIO_CAPTURES")
    parser.add_argument("--captures", type=Path, metavar="FOLDER", default=folder)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write the tables into the page")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args(arguments)
    given.over_tls = False
    if given.quick:
        given.messages, given.rounds, given.seconds, given.captures = QUICK_MESSAGES, 1, 0, None
    chosen = [each for each in ENTRANTS if each.name in (given.clients or (each.name,))]
    entrants = [each for each in chosen if each.python]
    always = [each for each in entrants if not each.first_alone]

    parts: dict[str, Rows] = {}
    by_depth: dict[int, Rows] = {}
    for depth in given.depths:
        these = always if by_depth else entrants
        by_depth[depth] = parts[f"Depth {depth}, plain TCP"] = generated(depth, these, given)
        show(parts)
    if given.tls:
        given.over_tls = True
        trusting = [each for each in entrants if each.takes_tls]
        parts[f"Depth {given.depths[0]}, TLS"] = generated(given.depths[0], trusting, given)
        show(parts)
    for path in captures(given.captures) if given.captures else ():
        several = [each for each in always if not each.one_pass]
        parts[f"What the exchange sent, {path.name}"] = received(path, several, given)
        show(parts)

    where = machine("kraken-trio", "trio", "trio-websocket", "msgspec")
    where["versions"] |= rivals.versions()
    head = f"{in_words(where)}. {given.rounds} rounds of about {given.seconds:g} s each."
    tail = [growth(by_depth)] if len(by_depth) > 1 and entrants[0].name == OURS else []
    left_out = [each.name for each in chosen if not each.python]
    tail += [f"Left out, as not installed: {'; '.join(left_out)}."] if left_out else []
    print("\n\n".join([head, *tail]))
    tables = (f"{title}:\n\n{table(rows)}" for title, rows in parts.items())
    results = [{"part": part, **row} for part, rows in parts.items() for row in rows]
    write(given.json, where, results, seed=given.seed, warm_up=WARM_UP)
    if given.page:
        page.write("flood", "\n\n".join([head, *tables, *tail]))


if __name__ == "__main__":
    main()
