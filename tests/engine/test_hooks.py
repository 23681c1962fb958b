"""Which hooks are called, what they cost, and what becomes of one that raises or is slow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from kraken_trio._internal.engine.hooks import (
    SECOND_NS,
    SHARE_NS,
    SLOW_NS,
    Hooks,
    Watcher,
    watchers,
)
from kraken_trio._internal.model.alert import ObserverFailed, ObserverSlow
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.ports import Observer

GAP = Gap("book", "BTC/USD", GapReason.CHECKSUM)
HOOKS = [name for name in vars(Observer) if not name.startswith("_")]


class Listening(Observer):
    """Remembers gaps."""

    def __init__(self, heard: list[Any]) -> None:
        """Remember them in ``heard``."""
        self.heard = heard

    def gap(self, session: str, gap: Gap) -> None:
        """Remember it."""
        self.heard.append((self, session, gap))


class Clock:
    """Rises by as much as is asked for."""

    def __init__(self) -> None:
        """At nothing."""
        self.now = 0

    def __call__(self) -> int:
        """What time it is."""
        return self.now


def watched(*observers: Observer, report: Callable[..., object] = print) -> tuple[Watcher, ...]:
    """Watch them by a clock that rises by one."""
    return watchers(observers, report, count().__next__)


def broken() -> Observer:
    """Give an observer that raises, whatever it is told."""

    def raising(name: str) -> Callable[..., None]:
        def hook(*told: object) -> None:
            raise ProtocolError(f"{name} of {len(told)}")

        return hook

    made: Observer = type("Broken", (Observer,), {name: raising(name) for name in HOOKS})()
    return made


def test_those_who_listen_are_told_in_order() -> None:
    """First our own, as they are; a hook that is left alone is not called, so it costs nothing."""
    heard: list[Any] = []
    first, second, own = Listening(heard), Listening(heard), Listening(heard)
    hooks = Hooks(watched(first, Observer(), second), own=[own])
    for hook in hooks.gap:
        hook("public", GAP)
    assert heard == [(own, "public", GAP), (first, "public", GAP), (second, "public", GAP)]
    assert hooks.gap[0] == own.gap
    assert {name: getattr(hooks, name) for name in HOOKS if name != "gap"} == {
        name: () for name in HOOKS if name != "gap"
    }


@pytest.mark.parametrize("name", HOOKS)
def test_what_an_observer_raises_disturbs_nobody_else(name: str) -> None:
    """It is told once, with the very error; the next observer is called, and goes on being."""
    heard: list[Any] = []
    after = type("After", (Observer,), {name: lambda _, *told: heard.append(told)})()
    first, second = watched(broken(), after, report=heard.append)
    hooks = Hooks((first, second))
    for _ in range(2):  # What is broken is left alone from then on.
        for hook in getattr(hooks, name):
            hook("told")
    failed, told, again = heard
    assert isinstance(failed, ObserverFailed)
    assert (failed.observer, failed.hook) == ("Broken", name)
    assert (type(failed.exception), str(failed.exception)) == (ProtocolError, f"{name} of 2")
    assert told == again == ("told",)
    assert (first.disabled, first.calls, second.disabled, second.calls) == (True, 1, False, 2)


def test_one_that_raised_in_one_place_is_told_nothing_in_another() -> None:
    """A session of one subscription has hooks of its own, for the same observers."""
    heard: list[Any] = []
    those = watched(broken(), report=heard.append)
    for hooks in (Hooks(those), Hooks(those)):
        for hook in (*hooks.gap, *hooks.fault):
            hook("public", GAP)
    assert len(heard) == 1


def test_a_bug_of_our_own_is_not_hidden() -> None:
    """What our own observers raise comes out."""
    (hook,) = Hooks(own=[broken()]).gap
    with pytest.raises(ProtocolError):
        hook("public", GAP)


def test_what_calls_take_is_counted() -> None:
    """How many, how long in all, and the slowest; names tell those of one class apart."""
    clock, heard = Clock(), list[Any]()

    class Working(Observer):
        def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
            clock.now += int(session)

    first, second = watchers([Working(), Working()], heard.append, clock)
    (hook,) = Hooks([first]).gap
    for took in ("3000000", "5000000", "4000000"):
        hook(took, GAP)
    figures = first.statistics()
    assert (figures.calls, figures.spent_s, figures.slowest_s) == (3, 0.012, 0.005)
    assert second.statistics().name == f"{first.statistics().name} 2"
    assert not heard


@pytest.mark.parametrize(
    "each, calls",
    [(SLOW_NS, 1), (SHARE_NS // 100 + 1, 100)],
)
def test_a_slow_one_is_noticed_once(each: int, calls: int) -> None:
    """By one call that takes long, or by many that take a quarter of a second together."""
    clock, heard = Clock(), list[Any]()

    class Slow(Observer):
        def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
            clock.now += each

    (hook,) = Hooks(watchers([Slow()], heard.append, clock)).gap
    for _ in range(calls - 1):
        hook("public", GAP)
    assert not heard
    for _ in range(10):
        hook("public", GAP)
    (slow,) = heard
    assert isinstance(slow, ObserverSlow)
    assert (slow.hook, slow.took_s) == ("gap", each / SECOND_NS)
    assert slow.spent_s == pytest.approx(each * calls / SECOND_NS)


def test_what_is_spread_over_time_is_not_slow() -> None:
    """A second later the count begins anew."""
    clock, heard = Clock(), list[Any]()

    class Steady(Observer):
        def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
            clock.now += SLOW_NS - 1

    (hook,) = Hooks(watchers([Steady()], heard.append, clock)).gap
    for _ in range(1000):
        clock.now += 10 * SLOW_NS
        hook("public", GAP)
    assert not heard


def test_records_are_told_of_and_what_has_a_hook_of_its_own_is_not() -> None:
    """Where nobody wants to know, there is nothing to call."""
    heard: list[Any] = []
    assert Hooks(watched(Listening(heard))).sink("public") is None

    class Receiving(Observer):
        def record_received(self, session: str, record: object) -> None:
            heard.append((session, record))

    sink = Hooks(watched(Receiving())).sink("public")
    assert sink is not None
    record: Any = object()
    for item in (record, GAP, ProtocolError("no JSON"), Heartbeat()):
        sink(item)
    assert heard == [("public", record)]
