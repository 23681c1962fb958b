"""The site has everything: each page, each public name, and each file that is named.

``nox -s docs`` builds it; these tests need no Sphinx. Links are held by ``test_pages.py``.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import kraken_trio
from kraken_trio import Channel, Feed, KrakenConfig, extended

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
TIERS = ("kraken_trio", "kraken_trio.extended", "kraken_trio.testing")
TEXTS = sorted(
    [
        *PROJECT.glob("*.md"),
        *PROJECT.glob("benchmarks/*.md"),
        *PROJECT.glob("examples/*.md"),
        *DOCS.rglob("*.md"),
    ]
)
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


def test_every_public_name_has_its_place_in_the_reference() -> None:
    """Each once, and nothing else."""
    there = Counter(
        name
        for page in DOCS.glob("reference/*.md")
        for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page.read_text("utf-8"), re.MULTILINE)
    )
    public = {f"{tier}.{name}" for tier in TIERS for name in importlib.import_module(tier).__all__}
    assert there == Counter(public)


def test_every_page_is_in_one_table_of_contents() -> None:
    """But for the first, which has them."""
    listed: Counter[Path] = Counter()
    for page in DOCS.rglob("*.md"):
        for entries in re.findall(
            r"^```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)^```$",
            page.read_text("utf-8"),
            re.MULTILINE | re.DOTALL,
        ):
            names = re.findall(r"^(?:.*<)?([^<>\n]+?)>?$", entries, re.MULTILINE)
            for name in names:
                listed.update(page.parent.glob(f"{name}.md"))  # A name, or a pattern.
    assert listed == Counter(set(DOCS.rglob("*.md")) - {DOCS / "index.md"})


def test_what_one_migrates_to_is_there() -> None:
    """Every name of ours in the tables of the page about migrating exists."""
    text = (PROJECT / "docs" / "howto" / "migrating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) > 50
    spans = [span for row in rows for span in re.findall(r"`([^`]+)`", row)]
    settings = inspect.signature(KrakenConfig).parameters
    checked = 0
    for span in spans:
        for owner, holder in (("feed", Feed), ("trading", extended.Trading), ("Channel", Channel)):
            for name in re.findall(rf"\b{owner}\.(\w+)", span):
                assert hasattr(holder, name), span
                checked += 1
        for name in re.findall(r"\b[A-Z][a-z]\w+", span):
            known = hasattr(kraken_trio, name) or hasattr(extended, name)
            assert known or name in {"Decimal", "None", "False"}, span
            checked += 1
        if re.fullmatch(r"[a-z]+_[a-z_]+", span) and span not in settings:
            assert hasattr(extended.Trading, span) or span in {"kraken_trio", "from_env"}, span
    assert checked > 60


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(PROJECT)))
def test_files_that_are_named_are_there(page: Path) -> None:
    """What is said to prove something, above all."""
    folders = "benchmarks|docs|examples|kraken_trio|tests"
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for name in re.findall(rf"`(?:python )?((?:{folders})/[\w/-]+\.\w+)[^`]*`", text):
        assert (PROJECT / name).exists(), name
