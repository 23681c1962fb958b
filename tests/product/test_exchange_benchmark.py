"""The benchmark of the simulated exchange runs; what it measures is nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "exchange.py"


@pytest.mark.skipif(sys.platform != "linux", reason="it needs the /proc of Linux")
@pytest.mark.skipif(not SCRIPT.exists(), reason="there are no benchmarks beside these tests")
def test_it_runs() -> None:
    """A market of a few pairs is measured in all three ways."""
    sizes = {"--pairs": 5, "--rate": 2000, "--seconds": 2, "--warm-up": 0}
    # The first read of a flood is not counted, and a short flood is read in one.
    sizes["--flood-steps"] = 20_000
    arguments = [str(part) for pair in sizes.items() for part in pair]
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT), *arguments, "--json"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    results = json.loads(done.stdout)
    assert results.keys() == {"paced", "flat out", "flood"}
    assert all(figures["messages_per_s"] > 0 for figures in results.values())
