"""Whom to tell what: the observers, hook by hook.

A hook that nobody overrides costs nothing: its list is empty, and where a list is empty nobody
even looks, if that can be arranged. What one raises is a fault of the observer's and stays out of
the data's way: whoever runs the feed is told, that observer is told nothing more, and the others
are. One that takes long holds up the data, and that is told too.

The project's own observers, which are always there, are called as they are: what they raise is a
bug of ours, and is not to be hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.model.alert import ObserverFailed, ObserverSlow
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.statistics import ObserverStatistics

Hook = Callable[..., None]
Report = Callable[[ObserverFailed | ObserverSlow], object]
"""Is told of an observer that is of no use, or of harm, at once. Must not raise."""
Nanoseconds = Callable[[], int]
"""A clock that only ever rises."""

SLOW_NS: Final = 10_000_000
"""What one call may take: in this time hundreds of updates come and wait, and the alarm of the
whole way from receipt to the consumer goes off."""
SECOND_NS: Final = 1_000_000_000
SHARE_NS: Final = SECOND_NS // 4
"""What all calls of one observer may take in a second."""

_NO_RECORDS: Final = frozenset({Gap, ProtocolError, Heartbeat})
"""What sinks are given that has a hook of its own, or is nothing that anybody asked for."""


class Watcher:
    """One observer: what its hooks cost, and whether it is still told anything."""

    __slots__ = (
        "_begun_ns",
        "_clock",
        "_lately_ns",
        "_report",
        "_slow_told",
        "calls",
        "disabled",
        "name",
        "observer",
        "slowest_ns",
        "spent_ns",
    )

    def __init__(self, observer: Observer, name: str, report: Report, clock: Nanoseconds) -> None:
        """Begin to tell it. ``clock`` measures what it takes."""
        self.observer: Observer = observer
        """Whom."""
        self.name: str = name
        """What it is called where it is told of."""
        self.disabled: bool = False
        """Whether it raised."""
        self.calls: int = 0
        """How often it was called."""
        self.spent_ns: int = 0
        """What that took."""
        self.slowest_ns: int = 0
        """What the slowest call took."""
        self._report = report
        self._clock = clock
        # What was spent since then, up to a second.
        self._begun_ns = self._lately_ns = 0
        self._slow_told = False

    def hook(self, name: str) -> Hook | None:
        """Its hook of this name, watched; None where it left that alone."""
        if getattr(type(self.observer), name) is getattr(Observer, name):
            return None
        hook, clock = getattr(self.observer, name), self._clock

        def call(*told: object) -> None:
            if self.disabled:
                return
            begun = clock()
            try:
                hook(*told)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told as itself
                self.disabled = True
                self._report(ObserverFailed(self.name, name, error))
            self._note(name, begun, clock())

        return call

    def statistics(self) -> ObserverStatistics:
        """How it stands."""
        return ObserverStatistics(
            name=self.name,
            disabled=self.disabled,
            calls=self.calls,
            spent_s=self.spent_ns / SECOND_NS,
            slowest_s=self.slowest_ns / SECOND_NS,
        )

    def _note(self, name: str, begun: int, ended: int) -> None:
        """Count what a call took."""
        took = ended - begun
        self.calls += 1
        self.spent_ns += took
        self.slowest_ns = max(self.slowest_ns, took)
        if ended - self._begun_ns > SECOND_NS:
            self._begun_ns, self._lately_ns = begun, 0
        self._lately_ns += took
        if (took >= SLOW_NS or self._lately_ns >= SHARE_NS) and not self._slow_told:
            self._slow_told = True
            spent_s = self._lately_ns / SECOND_NS
            self._report(ObserverSlow(self.name, name, took / SECOND_NS, spent_s))


def watchers(
    observers: Iterable[Observer], report: Report, clock: Nanoseconds
) -> tuple[Watcher, ...]:
    """One for each observer, in order. Of several of one class each has a number, but the first."""
    found = Counter[str]()
    made: list[Watcher] = []
    for observer in observers:
        name = type(observer).__qualname__
        found[name] += 1
        shown = name if found[name] == 1 else f"{name} {found[name]}"
        made.append(Watcher(observer, shown, report, clock))
    return tuple(made)


class Hooks:
    """The hooks of some observers: each has those of all, in the order in which they were given."""

    __slots__ = (
        "answered",
        "fault",
        "frame_received",
        "frame_sent",
        "gap",
        "opened",
        "record_received",
        "record_taken",
        "restored",
        "resync",
        "state_changed",
        "stepped",
        "subscription_failed",
        "unanswered",
    )

    def __init__(self, watched: Iterable[Watcher] = (), own: Iterable[Observer] = ()) -> None:
        """Take the hooks that do anything: first those of our ``own``, then of ``watched``."""
        ours, theirs = tuple(own), tuple(watched)

        def hooks(name: str) -> tuple[Hook, ...]:
            left_alone = getattr(Observer, name)
            mine = [
                getattr(each, name) for each in ours if getattr(type(each), name) is not left_alone
            ]
            found = [each.hook(name) for each in theirs]
            return (*mine, *(hook for hook in found if hook is not None))

        self.opened: tuple[Hook, ...] = hooks("opened")
        self.frame_received: tuple[Hook, ...] = hooks("frame_received")
        self.frame_sent: tuple[Hook, ...] = hooks("frame_sent")
        self.answered: tuple[Hook, ...] = hooks("answered")
        self.unanswered: tuple[Hook, ...] = hooks("unanswered")
        self.record_received: tuple[Hook, ...] = hooks("record_received")
        self.record_taken: tuple[Hook, ...] = hooks("record_taken")
        self.fault: tuple[Hook, ...] = hooks("fault")
        self.gap: tuple[Hook, ...] = hooks("gap")
        self.resync: tuple[Hook, ...] = hooks("resync")
        self.restored: tuple[Hook, ...] = hooks("restored")
        self.state_changed: tuple[Hook, ...] = hooks("state_changed")
        self.subscription_failed: tuple[Hook, ...] = hooks("subscription_failed")
        self.stepped: tuple[Hook, ...] = hooks("stepped")

    def sink(self, session: str) -> Callable[[Item], None] | None:
        """What tells of the records of a session; None where nobody wants to know."""
        told = self.record_received
        if not told:
            return None

        def sink(item: Item) -> None:
            if type(item) not in _NO_RECORDS:
                for hook in told:
                    hook(session, item)

        return sink
