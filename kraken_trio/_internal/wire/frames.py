"""WebSocket frames as a client receives them (RFC 6455 section 5): where each one ends.

Knows the frame header, fragments and close codes; knows nothing of what a message says, and
never imports a WebSocket library or trio.

Messages are given as ``bytes``. A slice of 200 bytes costs no more than a ``memoryview`` of
it, answers ``isascii`` (the cheap half of the UTF-8 check), can be kept for ever without
keeping alive the 64 KiB it was cut from, and leaves no buffer exported that cannot be resized.
"""

from __future__ import annotations

import codecs
from collections import deque
from itertools import repeat
from typing import NoReturn

from msgspec import Struct

from kraken_trio._internal.model.errors import EXCERPT_CHARACTERS, ProtocolError

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
"""Opcodes of data frames (RFC 6455 section 5.2)."""
CLOSE, PING, PONG = 0x8, 0x9, 0xA
"""Opcodes of control frames (RFC 6455 section 5.2)."""

PROTOCOL_FAULT, INVALID_UTF8, TOO_BIG = 1002, 1007, 1009
"""Close codes (RFC 6455 section 7.4.1)."""

MAX_MESSAGE_BYTES = 16 * 2**20
"""Ample: the exchange's largest message, the snapshot of all instruments, is near 1 MiB."""

MOST_AT_ONCE = 512
"""Frames that are split without a look at what came of it. A read has some 300 of the exchange's;
of a peer's that sends empty ones it has 32,768, which take 15 ms."""

_FIN = 0x80
_RESERVED_BITS = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_WHOLE_TEXT = _FIN | TEXT
_UTF8 = codecs.getincrementaldecoder("utf-8")
_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})

_SHORT_MAX = 125  # The largest length that stands in the second byte itself.
_LENGTH_16, _LENGTH_64 = 126, 127  # What stands there instead when 2 or 8 bytes of length follow.
_HEAD_MIN, _HEAD_MAX = 2, 10
_HEAD_LENGTHS = {_LENGTH_16: 4, _LENGTH_64: _HEAD_MAX}
_LENGTH_16_MAX = 2**16 - 1
_LENGTH_64_MAX = 2**63 - 1


class Broken(Struct, frozen=True):
    """What a peer broke the framing with."""

    begun: int
    """The opcode of the message in the middle of which it came; zero outside one."""
    held: bytes
    """What there was of that message."""
    frame: bytes
    """The faulty frame, as much as there was of it."""


class FrameSplitter:
    """Splits what a server sends into data messages, kept here, and control frames, passed on.

    ``feed`` takes received bytes; ``next_messages`` gives the data messages that are whole, many at
    once, for a call for each would cost a fifth more; ``take_control`` gives the control frames,
    byte for byte, for the protocol library below to see nothing else.

    *Order.* Bytes are looked at only as messages are asked for. Who hands on what
    ``next_messages`` gave before it takes control frames hands on a Close only when every message
    before it was delivered.

    *Close.* The first Close frame ends the stream: whatever follows it, data, control or
    rubbish, is discarded unread (section 1.4). A fragmented message it cuts short is dropped.

    *Faults* are raised as ``ProtocolError`` with the ``close_code`` that the RFC names, when
    their turn comes: messages in front of them are given first. Afterwards ``feed`` and
    ``next_messages`` raise the same error for ever; ``take_control`` still gives what came
    before. The payload of a Close frame is not judged here: it is passed on to be.

    *Binary* messages are given like text ones, without the UTF-8 check. The exchange sends
    none; if it ever does, the JSON decoder judges them one by one, and no connection is lost.
    A text message is checked as it comes, in fragments and in pieces of a frame, so that one which
    goes wrong is refused before the rest of it is held.

    *Cost.* Every byte is copied a bounded number of times, however small the pieces are. Held
    are at most one message (``max_message_bytes`` is decided from the header, before the
    payload is waited for), what was fed beyond it, and the control frames not yet taken.
    """

    __slots__ = (
        "_begun",
        "_chunk",
        "_control",
        "_decoder",
        "_ended",
        "_fault",
        "_held",
        "_judged",
        "_max_message_bytes",
        "_offset",
        "_part",
        "_pending",
        "_room",
        "broken",
    )

    def __init__(self, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        """Start at a frame's border; a message may have up to ``max_message_bytes`` of payload."""
        # The bytes to come are _chunk from _offset on, then _pending. Nearly always a chunk ends
        # where a frame ends, or a frame straddles two of them; then _pending collects until it
        # is whole, and is joined to the rest of the chunk once.
        self._chunk = b""
        self._offset = 0
        self._pending = bytearray()
        self._begun = CONTINUATION  # The opcode of the fragmented message begun; zero outside one.
        self._held = bytearray()  # Its fragments, joined.
        self._decoder = _UTF8()  # What was seen of its text: a character may be cut in two.
        # The same of a text frame of which not all has come, and how much of that was looked at.
        self._part: codecs.IncrementalDecoder | None = None
        self._judged = 0
        self._max_message_bytes = max_message_bytes
        self._room = max_message_bytes  # What they leave of it.
        self._control: deque[bytes] = deque()
        self._ended = False
        self._fault: ProtocolError | None = None
        self.broken: Broken | None = None
        """What the fault is about, if there was one."""

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add received bytes. Raises the fault, if there was one; after a Close, discards."""
        if self._ended:
            if self._fault is not None:
                raise self._fault
        elif self._pending or self._offset < len(self._chunk):
            self._pending += data
        else:
            self._chunk = bytes(data)  # No copy of what is bytes already.
            self._offset = 0

    def next_messages(self) -> list[bytes]:
        """Give the payloads of the whole data messages that have arrived, oldest first.

        They are all, or some of very many; empty where there are none. Raises ``ProtocolError``
        when a fault is next.
        """
        if self._fault is not None:
            raise self._fault
        messages: list[bytes] = []
        try:
            while self._split(messages) and len(messages) < MOST_AT_ONCE:
                pass
        except ProtocolError:
            if not messages:
                raise
        return messages

    def _split(self, messages: list[bytes]) -> bool:  # noqa: C901, PLR0912, PLR0915 - hot, see above
        """Split the chunk, or much of it; say whether there is more."""
        chunk = self._chunk
        have = len(chunk)
        at = self._offset
        for _ in repeat(None, MOST_AT_ONCE):
            end = at + 2  # How far the chunk must reach for the next step.
            if end > have:
                break
            first = chunk[at]
            size = chunk[at + 1]
            if first != _WHOLE_TEXT or size >= _MASKED or self._begun:
                self._offset = at
                self._check_start(first, size)
            if size == _LENGTH_16:
                end = at + 4
                if end > have:
                    break
                size = chunk[at + 2] << 8 | chunk[at + 3]
                if size <= _SHORT_MAX:
                    self._offset = at
                    self._fail("length not in its shortest form")
            elif size == _LENGTH_64:
                end = at + 10
                if end > have:
                    break
                self._offset = at
                size = self._long_size(chunk[at + 2 : end])
            body = end
            end += size
            if size > self._room and first & _OPCODE < CLOSE:
                self._offset = at
                self._fail(f"message above {self._max_message_bytes} bytes", TOO_BIG)
            if end > have:
                break
            payload = chunk[body:end]
            if first == _WHOLE_TEXT:
                if not payload.isascii():
                    self._offset = at
                    self._check_utf8(payload)
                messages.append(payload)
            else:
                self._offset = at
                message = self._take(first, payload, chunk[at:end])
                if self._ended:
                    return False
                if message is not None:
                    messages.append(message)
            at = end
        else:
            self._offset = at
            return True
        self._offset = at
        pending = self._pending
        if have + len(pending) < end:
            if at < have:
                self._check_begun(chunk[at:])
            return False
        self._part = None
        self._chunk = chunk[at:] + pending
        self._offset = 0
        pending.clear()
        return True

    def take_control(self, *, drop_pings: bool = False) -> bytes:
        """Give the oldest control frame not yet taken, byte for byte; ``b""`` if there is none.

        One a call: answering a ping waits for the socket, our own Close may be sent meanwhile,
        and a ping that the protocol library is shown after that breaks it. Once our Close was
        sent, pass ``drop_pings``: the library sends nothing after it. For the same reason
        nothing may be awaited between this call and the library's seeing the frame.
        """
        control = self._control
        while control:
            frame = control.popleft()
            if not (drop_pings and frame[0] & _OPCODE == PING):
                return frame
        return b""

    def _check_start(self, first: int, second: int) -> None:
        """Judge what can be judged by the first two bytes of a frame."""
        opcode = first & _OPCODE
        if first & _RESERVED_BITS:
            self._fail("reserved bit set, though no extension was agreed on")
        if opcode not in _OPCODES:
            self._fail(f"reserved opcode {opcode:#x}")
        if second & _MASKED:
            self._fail("masked frame from the server")
        if opcode >= CLOSE:
            if not first & _FIN:
                self._fail("fragmented control frame")
            if second > _SHORT_MAX:
                self._fail(f"control frame above {_SHORT_MAX} bytes")
        elif opcode == CONTINUATION:
            if not self._begun:
                self._fail("continuation of no message")
        elif self._begun:
            self._fail("new data message inside a fragmented one")

    def _long_size(self, length: bytes) -> int:
        """Judge and give a length of eight bytes."""
        size = int.from_bytes(length, "big")
        if size > _LENGTH_64_MAX:
            self._fail("length with its highest bit set")
        if size <= _LENGTH_16_MAX:
            self._fail("length not in its shortest form")
        return size

    def _take(self, first: int, payload: bytes, frame: bytes) -> bytes | None:
        """Take in a frame that is not a whole text message; give the message it completes."""
        opcode = first & _OPCODE
        if opcode >= CLOSE:
            self._control.append(frame)
            if opcode == CLOSE:
                self._end()
            return None
        begun = self._begun
        if opcode != CONTINUATION:
            if first & _FIN:
                return payload
            begun = opcode
        if begun == TEXT:
            self._check_fragment(payload, whole=bool(first & _FIN))
        # Only now: of a faulty fragment what came before it is kept apart.
        self._begun = begun
        self._held += payload
        if not first & _FIN:
            self._room = self._max_message_bytes - len(self._held)
            return None
        message = bytes(self._held)
        self._begun = CONTINUATION
        self._held.clear()
        self._room = self._max_message_bytes
        return message

    def _check_utf8(self, message: bytes) -> None:
        try:
            message.decode()
        except UnicodeDecodeError:
            self._fail("text message is not UTF-8", INVALID_UTF8)

    def _check_begun(self, begin: bytes) -> None:
        """Judge what is new of a text frame that is not whole yet: it may be long in coming.

        It is ``begin``, and then ``_pending``.
        """
        head = begin[:_HEAD_MAX] + self._pending[: max(0, _HEAD_MAX - len(begin))]
        opcode = head[0] & _OPCODE
        if len(head) < _HEAD_MIN or (self._begun if opcode == CONTINUATION else opcode) != TEXT:
            return
        if self._part is None:
            self._part = _UTF8()
            if opcode == CONTINUATION:
                self._part.setstate(self._decoder.getstate())
            self._judged = _HEAD_LENGTHS.get(head[1], _HEAD_MIN)
        ahead = self._judged - len(begin)
        new = begin[self._judged :] + self._pending if ahead < 0 else self._pending[ahead:]
        self._judged += len(new)
        try:
            self._part.decode(new)
        except UnicodeDecodeError:
            self._fail("text message is not UTF-8", INVALID_UTF8)

    def _check_fragment(self, payload: bytes, *, whole: bool) -> None:
        try:
            self._decoder.decode(payload, whole)
        except UnicodeDecodeError:
            self._fail("text message is not UTF-8", INVALID_UTF8)

    def _fail(self, reason: str, close_code: int = PROTOCOL_FAULT) -> NoReturn:
        """Die of a fault of the frame that starts at ``_offset``."""
        start = self._chunk[self._offset : self._offset + (EXCERPT_CHARACTERS + 1) // 3]
        self._fault = ProtocolError(reason, excerpt=start.hex(" "), close_code=close_code)
        frame = self._chunk[self._offset :] + self._pending
        self.broken = Broken(self._begun, bytes(self._held), frame[: _size_of(frame)])
        self._end()
        raise self._fault from None

    def _end(self) -> None:
        """Look at nothing that comes from here on."""
        self._ended = True
        self._chunk = b""
        self._offset = 0
        self._pending.clear()
        self._held.clear()


def head_size(frame: bytes) -> int:
    """Give how many bytes the head of a server's frame has."""
    return _HEAD_LENGTHS.get(frame[1] & ~_MASKED, _HEAD_MIN) if len(frame) > 1 else _HEAD_MIN


def _size_of(frame: bytes) -> int:
    """Give how many bytes a frame says that it has, its head too."""
    head = head_size(frame)
    size = frame[1] & ~_MASKED if len(frame) > 1 else 0
    return head + (size if head == _HEAD_MIN else int.from_bytes(frame[2:head], "big"))


def encode_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """Write a frame as a server does: unmasked, its length in the shortest form.

    Judges nothing: a fake peer must be able to break the rules.
    """
    size = len(payload)
    first = (_FIN if fin else 0) | opcode
    if size <= _SHORT_MAX:
        return bytes((first, size)) + payload
    if size <= _LENGTH_16_MAX:
        return bytes((first, _LENGTH_16)) + size.to_bytes(2, "big") + payload
    return bytes((first, _LENGTH_64)) + size.to_bytes(8, "big") + payload
