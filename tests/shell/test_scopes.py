"""The block ends before its services, in bounded time; what went wrong comes out as it was."""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from inspect import unwrap
from types import FrameType
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.shell.scopes import Services, open_services, raise_as_raised


class Wrong(Exception):
    """What somebody raises."""


class Steps(trio.abc.Instrument):
    """Cancels a scope after so many steps of any tasks."""

    def __init__(self, scope: trio.CancelScope, count: int) -> None:
        """Count down."""
        self.left = count
        """Steps to go."""
        self._scope = scope

    def after_task_step(self, _: trio.lowlevel.Task) -> None:
        """Count a step."""
        self.left -= 1
        if self.left == 0:
            self._scope.cancel()


class Log(list[str]):
    """What happened, in order."""

    async def service(
        self, name: str, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled."""
        self.append(f"{name} begins")
        task_status.started(f"{name} is there")
        try:
            await trio.sleep_forever()
        finally:
            self.append(f"{name} ends")

    async def hook(self) -> None:
        """Say goodbye, and take a moment for it."""
        self.append("hook begins")
        await trio.sleep(1)
        self.append("hook ends")


async def fail(error: BaseException, delay: float = 0) -> None:
    """Be a service that fails."""
    await trio.sleep(delay)
    raise error


async def fail_when_cancelled(error: BaseException) -> None:
    """Be a service that fails at its end, of itself: not while it handles the cancellation."""
    with suppress(trio.Cancelled):
        await trio.sleep_forever()
    raise error


# Order


@pytest.fixture
def log() -> Log:
    """Give an empty log."""
    return Log()


async def test_services_serve_until_the_block_has_ended(log: Log, autojump_clock: object) -> None:
    """Block, hooks, services: so they end, each when the one before has."""
    async with open_services() as services:
        services.start_soon(log.service, "one")
        services.on_stop(log.hook)
        await trio.sleep(1)
        log.append("block ends")
    assert log == ["one begins", "block ends", "hook begins", "hook ends", "one ends"]


async def test_a_cancelled_block_still_has_its_services(log: Log, autojump_clock: object) -> None:
    """While the block cleans up after a cancellation, services answer; nobody waits for hooks."""
    send, receive = trio.open_memory_channel[str](0)

    async def answer() -> None:
        async for question in receive:
            log.append(question)

    with trio.move_on_after(1) as scope:
        async with open_services() as services:
            services.start_soon(log.service, "one")
            services.start_soon(answer)
            services.on_stop(log.hook)
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(1)
                    await send.send("question")
                    await trio.sleep(1)
                log.append("block ends")
    assert scope.cancelled_caught
    assert log == ["one begins", "question", "block ends", "hook begins", "one ends"]


async def test_a_failed_service_ends_the_block_before_the_others(
    log: Log, autojump_clock: object
) -> None:
    """The block is cancelled, and the other services serve on until it has ended."""
    error = Wrong()
    with pytest.raises(Wrong) as caught:
        async with open_services() as services:
            services.start_soon(log.service, "one")
            services.start_soon(fail, error, 1)
            services.on_stop(log.hook)
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(1)
                log.append("block ends")
    assert caught.value is error
    assert log == ["one begins", "block ends", "hook begins", "one ends"]


@pytest.mark.parametrize("inside", [True, False])
async def test_a_failure_of_what_is_no_service_ends_the_block(
    log: Log, autojump_clock: object, inside: bool
) -> None:
    """Whoever noticed it goes on; it comes out of the block as itself, even at its very end."""
    error = Wrong()
    with pytest.raises(Wrong) as caught:
        async with open_services() as services:
            services.start_soon(log.service, "one")
            services.on_stop(log.hook if inside else lambda: services.fail(error))
            await trio.testing.wait_all_tasks_blocked()
            if inside:
                services.fail(error)
                log.append("goes on")
                await trio.sleep_forever()
    assert caught.value is error
    middle = ["goes on", "hook begins"] if inside else []
    assert log == ["one begins", *middle, "one ends"]


async def test_a_service_may_end_before_the_block(log: Log, autojump_clock: object) -> None:
    """A service that is through ends nothing else."""
    async with open_services() as services:
        services.start_soon(trio.sleep, 1)
        await trio.sleep(2)
        log.append("block ends")
    assert log == ["block ends"]


async def test_inner_services_end_first(log: Log, autojump_clock: object) -> None:
    """What is opened inside has ended, services and all, before anything outside is cancelled."""
    with trio.move_on_after(1):
        async with open_services() as outer:
            outer.start_soon(log.service, "outer")
            async with open_services() as inner:
                inner.start_soon(log.service, "inner")
                await trio.sleep_forever()
    assert log[2:] == ["inner ends", "outer ends"]


async def test_services_know_services(log: Log, autojump_clock: object) -> None:
    """A service may start another, which does not depend on it."""
    async with open_services() as services:

        async def parent() -> None:
            await services.start(log.service, "child")

        services.start_soon(parent)
        await trio.sleep(1)
        log.append("block ends")
    assert log == ["child begins", "block ends", "child ends"]


async def test_what_is_started_too_late_is_cancelled(log: Log, autojump_clock: object) -> None:
    """A service that a hook, or a service at its end, starts runs to its first checkpoint."""
    async with open_services() as services:

        async def last() -> None:
            try:
                await trio.sleep_forever()
            finally:
                services.start_soon(log.service, "late")

        services.start_soon(last)
        await trio.sleep(1)
    assert log == ["late begins", "late ends"]


async def test_nothing_can_be_started_when_all_is_over(log: Log) -> None:
    """That is an error of the caller, as with any nursery."""
    async with open_services() as services:
        pass
    with pytest.raises(RuntimeError):
        services.start_soon(log.service, "one")


async def test_names_of_tasks() -> None:
    """A task has the name of its service, or the one that is given."""
    names: list[str] = []

    async def service(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        names.append(trio.lowlevel.current_task().name.rpartition(".")[2])
        task_status.started()

    async with open_services() as services:
        services.start_soon(service)
        await trio.testing.wait_all_tasks_blocked()
        services.start_soon(service, name="other")
        await trio.testing.wait_all_tasks_blocked()
        await services.start(service)
        await services.start(service, name="other")
    assert names == ["service", "other"] * 2


# Bounds


async def test_hooks_share_one_bound(log: Log, autojump_clock: trio.testing.MockClock) -> None:
    """What hooks have not done in time they do not do; each is called, the latest first."""

    async def endless(name: str) -> None:
        log.append(name)
        await trio.sleep_forever()

    def brief() -> None:
        log.append("first")

    async with open_services(close_timeout_s=3) as services:
        services.start_soon(log.service, "one")
        services.on_stop(brief)
        services.on_stop(lambda: endless("second"))
        services.on_stop(lambda: endless("third"))
        services.on_stop(log.hook)
        await trio.testing.wait_all_tasks_blocked()
    assert trio.current_time() == 3
    assert log[1:] == ["hook begins", "hook ends", "third", "second", "first", "one ends"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
async def test_an_interrupt_waits_for_nobody(
    log: Log, autojump_clock: object, error: BaseException
) -> None:
    """Hooks are called, and cancelled at once."""
    began = trio.current_time()
    with pytest.raises(type(error)) as caught:
        async with open_services() as services:
            services.on_stop(log.hook)
            raise error
    assert caught.value is error
    assert (log, trio.current_time()) == (["hook begins"], began)


async def test_a_cancellation_cuts_the_goodbye_short(log: Log, autojump_clock: object) -> None:
    """Cancelled while hooks still wait, the block is left at once, and the scope knows."""
    with trio.move_on_after(0.5) as scope:
        async with open_services() as services:
            services.start_soon(log.service, "one")
            services.on_stop(log.hook)
            await trio.lowlevel.checkpoint()
    assert (log[-2:], trio.current_time()) == (["hook begins", "one ends"], 0.5)
    assert scope.cancelled_caught


def test_ctrl_c_cuts_the_goodbye_short(log: Log) -> None:
    """So does the user, while the hooks are waited for."""

    async def interrupt() -> None:
        await trio.testing.wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)

    async def main() -> None:
        async with open_services(close_timeout_s=1000) as services:
            services.start_soon(interrupt)
            services.on_stop(trio.sleep_forever)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)


@pytest.mark.parametrize("where", ["block", "service"])
def test_ctrl_c_comes_out_as_itself(log: Log, where: str) -> None:
    """Wherever Ctrl-C strikes, a plain ``KeyboardInterrupt`` comes out, and all has ended."""

    async def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)
        await trio.sleep_forever()

    async def main() -> None:
        async with open_services(close_timeout_s=1000) as services:
            services.start_soon(log.service, "one")
            services.on_stop(trio.sleep_forever)
            await trio.testing.wait_all_tasks_blocked()
            if where == "service":
                services.start_soon(interrupt)
                await trio.sleep_forever()
            await interrupt()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)
    assert log == ["one begins", "one ends"]


def test_ctrl_c_in_the_goodbye_leaves_nothing_running(log: Log) -> None:
    """Before whichever line of it Ctrl-C strikes, every service is ended after it."""
    line = struck = 1

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal struck
        if frame.f_code is not unwrap(Services._say_goodbye).__code__:
            return None
        if event == "line":
            struck += 1
            if struck == line:
                signal.raise_signal(signal.SIGINT)
        return trace

    async def main() -> None:
        async with open_services() as services:
            for name in ("one", "two", "three"):
                services.start_soon(log.service, name)
            services.on_stop(lambda: None)
            await trio.testing.wait_all_tasks_blocked()

    before = sys.gettrace()
    while struck >= line:
        line, struck = line + 1, 1
        log.clear()
        sys.settrace(trace)
        try:
            with suppress(KeyboardInterrupt):
                trio.run(main)
        finally:
            sys.settrace(before)
        assert sorted(log) == sorted(
            f"{name} {what}" for name in ("one", "two", "three") for what in ("begins", "ends")
        )
    assert line > 10


# What comes out


def wrong(*, context: bool = False, cause: bool = False) -> Wrong:
    """Make an error that was raised before, with a past of its own."""
    error = Wrong()
    error.__context__ = ValueError("context") if context else None
    error.__cause__ = ValueError("cause") if cause else None
    return error


ERRORS: list[Callable[[], BaseException]] = [
    wrong,
    lambda: wrong(context=True),
    lambda: wrong(cause=True),
    lambda: ExceptionGroup("the user's", [wrong(context=True)]),
    lambda: ExceptionGroup("the user's", [ExceptionGroup("inner", [wrong()])]),
    lambda: BaseExceptionGroup("the user's", [wrong(), KeyboardInterrupt()]),
    KeyboardInterrupt,
]


async def in_block(services: Services, error: BaseException) -> None:
    """Raise in the block itself."""
    raise error


async def in_service(services: Services, error: BaseException) -> None:
    """Raise in a service, while the block waits."""
    services.start_soon(fail, error)
    await trio.sleep_forever()


async def in_started(services: Services, error: BaseException) -> None:
    """Raise in a service that said that it had started."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.lowlevel.checkpoint()
        raise error

    await services.start(service)
    await trio.sleep_forever()


async def while_starting(services: Services, error: BaseException) -> None:
    """Raise in a service that did not yet say that it had started."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    await services.start(service)


async def at_the_end(services: Services, error: BaseException) -> None:
    """Raise in a service that is being cancelled."""
    services.start_soon(fail_when_cancelled, error)
    await trio.testing.wait_all_tasks_blocked()


async def in_hook(services: Services, error: BaseException) -> None:
    """Raise in a hook."""
    services.on_stop(lambda: fail(error))


async def in_hook_at_once(services: Services, error: BaseException) -> None:
    """Raise in a hook that is no async function."""

    def hook() -> None:
        raise error

    services.on_stop(hook)


PLACES = [in_block, in_service, in_started, while_starting, at_the_end, in_hook, in_hook_at_once]
Place = Callable[[Services, BaseException], Awaitable[None]]


@pytest.mark.filterwarnings("ignore:.*strict_exception_groups:trio.TrioDeprecationWarning")
@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("make", ERRORS)
@pytest.mark.parametrize("place", PLACES)
def test_one_failure_comes_out_as_raised(
    place: Place, make: Callable[[], BaseException], *, loose: bool
) -> None:
    """Wherever it was raised: the very object, with its context, its cause and its parts."""
    error = make()
    past = (error.__context__, error.__cause__, getattr(error, "exceptions", ()))

    async def main() -> None:
        async with open_services() as services:
            await place(services, error)

    with pytest.raises(type(error)) as caught:
        trio.run(main, strict_exception_groups=not loose)
    assert caught.value is error
    assert (error.__context__, error.__cause__, getattr(error, "exceptions", ())) == past


@pytest.mark.parametrize("place", PLACES)
async def test_the_same_through_a_context_manager_of_ours(place: Place) -> None:
    """A feed is an ``asynccontextmanager`` around services, and adds nothing."""
    error = wrong()

    @asynccontextmanager
    async def open_feed() -> AsyncIterator[Services]:
        async with open_services() as services:
            yield services

    with pytest.raises(Wrong) as caught:
        async with open_feed() as services:
            await place(services, error)
    assert (caught.value, error.__context__, error.__cause__) == (error, None, None)


async def test_one_failure_of_two_services_comes_out_as_itself() -> None:
    """They waited for the same thing: what went wrong is one thing, and told once."""
    error = Wrong("theirs")
    with pytest.raises(Wrong) as caught:
        async with open_services() as services:
            services.start_soon(fail, error)
            services.start_soon(fail, error)
            await trio.sleep_forever()
    assert caught.value is error


@pytest.mark.parametrize(
    "first, second",
    [
        *itertools.product([in_block, in_service, in_started], [at_the_end, in_hook_at_once]),
        (in_block, in_hook),
    ],
)
async def test_two_failures_come_out_as_one_group(first: Place, second: Place) -> None:
    """Independent failures are all told, in their order, each as it was raised."""
    errors = [wrong(), ExceptionGroup("the user's", [wrong(context=True)])]
    with pytest.raises(ExceptionGroup) as caught:
        async with open_services() as services:
            await second(services, errors[1])
            await first(services, errors[0])
    assert list(caught.value.exceptions) == errors
    assert caught.value.exceptions[1] is errors[1]
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


async def test_a_failure_hides_no_failure_of_the_block() -> None:
    """What the block raises while it is cancelled for a failed service is told too."""
    errors = [wrong(), wrong()]
    with pytest.raises(ExceptionGroup) as caught:
        async with open_services() as services:
            services.start_soon(fail, errors[0])
            try:
                await trio.sleep_forever()
            finally:
                raise errors[1]
    assert list(caught.value.exceptions) == errors


@pytest.mark.parametrize("place", [at_the_end, in_hook_at_once])
async def test_a_failure_comes_out_of_a_cancelled_block(place: Place) -> None:
    """A cancellation takes no failure's place."""
    error = wrong()
    with pytest.raises(Wrong) as caught, trio.CancelScope() as scope:
        async with open_services() as services:
            await place(services, error)
            scope.cancel()
            await trio.sleep_forever()
    assert (caught.value, error.__context__) == (error, None)
    assert not scope.cancelled_caught


@pytest.mark.parametrize("inside", [False, True])
async def test_a_cancellation_in_a_group_is_taken_out(*, inside: bool) -> None:
    """A nursery of the block fails while it is cancelled, from outside or for a failed service.

    What was cancelled is no failure; what failed is.
    """
    errors = [wrong(), wrong()]

    async def part(services: Services, scope: trio.CancelScope) -> None:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            nursery.start_soon(fail_when_cancelled, errors[0])
            await trio.testing.wait_all_tasks_blocked()
            if inside:
                services.start_soon(fail, errors[1])
            else:
                scope.cancel()
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught, trio.CancelScope() as scope:
        async with open_services() as services:
            await part(services, scope)
    group = caught.value
    if inside:
        assert group.exceptions[0] is errors[1]
        (group,) = (each for each in group.exceptions if isinstance(each, ExceptionGroup))
    assert list(group.exceptions) == [errors[0]]


async def test_a_service_with_a_nursery_that_fails_at_the_end() -> None:
    """What a service's own nursery raises while it is cancelled comes out without the cancelled."""
    error = wrong()

    async def service() -> None:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            nursery.start_soon(fail_when_cancelled, error)
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        async with open_services() as services:
            services.start_soon(service)
            await trio.testing.wait_all_tasks_blocked()
    assert list(caught.value.exceptions) == [error]


async def test_hooks_that_were_cut_and_failed_are_all_told(autojump_clock: object) -> None:
    """Two hooks whose nurseries are cancelled, and fail at that: both failures come out."""
    errors = [wrong(), wrong()]

    async def hook(error: Exception) -> None:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            nursery.start_soon(fail_when_cancelled, error)
            nursery.start_soon(trio.sleep_forever)

    def told(error: BaseException) -> list[BaseException]:
        if isinstance(error, BaseExceptionGroup):
            return [leaf for each in error.exceptions for leaf in told(each)]
        return [error]

    with pytest.raises(ExceptionGroup) as caught, trio.CancelScope() as scope:
        async with open_services() as services:
            services.on_stop(lambda: hook(errors[0]))
            services.on_stop(lambda: hook(errors[1]))
            scope.cancel()
    assert told(caught.value) == errors[::-1]


async def test_a_cancelled_block_in_a_larger_nursery(log: Log) -> None:
    """A sibling that fails cancels the block, which leaves nothing but that failure."""
    error = wrong()

    async def sibling() -> None:
        async with open_services() as services:
            services.start_soon(log.service, "one")
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            nursery.start_soon(sibling)
            await trio.testing.wait_all_tasks_blocked()
            raise error
    assert list(caught.value.exceptions) == [error]
    assert log == ["one begins", "one ends"]


@pytest.mark.parametrize("count", [1, 2])
def test_raised_as_raised(count: int) -> None:
    """One alone, several in a group; no context is touched, though another error is handled."""
    errors = [wrong(context=True), wrong()][:count]
    contexts = [each.__context__ for each in errors]

    def handle() -> None:
        try:
            int("a")
        except ValueError:
            raise_as_raised(errors)

    with pytest.raises((Wrong, ExceptionGroup)) as caught:
        handle()
    assert getattr(caught.value, "exceptions", (caught.value,)) == tuple(errors)
    assert [each.__context__ for each in errors] == contexts
    if count > 1:
        assert caught.value.__context__ is None


# Starting


async def test_start_gives_the_value(log: Log) -> None:
    """``start`` waits until the service says that it is there, and with what."""
    async with open_services() as services:
        assert await services.start(log.service, "one") == "one is there"
        log.append("block ends")
    assert log == ["one begins", "block ends", "one ends"]


async def test_a_service_being_started_is_part_of_its_caller(log: Log) -> None:
    """Cancelled while it waits for that, ``start`` leaves no task behind; the block goes on."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("service ends")

    async with open_services() as services:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(services.start, service)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        log.append("block ends")
    assert log == ["service ends", "block ends"]


async def test_a_failure_while_starting_is_the_callers() -> None:
    """It is raised by ``start``, and whoever handles it there goes on with the block."""
    async with open_services() as services:
        with pytest.raises(Wrong):
            await while_starting(services, Wrong())
        await trio.lowlevel.checkpoint()


async def test_cancelled_in_the_very_moment_of_starting(log: Log) -> None:
    """A service that says it is there to a caller who is cancelled by then ends with the caller."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        scope.cancel()
        task_status.started()
        await log.service("one")

    async with open_services() as services:
        with trio.CancelScope() as scope:
            await services.start(service)
        log.append("block ends")
    assert log == ["one begins", "one ends", "block ends"]


async def test_started_for_a_block_that_is_being_cancelled(log: Log) -> None:
    """Once it is there, a service outlives also a block that is cancelled already."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await log.service("one")

    with pytest.raises(Wrong):
        async with open_services() as services:
            services.start_soon(fail, Wrong())
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await services.start(service)
                    await trio.testing.wait_all_tasks_blocked()
                log.append("block ends")
    assert log == ["one begins", "block ends", "one ends"]


async def test_leaving_does_not_wait_for_one_that_never_starts(log: Log) -> None:
    """A task outside that is starting a service when the block ends is told that it did not."""
    done = trio.Event()

    async def starter(services: Services) -> None:
        async def service(*, task_status: trio.TaskStatus[None]) -> None:
            await log.service("one")

        with pytest.raises(RuntimeError):
            await services.start(service)
        done.set()

    async with trio.open_nursery() as nursery:
        async with open_services() as services:
            nursery.start_soon(starter, services)
            await trio.testing.wait_all_tasks_blocked()
        assert log == ["one begins", "one ends"]
    assert done.is_set()


# Cancellation, everywhere


@pytest.mark.parametrize("failing", [False, True])
def test_cancelled_after_any_step(*, failing: bool) -> None:
    """Whenever it is cancelled, the block ends before its services, and nothing is left running.

    A failure that had happened by then comes out as it was raised.
    """

    async def main(scope: trio.CancelScope, log: Log) -> None:
        error = wrong()
        raised: list[BaseException] = []
        caught: list[BaseException] = []

        async def failing_service() -> None:
            await trio.sleep(3)
            raised.append(error)
            raise error

        try:
            with scope:
                async with open_services() as services:
                    log.append("block begins")
                    try:
                        services.on_stop(log.hook)
                        services.start_soon(log.service, "one")
                        await services.start(log.service, "two")
                        log.append("two serves")
                        if failing:
                            services.start_soon(failing_service)
                            await trio.sleep_forever()
                        await trio.sleep(1)
                    finally:
                        log.append("block ends")
        except Wrong as failure:
            caught.append(failure)
        assert caught == raised
        assert error.__context__ is None

    for count in itertools.count(1):
        scope, log = trio.CancelScope(), Log()
        steps = Steps(scope, count)
        clock = trio.testing.MockClock(autojump_threshold=0)
        trio.run(main, scope, log, clock=clock, instruments=[steps])
        for name in ("block", "one", "two"):
            assert log.count(f"{name} begins") == log.count(f"{name} ends")
        for name, serves in (("one", "one begins"), ("two", "two serves")):
            if serves in log:
                assert log.index("block ends") < log.index(f"{name} ends")
        if steps.left > 0:
            break
    assert count > 10
