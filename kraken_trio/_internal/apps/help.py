"""What ``--help`` looks like: plain text in two columns, as wide as the terminal.

No boxes and no colours: it is read in pipes and logs, too. Cyclopts knows what there is to say,
and says it in its own plain format, whose lines are set anew here.
"""

from __future__ import annotations

import io
import re
import textwrap
from typing import Any

import attrs
from cyclopts.help import HelpPanel
from cyclopts.help.formatters import PlainFormatter
from rich.console import Console, ConsoleOptions

INDENT = 2
"""Before a name, and between it and what it means."""
WIDEST_NAME = 24
"""What is longer has its meaning under it."""
MOST_COLUMNS = 100
"""Longer lines are hard to read."""

_UNBOUNDED = 100_000
_LITERAL = re.compile(r"::$")


class TwoColumns:
    """Prints help; what cyclopts calls a help formatter."""

    def __init__(self) -> None:
        """Have cyclopts' own formatter say what there is to say."""
        self._plain = PlainFormatter(indent_width=0)

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print one panel: its title, then names and what they mean."""
        rows = [
            self._said(attrs.evolve(panel, title="", entries=[entry]), options)
            for entry in panel.entries
        ]
        if not rows:
            return
        names = [name for name, _ in rows if len(name) <= WIDEST_NAME]
        column = INDENT + max(map(len, names), default=0) + INDENT
        width = _width(console)
        _print(console, f"{panel.title}:")
        for name, meaning in rows:
            lines = _wrapped(meaning, max(width - column, WIDEST_NAME)) or [""]
            head = f"{'':{INDENT}}{name}"
            if len(head) + INDENT > column:
                _print(console, head)
            else:
                _print(console, f"{head:{column}}{lines.pop(0)}")
            for line in lines:
                _print(console, f"{'':{column}}{line}")
        _print(console, "")

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Print the line of usage."""
        wide = _wide()
        self._plain.render_usage(wide, options, usage)
        _print(console, f"{_taken(wide)}\n")

    def render_description(
        self, console: Console, options: ConsoleOptions, description: Any
    ) -> None:
        """Print what the command is: paragraphs filled, examples as they stand."""
        wide = _wide()
        self._plain.render_description(wide, options, description)
        for paragraph in _taken(wide).split("\n\n"):
            if not paragraph.startswith(" "):
                # The colons that mark an example in a docstring mean nothing here.
                lines = _wrapped(_LITERAL.sub(":", paragraph), _width(console))
                paragraph = "\n".join(lines)  # noqa: PLW2901 - as it is shown
            _print(console, f"{paragraph}\n")

    def _said(self, panel: HelpPanel, options: ConsoleOptions) -> tuple[str, str]:
        """A name, with all other names of it, and what it means."""
        wide = _wide()
        self._plain(wide, options, panel)
        name, _, meaning = " ".join(_taken(wide).lstrip(":\n").split()).partition(": ")
        return name, meaning


def _wide() -> Console:
    return Console(file=io.StringIO(), width=_UNBOUNDED, no_color=True, force_terminal=False)


def _taken(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - for the type checker: it was made above
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)  # Of options, for one.


def _width(console: Console) -> int:
    return min(console.width, MOST_COLUMNS)


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)
