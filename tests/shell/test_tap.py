"""The tap by itself, without trio-websocket: what it delivers, passes on, and calls an end."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import (
    ConnectionFailed,
    ConnectionLost,
    ProtocolError,
    UpgradeRefused,
)
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.tap import IN_A_ROW, MAX_HEAD_BYTES, Pause, Tap
from kraken_trio._internal.shell.tcp import READ_BYTES
from kraken_trio._internal.wire.frames import CLOSE, PING, PONG, TEXT, encode_frame

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
PINGED, PONGED = encode_frame(PING, b"p"), encode_frame(PONG, b"q")
CLOSED = encode_frame(CLOSE, b"\x03\xe9bye")
FAULTY = b"\xff\xff"
OUR_CLOSE = b"\x88\x82mask\x00\x00"
START = Timestamp.of(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def text(payload: bytes) -> bytes:
    """Write a text message."""
    return encode_frame(TEXT, payload)


class Broken(trio.abc.Stream):
    """A stream that fails, in a way that is set."""

    def __init__(self, error: Exception) -> None:
        """Fail with ``error``."""
        self.error = error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:  # noqa: ARG002
        """Fail."""
        raise self.error

    async def wait_send_all_might_not_block(self) -> None:
        """Fail."""
        raise self.error

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Fail."""
        raise self.error

    async def aclose(self) -> None:
        """Nothing is open."""


class Rig:
    """A tap, its peer, what it delivered and when that was read."""

    def __init__(self, *, sends_block: bool = False) -> None:
        """Join the two in memory. Each look at the clock takes a second."""
        pair = trio.testing.lockstep_stream_pair if sends_block else trio.testing.memory_stream_pair
        self.stream: trio.abc.Stream
        self.peer: trio.abc.Stream
        self.stream, self.peer = pair()
        self.delivered: list[bytes] = []
        self.received_at: list[int] = []
        self.react: Callable[[bytes], Pause | None] = lambda _payload: None
        self.looks = itertools.count()
        self.tap = Tap(self.stream, self.sink, now=self.now)

    def now(self) -> Timestamp:
        """Give the wall clock's time."""
        return Timestamp(START + next(self.looks) * NANOSECONDS)

    def sink(self, payload: bytes, received_at: Timestamp) -> Pause | None:
        """Note a message, then do what the test wants."""
        self.delivered.append(payload)
        self.received_at.append((received_at - START) // NANOSECONDS)
        return self.react(payload)

    async def opened(self, rest: bytes = b"") -> Tap:
        """Answer the upgrade, and begin."""
        await self.peer.send_all(HEAD + rest)
        assert await self.tap.receive_some() == HEAD
        self.tap.open()
        return self.tap

    def ended(self) -> Exception:
        """Give the reason of the end, which must have come."""
        assert self.tap.ended.is_set()
        return self.tap.tell()


@pytest.mark.parametrize(
    "head", [HEAD, HEAD.replace(b"\r\n", b"\n"), HEAD.replace(b"\r\n\r\n", b"\n\r\n")]
)
async def test_the_answer_goes_through(head: bytes) -> None:
    """The head of a 101 is given byte for byte, and what follows it is not, however it is cut."""
    rest = text(b"first") + PINGED
    for cut in range(len(head) + len(rest)):
        rig = Rig()
        async with trio.open_nursery() as nursery:

            async def answer(rig: Rig = rig, cut: int = cut) -> None:
                await rig.peer.send_all((head + rest)[:cut])
                await trio.testing.wait_all_tasks_blocked()
                await rig.peer.send_all((head + rest)[cut:])

            nursery.start_soon(answer)
            assert await rig.tap.receive_some() == head
            rig.tap.open()
            assert await rig.tap.receive_some() == PINGED
        assert rig.delivered == [b"first"]


async def test_nothing_is_delivered_before_it_is_opened() -> None:
    """What shares a piece with the answer waits for ``open``, and keeps the time of its read."""
    rig = Rig()
    await rig.peer.send_all(HEAD + text(b"first"))
    await rig.tap.receive_some()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.tap.receive_some)
        await trio.testing.wait_all_tasks_blocked()
        assert rig.delivered == []
        rig.tap.open()
        assert rig.delivered == []
        await trio.testing.wait_all_tasks_blocked()
        assert (rig.delivered, rig.received_at) == ([b"first"], [0])
        nursery.cancel_scope.cancel()


async def test_informational_answers_are_passed_over() -> None:
    """Answers before the final one say nothing of it (RFC 9110 section 15.2)."""
    rig = Rig()
    await rig.peer.send_all(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )
    await rig.opened(text(b"first"))
    await rig.peer.send_all(PINGED)
    assert await rig.tap.receive_some() == PINGED
    assert rig.delivered == [b"first"]


def retry_at(delay: timedelta) -> str:
    """Write a date for Retry-After. The answer is read at the first look at the clock."""
    return format_datetime(START.datetime + delay, usegmt=True)


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("", None),
        ("Retry-After: 30\r\n", 30.0),
        ("retry-after:7  \r\nRetry-After: 8\r\n", 7.0),
        ("Retry-After: 0\r\n", 0.0),
        ("X-Retry-After: 30\r\n", None),
        (f"Retry-After: {retry_at(timedelta(minutes=2))}\r\n", 120.0),
        (f"Retry-After: {retry_at(timedelta(minutes=-2))}\r\n", 0.0),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: Fri, 02 Jan 2026 03:04:05 -0000\r\n", None),
        ("Retry-After: Fri, 02 Jan 99999999999999999999 0:0:0\r\n", None),
        ("Retry-After: 9999999999\r\n", None),
        ("Retry-After: -1\r\n", None),
        ("Retry-After:\r\n", None),
        (f"Retry-After: a{' ' * 60_000}b\r\n", None),
    ],
)
@pytest.mark.parametrize("status", [200, 301, 403, 429, 503])
async def test_refusals(status: int, header: str, seconds: float | None) -> None:
    """An answer that is no 101 is an error with its status, and its body is not waited for."""
    rig = Rig()
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 100000\r\n{header}\r\nerror code: 1015"
    await rig.peer.send_all(answer.encode())
    with pytest.raises(UpgradeRefused) as caught:
        await rig.tap.receive_some()
    assert (caught.value.status, caught.value.retry_after_s) == (status, seconds)


@pytest.mark.parametrize(
    "answer, text",
    [
        (b"", "hung up without an answer"),
        (b"HT", "hung up without an answer"),
        (HEAD[:-1], "hung up without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP: b'SSH-2.0"),
        (b"HTTQ", "does not speak HTTP: b'HTTQ"),
        (b"HTTP/1.1 OK\r\n\r\n", "does not speak HTTP: b'HTTP/1.1 OK"),
        (b"\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 101 " + b"x" * MAX_HEAD_BYTES, "exceeds 65536 bytes"),
    ],
)
async def test_no_answer(answer: bytes, text: str) -> None:
    """What is no answer ends the attempt; an end of the stream does too."""
    rig = Rig()
    await rig.peer.send_all(answer)
    await rig.peer.aclose()
    with pytest.raises(ConnectionFailed, match=text):
        await rig.tap.receive_some()


@given(st.binary(), st.lists(st.integers(0, 100)), st.sampled_from([b"", b"HTTP/1.1 ", HEAD]))
async def test_any_answer(garbage: bytes, cuts: list[int], start: bytes) -> None:
    """Whatever a host sends, the answer is a head or a failure to connect."""
    rig = Rig()
    answer = start + garbage
    for begin, end in itertools.pairwise(sorted({0, *cuts, len(answer)})):
        await rig.peer.send_all(answer[begin:end])
    await rig.peer.aclose()
    try:
        assert answer.startswith(await rig.tap.receive_some())
    except ConnectionFailed:
        assert start != HEAD


async def test_broken_before_the_answer() -> None:
    """A stream that breaks before the upgrade is a failure to connect, whoever notices it."""
    for error in (trio.BrokenResourceError("reset"), trio.ClosedResourceError()):
        tap = Tap(Broken(error), Rig().sink, now=Rig().now)
        with pytest.raises(ConnectionFailed, match="broke before the upgrade") as caught:
            await tap.send_all(b"GET / HTTP/1.1\r\n\r\n")
        assert caught.value.__cause__ is error
        with pytest.raises(ConnectionFailed, match="broke before the upgrade") as caught:
            await tap.receive_some()
        assert caught.value.__cause__ is error


async def test_closing_the_stream() -> None:
    """That is left to the stream."""
    rig = Rig()
    tap = await rig.opened()
    await tap.aclose()
    assert await rig.peer.receive_some() == b""


async def test_stamps(mock_clock: trio.testing.MockClock) -> None:
    """The clock is looked at once for each read; ``last_read_at`` is by any byte at all."""
    rig = Rig()
    tap = await rig.opened()
    assert tap.last_read_at == 0.0
    await rig.peer.send_all(text(b"a") + text(b"b") + PONGED)
    mock_clock.jump(1.0)
    assert await tap.receive_some() == PONGED
    assert tap.last_read_at == 1.0
    await rig.peer.send_all(PONGED[:1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tap.receive_some)
        mock_clock.jump(1.0)
        await trio.testing.wait_all_tasks_blocked()
        assert tap.last_read_at == 2.0
        await rig.peer.send_all(PONGED[1:] + text(b"c") + PONGED)
    await tap.receive_some()
    assert (rig.delivered, rig.received_at) == ([b"a", b"b", b"c"], [1, 1, 3])


async def test_a_read_is_large() -> None:
    """Whatever is asked for, a read takes what there may be."""
    asked: list[int | None] = []

    class Asked(Broken):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            asked.append(max_bytes)
            return HEAD if len(asked) == 1 else b""

    tap = Tap(Asked(Exception()), Rig().sink, now=Rig().now)
    tap.open()
    assert [await tap.receive_some(1), await tap.receive_some(1)] == [HEAD, b""]
    assert asked == [READ_BYTES] * 2


async def test_control_frames_come_singly_and_in_order() -> None:
    """One control frame a call, when every message before it was delivered; each a checkpoint."""
    rig = Rig()
    tap = await rig.opened()
    await rig.peer.send_all(text(b"a") + PINGED + text(b"b") + PONGED + text(b"c") + CLOSED)
    for frame in (PINGED, PONGED, CLOSED):
        with trio.testing.assert_checkpoints():
            assert await tap.receive_some(1) == frame
        assert rig.delivered == [b"a", b"b", b"c"]


STREAM = HEAD + text(b"a") + PINGED + text(b"b" * 300) + PONGED + text(b"c") + CLOSED


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
async def test_any_cut(cuts: list[int]) -> None:
    """However the stream is cut, the same is delivered and passed on."""
    rig = Rig()
    rig.tap.open()

    async def send() -> None:
        for begin, end in itertools.pairwise(sorted({0, *cuts, len(STREAM)})):
            await rig.peer.send_all(STREAM[begin:end])
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        got = [await rig.tap.receive_some() for _ in range(4)]
    assert got == [HEAD, PINGED, PONGED, CLOSED]
    assert rig.delivered == [b"a", b"b" * 300, b"c"]


@pytest.mark.parametrize(
    "payload, code, reason",
    [
        (b"", 1005, ""),
        (b"\x03\xe8", 1000, ""),
        (b"\x03\xe9bye", 1001, "bye"),
        (b"\x03\xf6", 1014, ""),
        (b"\x0f\xa0" + "ü".encode(), 4000, "ü"),
    ],
)
async def test_close(payload: bytes, code: int, reason: str) -> None:
    """The peer's Close is passed on, for the reply; it is the end, and what follows is nothing."""
    rig = Rig()
    frame = encode_frame(CLOSE, payload)
    tap = await rig.opened(text(b"a") + frame + text(b"b") + FAULTY)
    assert await tap.receive_some() == frame
    assert tap.peer_closed
    lost = rig.ended()
    assert isinstance(lost, ConnectionLost)
    assert (lost.code, lost.reason) == (code, reason)
    await tap.send_all(b"\x81\x80mask")
    assert not tap.said_goodbye.is_set()
    await tap.send_all(OUR_CLOSE)
    assert tap.said_goodbye.is_set()
    await rig.peer.send_all(text(b"c"))
    await rig.peer.aclose()
    assert await tap.receive_some() == b""
    assert rig.delivered == [b"a"]
    assert tap.tell() is lost


async def test_no_reply_to_a_close() -> None:
    """Who comes back for more after a Close has replied, or never will."""
    rig = Rig()
    tap = await rig.opened(CLOSED)
    await tap.receive_some()
    await rig.peer.aclose()
    assert await tap.receive_some() == b""
    assert tap.said_goodbye.is_set()


async def failed(rig: Rig) -> tuple[Exception, int, bytes]:
    """Read until something fails, then close as the owner does.

    Give the reason, the code to close with, and what the reader gets in the end.
    """
    got: list[bytes] = []

    async def read() -> None:
        got.append(await rig.tap.receive_some())

    with trio.CancelScope(shield=True) as bound:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await rig.tap.ended.wait()
            reason = rig.tap.tell()
            code = rig.tap.hang_up(bound)
            await trio.testing.wait_all_tasks_blocked()
            assert got == []
            assert bound.shield
            await rig.tap.send_all(OUR_CLOSE)
            assert not bound.shield
    assert rig.tap.tell() is reason
    return reason, code, got[0]


@pytest.mark.parametrize(
    "frame, code, reason",
    [
        (b"\xc1\x00", 1002, "reserved bit"),
        (b"\x83\x00", 1002, "reserved opcode"),
        (b"\x81\x80mask", 1002, "masked frame"),
        (b"\x80\x00", 1002, "continuation of no message"),
        (b"\x01\x00\x81\x00", 1002, "inside a fragmented one"),
        (b"\x09\x00", 1002, "fragmented control frame"),
        (b"\x89\x7e\x00\x7e", 1002, "above 125 bytes"),
        (b"\x81\x7e\x00\x01x", 1002, "shortest form"),
        (b"\x81\x01\xff", 1007, "not UTF-8"),
        (b"\x01\x01\xc3\x80\x01x", 1007, "not UTF-8"),
        (b"\x81\x7f\x00\x00\x00\x00\x01\x00\x00\x01", 1009, "above 16777216 bytes"),
        (b"\x88\x01\x03", 1002, "without a valid code"),
        (b"\x88\x02\x03\xee", 1002, "without a valid code"),
        (b"\x88\x02\x03\xe7", 1002, "without a valid code"),
        (b"\x88\x02\x0b\xb7", 1002, "without a valid code"),
        (b"\x88\x02\x13\x88", 1002, "without a valid code"),
        (b"\x88\x03\x03\xe8\xff", 1007, "close frame is not UTF-8"),
        (b"\x88\x7d\x03\xe7" + b"x" * 123, 1002, "without a valid code"),
    ],
)
async def test_faults(frame: bytes, code: int, reason: str) -> None:
    """Each fault has its code; the reader stands still until a Close with it was sent."""
    rig = Rig()
    await rig.opened(text(b"a") + frame + text(b"b"))
    fault, *rest = await failed(rig)
    assert isinstance(fault, ProtocolError)
    assert reason in fault.reason
    assert len(fault.excerpt) < 120
    assert rest == [code, b""]
    assert rig.delivered == [b"a"]


async def test_controls_before_a_fault_are_not_passed_on() -> None:
    """After a fault nothing is answered, whatever stood before it."""
    rig = Rig()
    await rig.opened(PINGED + FAULTY)
    assert (await failed(rig))[1:] == (1002, b"")


@pytest.mark.parametrize("waits", [False, True])
async def test_a_sink_that_raises(*, waits: bool) -> None:
    """What the sink raises, or what it waits for, is the reason, and stored before all else."""
    rig = Rig()
    error = ZeroDivisionError()

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise error

    def react(payload: bytes) -> Pause | None:
        if payload != b"b":
            return None
        if waits:
            return fail
        raise error

    rig.react = react
    await rig.opened(text(b"a") + text(b"b") + text(b"c") + PINGED)
    assert await failed(rig) == (error, 1011, b"")
    assert rig.delivered == [b"a", b"b"]


async def test_a_protocol_error_of_the_sink_is_the_sinks() -> None:
    """Only the framing's faults close with their own code."""
    rig = Rig()
    error = ProtocolError("no JSON", close_code=1007)

    def react(_payload: bytes) -> None:
        raise error

    rig.react = react
    await rig.opened(text(b"a"))
    assert await failed(rig) == (error, 1011, b"")


async def test_a_failure_that_nobody_was_told_of() -> None:
    """It stands there until somebody is told; other ends need not be told."""
    rig = Rig()
    tap = await rig.opened(FAULTY)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tap.receive_some)
        await tap.ended.wait()
        untold = tap.untold
        assert untold is tap.tell()
        assert tap.untold is None
        nursery.cancel_scope.cancel()
    rig = Rig()
    tap = await rig.opened(CLOSED)
    await tap.receive_some()
    assert (tap.ended.is_set(), tap.untold) == (True, None)


async def test_pauses() -> None:
    """What the sink asks for is awaited once, before the next message, and only then."""
    rig = Rig()
    events: list[bytes | str] = []

    async def pause() -> None:
        events.append("before")
        await trio.lowlevel.checkpoint()
        events.append("after")

    def react(payload: bytes) -> Pause | None:
        events.append(payload)
        return pause if payload == b"b" else None

    rig.react = react
    tap = await rig.opened(b"".join(map(text, [b"a", b"b", b"c"])) + PINGED)
    assert await tap.receive_some() == PINGED
    assert events == [b"a", b"b", "before", "after", b"c"]


async def test_many_messages_do_not_keep_others_from_running() -> None:
    """However many a read brings, and though nobody asks for a pause."""
    rig = Rig()
    tap = await rig.opened(text(b"a") * (3 * IN_A_ROW + 1) + PINGED)
    counts = [0]

    async def other() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            counts.append(len(rig.delivered))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        assert await tap.receive_some() == PINGED
        nursery.cancel_scope.cancel()
    # Tasks that are ready run in any order, so it may miss one turn.
    assert max(later - before for before, later in itertools.pairwise(counts)) <= 2 * IN_A_ROW
    assert len(rig.delivered) == 3 * IN_A_ROW + 1


async def test_cancelled_in_a_pause() -> None:
    """What was not delivered then, the next call delivers; nothing is lost or comes twice."""
    rig = Rig()
    rig.react = lambda payload: trio.sleep_forever if payload == b"a" else None
    tap = await rig.opened(b"".join(map(text, [b"a", b"b"])) + PINGED + text(b"c"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tap.receive_some)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert rig.delivered == [b"a"]
    assert not tap.ended.is_set()
    assert await tap.receive_some() == PINGED
    assert rig.delivered == [b"a", b"b", b"c"]


async def test_hang_up() -> None:
    """Once we close, nothing is delivered, pings are dropped, and faults are of no interest."""
    rig = Rig()
    tap = await rig.opened(text(b"a") + PONGED)
    assert await tap.receive_some() == PONGED
    assert tap.hang_up(trio.CancelScope()) == 1000
    assert isinstance(rig.ended(), trio.ClosedResourceError)
    await rig.peer.send_all(text(b"b") + PINGED + PONGED + PINGED + CLOSED)
    assert [await tap.receive_some() for _ in range(2)] == [PONGED, CLOSED]
    assert isinstance(rig.ended(), trio.ClosedResourceError)
    assert rig.delivered == [b"a"]


async def test_a_fault_while_we_close() -> None:
    """A fault then only means that no Close will come from the peer."""
    rig = Rig()
    tap = await rig.opened()
    tap.hang_up(trio.CancelScope())
    await tap.send_all(OUR_CLOSE)
    await rig.peer.send_all(FAULTY)
    assert await tap.receive_some() == b""
    assert isinstance(rig.ended(), trio.ClosedResourceError)


async def test_end_of_the_stream() -> None:
    """A stream that ends without a Close is a lost connection; every message counts till then."""
    rig = Rig()
    tap = await rig.opened(text(b"a") + text(b"b")[:-1])
    await rig.peer.aclose()
    assert await tap.receive_some() == b""
    lost = rig.ended()
    assert isinstance(lost, ConnectionLost)
    assert (lost.code, lost.reason) == (None, "the host hung up")
    assert rig.delivered == [b"a"]
    assert tap.said_goodbye.is_set()


def chained(error: Exception, cause: Exception) -> Exception:
    """Give an error as ``raise from`` would leave it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error, detail",
    [
        (trio.BrokenResourceError(), ""),
        (trio.ClosedResourceError("gone"), ": gone"),
        (chained(trio.BrokenResourceError(), ssl.SSLError(1, "bad MAC")), r": .*bad MAC.*"),
    ],
)
async def test_a_stream_that_breaks(error: Exception, detail: str) -> None:
    """A stream that breaks is a lost connection, with the cause, whichever way it was used."""
    rig = Rig()
    tap = await rig.opened(PINGED)
    await tap.receive_some()
    tap._stream = Broken(error)
    assert await tap.receive_some() == b""
    lost = rig.ended()
    with pytest.raises(ConnectionLost, match=rf"\(no close code\): receiving failed{detail}$"):
        raise lost
    assert lost.__cause__ is error

    rig = Rig()
    tap = await rig.opened()
    tap._stream = Broken(error)
    with pytest.raises(type(error)):
        await tap.send_all(b"x")
    lost = rig.ended()
    with pytest.raises(ConnectionLost, match=rf"\(no close code\): sending failed{detail}$"):
        raise lost
    assert lost.__cause__ is error
    assert tap.said_goodbye.is_set()


async def test_a_cancelled_send_is_the_last() -> None:
    """After a send that may have stopped half way nothing is sent, and the connection is lost."""
    rig = Rig(sends_block=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.peer.send_all, HEAD)
        await rig.tap.receive_some()
    with trio.CancelScope(shield=True) as bound:
        rig.tap.hang_up(bound)
        with trio.move_on_after(0):
            await rig.tap.send_all(b"half")
        assert not bound.shield
    with pytest.raises(trio.BrokenResourceError, match="cut short"):
        await rig.tap.send_all(OUR_CLOSE)


async def test_the_loss_by_a_cancelled_send() -> None:
    """Whoever waits for the end is told of it."""
    rig = Rig(sends_block=True)
    with trio.move_on_after(0):
        await rig.tap.send_all(b"half")
    lost = rig.ended()
    assert isinstance(lost, ConnectionLost)
    assert lost.reason == "a send was cut short"


async def test_waiting_to_send() -> None:
    """That is left to the stream."""
    await Rig().tap.wait_send_all_might_not_block()
    with pytest.raises(trio.ClosedResourceError):
        await Tap(
            Broken(trio.ClosedResourceError()), Rig().sink, now=Rig().now
        ).wait_send_all_might_not_block()
