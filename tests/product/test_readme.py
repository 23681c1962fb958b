"""The README says what is so: its commands are where the checks look, its extras are the extras."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
EXTRAS: dict[str, list[str]] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))[
    "project"
]["optional-dependencies"]


def installed_by(extra: str) -> list[str]:
    """Give what an extra installs, by name, with the extras it is made of resolved."""
    names: list[str] = []
    for requirement in EXTRAS[extra]:
        if inner := re.fullmatch(r"kraken-trio\[(.*)\]", requirement):
            names += [name for part in inner[1].split(",") for name in installed_by(part)]
        else:
            names.append(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    return list(dict.fromkeys(names))


def test_table_of_extras_is_complete() -> None:
    """The table has every extra, and names what it installs."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", README, flags=re.MULTILINE)
    assert {extra: installs.split(", ") for extra, installs in rows} == {
        extra: installed_by(extra) for extra in EXTRAS
    }


@pytest.mark.parametrize(
    "mark, end", [("demo", "kraken-trio demo --seconds 5"), ("tests", "-m pytest")]
)
def test_command_is_one_line_under_its_mark(mark: str, end: str) -> None:
    """Each command can be copied as one line, and stands where the checks find it."""
    (command,) = re.findall(rf"^<!-- command: {mark} -->\n```sh\n(.*)\n```$", README, re.MULTILINE)
    assert command.endswith(end)


def test_the_program_of_the_readme_runs_as_it_stands() -> None:
    """Its Python block compiles, and its one function is what a reader would call."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    body, _, last = program.rstrip().rpartition("\n")
    assert last == "trio.run(main)"
    names: dict[str, object] = {}
    exec(compile(body, "README.md", "exec"), names)  # noqa: S102 - our own words
    assert callable(names["main"])
