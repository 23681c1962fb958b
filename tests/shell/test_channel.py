"""A channel gives each record once, in order, loses none to a cancellation, and takes turns."""

from __future__ import annotations

import itertools
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.errors import ProtocolError, SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Spread
from kraken_trio._internal.model.statistics import ChannelStatistics
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.channel import (
    IN_A_ROW,
    PATIENCE,
    Pressure,
    RecordChannel,
)

ONE = Decimal(1)
NOTICES: list[Any] = [
    Gap("spread", "A", GapReason.STALLED),
    Resync("book", "A", GapReason.CHECKSUM, 0.5, Timestamp(1)),
    StateChange(
        "public",
        ConnectionState.DISCONNECTED,
        ConnectionState.CONNECTING,
        SessionTrigger.CONNECT,
        "",
        Timestamp(1),
    ),
    ProtocolError("no"),
    SubscriptionError("no"),
    CallbackError("show", 1, ValueError()),
]
Channel = RecordChannel[Any]
Take = Callable[[Channel], Awaitable[list[Any]]]


def record(number: int) -> Spread:
    """Make a record."""
    return Spread("A", Decimal(number), ONE, ONE, ONE)


def numbers(items: list[Any]) -> list[int]:
    """Give the numbers of records."""
    return [int(item.bid) for item in items]


def channel(count: int = 0, capacity: int = 500, pressure: Pressure | None = None) -> Channel:
    """Make a channel with records 0, 1 and so on."""
    made: Channel = RecordChannel(Buffer(capacity, DropPolicy.OLDEST), pressure)
    put(made, count)
    return made


def put(made: Channel, count: int, start: int = 0) -> None:
    """Put records with consecutive numbers."""
    for number in range(start, start + count):
        made.put(record(number))


async def receive(made: Channel) -> list[Any]:
    """Take one item."""
    return [await made.receive()]


async def receive_batch(made: Channel) -> list[Any]:
    """Take all there is."""
    return await made.receive_batch()


async def receive_nowait(made: Channel) -> list[Any]:
    """Take one item without a wait."""
    return [made.receive_nowait()]


async def parked(made: Channel, count: int) -> None:
    """Wait until exactly so many tasks wait, and nothing else happens."""
    await trio.testing.wait_all_tasks_blocked()
    assert made.statistics().waiting == count


class Steps(trio.abc.Instrument):
    """Counts how often each task runs, by its name; does something after so many steps in all.

    In one tick trio runs tasks in any order, so only this way something happens between two steps.
    """

    def __init__(self, act: Callable[[], object] = int, after: int = 0) -> None:
        """Start at zero; by default, do nothing."""
        self.taken: Counter[str] = Counter()
        self._act = act
        self._left = after

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        self.taken[task.name] += 1
        self._left -= 1
        if self._left == 0:
            self._act()


# Order


async def test_what_was_put_is_received_in_order() -> None:
    """Records that are there are given one by one, and then there is none."""
    made = channel(3)
    got = [await made.receive(), made.receive_nowait(), await made.receive()]
    assert numbers(got) == [0, 1, 2]
    with pytest.raises(trio.WouldBlock):
        made.receive_nowait()


async def test_a_batch_is_all_there_is() -> None:
    """A batch holds everything, or as much as is asked for."""
    made = channel(5)
    assert numbers(await made.receive_batch(2)) == [0, 1]
    assert numbers(await made.receive_batch(9)) == [2, 3, 4]
    put(made, 2)
    assert numbers(await made.receive_batch()) == [0, 1]


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_batch_of_nothing_is_refused(limit: int) -> None:
    """A batch has one item at least, so a lower limit is a mistake, and takes nothing."""
    made = channel(1)
    with pytest.raises(ValueError, match=f"is {limit}"):
        await made.receive_batch(limit)
    assert made.statistics().buffered == 1


async def test_those_that_wait_are_served_in_the_order_in_which_they_came() -> None:
    """Three tasks wait; three records reach them one each, the first the one that waits longest."""
    made = channel()
    got: list[tuple[int, Any]] = []

    async def consume(name: int) -> None:
        got.append((name, await made.receive()))

    async with trio.open_nursery() as nursery:
        for name in range(3):
            nursery.start_soon(consume, name)
            await parked(made, name + 1)
        put(made, 3)
    assert [(name, int(item.bid)) for name, item in got] == [(0, 0), (1, 1), (2, 2)]


async def test_a_batch_leaves_the_others_waiting() -> None:
    """The first of two gets all that came; the second waits on, and gets what comes next."""
    made = channel()
    got: list[list[int]] = []

    async def consume() -> None:
        got.append(numbers(await made.receive_batch()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        nursery.start_soon(consume)
        await parked(made, 2)
        put(made, 3)
        await parked(made, 1)
        put(made, 1, start=3)
    assert got == [[0, 1, 2], [3]]


async def test_a_batch_leaves_the_rest_to_the_next() -> None:
    """What a limited batch leaves wakes the next task that waits."""
    made = channel()
    got: list[list[int]] = []

    async def consume() -> None:
        got.append(numbers(await made.receive_batch(2)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        nursery.start_soon(consume)
        await parked(made, 2)
        put(made, 3)
    assert got == [[0, 1], [2]]


async def test_one_that_finds_nothing_waits_on_in_its_place() -> None:
    """A task whose record another one took meanwhile is served next, before one that came later."""
    made = channel()
    got: list[tuple[str, int]] = []

    async def consume(name: str) -> None:
        item = await made.receive()
        got.append((name, int(item.bid)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, "first")
        await parked(made, 1)
        nursery.start_soon(consume, "second")
        await parked(made, 2)
        put(made, 1)
        assert numbers([made.receive_nowait()]) == [0]
        await parked(made, 2)
        put(made, 1, start=1)
        await parked(made, 1)
        put(made, 1, start=2)
    assert got == [("first", 1), ("second", 2)]


async def test_what_leaves_nothing_wakes_nobody() -> None:
    """An update of a book that is known to be broken is dropped where it stands; nobody is woken.

    The book breaks for want of room, and there is no live one to take a snapshot from.
    """
    made = channel(capacity=1)
    made.put(BookSnapshot("A", 10, (), (), 0))
    made.put(BookUpdate("A", (), (), None, None, 1))
    assert [type(item) for item in await made.receive_batch()] == [Gap]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.receive)
        await parked(made, 1)
        made.put(BookUpdate("A", (), (), None, None, 2))
        await parked(made, 1)
        nursery.cancel_scope.cancel()
    assert made.statistics().dropped == 3


# Turns


@pytest.mark.parametrize("take", [receive, receive_batch])
async def test_one_wake_up_for_all_that_came(take: Take) -> None:
    """However many records are put in a row, the task that waits runs once to take them."""
    made, steps = channel(), Steps()
    got: list[Any] = []

    async def consume() -> None:
        while len(got) < 50:
            got.extend(await take(made))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, name="consumer")
        await parked(made, 1)
        trio.lowlevel.add_instrument(steps)
        put(made, 50)
    trio.lowlevel.remove_instrument(steps)
    assert numbers(got) == list(range(50))
    assert steps.taken["consumer"] == 1


def test_others_run_after_so_many_records() -> None:
    """A consumer that never has to wait lets others run whenever it took ``IN_A_ROW`` records."""
    made = channel(4 * IN_A_ROW)

    async def consume() -> None:
        for _ in range(4 * IN_A_ROW):
            await made.receive()

    steps = Steps()
    trio.run(consume, instruments=[steps])
    assert [count for name, count in steps.taken.items() if name.endswith("consume")] == [4]


def test_others_run_between_batches() -> None:
    """A batch counts for as many records as it holds."""
    made = channel(3 * IN_A_ROW)

    async def consume() -> None:
        await made.receive_batch(IN_A_ROW - 1)
        await made.receive_batch(IN_A_ROW)
        await made.receive_batch(1)

    steps = Steps()
    trio.run(consume, instruments=[steps])
    assert [count for name, count in steps.taken.items() if name.endswith("consume")] == [2]


async def test_others_may_take_all_meanwhile() -> None:
    """A consumer that let others run, and then finds nothing left, waits."""
    made = channel(IN_A_ROW + 1)
    await made.receive_batch(IN_A_ROW)
    steps = Steps(made.receive_nowait, after=1)
    async with trio.open_nursery() as nursery:
        trio.lowlevel.add_instrument(steps)
        nursery.start_soon(_put_where_one_waits, made)
        assert numbers([await made.receive()]) == [7]
    trio.lowlevel.remove_instrument(steps)


async def _put_where_one_waits(made: Channel) -> None:
    await parked(made, 1)
    put(made, 1, start=7)


# Cancellation


@pytest.mark.parametrize("count", [0, 1, IN_A_ROW + 1])
@pytest.mark.parametrize("take", [receive, receive_batch])
async def test_always_checks_for_cancellation(take: Take, count: int) -> None:
    """A cancelled task receives nothing, whether there is something or not; and it stays there."""
    made = channel(count)
    with trio.move_on_after(0) as scope:
        await take(made)
    assert scope.cancelled_caught
    assert made.statistics().buffered == count


async def test_one_that_was_woken_gets_its_record_though_cancelled() -> None:
    """A cancellation after the wake-up is too late for this record, and in time for the next."""
    made = channel()
    got: list[Any] = []

    async def consume() -> None:
        with scope:
            while True:
                got.append(await made.receive())

    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await parked(made, 1)
        put(made, 2)
        scope.cancel()
    assert (numbers(got), scope.cancelled_caught) == ([0], True)
    assert numbers([made.receive_nowait()]) == [1]


async def test_one_that_is_cancelled_leaves_the_line() -> None:
    """The record goes to the one that waited behind it."""
    made = channel()
    got: list[str] = []
    scope = trio.CancelScope()

    async def consume(name: str) -> None:
        await made.receive()
        got.append(name)

    async def consume_cancelled() -> None:
        with scope:
            await consume("cancelled")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume_cancelled)
        await parked(made, 1)
        nursery.start_soon(consume, "other")
        await parked(made, 2)
        scope.cancel()
        put(made, 1)
    assert got == ["other"]


@pytest.mark.parametrize("take", [receive, receive_batch])
def test_no_cancellation_loses_a_record(take: Take) -> None:
    """Cancelled after any step of anybody, consumers have all records, or they are still there."""
    total = 3 * IN_A_ROW

    async def run(scope: trio.CancelScope) -> bool:
        made = channel()
        got: list[Any] = []

        async def consume() -> None:
            while True:
                got.extend(await take(made))

        async def produce() -> None:
            for start in range(0, total, IN_A_ROW // 4):
                put(made, IN_A_ROW // 4, start)
                await trio.lowlevel.checkpoint()

        with scope:
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(consume)
                await produce()
                await parked(made, 2)
                nursery.cancel_scope.cancel()
        at_end = made.statistics()
        assert at_end.waiting == 0
        got += [made.receive_nowait() for _ in range(at_end.buffered)]
        assert numbers(got) == list(range(at_end.received))
        return scope.cancelled_caught

    for count in itertools.count(1):
        scope = trio.CancelScope()
        if not trio.run(run, scope, instruments=[Steps(scope.cancel, count)]):
            break
    assert count > 10


def test_a_keyboard_interrupt_leaves_the_line_in_order() -> None:
    """Ctrl-C reaches a task that waits, and nobody waits any more."""
    made = channel()

    async def interrupt() -> None:
        await parked(made, 1)
        signal.raise_signal(signal.SIGINT)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(interrupt)
            await made.receive()

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main)
    assert caught.value.split(KeyboardInterrupt)[1] is None
    assert made.statistics().waiting == 0


@given(st.lists(st.sampled_from(["put", "take", "wait", "cancel", "run"]), max_size=40))
def test_each_record_goes_to_one(script: list[str]) -> None:
    """Whatever is put, taken and cancelled in whatever order, each record is given once.

    Those that wait are served in order; nobody waits while there is something.
    """

    async def main() -> None:
        made = channel()
        got: list[int] = []
        waiting: list[trio.CancelScope] = []
        counter = itertools.count()

        async def consume(scope: trio.CancelScope) -> None:
            with scope:
                item = await made.receive()
                got.append(int(item.bid))
            waiting.remove(scope)

        async with trio.open_nursery() as nursery:
            for action in script:
                match action:
                    case "put":
                        made.put(record(next(counter)))
                    case "take":
                        if made.statistics().buffered:
                            got.append(int(made.receive_nowait().bid))
                    case "wait":
                        waiting.append(trio.CancelScope())
                        nursery.start_soon(consume, waiting[-1])
                    case "cancel":
                        if waiting:
                            waiting[0].cancel()
                    case _:
                        await trio.testing.wait_all_tasks_blocked()
                        state = made.statistics()
                        assert not (state.waiting and state.buffered)
            await trio.testing.wait_all_tasks_blocked()
            got += numbers([made.receive_nowait() for _ in range(made.statistics().buffered)])
            nursery.cancel_scope.cancel()
        assert got == list(range(next(counter)))

    trio.run(main)


# The end


class Wrong(Exception):
    """What a producer fails with."""


ENDS: list[tuple[Callable[[Channel], object], type[Exception]]] = [
    (lambda made: made.end(), trio.EndOfChannel),
    (lambda made: made.fail(Wrong()), Wrong),
    (lambda made: made.close(), trio.ClosedResourceError),
]


@pytest.mark.parametrize("take", [receive, receive_batch, receive_nowait])
@pytest.mark.parametrize("end, error", ENDS[:2])
async def test_what_is_there_is_received_before_the_end(
    end: Callable[[Channel], object], error: type[Exception], take: Take
) -> None:
    """The producer's end, or error, comes when all is received, and again each time."""
    made = channel(2)
    end(made)
    got: list[Any] = []
    while len(got) < 2:
        got += await take(made)
    assert numbers(got) == [0, 1]
    for _ in range(2):
        with pytest.raises(error):
            await take(made)


@pytest.mark.parametrize("take", [receive, receive_batch, receive_nowait])
async def test_nothing_is_received_once_closed(take: Take) -> None:
    """The consumer's own end is at once: what is there is gone."""
    made = channel(2)
    made.close()
    assert made.statistics().buffered == 0
    with pytest.raises(trio.ClosedResourceError):
        await take(made)


@pytest.mark.parametrize("take", [receive, receive_batch])
@pytest.mark.parametrize("end, error", ENDS)
async def test_the_end_reaches_all_that_wait(
    end: Callable[[Channel], object], error: type[Exception], take: Take
) -> None:
    """Each of three tasks that wait is told."""
    made = channel()
    told: list[str] = []

    async def consume() -> None:
        with pytest.raises(error):
            await take(made)
        told.append("end")

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(consume)
        await parked(made, 3)
        end(made)
    assert told == ["end"] * 3


async def test_records_and_the_end_reach_all_that_wait() -> None:
    """Two records and the end at once: the first two of four get the records, in order."""
    made = channel()
    got: list[tuple[int, int | None]] = []

    async def consume(name: int) -> None:
        try:
            item = await made.receive()
            got.append((name, int(item.bid)))
        except trio.EndOfChannel:
            got.append((name, None))

    async with trio.open_nursery() as nursery:
        for name in range(4):
            nursery.start_soon(consume, name)
            await parked(made, name + 1)
        put(made, 2)
        made.end()
    assert got == [(0, 0), (1, 1), (2, None), (3, None)]


@pytest.mark.parametrize("first, error", ENDS)
@pytest.mark.parametrize("later, _", ENDS[:2])
async def test_the_first_end_counts(
    first: Callable[[Channel], object],
    error: type[Exception],
    later: Callable[[Channel], object],
    _: type[Exception],
) -> None:
    """Of two ends of the producer, or one after the consumer's, the later one changes nothing."""
    made = channel()
    first(made)
    later(made)
    with pytest.raises(error):
        await made.receive()


@pytest.mark.parametrize("end, error", ENDS)
async def test_nothing_is_taken_in_after_the_end(
    end: Callable[[Channel], object], error: type[Exception]
) -> None:
    """What is put too late is not even counted."""
    made = channel(1)
    end(made)
    put(made, 1)
    assert made.statistics().received == 1


async def test_closed_while_it_lets_others_run() -> None:
    """A consumer that let others run, one of whom closed the channel, is told."""
    made = channel(IN_A_ROW + 1)
    await made.receive_batch(IN_A_ROW)
    steps = Steps(made.close, after=1)
    trio.lowlevel.add_instrument(steps)
    with pytest.raises(trio.ClosedResourceError):
        await made.receive()
    trio.lowlevel.remove_instrument(steps)


async def test_closing_is_told_once_and_at_once() -> None:
    """``on_close`` is called within the first ``close``, and never again."""
    told: list[bool] = []

    def on_close() -> None:
        with pytest.raises(trio.ClosedResourceError):
            made.receive_nowait()
        told.append(True)

    made: Channel = RecordChannel(Buffer(1, DropPolicy.OLDEST), on_close=on_close)
    made.close()
    assert told == [True]
    made.close()
    await made.aclose()
    assert told == [True]


async def test_the_block_closes_it() -> None:
    """``async with`` closes, and is a checkpoint, cancelled or not."""
    made = channel()
    async with made:
        pass
    with trio.move_on_after(0) as scope:
        await made.aclose()
    assert scope.cancelled_caught
    with pytest.raises(trio.ClosedResourceError):
        made.receive_nowait()


async def test_iterating_ends_with_the_producer() -> None:
    """``async for`` gives every item, gaps too, and ends where the producer ends."""
    made = channel(2)
    made.put(NOTICES[0])
    made.end()
    assert [type(item) async for item in made] == [Spread, Spread, Gap]


async def test_records_leave_out_all_that_is_no_record() -> None:
    """``records`` gives data of the exchange alone, and ends as the channel does."""
    made = channel(1)
    for notice in NOTICES:
        made.put(notice)
    made.put(Heartbeat())
    put(made, 1, start=1)
    made.end()
    got = [item async for item in made.records()]
    assert [type(item) for item in got] == [Spread, Heartbeat, Spread]


async def test_records_may_be_left_and_taken_up() -> None:
    """It is the same channel: what one loop leaves, the next one finds."""
    made = channel(2)
    got = []
    for _ in range(2):
        async for item in made.records():
            got.append(item)
            break
    assert numbers(got) == [0, 1]


async def test_records_raise_what_the_channel_raises() -> None:
    """A failed channel does not merely end."""
    made = channel()
    made.fail(Wrong())
    with pytest.raises(Wrong):
        await anext(made.records())


# Numbers


async def test_statistics() -> None:
    """They show the buffer, and who waits."""
    made = channel(5, capacity=4)
    assert made.statistics() == ChannelStatistics(
        buffered=5,
        capacity=4,
        received=5,
        dropped=1,
        coalesced=0,
        overflows=1,
        high_water=4,
        waiting=0,
    )
    await made.receive_batch()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.receive)
        await parked(made, 1)
        nursery.cancel_scope.cancel()


# Pressure


@pytest.mark.parametrize("capacity, quiet", [(1, 0), (3, 0), (4, 1), (500, 125), (503, 125)])
def test_pressure_above_a_quarter(capacity: int, quiet: int) -> None:
    """The reader is told as soon as more than a quarter of the capacity is taken."""
    pressure = Pressure()
    made = channel(quiet, capacity, pressure)
    seen = [pressure.pressed]
    put(made, 1)
    seen.append(pressure.pressed)
    pressure.relieve()
    seen.append(pressure.pressed)
    assert seen == [False, True, False]


def test_no_pressure_while_the_consumer_keeps_up() -> None:
    """What was received does not count, however much is put in all."""
    pressure = Pressure()
    made = channel(capacity=8, pressure=pressure)
    for _ in range(100):
        put(made, 2)
        made.receive_nowait()
        made.receive_nowait()
    assert not pressure.pressed


def test_one_pressure_for_all_channels_of_a_reader() -> None:
    """A single full channel among many is enough."""
    pressure = Pressure()
    for count in (1, 1, 3, 1):
        channel(count, 8, pressure)
    assert pressure.pressed


def test_a_consumer_that_takes_sets_the_pace() -> None:
    """Above the quarter, each record asks for a pause, as long as the pauses are of use.

    It need not use every one: trio may run the reader twice before it runs the consumer.
    """
    pressure = Pressure()
    made = channel(126, 500, pressure)
    for number in range(300):
        pressure.relieve()
        if number % (PATIENCE // 2) == 0:
            made.receive_nowait()
        put(made, 1)
        assert pressure.pressed


def test_a_consumer_that_does_not_take_is_not_waited_for() -> None:
    """One that makes nothing of the first ``PATIENCE`` pauses gets one in as many records."""
    pressure = Pressure()
    made = channel(126, 500, pressure)

    def pauses(count: int) -> int:
        found = 0
        for _ in range(count):
            pressure.relieve()
            put(made, 1)
            found += pressure.pressed
        return found

    assert pauses(PATIENCE - 1) == PATIENCE - 1
    assert pauses(10 * PATIENCE) == 10
    made.receive_nowait()
    assert pauses(PATIENCE) == 1
    assert pauses(PATIENCE) == PATIENCE


@pytest.mark.parametrize("slow", [False, True])
async def test_nothing_is_lost_under_a_flood(*, slow: bool) -> None:
    """A reader that pauses when it is told loses nothing, though it never waits by itself.

    The consumer only receives, or lets others run after each record too.
    """
    pressure = Pressure()
    made = channel(0, 100, pressure)

    async def consume() -> None:
        async for _ in made:
            if slow:
                await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        for number in range(3000):
            made.put(record(number))
            if pressure.pressed:
                pressure.relieve()
                await trio.lowlevel.checkpoint()
        made.end()
    assert (made.statistics().received, made.statistics().dropped) == (3000, 0)


# High water


class Told:
    """Keeps what it is told of a channel."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.told: list[object] = []

    def high_water(self, buffered: int, capacity: int) -> None:
        """The high mark."""
        self.told.append((buffered, capacity))

    def overflow(self, dropped: int) -> None:
        """The first loss."""
        self.told.append(f"dropped {dropped}")

    def relieved(self, dropped: int) -> None:
        """The end of it."""
        self.told.append(f"cost {dropped}")


@pytest.mark.parametrize("capacity", [2, 5, 10, 100, 500])
def test_high_water_is_told_at_the_very_record(capacity: int) -> None:
    """However seldom the buffer is looked at, for a consumer that is not waited for."""
    watch, high = Told(), -(-capacity * 4 // 5)
    made: Channel = RecordChannel(Buffer(capacity, DropPolicy.OLDEST), watch=watch)
    for _ in range(3):
        put(made, high - 1)
        assert watch.told == []
        put(made, 1)
        assert watch.told == [(high, capacity)]
        put(made, capacity - high)
        assert watch.told == [(high, capacity)]
        put(made, 2)
        assert watch.told == [(high, capacity), f"dropped {made.statistics().dropped - 1}"]
        while made.statistics().buffered:
            made.receive_nowait()
        put(made, 1)
        made.receive_nowait()
        assert watch.told[2:] == ["cost 2"]
        watch.told.clear()


def test_what_a_warning_puts_into_its_own_channel_is_there() -> None:
    """It stands behind the record that brought it, and brings no other."""
    made: Channel

    class Echo(Told):
        def high_water(self, buffered: int, capacity: int) -> None:
            super().high_water(buffered, capacity)
            made.put(NOTICES[0])

    watch = Echo()
    made = RecordChannel(Buffer(10, DropPolicy.OLDEST), watch=watch)
    put(made, 9)
    assert watch.told == [(8, 10)]
    got = [made.receive_nowait() for _ in range(10)]
    assert [numbers([item])[0] for item in got if item is not NOTICES[0]] == list(range(9))
    assert got[8] is NOTICES[0]
