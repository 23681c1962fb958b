"""The README says what is so: its commands are where the checks look, its extras are the extras."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

PROJECT = Path(__file__).parent.parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = DECLARED["optional-dependencies"]


def installed_by(extra: str) -> list[str]:
    """Give what an extra installs, by name, with the extras it is made of resolved."""
    names: list[str] = []
    for requirement in EXTRAS[extra]:
        if inner := re.fullmatch(r"kraken-trio\[(.*)\]", requirement):
            names += [name for part in inner[1].split(",") for name in installed_by(part)]
        else:
            names.append(distribution(requirement))
    return list(dict.fromkeys(names))


def distribution(requirement: str) -> str:
    """Give the name that a requirement starts with."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def test_what_is_needed_is_what_is_declared() -> None:
    """The README names the lowest Python, and all that the core installs."""
    (python,) = re.findall(r"Python (\d\.\d+) or newer is all that is needed", README)
    assert DECLARED["requires-python"] == f">={python}"
    (core,) = re.findall(r"The core installs (.*?)\. The rest is optional", README)
    assert re.split(r", | and ", core) == [distribution(each) for each in DECLARED["dependencies"]]


def test_every_page_is_two_clicks_away() -> None:
    """From here, by what a reader of the repository sees: no table of contents of the site."""

    def linked(page: Path) -> set[Path]:
        links = re.findall(r"\]\(([^):#]+\.md)", page.read_text(encoding="utf-8"))
        return {(page.parent / link).resolve() for link in links}

    near = linked(PROJECT / "README.md")
    near |= {page for each in near for page in linked(each)}
    pages = {
        *PROJECT.glob("docs/**/*.md"),
        *PROJECT.glob("benchmarks/*.md"),
        *PROJECT.glob("examples/*.md"),
        *PROJECT.glob("*.md"),
    }
    mirrors = set(PROJECT.glob("docs/project/*.md"))  # Of pages that are themselves linked to.
    assert sorted(pages - near - mirrors - {PROJECT / "README.md"}) == []


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


def test_the_program_of_the_readme_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """It is short, ends by itself, and shows verified books alone."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert sum(bool(line.strip()) for line in program.splitlines()) <= 15
    body, _, last = program.rstrip().rpartition("\n")
    assert last == "trio.run(main)"
    names: dict[str, Any] = {}
    exec(compile(body, "README.md", "exec"), names)  # noqa: S102 - our own words
    trio.run(names["main"], clock=trio.testing.MockClock(autojump_threshold=0))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert all(re.fullmatch(r"(Level\([\d.]+ @ [\d.]+\) ?){2}", line) for line in lines)


def test_its_figures_are_those_of_the_proofs() -> None:
    """So many seeds and so many properties as there are."""
    proofs = PROJECT / "tests" / "product"
    soak, properties = (
        (proofs / f"test_{name}.py").read_text("utf-8") for name in ("soak", "properties")
    )
    (seeds,) = re.findall(r"^SEEDS: Final = (\d+)$", soak, re.MULTILINE)
    drawn = re.findall(r"^ ?\d+  .* test_\w+$", properties, re.MULTILINE)
    assert f"{seeds} seeds of chaos" in README
    assert f"{len(drawn)} properties" in README


def test_versions_of_others_are_those_that_were_run() -> None:
    """The comparison names the versions that the benchmarks install."""
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    installed = dict(line.split("==") for line in [*groups["foreign"], *groups["rivals"]])
    (head,) = re.findall(r"^\| \| kraken_trio \|.*$", README, re.MULTILINE)
    named = dict(re.findall(r"\[([\w.-]+)\]\([^)]*\) ([\d.]+) \|", head))
    assert len(named) == 4
    for name, version in named.items():
        assert installed[name.removesuffix(".pro")] == version
