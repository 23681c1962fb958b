"""The page about chaos says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import trio
import trio.testing

from kraken_trio.testing import ChaosFault

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "chaos.md").read_text(encoding="utf-8")


async def test_its_program_runs(autojump_clock: trio.testing.MockClock, capsys: Any) -> None:
    """It survives, and shows what it survived."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    body, _, last = program.rstrip().rpartition("\n")
    assert last == "trio.run(main)"
    names: dict[str, Any] = {}
    exec(compile(body, "docs/chaos.md", "exec"), names)  # noqa: S102 - our own words
    with trio.fail_after(600):
        await names["main"]()
    said = capsys.readouterr().out
    assert said.startswith("survived:\n")
    assert said.count(" connection ") >= 5


def test_every_fault_stands_there() -> None:
    """Each once, in the table; and their number in the words of all pages."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE, re.MULTILINE)
    told = [word for row in rows for word in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted([*(fault.value for fault in ChaosFault), "ChaosFault"])
    for name in ("docs/chaos.md", "README.md", "CHANGELOG.md"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert f"{len(ChaosFault)} kinds" in text
