"""One consumer's records, between a reader that never waits for it and tasks that do.

Knows who waits, who is woken, and when either side lets others run; what is kept and what is
dropped the buffer decides. Knows nothing of what a record says; never imports the engine.

Waking. A record is not handed to whoever waits: it stays in the buffer, and one waiting task is
woken to take it, together with all that came meanwhile. So a hundred records of one read cost one
wake-up. At most one is on its way at a time; who was woken wakes the next if there is more. A
task that need not wait may be faster and leave nothing: then the one that was woken waits on, in
its old place, which is the first. Prior art is trio's memory channel, which hands over, and so
costs a wake-up for each record.

Cancellation. A task takes its records after its last checkpoint, so a call either gives records
or raises, and what was not given is still there.

Taking turns. A consumer that never has to wait would starve all others, so it lets them run after
``IN_A_ROW`` records. A reader that never has to wait fills buffers that nobody can empty
meanwhile, so each channel tells it when it should let others run: through one flag for all
channels of a reader, for it looks between any two frames.

High water. The look at how full a buffer is, which the reader needs, finds its high mark too, so
as long as nobody passes that it costs nothing. From there on everything is put past a gauge.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

import trio
from trio.lowlevel import (
    Abort,
    Task,
    checkpoint,
    checkpoint_if_cancelled,
    current_task,
    enable_ki_protection,
    reschedule,
    wait_task_rescheduled,
)

from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.core.gauge import Gauge, Watch
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.statistics import ChannelStatistics
from kraken_trio._internal.shell.records import Records

IN_A_ROW: Final = 64
"""Records that may be taken without letting other tasks run: a full checkpoint costs 5 us."""
PATIENCE: Final = 16
"""Pauses in a row that the reader makes for a consumer which makes no use of them; after these, one
in as many records."""

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Pressure:
    """What the channels that one reader fills tell it: whether it should let others run."""

    __slots__ = ("pressed",)

    def __init__(self) -> None:
        """Start without any."""
        self.pressed: bool = False
        """Set when a record was put where more than a quarter of the capacity was taken."""

    def relieve(self) -> None:
        """The reader lets others run, now."""
        self.pressed = False


class RecordChannel(trio.abc.ReceiveChannel[T_co], Generic[T_co]):
    """The records of one consumer: ``T_co`` is all that it may be given, ``Gap`` too.

    One producer puts and never waits. Any number of tasks may receive: each record goes to one,
    and those that wait are served in the order in which they came.
    """

    __slots__ = (
        "_buffer",
        "_closed",
        "_error",
        "_gauge",
        "_get",
        "_in_vain",
        "_left",
        "_on_close",
        "_over",
        "_parked",
        "_pressure",
        "_put",
        "_quarter",
        "_shut",
        "_taken",
        "_until",
        "_woken",
    )

    def __init__(
        self,
        buffer: Buffer,
        pressure: Pressure | None = None,
        *,
        watch: Watch | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        """Receive what is put into ``buffer``, which is the channel's own from here on.

        ``pressure`` is that of the reader. ``watch`` is told how full it gets. ``on_close`` is
        called once, when the consumer closes.
        """
        self._buffer = buffer
        self._put = buffer.put
        self._get: Callable[[], Any] = buffer.get
        self._on_close = on_close
        # Tasks that wait, the longest first.
        self._parked: OrderedDict[Task, None] = OrderedDict()
        # Whether one was woken that has not run yet. Where tasks are parked and there is
        # something to take, one was.
        self._woken = False
        # Records that may still be taken before others must run; none once it is closed.
        self._left = IN_A_ROW
        self._closed = False
        self._over = False
        self._error: Exception | None = None
        # Nothing is taken in any more: closed, or over.
        self._shut = False
        self._pressure = Pressure() if pressure is None else pressure
        self._quarter = buffer.capacity // 4
        # Records to put until the buffer may have passed a quarter, and must be looked at.
        self._until = self._quarter + 1
        self._taken = 0
        self._in_vain = 0
        self._gauge = None if watch is None else Gauge(buffer, watch)

    def greet(self, items: Sequence[Item]) -> None:
        """Take in what a consumer is given who joins late, with room for all of it."""
        self._buffer.widen(len(items))
        self._quarter = self._buffer.capacity // 4
        for item in items:
            self.put(item)

    def put(self, item: Item) -> None:
        """Take in an item, and wake a task that waits. Never waits; after the end, nothing."""
        if self._shut:
            return
        self._put(item)
        if self._parked:
            self._wake()
        self._until -= 1
        if not self._until:
            self._weigh()

    def end(self) -> None:
        """Nothing more comes: when all is received, there is ``trio.EndOfChannel``."""
        self._finish(None)

    def fail(self, error: Exception) -> None:
        """Nothing more comes: when all is received, each ``receive`` raises ``error``.

        What came first counts, of this, ``end`` and ``close``.
        """
        self._finish(error)

    @enable_ki_protection
    async def receive(self) -> T_co:
        """Give the next item; wait for one if there is none.

        Raises ``trio.EndOfChannel`` or the error given to ``fail`` at the end, and
        ``trio.ClosedResourceError`` once closed, here or by another task meanwhile. Always checks
        for cancellation, which loses nothing; lets others run if it waits, and after
        ``IN_A_ROW`` records.
        """
        await checkpoint_if_cancelled()
        if self._left:
            try:
                item: T_co = self._get()
            except IndexError:
                pass  # Nothing there. To look first would cost each record that is.
            else:
                self._left -= 1
                return item
        return await self._receive_later()

    @enable_ki_protection
    async def __anext__(self) -> T_co:
        """As ``receive``; the end ends the loop. Spelled out, for another call costs each record
        a tenth of what it costs in all.
        """
        await checkpoint_if_cancelled()
        if self._left:
            try:
                item: T_co = self._get()
            except IndexError:
                pass  # as in ``receive``
            else:
                self._left -= 1
                return item
        try:
            return await self._receive_later()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    @enable_ki_protection
    async def _receive_later(self) -> T_co:
        """Give the next item when others have run."""
        await self._turn()
        self._left -= 1
        item: T_co = self._get()
        if self._parked:
            self._wake()
        return item

    @enable_ki_protection
    async def receive_batch(self, limit: int | None = None) -> list[T_co]:
        """Give all items that are there, at least one, at most ``limit``; else as ``receive``."""
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be above 0, is {limit}")
        await checkpoint_if_cancelled()
        if not (self._left and self._ready()):
            await self._turn()
        batch: list[Any] = self._get_batch(limit)
        self._left = max(0, self._left - len(batch))
        if self._parked:
            self._wake()
        return batch

    @enable_ki_protection
    def receive_nowait(self) -> T_co:
        """Give the next item. ``trio.WouldBlock`` if there is none; at the end as ``receive``."""
        if not self._closed:
            try:
                item: T_co = self._get()
            except IndexError:
                pass  # as in ``receive``
            else:
                return item
        self._raise_at_end()
        raise trio.WouldBlock

    def records(self: RecordChannel[R | Gap]) -> AsyncIterator[R]:
        """Iterate over the records alone: an explicit choice not to be told of losses.

        Left out is all that is not data of the exchange: gaps, resyncs, transitions and errors.
        """
        return Records(self)

    @enable_ki_protection
    def close(self) -> None:
        """The consumer wants no more: what waits here is gone, and so is what is put later.

        Tasks that wait get ``trio.ClosedResourceError``. Once is as good as twice.
        """
        if self._closed:
            return
        self._closed = self._shut = True
        self._left = 0
        for task in self._parked:
            reschedule(task)
        self._parked.clear()
        if self._on_close is not None:
            self._on_close()

    async def aclose(self) -> None:
        """As ``close``, and a checkpoint."""
        self.close()
        await checkpoint()

    @property
    def closed(self) -> bool:
        """Whether the consumer has closed it."""
        return self._closed

    def statistics(self) -> ChannelStatistics:
        """How it stands."""
        buffer = self._buffer
        return ChannelStatistics(
            buffered=0 if self._closed else len(buffer),
            capacity=buffer.capacity,
            received=buffer.received,
            dropped=buffer.dropped,
            coalesced=buffer.coalesced,
            overflows=buffer.overflows,
            high_water=buffer.high_water,
            waiting=len(self._parked),
            taken=buffer.received - buffer.dropped - buffer.coalesced - buffer.waiting,
        )

    @enable_ki_protection
    def _finish(self, error: Exception | None) -> None:
        if self._shut:
            return
        self._over = self._shut = True
        self._error = error
        if self._parked:
            self._wake()

    def _raise_at_end(self) -> None:
        """Raise if there is nothing here and nothing will come."""
        if self._closed:
            raise trio.ClosedResourceError("this channel was closed")
        if self._over and not self._buffer:
            raise trio.EndOfChannel if self._error is None else self._error

    @enable_ki_protection
    def _wake(self) -> None:
        """Wake the task that waits longest, if there is anything for it and none is on its way."""
        if not self._woken and (self._buffer or self._over):
            task, _ = self._parked.popitem(last=False)
            self._woken = True
            reschedule(task)

    def _ready(self) -> bool:
        """Whether something can be taken now."""
        return len(self._buffer) > 0

    def _get_batch(self, limit: int | None) -> list[Any]:
        """Take what can be taken now."""
        buffer = self._buffer
        return buffer.get_batch(len(buffer) if limit is None else limit)

    async def _turn(self) -> None:
        """Let others run, by waiting if there is nothing; return when there is something."""
        if self._ready() and not self._closed:
            await checkpoint()
        task = current_task()
        again = False
        while self._closed or not self._ready():
            if self._over and self._parked:
                self._wake()
            self._raise_at_end()
            self._parked[task] = None
            if again:
                self._parked.move_to_end(task, last=False)
            again = True
            await self._park(task)
        self._left = IN_A_ROW

    async def _park(self, task: Task) -> None:
        """Wait to be woken, in the line."""

        def abort(_: object) -> Abort:
            del self._parked[task]
            return Abort.SUCCEEDED

        await wait_task_rescheduled(abort)
        self._woken = False

    def _weigh(self) -> None:
        """See how full it is, and what the consumer has done since the last time."""
        buffer = self._buffer
        waiting = len(buffer)
        if waiting <= self._quarter:
            self._until = self._quarter - waiting + 1
            return
        self._pressure.pressed = True
        # A consumer that takes something in each pause sets the pace: one pause, one record. One
        # that takes nothing waits for something else, and pauses would only cost.
        taken = buffer.received - buffer.dropped - buffer.coalesced - waiting
        self._in_vain = 0 if taken > self._taken else self._in_vain + 1
        self._until = 1 if self._in_vain < PATIENCE else PATIENCE
        self._taken = taken
        gauge = self._gauge
        if gauge is not None and gauge.calm:
            self._until = min(self._until, max(1, gauge.high - waiting))
            if waiting >= gauge.high:
                self._put = partial(self._put_watched, gauge)
                gauge.rise()

    def _put_watched(self, gauge: Gauge, item: Item) -> None:
        """Put an item where it is to be seen what becomes of it."""
        gauge.put(item)
        if gauge.calm:
            self._put = self._buffer.put
            self._until = 1  # the mark may be near
