"""The nursery under a feed: services that outlive the block that uses them.

Knows in which order things end, and what then comes out. Knows nothing of what the services do,
and imports nothing else of the project.

Order. Whatever ends a block (it is through, it raises, it is cancelled, or a service failed), the
block ends first, and the services still serve while it cleans up. Then hooks say goodbye, in
bounded time. Then the services are cancelled. Prior art is tricycle's service nursery; the hooks,
their bound and what follows here are ours.

What comes out. One failure comes out as the very object that was raised, with the context and the
cause that it had; several, as one group of them. trio's own group would not do: a nursery that is
cancelled takes each ``Cancelled`` out of its group, and rebuilds every group inside on the way, so
that a user's ``ExceptionGroup`` would become a copy. Hence failures are kept where they happen, as
they are, and the nursery below sees nothing but cancellations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVarTuple, Unpack

import trio
from trio.lowlevel import Task, current_task, enable_ki_protection

CLOSE_TIMEOUT_S: Final = 2.0
"""For all hooks together."""

Hook = Callable[[], Awaitable[object] | None]
"""Says goodbye when the block has ended. What it returns is awaited, unless that is None."""

Args = TypeVarTuple("Args")


def open_services(
    *, close_timeout_s: float = CLOSE_TIMEOUT_S
) -> AbstractAsyncContextManager[Services]:
    """Open a block with services that end after it.

    When the block has ended, the hooks get ``close_timeout_s`` together. If it was cancelled, if a
    service failed, or if it ended with a ``KeyboardInterrupt`` or ``SystemExit``, nobody waits:
    every hook is called, and cancelled where it would wait. Then the services are cancelled, and
    leaving takes as long as they shield themselves from that.

    What went wrong in the block, in a service or in a hook comes out as it was raised; where
    several things did, as one group of them.
    """
    return Services(close_timeout_s)


class Services:
    """Tasks that serve a block until it has ended: ``open_services`` gives it."""

    def __init__(self, close_timeout_s: float) -> None:
        """Prepare; it is of use from ``__aenter__`` on."""
        self._close_timeout_s = close_timeout_s
        # strict also in a run that is not: a loose nursery does not tell its group from another.
        self._manager = trio.open_nursery(strict_exception_groups=True)
        self._nursery: trio.Nursery
        # One for each service. Shields are what keeps the block's cancellation from them.
        self._scopes: set[trio.CancelScope] = set()
        self._hooks: list[Hook] = []
        self._failures: list[BaseException] = []
        self._stopping = False

    def start_soon(
        self,
        service: Callable[[Unpack[Args]], Awaitable[object]],
        *args: *Args,
        name: object = None,
    ) -> trio.CancelScope:
        """Start a service. If it fails, the block is cancelled, and the failure comes out of it.

        It may end before the block does, by itself or when the scope that is given is cancelled.
        Started when the block has ended, it is cancelled.
        """
        scope = trio.CancelScope(shield=True)
        call = partial(service, *args)
        self._nursery.start_soon(self._serve, scope, call, self._failures, name=name or service)
        return scope

    async def start(
        self, service: Callable[..., Awaitable[object]], *args: object, name: object = None
    ) -> Any:
        """Start a service, and give what it calls ``task_status.started`` with.

        Until that call it is a part of the caller: cancelled with it, and what it raises is raised
        here. Cancelled, it leaves no service behind.
        """
        failures: list[BaseException] = []
        try:
            return await self._nursery.start(
                self._serve_later, service, args, failures, name=name or service
            )
        finally:
            if failures:
                raise_as_raised(failures)  # trio raises that it did not start

    def fail(self, error: Exception) -> None:
        """Cancel the block; ``error``, a failure of something that is no service, comes out of it.

        May be called from any task until the block has been left.
        """
        self._failures.append(error)
        self._nursery.cancel_scope.cancel()

    def on_stop(self, hook: Hook) -> None:
        """Call ``hook`` when the block has ended, before those that were given earlier."""
        self._hooks.append(hook)

    @enable_ki_protection
    async def __aenter__(self) -> Self:
        """Open the nursery."""
        self._nursery = await self._manager.__aenter__()
        return self

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """End everything, in order; say what came of it."""
        self._nursery.start_soon(self._say_goodbye, name="goodbye")
        if error is not None and not holds_cancelled(error):
            self._note(error)
            kind = cancelled = traceback = None
        else:
            cancelled = error
        rest: Sequence[BaseException] = ()
        try:
            await self._manager.__aexit__(kind, cancelled, traceback)
        except BaseExceptionGroup as group:
            rest = group.exceptions
        failures = [*self._failures, *(each for each in rest if not is_cancelled(each))]
        # Each once: two services that waited for the same thing fail for the same reason.
        outcome = list({id(each): each for each in failures}.values())
        if not outcome:
            # Only now: what failed would not be told if a cancellation took its place.
            outcome = [*rest[:1]]
        if len(outcome) == 1 and outcome[0] is error:
            return False
        if outcome:
            raise_as_raised(outcome)
        return True

    async def _serve(
        self,
        scope: trio.CancelScope,
        service: partial[Awaitable[object]],
        unstarted: list[BaseException],
    ) -> None:
        """Run a service in its scope; what fails before it is one is for ``unstarted``."""

        def keep(error: BaseException) -> bool:
            if holds_cancelled(error):
                return False
            if scope.shield:
                self._failures.append(error)
                self._nursery.cancel_scope.cancel()
            else:
                unstarted.append(error)
            return True

        self._scopes.add(scope)
        if self._stopping:
            scope.cancel()
        try:
            with scope:
                try:
                    await service()
                except BaseException as error:
                    if not keep(error):
                        raise
        except BaseException as error:  # what the scope did not take out of a group
            if not keep(error):
                raise
        finally:
            self._scopes.discard(scope)

    async def _serve_later(
        self,
        service: Callable[..., Awaitable[object]],
        args: tuple[object, ...],
        unstarted: list[BaseException],
        *,
        task_status: trio.TaskStatus[Any],
    ) -> None:
        """Run a service that becomes one when it says so."""
        scope = trio.CancelScope()
        status = _Status(task_status, scope, current_task(), self._nursery)
        await self._serve(scope, partial(service, *args, task_status=status), unstarted)

    def _note(self, error: BaseException) -> None:
        """Keep what the block or a hook raised; if it is to end the program, hurry."""
        self._failures.append(error)
        if not isinstance(error, Exception):
            self._nursery.cancel_scope.cancel()

    @enable_ki_protection  # Services that were not cancelled would serve for ever.
    async def _say_goodbye(self) -> None:
        """Call the hooks, then cancel the services."""
        deadline = trio.current_time() + self._close_timeout_s
        cancelled: list[BaseException] = []
        try:
            for hook in reversed(self._hooks):
                try:
                    with trio.CancelScope(deadline=deadline):
                        waiting = hook()
                        if waiting is not None:
                            await waiting
                except BaseException as error:  # noqa: BLE001 - kept, or raised below
                    if holds_cancelled(error):
                        cancelled.append(error)
                    else:
                        self._note(error)
        finally:
            self._stopping = True
            for scope in self._scopes:
                scope.cancel()
        if cancelled:
            raise_as_raised(cancelled)


class _Status(trio.TaskStatus[Any]):
    """What a service that is being started is given to say that it is one."""

    def __init__(
        self,
        status: trio.TaskStatus[Any],
        scope: trio.CancelScope,
        task: Task,
        nursery: trio.Nursery,
    ) -> None:
        self._status = status
        self._scope = scope
        self._task = task
        self._nursery = nursery

    def started(self, value: Any = None) -> None:
        """From here on it belongs to the block."""
        # First, lest it feel on its way a cancellation of the block that it is to outlive.
        self._scope.shield = True
        self._status.started(value)
        if self._task.parent_nursery is not self._nursery:
            # Whoever started it is cancelled: trio leaves it there, to be cancelled too.
            self._scope.shield = False


def raise_as_raised(errors: Sequence[BaseException]) -> NoReturn:
    """Raise the only one of ``errors`` as it is; several, as one group in their order.

    Its context stays what it was, whatever is being handled here.
    """
    error = errors[0] if len(errors) == 1 else BaseExceptionGroup("several tasks failed", errors)
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context


def holds_cancelled(error: BaseException) -> bool:
    """Whether it must be let through, to the scope that was cancelled."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(trio.Cancelled) is not None
    return isinstance(error, trio.Cancelled)


def is_cancelled(error: BaseException) -> bool:
    """Whether it is a cancellation and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1] is None
    return isinstance(error, trio.Cancelled)
