"""How figures are shown: medians with their spread, marks beside them, tables, and the whole part.

Knows nothing of what is measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import page
from machine import in_words


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Give the median, with the least and the greatest in brackets if there are several."""
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    least, middle, most = (
        f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle} ({least}-{most})"


def verdict(reached: bool) -> str:  # noqa: FBT001 - it is all there is to say
    """Say whether a mark was reached."""
    return "reached" if reached else "**missed**"


def at_most(value: float, mark: float) -> str:
    """Say whether a value reached a mark that it is not to be above."""
    return verdict(value <= mark)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table, as Markdown. The first column is text, the others are aligned to the right."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def show(name: str, where: dict[str, Any], *tables: str, to_page: bool) -> None:
    """Print the tables, with where they were measured, and write them into the part ``name``."""
    text = "\n\n".join([" ".join(in_words(where).split("\n")) + ":", *tables])
    print(text)
    if to_page:
        page.write(name, text)
