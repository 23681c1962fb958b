"""How a connection ends on the wire: what a Close means, and what broke the framing.

Knows what a Close says, and how what broke the framing is kept so that it breaks it once more, in
the same way; never imports trio.
"""

from __future__ import annotations

from collections.abc import Callable

from kraken_trio._internal.model.errors import EXCERPT_CHARACTERS, ConnectionLost, ProtocolError
from kraken_trio._internal.wire.faults import words
from kraken_trio._internal.wire.frames import (
    CLOSE,
    INVALID_UTF8,
    PROTOCOL_FAULT,
    Broken,
    FrameSplitter,
    encode_frame,
    head_size,
)

NO_STATUS = 1005
"""The code of a Close that has none (RFC 6455 section 7.4.1)."""
CLOSE_FRAME = 0x80 | CLOSE
"""The first byte of one."""

_CLOSE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
_MASKED = 0x80
_HEAD_MIN = 2


def lost_by(payload: bytes) -> ConnectionLost:
    """What a Close of the peer means, or ``ProtocolError`` where it is malformed.

    RFC 6455 sections 5.5.1 and 7.4. trio-websocket would take a malformed one for a Close with
    the code of the fault, and it knows no 1014.
    """
    if not payload:
        return ConnectionLost(NO_STATUS)
    code = int.from_bytes(payload[:2], "big")
    excerpt = payload[: (EXCERPT_CHARACTERS + 1) // 3].hex(" ")
    if len(payload) == 1 or code not in _CLOSE_CODES:
        raise ProtocolError("close frame without a valid code", excerpt, PROTOCOL_FAULT)
    try:
        return ConnectionLost(code, words(payload[2:].decode()))
    except UnicodeDecodeError:
        raise ProtocolError("close frame is not UTF-8", excerpt, INVALID_UTF8) from None


def piece_of(broken: Broken, shown: Callable[[bytes], bytes | memoryview]) -> bytes:
    """Write what broke the framing as one piece, with which it breaks again: the message that it
    came in the middle of, as one fragment, then the faulty frame, and nothing behind.

    ``shown`` gives a text as it may be shown. Where that is another one, so that a secret is in it,
    there are only the heads: a secret may be cut in two anywhere.
    """
    head = head_size(broken.frame)
    masked = len(broken.frame) >= _HEAD_MIN and broken.frame[1] & _MASKED
    frame = broken.frame[: _HEAD_MIN if masked else None]
    said = broken.held + frame[head:]
    held = broken.held
    if shown(said) != said:
        held, frame = b"", frame[:head]
    before = encode_frame(broken.begun, held, fin=False) if broken.begun else b""
    return before + frame


def fault_of(piece: bytes) -> ProtocolError | None:
    """What is wrong with such a piece; None where that cannot be seen in it."""
    splitter = FrameSplitter()
    splitter.feed(piece)
    try:
        splitter.next_messages()
        control = splitter.take_control()
        if control and control[0] == CLOSE_FRAME:
            lost_by(control[_HEAD_MIN:])
    except ProtocolError as fault:
        return fault
    return None
