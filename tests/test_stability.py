"""What docs/stability.md promises of what is to go: it is listed, it works, and it goes in time."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kraken_trio
from kraken_trio._internal.model.deprecated import Deprecation, KrakenDeprecationWarning
from kraken_trio._internal.tiers import retired

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
PACKAGE = Path(kraken_trio.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROW = re.compile(r"^\| `([^`]+)` \| (\d+\.\d+) \| (\d+\.\d+) \| (.+) \|$", re.MULTILINE)


def said_in(source: str) -> Iterator[tuple[str, str]]:
    """Give each deprecation of a module: what is to go, and what is said about it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for mark in node.decorator_list:
                    match mark:
                        case ast.Call(func=ast.Name("deprecated"), args=[ast.Constant(str(said))]):
                            yield node.name, said
            case ast.Call(func=ast.Name("retired" | "_retired"), args=[_, ast.Dict() as table]):
                for name, (_, said) in ast.literal_eval(table).items():
                    yield name, said


def deprecations() -> list[Deprecation]:
    """Give all that there are in the package."""
    return [
        Deprecation.of(name, said)
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, said in said_in(path.read_text(encoding="utf-8"))
    ]


def version(text: str) -> tuple[int, int]:
    """Give the major and the minor number."""
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def test_the_page_lists_what_is_deprecated() -> None:
    """Each with its times and what to use instead; and it says so where there is nothing."""
    listed = [
        (name.rpartition(".")[2], version(since), version(gone), instead)
        for name, since, gone, instead in ROW.findall(PAGE)
    ]
    there = [(each.what, each.since, each.gone, each.instead) for each in deprecations()]
    assert sorted(listed) == sorted(there)
    assert ("\nNothing.\n" in PAGE) == (not there)


def test_nothing_is_overdue() -> None:
    """What was said to be gone in this version is."""
    now = version(PROJECT["version"])
    assert [str(each) for each in deprecations() if each.gone <= now] == []


def test_each_tier_is_on_the_page() -> None:
    """With what it promises."""
    for tier in ("kraken_trio", "kraken_trio.extended", "kraken_trio.testing"):
        assert f"\n| `{tier}`" in PAGE


def test_programs_of_users_are_checked() -> None:
    """By mypy, as all tests are, and by pyright; a mistake that is none any more is an error."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert "tests" in tools["mypy"]["files"]
    assert tools["mypy"]["strict"] is True
    assert "tests/typing" in tools["pyright"]["include"]
    programs = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/typing").glob("*.py")]
    assert len(programs) == 2
    for program in programs:
        assert "# pyright: strict, reportUnnecessaryTypeIgnoreComment=true" in program
        assert program.count("assert_type(") > 15
        assert program.count("# type: ignore[") > 4


def test_deprecations_are_found() -> None:
    """In functions, in methods and in the names of a facade; and nothing else is taken for one."""
    source = """
class A:
    @property
    @deprecated("since 1.0, gone in 2.0: use b")
    def a(self): ...
    @cached
    @other("x")
    async def c(self): ...

@deprecated("since 1.1, gone in 2.0: use e")
async def d(): ...

__getattr__ = _retired(globals(), {"Old": ("New", "since 1.2, gone in 2.0: use New")})
"""
    assert sorted(said_in(source)) == [
        ("Old", "since 1.2, gone in 2.0: use New"),
        ("a", "since 1.0, gone in 2.0: use b"),
        ("d", "since 1.1, gone in 2.0: use e"),
    ]


def test_a_retired_name_leads_to_what_it_meant() -> None:
    """Whoever looks it up is warned and given the thing; other names are as unknown as ever."""
    namespace: dict[str, Any] = {"__name__": "kraken_trio", "Level": kraken_trio.Level}
    look_up = retired(namespace, {"Rung": ("Level", "since 1.2, gone in 2.0: use Level")})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert look_up("Rung") is kraken_trio.Level
    (warning,) = caught
    assert warning.category is KrakenDeprecationWarning
    assert str(warning.message) == (
        "kraken_trio.Rung is deprecated since 1.2 and gone in 2.0: use Level"
    )
    assert warning.filename == __file__
    with pytest.raises(AttributeError, match="module 'kraken_trio' has no attribute 'Rug'"):
        look_up("Rug")


def test_a_retired_name_cannot_break_the_policy() -> None:
    """It is refused when the module is imported, and so by every test."""
    with pytest.raises(ValueError, match=r"kraken_trio\.Rung"):
        retired({"__name__": "kraken_trio"}, {"Rung": ("Level", "since 1.2, gone in 1.3: use x")})
