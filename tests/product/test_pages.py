"""Pages and files for people are right: each link, setting and version is one that there is."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

import kraken_trio
from kraken_trio import KrakenConfig
from kraken_trio._internal.model.config import ENVIRONMENT

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("examples/*.md"),
    ]
)
WITH_THE_EXCHANGE = ("capture", "frames", "requests", "sign")
"""Modules that the simulated exchange and the client both use."""
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """Give what a heading is called in a link, as code hosts have it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Give those of all headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_pages_are_found() -> None:
    """Those of the project, and those under ``docs``."""
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "SECURITY.md", "docs/design.md", "docs/decisions/README.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", link):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        if not target.exists() or (
            heading and target.suffix == ".md" and heading not in anchors(target)
        ):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(
    "heading, link",
    [
        ("What is deprecated now", "what-is-deprecated-now"),
        ("`receive()`, and more", "receive-and-more"),
        ("The [tap](x.md): why", "the-tap-why"),
    ],
)
def test_anchors_are_as_code_hosts_have_them(heading: str, link: str) -> None:
    """Lower case, without punctuation, with hyphens."""
    assert anchor(heading) == link


def test_the_simulated_exchange_shares_what_is_said_alone() -> None:
    """Of all rooms but the vocabulary, four modules: see docs/decisions/0010."""
    shared = {
        module
        for path in Path(kraken_trio.__file__).parent.glob("_internal/testing/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (module := node.module or "").startswith("kraken_trio._internal.")
        and module.split(".")[2] not in {"model", "testing"}
    }
    assert shared == {f"kraken_trio._internal.wire.{n}" for n in WITH_THE_EXCHANGE}


def test_each_example_has_its_row() -> None:
    """And ``--live`` is said of those that have it."""
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+\.py)\]\(\1\) \|.*\| (\w*) ?[^|]*\|$", text, re.MULTILINE)
    assert dict(rows) == {
        path.name: "yes" if '"--live"' in path.read_text(encoding="utf-8") else ""
        for path in ROOT.glob("examples/*.py")
    }


def test_each_check_has_its_row() -> None:
    """The sessions of nox, in the table for those who change something, and each guard's file."""
    sessions = [
        node.name
        for node in ast.parse((ROOT / "noxfile.py").read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(each).startswith("nox.session") for each in node.decorator_list)
    ]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(sessions)
    assert {path.name for path in ROOT.glob("tests/test_*.py")} <= set(
        re.findall(r"`tests/(\w+\.py)`", text)
    )


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
def test_the_example_of_settings_is_right() -> None:
    """Each variable is one that is read, and what it says there is what it is unless given."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    names = re.findall(r"^#?(KRAKEN_\w+)=", text, re.MULTILINE)
    assert {"KRAKEN_API_KEY", "KRAKEN_API_SECRET"} <= set(names) <= set(ENVIRONMENT)
    settings = {f"KRAKEN_{name.upper()}" for name in inspect.signature(KrakenConfig).parameters}
    assert settings - set(ENVIRONMENT) == {"KRAKEN_ALLOW_INSECURE"}
    assert KrakenConfig.from_env(ROOT / ".env.example", environ={}) == KrakenConfig()
    shown = dict(re.findall(r"^#(KRAKEN_\w+)=(.*)$", text, re.MULTILINE))
    shown.pop("KRAKEN_INCIDENTS")  # There is none unless given.
    assert KrakenConfig.from_env(env_file=None, environ=shown) == KrakenConfig()


def test_the_citation_is_of_this_version() -> None:
    """And of this licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^([\w-]+): (.+)$", text, re.MULTILINE))
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
