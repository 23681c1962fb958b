"""The benchmarks can be run; what they measure is nobody's business here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize(
    "name, words, measured",
    [
        pytest.param(
            *("exchange.py", ["--quick"], {"paced", "flat out", "flood"}),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="it needs the /proc of Linux"),
        ),
        ("flood.py", ["--quick", "--depths", 10], {"kraken_trio", "trio-websocket"}),
        ("mixed.py", ["--quick"], {"1 pairs, 3 subscriptions", "20 pairs, 41 subscriptions"}),
        ("memory.py", ["--quick", "--policies", "latest"], {"latest"}),
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
        results = {each.get("client") or each.get("policy"): each for each in results}
    assert measured <= results.keys()
