"""The benchmarks can be run; what they measure is nobody's business here."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
BENCHMARKS = sorted(
    path.name for path in FOLDER.glob("*.py") if '"--quick"' in path.read_text(encoding="utf-8")
)

pytestmark = pytest.mark.skipif(not BENCHMARKS, reason="no benchmarks stand beside these tests")


def ran(name: str, *words: object) -> str:
    """Run one of them to its end."""
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(FOLDER / name), *map(str, words)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    ).stdout


@pytest.mark.parametrize("name", BENCHMARKS)
def test_all_have_the_same_options(name: str) -> None:
    """One to see that it works, one for a file of figures; and the page has a row for it."""
    options = ran(name, "--help")
    assert re.search(r"^  --quick\s", options, re.MULTILINE)
    assert re.search(r"^  --json FILE\s", options, re.MULTILINE)
    assert f"| `{name}` | " in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize(
    "name, words, measured",
    [
        ("breakdown.py", ["--quick"], {"depth 10, 1 pair", "depth 1000, 4 pairs"}),
        ("account.py", ["--quick"], {"executions", "balances", "level3 10", "orders"}),
        pytest.param(
            *("exchange.py", ["--quick"], {"paced", "flat out", "flood"}),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="it needs the /proc of Linux"),
        ),
        ("flood.py", ["--quick", "--depths", 10], {"kraken_trio", "trio-websocket"}),
        ("mixed.py", ["--quick"], {"1 pairs, 3 subscriptions", "20 pairs, 41 subscriptions"}),
        ("memory.py", ["--quick", "--policies", "latest"], {"latest"}),
        ("recovery.py", ["--quick"], {"cuts", "resync"}),
        pytest.param(
            *("start.py", ["--quick"], {"imports", "first", "cold", "memory"}),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="it needs the /proc of Linux"),
        ),
        ("verify.py", ["--quick"], {"engine", "floor"}),
        ("recording.py", ["--quick"], {"alone", "plain", "gzip"}),
        ("paced.py", ["--quick"], {"kraken_trio, default", "trio-websocket, trio"}),
        pytest.param(
            *("whole.py", ["--quick"], {"aggregator"}),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="it needs the /proc of Linux"),
        ),
        ("turns.py", ["--quick"], {"asyncio, a callback", "the whole client"}),
        ("watching.py", ["--quick"], {"nobody", "latencies"}),
        ("fairness.py", ["--quick"], {"none", "default", "aggregator"}),
    ],
)
def test_they_run(tmp_path: Path, name: str, words: list[object], measured: set[str]) -> None:
    """A little of each is measured, and written down."""
    file = tmp_path / "figures.json"
    assert ran(name, *words, "--json", file)
    report = json.loads(file.read_text(encoding="utf-8"))
    assert {"kraken-trio", "trio"} <= report["machine"]["versions"].keys()
    results = report["results"]
    if isinstance(results, list):
        named = ("client", "policy", "preset")
        results = {next(each[name] for name in named if name in each): each for each in results}
    assert measured <= results.keys()


def test_ratios_are_of_the_same_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two turns of which one was disturbed give the ratios of both, not that of the medians."""
    monkeypatch.syspath_prepend(str(FOLDER))
    race = importlib.import_module("race")

    def runs(*rates: float) -> list[dict[str, float | None]]:
        return [
            {"updates_per_second": r, "cpu_us_per_update": 1e6 / r, "verified": None, "updates": 1}
            for r in rates
        ]

    ours = race.Entrant("kraken_trio", "ours")
    rival = race.Entrant("rival", "rival", "nowhere", mark=2)
    rows = race.compared({ours: runs(100, 50, 100), rival: runs(50, 25, 40)})
    assert [row["ours_is"] for row in rows] == [1, 2]
    assert rows[1]["reached"]
    assert rival.python is None
    assert "| rival | none | all | 40 | 25 to 50 |" in race.table(rows)


def test_what_came_before_the_watch_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ours may have verified some when its consumer gets the first; they took none of its time."""
    monkeypatch.syspath_prepend(str(FOLDER))
    race = importlib.import_module("race")
    said = {"updates": 110, "ahead": 10, "lost": 0, "verified": None, "seconds": 2}
    client = tmp_path / "clients" / "some_client.py"
    client.parent.mkdir()
    client.write_text(f"print({json.dumps(json.dumps({**said, 'cpu_seconds': 1}))})", "utf-8")
    monkeypatch.setattr(race, "HERE", tmp_path)
    server = race.Server("ws://nowhere", 10, [], None, [])
    run = server.run(race.Entrant("some", "some"), 5, 110)
    assert (run["updates_per_second"], run["cpu_us_per_update"]) == (50, 10_000)
    assert race.merged(run) == 1
    assert race.merged({"updates": 340, "handed": 1}) == 340


def test_runs_that_disagree_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark is reached, or missed, where every run says so."""
    monkeypatch.syspath_prepend(str(FOLDER))
    paced = importlib.import_module("paced")
    assert paced.verdict([0.5, 1.0]) == "reached"
    assert paced.verdict([1.1, 1.2]) == "**missed**"
    assert paced.verdict([0.9, 1.2, 1.3]) == "undecided, for 1 of 3 runs reach it"


def test_figures_are_shown_with_their_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The median, what it lies between, whether it is good enough, and all of that in a table."""
    monkeypatch.syspath_prepend(FOLDER)
    figures = importlib.import_module("figures")
    assert figures.spread([3000, 1, 2.4]) == "2 (1-3,000)"
    assert figures.spread([1.25, 1.5], 2) == "1.38 (1.25-1.50)"
    assert (figures.at_most(1.4, 1.4), figures.at_most(1.41, 1.4)) == ("reached", "**missed**")
    assert (
        figures.table(["what", "ms"], [("all", 1)]) == "| what | ms |\n| --- | ---: |\n| all | 1 |"
    )


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import what the benchmarks are made of."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def test_a_merged_message_is_in_hand_with_the_record_that_contains_it(
    part: Callable[[str], Any],
) -> None:
    """A record of the same symbol that is not older has it; none may have one of another."""
    in_hand = part("pacing").in_hand
    messages = [("A", 1), ("B", 2), ("A", 3), ("A", 4), ("B", 5)]
    assert in_hand(messages, [3, 2, 4, 5], [30, 31, 40, 50]) == [30, 31, 30, 40, 50]
    assert in_hand(messages, [3, 2, 5], [30, 31, 50]) is None


def test_a_schedule_keeps_its_rate_and_has_its_bursts(part: Callable[[str], Any]) -> None:
    """Ten times as many a second come in a burst, and as many as ever in a period."""
    plan = part("pacing").Plan(20_000, 1000, burst=10, burst_s=0.1, period_s=2)
    due_s = part("pacing_server").due_s
    times = [due_s(plan, number) for number in range(plan.messages)]
    assert times == sorted(times)
    assert due_s(plan, 2000) == 2
    counts = Counter(int(at * 20) for at in times[:2000])
    assert (counts.pop(19), counts.pop(20)) == (500, 500)
    assert counts.keys() == {*range(19), *range(21, 40)}
    assert all(abs(count - 1000 / 38) <= 1 for count in counts.values())


def test_writes_hold_as_many_messages_as_planned(part: Callable[[str], Any]) -> None:
    """On average; each is due with its last message, and all messages are in one of them."""
    schedule, plan = part("pacing_server").schedule, part("pacing").Plan
    assert [write.end for write in schedule(plan(3, 1000), 1)] == [1, 2, 3]
    writes = schedule(plan(10_000, 1000, per_write=5), 1)
    assert writes[-1].end == 10_000
    assert 1900 < len(writes) < 2100
    assert all(write.due_ns == (write.end - 1) * 1_000_000 for write in writes)


def test_quantiles(part: Callable[[str], Any]) -> None:
    """The share of values that are below them; the last is the greatest value."""
    found = part("pacing").quantiles(range(1000, 0, -1))
    assert found == {"p50": 501, "p99": 991, "p99.9": 1000, "max": 1000}
