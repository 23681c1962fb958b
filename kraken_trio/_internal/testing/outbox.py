"""What waits to be sent to one client of the simulated exchange, and how that ends.

Knows the order of messages, that there is room for so many and no more, and what a test wants
altered on the way; nothing of WebSockets.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable

import trio

NORMAL, BAD_CONDUCT = 1000, 1008
"""Close codes (RFC 6455 section 7.4.1)."""

Alteration = Callable[[bytes], Iterable[bytes]]
"""Gives what is sent instead of a frame: it changed, nothing, it twice, or something else."""

_CHECKSUM = re.compile(rb'(?<="checksum":)\d+')


class Outbox:
    """A bounded queue of messages that ends with a Close."""

    def __init__(self, max_backlog: int, on_close: Callable[[str], None]) -> None:
        """Hold at most ``max_backlog``; ``on_close`` is told why, as soon as it is decided."""
        self.closing: tuple[int, str] | None = None
        """The code and the reason to close with, once that is decided."""
        self.told_at: float = -math.inf
        """When the latest frame of a channel was put in, in trio's time."""
        self._on_close = on_close
        self._hurried = False  # Leave what waits unsent.
        self._alterations: dict[tuple[str, str | None], deque[Alteration]] = {}
        # None stands for the end.
        self._send, self._receive = trio.open_memory_channel[bytes | None](max_backlog)

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return self._receive.statistics().current_buffer_used

    def put(self, frame: bytes) -> None:
        """Let a message wait to be sent. Where there is no room, the client is to be left."""
        if self.closing is not None:
            return
        try:
            self._send.send_nowait(frame)
        except trio.WouldBlock:
            self._hurried = True
            self._decide(BAD_CONDUCT, f"{self.backlog} messages were not read in time")

    def tell(self, frame: bytes, channel: str, symbol: str | None = None) -> None:
        """Put in a frame of a channel, or what it is to be altered to."""
        self.told_at = trio.current_time()
        alterations = self._alterations.get((channel, symbol))
        for altered in alterations.popleft()(frame) if alterations else (frame,):
            self.put(altered)

    async def tell_in_turn(self, frame: bytes) -> None:
        """Put in a frame of some channel as soon as there is room."""
        if self.closing is None:
            await self._send.send(frame)
            self.told_at = trio.current_time()

    def alter_next(self, channel: str, symbol: str | None, alter: Alteration) -> None:
        """Alter the next frame of that channel and symbol that is not to be altered already."""
        self._alterations.setdefault((channel, symbol), deque()).append(alter)

    def close(self, code: int, reason: str) -> None:
        """Take nothing more; what waits is still sent."""
        self._decide(code, reason)
        try:
            self._send.send_nowait(None)
        except trio.WouldBlock:
            self._hurried = True

    async def take(self) -> str | bytes | None:
        """Wait for the next message to be sent; None when it is time for the Close.

        It is text, unless it cannot be because it is not UTF-8.
        """
        frame = await self._receive.receive()
        if frame is None or self._hurried:
            return None
        try:
            return frame.decode()
        except UnicodeDecodeError:
            return frame

    def _decide(self, code: int, reason: str) -> None:
        if self.closing is None:
            self.closing = (code, reason)
            self._on_close(f"closed with code {code}" + (f": {reason}" if reason else ""))


def wrong_checksum(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book with a checksum that is wrong by one bit: an ``Alteration``."""
    return (_CHECKSUM.sub(lambda found: b"%d" % (int(found[0]) ^ 1), frame),)
