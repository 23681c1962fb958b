"""The trades of a feed that are held back: when their wait is over, when their consumers can run.

Knows the routes that hold something, and sleeps to the next moment at which one wants to know the
time. Who fetches what is missing looks here for what is.

Handing on. When a hole is filled, a thousand trades may be in line at once. They go one by one,
and whenever a consumer's buffer is filled beyond a quarter it is let run first, as the reader of
a connection does between frames. Where a consumer wants nothing dropped, the rest waits until it
has room; nobody else waits for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.holding import AT_ONCE, HoldingRoute
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.steps import HandedOn, Ticked
from kraken_trio._internal.shell.channel import Pressure
from kraken_trio._internal.shell.supervisor import Room
from kraken_trio._internal.shell.tap import Pause


class Hold:
    """One route that holds trades back."""

    __slots__ = (
        "asking",
        "attempts",
        "engine",
        "full",
        "not_before",
        "pressure",
        "room",
        "route",
    )

    def __init__(
        self, engine: Engine, route: HoldingRoute, pressure: Pressure, room: Room | None
    ) -> None:
        """Begin."""
        self.engine: Engine = engine
        """What it is a route of."""
        self.route: HoldingRoute = route
        """The route."""
        self.pressure: Pressure = pressure
        """Of those who receive from it."""
        self.room: Room | None = room
        """Whether there is room, where one who receives from it wants nothing dropped."""
        self.full: bool = False
        """Whether room is waited for."""
        self.attempts: int = 0
        """Questions about it in a row that brought nothing."""
        self.not_before: float = 0.0
        """When to ask again."""
        self.asking: trio.CancelScope | None = None
        """Of the question that is under way."""


class Holds:
    """All routes that hold trades back."""

    def __init__(self) -> None:
        """Start with none."""
        self.version: int = 0
        """Counts the changes that those who wait for one have to look at."""
        self._holds: dict[HoldingRoute, Hold] = {}
        self._waiting = trio.lowlevel.ParkingLot()

    def __iter__(self) -> Iterator[Hold]:
        """All that hold something back now, the longest first."""
        return iter(tuple(self._holds.values()))

    @enable_ki_protection
    def hold(self, engine: Engine, part: Channel, pressure: Pressure, room: Room | None) -> None:
        """The route of ``part`` says that it holds something back."""
        route = engine.route(part)
        if not isinstance(route, HoldingRoute):
            return  # It was left while what it signalled with this was delivered.
        if route not in self._holds:
            self._holds[route] = Hold(engine, route, pressure, room)
            route.on_close = lambda: self._forget(route)
        # The wait begins when it is told the time, and that is now.
        perform(engine, Ticked(part, trio.current_time()))
        self.stir()

    def stir(self) -> None:
        """Something changed: whoever waits must look again."""
        self.version += 1
        self._waiting.unpark_all()

    async def wait_changed(self, version: int, until: float) -> None:
        """Wait until there is something newer than ``version``, or a moment. A checkpoint."""
        if self.version != version:
            await trio.lowlevel.checkpoint()
            return
        with trio.move_on_at(until):
            await self._waiting.park()

    @enable_ki_protection
    async def watch(self) -> None:
        """See to all of them, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                version = self.version
                for hold in self:
                    await self._see_to(hold, nursery)
                until = min((hold.route.line.deadline for hold in self), default=math.inf)
                await self.wait_changed(version, until)

    async def _see_to(self, hold: Hold, nursery: trio.Nursery) -> None:
        """Give up what was waited for long enough, and hand on what is in line."""
        route = hold.route
        if route.closed:
            return  # While another one was seen to.
        perform(hold.engine, Ticked(route.part, trio.current_time()))
        handed_on = 0
        while route.ready and not hold.full:
            pause = hold.room() if hold.room is not None else None
            if pause is not None:
                hold.full = True
                nursery.start_soon(self._wait_room, hold, pause)
                break
            perform(hold.engine, HandedOn(route.part, 1))
            handed_on += 1
            if hold.pressure.pressed or handed_on % AT_ONCE == 0:
                hold.pressure.relieve()
                await trio.lowlevel.checkpoint()
        if not route.holding:
            self._forget(route)
        elif handed_on:
            self.stir()  # What is missing behind it may be asked for now.

    @enable_ki_protection
    async def _wait_room(self, hold: Hold, pause: Pause) -> None:
        """Go on with it when there is room."""
        await pause()
        hold.full = False
        self.stir()

    def _forget(self, route: HoldingRoute) -> None:
        """It holds nothing any more, or is closed: nothing has to be asked about it."""
        hold = self._holds.pop(route, None)
        if hold is not None and hold.asking is not None:
            hold.asking.cancel()
        self.stir()
