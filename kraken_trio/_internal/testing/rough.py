"""Streams on which something goes wrong: the client's end of a connection, or the server's.

Knows how to wait, to cut and to play dead; what comes out wrong is decided by a ``Mangler``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from kraken_trio._internal.testing.mangler import Cut, Mangler, Pause, Step

READ_BYTES = 64 * 1024
"""What is read at once."""

Clock = Callable[[], float]
"""Gives the seconds since the beginning."""


class RoughClient(trio.abc.Stream):
    """A client's stream, on which what the server sends comes wrong."""

    def __init__(self, stream: trio.abc.Stream, mangler: Mangler, clock: Clock) -> None:
        """Let what comes on ``stream`` go through ``mangler``."""
        self._stream = stream
        self._mangler = mangler
        self._clock = clock
        self._steps: deque[Step] = deque()
        self._ended = False
        self._cut = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Wait for bytes, and give at most ``max_bytes``; none at the end of the stream."""
        await trio.lowlevel.checkpoint()
        while True:
            while self._steps:
                step = self._steps[0]
                if isinstance(step, Pause):
                    await trio.sleep(step.seconds)
                    self._steps.popleft()
                    continue
                self._steps.popleft()
                if isinstance(step, Cut):
                    self._ended = self._cut = True
                    await trio.aclose_forcefully(self._stream)
                elif max_bytes is not None and len(step) > max_bytes:
                    self._steps.appendleft(step[max_bytes:])
                    return step[:max_bytes]
                else:
                    return step
            if self._ended:
                return b""
            data = await self._stream.receive_some(READ_BYTES)
            if data:
                self._steps += self._mangler.feed(data, self._clock())
            elif self._mangler.deaf:
                await trio.sleep_forever()
            else:
                self._steps += self._mangler.finish()
                self._ended = True

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send it, or only pretend to. ``trio.BrokenResourceError`` where it was cut."""
        if self._cut:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError("the connection was cut")
        if self._mangler.deaf:
            await trio.lowlevel.checkpoint()
            return
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class RoughServer(trio.abc.Stream):
    """A server's stream, on which what it sends goes out wrong."""

    def __init__(self, stream: trio.abc.Stream, mangler: Mangler, clock: Clock) -> None:
        """Let what is sent go through ``mangler``, and then on ``stream``."""
        self._stream = stream
        self._mangler = mangler
        self._clock = clock
        self._cut = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what becomes of it. ``trio.BrokenResourceError`` once it was cut."""
        await trio.lowlevel.checkpoint()
        for step in self._mangler.feed(data, self._clock()):
            self._check()
            if isinstance(step, Pause):
                await trio.sleep(step.seconds)
            elif isinstance(step, Cut):
                self._cut = True
                await trio.aclose_forcefully(self._stream)
            else:
                await self._stream.send_all(step)
        self._check()

    def _check(self) -> None:
        if self._cut:
            raise trio.BrokenResourceError("the connection was cut")

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Wait for bytes that are heard. The end of the stream always is."""
        while True:
            try:
                data = await self._stream.receive_some(max_bytes)
            except trio.ClosedResourceError:
                self._check()
                raise
            if not (data and self._mangler.deaf):
                return data

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
