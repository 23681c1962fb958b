"""What the page about protocol v1 says of channels and fields is so."""

from __future__ import annotations

import re
from pathlib import Path

from kraken_trio import Execution, SystemStatus, Ticker, Trade
from kraken_trio._internal.model.traits import V1, V2

PAGE = (Path(__file__).parents[2] / "docs" / "protocol-v1.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """Give the cells of the table with this head."""
    table = PAGE[PAGE.index(head) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_channels() -> None:
    """Each channel is said to be where it is."""
    table = {name: (old, new) for name, old, new in rows("| channel | v1 | v2 |")}
    assert set(table) == V1.channels | V2.channels
    for name, (old, new) in table.items():
        assert (old != "no") is (name in V1.channels)
        assert (new != "no") is (name in V2.channels)


def test_fields() -> None:
    """Each field that is named is one."""
    kinds = {kind.__name__: kind for kind in (Ticker, Trade, Execution, SystemStatus)}
    for name, *cells in rows("| record | `None` in v1"):
        kind = kinds.get(name.strip("`"))
        if kind is not None:
            fields = re.findall(r"`(\w+)`", " ".join(cells))
            assert fields
            assert set(fields) <= set(kind.__struct_fields__)


def test_each_channel_says_what_shows_a_loss() -> None:
    """None of those that there are is left out."""
    named = ", ".join(row[0] for row in rows("| channel | evidence in v1 |")).split(", ")
    assert set(named) == V1.channels
