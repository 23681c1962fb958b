"""What is to go, and the warning that says so.

Knows how a deprecation is said: since which version, in which it is gone, what to use instead.
``docs/stability.md`` promises when that may be; what breaks the promise cannot be written down
here. ``deprecated`` marks functions; ``kraken_trio._internal.tiers.retired`` whole names.
"""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import Struct

_F = TypeVar("_F", bound=Callable[..., Any])
_SAID = re.compile(r"since (\d+)\.(\d+), gone in (\d+)\.(\d+): use (.+)")


class KrakenDeprecationWarning(FutureWarning):
    """Something of the library goes in a version to come; the text says what to use instead.

    A ``FutureWarning``, which Python shows unless told otherwise: a ``DeprecationWarning`` is shown
    to who runs the tests of a program and not to who runs the program.
    """


class Deprecation(Struct, frozen=True):
    """That something is to go, as it is said to its users."""

    what: str
    """Its name."""
    since: tuple[int, int]
    """The version that first warned of it: major and minor."""
    gone: tuple[int, int]
    """The version that does not have it any more."""
    instead: str
    """What to use."""

    @classmethod
    def of(cls, what: str, said: str) -> Self:
        """Read ``since 1.2, gone in 2.0: use feed.trades``; raises ``ValueError`` for any other.

        Also for a time that is not allowed: what goes does so in a major version or, before 1.0, in
        a minor one.
        """
        found = _SAID.fullmatch(said)
        if found is None:
            raise ValueError(f"{what}: say it as: since 1.2, gone in 2.0: use this, not {said!r}")
        major, minor, later, its_minor = map(int, found.groups()[:4])
        breaking = its_minor == 0 or later == 0
        if (later, its_minor) <= (major, minor) or not breaking:
            raise ValueError(f"{what}: nothing that warns since {major}.{minor} may go then")
        return cls(what, (major, minor), (later, its_minor), found[5])

    def __str__(self) -> str:
        """Give the text of the warning."""
        return (
            f"{self.what} is deprecated since {self.since[0]}.{self.since[1]} and gone in "
            f"{self.gone[0]}.{self.gone[1]}: use {self.instead}"
        )

    def warn(self, *, stacklevel: int) -> None:
        """Warn. With ``stacklevel=2`` the line is shown that called the caller of this."""
        warnings.warn(str(self), KrakenDeprecationWarning, stacklevel=stacklevel + 1)


def _deprecated(said: str, /) -> Callable[[_F], _F]:
    """Have a function or method warn when it is called, or awaited where it is asynchronous.

    ``said`` is a literal such as ``since 1.2, gone in 2.0: use feed.trades``, which type checkers
    show, too. Under ``@property``, ``@classmethod`` and ``@asynccontextmanager``: nearer to the
    function than these, or further for the last.
    """

    def wrap(call: _F) -> _F:
        deprecation = Deprecation.of(call.__qualname__, said)

        @functools.wraps(call)
        def warned(*args: Any, **kwargs: Any) -> Any:
            deprecation.warn(stacklevel=2)
            return call(*args, **kwargs)

        @functools.wraps(call)
        async def warned_async(*args: Any, **kwargs: Any) -> Any:
            deprecation.warn(stacklevel=2)
            return await call(*args, **kwargs)

        # What is looked at to see whether to await it must stay what it looks like.
        asynchronous = inspect.iscoroutinefunction(call)
        return warned_async if asynchronous else warned  # type: ignore[return-value] # it wraps it

    return wrap


if TYPE_CHECKING:
    # The one that checkers know by name; it is part of their own stubs, and not installed.
    from typing_extensions import deprecated as deprecated  # noqa: PLC0414 - to be imported from here
else:
    deprecated = _deprecated
