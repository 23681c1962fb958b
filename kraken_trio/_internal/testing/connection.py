"""One client of the simulated exchange, as a test sees it: what it asked, what is done to it.

Knows nothing of how it is served; that is ``service``.
"""

from __future__ import annotations

from collections import deque

import trio

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.testing.conversation import Conversation
from kraken_trio._internal.testing.faults import wrong_checksum
from kraken_trio._internal.testing.line import Line
from kraken_trio._internal.testing.outbox import NORMAL, Alteration, Outbox

KEPT_REQUESTS = 1000
"""How many of a client's latest requests are kept."""


class ExchangeConnection:
    """A client that is connected. What is done to it, is done without waiting for anything."""

    def __init__(
        self,
        number: int,
        *,
        line: Line,
        outbox: Outbox,
        conversation: Conversation,
        scope: trio.CancelScope,
    ) -> None:
        """Hold what the exchange serves it with."""
        self.number = number
        """Counts those who dialled, from 1."""
        self.requests: deque[bytes] = deque(maxlen=KEPT_REQUESTS)
        """What it sent, oldest first; the latest 1000."""
        self.sent = 0
        """How many messages it was sent."""
        self.ended: str | None = None
        """Why it ended, in words; None while it lasts."""
        self._line = line
        self._outbox = outbox
        self._conversation = conversation
        self._scope = scope

    @property
    def subscriptions(self) -> tuple[Channel, ...]:
        """What it is subscribed to, symbol by symbol, in the order of asking."""
        return tuple(part.as_channel() for part in self._conversation.subscriptions)

    @property
    def backlog(self) -> int:
        """How many messages wait because it reads slowly."""
        return self._outbox.backlog

    def send_raw(self, frame: str | bytes) -> None:
        """Send any message. Bytes go as text, too, unless they are not UTF-8."""
        self._outbox.put(frame.encode() if isinstance(frame, str) else frame)

    def alter_next(self, channel: str, symbol: str | None, alter: Alteration) -> None:
        """Send what ``alter`` makes of the next frame of that channel and symbol, instead of it.

        ``symbol`` is None for a channel that has none. Done more than once, it alters as many
        frames, one after the other.
        """
        self._outbox.alter_next(channel, symbol, alter)

    def corrupt_next_book(self, symbol: str) -> None:
        """Send the next frame of that book with a wrong checksum."""
        self.alter_next("book", symbol, wrong_checksum)

    def mute(self) -> None:
        """Say and hear nothing any more, and keep the connection: it is half-open."""
        self._line.muted = True

    def drop(self) -> None:
        """Cut the connection, without a Close."""
        self.ended = self.ended or "dropped"
        self._scope.cancel()

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send what waits, then a Close; cut the connection when that took two seconds."""
        self._outbox.close(code, reason)
