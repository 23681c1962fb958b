"""What ``--help`` looks like."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from cyclopts.help import HelpPanel
from rich.console import Console

from kraken_trio._internal.apps.help import TwoColumns

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

COMMANDS = ("demo", "watch", "verify", "exchange", "doctor")


def test_the_first_page_teaches(run: Run) -> None:
    """Every command in a line, examples to copy, and the exit codes."""
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +\S", done.out, re.MULTILINE)
    assert "\n    kraken-trio demo\n" in done.out
    assert "Exit codes:\n  0    all is well\n" in done.out
    assert "141" in done.out


def test_no_words_at_all_are_a_wish_for_help(run: Run) -> None:
    """What else could they be."""
    assert run() == run("--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(run: Run, name: str) -> None:
    """What it does, an example, every option with its meaning, and how it exits."""
    done = run(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"\n    kraken-trio {name}" in done.out
    assert re.search(r"[Ee]xit code", done.out)
    options = re.findall(r"^  (--[\w-]+).*", done.out, re.MULTILINE)
    assert options
    for option in options:
        assert re.search(rf"^  {option}\b.*(\n +| {{2,}})\S", done.out, re.MULTILINE), option
    assert "::" not in done.out
    assert "False" not in done.out


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    """Lines are no longer than it, nor than one can read; examples stay whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run(*name.split(), "--help")
    lines = [line for line in done.out.splitlines() if not line.startswith("    kraken-trio")]
    names = 2 + 24 + 2 + 24  # What no terminal is too narrow for: a name, and a little beside it.
    assert max(map(len, lines)) <= max(min(columns, 100), names)
    assert done.out.isascii()


def test_help_is_not_coloured_even_where_it_could_be(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is copied, searched and piped."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in run("watch", "--help").out


def test_a_panel_without_entries_is_left_out() -> None:
    """Its title alone would say nothing."""
    console = Console(file=io.StringIO())
    TwoColumns()(console, console.options, HelpPanel(format="command", title="Empty"))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
