"""Which hooks are called, and what becomes of one that raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.ports import Observer

GAP = Gap("book", "BTC/USD", GapReason.CHECKSUM)


class Listening(Observer):
    """Remembers gaps."""

    def __init__(self, heard: list[Any]) -> None:
        """Remember them in ``heard``."""
        self.heard = heard

    def gap(self, session: str, gap: Gap) -> None:
        """Remember it."""
        self.heard.append((self, session, gap))


HOOKS = [name for name in vars(Observer) if not name.startswith("_")]


def broken() -> Observer:
    """Give an observer that raises, whatever it is told."""

    def raising(name: str) -> Callable[..., None]:
        def hook(*told: object) -> None:
            raise ProtocolError(f"{name} of {len(told)}")

        return hook

    made: Observer = type("Broken", (Observer,), {name: raising(name) for name in HOOKS})()
    return made


def test_those_who_listen_are_told_in_order() -> None:
    """A hook that is left alone is not called, so it costs nothing."""
    heard: list[Any] = []
    first, second = Listening(heard), Listening(heard)
    hooks = Hooks([first, Observer(), second], failed=heard.append)
    for hook in hooks.gap:
        hook("public", GAP)
    assert heard == [(first, "public", GAP), (second, "public", GAP)]
    assert (hooks.frame_received, hooks.frame_sent, hooks.state_changed) == ((), (), ())


@pytest.mark.parametrize("name", HOOKS)
def test_what_an_observer_raises_disturbs_nobody_else(name: str) -> None:
    """Whoever runs the feed is given the very error, and the next observer is called."""
    heard: list[Any] = []
    after = type("After", (Observer,), {name: lambda _, *told: heard.append(told)})()
    hooks = Hooks([broken(), after], failed=heard.append)
    for _ in range(2):  # What is broken is left alone from then on.
        for hook in getattr(hooks, name):
            hook("told")
    error, told, _ = heard
    assert (type(error), str(error), told) == (ProtocolError, f"{name} of 2", ("told",))
