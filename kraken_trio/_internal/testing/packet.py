"""Messages of the exchange as they go over the wire: several WebSocket frames in one piece.

Knows how a server frames a message, which is never masked and here never in fragments; nothing
of connections. Control frames are none of its business.

Source: RFC 6455 section 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

PACKET_BYTES = 64 * 1024
"""So much is sent at once, if there is so much: what a socket takes without waiting, mostly."""

_FINAL_TEXT, _FINAL_BINARY = 0x81, 0x82
_MOST_IN_7_BITS, _MOST_IN_16_BITS = 125, 0xFFFF
_TEXT_HEADERS = tuple(bytes((_FINAL_TEXT, length)) for length in range(_MOST_IN_7_BITS + 1))


class Packet(Struct, frozen=True):
    """Some messages, made ready to be sent in one piece."""

    wire: bytes
    """Their WebSocket frames, one after the other."""
    frames: tuple[bytes, ...]
    """What they say."""
    cut: bool = False
    """Whether the stream is cut after it: ``wire`` may end anywhere then."""


def header(frame: bytes) -> bytes:
    """Give what stands before a message: it is text, unless it cannot be as it is not UTF-8."""
    length = len(frame)
    if frame.isascii() or _is_text(frame):
        if length <= _MOST_IN_7_BITS:
            return _TEXT_HEADERS[length]
        opcode = _FINAL_TEXT
    else:
        opcode = _FINAL_BINARY
    if length <= _MOST_IN_7_BITS:
        return bytes((opcode, length))
    if length <= _MOST_IN_16_BITS:
        return bytes((opcode, 126, length >> 8, length & 0xFF))
    return bytes((opcode, 127)) + length.to_bytes(8, "big")


def _is_text(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True


def packet(frames: Iterable[bytes]) -> Packet:
    """Make one of these messages."""
    said = tuple(frames)
    return Packet(b"".join(part for frame in said for part in (header(frame), frame)), said)


def packets(frames: Iterable[bytes]) -> Iterator[Packet]:
    """Make as many as are needed to send each in one piece."""
    some: list[bytes] = []
    size = 0
    for frame in frames:
        some.append(frame)
        size += len(frame)
        if size >= PACKET_BYTES:
            yield packet(some)
            some, size = [], 0
    if some:
        yield packet(some)


def half(frame: bytes) -> Packet:
    """Make the first half of a message, after which the stream is to be cut."""
    whole = packet((frame,))
    return Packet(whole.wire[: len(whole.wire) - (len(frame) + 1) // 2], (), cut=True)
