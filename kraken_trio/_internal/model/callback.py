"""What is told of a callback that failed, where the feed goes on without it."""

from __future__ import annotations

from msgspec import Struct


class CallbackError(Struct, frozen=True):
    """A callback raised, in a feed that isolates callbacks. The next call of it goes on."""

    callback: str
    """The callback's qualified name; its ``repr`` where it has none."""
    item: object
    """What it was called with."""
    exception: Exception
    """What it raised."""
