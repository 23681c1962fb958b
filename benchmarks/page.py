"""Where the benchmarks write what they measured: each into its own part of one page.

A part stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``. What stands outside is written
by hand, and explains.
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def replaced(page: str, name: str, text: str) -> str:
    """Give a page with another text in the part of this name; ``ValueError`` if it has none."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        message = f"the page has no part {name!r}: it stands between {begin!r} and {end!r}"
        raise ValueError(message)
    return f"{before}{begin}{text.strip()}\n{end}{after}"


def write(name: str, text: str) -> None:
    """Put a text, such as a table, into its part of the page."""
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), name, text), "utf-8")
