"""The channel of a consumer who wants nothing dropped: it makes the reader wait instead.

Knows when there is room again. That nothing else waits on the same reader is the feed's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.core.gauge import Watch
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.paced import PacedChannel
from kraken_trio._internal.shell.tap import Pause

T_co = TypeVar("T_co", covariant=True)


class BlockingChannel(RecordChannel[T_co]):
    """A channel whose reader stops before it would have to drop anything.

    A frame is taken in whole, so what waits may exceed the capacity by the records of one frame.
    The reader goes on when half of it has been received.
    """

    # No slots, which would not go together with those of another channel.

    def __init__(
        self,
        buffer: Buffer,
        pressure: Pressure,
        *,
        watch: Watch | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        """As ``RecordChannel``; the policy of ``buffer`` is BLOCK."""
        super().__init__(buffer, pressure, watch=watch, on_close=on_close)
        self._room = trio.Event()
        self.when_full: Callable[[], object] = _nobody
        """Called whenever the reader stops: who waits for what it would read waits in vain."""

    def pause(self) -> Pause | None:
        """What the reader awaits before it goes on: None while there is room."""
        if self._shut or not self._buffer.full:
            return None
        self.when_full()
        return self._wait

    @enable_ki_protection
    async def receive(self) -> T_co:
        """As ``RecordChannel``."""
        item = await super().receive()
        self._look()
        return item

    @enable_ki_protection
    async def __anext__(self) -> T_co:
        """As ``RecordChannel``."""
        item = await super().__anext__()
        self._look()
        return item

    @enable_ki_protection
    async def receive_batch(self, limit: int | None = None) -> list[T_co]:
        """As ``RecordChannel``."""
        batch = await super().receive_batch(limit)
        self._look()
        return batch

    @enable_ki_protection
    def receive_nowait(self) -> T_co:
        """As ``RecordChannel``."""
        item = super().receive_nowait()
        self._look()
        return item

    @enable_ki_protection
    def close(self) -> None:
        """As ``RecordChannel``: nobody receives any more, so the reader need not wait."""
        super().close()
        self._room.set()

    def _look(self) -> None:
        """Let the reader go on once half of the room is free."""
        if len(self._buffer) <= self._buffer.capacity // 2:
            self._room.set()

    async def _wait(self) -> None:
        """Wait for room."""
        # Whoever waits already must not wait for an event that is gone.
        if self._room.is_set():
            self._room = trio.Event()
        # Between the question and the answer somebody may have received.
        self._look()
        await self._room.wait()


def _nobody() -> None:
    """Nobody waits."""


class PacedBlockingChannel(BlockingChannel[T_co], PacedChannel[T_co]):
    """One that gives so many records a second; what it holds back, its reader waits for, too."""

    def __init__(
        self,
        buffer: Buffer,
        pressure: Pressure,
        *,
        rate: int,
        watch: Watch | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        """As ``PacedChannel``; the policy of ``buffer`` is BLOCK."""
        PacedChannel.__init__(self, buffer, pressure, rate=rate, watch=watch, on_close=on_close)
        self._room = trio.Event()
        self.when_full = _nobody
