"""Every line of the log has its event and its fields, wherever it is written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kraken_trio

PACKAGE = Path(kraken_trio.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_line_is_text_alone(path: Path) -> None:
    """Who writes to a logger does so by ``say``, or says ``extra`` himself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            who = ast.unparse(node.func.value)
            if node.func.attr in LEVELS and who in {"log", "self._log", "logger", "to"}:
                assert "extra" in {each.arg for each in node.keywords}, ast.unparse(node)
