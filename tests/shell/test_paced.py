"""A channel that holds back: never more than a rate, never longer than a window, never a gap."""

from __future__ import annotations

import contextlib
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
from kraken_trio._internal.core.pace import Pace
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Spread, Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.channel import IN_A_ROW
from kraken_trio._internal.shell.paced import PacedChannel

OLDEST, LATEST, COALESCE = DropPolicy.OLDEST, DropPolicy.LATEST, DropPolicy.COALESCE
ONE = Decimal(1)
GAP = Gap("trade", "A", GapReason.STALLED)
Channel = PacedChannel[Any]
Take = Callable[[Channel], Awaitable[list[Any]]]
Clock = trio.testing.MockClock


def trade(number: int) -> Trade:
    """Make a trade, which is never merged."""
    return Trade("A", "buy", ONE, ONE, "limit", number, Timestamp(number))


def spread(number: int, symbol: str = "A") -> Spread:
    """Make a spread, which is merged."""
    return Spread(symbol, Decimal(number), ONE, ONE, ONE)


def limited(rate: int, capacity: int = 10_000, policy: DropPolicy = OLDEST) -> Channel:
    """Make a channel with a rate."""
    return PacedChannel(Buffer(capacity, policy), rate=rate)


def gathering(window_s: float = 0.5, capacity: int = 500, *, rate: int = 0) -> Channel:
    """Make a channel with a window."""
    return PacedChannel(Buffer(capacity, COALESCE), window_s=window_s, rate=rate)


def put(made: Channel, *numbers: int) -> None:
    """Put trades."""
    for number in numbers:
        made.put(trade(number))


async def receive(made: Channel) -> list[Any]:
    """Take one item."""
    return [await made.receive()]


async def receive_batch(made: Channel) -> list[Any]:
    """Take all there is."""
    return await made.receive_batch()


async def poll(made: Channel) -> list[Any]:
    """Take one item without waiting for it, and look every now and then."""
    while True:
        try:
            return [made.receive_nowait()]
        except trio.WouldBlock:
            await trio.sleep(0.001)


TAKES = [receive, receive_batch, poll]


async def waiting(made: Channel, count: int) -> None:
    """Wait until exactly so many tasks wait, and nothing else happens."""
    await trio.testing.wait_all_tasks_blocked()
    assert made.statistics().waiting == count


class Steps(trio.abc.Instrument):
    """Counts how often each task runs, by its name; does something after so many steps in all."""

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


# The rate


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("rate", [1, 7, 100, 5000])
async def test_no_more_than_the_rate(autojump_clock: Clock, take: Take, rate: int) -> None:
    """However it is received: what the bucket holds at once, then exactly the rate."""
    made, began, times = limited(rate), trio.current_time(), list[float]()
    put(made, *range(min(5 * rate + 50, 10_000)))
    with trio.move_on_after(1.995):
        while True:
            for _ in await take(made):
                times.append(trio.current_time())
    bucket = Pace(rate).burst
    for count, at in enumerate(times):
        assert count + 1 <= (at - began) * rate + bucket + 1e-6
    assert len(times) >= 1.99 * rate - 0.01 * rate  # what it did not wait for at the end


async def test_the_rate_is_exact_in_the_long_run(autojump_clock: Clock) -> None:
    """Ten minutes of a consumer that is a little late each time give what ten minutes are worth."""
    made, taken, began = limited(20, 100_000), 0, trio.current_time()
    while trio.current_time() < began + 600:
        put(made, 0)
        taken += len(await made.receive_batch(3))
        await trio.sleep(0.04)
    elapsed = trio.current_time() - began
    assert abs(taken - 20 * elapsed) <= 4


async def test_what_comes_meanwhile_waits_under_its_policy(autojump_clock: Clock) -> None:
    """The oldest are dropped, or the newest refused: each is counted, and told where it was."""
    for policy, expected in (
        (OLDEST, [0, "gap 7", 8, 9]),
        (LATEST, [0, 1, 2, "gap 7"]),
    ):
        made = limited(10, capacity=2, policy=policy)
        put(made, 0)
        got = [await made.receive()]
        await trio.sleep(0.02)
        put(made, *range(1, 10))
        while len(got) < 4:
            got += await made.receive_batch()
        shown = [f"gap {it.size}" if isinstance(it, Gap) else it.trade_id for it in got]
        assert shown == expected
        assert made.statistics().dropped == 7


@pytest.mark.parametrize("take", TAKES)
async def test_a_gap_is_not_held_back(autojump_clock: Clock, take: Take) -> None:
    """It comes with the record before it, and costs no other record its turn."""
    made, began = limited(1), trio.current_time()
    put(made, 0)
    made.put(GAP)
    put(made, 1)
    got: list[tuple[Any, float]] = []
    while len(got) < 3:
        for item in await take(made):
            got.append((item, round(trio.current_time() - began, 2)))  # noqa: PERF401 - as above
    assert got == [(trade(0), 0.0), (GAP, 0.0), (trade(1), 0.95)]


async def test_a_gap_wakes_one_who_waits_for_a_turn(autojump_clock: Clock) -> None:
    """Where nothing but it is to be had, it is had at once."""
    made, began = limited(1, capacity=1), trio.current_time()
    put(made, 0)
    await made.receive()
    got: list[tuple[Any, float]] = []

    async def consume() -> None:
        while len(got) < 3:
            item = await made.receive()
            got.append((getattr(item, "size", item), round(trio.current_time() - began, 2)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        for number in range(1, 7):
            await trio.sleep(0.1)
            put(made, number)
    # The second record drops the first. What the others drop is told right before the last.
    assert got == [(1, 0.2), (4, 0.95), (trade(6), 0.95)]


async def test_the_gaps_of_all_symbols_come_at_once(autojump_clock: Clock) -> None:
    """As after a disconnect; only a second one of the same symbol waits for what is behind it."""
    made, began = limited(1), trio.current_time()
    put(made, 0)
    gaps = [Gap("trade", symbol, GapReason.STALLED) for symbol in "ABCDA"]
    for gap in gaps:
        made.put(gap)
    put(made, 1)
    got = []
    for _ in range(7):
        got.append((await made.receive(), round(trio.current_time() - began, 2)))  # noqa: PERF401 - in turn
    assert got == [
        (trade(0), 0.0),
        *((gap, 0.0) for gap in gaps[:4]),
        (gaps[4], 0.95),
        (trade(1), 0.95),
    ]


async def test_one_who_waits_is_woken_once_for_many(autojump_clock: Clock) -> None:
    """For what 10 ms bring, not for each record."""
    made, steps, got = limited(10_000), Steps(), 0
    put(made, *range(10_000))

    async def consume() -> None:
        nonlocal got
        while got < 10_000:
            got += len(await made.receive_batch())

    trio.lowlevel.add_instrument(steps)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, name="consumer")
    trio.lowlevel.remove_instrument(steps)
    assert steps.taken["consumer"] <= 100


async def test_a_batch_has_its_limit_and_its_rate(autojump_clock: Clock) -> None:
    """It holds what may be taken, at most what was asked for."""
    made = limited(100)
    put(made, *range(20))
    assert [len(await made.receive_batch(4)) for _ in range(2)] == [4, 2]
    with pytest.raises(trio.WouldBlock):
        made.receive_nowait()
    with pytest.raises(ValueError, match="is 0"):
        await made.receive_batch(0)


# The window


@pytest.mark.parametrize("take", TAKES)
async def test_a_quiet_channel_gathers_for_a_window(autojump_clock: Clock, take: Take) -> None:
    """What came first waits for the window, to the moment; all that came within it is merged."""
    made, began, got = gathering(), trio.current_time(), list[Any]()

    async def consume() -> None:
        while len(got) < 3:
            for item in await take(made):
                got.append((item, trio.current_time() - began))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await trio.sleep(10)
        for number in range(5):
            made.put(spread(number))
            made.put(spread(number, "B"))
            await trio.sleep(0.09)
        await trio.sleep(5)
        made.put(spread(9))
    shown = [(item.symbol, int(item.bid), round(at, 2)) for item, at in got]
    assert shown == [("A", 4, 10.5), ("B", 4, 10.5), ("A", 9, 15.95)]
    assert made.statistics().coalesced == 8


@pytest.mark.parametrize("take", TAKES[:2])
async def test_the_consumer_is_woken_once_for_each_window(
    autojump_clock: Clock, take: Take
) -> None:
    """However much comes in it."""
    made, steps = gathering(0.1), Steps()

    async def consume() -> None:
        while True:
            await take(made)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, name="consumer")
        await waiting(made, 1)
        trio.lowlevel.add_instrument(steps)
        for number in range(1000):
            made.put(spread(number))
            await trio.sleep(0.001)
        trio.lowlevel.remove_instrument(steps)
        nursery.cancel_scope.cancel()
    assert steps.taken["consumer"] in (9, 10)


async def test_trades_are_not_merged_and_wait_no_longer_than_a_window(
    autojump_clock: Clock,
) -> None:
    """Each is there, in order, at the end of the window that the first of them opened."""
    made, came, got = gathering(0.25), dict[int, float](), dict[int, float]()

    async def consume() -> None:
        async for item in made:
            got[item.trade_id] = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        for number in range(50):
            came[number] = trio.current_time()
            put(made, number)
            await trio.sleep(0.03)
        made.end()
    assert list(got) == list(range(50))
    assert 0.2 < max(got[number] - came[number] for number in got) <= 0.25 + 1e-9


async def test_a_slow_consumer_is_not_held_up(autojump_clock: Clock) -> None:
    """What waited for a window while it was busy may be taken at once, all of it."""
    made, began = gathering(), trio.current_time()
    put(made, 0)
    await trio.sleep(0.3)
    put(made, 1)
    await trio.sleep(0.3)
    assert made.receive_nowait() == trade(0)
    put(made, 2)
    assert made.receive_nowait() == trade(1)
    with pytest.raises(trio.WouldBlock):
        made.receive_nowait()
    assert await made.receive() == trade(2)
    assert trio.current_time() - began == pytest.approx(1.1)


async def test_a_busy_symbol_is_given_once_a_window(autojump_clock: Clock) -> None:
    """Though the consumer never finds the channel empty."""
    made, got = gathering(0.1), list[Any]()

    async def consume() -> None:
        while True:
            got.append(await made.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        for number in range(1000):
            for symbol in "ABC":
                made.put(spread(number, symbol))
            await trio.sleep(0.001)
        nursery.cancel_scope.cancel()
    assert 27 <= len(got) <= 30
    assert made.statistics().coalesced >= 2970


@pytest.mark.parametrize("capacity, crowd", [(1, 1), (3, 2), (8, 3), (500, 126)])
async def test_no_window_where_it_would_fill_the_buffer(
    autojump_clock: Clock, capacity: int, crowd: int
) -> None:
    """More than a quarter of it is given at once; of one entry alone, merged, none is lost."""
    made = gathering(100, capacity)
    for number in range(crowd):
        with pytest.raises(trio.WouldBlock):
            made.receive_nowait()
        made.put(spread(number, f"symbol {number}"))
    if capacity > 1:
        assert await made.receive_batch() != []
    else:
        with pytest.raises(trio.WouldBlock):
            made.receive_nowait()
    assert made.statistics().dropped == 0


async def test_a_gap_is_told_within_the_window(autojump_clock: Clock) -> None:
    """At once where it comes next; in its place where something else does."""
    made, began = gathering(), trio.current_time()
    got: list[tuple[Any, float]] = []

    async def consume() -> None:
        while len(got) < 3:
            item = await made.receive()
            got.append((item, trio.current_time() - began))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await waiting(made, 1)
        made.put(GAP)
        await trio.sleep(1)
        put(made, 1)
        made.put(GAP)
    assert got == [(GAP, 0.0), (trade(1), 1.5), (GAP, 1.5)]


async def test_a_snapshot_comes_right_behind_its_gap(autojump_clock: Clock) -> None:
    """The consumer's book is not left stale for a window."""
    live = BookSnapshot("A", 10, (), (), 7, local=True)
    made: Channel = PacedChannel(Buffer(1, COALESCE, lambda _, __: live), window_s=9)
    for number in range(3):
        made.put(BookSnapshot("A", 10, (), (), number))
    made.put(BookUpdate("B", (), (), None, None, 1))
    assert (await made.receive()).size == 3
    assert await made.receive() == live


async def test_a_window_and_a_rate(autojump_clock: Clock) -> None:
    """Both hold: gathered for the window, then no more than the rate."""
    made, began = gathering(rate=10), trio.current_time()
    put(made, *range(4))
    times = []
    for _ in range(4):
        await made.receive()
        times.append(round(trio.current_time() - began, 2))
    assert times == [0.5, 0.55, 0.65, 0.75]


# Who waits


@pytest.mark.parametrize("make", [lambda: limited(1), gathering])
async def test_those_that_wait_are_served_in_the_order_in_which_they_came(
    autojump_clock: Clock, make: Callable[[], Channel]
) -> None:
    """One alarm after the other, though each is for one record."""
    made = make()
    put(made, 100)
    await made.receive()
    got: list[tuple[str, int]] = []

    async def consume(name: str) -> None:
        got.append((name, (await made.receive()).trade_id))

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(consume, name)
            await waiting(made, len(got) + "abcd".index(name) + 1)
        put(made, 0, 1, 2, 3)
    assert got == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]


async def test_one_that_finds_nothing_at_its_alarm_waits_on_in_its_place(
    autojump_clock: Clock,
) -> None:
    """Another took what it was woken for; it is served before one that came later."""
    made = limited(1)
    put(made, 0)
    await made.receive()
    got: list[str] = []

    async def consume(name: str) -> None:
        await made.receive()
        got.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, "first")
        await waiting(made, 1)
        nursery.start_soon(consume, "second")
        await waiting(made, 2)
        put(made, 1)
        await trio.sleep(0.5)
        made._buffer.get()
        await trio.sleep(5)
        assert got == []
        put(made, 2, 3)
    assert got == ["first", "second"]


@pytest.mark.parametrize("make", [lambda: limited(1), gathering])
async def test_one_that_is_cancelled_leaves_its_alarm_to_the_next(
    autojump_clock: Clock, make: Callable[[], Channel]
) -> None:
    """The record goes, in time, to the one that waited behind it."""
    made = make()
    put(made, 0)
    await made.receive()
    began = trio.current_time()
    got: list[str] = []
    scope = trio.CancelScope()

    async def consume(name: str) -> None:
        await made.receive()
        got.append(name)

    async def consume_cancelled() -> None:
        with scope:
            await consume("cancelled")

    # Who is left without an alarm would wait for ever.
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume_cancelled)
            await waiting(made, 1)
            nursery.start_soon(consume, "other")
            await waiting(made, 2)
            put(made, 1)
            await trio.sleep(0.1)
            scope.cancel()
    assert got == ["other"]
    assert 0.4 < trio.current_time() - began <= 1


@pytest.mark.parametrize("take", [receive, receive_batch])
@pytest.mark.parametrize("make", [lambda: limited(1), gathering])
async def test_always_checks_for_cancellation(
    autojump_clock: Clock, make: Callable[[], Channel], take: Take
) -> None:
    """A cancelled task receives nothing, and what it waited for is there for the next."""
    made = make()
    put(made, 0, 1)
    await receive(made)
    put(made, 2)
    with trio.move_on_after(0.2) as scope:
        while True:
            await take(made)
    assert scope.cancelled_caught
    assert made.statistics().waiting == 0
    assert (await take(made))[-1] in (trade(1), trade(2))


def test_a_keyboard_interrupt_leaves_the_line_in_order() -> None:
    """Ctrl-C reaches a task that waits for its alarm; the next one has the alarm then."""
    made = gathering()
    got: list[Any] = []

    async def interrupt() -> None:
        while made.statistics().waiting < 2:  # noqa: ASYNC110 - nothing else tells
            await trio.sleep(0.01)
        put(made, 0)
        signal.raise_signal(signal.SIGINT)

    async def wait_behind() -> None:
        await waiting(made, 1)
        # With no alarm it would wait for ever: then nothing is got.
        with trio.CancelScope(deadline=trio.current_time() + 5, shield=True):
            got.append((await made.receive()).trade_id)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_behind)
            nursery.start_soon(interrupt)
            await made.receive()

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert caught.value.split(KeyboardInterrupt)[1] is None
    assert (got, made.statistics().waiting) == ([0], 0)


@pytest.mark.parametrize("take", [receive, receive_batch])
@pytest.mark.parametrize("window_s, rate", [(0.02, 0), (0.0, 900), (0.02, 900)])
def test_no_cancellation_loses_a_record(take: Take, window_s: float, rate: int) -> None:
    """Cancelled after any step of anybody, consumers have all records, or they are still there."""
    total = 96

    async def run(scope: trio.CancelScope) -> bool:
        made = gathering(window_s, 1000, rate=rate)
        got: list[Any] = []

        async def consume() -> None:
            while True:
                got.extend(await take(made))

        async def produce() -> None:
            for start in range(0, total, 16):
                put(made, *range(start, start + 16))
                await trio.sleep(0.013)

        with scope:
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(consume)
                await produce()
                await trio.sleep(1)
                await waiting(made, 2)
                nursery.cancel_scope.cancel()
        at_end = made.statistics()
        assert at_end.waiting == 0
        made.end()
        async with made:
            while len(got) < at_end.received:
                got += await made.receive_batch()
        assert [item.trade_id for item in got] == list(range(at_end.received))
        return scope.cancelled_caught

    for count in itertools.count(1):
        scope = trio.CancelScope()
        instruments = [Steps(scope.cancel, count)]
        clock = trio.testing.MockClock(autojump_threshold=0)
        if not trio.run(run, scope, clock=clock, instruments=instruments):
            break
    assert count > 10


class Wrong(Exception):
    """What a producer fails with."""


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("rate", [0, 10])
async def test_what_is_there_is_received_before_the_end(
    autojump_clock: Clock, take: Take, rate: int
) -> None:
    """A window ends with the channel; a rate does not. Then the end comes, each time."""
    made, began = gathering(100, rate=rate), trio.current_time()
    put(made, 0, 1, 2)
    made.fail(Wrong())
    got: list[Any] = []
    while len(got) < 3:
        got += await take(made)
    assert trio.current_time() - began == pytest.approx(0.15 if rate else 0, abs=0.002)
    for _ in range(2):
        with pytest.raises(Wrong):
            await take(made)


@pytest.mark.parametrize("rate", [0, 2])
@pytest.mark.parametrize("end", ["end", "fail", "close"])
async def test_the_end_reaches_all_that_wait(autojump_clock: Clock, end: str, rate: int) -> None:
    """Those that there is a record for get it, and the others are told; nobody spins meanwhile."""
    made, steps, got = gathering(1, rate=rate), Steps(), list[Any]()

    async def consume() -> None:
        try:
            got.append((await made.receive()).trade_id)
        except (trio.EndOfChannel, trio.ClosedResourceError, Wrong) as error:
            got.append(type(error))

    async with trio.open_nursery() as nursery:
        for count in range(4):
            nursery.start_soon(consume, name="consumer")
            await waiting(made, count + 1)
        put(made, 0, 1)
        trio.lowlevel.add_instrument(steps)
        match end:
            case "end":
                made.end()
            case "fail":
                made.fail(Wrong())
            case _:
                made.close()
    trio.lowlevel.remove_instrument(steps)
    expected = {"end": trio.EndOfChannel, "fail": Wrong, "close": trio.ClosedResourceError}[end]
    assert got == ([expected] * 4 if end == "close" else [0, 1, expected, expected])
    assert steps.taken["consumer"] <= 8


async def test_nothing_is_taken_in_after_the_end(autojump_clock: Clock) -> None:
    """What is put too late is not even counted."""
    made = gathering()
    made.close()
    put(made, 1)
    assert made.statistics().received == 0


async def test_others_run_after_so_many_records(autojump_clock: Clock) -> None:
    """A consumer that may take much takes turns with others, as on any channel."""
    made, steps = limited(100_000), Steps()
    put(made, *range(4 * IN_A_ROW))

    async def consume() -> None:
        for _ in range(4 * IN_A_ROW):
            await made.receive()

    trio.lowlevel.add_instrument(steps)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, name="consumer")
    trio.lowlevel.remove_instrument(steps)
    assert steps.taken["consumer"] == 4


def count_through(got: list[Any]) -> int:
    """Give how many trades were given or told of, of those that began with number 0."""
    told = 0
    for item in got:
        if isinstance(item, Gap):
            assert item.size is not None
            told += item.size
        else:
            assert item.trade_id == told
            told += 1
    return told


@given(
    script=st.lists(
        st.sampled_from(["put", "gap", "take", "wait", "cancel", "run", "sleep"]), max_size=40
    ),
    window_s=st.sampled_from([0.0, 0.1]),
    rate=st.sampled_from([0, 5, 100]),
    capacity=st.sampled_from([2, 5, 100]),
)
def test_everything_is_given_once_in_order_and_in_time(
    script: list[str], window_s: float, rate: int, capacity: int
) -> None:
    """Whatever is put, taken and cancelled, and whoever waits: all is there, or in a gap."""

    async def main() -> None:
        made = gathering(window_s, capacity, rate=rate)
        got: list[Any] = []
        scopes: list[trio.CancelScope] = []
        numbers = itertools.count()

        async def consume(scope: trio.CancelScope) -> None:
            with scope:
                got.append(await made.receive())
            scopes.remove(scope)

        async with trio.open_nursery() as nursery:
            for action in script:
                match action:
                    case "put":
                        put(made, next(numbers))
                    case "gap":
                        made.put(Gap("trade", "A", GapReason.TRADE_ID, size=1))
                        next(numbers)
                    case "take":
                        with contextlib.suppress(trio.WouldBlock):
                            got.append(made.receive_nowait())
                    case "wait":
                        scopes.append(trio.CancelScope())
                        nursery.start_soon(consume, scopes[-1])
                        await trio.testing.wait_all_tasks_blocked()
                    case "cancel":
                        if scopes:
                            scopes[len(scopes) // 2].cancel()
                            await trio.testing.wait_all_tasks_blocked()
                    case "run":
                        await trio.testing.wait_all_tasks_blocked()
                    case _:
                        await trio.sleep(0.07)
            # A record waits for its window and its turn, and nobody waits beside it.
            await trio.sleep(100)
            at_end = made.statistics()
            assert not (at_end.buffered and at_end.waiting)
            nursery.cancel_scope.cancel()
        made.end()
        with pytest.raises(trio.EndOfChannel):
            while True:
                got.append(await made.receive())
        assert count_through(got) == next(numbers)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_window_is_measured_by_the_room_that_there_is(autojump_clock: Clock) -> None:
    """In a channel that was widened for a late joiner, a few records are no crowd."""
    made = gathering(0.5, 4)
    made.greet([trade(number) for number in range(36)])
    assert len(await made.receive_batch()) == 36
    put(made, *range(36, 41))
    began = trio.current_time()
    assert len(await made.receive_batch()) == 5
    assert trio.current_time() - began == pytest.approx(0.5)
