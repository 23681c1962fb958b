"""What makes a facade: its names say that they live where users import them from, and those that
are to go still lead to what they meant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from kraken_trio._internal.model.deprecated import Deprecation


def publish(namespace: dict[str, Any]) -> None:
    """Give everything in ``__all__`` of a module's namespace that module as its home.

    Constants and aliases have none, and are left as they are.
    """
    codes: dict[str, CodeType] = {}
    for name in namespace["__all__"]:
        thing = namespace[name]
        if not getattr(thing, "__module__", "").startswith("kraken_trio._internal"):
            continue
        # Annotations are looked up where a thing says that it lives: resolve them before it moves.
        names = vars(sys.modules[thing.__module__])
        thing.__annotations__ = {
            key: _resolved(said, names, codes) for key, said in thing.__annotations__.items()
        }
        thing.__module__ = namespace["__name__"]


def _resolved(annotation: object, names: dict[str, Any], codes: dict[str, CodeType]) -> object:
    """What an annotation means, as ``typing.get_type_hints`` has it: that compiles each anew, which
    took a tenth of the import of the library, and most are said again and again.
    """
    if isinstance(annotation, str):
        code = codes.get(annotation)
        if code is None:
            code = codes[annotation] = compile(annotation, "<annotation>", "eval")
        annotation = eval(code, names)  # noqa: S307 - it is our own
    return type(None) if annotation is None else annotation


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
