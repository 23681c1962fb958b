"""What a simulated exchange sent, for tests to compare with what arrived.

Knows order, moments and receivers of frames, and how to find some of them again; what they say
is looked at only when somebody asks.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp


class LedgerEntry(Struct, frozen=True):
    """One frame that was sent to one client."""

    connection: int
    """The number of the connection: the ``number`` of an ``ExchangeConnection``."""
    at: Timestamp
    """When it was sent, by the exchange's clock."""
    frame: bytes
    """What was sent, faults included."""

    @property
    def message(self) -> dict[str, Any]:
        """Its members, with every number as the text that was sent; none where it is no JSON."""
        try:
            message = json.loads(self.frame, parse_int=str, parse_float=str)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}

    @property
    def channel(self) -> str | None:
        """The channel that it is of, or None for an answer and for what is no frame."""
        channel = self.message.get("channel")
        return channel if isinstance(channel, str) else None

    @property
    def symbol(self) -> str | None:
        """The symbol that it is about, or None where it is about none."""
        message = self.message
        data = message.get("data")
        first = data[0] if isinstance(data, list) and data else None
        for members in (message, message.get("result"), first):
            if isinstance(members, dict) and isinstance(members.get("symbol"), str):
                return str(members["symbol"])
        return None


class Ledger:
    """All that was sent to all clients, in this order, or the latest of it.

    What is written down is what was handed to the stream: not what was lost on purpose, waits, or
    was swallowed by a mute line; and of a frame that was cut, nothing. A client may have left
    before it read all of it.
    """

    def __init__(self, most: int) -> None:
        """Remember at most so many frames; none with 0.

        ``ConfigurationError`` where that is less.
        """
        if most < 0:
            raise ConfigurationError(
                field="ledger",
                rule=f"must be a number of frames, 0 or more, is {most}",
                mend="Give 0 to remember none",
            )
        self.most = most
        """How many frames are remembered at most; 0 where none is."""
        self.forgotten: int = 0
        """How many were sent besides."""
        self._entries: deque[tuple[int, int, bytes]] = deque(maxlen=most)

    def add(self, connection: int, at: int, frames: Iterable[bytes]) -> None:
        """Write down what is sent to a connection ``at`` some nanoseconds since the epoch."""
        entries = [(connection, at, frame) for frame in frames]
        self.forgotten += max(0, len(self._entries) + len(entries) - self.most)
        self._entries += entries

    def __len__(self) -> int:
        """How many frames are remembered."""
        return len(self._entries)

    def __iter__(self) -> Iterator[LedgerEntry]:
        """Give them, oldest first."""
        for connection, at, frame in self._entries:
            yield LedgerEntry(connection, Timestamp(at), frame)

    def entries(
        self,
        *,
        connection: int | None = None,
        channel: str | None = None,
        symbol: str | None = None,
    ) -> list[LedgerEntry]:
        """Give those that are remembered, oldest first: of one connection, channel and symbol.

        None stands for all of them.
        """
        return [
            entry
            for entry in self
            if connection in (None, entry.connection)
            and (channel is None or channel == entry.channel)
            and (symbol is None or symbol == entry.symbol)
        ]

    def frames(self, connection: int) -> list[bytes]:
        """Give the frames that one connection was sent, oldest first."""
        return [frame for number, _, frame in self._entries if number == connection]
