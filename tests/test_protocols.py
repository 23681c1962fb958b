"""Nobody above ``wire`` asks which protocol is spoken: the traits tell what it has.

The guard reads every module above ``wire`` with ``ast``. Its second half proves on small made-up
modules that it finds what it must and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kraken_trio

PACKAGE = Path(kraken_trio.__file__).parent
ABOVE = ("core", "engine", "shell", "observe", "apps")
"""Rooms that must not ask. The simulated exchange speaks both, and has to choose."""
NAMES = frozenset({"v1", "v2"})


def modules() -> Iterator[Path]:
    """Give every module above ``wire``."""
    for room in ABOVE:
        yield from sorted((PACKAGE / "_internal" / room).rglob("*.py"))
    yield from sorted(PACKAGE.glob("*.py"))


def questions(source: str) -> Iterator[int]:
    """Give the lines at which a module asks which protocol it is."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text in NAMES:
                yield node.lineno
            case ast.Compare() | ast.Match() | ast.If() | ast.IfExp():
                asked = node.test if isinstance(node, ast.If | ast.IfExp) else node
                parts: list[ast.AST] = [asked]
                if isinstance(asked, ast.Compare):
                    parts = [asked.left, *asked.comparators]
                elif isinstance(asked, ast.Match):
                    parts = [asked.subject]
                if any(_tells(part) for part in parts):
                    yield node.lineno
            case ast.ImportFrom(module=str(module), names=names) if module.endswith("traits"):
                if any(name.name in ("V1", "PROTOCOLS") for name in names):
                    yield node.lineno
            case ast.ImportFrom(module=str(module)) if ".v1_" in module:
                yield node.lineno


def _tells(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="protocol") | ast.Attribute(attr="protocol" | "api_version"):
            return True
        case ast.Attribute(value=ast.Name(id="traits") | ast.Attribute(attr="traits"), attr="name"):
            return True
        case ast.Name(id="traits") | ast.Attribute(attr="traits"):
            return True
        case _:
            return False


@pytest.mark.parametrize(
    "path", list(modules()), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_nobody_asks(path: Path) -> None:
    """No module above ``wire`` compares protocols, names one, or knows how one is spelt."""
    assert list(questions(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "if config.protocol == 'old': pass",
        "x = 1 if protocol else 2",
        "match self.protocol:\n    case _: pass",
        "if traits is OTHER: pass",
        "if self.traits.name in seen: pass",
        "x = kind == 'v1'",
        "x = {'v2': 1}",
        "from kraken_trio._internal.model.traits import V1",
        "from kraken_trio._internal.model.traits import PROTOCOLS",
        "from kraken_trio._internal.wire.v1_decode import V1Decoder",
        "if status.api_version == x: pass",
    ],
)
def test_the_guard_finds_questions(source: str) -> None:
    """Whichever way it is asked, it is found."""
    assert list(questions(source))


@pytest.mark.parametrize(
    "source",
    [
        "if self.traits.spread_of_tickers: pass",
        "if 'trade' not in traits.numbered: pass",
        "traits.check(channel)",
        "from kraken_trio._internal.model.traits import V2, Traits",
        "x = 'protocol v1 alone has it'",
        "decoder_of(config.traits)",
    ],
)
def test_the_guard_finds_nothing_else(source: str) -> None:
    """To ask for a trait is what it is there for."""
    assert list(questions(source)) == []
