"""A channel whose consumer is not given everything at once: so many records a second, or what was
gathered for a while.

Knows when the next item may be taken, and who is woken then. Everything else is the channel's own
matter; one that nothing holds back has none of this, and pays nothing for it.

The rate. Records are handed on as ``Pace`` says. A consumer that waits for its turn is woken when
it may take what 10 ms bring, or all that there is: to be woken for each record would cost more
than the record.

The window. A record that comes where nothing else waits opens a window. When that ends, everything
that came meanwhile may be taken, one after the other; the next record opens the next window. So a
consumer is woken once for each window, no record waits longer than one for its sake, and of one
symbol what came within it is one record, where the buffer merges at all. A consumer that is
slower than that is not held up: what it may take is not taken back. Everything is given at once
where a window would fill the buffer, or when the channel has ended.

Gaps. Neither counts them or holds them back: whoever comes to one is given it at once. But where
records are dropped all the time the next one would be there right away; so what a symbol loses
later in the same place grows there, and is told right before the record behind it.

Alarms. Whoever waits longest has a cancel scope whose deadline is the moment from which on
something may be taken. So time alone wakes it, once, and trio's mock clocks know of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import trio
from trio.lowlevel import Abort, Task, enable_ki_protection, wait_task_rescheduled

from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.core.coalesce import Key
from kraken_trio._internal.core.gauge import Watch
from kraken_trio._internal.core.pace import Pace
from kraken_trio._internal.shell.channel import Pressure, RecordChannel, T_co

GRAIN_S: Final = 0.01
"""The rate's worth of records that a consumer is woken for: well below what may be taken at
once, so that one that is woken late loses nothing of its share."""


class PacedChannel(RecordChannel[T_co]):
    """A channel with a rate, a window, or both."""

    __slots__ = (
        "_alarm",
        "_ends",
        "_grain",
        "_pace",
        "_released",
        "_rings",
        "_scopes",
        "_told",
        "_window",
    )

    def __init__(
        self,
        buffer: Buffer,
        pressure: Pressure | None = None,
        *,
        window_s: float = 0.0,
        rate: int = 0,
        watch: Watch | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        """Give at most ``rate`` records a second, and what was gathered for ``window_s``.

        With 0 there is no such limit. The rest is as of ``RecordChannel``.
        """
        super().__init__(buffer, pressure, watch=watch, on_close=on_close)
        self._get = self._get_due
        self._pace = Pace(rate) if rate else None
        self._grain = max(1, int(self._pace.rate * GRAIN_S)) if self._pace else 1
        self._window = window_s
        # Entries, from the front on, whose window has ended.
        self._released = 0
        # When the window of the others ends; there is one whenever there are others.
        self._ends = math.inf
        # Whose gaps were given since the last record.
        self._told: set[Key] = set()
        # Of all that wait; of the one who is first in the line, and when that one rings.
        self._scopes: dict[Task, trio.CancelScope] = {}
        self._alarm: trio.CancelScope | None = None
        self._rings = math.inf

    def put(self, item: Item) -> None:
        """Take in an item, and see to it that a task that waits is woken when it may have it."""
        if self._shut:
            return
        self._put(item)
        if self._window:
            self._gather()
        # Where an alarm is set, only what may be taken at once makes a difference.
        if self._parked and (self._rings == math.inf or self._released or self._gap_due()):
            self._wake()
        self._until -= 1
        if not self._until:
            self._weigh()

    def _gather(self) -> None:
        """Open a window for what has none; or none at all, where there is a crowd."""
        waiting = len(self._buffer)
        if waiting > max(1, self._quarter):  # lest the window be what fills the buffer
            self._released, self._ends = waiting, math.inf
        elif waiting > self._released and self._ends == math.inf:
            self._ends = trio.current_time() + self._window

    def _gap_due(self) -> bool:
        """Whether a gap comes next, the first of its symbol in its place."""
        key = self._buffer.gap_next
        return key is not None and key not in self._told

    def _due(self, now: float, most: int = 1) -> float:
        """When the next item may be taken, or as many as ``most`` if there are; ``inf`` for none.

        ``now`` or earlier where one may be taken now.
        """
        waiting = len(self._buffer)
        if not waiting:
            return math.inf
        if self._gap_due():
            return now
        due = now
        if self._window and not self._over:
            if now >= self._ends:
                self._released, self._ends = waiting, math.inf
            if not self._released:
                due = self._ends
        if self._pace is not None:
            due = max(due, self._pace.due(min(waiting, most)))
        return due

    def _take(self, now: float) -> Any:
        """Take the next item, which is due."""
        buffer = self._buffer
        key = buffer.gap_next
        if key is not None:
            self._told.add(key)
        else:
            self._told.clear()
            if self._pace is not None:
                self._pace.take(now)
        item = buffer.get()
        if self._window:
            left = len(buffer)
            if not left:
                self._ends = math.inf  # a gap was all that the window held
            # Where no window is open, nothing is held back: not a snapshot behind a gap either.
            self._released = left if self._ends == math.inf else max(0, self._released - 1)
        return item

    def _get_due(self) -> Any:
        """Take the next item; ``IndexError`` where none may be taken now."""
        now = trio.current_time()
        if self._due(now) > now:
            raise IndexError
        return self._take(now)

    def _get_batch(self, limit: int | None) -> list[Any]:
        """Take what may be taken now."""
        now = trio.current_time()
        batch: list[Any] = []
        while (limit is None or len(batch) < limit) and self._due(now) <= now:
            batch.append(self._take(now))
        return batch

    def _ready(self) -> bool:
        """Whether something may be taken now."""
        now = trio.current_time()
        return self._due(now) <= now

    @enable_ki_protection
    def _wake(self) -> None:
        """Wake the task that waits longest, or have it woken when there is something for it."""
        if self._woken:
            return
        now = trio.current_time()
        due = self._due(now, self._grain)
        if due <= now or (self._over and not self._buffer):
            super()._wake()
        else:
            self._set_alarm(due)

    def _set_alarm(self, due: float) -> None:
        """Have the first in the line woken at ``due``, if not before."""
        scope = self._scopes[next(iter(self._parked))]
        if scope is not self._alarm:
            if self._alarm is not None:
                self._alarm.deadline = math.inf
            self._alarm, self._rings = scope, math.inf
        if due < self._rings:
            scope.deadline = self._rings = due

    async def _park(self, task: Task) -> None:
        """Wait to be woken, by somebody or by the alarm."""
        scope = trio.CancelScope()
        woken = True

        def abort(_: object) -> Abort:
            nonlocal woken
            del self._parked[task]
            # By the alarm: then it is on its way, as if somebody had woken it.
            woken = scope is self._alarm and trio.current_time() >= self._rings
            self._woken = self._woken or woken
            return Abort.SUCCEEDED

        try:
            with scope:
                self._scopes[task] = scope
                self._set_alarm(self._due(trio.current_time(), self._grain))
                await wait_task_rescheduled(abort)
        except BaseException:
            # Whoever is first now has no alarm yet.
            self._unpark(task, scope, woken=woken)
            if self._parked:
                self._wake()
            raise
        self._unpark(task, scope, woken=woken)

    def _unpark(self, task: Task, scope: trio.CancelScope, *, woken: bool) -> None:
        """One who waited runs; ``woken`` says whether it is the one that was on its way."""
        del self._scopes[task]
        if scope is self._alarm:
            self._alarm, self._rings = None, math.inf
        if woken:
            self._woken = False
