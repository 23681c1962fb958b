"""Which decoder and which encoder each protocol has, and a decoder for recordings of either.

The one place that goes from a protocol's traits to how it is spelt. v1 is loaded only for
who speaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.messages import Message
from kraken_trio._internal.model.requests import Request
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import PROTOCOLS, V1, V2, Traits
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.faults import FAULTS

if TYPE_CHECKING:
    from kraken_trio._internal.wire.v1_decode import V1Decoder


class Encode(Protocol):
    """Writes a request."""

    def __call__(
        self, request: Request, *, req_id: int | None = None, token: Secret | None = None
    ) -> bytes:
        """As ``encode_request``."""
        ...


def _v1_decoder() -> V1Decoder:
    from kraken_trio._internal.wire.v1_decode import V1Decoder  # noqa: PLC0415 - few speak it

    return V1Decoder()


class _Kind(Struct, frozen=True, gc=False):
    event: str | None = None


_kind = msgspec.json.Decoder(_Kind).decode


def decoder_of(traits: Traits) -> V1Decoder | V2Decoder:
    """Make the decoder of a protocol, for one session."""
    return _v1_decoder() if traits is V1 else V2Decoder()


def recorded_decoder(protocol: str | None) -> V1Decoder | V2Decoder | AnyDecoder:
    """Make what decodes the recorded frames of one session; None where it is not said in which
    protocol they are.
    """
    return AnyDecoder() if protocol is None else decoder_of(PROTOCOLS[protocol])


def encoder_of(traits: Traits) -> Encode:
    """Give what writes the requests of a protocol."""
    if traits is not V1:
        return encode_request
    from kraken_trio._internal.wire.v1_encode import encode_request_v1  # noqa: PLC0415 - as above

    return encode_request_v1


class AnyDecoder:
    """Decodes recorded frames, whichever protocol each is of: they can be told apart."""

    __slots__ = ("_v1", "_v2", "traits")

    traits: Traits
    """Of the protocol of the last frame; v2 before the first one. Said once, it stays: a recording
    is of one."""

    def __init__(self) -> None:
        """Know nothing of the recording yet."""
        self._v1 = _v1_decoder()
        self._v2 = V2Decoder()
        self.traits = V2

    def decode(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Message:
        """As the decoders."""
        return self._of(payload).decode(payload, received_at)

    def owner(self, payload: bytes | memoryview) -> tuple[str, str | None, int | None] | None:
        """As the decoders."""
        return self._of(payload).owner(payload)

    def _of(self, payload: bytes | memoryview) -> V1Decoder | V2Decoder:
        if _is_v1(bytes(payload)):
            self.traits = V1
            return self._v1
        return self._v2


def _is_v1(frame: bytes) -> bool:
    """An array, or an event: no frame of v2 is one, though it may hold one further down."""
    if frame.lstrip()[:1] == b"[":
        return True
    try:
        return b'"event"' in frame and _kind(frame).event is not None
    except FAULTS:
        return False
