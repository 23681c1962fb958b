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
    yield from sorted((PACKAGE / "_internal").glob("*.py"))
    yield from sorted(PACKAGE.glob("*.py"))


def questions(source: str) -> Iterator[int]:
    """Give the lines at which a module asks which protocol it is."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text in NAMES:
                yield node.lineno
            case ast.Compare(left=left, comparators=others):
                if any(_tells(part) or _is_one(part) for part in (left, *others)):
                    yield node.lineno
            case ast.Match(subject=asked) | ast.If(test=asked) | ast.IfExp(test=asked):
                if _tells(asked):
                    yield node.lineno
            case ast.While(test=asked) | ast.Assert(test=asked) | ast.UnaryOp(operand=asked):
                if _tells(asked):
                    yield node.lineno
            case ast.BoolOp(values=parts) if any(map(_tells, parts)):
                yield node.lineno
            case ast.match_case(guard=ast.expr() as asked) if _tells(asked):
                yield asked.lineno
            case ast.comprehension(ifs=parts) if any(map(_tells, parts)):
                yield parts[0].lineno
            case ast.ImportFrom(module=str(module), names=names) if module.endswith("traits"):
                if any(name.name in ("V1", "PROTOCOLS") for name in names):
                    yield node.lineno
            case ast.ImportFrom(module=str(module)) if ".v1_" in module:
                yield node.lineno


def _tells(node: ast.AST) -> bool:
    """Whether it is what says which protocol there is."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name.lstrip("_") in ("protocol", "api_version", "traits"):
                return True
    match node:
        case ast.Attribute(value=ast.Name(id=of) | ast.Attribute(attr=of), attr="name"):
            return of.lstrip("_") == "traits"
        case _:
            return False


def _is_one(node: ast.AST) -> bool:
    """Whether it is one of the protocols."""
    return isinstance(node, ast.Name) and node.id in ("V1", "V2")


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
        "if self._traits is OTHER: pass",
        "x = engine.spoken is V2",
        "while self._protocol: pass",
        "assert protocol",
        "x = [each for each in y if each.protocol]",
        "x = protocol and y",
        "x = not protocol",
        "match x:\n    case _ if traits: pass",
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
        "def wire_part(part: Channel, traits: Traits = V2) -> Channel: ...",
        "match x:\n    case 'ticker' if traits.spread_of_tickers: pass",
        "x = not self._traits.orders",
    ],
)
def test_the_guard_finds_nothing_else(source: str) -> None:
    """To ask for a trait is what it is there for."""
    assert list(questions(source)) == []
