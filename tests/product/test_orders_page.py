"""The page about orders says what is so: its program, its names, its figures."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import kraken_trio
from kraken_trio import Feed, KrakenConfig, extended
from kraken_trio._internal.core.rates import AGES_S, AMENDED, CANCELLED, EDITED, TIERS
from kraken_trio._internal.shell.asking import SETTLED_AFTER_S
from kraken_trio._internal.shell.hub import TRADING
from kraken_trio._internal.shell.writer import ORDER_PAUSE_S
from kraken_trio.extended import Trading

PAGE = (Path(__file__).parent.parent.parent / "docs" / "orders.md").read_text("utf-8")


def test_the_program_runs_as_it_stands() -> None:
    """It compiles, and its function is what a reader would call."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    body, _, last = program.rstrip().rpartition("\n")
    assert last == "trio.run(one_order)"
    names: dict[str, object] = {}
    exec(compile(body, "orders.md", "exec"), names)  # noqa: S102 - our own words
    assert inspect.iscoroutinefunction(names["one_order"])


def test_everything_that_trading_can_do_is_there() -> None:
    """By its name; and what is named exists."""
    public = [name for name in vars(Trading) if not name.startswith("_")]
    assert [name for name in public if name not in PAGE and name not in {"pair", "state"}] == [
        "system"
    ]
    for name in re.findall(r"`([A-Z]\w+)(?:\(|`)", PAGE):
        known = hasattr(kraken_trio, name) or hasattr(extended, name)
        assert known or name in {"Decimal", "EService"}, name
    assert hasattr(Feed, "trading")


def test_figures() -> None:
    """As the code has them."""
    assert f"`{TRADING}` in `feed.states`" in PAGE
    assert f"{KrakenConfig().timeout:g} seconds unless" in PAGE
    assert SETTLED_AFTER_S == 6
    assert f"are {ORDER_PAUSE_S * 1000:g} milliseconds" in PAGE
    ceilings = [tier.ceiling for tier in TIERS]
    assert f"{ceilings[0]},\n{ceilings[1]} or {ceilings[2]}" in PAGE
    for name, fixed, row in (("amend", 1, AMENDED), ("edit", 1, EDITED), ("cancel", 0, CANCELLED)):
        assert f"| {name} | {fixed} | {' | '.join(map(str, row))} |" in PAGE
    assert " | ".join(f"{age} s" for age in AGES_S) in PAGE
