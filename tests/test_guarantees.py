"""docs/guarantees.md promises nothing without a test, and names no test that is not there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def promises(page: str) -> list[tuple[str, str, str]]:
    """Give the rows of the page's tables, cell by cell, without their heads."""
    rows = [line.strip("|").split(" | ") for line in page.splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in row) for row in rows if not row[0].startswith("---")]
    return [(row[0], row[1], row[2]) for row in cells if row[0] != "what is promised"]


def repeated(page: str) -> list[str]:
    """Give the promises that stand there more than once."""
    counts = Counter(promise for promise, _, _ in promises(page))
    return [promise for promise, count in counts.items() if count > 1]


@cache
def functions(path: str) -> frozenset[str]:
    """Give the tests of a file, by reading it."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def missing(page: str) -> list[str]:
    """Give what is wrong with the page, as sentences."""
    return [
        *(f"no test: {promise}" for promise, _, proof in promises(page) if not NAMED.search(proof)),
        *(f"twice: {promise}" for promise in repeated(page)),
        *(f"no means: {promise}" for promise, means, _ in promises(page) if not means),
        *(
            f"{path} has no {name}"
            for path, name in NAMED.findall(page)
            if not (ROOT / path).is_file() or name not in functions(path)
        ),
    ]


def test_each_promise_has_its_test() -> None:
    """Every row names one at least, and all that are named are there."""
    assert len(promises(PAGE)) > 40
    assert missing(PAGE) == []


@pytest.mark.parametrize(
    "row, found",
    [
        ("| a | b | `tests/test_guarantees.py::test_what_is_missing_is_found` |", []),
        ("| a | b | nothing |", ["no test: a"]),
        (
            2 * "| a | b | `tests/test_guarantees.py::test_what_is_missing_is_found` |\n",
            ["twice: a"],
        ),
        ("| a |  | `tests/test_guarantees.py::test_what_is_missing_is_found` |", ["no means: a"]),
        (
            "| a | b | `tests/test_guarantees.py::test_x` |",
            ["tests/test_guarantees.py has no test_x"],
        ),
        ("| a | b | `tests/test_none.py::test_x` |", ["tests/test_none.py has no test_x"]),
    ],
)
def test_what_is_missing_is_found(row: str, found: list[str]) -> None:
    """A promise without a test, without means, or with a test that is not there."""
    assert missing(row) == found


def test_every_property_stands_there() -> None:
    """All twenty-eight are promises."""
    listed = functions("tests/product/test_properties.py") | functions(
        "tests/product/test_properties_events.py"
    )
    named = {name for _, name in NAMED.findall(PAGE)}
    assert listed - named == {"test_every_property_has_its_test"}
