"""Clients that take turns, so that none has the quieter minutes, and how they compare."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import verdict
from flood_server import CERTIFICATE
from rivals import python_of

HERE = Path(__file__).parent
CLIENT_TIMEOUT_S = 120
OURS = "kraken_trio"
WARM_UP = 2000
"""Updates of the first connection, which does not count."""
TRIAL = 4000
"""Updates that tell how many are needed."""

Run = dict[str, Any]


@dataclass(frozen=True)
class Entrant:
    """A client, or one of the ways in which it is used."""

    name: str
    script: str
    """Which of the scripts in ``clients``."""
    environment: str | None = None
    """Which of the rivals' environments; None for this one."""
    mark: float | None = None
    """How many times as fast ours is to be."""
    beside: str = OURS
    """Which of ours it is compared with: one that runs on the same Python."""
    floor: bool = False
    """Whether it keeps no book, so that the messages may begin again for it."""
    first_alone: bool = False
    """Whether it is measured at the first depth alone, as others do not differ."""
    one_pass: bool = False
    """Whether it connects but once in a process, and so has no warm-up."""
    takes_tls: bool = True
    """Whether it can be told to trust a certificate of ours."""

    @property
    def python(self) -> Path | None:
        """What runs it; None if it is not installed."""
        return Path(sys.executable) if self.environment is None else python_of(self.environment)


@dataclass(frozen=True)
class Server:
    """A server that runs, and what clients are told of it."""

    url: str
    depth: int
    pairs: Sequence[tuple[str, int, int]]
    """Symbol, decimals of prices, decimals of quantities."""
    trust: Path | None
    records: Sequence[int]
    """How many there are in as many messages as it was asked about."""

    def run(self, entrant: Entrant, *counts: int) -> Run:
        """Run a client; end everything if what it got was not all right and whole.

        A figure counts only where nothing was lost, and all was verified by who verifies.
        """
        script = HERE / "clients" / f"{entrant.script}_client.py"
        words = [entrant.name, self.url, self.depth, json.dumps(self.pairs), *counts]
        more: list[object] = ["--trust", self.trust] if self.trust else []
        more += ["--records", *self.records] if self.records else []
        # What is set for our Python is not meant for another one.
        environment = {name: to for name, to in os.environ.items() if not name.startswith("PYTHON")}
        if self.trust:
            environment["SSL_CERT_FILE"] = str(self.trust)
        command = [str(word) for word in (entrant.python, script, *words, *more)]
        try:
            ran = subprocess.run(  # noqa: S603 - our own words
                command,
                stdout=subprocess.PIPE,
                text=True,
                timeout=CLIENT_TIMEOUT_S,
                check=True,
                env=environment,
            )
        except subprocess.SubprocessError as error:
            sys.exit(f"{entrant.name} at depth {self.depth}: {error}")
        run: Run = json.loads(ran.stdout.splitlines()[-1])
        wanted = counts[-1] if entrant.one_pass else sum(counts[1:]) or counts[0]
        if run["lost"] or run["updates"] != wanted or run["verified"] not in (None, wanted):
            sys.exit(f"{entrant.name} at depth {self.depth}: not all came and was verified: {run}")
        # What had come before the watch was started was free.
        timed = run["updates"] - run.get("ahead", 0)
        run["updates_per_second"] = timed / run["seconds"]
        run["cpu_us_per_update"] = run["cpu_seconds"] / timed * 10**6
        return run


@contextmanager
def serving(
    depth: int,
    pairs: Sequence[tuple[str, int, int]],
    *arguments: object,
    messages: int = 0,
    seed: int = 0,
    tls: bool = False,
) -> Iterator[Server]:
    """Run a server, with more arguments for it."""
    with tempfile.TemporaryDirectory() as folder:
        words = [HERE / "flood_server.py", depth, messages, seed, *arguments]
        secured = ["--tls", folder] if tls else []
        with subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, *map(str, (*words, *secured))], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            try:
                trust = Path(folder) / CERTIFICATE if tls else None
                url = server.stdout.readline().strip()
                told = json.loads(server.stdout.readline())
                yield Server(url, depth, pairs, trust, told)
            finally:
                server.kill()


def race(
    server: Server, entrants: Sequence[Entrant], rounds: int, messages: int, seconds: float
) -> list[dict[str, Any]]:
    """Let clients take turns, each for about so many seconds of its own; give a row for each.

    Who keeps no book takes messages that begin again; all others have at most so many.
    """
    counts = {}
    for entrant in entrants:
        trial = min(TRIAL, messages)
        rate = server.run(entrant, WARM_UP, trial)["updates_per_second"] if seconds else 0
        wanted = max(trial, int(rate * seconds))
        counts[entrant] = wanted if entrant.floor else min(wanted, messages)
    turns = [
        {each: server.run(each, WARM_UP, counts[each]) for each in entrants} for _ in range(rounds)
    ]
    return compared({each: [turn[each] for turn in turns] for each in entrants})


def compared(runs: dict[Entrant, list[Run]]) -> list[dict[str, Any]]:
    """Give a row for each client, compared with ours turn by turn."""
    by_name = {entrant.name: every for entrant, every in runs.items()}
    rows = []
    for entrant, every in runs.items():
        rates = [run["updates_per_second"] for run in every]
        costs = [run["cpu_us_per_update"] for run in every]
        ours = by_name.get(entrant.beside)
        ratio = by_cpu = None
        if ours is not None:
            pairs = [*zip(ours, every, strict=True)]
            ratio = statistics.median(
                our["updates_per_second"] / their["updates_per_second"] for our, their in pairs
            )
            by_cpu = statistics.median(
                their["cpu_us_per_update"] / our["cpu_us_per_update"] for our, their in pairs
            )
        rows.append(
            {
                "client": entrant.name,
                "verified": every[0]["verified"],
                "updates": every[0]["updates"],
                "updates_per_second": statistics.median(rates),
                "slowest": min(rates),
                "fastest": max(rates),
                "merged": statistics.median(merged(run) for run in every),
                "cpu_us_per_update": statistics.median(costs),
                "ours_is": ratio,
                "by_cpu": by_cpu,
                "beside": entrant.beside,
                "mark": entrant.mark,
                "reached": bool(entrant.mark and ratio and ratio >= entrant.mark),
                "runs": every,
            }
        )
    return rows


def merged(run: Run) -> float:
    """Give how many updates were one to the consumer, where the client merges them."""
    return float(run["updates"] / run.get("handed", run["updates"]))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows as a table."""
    head = ["client", "checksums", "handed over", "updates/s", "slowest to fastest"]
    head += ["CPU us/update", "ours is faster", "by CPU", "mark"]
    lines = [f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|---:|---:|---|"]
    for row in rows:
        cells = (
            row["client"],
            "none" if row["verified"] is None else "all",
            "all" if row["merged"] == 1 else f"1 in {row['merged']:.0f}",
            f"{row['updates_per_second']:,.0f}",
            f"{row['slowest']:,.0f} to {row['fastest']:,.0f}",
            f"{row['cpu_us_per_update']:.2f}",
            f"{row['ours_is']:.2f} x" if row["ours_is"] else "",
            f"{row['by_cpu']:.2f} x" if row["by_cpu"] else "",
            f"{row['mark']:g} x: {verdict(row['reached'])}" if row["mark"] else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
