"""The bytes of a server, taken apart and put together: frames, pieces of them, answers to upgrades.

Knows how a server's frames are framed, and one that is to come in pieces; nothing of faults and
their plans.

Source: RFC 6455 sections 5.2, 5.4 and 5.5.1; RFC 9110 section 15.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.wire.frames import CLOSE, CONTINUATION, PING, TEXT, encode_frame

_REASONS = {
    403: "Forbidden",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
STATUSES = tuple(_REASONS)
"""Those that an upgrade may be refused with."""

_LENGTH_16, _LENGTH_64 = 126, 127
_LONGEST_PIECE = 40


def header_bytes(length: int) -> int:
    """Give how long the header is of a server's frame whose second byte is ``length``."""
    return {_LENGTH_16: 4, _LENGTH_64: 10}.get(length, 2)


def take_frame(data: bytearray) -> bytes | None:
    """Take the first frame out of ``data``; None where it is not whole yet."""
    if len(data) < 2:  # noqa: PLR2004 - as short as a frame can be
        return None
    size, start = data[1] & 0x7F, header_bytes(data[1] & 0x7F)
    if len(data) < start:
        return None
    if start > 2:  # noqa: PLR2004 - as above
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        return None
    frame = bytes(data[: start + size])
    del data[: start + size]
    return frame


def close_frame(code: int, reason: bytes) -> bytes:
    """Give a Close."""
    return encode_frame(CLOSE, code.to_bytes(2, "big") + reason)


def refused_answer(refusal: Refusal) -> bytes:
    """Give an answer to an upgrade that says no."""
    when = "" if refusal.retry_after_s is None else f"Retry-After: {refusal.retry_after_s}\r\n"
    head = f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}\r\n{when}"
    return f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def in_pieces(frame: bytes, dice: random.Random) -> Iterator[bytes]:
    """Give a frame in pieces of a few bytes."""
    while frame:
        size = dice.randint(1, _LONGEST_PIECE)
        yield frame[:size]
        frame = frame[size:]


def in_fragments(message: bytes, dice: random.Random) -> bytes:
    """Give a message in two to five frames, of which some may be empty, with a ping in between."""
    cuts = sorted(dice.randint(0, len(message)) for _ in range(dice.randint(1, 4)))
    parts = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    last = len(parts) - 1
    frames = [
        encode_frame(CONTINUATION if place else TEXT, part, fin=place == last)
        for place, part in enumerate(parts)
    ]
    frames.insert(1, encode_frame(PING, b"between"))
    return b"".join(frames)
