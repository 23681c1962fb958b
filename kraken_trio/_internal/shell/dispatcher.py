"""Callbacks: who wants to be called for what, and one task that calls them.

Knows order, removal and what becomes of an error in a callback. Knows nothing of what the items
mean; never imports the engine.

Order. Items are taken one by one, in the order in which they were put, and for each one the
callbacks are called in the order of their registration; an async one is awaited before the next
is called. Where async ones are to run at once, those for one item do, beside the others, and all
have ended before the next item. What was removed is not called any more, not even for what was put
before.

Cost. ``put`` stands in the path of every frame, so an item that nobody listens for costs a look
into a dict; nothing is queued, and the task sleeps. The dicts are forgotten at each change.

The end. ``close`` comes when the block of the feed has ended: whatever a callback uses may be gone
then, such as a file that the block had opened. So items that still wait are dropped, an async
callback that is running is cancelled, and none is called any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import isawaitable, iscoroutinefunction
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import trio
from trio.lowlevel import disable_ki_protection, enable_ki_protection

from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.core.gauge import Watch
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate
from kraken_trio._internal.model.statistics import ChannelStatistics
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.scopes import holds_cancelled, raise_as_raised

T = TypeVar("T")

_UPDATES: Final[dict[type, type]] = {BookSnapshot: BookUpdate, Level3Snapshot: Level3Update}
"""What a snapshot is followed by."""


class Registration:
    """One callback that is called for one kind of item, until it is removed.

    As a context manager it is removed at the end of the block.
    """

    __slots__ = ("_forget", "active", "asynchronous", "callback", "kind")

    def __init__(
        self,
        kind: type,
        callback: Callable[[Any], object],
        forget: Callable[[Registration], None],
    ) -> None:
        """Make it active. ``forget`` is called when it is removed."""
        self.kind: type = kind
        """What it is called for, subclasses too."""
        self.callback: Callable[[Any], object] = callback
        """What is called."""
        # Seen from outside: a function that merely returns something to await is no async one.
        self.asynchronous: bool = iscoroutinefunction(callback) or iscoroutinefunction(
            type(callback).__call__
        )
        """Whether it may run beside others."""
        self.active: bool = True
        """Whether it is still called."""
        self._forget = forget

    def remove(self) -> None:
        """Never call it again; if it is running, it runs to its end. Once is as good as twice."""
        if self.active:
            self.active = False
            self._forget(self)

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove it."""
        self.remove()


class Dispatcher:
    """Calls callbacks for what is put, in a task of its own: never in the reader."""

    def __init__(
        self,
        buffer: Buffer,
        pressure: Pressure | None = None,
        *,
        watch: Watch | None = None,
        concurrent: bool = False,
        report: Callable[[CallbackError], object] | None = None,
    ) -> None:
        """Queue in ``buffer``, which is the dispatcher's own from here on.

        ``pressure`` is that of the reader; ``watch`` is told how full the queue gets. With
        ``concurrent`` several async callbacks for one
        item run at once. With ``report`` an exception in a callback ends nothing: it is handed
        on, to become an event, and may be put here; ``report`` must not raise.
        """
        self._channel: RecordChannel[Any] = RecordChannel(buffer, pressure, watch=watch)
        self._queue: Callable[[Any], None] = self._channel.put
        self._concurrent = concurrent
        self._report = report
        self._registrations: list[Registration] = []
        self._wanted: dict[type, bool] = {}
        self._callees: dict[type, tuple[Registration, ...]] = {}
        self._scope = trio.CancelScope()
        self._closed = False

    def on(self, kind: type[T], callback: Callable[[T], object]) -> Registration:
        """Call ``callback``, which may be async, for each item of this kind, or of a subclass.

        What is registered while an item is being handed round is called from the next one on;
        after ``close``, never.
        """
        if not isinstance(kind, type):
            raise TypeError(f"kind must be a class such as Ticker, is {kind!r}")
        if not callable(callback):
            raise TypeError(f"callback must be callable, is {callback!r}")
        registration = Registration(kind, callback, self._forget)
        self._registrations.append(registration)
        self._changed()
        return registration

    def put(self, item: Item | CallbackError) -> None:
        """Queue an item if anybody listens for it. Never waits, never raises."""
        kind = type(item)
        wanted = self._wanted.get(kind)
        if wanted is None:
            wanted = self._wanted[kind] = self._is_wanted(kind)
        if wanted:
            self._queue(item)

    # Ctrl-C strikes in callbacks, and not on the way out of the scope: it would stay entered.
    @enable_ki_protection
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Call callbacks until ``close``: the dispatcher's task, which there is one of.

        Raises what a callback raises, as it is; without ``report`` that ends it. Where several
        that ran at once failed, their exceptions come in one group. What is no ``Exception`` is
        raised in any case.
        """
        with self._scope:
            task_status.started()
            while True:
                await self._hand_round(await self._channel.receive())

    def close(self) -> None:
        """Call nothing any more; what waits is dropped. Once is as good as twice."""
        self._closed = True
        for registration in self._registrations:
            registration.active = False
        self._registrations.clear()
        self._changed()
        self._scope.cancel()

    def statistics(self) -> ChannelStatistics:
        """How its queue stands."""
        return self._channel.statistics()

    def _forget(self, registration: Registration) -> None:
        self._registrations.remove(registration)
        self._changed()

    def _changed(self) -> None:
        self._wanted.clear()
        self._callees.clear()

    def _is_wanted(self, kind: type) -> bool:
        """Whether items of this kind are queued."""
        if self._closed:
            return False
        # A queue that had to drop updates of a book drops them all, up to the next snapshot: so
        # it is shown the snapshots wherever it is shown the updates.
        return bool(self._matching(kind) or (kind in _UPDATES and self._matching(_UPDATES[kind])))

    def _matching(self, kind: type) -> tuple[Registration, ...]:
        """Who is called for an item of this kind, in order."""
        return tuple(each for each in self._registrations if issubclass(kind, each.kind))

    async def _hand_round(self, item: object) -> None:
        """Call all that want an item."""
        if isinstance(item, CallbackError) and isinstance(item.item, CallbackError):
            return  # Who fails at being told of a failure would fail at this one too, for ever.
        kind = type(item)
        callees = self._callees.get(kind)
        if callees is None:
            callees = self._callees[kind] = self._matching(kind)
        if self._concurrent and sum(callee.asynchronous for callee in callees) > 1:
            await self._call_together(callees, item)
        else:
            for callee in callees:
                await self._call(callee, item)

    async def _call_together(self, callees: Iterable[Registration], item: object) -> None:
        """Call the async ones at once, the others in order beside them."""
        failures: list[BaseException] = []
        try:
            async with trio.open_nursery(strict_exception_groups=True) as nursery:

                async def call(callee: Registration) -> None:
                    try:
                        await self._call(callee, item)
                    except BaseException as error:
                        if holds_cancelled(error):
                            raise
                        failures.append(error)
                        nursery.cancel_scope.cancel()

                for callee in callees:
                    if failures:
                        break
                    if callee.asynchronous:
                        nursery.start_soon(call, callee, name=callee.callback)
                    else:
                        await call(callee)
        finally:
            if failures:
                raise_as_raised(failures)

    @disable_ki_protection
    async def _call(self, callee: Registration, item: object) -> None:
        """Call one, if it still is to be called."""
        if not callee.active:
            return
        try:
            result = callee.callback(item)
            if result is not None and isawaitable(result):
                await result
        except Exception as error:
            if self._report is None:
                raise
            self._report(CallbackError(_name(callee.callback), item, error))


def _name(callback: Callable[..., object]) -> str:
    return getattr(callback, "__qualname__", None) or repr(callback)
