"""The example that loses its connection misses nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "examples" / "missed_trades.py"


def test_the_example_runs() -> None:
    """It says how many trades there were, all in order, and how many of them were fetched."""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT)], check=True, capture_output=True, text=True, timeout=60
    )
    found = re.fullmatch(r"(\d+) trades in order, (\d+) of them fetched over REST\n", done.stdout)
    assert found
    assert int(found[1]) > int(found[2]) > 0


def test_what_the_page_on_gaps_shows_can_be_compiled() -> None:
    """Its blocks of Python are Python."""
    page = (PROJECT / "docs" / "gaps.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        lines = "".join(f"    {line}" for line in block.splitlines(keepends=True))
        compile(f"async def shown(feed):\n{lines}", "docs/gaps.md", "exec")
