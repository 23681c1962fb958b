"""Every line of the log has its event and its fields; the page has all events, and loggers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import kraken_trio

PACKAGE = Path(kraken_trio.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
MODULES = sorted(PACKAGE.rglob("*.py"))
RATION: Final = "ration.py"
"""Where ``say`` is: it writes what others name."""


def functions(path: Path) -> Iterator[ast.AST]:
    """Give each function of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(function: ast.AST) -> Iterator[ast.Call]:
    """Give each call in it."""
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def is_direct(call: ast.Call) -> bool:
    """Say whether it writes to a logger, and not by ``say``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in LEVELS:
        return False
    return ast.unparse(call.func.value) in {"log", "self._log", "logger", "to"}


def meant(function: ast.AST, node: ast.expr) -> list[ast.expr]:
    """Give what an expression is; of a name, all that it is set to in this function."""
    if not isinstance(node, ast.Name):
        return [node]
    return [
        each.value
        for each in ast.walk(function)
        if isinstance(each, ast.Assign) and node.id in names(each.targets)
    ]


def names(targets: list[ast.expr]) -> set[str]:
    """Give the names that are set."""
    nodes = (node for target in targets for node in ast.walk(target))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def words(function: ast.AST, node: ast.expr) -> set[str]:
    """Give the texts that an expression may be."""
    return {
        each.value
        for value in meant(function, node)
        for each in ast.walk(value)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def of_extra(function: ast.AST, call: ast.Call) -> set[str]:
    """Give the events in the ``extra`` of a direct call."""
    return {
        word
        for keyword in call.keywords
        if keyword.arg == "extra"
        for value in meant(function, keyword.value)
        if isinstance(value, ast.Dict)
        for key, its in zip(value.keys, value.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "event"
        for word in words(function, its)
    }


def events(path: Path) -> set[str]:
    """Give all events that a module writes."""
    found: set[str] = set()
    for function in functions(path):
        for call in calls(function):
            name = ast.unparse(call.func)
            if is_direct(call):
                found |= of_extra(function, call)
            elif name == "say" and len(call.args) > 2:
                found |= words(function, call.args[2])
            elif name == "self._log.write":
                found |= words(function, call.args[1])
    return found


def table(first: str) -> set[str]:
    """Give what stands in the first column of the table on the page that begins with ``first``."""
    rows = PAGE.read_text(encoding="utf-8").split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0]
    cells = [row.split("|")[1] for row in rows.splitlines()[2:]]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_line_is_text_alone(path: Path) -> None:
    """Who writes to a logger does so by ``say``, or says ``extra`` himself: the event, with which
    the text begins.
    """
    for function in functions(path):
        for call in calls(function):
            if not is_direct(call) or path.name == RATION:
                continue
            (event,) = of_extra(function, call) or {""}
            assert event, ast.unparse(call)
            (text,) = words(function, call.args[0])
            assert text.startswith(f"{event}: "), ast.unparse(call)


def test_a_line_by_say_begins_with_its_event() -> None:
    """There is one place that sees to it."""
    (path,) = (each for each in MODULES if each.name == RATION)
    source = path.read_text(encoding="utf-8")
    assert 'to.log(level, f"{kind}: {text}", *about, extra={"event": kind, **fields})' in source


def test_the_page_names_every_event() -> None:
    """And none that there is not."""
    written = set[str]().union(*map(events, MODULES))
    assert {"clock_skew_over", "left_out", "gap", "recording_late", "metrics"} <= written
    assert table("event") == written


def test_the_page_names_every_logger() -> None:
    """And none that there is not."""
    used = {
        str(call.args[0].value)
        for path in MODULES
        if path.name != RATION and path.parent.name != "apps"
        for call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if ast.unparse(call.func) == "logging.getLogger"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    assert table("logger") == used
    assert all(re.fullmatch(r"kraken_trio\.[a-z]+", each) for each in used)
