"""The house keeps its floors: every import of every module, read with ``ast``.

The guard is ``faults(name, source, optional)``: what is wrong with one module, as sentences.
It imports nothing that it judges. The first half of the tests runs it over the package, the
second half proves on small made-up modules that it finds what it must and nothing else.

A name of a module ends in ``.__init__`` for a package, so that the folder a relative import
starts from is always what stands before the last dot.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import kraken_trio

PACKAGE = Path(kraken_trio.__file__).parent
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

FLOORS = {
    "start": 0,
    "model": 0,
    "wire": 1,
    "core": 1,
    "engine": 2,
    "shell": 3,
    "observe": 3,
    "testing": 3,
    "tiers": 3,
    "facade": 4,
    "apps": 5,
}
HIGHEST_PURE_FLOOR = 2
LONGEST_MODULE = 400

WAITING = {"asyncio", "selectors", "socket", "ssl", "threading", "trio", "trio_websocket"}
"""Packages that wait, or do I/O: never imported at run time by a pure room."""
CLOCKS_AND_DICE = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.urandom",
    "random",
    "secrets",
    "time",
    "uuid",
}
"""What a pure room never reads: it is given ``now`` and a ``random.Random``. A name stands for all
that is under it."""


class Import(NamedTuple):
    """One name that one import statement brings in."""

    target: str
    """The dotted name: of a module, or of something in one."""
    alias: str
    """The name it binds."""
    bound: str
    """The dotted name that the alias then stands for: ``import a.b`` binds ``a`` to ``a``."""
    line: int
    """The statement's line."""
    typing_only: bool
    """Whether it stands under ``if TYPE_CHECKING:``."""
    deferred: bool
    """Whether it runs only when some function is called."""
    level: int
    """How many dots it starts with."""


def modules() -> Iterator[tuple[str, Path]]:
    """Give the name and path of every module of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(("kraken_trio", *path.relative_to(PACKAGE).with_suffix("").parts)), path


def optional_packages(pyproject: str, installed: dict[str, list[str]]) -> frozenset[str]:
    """Give the import names of everything that only an extra installs.

    ``installed`` maps import names to distributions; of a distribution that is not there, the
    import name is taken to be its own.
    """
    distributions = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
        for extra in tomllib.loads(pyproject)["project"]["optional-dependencies"].values()
        for requirement in extra
    } - {"kraken-trio"}
    names = {
        distribution: {
            name
            for name, sources in installed.items()
            if distribution in {source.lower() for source in sources}
        }
        or {distribution.replace("-", "_")}
        for distribution in distributions
    }
    return frozenset[str]().union(*names.values())


OPTIONAL = optional_packages(
    PYPROJECT.read_text(encoding="utf-8"),
    {name: list(found) for name, found in importlib.metadata.packages_distributions().items()},
)


def room_of(name: str) -> str | None:
    """Give the room of a dotted name of the project; None for the map and for an unknown room."""
    match name.split("."):
        case ["kraken_trio", "_internal", room, *_] if room in FLOORS and room != "facade":
            return room
        case ["kraken_trio", "_internal", *_]:
            return None
        case ["kraken_trio", "__main__", *_]:
            return "apps"
        case _:
            return "facade"


def under(name: str, ancestors: set[str] | frozenset[str]) -> bool:
    """Say whether a dotted name is one of these or stands under one of them."""
    return any(name == ancestor or name.startswith(ancestor + ".") for ancestor in ancestors)


def imports(package: str, tree: ast.AST) -> Iterator[Import]:
    """Give every import of a module, with relative ones resolved against its package."""

    def walk(node: ast.AST, *, typing_only: bool, deferred: bool) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                for name in names:
                    bound = name.name if name.asname else name.name.partition(".")[0]
                    alias = name.asname or bound
                    yield Import(name.name, alias, bound, node.lineno, typing_only, deferred, 0)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package.split(".")
                base = base[: max(0, len(base) - level + 1)] if level else []
                stem = ".".join([*base, *([module] if module else [])])
                for name in names:
                    target = f"{stem}.{name.name}"
                    alias = name.asname or name.name
                    yield Import(target, alias, target, node.lineno, typing_only, deferred, level)
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                for child in node.body:
                    yield from walk(child, typing_only=True, deferred=deferred)
                for child in node.orelse:
                    yield from walk(child, typing_only=typing_only, deferred=deferred)
            case _:
                function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                for inner in ast.iter_child_nodes(node):
                    yield from walk(inner, typing_only=typing_only, deferred=deferred or function)

    yield from walk(tree, typing_only=False, deferred=False)


def uses(tree: ast.AST, found: list[Import]) -> Iterator[tuple[str, int]]:
    """Give every dotted name that starts at an imported one, with its line, and every import."""
    bound = {item.alias: item.bound for item in found}
    for item in found:
        yield item.target, item.line
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        parts: list[str] = []
        head: ast.expr = node
        while isinstance(head, ast.Attribute):
            parts.insert(0, head.attr)
            head = head.value
        if isinstance(head, ast.Name) and head.id in bound:
            yield ".".join([bound[head.id], *parts]), node.lineno


def arrow_faults(room: str, found: list[Import]) -> Iterator[str]:
    """Say which imports of the project's own modules break the order of the floors."""
    home = f"kraken_trio._internal.{room}"
    start = "kraken_trio" if room == "facade" else home
    for item in found:
        where = f"line {item.line}: {item.target}"
        if item.level and not under(item.target, {start}):
            yield f"{where} is reached by a relative import that leaves {start}"
        if not under(item.target, {"kraken_trio"}) or under(item.target, {home}):
            continue
        there = room_of(item.target)
        if room == "apps":
            if there != "facade":
                yield f"{where} is no public tier, and apps use nothing else"
        elif there is None:
            yield f"{where} names no room"
        elif FLOORS[there] > FLOORS[room]:
            yield f"{where} is an arrow that rises, from {room} to {there}"
        elif FLOORS[there] == FLOORS[room]:
            yield f"{where} is a sibling of {room}"


def purity_faults(tree: ast.AST, found: list[Import]) -> Iterator[str]:
    """Say where a module of a pure room waits, reads a clock or rolls dice."""
    typing_only = {item.target for item in found if item.typing_only}
    for item in found:
        if under(item.target, WAITING) and not item.typing_only:
            yield f"line {item.line}: {item.target} waits, and this room is pure"
    for used, line in uses(tree, found):
        if under(used, CLOCKS_AND_DICE) and used not in {*typing_only, "random.Random"}:
            yield f"line {line}: {used} is a clock or dice, which are passed in here"
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("Random")):
                yield f"line {node.lineno}: Random is passed in here, not made"


def faults(name: str, source: str, optional: frozenset[str] = OPTIONAL) -> list[str]:
    """Say what is wrong with one module: nothing, for a good one.

    ``name`` is its dotted name (ending in ``.__init__`` for a package), ``optional`` the import
    names of what only an extra installs.
    """
    tree = ast.parse(source)
    package = name.rpartition(".")[0]
    found = list(imports(package, tree))
    result: list[str] = []
    length = len(source.splitlines())
    if length > LONGEST_MODULE:
        result.append(f"{length} lines; {LONGEST_MODULE} are the most")
    room = room_of(name)
    if room is None:
        if name != "kraken_trio._internal.__init__":
            result.append("stands in no known room")
        elif found:
            result.append("the map of the rooms imports nothing")
        return result
    result += arrow_faults(room, found)
    if FLOORS[room] <= HIGHEST_PURE_FLOOR:
        result += purity_faults(tree, found)
    if not name.startswith("kraken_trio._internal.apps."):
        result += [
            f"line {item.line}: {item.target} comes with an extra; import it where it is used"
            for item in found
            if under(item.target, optional) and not (item.deferred or item.typing_only)
        ]
    result += [
        f"line {line}: {used} is private to another package"
        for used, line in uses(tree, found)
        if used.split(".")[0] not in {"kraken_trio", "__future__"}
        and any(part.startswith("_") and not part.endswith("__") for part in used.split(".")[1:])
    ]
    return sorted(set(result))


@pytest.mark.parametrize(
    "name, path", [pytest.param(name, path, id=name) for name, path in modules()]
)
def test_module_keeps_its_place(name: str, path: Path) -> None:
    """No module of the package breaks a rule of the house."""
    assert faults(name, path.read_text(encoding="utf-8")) == []


def test_optional_packages_stay_out_of_the_core() -> None:
    """Importing every module but the apps imports no package that only an extra installs."""
    names = [
        name.removesuffix(".__init__")
        for name, _ in modules()
        if room_of(name) != "apps"  # __main__ counts as one of them
    ]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(*sorted({set(OPTIONAL)!r} & set(sys.modules)))"
    )
    run = subprocess.run(  # noqa: S603 - our own program, in our own interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (run.stderr, run.stdout.split()) == ("", [])


def test_optional_packages_come_from_the_extras() -> None:
    """Import names are found through what is installed, and guessed for what is not."""
    pyproject = """
        [project.optional-dependencies]
        a = ["Python-DotEnv>=1.0", "rich[x]>=13"]
        b = ["not-there ; python_version > '3'"]
        full = ["kraken-trio[a,b]"]
    """
    installed = {"dotenv": ["python-dotenv"], "rich": ["rich"], "other": ["other"]}
    assert optional_packages(pyproject, installed) == {"dotenv", "rich", "not_there"}


def test_extras_are_known() -> None:
    """The list that the guard works with is not empty, and holds nothing of the core."""
    assert OPTIONAL
    assert not OPTIONAL & {"trio", "trio_websocket", "msgspec", "attrs", "attr", "zlib_ng"}


WIRE = "kraken_trio._internal.wire.decode"
SHELL = "kraken_trio._internal.shell.feed"
APPS = "kraken_trio._internal.apps.cli"


@pytest.mark.parametrize(
    "name, source, fault",
    [
        # floors
        (WIRE, "from kraken_trio._internal.engine.path import Path", "rises, from wire to engine"),
        (WIRE, "from kraken_trio._internal import engine", "rises, from wire to engine"),
        (WIRE, "import kraken_trio._internal.shell.feed as f", "rises, from wire to shell"),
        (WIRE, "def f():\n from kraken_trio._internal.engine import x", "rises"),
        (WIRE, "if TYPE_CHECKING:\n from kraken_trio._internal.engine import x", "rises"),
        (WIRE, "from kraken_trio import Gap", "rises, from wire to facade"),
        (WIRE, "import kraken_trio", "rises, from wire to facade"),
        (WIRE, "from kraken_trio._internal.core.book import Book", "sibling of wire"),
        (SHELL, "from kraken_trio._internal.observe.log import Log", "sibling of shell"),
        ("kraken_trio._internal.observe.log", "import kraken_trio._internal.testing", "sibling"),
        ("kraken_trio._internal.testing.market", "from kraken_trio._internal import shell", "sib"),
        ("kraken_trio._internal.model.gap", "from kraken_trio._internal.wire import x", "rises"),
        ("kraken_trio.extended", "from kraken_trio import Gap", "sibling of facade"),
        ("kraken_trio.extended", "import kraken_trio.testing", "sibling of facade"),
        ("kraken_trio.extended", "from . import Gap", "sibling of facade"),
        ("kraken_trio.__init__", "from ._internal.apps import cli", "rises, from facade to apps"),
        ("kraken_trio.extended", "from kraken_trio.__main__ import main", "rises"),
        (WIRE, "from kraken_trio._internal.attic import x", "names no room"),
        (WIRE, "from kraken_trio._internal import __doc__", "names no room"),
        ("kraken_trio._internal.attic.x", "", "no known room"),
        ("kraken_trio._internal.helpers", "", "no known room"),
        ("kraken_trio._internal.facade.x", "", "no known room"),
        ("kraken_trio._internal.__init__", "from . import wire", "imports nothing"),
        # apps
        (APPS, "from kraken_trio._internal.model.gap import Gap", "no public tier"),
        (APPS, "from kraken_trio import _internal", "no public tier"),
        (APPS, "from ..wire import decode", "no public tier"),
        (APPS, "from kraken_trio.__main__ import main", "no public tier"),
        ("kraken_trio.__main__", "from kraken_trio._internal.engine import x", "no public tier"),
        # relative imports
        (WIRE, "from ..model import gap", "leaves kraken_trio._internal"),
        (WIRE, "from .... import x", "leaves kraken_trio"),
        (WIRE, "from ..... import x", "leaves kraken_trio"),
        (WIRE, "from ...extended import x", "leaves kraken_trio._internal"),
        (
            "kraken_trio._internal.wire.__init__",
            "from ..model import gap",
            "leaves kraken_trio._internal",
        ),
        ("kraken_trio.__init__", "from ..other import x", "leaves kraken_trio"),
        # waiting
        (WIRE, "import trio", "waits"),
        (WIRE, "from trio import sleep", "waits"),
        (WIRE, "import trio.abc", "waits"),
        (WIRE, "def f():\n import trio_websocket", "waits"),
        (WIRE, "if TYPE_CHECKING:\n pass\nelse:\n import trio", "waits"),
        ("kraken_trio._internal.engine.path", "import asyncio", "waits"),
        # clocks and dice
        (WIRE, "import time", "clock or dice"),
        (WIRE, "from time import monotonic", "clock or dice"),
        (WIRE, "import random", "clock or dice"),
        (WIRE, "from random import choice", "clock or dice"),
        (WIRE, "from random import Random\nr = Random(1)", "not made"),
        (WIRE, "import random as r\nx = r.random()", "clock or dice"),
        (WIRE, "from datetime import datetime as dt\nx = dt.now()", "datetime.datetime.now"),
        (WIRE, "from datetime import datetime\nf = datetime.utcnow", "datetime.datetime.utcnow"),
        (WIRE, "import datetime\nx = datetime.date.today()", "datetime.date.today"),
        (WIRE, "import os\nx = os.urandom(3)", "os.urandom"),
        (WIRE, "from os import urandom", "os.urandom"),
        (WIRE, "import secrets", "clock or dice"),
        # extras
        (SHELL, "import opt", "comes with an extra"),
        (SHELL, "from opt.sub import x", "comes with an extra"),
        (SHELL, "try:\n import opt\nexcept ImportError:\n pass", "comes with an extra"),
        ("kraken_trio.__main__", "import opt", "comes with an extra"),
        # private names
        (SHELL, "import trio\ntrio._core.x()", "trio._core is private"),
        (SHELL, "import trio._core", "trio._core is private"),
        (SHELL, "from trio import _core", "trio._core is private"),
        (SHELL, "from trio import lowlevel as low\nlow._x", "trio.lowlevel._x is private"),
        (SHELL, "import trio.abc\ntrio.abc._x", "trio.abc._x is private"),
        # length
        (WIRE, "x = 1\n" * 401, "401 lines"),
    ],
)
def test_fault_is_found(name: str, source: str, fault: str) -> None:
    """Each way to break a rule is found, and said in words that name it."""
    assert any(fault in found for found in faults(name, source, frozenset({"opt"})))


@pytest.mark.parametrize(
    "name, source",
    [
        (WIRE, "from kraken_trio._internal.model.gap import Gap"),
        (WIRE, "from kraken_trio._internal.wire import frames"),
        (WIRE, "from . import frames"),
        (WIRE, "from .frames import split"),
        ("kraken_trio._internal.wire.__init__", "from .frames import split"),
        ("kraken_trio._internal.engine.path", "from kraken_trio._internal import core, wire"),
        ("kraken_trio._internal.testing.market", "from kraken_trio._internal.engine import path"),
        ("kraken_trio.__init__", "from kraken_trio._internal.shell.feed import open_kraken"),
        ("kraken_trio.__init__", "from ._internal.shell.feed import open_kraken"),
        ("kraken_trio.testing", "from kraken_trio._internal.testing.market import Market"),
        (APPS, "from kraken_trio import Gap\nfrom kraken_trio.extended import verify"),
        (APPS, "from kraken_trio import extended, testing"),
        (APPS, "from kraken_trio._internal.apps.render import table\nfrom . import render"),
        ("kraken_trio._internal.apps.dashboard.page", "from ..render import table"),
        ("kraken_trio.__main__", "from kraken_trio._internal.apps.cli import run"),
        (WIRE, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import trio"),
        (WIRE, "import typing\nif typing.TYPE_CHECKING:\n import trio"),
        (WIRE, "from random import Random\ndef f(dice: Random) -> float: return dice.random()"),
        (WIRE, "if TYPE_CHECKING:\n import random\ndef f(dice: random.Random) -> None: ..."),
        (WIRE, "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)"),
        (WIRE, "import os\nx = os.sep"),
        (WIRE, "def f(clock):\n return clock.now()"),
        (SHELL, "import random\nimport time\nimport trio\nx = time.time(), trio.__version__"),
        (SHELL, "def f():\n import opt"),
        (SHELL, "async def f():\n from opt.sub import x"),
        (SHELL, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import opt"),
        (SHELL, "import optimal"),
        (SHELL, "class A:\n _x = 1\n def f(self): return self._x"),
        (APPS, "import opt"),
        (WIRE, "from __future__ import annotations"),
        (WIRE, "x = 1\n" * 400),
        ("kraken_trio._internal.__init__", '"""The map."""'),
    ],
)
def test_good_module_passes(name: str, source: str) -> None:
    """What the rules allow is not found."""
    assert faults(name, source, frozenset({"opt"})) == []
