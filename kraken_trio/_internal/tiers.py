"""What makes a facade: its names say that they live where users import them from, and those that
are to go still lead to what they meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from kraken_trio._internal.model.deprecated import Deprecation


def publish(namespace: dict[str, Any]) -> None:
    """Give everything in ``__all__`` of a module's namespace that module as its home.

    Constants and aliases have none, and are left as they are.
    """
    for name in namespace["__all__"]:
        thing = namespace[name]
        if not getattr(thing, "__module__", "").startswith("kraken_trio._internal"):
            continue
        # Annotations are looked up where a thing says that it lives: resolve them before it moves.
        hints = get_type_hints(thing, include_extras=True)
        thing.__annotations__ = {key: hints[key] for key in thing.__annotations__}
        thing.__module__ = namespace["__name__"]


def retired(
    namespace: dict[str, Any], names: Mapping[str, tuple[str, str]]
) -> Callable[[str], Any]:
    """Give the ``__getattr__`` of a module some of whose names are to go.

    ``names`` has for each what it is called now, and what is said about it, as ``deprecated`` takes
    it. Whoever looks one up is warned, and given the thing. In the module it must stand under
    ``if not TYPE_CHECKING:``, or type checkers take every name for one that is there.
    """
    home = namespace["__name__"]
    leaving = {
        name: (now, Deprecation.of(f"{home}.{name}", said)) for name, (now, said) in names.items()
    }

    def look_up(name: str) -> Any:
        found = leaving.get(name)
        if found is None:
            raise AttributeError(f"module {home!r} has no attribute {name!r}")
        now, deprecation = found
        deprecation.warn(stacklevel=2)
        return namespace[now]

    return look_up
