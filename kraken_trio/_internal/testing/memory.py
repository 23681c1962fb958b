"""A byte stream between two tasks of one program: a network that needs none.

Knows how a socket behaves: a buffer of some size, after which senders wait; an end that is read
after the last byte; a break for who sends to a peer that closed. Knows nothing of what is sent.
Time plays no part in it, so it goes well with a clock that jumps.

Trio's own pairs for tests did not do: one has a buffer without bounds, where no slow reader is
ever noticed; the other has none at all, and breaks when a sender was cancelled and sends again.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager

import trio

CAPACITY = 64 * 1024
"""Bytes under way in one direction, at most."""


class _Way:
    """One direction."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.finished = False  # The sender closed: what is under way is the last.
        self.deaf = False  # The receiver closed: nobody will read it.
        self._changed = trio.lowlevel.ParkingLot()

    def change(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.unpark_all()

    async def wait(self) -> None:
        """Wait for a change."""
        await self._changed.park()


class _Alone:
    """Lets one task at a time do a thing, as trio's streams do."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._busy = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        if self._busy:
            raise trio.BusyResourceError(f"another task is {self._doing} on this stream")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False


class MemoryStream(trio.abc.Stream):
    """One end of a stream in memory: ``memory_streams`` makes two that belong together."""

    def __init__(self, incoming: _Way, outgoing: _Way) -> None:
        """Join two ways."""
        self._incoming = incoming
        self._outgoing = outgoing
        self._sending = _Alone("sending")
        self._receiving = _Alone("receiving")
        self._closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send it all, waiting for room; after a cancellation some of it was sent.

        ``trio.BrokenResourceError`` where the peer has closed.
        """
        with self._sending():
            await trio.lowlevel.checkpoint()
            way, rest = self._outgoing, memoryview(data)
            while True:
                self._check_open()
                if way.deaf:
                    raise trio.BrokenResourceError("the peer has closed")
                part = rest[: CAPACITY - len(way.data)]
                rest = rest[len(part) :]
                way.data += part
                way.change()
                if not rest:
                    return
                await way.wait()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room, or no sense in waiting for it."""
        with self._sending():
            await trio.lowlevel.checkpoint()
            way = self._outgoing
            while len(way.data) >= CAPACITY and not (self._closed or way.deaf):
                await way.wait()
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this stream was closed here")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes, and give at most ``max_bytes``; none at the end of the stream."""
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError("max_bytes must be 1 or more")
        with self._receiving():
            await trio.lowlevel.checkpoint()
            way = self._incoming
            while not (self._closed or way.data or way.finished):
                await way.wait()
            self._check_open()
            data = bytes(way.data[:max_bytes])
            del way.data[:max_bytes]
            way.change()
            return data

    async def aclose(self) -> None:
        """Close. The peer reads what was sent, then the end."""
        self._closed = self._outgoing.finished = self._incoming.deaf = True
        self._outgoing.change()
        self._incoming.change()
        await trio.lowlevel.checkpoint()


def memory_streams() -> tuple[MemoryStream, MemoryStream]:
    """Make two ends: what is sent on one is received on the other."""
    one, other = _Way(), _Way()
    return MemoryStream(one, other), MemoryStream(other, one)
