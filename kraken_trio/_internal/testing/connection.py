"""One client of the simulated exchange, as a test sees it: what it asked, what is done to it.

Knows nothing of how it is served; that is ``service``.
"""

from __future__ import annotations

from collections import deque

import trio

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.testing.conversation import Conversation
from kraken_trio._internal.testing.faults import (
    doubled,
    dropped,
    repeated_price,
    truncated,
    unknown_member,
    unknown_value,
    unsorted_adds,
    unsorted_levels,
    wrong_checksum,
    wrong_quantity,
)
from kraken_trio._internal.testing.frames import (
    heartbeat_frame,
    proxy_frame,
    rate_frame,
    unknown_frame,
)
from kraken_trio._internal.testing.line import Line
from kraken_trio._internal.testing.outbox import NORMAL, Alteration, Outbox
from kraken_trio._internal.testing.packet import half
from kraken_trio._internal.testing.place import Door

KEPT_REQUESTS = 1000
"""How many of a client's latest requests are kept."""


class ExchangeConnection:
    """A client that is connected. What is done to it, is done without waiting for anything.

    Frames of a replay or a flood are ready to be sent, and are neither altered nor silenced.
    """

    def __init__(
        self,
        number: int,
        *,
        door: Door = "public",
        line: Line,
        outbox: Outbox,
        conversation: Conversation,
        scope: trio.CancelScope,
    ) -> None:
        """Hold what the exchange serves it with."""
        self.number = number
        """Counts those who dialled, from 1."""
        self.door: Door = door
        """Which way it came in: ``public``, ``private`` or ``level3``."""
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

    def send_rate_refusal(self) -> None:
        """Send ``{"Error":"Exceeded msg rate"}``, the refusal that answers nothing."""
        self._outbox.put(rate_frame())

    def send_proxy_notice(self) -> None:
        """Send what the proxy says before it restarts: a text that is no JSON."""
        self._outbox.put(proxy_frame())

    def send_unknown_channel(self) -> None:
        """Send a message of a channel that no client knows."""
        self._outbox.put(unknown_frame())

    def alter_next(self, channel: str, symbol: str | None, alter: Alteration) -> None:
        """Send what ``alter`` makes of the next frame of that channel and symbol, instead of it.

        ``symbol`` is None for a channel that has none. Done more than once, it alters as many
        frames, one after the other; so do the methods below that are about the next frame.
        """
        self._outbox.alter_next(channel, symbol, alter)

    def drop_next(self, channel: str, symbol: str | None) -> None:
        """Lose the next frame: an update that is missing, or a gap in the numbers of trades."""
        self.alter_next(channel, symbol, dropped)

    def repeat_next(self, channel: str, symbol: str | None) -> None:
        """Send the next frame twice, such as one of trades."""
        self.alter_next(channel, symbol, doubled)

    def corrupt_next_book(self, symbol: str) -> None:
        """Send the next frame of that book with a wrong checksum."""
        self.alter_next("book", symbol, wrong_checksum)

    def corrupt_next_level3(self, symbol: str) -> None:
        """Send the next frame of that book of orders with a wrong checksum."""
        self.alter_next("level3", symbol, wrong_checksum)

    def corrupt_next_quantity(self, channel: str, symbol: str) -> None:
        """Send the next frame of that book, or book of orders, with a quantity that is wrong."""
        self.alter_next(channel, symbol, wrong_quantity)

    def truncate_next(self, channel: str, symbol: str | None) -> None:
        """Send half of the next frame, as a frame: it is no JSON."""
        self.alter_next(channel, symbol, truncated)

    def unsort_next_book(self, symbol: str) -> None:
        """Send the next frame of that book with its levels in no order. It means the same."""
        self.alter_next("book", symbol, unsorted_levels)

    def unsort_next_level3(self, symbol: str) -> None:
        """Send the next frame of that book of orders with those that it adds in no order.

        It means the same to who sorts them by their times, as one has to.
        """
        self.alter_next("level3", symbol, unsorted_adds)

    def repeat_price_in_next_book(self, symbol: str) -> None:
        """Send the next frame of that book with a price twice a side. It means the same."""
        self.alter_next("book", symbol, repeated_price)

    def add_unknown_member(self, channel: str, symbol: str | None) -> None:
        """Send the next frame with members that no client knows."""
        self.alter_next(channel, symbol, unknown_member)

    def use_unknown_value(self, channel: str, symbol: str | None) -> None:
        """Send the next frame with a value that no client knows.

        In a trade that is its order type, in a status the mode of the engine, in an instrument
        its status, and else the type of the message.
        """
        self.alter_next(channel, symbol, unknown_value)

    def silence(self, channel: str, symbol: str | None) -> None:
        """Tell nothing of that channel and symbol from now on, as long as the connection lasts.

        All else goes on. Requests about it are answered as ever, so a new subscription is
        acknowledged and then silent, until ``speak`` ends it. See ``stall`` for one that a new
        subscription mends.
        """
        self._outbox.silent.add((channel, symbol))

    def stall(self, channel: str, symbol: str | None) -> None:
        """Tell nothing of that channel and symbol until the client subscribes to it anew.

        All else goes on, and every request is answered.
        """
        self._outbox.stalled.add((channel, symbol))

    def speak(self, channel: str, symbol: str | None) -> None:
        """Tell of that channel and symbol again, which was silenced or stalled."""
        self._outbox.silent.discard((channel, symbol))
        self._outbox.stalled.discard((channel, symbol))

    def hold(self) -> None:
        """Let all that is to be sent wait: the client gets nothing, and then stale news.

        It is the backlog of a slow reader, without one. Beyond ``max_backlog`` messages of
        ``ExchangeRules`` the client is hung up on.
        """
        self._outbox.hold()

    def release(self) -> None:
        """Send what was held, and all that follows."""
        self._outbox.release()

    def mute(self) -> None:
        """Say and hear nothing any more, and keep the connection: it is half-open."""
        self._line.muted = True

    def drop(self) -> None:
        """Cut the connection, without a Close."""
        self.ended = self.ended or "dropped"
        self._scope.cancel()

    def cut_in_frame(self, frame: bytes | None = None) -> None:
        """Send what waits, then the first half of a frame, and cut the connection.

        ``frame`` is that of a heartbeat unless told otherwise.
        """
        self._outbox.put_packet(half(heartbeat_frame() if frame is None else frame))
        self._outbox.release()

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send what waits, then a Close; cut the connection when that took two seconds."""
        self._outbox.close(code, reason)
