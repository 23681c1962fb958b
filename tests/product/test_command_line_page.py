"""The page about the command line says what is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

PROJECT = Path(__file__).parent.parent.parent
PAGE = (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8")
EXAMPLES = [
    line.partition(" | ")[0]
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    """Its command is there, and has the options that it is shown with."""
    from kraken_trio._internal.apps.cli import app  # noqa: PLC0415 - an extra

    program, *words = shlex.split(example)
    assert program == "kraken-trio"
    command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    word = words[1] if words[0] == "incident" else words[0]
    assert command.__name__ == word.removeprefix("--").partition("-")[0]


def test_every_exit_code_stands_there() -> None:
    """The table has those that the help has, in the same words."""
    from kraken_trio._internal.apps.cli import CODES  # noqa: PLC0415 - an extra

    told = dict(re.findall(r"^\| (\d+) \| ([^|]*) \|$", PAGE, re.MULTILINE))
    helped = dict(re.findall(r"^  (\d+) +(.*)$", CODES, re.MULTILINE))
    assert set(told) == set(helped)
    assert all(told[code].startswith(words) for code, words in helped.items())


def test_every_type_of_a_line_stands_there() -> None:
    """Who reads JSON finds each ``type`` in the table."""
    from kraken_trio._internal.apps.lines import TYPES  # noqa: PLC0415 - beside the others

    table = PAGE.partition("### JSON")[2]
    assert [name for name in TYPES.values() if f"`{name}`" not in table] == []


def test_every_step_of_the_doctor_stands_there() -> None:
    """With what it fails for."""
    from kraken_trio._internal.apps.checkup import STEPS  # noqa: PLC0415 - beside the others

    told = re.findall(r"^\| (\w+) \|", PAGE.partition("## `doctor`")[2], re.MULTILINE)
    assert tuple(told[1:]) == STEPS
