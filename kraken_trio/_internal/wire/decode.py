"""The decoder of protocol v2: the bytes of one frame to what it says.

Knows which reader reads which frame, and that nothing but ``ProtocolError`` comes out of a bad
one; keeps nothing between frames but the last second it read.
"""

from __future__ import annotations

from typing import ClassVar

from kraken_trio._internal.model.messages import Message, Unknown
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V2, Traits
from kraken_trio._internal.wire.decode_account import account_readers
from kraken_trio._internal.wire.decode_book import book_readers
from kraken_trio._internal.wire.decode_market import market_readers
from kraken_trio._internal.wire.decode_reference import reference_readers
from kraken_trio._internal.wire.decode_replies import METHODS, reply_reader
from kraken_trio._internal.wire.envelope import PREFIX_BYTES, guess_owner, prefix, read_envelope
from kraken_trio._internal.wire.faults import FAULTS, protocol_error
from kraken_trio._internal.wire.instants import Instants

_NAME_CHARACTERS = 64  # Of the name of something unknown; known ones have 23 at most.


class V2Decoder:
    """Decodes the frames of one connection, in any order."""

    traits: ClassVar[Traits] = V2
    """What this protocol has, and tells."""

    __slots__ = ("_by_prefix", "_channels", "_read_reply")

    def __init__(self) -> None:
        """Build the decoders: some milliseconds, so make one for each connection, not more."""
        instants = Instants()
        self._channels = {
            **account_readers(instants),
            **book_readers(instants),
            **market_readers(instants),
            **reference_readers(instants),
        }
        self._by_prefix = {prefix(name): reader for name, reader in self._channels.items()}
        self._read_reply = reply_reader(instants)

    def decode(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Message:
        """Give what one frame says. Nothing of ``payload`` is kept.

        Members in any order, white space and members unknown make no difference; a channel or
        method unknown gives ``Unknown``. Raises ``ProtocolError`` for what is not JSON, has
        not the shape of its kind, or holds a number or a time that none is; and for what is
        not UTF-8, even in a member that is unknown.
        """
        frame = payload if isinstance(payload, bytes) else bytes(payload)
        try:
            # The JSON library does not look at text that nobody wants; other characters than
            # these stand in no frequent frame.
            if frame.isascii():
                return self._by_prefix[frame[:PREFIX_BYTES]](frame, received_at)
        except (KeyError, *FAULTS):
            pass  # Begun unusually, guessed wrongly, or faulty: which, is found out below.
        return self._decode_otherwise(frame, received_at)

    def owner(self, payload: bytes | memoryview) -> tuple[str, str | None, int | None] | None:
        """Whose data a frame that ``decode`` refused seems to have held, as ``Channel.key``."""
        return guess_owner(bytes(payload))

    def _decode_otherwise(self, frame: bytes, received_at: Timestamp | None) -> Message:
        try:
            frame.decode()
            envelope = read_envelope(frame)
            if envelope.answers:
                method = envelope.method
                if method is None or method in METHODS:
                    return self._read_reply(frame, received_at)
                return Unknown("method", method[:_NAME_CHARACTERS], received_at)
            channel = envelope.channel
            if channel is None:
                raise ValueError("neither a channel nor an answer")
            reader = self._channels.get(channel)
            if reader is None:
                return Unknown("channel", channel[:_NAME_CHARACTERS], received_at)
            return reader(frame, received_at)
        except FAULTS as fault:
            raise protocol_error(fault, frame) from None
