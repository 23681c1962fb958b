"""The channel of a consumer who wants nothing dropped: it makes the reader wait instead.

Knows when there is room again. That nothing else waits on the same reader is the feed's matter.
"""

from __future__ import annotations

from typing import TypeVar

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.tap import Pause

T_co = TypeVar("T_co", covariant=True)


class BlockingChannel(RecordChannel[T_co]):
    """A channel whose reader stops before it would have to drop anything.

    A frame is taken in whole, so what waits may exceed the capacity by the records of one frame.
    The reader goes on when half of it has been received.
    """

    __slots__ = ("_over", "_queue", "_room")

    def __init__(self, buffer: Buffer, pressure: Pressure) -> None:
        """As ``RecordChannel``; the policy of ``buffer`` is BLOCK."""
        super().__init__(buffer, pressure)
        self._queue = buffer
        self._room = trio.Event()
        self._over = False

    def pause(self) -> Pause | None:
        """What the reader awaits before it goes on: None while there is room."""
        return self._wait if self._queue.full and not self._over else None

    @enable_ki_protection
    async def receive(self) -> T_co:
        """As ``RecordChannel``."""
        item = await super().receive()
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
        self._over = True
        self._room.set()

    def _look(self) -> None:
        """Let the reader go on once half of the room is free."""
        if len(self._queue) <= self._queue.capacity // 2:
            self._room.set()

    async def _wait(self) -> None:
        """Wait for room."""
        self._room = trio.Event()
        # Between the question and the answer somebody may have received.
        self._look()
        await self._room.wait()
