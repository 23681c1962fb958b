"""What is held back is given up in time, and handed on no faster than it can be taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.holding import HoldingRoute
from kraken_trio._internal.engine.signals import Held
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.block import BlockingChannel
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.holds import Holds
from kraken_trio._internal.shell.supervisor import Room
from kraken_trio._internal.wire.decode import V2Decoder

PART = Channel.trades("BTC/USD")
HANDLING = GapHandling(
    policy=GapPolicy.BUFFER, pending_timeout=5.0, max_gap=10**6, max_pending=10**6
)


class Desk:
    """An engine with one route, and what sees to what it holds back."""

    def __init__(self, capacity: int = 1000) -> None:
        """Receive in a buffer of that capacity."""
        self.engine = Engine(V2Decoder())
        self.route = self.engine.open(PART, HANDLING)
        self.pressure = Pressure()
        self.holds = Holds()
        self.channel: RecordChannel[Any] = RecordChannel(
            Buffer(capacity, DropPolicy.OLDEST), self.pressure
        )
        self.route.join(self.channel.put)
        self.room: Room | None = None

    def take(self, *numbers: int) -> None:
        """Take a message of the stream, and heed what it means."""
        one = Decimal(1)
        trades = tuple(
            Trade("BTC/USD", "buy", one, one, "limit", number, Timestamp(number))
            for number in numbers
        )
        for signal in self.engine.take(RecordsMessage("trade", False, trades, None, None)):  # noqa: FBT003 - a struct
            if isinstance(signal, Held):
                self.holds.hold(self.engine, signal.part, self.pressure, self.room)

    def received(self) -> list[int]:
        """Give what there is: numbers, negative for the sizes of gaps."""
        return [
            -(item.size or 0) if isinstance(item, Gap) else item.trade_id
            for item in self.channel._buffer.get_batch(10_000)
            if isinstance(item, (Gap, Trade))
        ]


async def test_a_hole_is_given_up_in_time(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """Each as long after it was seen; nothing is left of it then."""
    desk = Desk()
    nursery.start_soon(desk.holds.watch)
    desk.take(1, 3)
    await trio.sleep(2)
    desk.take(5)
    assert desk.received() == [1]
    await trio.sleep(2.5)
    assert desk.received() == []
    await trio.sleep(1)
    assert desk.received() == [-1, 3]
    await trio.sleep(2)
    assert desk.received() == [-1, 5]
    assert list(desk.holds) == []
    desk.take(7)
    await trio.sleep(4)
    desk.take(6)
    assert desk.received() == [6, 7]
    await trio.sleep(100)
    assert list(desk.holds) == []


async def test_what_is_in_line_waits_for_its_consumer(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """One who takes one record a turn loses nothing, however much is in line at once."""
    desk = Desk(capacity=100)
    nursery.start_soon(desk.holds.watch)
    desk.take(1, *range(3, 2000))
    desk.take(2)
    got: list[int] = []
    while len(got) < 1999:
        item = await desk.channel.receive()
        got.append(item.trade_id)
        await trio.lowlevel.checkpoint()
    assert got == list(range(1, 2000))


async def test_one_who_takes_nothing_holds_up_nobody(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """What it has no room for is its own gap."""
    desk = Desk(capacity=100)
    nursery.start_soon(desk.holds.watch)
    desk.take(1, *range(3, 2000))
    desk.take(2)
    await trio.sleep(1)
    assert list(desk.holds) == []
    assert desk.received() == [-1899, *range(1900, 2000)]


async def test_one_who_wants_nothing_dropped_makes_nobody_else_wait(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """What is in line waits for room, holes are given up in time, and others go on."""
    desk, other = Desk(), Desk()
    other.holds = desk.holds
    desk.route.leave(desk.channel.put)
    blocking = BlockingChannel[Any](Buffer(10, DropPolicy.BLOCK), desk.pressure)
    desk.route.join(blocking.put)
    desk.room = blocking.pause
    nursery.start_soon(desk.holds.watch)
    desk.take(1, *range(3, 200))
    desk.take(2)
    await trio.sleep(100)
    assert blocking.statistics().high_water == 10
    desk.take(201)
    other.take(1, *range(3, 200))
    other.take(2)
    await trio.sleep(100)
    assert other.received() == [*range(1, 200)]
    # The reader of the connection waits for the same room.
    pause = blocking.pause()
    assert pause is not None
    nursery.start_soon(pause)
    got = [await blocking.receive() for _ in range(201)]
    gap = got.pop(199)
    assert isinstance(gap, Gap)
    assert gap.size == 1
    assert [trade.trade_id for trade in got] == [*range(1, 200), 201]
    assert blocking.statistics().high_water <= 10
    await trio.testing.wait_all_tasks_blocked()
    assert list(desk.holds) == []
    assert len(nursery.child_tasks) == 1


async def test_a_route_that_is_closed_is_forgotten(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """And so is the question about it, if one is under way."""
    desk = Desk()
    nursery.start_soon(desk.holds.watch)
    desk.take(1, 3)
    (hold,) = desk.holds
    with trio.CancelScope() as hold.asking:
        desk.engine.close(PART)
        assert list(desk.holds) == []
        await trio.sleep_forever()
    desk.holds.hold(desk.engine, PART, desk.pressure, None)
    assert list(desk.holds) == []


async def test_a_route_may_be_closed_while_it_is_seen_to(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """Whoever receives may leave in the middle."""
    desk = Desk(capacity=10)
    nursery.start_soon(desk.holds.watch)
    desk.take(1, *range(3, 200))
    desk.take(2)
    await trio.lowlevel.checkpoint()
    desk.engine.close(PART)
    await trio.sleep(100)
    assert isinstance(desk.route, HoldingRoute)
    assert (desk.route.ready, list(desk.holds)) == (0, [])


async def test_what_is_closed_while_another_is_seen_to_is_left_alone(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    """Nobody is told of what it would have given up."""
    desk, other = Desk(capacity=10), Desk()
    desk.take(1, *range(3, 200))
    desk.take(2)
    other.holds = desk.holds
    other.take(1, 3)
    await trio.sleep(10)
    nursery.start_soon(desk.holds.watch)
    await trio.lowlevel.checkpoint()
    assert isinstance(desk.route, HoldingRoute)
    assert isinstance(other.route, HoldingRoute)
    assert desk.route.ready
    other.engine.close(PART)
    await trio.sleep(10)
    assert (other.received(), other.route.ready) == ([1], 0)


async def test_waiting_for_a_change(autojump_clock: trio.abc.Clock) -> None:
    """One that came before the wait ends it, and so does a moment."""
    holds = Holds()
    version = holds.version
    holds.stir()
    with trio.testing.assert_checkpoints():
        await holds.wait_changed(version, trio.current_time() + 100)
    began = trio.current_time()
    await holds.wait_changed(holds.version, began + 7)
    assert trio.current_time() == pytest.approx(began + 7)
