"""Books, trades and tickers of many pairs: what a message costs, by pairs and by subscriptions.

    python benchmarks/mixed.py [--quick] [--pairs 1 10 50 200] [--messages N] [--rounds N]
                               [--seed N] [--json FILE] [--page]

For each number of pairs a server process sends messages that it made beforehand, over plain
loopback, as fast as they are read: books of depth 10, trades and tickers, in the proportion of the
simulated market. The library, in a process of its own, has one subscription for each channel, and
for the largest number of pairs also one for each book and one for the trades of each pair. All of
these take turns.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import page
from figures import verdict
from kraken_trio.testing import market_pairs
from machine import in_words, machine, write
from race import WARM_UP, Entrant, Run, Server, serving

DEPTH = 10
THREE, MANY = "3 subscriptions", "two for each pair"
GROWTH = 1.1
"""What "does not grow" means, with so many disturbances: less than a tenth."""
QUICK_PAIRS, QUICK_MESSAGES = [1, 20], 2000


class Case(NamedTuple):
    """What is measured: a number of pairs, and how they are subscribed to."""

    pairs: int
    entrant: Entrant

    @property
    def subscriptions(self) -> int:
        """How many there are."""
        return 2 * self.pairs + 1 if self.entrant.name == MANY else 3


def measured(cases: list[Case], given: argparse.Namespace) -> list[dict[str, Any]]:
    """Let all cases take turns; give a row for each."""
    counts = WARM_UP, given.messages
    turns: list[dict[Case, Run]] = []
    with ExitStack() as stack:
        servers: dict[int, Server] = {}
        for count in given.pairs:
            pairs = [(each.symbol, 0, 0) for each in market_pairs(count)]
            more = "--pairs", count, "--mixed", "--tell", *counts
            sent = {"messages": given.messages, "seed": given.seed}
            servers[count] = stack.enter_context(serving(DEPTH, pairs, *more, **sent))
        turns.extend(
            {case: servers[case.pairs].run(case.entrant, *counts) for case in cases}
            for _ in range(given.rounds)
        )
    return [row(case, cases[0], turns) for case in cases]


def row(case: Case, least: Case, turns: list[dict[Case, Run]]) -> dict[str, Any]:
    """Give what was measured of a case, beside the one with the fewest pairs."""
    runs = [turn[case] for turn in turns]
    rates = [run["updates_per_second"] for run in runs]
    cost = [run["cpu_us_per_update"] for run in runs]
    grown = [turn[case]["cpu_us_per_update"] / turn[least]["cpu_us_per_update"] for turn in turns]
    return {
        "client": f"{case.pairs} pairs, {case.subscriptions} subscriptions",
        "pairs": case.pairs,
        "subscriptions": case.subscriptions,
        "messages_per_second": statistics.median(rates),
        "slowest": min(rates),
        "fastest": max(rates),
        "records_per_second": statistics.median(run["records"] / run["seconds"] for run in runs),
        "cpu_us_per_message": statistics.median(cost),
        "least_cpu_us": min(cost),
        "most_cpu_us": max(cost),
        "grown": statistics.median(grown),
        "runs": runs,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Write rows as a table."""
    head = ["pairs", "subscriptions", "messages/s", "slowest to fastest", "records/s"]
    head += ["CPU us/message", "least to most", "times the first"]
    lines = [f"| {' | '.join(head)} |", f"|{'---:|' * len(head)}"]
    for row in rows:
        cells = (
            row["pairs"],
            row["subscriptions"],
            f"{row['messages_per_second']:,.0f}",
            f"{row['slowest']:,.0f} to {row['fastest']:,.0f}",
            f"{row['records_per_second']:,.0f}",
            f"{row['cpu_us_per_message']:.2f}",
            f"{row['least_cpu_us']:.2f} to {row['most_cpu_us']:.2f}",
            f"{row['grown']:.2f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def conclusions(rows: list[dict[str, Any]]) -> list[str]:
    """Say what the table shows."""
    first, *_, three, many = rows
    grown = three["grown"]
    ratio = many["cpu_us_per_message"] / three["cpu_us_per_message"]
    by_pairs = (
        f"A message costs {grown:.2f} times as much with {three['pairs']} pairs as with "
        f"{first['pairs']}. The mark is that it does not grow, within a tenth: "
        f"{verdict(grown < GROWTH)}."
    )
    by_subscriptions = (
        f"To {many['subscriptions']} subscriptions a message costs {ratio:.2f} times as much as "
        f"to {three['subscriptions']}."
    )
    return [by_pairs, by_subscriptions]


def main(arguments: list[str] | None = None) -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description="What a message costs, with many pairs.")
    parser.add_argument("--pairs", type=int, nargs="+", default=[1, 10, 50, 200])
    parser.add_argument("--messages", type=int, default=200_000, help="in one flood")
    parser.add_argument("--rounds", type=int, default=5, help="in which all take turns")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write the table into the page")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args(arguments)
    if given.quick:
        given.pairs, given.messages, given.rounds = QUICK_PAIRS, QUICK_MESSAGES, 1
    given.pairs.sort()
    cases = [Case(count, Entrant(THREE, "mixed")) for count in given.pairs]
    cases.append(Case(given.pairs[-1], Entrant(MANY, "mixed")))
    rows = measured(cases, given)
    where = machine("kraken-trio", "trio", "trio-websocket", "msgspec")
    head = f"{in_words(where)}. {given.rounds} rounds of {given.messages:,} messages each."
    text = "\n\n".join([head, table(rows), *conclusions(rows)])
    print(text)
    write(given.json, where, rows, seed=given.seed, depth=DEPTH)
    if given.page:
        page.write("mixed", text)


if __name__ == "__main__":
    main()
