"""The decoder of protocol v1: the bytes of one frame to what it says.

Knows which frame is an event and which holds data, and whose; and that nothing but
``ProtocolError`` comes out of a bad one.

Data stand in an array whose end says what they are: the channel's name and the pair, or for private
ones the name and the number of the message. They do not say that they are the first of a
subscription, and how things stand: that follows from the confirmation before them. So what was
confirmed is remembered, until its first data come or another connection begins; and so is the
number of each channel, which is all that is left of a frame that was cut off.

Source: section "Data arrays" of the WebSocket v1 documentation, and captured traffic.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import Message, RecordsMessage, Reply, Unknown
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1, Traits
from kraken_trio._internal.wire.faults import FAULTS, protocol_error
from kraken_trio._internal.wire.v1_account import may_begin, read_fills, read_orders
from kraken_trio._internal.wire.v1_book import read_book
from kraken_trio._internal.wire.v1_events import Event, Events, key_of
from kraken_trio._internal.wire.v1_market import READERS
from kraken_trio._internal.wire.v1_text import channel_of, symbol_of

Key = tuple[str, str | None, int | None]

MOST_REMEMBERED = 10_000
"""Subscriptions of one connection: several times what the exchange lists."""
_NAME_CHARACTERS = 64
_PRIVATE_ELEMENTS = 3
_PUBLIC_ELEMENTS = 4
_TELL_THE_STATE = frozenset({"ticker", "ohlc"})
"""Channels whose first data after a confirmation tell how things stand."""
_ACCOUNT = {"own_trades": read_fills, "open_orders": read_orders}

_BEGINNINGS = ("subscribe", "")

_BEGINNING = re.compile(rb"\s*\[\s*(\d+)\s*,")
_END = re.compile(rb'"([A-Za-z]{1,20}(?:-\d{1,8})?)"\s*,\s*(?=(?:"([^"\\]{1,40})"|\{))')


class _Numbered(Struct, frozen=True, gc=False):
    sequence: int


_split = msgspec.json.Decoder(list[Raw]).decode
_text = msgspec.json.Decoder(str).decode
_numbered = msgspec.json.Decoder(_Numbered).decode


class V1Decoder:
    """Decodes the frames of one connection after another, in order."""

    traits: ClassVar[Traits] = V1
    """What this protocol has, and tells."""

    __slots__ = ("_awaited", "_events", "_ids")

    def __init__(self) -> None:
        """Know of no subscription."""
        self._events = Events()
        self._awaited: set[Key] = set()
        self._ids: dict[bytes, Key] = {}

    def decode(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Message:
        """Give what one frame says. Nothing of ``payload`` is kept.

        Members in any order, white space and members unknown make no difference; a channel or
        event unknown gives ``Unknown``. Raises ``ProtocolError`` for what is not JSON, has not
        the shape of its kind, or holds a number or a time that none is; and for what is not
        UTF-8, even in a member that is unknown.
        """
        frame = payload if isinstance(payload, bytes) else bytes(payload)
        try:
            if not frame.isascii():
                frame.decode()
            if frame.lstrip()[:1] == b"[":
                return self._read_data(_split(frame), received_at)
            return self._read_event(self._events.decode(frame), received_at)
        except FAULTS as fault:
            raise protocol_error(fault, frame) from None

    def owner(self, payload: bytes | memoryview) -> Key | None:
        """Whose data a frame that ``decode`` refused seems to have held, as ``Channel.key``."""
        frame = bytes(payload)
        for end in reversed(_END.findall(frame)):
            try:
                channel, option = channel_of(end[0].decode())
                symbol = symbol_of(end[1].decode()) if end[1] else None
            except (ConfigurationError, UnicodeDecodeError):
                continue
            return channel, symbol, option if channel == "ohlc" else None
        begin = _BEGINNING.match(frame)
        return None if begin is None else self._ids.get(begin[1])

    def _read_event(self, event: Event, received_at: Timestamp | None) -> Message:
        message = self._events.message(event, received_at)
        if event.event == "systemStatus" and event.connection_id is not None:
            self._awaited.clear()
            self._ids.clear()
        elif isinstance(message, Reply) and message.success and message.method in _BEGINNINGS:
            self._remember(event)
        return message

    def _remember(self, event: Event) -> None:
        key = key_of(event)
        if key is None or len(self._awaited) >= MOST_REMEMBERED:
            return
        if key[0] in _TELL_THE_STATE or key[0] in _ACCOUNT:
            self._awaited.add(key)
        if len(self._ids) < MOST_REMEMBERED and bytes(event.channel_id).isdigit():
            self._ids[bytes(event.channel_id)] = key

    def _read_data(self, parts: list[Raw], received_at: Timestamp | None) -> Message:
        if len(parts) < _PRIVATE_ELEMENTS:
            raise ValueError("data without a channel")
        if bytes(parts[-1]).startswith(b"{"):
            return self._read_private(parts, received_at)
        if len(parts) < _PUBLIC_ELEMENTS:
            raise ValueError("data without a pair")
        name = _text(parts[-2])
        channel, option = channel_of(name)
        reader = READERS.get(channel)
        if reader is None and channel != "book":
            return Unknown("channel", name[:_NAME_CHARACTERS], received_at)
        symbol = symbol_of(_text(parts[-1]))
        payload = parts[1:-2]
        if reader is None:
            return read_book(symbol, payload, received_at)
        if len(payload) != 1:
            raise ValueError("more data than one message has")
        snapshot = self._begins((channel, symbol, option if channel == "ohlc" else None))
        records = reader(symbol, option, payload[0], received_at, snapshot)
        return RecordsMessage(channel, snapshot, records, None, received_at)

    def _read_private(self, parts: list[Raw], received_at: Timestamp | None) -> Message:
        name = _text(parts[-2])
        channel, _ = channel_of(name)
        reader = _ACCOUNT.get(channel)
        if reader is None:
            return Unknown("channel", name[:_NAME_CHARACTERS], received_at)
        if len(parts) != _PRIVATE_ELEMENTS:
            raise ValueError("more data than one message has")
        sequence = _numbered(parts[-1]).sequence
        if not 0 <= sequence < 2**63:
            raise ValueError("the number of a message is out of bounds")
        begins = self._begins((channel, None, None))
        if begins and sequence != 1 and channel == "open_orders":
            # The beginning may be what is missing: news must not be taken for all that is open.
            begins = may_begin(parts[0])
        snapshot = begins or sequence == 1
        records = reader(parts[0], received_at, snapshot=snapshot)
        return RecordsMessage(channel, snapshot, records, sequence, received_at)

    def _begins(self, key: Key) -> bool:
        """Whether these are the first data of a subscription; the next are not."""
        if key not in self._awaited:
            return False
        self._awaited.discard(key)
        return True
