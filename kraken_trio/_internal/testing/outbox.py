"""What waits to be sent to one client of the simulated exchange, and how that ends.

Knows the order of messages, that there is room for so many and no more, and what a test wants
altered, silenced or held back on the way; nothing of WebSockets.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

import trio

from kraken_trio._internal.testing.packet import PACKET_BYTES, Packet, header

NORMAL, BAD_CONDUCT = 1000, 1008
"""Close codes (RFC 6455 section 7.4.1)."""

Alteration = Callable[[bytes], Iterable[bytes]]
"""Gives what is sent instead of a frame: it changed, nothing, it twice, or something else."""


class Outbox:
    """A bounded queue of messages that ends with a Close."""

    def __init__(self, max_backlog: int, on_close: Callable[[str], None]) -> None:
        """Hold at most ``max_backlog``; ``on_close`` is told why, as soon as it is decided."""
        self.closing: tuple[int, str] | None = None
        """The code and the reason to close with, once that is decided."""
        self.told_at: float = -math.inf
        """When the latest frame of a channel was put in, in trio's time."""
        self.backlog: int = 0
        """How many messages wait, or are just being sent."""
        self.held: bool = False
        """Whether nothing is to be taken for now; see ``hold`` and ``release``."""
        self.silent: set[tuple[str, str | None]] = set()
        """Channels and symbols of which nothing is told any more."""
        self.stalled: set[tuple[str, str | None]] = set()
        """Those of which nothing is told until they are subscribed to anew."""
        self.translate: Callable[[bytes], Iterable[bytes]] | None = None
        """Gives what becomes of a frame for a client that speaks another protocol."""
        self._max_backlog = max_backlog
        self._on_close = on_close
        self._queue: deque[bytes | Packet] = deque()
        self._under_way = 0  # Taken, and not known to be sent.
        self._hurried = False  # Leave what waits unsent.
        self._alterations: dict[tuple[str, str | None], deque[Alteration]] = {}
        self._news = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()

    def put(self, frame: bytes) -> None:
        """Let a message wait to be sent. Where there is no room, the client is to be left."""
        for each in (frame,) if self.translate is None else self.translate(frame):
            self._put(each)

    def _put(self, frame: bytes) -> None:
        if self.closing is not None:
            return
        if self.backlog >= self._max_backlog:
            self._hurried = True
            self._decide(BAD_CONDUCT, f"{self.backlog} messages were not read in time")
            return
        self._append(frame, 1)

    def put_packet(self, packet: Packet) -> None:
        """Let a packet wait to be sent, however much waits already."""
        if self.closing is None:
            self._append(packet, len(packet.frames))

    def tell(self, frame: bytes, channel: str, symbol: str | None = None) -> None:
        """Put in a frame of a channel, or what it is to be altered to, or nothing."""
        self.told_at = trio.current_time()
        about = channel, symbol
        if about in self.silent or about in self.stalled:
            return
        if self._alterations and (alterations := self._alterations.get(about)):
            for altered in alterations.popleft()(frame):
                self._put_altered(frame, altered)
        else:
            self.put(frame)

    def _put_altered(self, frame: bytes, altered: bytes) -> None:
        """Put in what a frame was altered to. What is cut off is cut off in any protocol."""
        if self.translate is None or altered == frame or not frame.startswith(altered):
            self.put(altered)
            return
        for each in self.translate(frame):
            self._put(each[: len(each) * len(altered) // len(frame)])

    async def tell_in_turn(self, packet: Packet) -> None:
        """Put in frames of some channel as soon as there is room for one of them."""
        await trio.lowlevel.checkpoint()
        while self.closing is None and self.backlog >= self._max_backlog:
            await self._room.park()
        self.put_packet(packet)
        self.told_at = trio.current_time()

    def alter_next(self, channel: str, symbol: str | None, alter: Alteration) -> None:
        """Alter the next frame of that channel and symbol that is not to be altered already."""
        self._alterations.setdefault((channel, symbol), deque()).append(alter)

    def hold(self) -> None:
        """Let everything wait."""
        self.held = True

    def release(self) -> None:
        """Let what waits be taken again."""
        self.held = False
        self._news.unpark_all()

    def close(self, code: int, reason: str) -> None:
        """Take nothing more; what waits is still sent."""
        self._decide(code, reason)
        self.release()

    async def take(self) -> Packet | None:
        """Wait for the next messages, to be sent in one piece; None when it is time for the Close.

        To ask for more is to say that what was taken before is sent.
        """
        self.backlog -= self._under_way
        self._under_way = 0
        self._room.unpark_all()
        await trio.lowlevel.checkpoint()
        while (self.held or not self._queue) and self.closing is None:
            await self._news.park()
        if self._hurried or not self._queue:
            return None
        taken = self._some()
        self._under_way = len(taken.frames)
        return taken

    def _some(self) -> Packet:
        """Take so much from the queue as is to be sent at once."""
        queue = self._queue
        parts: list[bytes] = []
        frames: list[bytes] = []
        size = 0
        while queue and size < PACKET_BYTES:
            waiting = queue.popleft()
            if isinstance(waiting, bytes):
                parts.append(header(waiting))
                parts.append(waiting)
                frames.append(waiting)
                size += len(waiting)
            elif parts:
                queue.appendleft(waiting)
                break
            else:
                return waiting
        return Packet(b"".join(parts), tuple(frames))

    def _append(self, waiting: bytes | Packet, count: int) -> None:
        self._queue.append(waiting)
        self.backlog += count
        if self._news and not self.held:
            self._news.unpark()

    def _decide(self, code: int, reason: str) -> None:
        if self.closing is None:
            self.closing = (code, reason)
            self._on_close(f"closed with code {code}" + (f": {reason}" if reason else ""))
        self._news.unpark_all()
        self._room.unpark_all()
