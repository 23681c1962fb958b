"""What makes a facade: its names say that they live where users import them from."""

from __future__ import annotations

from typing import Any, get_type_hints


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
