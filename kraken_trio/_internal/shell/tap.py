"""The tap: what a server sends, split here and delivered at once, underneath trio-websocket.

Knows where the answer to the upgrade ends, which frames trio-websocket may see and when, and why
a connection ended. Knows nothing of what a message says, and never imports trio-websocket.

trio-websocket's own reader task runs all of it, by calling ``receive_some`` as it would on the
socket. Messages never get further than here; of what comes, that library sees the answer to the
upgrade and the control frames, and it does what it is good at: the handshake, pongs, the reply to
a Close. Three things of it shape this module. It waits for ever for an upgrade that fails in any
way but by an exception out of its reader, so here every such way raises. An exception out of its
reader reaches others too late, as a close without a reason, so here what went wrong is stored
first. And it breaks on a ping that comes when it has sent its Close, so here those are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Literal

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.model.errors import (
    ConnectionFailed,
    ConnectionLost,
    ProtocolError,
    UpgradeRefused,
)
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.tcp import READ_BYTES
from kraken_trio._internal.wire.ends import CLOSE_FRAME, lost_by
from kraken_trio._internal.wire.frames import PROTOCOL_FAULT, Broken, FrameSplitter

Pause = Callable[[], Awaitable[object]]
"""What is awaited before the next message: ``trio.lowlevel.checkpoint`` lets consumers run once;
something else may wait until there is room."""

Sink = Callable[[bytes, Timestamp], Pause | None]
"""Takes one message's payload and when it was read, synchronously; gives None to go on.

The answer is how the reader yields: to be asked for each message costs nothing this way."""

NORMAL, INTERNAL_ERROR = 1000, 1011
"""Close codes (RFC 6455 section 7.4.1; 1011 is for clients too, says erratum 3227)."""

IN_A_ROW = 64
"""Messages that are delivered without letting other tasks run: a read may bring hundreds, and a
consumer for whom they are merged asks for no pause."""
MAX_HEAD_BYTES = 64 * 1024
"""Above what any HTTP server sends as the head of an answer."""

_SWITCHING = 101
_FINAL = 200  # Below are the informational answers (RFC 9110 section 15.2).
_HEAD_END = re.compile(rb"\n\r?\n")  # As h11 reads it, which reads the head after us.
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})\b")
_HTTP = b"HTTP/"
_RETRY_AFTER = re.compile(rb"^retry-after:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_LONGEST_RETRY_AFTER = 40  # A date takes 29.
_LONGEST_DELAY_DIGITS = 9  # Decades.


class Tap(trio.abc.Stream):
    """The stream that trio-websocket is given instead of the socket's.

    *Order.* Nothing is delivered before ``open``; then message after message, in the order of
    the wire, each in one synchronous call of the sink, those too that came in one piece with
    the answer to the upgrade. A control frame is passed on when every message before it was
    delivered. After the peer's Close, after a failure and from ``hang_up`` on nothing is.

    *Yielding.* Between two messages the reader awaits whatever the sink asked for, and lets others
    run after ``IN_A_ROW`` if it asked for nothing. Cancelled
    there, it loses nothing: what was not delivered would be by the next ``receive_some``. But
    trio-websocket's reader does not come back from a cancellation, which is the end of the
    connection; then the rest is not delivered at all.

    *The end.* ``ended`` is set when the connection is no longer of use, and ``tell`` says why:
    what happened first counts. A fault of the framing and an error of the sink are *failures*:
    the reader then stands still until a Close has been sent, so that trio-websocket can still
    send it. It does not raise them: in a reader that is cancelled as well, they would be lost. So
    would be a ``KeyboardInterrupt``, which trio therefore raises elsewhere.
    """

    __slots__ = (
        "_answered",
        "_close_code",
        "_closing",
        "_messages",
        "_now",
        "_opened",
        "_reason",
        "_received_at",
        "_sink",
        "_splitter",
        "_stream",
        "_torn",
        "broken",
        "ended",
        "last_read_at",
        "peer_closed",
        "said_goodbye",
        "untold",
    )

    def __init__(
        self, stream: trio.abc.Stream, sink: Sink, *, now: Callable[[], Timestamp]
    ) -> None:
        """Wrap ``stream``, on which nothing was sent yet. ``now`` is the wall clock."""
        self.last_read_at = trio.current_time()
        """When bytes last came, whatever they were: seconds of trio's clock."""
        self.ended = trio.Event()
        """Set when nothing more will be delivered."""
        self.said_goodbye = trio.Event()
        """Set when a Close was sent, ours or the reply, or it is certain that none will be."""
        self.peer_closed = False
        """Whether a Close of the peer came, so that trio-websocket replies to it."""
        self.broken: Broken | None = None
        """What the peer broke the framing with, if it did."""
        self.untold: Exception | None = None
        """A failure that ``tell`` has not given to anybody."""
        self._stream = stream
        self._sink = sink
        self._now = now
        self._received_at = Timestamp(0)
        self._splitter = FrameSplitter()
        # What was split and not delivered yet.
        self._messages: Iterator[bytes] = iter(())
        self._answered = False  # The head of a 101 was passed on.
        self._opened = trio.Event()
        self._torn = False  # A send was cut short: who knows where in a frame.
        self._closing: trio.CancelScope | None = None
        self._close_code = NORMAL
        self._reason: Exception = trio.ClosedResourceError("the connection was closed here")

    def open(self) -> None:
        """Begin to deliver. Until then nothing is, so that whoever opens comes first."""
        self._opened.set()

    def hang_up(self, bound: trio.CancelScope) -> int:
        """We are about to close: deliver nothing more, drop pings; give the code to close with.

        To be called before trio-websocket is asked to close: from that very call on a ping
        would break it, and the Close may wait long for its turn to be sent. When it is sent,
        ``bound`` loses its shield.
        """
        self._closing = bound
        self._end(self._reason)
        return self._close_code

    def tell(self) -> Exception:
        """Why it ended: ``ConnectionLost``, the ``ProtocolError``, what the sink raised, or
        ``trio.ClosedResourceError`` after ``hang_up``. The caller sees to it from here on.
        """
        self.untold = None
        return self._reason

    @enable_ki_protection
    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - see below
        """Deliver messages until there is something for trio-websocket: one control frame, whole.

        Empty at the end of the stream. Before all that, once: the head of the answer to the
        upgrade, or ``UpgradeRefused`` or ``ConnectionFailed``. ``max_bytes`` is not heeded; what
        is given is small, and what is read is better read at once.
        """
        if not self._answered:
            return await self._receive_answer()
        if self.peer_closed:
            self._say_goodbye()  # It came back, so it has replied, or will not.
        # Waits once at the beginning; later it is the checkpoint that every call must have, for
        # one read may hold thousands of pongs.
        await self._opened.wait()
        while await self._deliver():
            # From here to the return nothing may be awaited: see take_control.
            frame = self._splitter.take_control(drop_pings=self._closing is not None)
            if frame:
                if frame[0] == CLOSE_FRAME and not self._note_close(frame):
                    break
                return frame
            if not await self._read():
                return b""
        return await self._stand_still()

    @enable_ki_protection
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, for trio-websocket. A send that is cancelled is the last: it may have stopped
        half way, and what followed would be read as the rest of it.
        """
        if self._torn:
            raise trio.BrokenResourceError("an earlier send was cut short")
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._torn = True
            if not self._answered:
                raise ConnectionFailed("the connection broke before the upgrade") from error
            self._lose("sending failed", error)
            raise
        except BaseException:
            self._torn = True
            self._lose("a send was cut short")
            raise
        if data[0] == CLOSE_FRAME:
            self._say_goodbye()

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream below."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    async def _receive_answer(self) -> bytes:
        """Read up to the end of the final answer's head; keep what follows for the splitter."""
        head = bytearray()
        seen = 0
        while True:
            end = _HEAD_END.search(head, seen)
            if end is not None:
                answer = bytes(head[: end.end()])
                del head[: end.end()]
                status = _status_of(answer)
                if status == _SWITCHING:
                    self._answered = True
                    self._splitter.feed(head)
                    return answer
                if status >= _FINAL:
                    # The body is not waited for: it may never end, and nobody reads it.
                    raise UpgradeRefused(status, self._retry_after_s(answer))
                seen = 0
                continue
            if head[: len(_HTTP)] != _HTTP[: len(head)]:
                raise ConnectionFailed(f"the host does not speak HTTP: {bytes(head[:40])!r}")
            if len(head) > MAX_HEAD_BYTES:
                raise ConnectionFailed(f"the head of the answer exceeds {MAX_HEAD_BYTES} bytes")
            seen = max(0, len(head) - 2)
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ConnectionFailed("the connection broke before the upgrade") from error
            if not data:
                raise ConnectionFailed("the host hung up without an answer to the upgrade")
            self._stamp()
            head += data

    def _retry_after_s(self, answer: bytes) -> float | None:
        """How long the host asks to wait (RFC 9110 section 10.2.3), or None."""
        found = _RETRY_AFTER.search(answer)
        # Stripped here: a pattern that does it takes minutes over 64 KiB of blanks.
        value = found[1].strip() if found is not None else b""
        if value.isdigit():
            return float(value) if len(value) <= _LONGEST_DELAY_DIGITS else None
        if len(value) > _LONGEST_RETRY_AFTER:
            return None
        try:
            moment = Timestamp.of(parsedate_to_datetime(value.decode("latin-1")))
        except (ValueError, OverflowError):
            return None
        return max(0.0, (moment - self._received_at) / NANOSECONDS)

    async def _deliver(self) -> bool:
        """Deliver every whole message that was read; False when something failed."""
        left = IN_A_ROW
        while True:
            try:
                for payload in self._messages:
                    pause = self._sink(payload, self._received_at)
                    left -= 1
                    if pause is None and not left:
                        pause = trio.lowlevel.checkpoint
                    if pause is not None:
                        left = IN_A_ROW
                        await pause()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told as itself
                return self._fail(error, INTERNAL_ERROR)
            try:
                messages = self._splitter.next_messages()
            except ProtocolError as fault:
                self.broken = self._splitter.broken
                return self._fail(fault, fault.close_code)
            if not messages:
                return True
            self._messages = iter(messages)

    def _note_close(self, frame: bytes) -> bool:
        """Take in a Close of the peer before trio-websocket does; False where it is malformed."""
        try:
            lost = lost_by(frame[2:])
        except ProtocolError as fault:
            self.broken = Broken(0, b"", frame)
            return self._fail(fault, fault.close_code)
        self.peer_closed = True
        self._end(lost)
        return True

    async def _read(self) -> bool:
        """Read once; False where nothing will come any more."""
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._lose("receiving failed", error)
            return False
        if not data:
            self._lose("the host hung up")
            return False
        self._stamp()
        self._splitter.feed(data)
        return True

    def _stamp(self) -> None:
        self.last_read_at = trio.current_time()
        self._received_at = self._now()

    def _fail(self, failure: Exception, close_code: int | None) -> Literal[False]:
        """Store what went wrong and the code that names it, before anybody else can see it."""
        if not self.ended.is_set():
            self._close_code = close_code or PROTOCOL_FAULT
            self.untold = failure
            self._end(failure)
        return False

    async def _stand_still(self) -> bytes:
        """Wait until trio-websocket has sent a Close, then let its reader see the end."""
        await self.said_goodbye.wait()
        return b""

    def _lose(self, reason: str, error: Exception | None = None) -> None:
        """The connection is gone, without a Close from the peer."""
        # What TLS or the socket said stands in the cause of trio's error, if anywhere.
        detail = str(error.__cause__ or error) if error is not None else ""
        lost = ConnectionLost(None, f"{reason}: {detail}" if detail else reason)
        lost.__cause__ = error
        self._end(lost)
        self._say_goodbye()

    def _end(self, reason: Exception) -> None:
        """Deliver nothing from here on. What came first is the reason."""
        self._sink = _discard
        if not self.ended.is_set():
            self._reason = reason
            self.ended.set()

    def _say_goodbye(self) -> None:
        self.said_goodbye.set()
        if self._closing is not None:
            self._closing.shield = False


def _discard(_payload: bytes, _received_at: Timestamp) -> None:
    """Take a message of a connection that has ended."""


def _status_of(answer: bytes) -> int:
    found = _STATUS.match(answer)
    if found is None:
        raise ConnectionFailed(f"the host does not speak HTTP: {answer[:40]!r}")
    return int(found[1])
