"""Which decoder and which encoder each protocol has, and a decoder for recordings of either.

The one place that goes from a protocol's traits to how it is spelt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.messages import Message
from kraken_trio._internal.model.requests import Request
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1, V2, Traits
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_decode import V1Decoder
from kraken_trio._internal.wire.v1_encode import encode_request_v1


class Encode(Protocol):
    """Writes a request."""

    def __call__(
        self, request: Request, *, req_id: int | None = None, token: Secret | None = None
    ) -> bytes:
        """As ``encode_request``."""
        ...


Decoder = V1Decoder | V2Decoder
_DECODERS: dict[str, Callable[[], Decoder]] = {V1.name: V1Decoder, V2.name: V2Decoder}
_ENCODERS: dict[str, Encode] = {V1.name: encode_request_v1, V2.name: encode_request}


class _Kind(Struct, frozen=True, gc=False):
    event: str | None = None


_kind = msgspec.json.Decoder(_Kind).decode


def decoder_of(traits: Traits) -> Decoder:
    """Make the decoder of a protocol, for one session."""
    return _DECODERS[traits.name]()


def encoder_of(traits: Traits) -> Encode:
    """Give what writes the requests of a protocol."""
    return _ENCODERS[traits.name]


class AnyDecoder:
    """Decodes recorded frames, whichever protocol each is of: they can be told apart."""

    __slots__ = ("_v1", "_v2", "traits")

    traits: Traits
    """Of the protocol of the last frame; v2 before the first one. Said once, it stays: a recording
    is of one."""

    def __init__(self) -> None:
        """Know nothing of the recording yet."""
        self._v1 = V1Decoder()
        self._v2 = V2Decoder()
        self.traits = V2

    def decode(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Message:
        """As the decoders."""
        return self._of(payload).decode(payload, received_at)

    def owner(self, payload: bytes | memoryview) -> tuple[str, str | None, int | None] | None:
        """As the decoders."""
        return self._of(payload).owner(payload)

    def _of(self, payload: bytes | memoryview) -> Decoder:
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
