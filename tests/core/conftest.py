"""A playbook: what goes in (``>>``), what must come out (``<<``), at which moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import pytest


class Stepped(Protocol):
    """A machine of data in, data out."""

    def handle(self, event: Any, now: float) -> list[Any]:
        """Take an input."""
        ...

    def tick(self, now: float) -> list[Any]:
        """Let time pass."""
        ...


class Playbook:
    """Drives one machine; each ``<<`` must name exactly the effects of the step before it."""

    def __init__(self, machine: Stepped) -> None:
        """Start at moment zero."""
        self.machine = machine
        self.now = 0.0
        self._effects: list[Any] = []

    def __rshift__(self, event: object) -> Self:
        """Give the machine an input."""
        self._effects = self.machine.handle(event, self.now)
        return self

    def wait(self, seconds: float) -> Self:
        """Let time pass, and tick once at the end of it."""
        self.now += seconds
        self._effects = self.machine.tick(self.now)
        return self

    def __lshift__(self, expected: list[object]) -> Self:
        """Compare what came out; a type stands for any effect of it."""
        shown = [
            type(effect) if isinstance(want, type) else effect
            for effect, want in zip(self._effects, expected, strict=False)
        ] + self._effects[len(expected) :]
        assert shown == expected
        return self


@pytest.fixture
def playbook() -> Callable[[Stepped], Playbook]:
    """Give the means to write a playbook for a machine."""
    return Playbook
