"""The live table of the demonstration: as many columns as the terminal has room for.

Imports rich, which takes its time: imported itself only where there is a table to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kraken_trio._internal.apps.tally import Tally, price
from kraken_trio._internal.apps.text import shown

WIDE, NARROW = 2, 1
"""Between two columns, where there is room for all of them, and where there is not."""
ABOVE = 3
"""Lines that are no pair: the one above, the heading, and the one that the cursor is on."""
WIDEST_PAIR = 16
"""Cells; no usual pair has more, and one that has is not to push out all the rest."""

_STATE_STYLE = {"live": "green", "resync": "yellow", "waiting": "dim"}


class Column(NamedTuple):
    """One column."""

    head: str
    """What stands above it."""
    text: Callable[[Tally], str]
    """What stands in it."""
    rank: int
    """Where there is no room for all, those of the highest ranks are left out first."""


COLUMNS = (
    Column("pair", lambda tally: _clipped(shown(tally.symbol)), 0),
    Column("last", lambda tally: price(tally.last), 3),
    Column("bid", lambda tally: price(tally.bid), 1),
    Column("ask", lambda tally: price(tally.ask), 1),
    Column("spread", lambda tally: price(tally.spread), 6),
    Column("upd/s", lambda tally: f"{tally.rate:.0f}", 4),
    Column("book", lambda tally: tally.book, 2),
    Column("verified", lambda tally: str(tally.updates), 5),
    Column("gaps", lambda tally: str(tally.gaps), 2),
)


def fitting(tallies: Iterable[Tally], width: int) -> tuple[tuple[Column, ...], int]:
    """The columns for which there is room in so many cells, in their order; and the padding."""
    tallies = tuple(tallies)
    needed = {
        column: max(cell_len(column.head), *(cell_len(column.text(tally)) for tally in tallies))
        for column in COLUMNS
    }
    if sum(needed.values()) + WIDE * (len(COLUMNS) - 1) <= width:
        return COLUMNS, WIDE
    kept: tuple[Column, ...] = COLUMNS
    for rank in sorted({column.rank for column in COLUMNS}, reverse=True)[:-1]:
        if sum(needed[column] for column in kept) + NARROW * (len(kept) - 1) <= width:
            break
        kept = tuple(column for column in kept if column.rank < rank)
    return kept, NARROW


def draw(head: str, tallies: Iterable[Tally], *, width: int, height: int) -> Group:
    """One picture: a line, and under it the pairs, as many as there is room for."""
    tallies = tuple(tallies)
    room = max(height - ABOVE, 1)
    fit = tallies if len(tallies) <= room else tallies[: max(room - 1, 1)]
    columns, padding = fitting(fit, width)
    table = Table(box=None, padding=(0, padding, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        left = column.head in ("pair", "book")
        table.add_column(
            column.head,
            justify="left" if left else "right",
            no_wrap=True,
            overflow="ellipsis",
        )
    for tally in fit:
        table.add_row(*(_cell(column, tally) for column in columns))
    parts: list[Text | Table] = [Text(shown(head), no_wrap=True, overflow="ellipsis"), table]
    if len(fit) < len(tallies):
        parts.append(Text(f"and {len(tallies) - len(fit)} more", style="dim"))
    return Group(*parts)


class Screen:
    """A terminal that shows the table: a context manager; at its end the last picture stays."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on standard output."""
        self._console = console or Console()
        # Without a thread of its own: who has news says so.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back as it was."""
        self._live.stop()

    def show(self, head: str, tallies: Iterable[Tally]) -> None:
        """Draw once more."""
        width, height = self._console.size
        self._live.update(draw(head, tallies, width=width, height=height), refresh=True)

    def say(self, words: str) -> None:
        """Print a line above the table."""
        self._console.print(Text(words, overflow="ellipsis"), no_wrap=True, crop=True)


def _clipped(text: str) -> str:
    return text if cell_len(text) <= WIDEST_PAIR else f"{set_cell_size(text, WIDEST_PAIR - 1)}…"


def _cell(column: Column, tally: Tally) -> Text:
    text = column.text(tally)
    if column.head == "book":
        return Text(text, style=_STATE_STYLE[text])
    if column.head == "gaps" and tally.gaps:
        return Text(text, style="bold red")
    return Text(text)
