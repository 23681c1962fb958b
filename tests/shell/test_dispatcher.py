"""Callbacks are called in order, never in the reader, and what they raise comes out as it was."""

from __future__ import annotations

import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.errors import (
    ConnectionFailed,
    ConnectionLost,
    KrakenError,
    ProtocolError,
)
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Spread
from kraken_trio._internal.shell.channel import Pressure
from kraken_trio._internal.shell.dispatcher import Dispatcher
from kraken_trio._internal.shell.scopes import open_services

ONE = Decimal(1)


class Wrong(Exception):
    """What a callback raises."""


def spread(number: int) -> Spread:
    """Make a record."""
    return Spread("A", Decimal(number), ONE, ONE, ONE)


def dispatcher(capacity: int = 500, **options: Any) -> Dispatcher:
    """Make a dispatcher."""
    return Dispatcher(Buffer(capacity, DropPolicy.OLDEST), **options)


@asynccontextmanager
async def running(made: Dispatcher) -> AsyncIterator[None]:
    """Run it until all that was put is handed round."""
    async with open_services() as services:
        await services.start(made.run)
        yield
        await trio.testing.wait_all_tasks_blocked()


class Calls(list[Any]):
    """What was called, in order; makes callbacks that note their calls here."""

    def sync(self, name: str, result: object = None) -> Callable[[Any], object]:
        """Make a plain callback."""

        def callback(item: Any) -> object:
            self.append((name, item))
            return result

        return callback

    def waiting(self, name: str, times: int = 1) -> Callable[[Any], Awaitable[None]]:
        """Make an async callback that takes so many checkpoints."""

        async def callback(item: Any) -> None:
            self.append((name, item))
            for _ in range(times):
                await trio.lowlevel.checkpoint()
            self.append((f"{name} ends", item))

        return callback


@pytest.fixture
def calls() -> Calls:
    """Give an empty list of calls."""
    return Calls()


# Who is called


async def test_callbacks_are_called_in_order(calls: Calls) -> None:
    """Item by item, and for each one in the order of registration; an async one is awaited."""
    made = dispatcher()
    made.on(Spread, calls.sync("a"))
    made.on(Spread, calls.waiting("b"))
    made.on(Spread, calls.sync("c"))
    first, second = spread(1), spread(2)
    async with running(made):
        made.put(first)
        made.put(second)
        assert calls == []
    assert calls == [(name, item) for item in (first, second) for name in ("a", "b", "b ends", "c")]


async def test_each_kind_has_its_own_callbacks(calls: Calls) -> None:
    """A callback gets what it was registered for, and nothing else."""
    made = dispatcher()
    items: list[Item] = [spread(1), Gap("spread", "A", GapReason.STALLED), ProtocolError("no")]
    for item in items:
        made.on(type(item), calls.sync(type(item).__name__))
    async with running(made):
        for item in (*items, Heartbeat()):
            made.put(item)
    assert calls == [(type(item).__name__, item) for item in items]


@pytest.mark.parametrize("kind", [ConnectionLost, ConnectionFailed, KrakenError, object])
async def test_a_base_class_stands_for_all_below_it(calls: Calls, kind: type) -> None:
    """A callback for a base class gets the instances of subclasses too."""
    made = dispatcher()
    made.on(kind, calls.sync("a"))
    made.on(ProtocolError, calls.sync("b"))
    error: Any = ConnectionLost(1006)
    async with running(made):
        made.put(error)
    assert calls == [("a", error)]


async def test_all_sorts_of_callables_are_called(calls: Calls) -> None:
    """A partial, a bound method, an object and a function that returns an awaitable will do."""

    class Callable_:  # noqa: N801 - the builtin has the name
        async def __call__(self, _: object) -> None:
            calls.append("object")

        def method(self, _: object) -> None:
            calls.append("method")

    async def function(name: str, item: object) -> None:
        await trio.lowlevel.checkpoint()
        calls.append(name)

    made = dispatcher()
    made.on(Spread, functools.partial(function, "partial"))
    made.on(Spread, Callable_())
    made.on(Spread, Callable_().method)
    made.on(Spread, lambda item: function("lambda", item))
    made.on(Spread, lambda _: "no awaitable")
    async with running(made):
        made.put(spread(1))
    assert calls == ["partial", "object", "method", "lambda"]


@pytest.mark.parametrize(
    "kind, callback", [("Spread", print), (Spread | Gap, print), (None, print), (Spread, None)]
)
def test_what_cannot_be_called_is_refused(kind: Any, callback: Any) -> None:
    """A kind that is no class, or a callback that is not callable, is told at once."""
    with pytest.raises(TypeError, match=r"must be"):
        dispatcher().on(kind, callback)


def test_what_nobody_listens_for_is_not_queued(calls: Calls) -> None:
    """It costs nothing, and takes no room."""
    made = dispatcher(capacity=2)
    made.put(spread(1))
    registration = made.on(Gap, calls.sync("a"))
    made.put(spread(2))
    assert made.statistics().received == 0
    made.put(Gap("spread", "A", GapReason.STALLED))
    assert made.statistics().buffered == 1
    registration.remove()
    made.put(Gap("spread", "A", GapReason.STALLED))
    assert made.statistics().buffered == 1


# Coming and going


async def test_what_is_removed_is_not_called(calls: Calls) -> None:
    """Not even for what was put before; twice is as good as once."""
    made = dispatcher()
    one = made.on(Spread, calls.sync("one"))
    made.on(Spread, calls.sync("two"))
    item = spread(1)
    async with running(made):
        made.put(item)
        one.remove()
        one.remove()
    assert (calls, one.active) == ([("two", item)], False)


async def test_registered_for_the_length_of_a_block(calls: Calls) -> None:
    """As a context manager, a registration removes itself at the end."""
    made = dispatcher()
    first, second = spread(1), spread(2)
    async with running(made):
        with made.on(Spread, calls.sync("a")) as registration:
            made.put(first)
            await trio.testing.wait_all_tasks_blocked()
            assert registration.active
        made.put(second)
    assert calls == [("a", first)]


async def test_the_same_function_twice(calls: Calls) -> None:
    """Two registrations of one function are two, and removed one by one."""
    made = dispatcher()
    callback = calls.sync("a")
    made.on(Spread, callback)
    second = made.on(Spread, callback)
    async with running(made):
        made.put(spread(1))
        await trio.testing.wait_all_tasks_blocked()
        second.remove()
        made.put(spread(2))
    assert [int(item.bid) for _, item in calls] == [1, 1, 2]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_callbacks_may_change_callbacks(calls: Calls, *, concurrent: bool) -> None:
    """One that removes itself, or one after it, or adds one, is obeyed from the next call on."""
    made = dispatcher(concurrent=concurrent)

    def change(item: Any) -> None:
        calls.append(("change", item))
        changing.remove()
        later.remove()
        made.on(Spread, calls.sync("new"))

    changing = made.on(Spread, change)
    later = made.on(Spread, calls.sync("later"))
    first, second = spread(1), spread(2)
    async with running(made):
        made.put(first)
        made.put(second)
    assert calls == [("change", first), ("new", second)]


# At once


async def test_async_callbacks_of_one_item_at_once(calls: Calls) -> None:
    """They run beside each other, and all have ended before the next item."""
    made = dispatcher(concurrent=True)
    made.on(Spread, calls.waiting("a", 2))
    made.on(Spread, calls.sync("plain"))
    made.on(Spread, calls.waiting("b", 1))
    async with running(made):
        made.put(spread(1))
        made.put(spread(2))
    assert [int(item.bid) for _, item in calls] == [1] * 5 + [2] * 5
    for some in (calls[:5], calls[5:]):
        names = [name for name, _ in some]
        assert names[0] == "plain"
        assert sorted(names[1:3]) == ["a", "b"]
        assert names[3:] == ["b ends", "a ends"]


async def test_one_async_callback_needs_no_company(calls: Calls) -> None:
    """Where a single one is async, all are called in order, as without."""
    made = dispatcher(concurrent=True)
    made.on(Spread, calls.waiting("a"))
    made.on(Spread, calls.sync("b"))
    async with running(made):
        made.put(spread(1))
    assert [name for name, _ in calls] == ["a", "a ends", "b"]


# What a callback raises


def failing(error: BaseException) -> Callable[[object], object]:
    """Make a callback that fails."""

    def callback(_: object) -> None:
        raise error

    return callback


def failing_later(error: BaseException) -> Callable[[object], object]:
    """Make an async callback that fails."""

    async def callback(_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    return callback


ERRORS: list[Callable[[], BaseException]] = [
    Wrong,
    lambda: ExceptionGroup("the user's", [Wrong()]),
    trio.ClosedResourceError,
    KeyboardInterrupt,
    lambda: BaseExceptionGroup("the user's", [Wrong(), KeyboardInterrupt()]),
]


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("make", ERRORS)
@pytest.mark.parametrize("fail", [failing, failing_later])
async def test_an_error_comes_out_as_raised(
    calls: Calls,
    fail: Callable[[BaseException], Callable[[object], object]],
    make: Callable[[], BaseException],
    *,
    concurrent: bool,
) -> None:
    """The very object leaves ``run``, from among others that run at once too; nobody is called
    after.
    """
    made = dispatcher(concurrent=concurrent)
    error = make()
    made.on(Spread, calls.waiting("a"))
    made.on(Spread, fail(error))
    made.on(Spread, calls.sync("b"))
    if concurrent:
        made.on(Spread, calls.waiting("c"))
    made.put(spread(1))
    made.put(spread(2))
    with pytest.raises(type(error)) as caught:
        await made.run()
    assert caught.value is error
    assert (error.__context__, error.__cause__) == (None, None)
    assert [int(item.bid) for _, item in calls] == [1] * len(calls)
    if fail is failing or not concurrent:
        assert "b" not in [name for name, _ in calls]


async def test_two_that_fail_at_once_come_in_one_group() -> None:
    """What two callbacks of one item raise is all told."""
    made = dispatcher(concurrent=True)
    errors = [Wrong(), Wrong()]

    async def fail(error: Exception, _: object) -> None:
        with suppress(trio.Cancelled):
            await trio.sleep_forever()
        raise error

    async def fail_first(error: Exception, _: object) -> None:
        await trio.testing.wait_all_tasks_blocked()
        raise error

    made.on(Spread, functools.partial(fail, errors[1]))
    made.on(Spread, functools.partial(fail_first, errors[0]))
    made.put(spread(1))
    with pytest.raises(ExceptionGroup) as caught:
        await made.run()
    assert list(caught.value.exceptions) == errors


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("fail", [failing, failing_later])
async def test_isolated_errors_are_told(
    calls: Calls,
    fail: Callable[[BaseException], Callable[[object], object]],
    *,
    concurrent: bool,
) -> None:
    """With a report, it says who failed at what and how, and the others are called as ever."""
    told: list[CallbackError] = []
    made = dispatcher(concurrent=concurrent, report=told.append)
    error = Wrong()
    callback = fail(error)
    made.on(Spread, callback)
    made.on(Spread, calls.waiting("a"))
    made.on(Spread, calls.waiting("b"))
    item = spread(1)
    async with running(made):
        made.put(item)
        made.put(item)
    assert told == [CallbackError(callback.__qualname__, item, error)] * 2
    assert len(calls) == 8


async def test_a_callback_without_a_name() -> None:
    """One that has none is told by its ``repr``."""
    told: list[CallbackError] = []
    made = dispatcher(report=told.append)
    callback = functools.partial(failing(Wrong()))
    made.on(Spread, callback)
    async with running(made):
        made.put(spread(1))
    assert [error.callback for error in told] == [repr(callback)]


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("fail", [failing, failing_later])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
async def test_what_ends_the_program_is_never_isolated(
    fail: Callable[[BaseException], Callable[[object], object]],
    error: BaseException,
    *,
    concurrent: bool,
) -> None:
    """A ``KeyboardInterrupt`` in a callback is no error of the callback."""
    told: list[CallbackError] = []
    made = dispatcher(concurrent=concurrent, report=told.append)
    made.on(Spread, Calls().waiting("a"))
    made.on(Spread, Calls().waiting("b"))
    made.on(Spread, fail(error))
    made.put(spread(1))
    with pytest.raises(type(error)) as caught:
        await made.run()
    assert (caught.value, told) == (error, [])


async def test_failures_are_items(calls: Calls) -> None:
    """A report may put them back, for callbacks that are registered for failures."""

    def report(error: CallbackError) -> None:
        made.put(error)

    made = dispatcher(report=report)
    made.on(Spread, failing(Wrong()))
    made.on(CallbackError, calls.sync("a"))
    async with running(made):
        made.put(spread(1))
    assert [(name, type(error.exception)) for name, error in calls] == [("a", Wrong)]


async def test_failing_at_failures_comes_to_an_end(calls: Calls) -> None:
    """A callback that fails at each failure is told of its own failure no more."""
    told: list[CallbackError] = []

    def report(error: CallbackError) -> None:
        told.append(error)
        made.put(error)

    made = dispatcher(report=report)
    made.on(Spread, failing(Wrong()))
    made.on(CallbackError, failing(Wrong()))
    made.on(CallbackError, calls.sync("a"))
    async with running(made):
        made.put(spread(1))
    assert [type(error.item) for error in told] == [Spread, CallbackError]
    assert [error for _, error in calls] == told[:1]


# Too much


async def test_an_overflow_is_a_gap(calls: Calls) -> None:
    """What does not fit is counted, and those who listen for gaps are told where it was."""
    made = dispatcher(capacity=2)
    made.on(Spread, calls.sync("a"))
    made.on(Gap, calls.sync("gap"))
    items = [spread(number) for number in range(5)]
    for item in items:
        made.put(item)
    async with running(made):
        pass
    assert calls == [
        ("gap", Gap("spread", "A", GapReason.OVERFLOW, size=3)),
        ("a", items[3]),
        ("a", items[4]),
    ]
    assert made.statistics().dropped == 3


async def test_a_gap_that_nobody_listens_for_is_passed_over(calls: Calls) -> None:
    """It stands in the queue all the same, and calls nobody."""
    made = dispatcher(capacity=1)
    made.on(Spread, calls.sync("a"))
    for number in range(3):
        made.put(spread(number))
    async with running(made):
        pass
    assert [int(item.bid) for _, item in calls] == [2]


async def test_a_book_recovers_though_nobody_listens_for_snapshots(calls: Calls) -> None:
    """Updates that were dropped stop at the next snapshot, which the queue is shown for that."""
    made = dispatcher(capacity=1)
    made.on(BookUpdate, calls.sync("a"))
    updates = [BookUpdate("A", (), (), None, None, number) for number in range(4)]
    made.put(BookSnapshot("A", 10, (), (), 0))
    async with running(made):
        made.put(updates[0])
        made.put(updates[1])
        await trio.testing.wait_all_tasks_blocked()
        made.put(updates[2])
        await trio.testing.wait_all_tasks_blocked()
        made.put(BookSnapshot("A", 10, (), (), 0))
        await trio.testing.wait_all_tasks_blocked()
        made.put(updates[3])
    assert calls == [("a", updates[3])]


def test_the_reader_is_told_of_a_full_queue(calls: Calls) -> None:
    """The queue presses like any channel of the reader."""
    pressure = Pressure()
    made = Dispatcher(Buffer(4, DropPolicy.OLDEST), pressure)
    made.on(Spread, calls.sync("a"))
    made.put(spread(1))
    made.put(spread(2))
    assert pressure.pressed


# The end


async def test_nothing_is_called_after_closing(calls: Calls) -> None:
    """What waits is dropped, ``run`` returns, and a late registration is never called."""
    made = dispatcher()
    registration = made.on(Spread, calls.sync("a"))
    made.put(spread(1))
    made.close()
    made.on(Spread, calls.sync("b"))
    made.put(spread(2))
    await made.run()
    made.close()
    registration.remove()
    assert (calls, made.statistics().received) == ([], 1)


@pytest.mark.parametrize("concurrent", [False, True])
async def test_closing_cancels_what_runs(calls: Calls, *, concurrent: bool) -> None:
    """An async callback that runs is cancelled; whoever would be next for its item is not called.

    Not even if that callback makes nothing of it.
    """
    made = dispatcher(concurrent=concurrent)

    async def stubborn(item: object) -> None:
        with suppress(trio.Cancelled):
            await trio.sleep_forever()
        calls.append("cancelled")

    made.on(Spread, stubborn)
    if concurrent:
        made.on(Spread, stubborn)
    made.on(Spread, stubborn if concurrent else calls.sync("a"))
    async with running(made):
        made.put(spread(1))
        await trio.testing.wait_all_tasks_blocked()
        made.close()
    assert calls == ["cancelled"] * (3 if concurrent else 1)


async def test_closing_in_a_callback(calls: Calls) -> None:
    """A callback that ends the feed is the last one that is called."""
    made = dispatcher()
    made.on(Spread, lambda _: made.close())
    made.on(Spread, calls.sync("a"))
    made.put(spread(1))
    made.put(spread(2))
    await made.run()
    assert calls == []


async def test_an_error_while_closing_comes_out(calls: Calls) -> None:
    """What a callback raises when it is cancelled is no less an error."""
    made = dispatcher()

    async def fail(_: object) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise Wrong

    made.on(Spread, fail)
    with pytest.raises(Wrong):
        async with running(made):
            made.put(spread(1))
            await trio.testing.wait_all_tasks_blocked()
            made.close()


class Steps(trio.abc.Instrument):
    """Cancels a scope after so many steps of any tasks."""

    def __init__(self, scope: trio.CancelScope, count: int) -> None:
        """Count down."""
        self._scope = scope
        self._left = count

    def after_task_step(self, _: trio.lowlevel.Task) -> None:
        """Count a step."""
        self._left -= 1
        if self._left == 0:
            self._scope.cancel()


@pytest.mark.parametrize("concurrent", [False, True])
def test_cancelled_after_any_step(*, concurrent: bool) -> None:
    """Whenever it is cancelled, calls up to then were in order, and none comes after.

    A cancelled callback is neither called again for its item nor reported.
    """

    async def main(scope: trio.CancelScope) -> bool:
        calls = Calls()
        told: list[CallbackError] = []
        made = dispatcher(concurrent=concurrent, report=told.append)
        made.on(Spread, calls.waiting("a"))
        made.on(Spread, calls.sync("b"))
        made.on(Spread, calls.waiting("c"))
        with scope:
            async with running(made):
                for number in range(3):
                    made.put(spread(number))
                    await trio.lowlevel.checkpoint()
        before = list(calls)
        made.put(spread(9))
        await trio.testing.wait_all_tasks_blocked()
        assert (calls, told) == (before, [])
        handed = [int(item.bid) for _, item in calls]
        assert handed == sorted(handed)
        if not concurrent:
            expected = itertools.product(range(3), ["a", "a ends", "b", "c", "c ends"])
            assert [(int(item.bid), name) for name, item in calls] == [*expected][: len(calls)]
        assert scope.cancelled_caught or len(calls) == 15
        return scope.cancelled_caught

    for count in itertools.count(1):
        scope = trio.CancelScope()
        if not trio.run(main, scope, instruments=[Steps(scope, count)]):
            break
    assert count > 10


async def test_the_queue_is_watched() -> None:
    """It is told of at four fifths of its capacity, and at the first loss."""
    told: list[tuple[str, int]] = []

    class Watch:
        def high_water(self, buffered: int, capacity: int) -> None:
            told.append((f"high water of {capacity}", buffered))

        def overflow(self, dropped: int) -> None:
            told.append(("overflow", dropped))

        def relieved(self, dropped: int) -> None:
            told.append(("relieved", dropped))

    made, calls = dispatcher(10, watch=Watch()), Calls()
    made.on(Spread, calls.sync("call"))
    for number in range(13):
        made.put(spread(number))
    assert told == [("high water of 10", 8), ("overflow", 1)]
    async with running(made):
        pass
    made.put(spread(13))
    assert told[2:] == [("relieved", 3)]
    assert [item.bid for _, item in calls] == list(range(3, 13))
    made.close()
