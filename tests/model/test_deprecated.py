"""What is to go still works, and says so at the line that used it, as the policy wants it said."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from kraken_trio._internal.model.deprecated import (
    Deprecation,
    KrakenDeprecationWarning,
    deprecated,
)


class Old:
    """It has one of each kind, all of them to go."""

    @deprecated("since 1.2, gone in 2.0: use new")
    def method(self, number: int, *, more: int = 0) -> int:
        """Add."""
        return number + more

    @property
    @deprecated("since 1.2, gone in 2.0: use new")
    def shown(self) -> int:
        """Show."""
        return 7

    @classmethod
    @deprecated("since 1.2, gone in 2.0: use new")
    def made(cls) -> type[Old]:
        """Give itself."""
        return cls

    @deprecated("since 1.2, gone in 2.0: use new")
    async def wait(self, number: int) -> int:
        """Wait."""
        await trio.lowlevel.checkpoint()
        return number

    @deprecated("since 1.2, gone in 2.0: use new")
    @asynccontextmanager
    async def open_it(self) -> AsyncIterator[int]:
        """Open."""
        await trio.lowlevel.checkpoint()
        yield 3


async def test_all_still_work_and_warn() -> None:
    """Each gives what it gave, and its warning stands at the line that used it."""
    old = Old()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert old.method(1, more=2) == 3
        assert old.shown == 7
        assert Old.made() is Old
        assert await old.wait(5) == 5
        async with old.open_it() as opened:
            assert opened == 3
    first = inspect.getsourcelines(test_all_still_work_and_warn)[1]
    assert [(each.filename, each.lineno - first) for each in caught] == [
        (__file__, line) for line in (5, 6, 7, 8, 9)
    ]
    assert [str(each.message) for each in caught] == [
        f"Old.{name} is deprecated since 1.2 and gone in 2.0: use new"
        for name in ("method", "shown", "made", "wait", "open_it")
    ]
    assert {each.category for each in caught} == {KrakenDeprecationWarning}


def test_it_looks_as_before() -> None:
    """Name, words, signature and whether to await it are those of the function."""
    assert Old.wait.__qualname__ == "Old.wait"
    assert Old.wait.__doc__ == "Wait."
    assert (
        str(inspect.signature(Old.method)) == "(self, number: 'int', *, more: 'int' = 0) -> 'int'"
    )
    assert inspect.iscoroutinefunction(Old.wait)
    assert not inspect.iscoroutinefunction(Old.method)


def test_python_shows_it_by_itself() -> None:
    """With the filters that a program has unless told otherwise, the warning is seen."""
    assert issubclass(KrakenDeprecationWarning, FutureWarning)
    assert not issubclass(KrakenDeprecationWarning, DeprecationWarning)


@pytest.mark.parametrize(
    "said, since, gone",
    [
        ("since 1.2, gone in 2.0: use b", (1, 2), (2, 0)),
        ("since 1.2, gone in 4.0: use b", (1, 2), (4, 0)),
        ("since 0.3, gone in 0.4: use b", (0, 3), (0, 4)),
        ("since 0.3, gone in 1.0: use b", (0, 3), (1, 0)),
    ],
)
def test_times_that_are_allowed(said: str, since: tuple[int, int], gone: tuple[int, int]) -> None:
    """What goes does so in a later major version or, before 1.0, in a later minor one."""
    assert Deprecation.of("a", said) == Deprecation("a", since, gone, "b")


@pytest.mark.parametrize(
    "said",
    [
        "since 1.2, gone in 1.3: use b",
        "since 1.2, gone in 1.2: use b",
        "since 1.2, gone in 1.0: use b",
        "since 2.0, gone in 2.0: use b",
        "since 0.3, gone in 0.3: use b",
        "since 1.2, gone in 2.1: use b",
        "since 1.2: use b",
        "since 1.2, gone in 2.0",
        "old",
    ],
)
def test_what_the_policy_does_not_allow_cannot_be_said(said: str) -> None:
    """A minor version takes nothing away, and each says what to use instead."""
    with pytest.raises(ValueError, match=r"^a: "):
        Deprecation.of("a", said)
