"""The bytes under a connection of the simulated exchange, where a peer can fall silent.

Knows when the client is gone, and how to play dead; nothing of what the bytes mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Line(trio.abc.Stream):
    """A stream as it is, until it is told to go mute."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Pass everything on to ``stream`` and from it."""
        self._stream = stream
        self.muted = False
        """Set it, and nothing is sent any more and nothing heard, while the stream stays open:
        half-open, as after a router lost its mind."""
        self.ended: trio.Event = trio.Event()
        """Set once it is known that the client is gone, or this end was closed."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send it, or only pretend to."""
        if self.muted:
            await trio.lowlevel.checkpoint()
            return
        with self._noticing():
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Wait for bytes that are heard. The end of the stream always is."""
        while True:
            with self._noticing():
                data = await self._stream.receive_some(max_bytes)
            if not data:
                self.ended.set()
            if not (data and self.muted):
                return data

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Notice when the stream is no good any more."""
        try:
            yield
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise

    async def aclose(self) -> None:
        """Close the stream."""
        self.ended.set()
        await self._stream.aclose()


class SharedLine(Line):
    """A line on which several tasks may send: each has its turn, and sends it all."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Pass everything on to ``stream`` and from it."""
        super().__init__(stream)
        self._turn = trio.StrictFIFOLock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send it when it has its turn, or only pretend to."""
        async with self._turn:
            await super().send_all(data)
