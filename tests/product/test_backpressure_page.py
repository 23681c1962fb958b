"""The page about backpressure says what is so: its tables, its examples and its bounds."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from kraken_trio import DropPolicy, Gap, GapReason, HighWater, KrakenConfig, Timestamp
from kraken_trio._internal.shell import backlog

PAGE = (Path(__file__).parent.parent.parent / "docs" / "backpressure.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the table whose first cell is ``heading``, its head first."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n(?:\|.*\n)+", PAGE, re.MULTILINE)
    cells = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.split("\n")
    ]
    return [row for row in cells if len(row) > 1 and not row[0].startswith("---")]


def test_the_presets_are_what_the_table_says() -> None:
    """Every preset stands in it, with every one of its fields."""
    head, *table = rows("preset")
    presets = {
        "(default)": KrakenConfig(),
        "low_latency": KrakenConfig.low_latency(),
        "multi_pair": KrakenConfig.multi_pair(),
        "aggregator": KrakenConfig.aggregator(),
    }
    assert [row[0] for row in table] == list(presets)
    for row in table:
        config = presets[row[0]]
        for field, shown in zip(head[2:], row[2:], strict=True):
            value = getattr(config, field)
            word = value.value if isinstance(value, DropPolicy) else str(value)
            assert shown == word.removesuffix(".0")
        changed = {
            name
            for name in inspect.signature(KrakenConfig).parameters
            if getattr(config, name) != getattr(KrakenConfig(), name)
        }
        assert changed <= set(head)


def test_the_policies_are_all_there() -> None:
    """Each has its column."""
    (head,) = re.findall(r"^\| \| (Oldest .*) \|$", PAGE, re.MULTILINE)
    assert head.split(" | ") == ["Oldest", "Latest", "Coalesce", "Block"]


def test_what_is_shown_is_what_is_printed() -> None:
    """A gap and a warning look as the page says."""
    gap, warning = re.findall(r"^```text\n(.*)\n```$", PAGE, re.MULTILINE)
    assert repr(Gap("book", "BTC/USD", GapReason.OVERFLOW, size=412)) == gap
    shown = repr(HighWater("book", ("BTC/USD",), 400, 500, Timestamp(1)))
    assert shown.startswith(warning.removesuffix("...)"))


def test_the_program_runs_as_it_stands() -> None:
    """It compiles, and gives the function that it says."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(program, "backpressure.md", "exec"), names)  # noqa: S102 - our own words
    assert inspect.iscoroutinefunction(names["show"])


@pytest.mark.parametrize("word", ["high_water", "overflow", "overflow_over"])
def test_the_words_of_the_log_are_those_of_the_code(word: str) -> None:
    """Who looks for them finds them."""
    assert f'"{word}", ' in inspect.getsource(backlog)
    assert f"`{word}`" in PAGE
