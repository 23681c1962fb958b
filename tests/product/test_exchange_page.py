"""The programs on the page about the simulated exchange run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import trio.testing

PAGE = Path(__file__).parents[2] / "docs" / "simulated-exchange.md"
PROGRAMS: list[str] = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("number", range(4))
async def test_programs(
    number: int, autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says at the end what it found."""
    body, _, last = PROGRAMS[number].rstrip().rpartition("\n")
    assert last == "trio.run(main)"
    names: dict[str, Any] = {}
    exec(compile(body, str(PAGE), "exec"), names)  # noqa: S102 - our own words
    with trio.fail_after(60):
        await names["main"]()
    assert capsys.readouterr().out.startswith(("verified:", "resynced, after", "1", "2", "3", "4"))


def test_no_program_is_left_out() -> None:
    """All of them are run above."""
    assert len(PROGRAMS) == 4
