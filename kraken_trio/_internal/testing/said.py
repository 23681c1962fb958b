"""What a message of the exchange is about, as far as faults care.

Knows where in a message its channel, type and symbol stand; understands nothing else of it.
"""

from __future__ import annotations

import re

from msgspec import Struct

from kraken_trio._internal.testing.part import BY_SYMBOL, CHANNELS
from kraken_trio._internal.testing.place import needs_token

_METHOD = re.compile(rb'"method":"(\w+)"')
_CHANNEL = re.compile(rb'"channel":"(\w+)"')
_TYPE = re.compile(rb'"type":"(\w+)"')
_SYMBOL = re.compile(rb'"symbol":"([^"]+)"')
_DEPTH = re.compile(rb'"depth":(\d+)')
_REQ_ID = re.compile(rb'"req_id":(\d+)')
_NO_DATA = frozenset({"heartbeat", "status"})


class Said(Struct, frozen=True):
    """The subject of one message."""

    channel: str | None
    """Its channel, of a confirmation that of what is confirmed; None where none is named."""
    symbol: str | None
    """The first symbol in it; None where there is none, or its channel has none."""
    kind: str | None
    """``snapshot`` or ``update`` of data; ``ack`` for what confirms a subscription; else None."""

    depth: int | None = None
    """Of the book that is confirmed; None for anything else."""
    req_id: int | None = None
    """The number that an answer is under; None where it has none."""

    @property
    def about(self) -> tuple[str | None, str | None]:
        """Channel and symbol."""
        return self.channel, self.symbol

    @property
    def is_update(self) -> bool:
        """Whether it is data, and not the first of it."""
        return self.kind == "update"

    @property
    def is_private(self) -> bool:
        """Whether it is about something that takes a token."""
        return self.channel is not None and needs_token(self.channel)

    def __str__(self) -> str:
        """Give it in words."""
        what = " ".join(part for part in (self.channel, self.symbol) if part) or "something"
        match self.kind:
            case "ack":
                return f"the confirmation of {what}"
            case "snapshot" | "update":
                return f"the {self.kind} of {what}"
            case _:
                return f"the {self.channel}" if self.channel else "an answer"


def said(message: bytes) -> Said:
    """Say what a message is about."""
    channel, symbol = _first(_CHANNEL, message), _first(_SYMBOL, message)
    if channel in CHANNELS and channel not in BY_SYMBOL:
        symbol = None  # One that stands in its data is none that it can be asked for by.
    method = _METHOD.search(message)
    if method is not None:
        confirms = method[1] == b"subscribe" and b'"success":true' in message
        return Said(
            channel,
            symbol,
            "ack" if confirms else None,
            _number(_DEPTH, message) if confirms else None,
            _number(_REQ_ID, message),
        )
    return Said(channel, symbol, None if channel in _NO_DATA else _first(_TYPE, message))


def _first(pattern: re.Pattern[bytes], message: bytes) -> str | None:
    found = pattern.search(message)
    return None if found is None else found[1].decode("latin-1")


def _number(pattern: re.Pattern[bytes], message: bytes) -> int | None:
    found = pattern.search(message)
    return None if found is None else int(found[1])
