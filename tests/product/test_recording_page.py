"""The page about recording says what is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import kraken_trio
import kraken_trio.extended
from kraken_trio._internal.observe.columns import TABLES
from kraken_trio._internal.shell import incidents

PAGE = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")


def test_its_program_uses_what_there_is() -> None:
    """Every name that it imports is public."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    imported = [
        (node.module, name.name)
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    tiers = {"kraken_trio": kraken_trio, "kraken_trio.extended": kraken_trio.extended}
    assert imported
    assert all(name in tiers[str(module)].__all__ for module, name in imported)


def test_every_table_and_every_function_stands_there() -> None:
    """Each table of an export, each call of analytics, and the bounds of bundles."""
    assert [name for name in TABLES if f"`{name}`" not in PAGE] == []
    calls = set(re.findall(r"`(\w+)\(", PAGE.partition("## Analytics")[2]))
    assert calls - {"close"} <= set(kraken_trio.extended.__all__)
    assert {"depth_ladder", "fold_candles", "market_order", "volume_through"} <= calls
    assert f"{incidents.MOST_BUNDLES} are kept" in PAGE
    assert f"{incidents.FRAMES:,} to {2 * incidents.FRAMES:,} frames" in PAGE
    assert (incidents.BURST, incidents.BURST_S) == (5, 10.0)
