"""Whom to tell what: the observers, hook by hook.

A hook that nobody overrides costs nothing. What one raises is a fault of the observer's and stays
out of the data's way: whoever runs the feed is given it, and will end it; that observer is told
nothing more, and the others are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kraken_trio._internal.model.ports import Observer

Hook = Callable[..., None]
Failed = Callable[[Exception], object]
"""Is given what a hook raised, at once. Must not raise."""


class Hooks:
    """The hooks of some observers: each has those of all, in the order in which they were given."""

    __slots__ = (
        "fault",
        "frame_received",
        "frame_sent",
        "gap",
        "restored",
        "resync",
        "state_changed",
        "stepped",
        "subscription_failed",
    )

    def __init__(self, observers: Iterable[Observer], failed: Failed) -> None:
        """Take the hooks of ``observers`` that do anything; ``failed`` is told what they raise."""
        every = tuple(observers)

        # Those that raised, by their place: what is broken is left alone from then on.
        broken: set[int] = set()

        def guarded(place: int, hook: Hook) -> Hook:
            def call(*told: object) -> None:
                if place in broken:
                    return
                try:
                    hook(*told)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told as itself
                    broken.add(place)
                    failed(error)

            return call

        def hooks(name: str) -> tuple[Hook, ...]:
            return tuple(
                guarded(place, getattr(observer, name))
                for place, observer in enumerate(every)
                if getattr(type(observer), name) is not getattr(Observer, name)
            )

        self.frame_received: tuple[Hook, ...] = hooks("frame_received")
        self.frame_sent: tuple[Hook, ...] = hooks("frame_sent")
        self.fault: tuple[Hook, ...] = hooks("fault")
        self.gap: tuple[Hook, ...] = hooks("gap")
        self.resync: tuple[Hook, ...] = hooks("resync")
        self.restored: tuple[Hook, ...] = hooks("restored")
        self.state_changed: tuple[Hook, ...] = hooks("state_changed")
        self.subscription_failed: tuple[Hook, ...] = hooks("subscription_failed")
        self.stepped: tuple[Hook, ...] = hooks("stepped")
