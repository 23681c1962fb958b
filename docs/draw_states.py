"""Draw docs/states.md from the transition tables: ``python docs/draw_states.py [--check]``.

With ``--check`` nothing is written; it exits with 1 when the page does not agree with the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kraken_trio._internal.core.states import BOOK, SESSION, SUBSCRIPTION, Row

PAGE = Path(__file__).with_name("states.md")

HEADER = """\
# States

This page is drawn from the tables in `kraken_trio/_internal/core/states.py` by
`python docs/draw_states.py`; a test holds it to them. Arrows are the triggers of
`kraken_trio/_internal/model/lifecycle.py`. A pair of state and trigger that stands neither in a
diagram nor among the late ones raises `InvalidTransition` and changes nothing.
"""


def _diagram(table: Mapping[tuple[Any, Any], Row[Any, Any]], start: str) -> Iterator[str]:
    """The transitions as a Mermaid state diagram, several triggers of one arrow joined."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, trigger), row in table.items():
        if not row.late:
            arrows.setdefault((state.name, row.to_state.name), []).append(trigger.value)
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {start}"
    for (state, to_state), triggers in sorted(arrows.items()):
        yield f"    {state} --> {to_state}: {' / '.join(sorted(triggers))}"
    yield "```"


def _effects(table: Mapping[tuple[Any, Any], Row[Any, Any]]) -> Iterator[str]:
    """One line for each transition, with what it asks for."""
    yield "| from | trigger | to | effects |"
    yield "|---|---|---|---|"
    rows = sorted(table.items(), key=lambda item: (item[0][0].name, item[0][1].value))
    for (state, trigger), row in rows:
        if not row.late:
            effects = ", ".join(effect.value for effect in row.effects) or "-"
            yield f"| {state.name} | {trigger.value} | {row.to_state.name} | {effects} |"


def _late(table: Mapping[tuple[Any, Any], Row[Any, Any]]) -> Iterator[str]:
    """For each state, what is ignored there because it only crossed a decision of ours."""
    ignored: dict[str, list[str]] = {}
    for (state, trigger), row in table.items():
        if row.late:
            ignored.setdefault(state.name, []).append(trigger.value)
    yield "Late (counted and ignored):"
    yield ""
    for state, triggers in sorted(ignored.items()):
        yield f"* in {state}: {', '.join(sorted(triggers))}"


def page() -> str:
    """The whole page."""
    lines = [HEADER]
    for title, table, start in (
        ("Session", SESSION, "DISCONNECTED"),
        ("Subscription of one symbol", SUBSCRIPTION, "IDLE"),
        ("Book", BOOK, "AWAITING_SNAPSHOT"),
    ):
        blocks = [_diagram(table, start), _effects(table), _late(table)]
        lines += [f"## {title}", ""]
        for block in blocks:
            lines += [*block, ""]
    return "\n".join(lines)


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
