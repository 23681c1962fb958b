"""Connections to peers that behave in every way there is, in memory and over loopback."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import itertools
import math
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
import trustme
from trio.testing import MockClock
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from kraken_trio._internal.model.errors import (
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    KrakenError,
    ProtocolError,
    UpgradeRefused,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.connection import (
    CLOSE_TIMEOUT_S,
    Connection,
    _plain,
    open_connection,
)
from kraken_trio._internal.shell.dial import TcpDial
from kraken_trio._internal.shell.tap import Pause
from kraken_trio._internal.wire.frames import CLOSE, PING, PONG, TEXT, encode_frame

if TYPE_CHECKING:
    from tests.conftest import Sockets

URL = "wss://feed.example/v2"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
AT = Timestamp(1_767_000_000_000_000_000)
CLOSED = encode_frame(CLOSE, b"\x03\xe8")
FAULTY = b"\xff\xff"


def text(payload: bytes) -> bytes:
    """Write a text message."""
    return encode_frame(TEXT, payload)


class Watched(trio.abc.Stream):
    """Our end of a connection in memory. Tells whether it was closed, and blocks when told to."""

    def __init__(self, stream: trio.StapledStream[Any, Any]) -> None:
        """Watch ``stream``."""
        self.stream = stream
        self.closed = False
        self.writable = trio.Event()
        self.writable.set()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, when there is room."""
        await trio.lowlevel.checkpoint()
        await self.writable.wait()
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Nobody asks."""
        raise NotImplementedError

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive."""
        received = await self.stream.receive_some(max_bytes)
        assert isinstance(received, bytes | bytearray)
        return received

    async def aclose(self) -> None:
        """Close."""
        self.closed = True
        await self.stream.aclose()


class Peer:
    """The other end: a server, one call at a time. Nothing of it comes by itself."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Nothing was sent."""
        self.stream = stream
        self.request = b""
        self._received = bytearray()

    async def _more(self) -> bool:
        data = await self.stream.receive_some()
        self._received += data
        return bool(data)

    async def read_request(self) -> bool:
        """Read the request for an upgrade; False if there was none."""
        while b"\r\n\r\n" not in self._received:
            if not await self._more():
                return False
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self.request, self._received = head + b"\r\n", bytearray(rest)
        return True

    def answer(self, *headers: bytes, accept: bytes | None = None) -> bytes:
        """Write an answer that accepts it."""
        key = re.search(rb"(?i)\r\nsec-websocket-key: *([^\r]+)", self.request)
        assert key is not None
        right = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())  # noqa: S324 - the RFC's
        lines = (
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + (accept or right),
            *headers,
        )
        return b"\r\n".join(lines) + b"\r\n\r\n"

    async def upgrade(self, rest: bytes = b"") -> None:
        """Accept; ``rest`` is sent in the same piece."""
        await self.read_request()
        await self.send(self.answer() + rest)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, if anybody is still there."""
        try:
            await self.stream.send_all(data)
        except trio.BrokenResourceError:
            await trio.lowlevel.checkpoint()

    async def frame(self) -> tuple[int, bytes] | None:
        """Receive one frame: the opcode and the payload, unmasked. None at the end."""
        while True:
            size = self._received[1] & 0x7F if len(self._received) > 1 else math.inf
            if len(self._received) >= size + 6:
                break
            if not await self._more():
                assert not self._received, "a frame was cut short"
                return None
        assert self._received[1] & 0x80, "a client's frame is masked"
        opcode, mask = self._received[0] & 0x0F, self._received[2:6]
        end = int(size) + 6
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._received[6:end]))
        del self._received[:end]
        return opcode, payload

    async def frames(self) -> list[tuple[int, bytes]]:
        """Receive frames until the end."""
        found = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
        return found

    async def reply_to_close(self) -> tuple[int, bytes]:
        """Receive until a Close comes, and answer it."""
        while True:
            frame = await self.frame()
            assert frame is not None
            if frame[0] == CLOSE:
                await self.send(encode_frame(*frame))
                return frame


class World:
    """Peers in memory, and what was delivered from them."""

    def __init__(self, nursery: trio.Nursery) -> None:
        """Run the peers in ``nursery``."""
        self.nursery = nursery
        self.ours: list[Watched] = []
        self.peers: list[Peer] = []
        self.dialled: list[tuple[str, int, bool]] = []
        self.delivered: list[bytes] = []
        self.react: Callable[[bytes], Pause | None] = lambda _payload: None
        self.serve: Callable[[Peer], Awaitable[object]] = Peer.upgrade

    async def dial(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Make a connection to a new peer, which serves it."""
        await trio.lowlevel.checkpoint()
        self.dialled.append((host, port, tls))
        near, far = trio.testing.memory_stream_pair()
        self.ours.append(Watched(near))
        self.peers.append(Peer(far))
        self.nursery.start_soon(self._run, self.peers[-1])
        return self.ours[-1]

    async def _run(self, peer: Peer) -> None:
        await self.serve(peer)

    def sink(self, payload: bytes, received_at: Timestamp) -> Pause | None:
        """Note a message, then do what the test wants."""
        assert received_at == AT
        self.delivered.append(payload)
        return self.react(payload)

    @asynccontextmanager
    async def connected(self, url: str = URL, **options: Any) -> AsyncIterator[Connection]:
        """Open a connection."""
        async with open_connection(
            url, dial=self.dial, sink=self.sink, now=lambda: AT, **options
        ) as connection:
            yield connection

    @property
    def peer(self) -> Peer:
        """The only one so far."""
        (peer,) = self.peers
        return peer

    @property
    def all_closed(self) -> bool:
        """Whether a connection was made, and none is open on our side."""
        return bool(self.ours) and all(stream.closed for stream in self.ours)


@pytest.fixture
async def world(nursery: trio.Nursery) -> World:
    """Give peers in memory. Take ``autojump_clock`` too: then time passes only when all wait."""
    return World(nursery)


@pytest.mark.parametrize(
    "url, dialled, host, path",
    [
        ("wss://feed.example/v2", ("feed.example", 443, True), b"feed.example", b"/v2"),
        ("WSS://Feed.Example", ("feed.example", 443, True), b"feed.example", b"/"),
        ("wss://a.b:8443/x/y", ("a.b", 8443, True), b"a.b:8443", b"/x/y"),
        ("ws://localhost/v2", ("localhost", 80, False), b"localhost", b"/v2"),
        ("ws://127.0.0.1:443/", ("127.0.0.1", 443, False), b"127.0.0.1:443", b"/"),
        ("ws://[::1]:8080/v2", ("::1", 8080, False), b"[::1]:8080", b"/v2"),
        ("wss://[2001:db8::1]/", ("2001:db8::1", 443, True), b"[2001:db8::1]", b"/"),
    ],
)
async def test_what_is_asked(
    world: World,
    autojump_clock: MockClock,
    *,
    url: str,
    dialled: tuple[str, int, bool],
    host: bytes,
    path: bytes,
) -> None:
    """Host, port, path and the usual ports are those of the URL; we say who we are."""
    async with world.connected(url):
        assert world.dialled == [dialled]
        request = world.peer.request
        assert request.startswith(b"GET %s HTTP/1.1\r\n" % path)
        assert b"\r\nhost: %s\r\n" % host in request.lower()
        assert b"\r\nuser-agent: kraken-trio\r\n" in request.lower()
        assert b"sec-websocket-extensions" not in request.lower()
        world.nursery.start_soon(world.peer.reply_to_close)


@pytest.mark.parametrize("url", ["https://feed.example", "ws://feed.example", "wss://u:p@h/"])
async def test_what_is_not_asked(world: World, autojump_clock: MockClock, url: str) -> None:
    """A URL that the configuration would refuse is refused here too, before anything is dialled."""
    with pytest.raises(ConfigurationError):
        async with world.connected(url):
            raise AssertionError
    assert world.dialled == []
    if url == "ws://feed.example":
        async with world.connected(url, allow_insecure=True):
            assert world.dialled == [("feed.example", 80, False)]
            world.nursery.start_soon(world.peer.reply_to_close)


async def test_use(world: World, autojump_clock: MockClock) -> None:
    """Messages are delivered, requests sent, pings answered; the close is mutual."""

    async def serve(peer: Peer) -> None:
        await peer.upgrade(text(b"status"))
        await peer.send(text(b"a") + encode_frame(PING, b"p") + text("ü".encode()))
        assert await peer.frame() == (PONG, b"p")
        assert await peer.frame() == (TEXT, '{"method":"ü"}'.encode())
        await peer.send(text(b"answer"))
        assert await peer.reply_to_close() == (CLOSE, b"\x03\xe8")
        assert await peer.frame() is None
        served.set()

    served = trio.Event()
    world.serve = serve
    async with world.connected() as connection:
        assert world.delivered == []
        await trio.testing.wait_all_tasks_blocked()
        assert world.delivered == [b"status", b"a", "ü".encode()]
        await connection.send('{"method":"ü"}'.encode())
        await trio.testing.wait_all_tasks_blocked()
    assert world.delivered[3:] == [b"answer"]
    assert world.all_closed
    await served.wait()
    assert trio.current_time() == 0.0


async def test_nothing_comes_before_the_block_first_waits(
    world: World, autojump_clock: MockClock
) -> None:
    """What came with the answer is delivered only when the block lets others run."""
    world.serve = partial(Peer.upgrade, rest=text(b"status"))
    async with world.connected() as connection:
        for _ in range(10):
            pass
        assert world.delivered == []
        world.nursery.start_soon(world.peer.reply_to_close)
        await connection.aclose()
        assert world.delivered == []


async def test_last_read_at(world: World, autojump_clock: MockClock) -> None:
    """It moves by any frame, pongs too, and by part of one."""
    async with world.connected() as connection:
        assert connection.last_read_at == 0.0
        for count, data in enumerate([b"\x8a", b"\x00", text(b"x"), encode_frame(PING, b"")], 1):
            await trio.sleep(1)
            await world.peer.send(data)
            await trio.testing.wait_all_tasks_blocked()
            assert connection.last_read_at == count
        world.nursery.start_soon(world.peer.reply_to_close)


# --- opening fails ---------------------------------------------------------------------------


BODY = b"Retry-After: 30\r\nContent-Length: 9000\r\n\r\nerror code: 1015"


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize(
    "status, rest, seconds",
    [
        (403, b"Content-Length: 0\r\n\r\n", None),
        (403, b"Content-Length: 2\r\n\r\nno", None),
        (403, b"Transfer-Encoding: chunked\r\n\r\n5\r\nnever", None),
        (403, b"\r\nuntil the end of the stream", None),
        (429, BODY, 30.0),
        (503, BODY, 30.0),
    ],
)
async def test_refused(
    world: World,
    autojump_clock: MockClock,
    status: int,
    rest: bytes,
    seconds: float | None,
    *,
    stays: bool,
) -> None:
    """A refusal tells its status and how long to wait, at once, whatever its body does."""

    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 %d No\r\n" % status + rest)
        if not stays:
            await peer.stream.aclose()

    world.serve = serve
    with pytest.raises(UpgradeRefused) as caught:
        async with world.connected():
            raise AssertionError
    assert (caught.value.status, caught.value.retry_after_s) == (status, seconds)
    assert world.all_closed
    assert trio.current_time() == 0.0


@pytest.mark.parametrize(
    "headers, accept, reason",
    [
        ([b"Sec-WebSocket-Extensions: permessage-deflate"], None, "unrecognized extension"),
        ([], b"wrong", "Bad accept token"),
        ([b"Sec-WebSocket-Protocol: chat"], None, "unrecognized subprotocol"),
        ([b"Sec-WebSocket-Extensions: \xff"], None, "can't decode byte"),
        ([b"no header at all"], None, "illegal header line"),
    ],
)
async def test_answers_that_are_no_good(
    world: World, autojump_clock: MockClock, headers: list[bytes], accept: bytes | None, reason: str
) -> None:
    """A 101 that does not fit what was asked is a failure, never a wait for ever."""

    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(peer.answer(*headers, accept=accept))

    world.serve = serve
    with pytest.raises(ConnectionFailed, match=f"feed.example did not .* upgrade: .*{reason}"):
        async with world.connected():
            raise AssertionError
    assert world.all_closed
    assert trio.current_time() == 0.0


async def leave_at_once(peer: Peer) -> None:
    """Say nothing and hear nothing."""
    await peer.stream.aclose()


async def leave_when_asked(peer: Peer) -> None:
    """Hear the request, and go."""
    await peer.read_request()
    await peer.stream.aclose()


async def leave_half_way(peer: Peer) -> None:
    """Go in the middle of the answer."""
    await peer.read_request()
    await peer.send(peer.answer()[:-1])
    await peer.stream.aclose()


@pytest.mark.parametrize("serve", [leave_at_once, leave_when_asked, leave_half_way])
async def test_no_answer(
    world: World, autojump_clock: MockClock, serve: Callable[[Peer], Awaitable[object]]
) -> None:
    """A peer that goes before it has answered is a failure at once, not a hang."""
    world.serve = serve
    with pytest.raises(ConnectionFailed) as caught:
        async with world.connected():
            raise AssertionError
    assert type(caught.value) is ConnectionFailed
    assert world.all_closed
    assert trio.current_time() == 0.0


async def test_opening_takes_as_long_as_it_may(world: World, autojump_clock: MockClock) -> None:
    """A peer that never answers is waited for until the caller's deadline, and no longer."""
    world.serve = Peer.read_request
    with pytest.raises(trio.TooSlowError), trio.fail_after(30):
        async with world.connected():
            raise AssertionError
    assert world.all_closed
    assert trio.current_time() == 30.0


# --- the connection ends ---------------------------------------------------------------------


async def reason_of(world: World, *, told: bool = True) -> Exception:
    """Connect, wait for the end, and give the reason as it comes out of the block."""
    try:
        async with world.connected() as connection:
            if told:
                await connection.wait_closed()
            else:
                await trio.sleep(1)
    except Exception as reason:  # noqa: BLE001 - it is what is tested
        assert world.all_closed
        return reason
    raise AssertionError


def then(*data: bytes, leave: bool = False) -> Callable[[Peer], Awaitable[None]]:
    """Serve an upgrade, then some bytes; then leave, or stay silent."""

    async def serve(peer: Peer) -> None:
        await peer.upgrade()
        for piece in data:
            await peer.send(piece)
            await trio.testing.wait_all_tasks_blocked()
        if leave:
            await peer.stream.aclose()

    return serve


@pytest.mark.parametrize(
    "payload, code, reason",
    [
        (b"\x03\xe8", 1000, ""),
        (b"\x03\xe9restart", 1001, "restart"),
        (b"", 1005, ""),
        (b"\x03\xf6", 1014, ""),
        (b"\x0f\xa0x", 4000, "x"),
    ],
)
async def test_the_peer_closes(
    world: World, autojump_clock: MockClock, payload: bytes, code: int, reason: str
) -> None:
    """Its code and words are told, its Close is answered, and what follows it is not delivered."""
    close = encode_frame(CLOSE, payload)
    world.serve = then(text(b"a") + close + text(b"b") + FAULTY)
    lost = await reason_of(world)
    assert isinstance(lost, ConnectionLost)
    assert (lost.code, lost.reason) == (code, reason)
    assert world.delivered == [b"a"]
    # trio-websocket knows no 1014, so it takes such a Close without a reply.
    assert await world.peer.frames() == ([] if code == 1014 else [(CLOSE, payload)])
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("data", [b"", text(b"a"), text(b"a") + text(b"b")[:-1], b"\x81"])
async def test_the_peer_is_gone(world: World, autojump_clock: MockClock, data: bytes) -> None:
    """A peer that leaves without a Close, between frames or in one, is a connection lost."""
    world.serve = then(data, leave=True)
    lost = await reason_of(world)
    assert isinstance(lost, ConnectionLost)
    assert lost.code is None
    assert world.delivered == [b"a"][: b"a" in data]
    assert trio.current_time() == 0.0


FAULTS = [(FAULTY, 1002), (b"\x81\x01\xff", 1007), (b"\x81\x7f" + b"\x00\xff" * 4, 1009)]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("frame, code", [*FAULTS, (b"\x88\x01\x03", 1002)])
async def test_the_peer_breaks_the_framing(
    world: World, autojump_clock: MockClock, frame: bytes, code: int, *, told: bool
) -> None:
    """The fault is told, waited for or not; a Close says which it is, and awaits no answer."""
    world.serve = then(text(b"a") + frame + text(b"b"))
    fault = await reason_of(world, told=told)
    assert isinstance(fault, ProtocolError)
    assert fault.close_code == code
    assert world.delivered == [b"a"]
    assert await world.peer.frames() == [(CLOSE, code.to_bytes(2, "big"))]
    assert trio.current_time() == (0.0 if told else 1.0)


@pytest.mark.parametrize("told", [True, False])
async def test_the_sink_raises(world: World, autojump_clock: MockClock, *, told: bool) -> None:
    """Its exception comes out as itself, and never as a close without a reason."""
    error = ZeroDivisionError()

    def react(payload: bytes) -> None:
        if payload == b"b":
            raise error

    world.react = react
    world.serve = then(text(b"a") + text(b"b") + text(b"c"))
    assert await reason_of(world, told=told) is error
    assert world.delivered == [b"a", b"b"]
    assert await world.peer.frames() == [(CLOSE, b"\x03\xf3")]


async def test_a_failure_and_an_error_of_the_block(world: World, autojump_clock: MockClock) -> None:
    """Two things that went wrong, of which nobody knew the other, both come out."""
    world.serve = then(FAULTY)
    with pytest.raises(ExceptionGroup) as caught:
        async with world.connected():
            await trio.sleep(1)
            raise ZeroDivisionError
    assert {type(error) for error in caught.value.exceptions} == {ZeroDivisionError, ProtocolError}
    assert world.all_closed


async def test_a_failure_of_a_cancelled_block(world: World, autojump_clock: MockClock) -> None:
    """A failure that nobody was told of is not lost in a cancellation."""
    world.serve = then(FAULTY)
    with pytest.raises(ProtocolError), trio.move_on_after(1):
        async with world.connected():
            await trio.sleep_forever()
    assert world.all_closed


async def test_a_reader_that_crashes(world: World, autojump_clock: MockClock) -> None:
    """What a stream must not raise comes out as it is, with what that led to, uncancelled."""
    error = OSError("not a stream's")

    async def crash(max_bytes: int | None = None) -> bytes:
        await trio.sleep(1)
        raise error

    world.serve = then()
    for follows in (None, KeyError()):
        with pytest.raises((OSError, ExceptionGroup)) as caught:
            async with world.connected(), trio.open_nursery() as nursery:
                world.ours[-1].receive_some = crash  # type: ignore[method-assign]
                await world.peers[-1].send(encode_frame(PONG, b""))
                nursery.start_soon(trio.sleep_forever)
                try:
                    await trio.sleep_forever()
                finally:
                    if follows is not None:
                        raise follows
        if follows is None:
            assert caught.value is error
        else:
            assert isinstance(caught.value, BaseExceptionGroup)
            assert caught.value.subgroup(trio.Cancelled) is None
            assert caught.value.subgroup(OSError) is not None
            assert caught.value.subgroup(KeyError) is not None
        assert world.all_closed


@pytest.mark.parametrize("error", [KeyError("x"), ExceptionGroup("theirs", [KeyError("x")])])
async def test_an_error_of_the_block(
    world: World, autojump_clock: MockClock, error: Exception
) -> None:
    """What the block raises comes out as it was raised, a group of its own too, after the close."""
    world.serve = then()
    with pytest.raises(type(error)) as caught:
        async with world.connected():
            world.nursery.start_soon(world.peer.reply_to_close)
            raise error
    assert caught.value is error
    assert error.__context__ is None
    assert world.all_closed
    assert trio.current_time() == 0.0


@pytest.mark.parametrize(
    "serve, kind",
    [
        (then(CLOSED), ConnectionLost),
        (then(leave=True), ConnectionLost),
        (then(FAULTY), ProtocolError),
    ],
)
async def test_sending_when_it_has_ended(
    world: World,
    autojump_clock: MockClock,
    serve: Callable[[Peer], Awaitable[object]],
    kind: type[KrakenError],
) -> None:
    """Sending then gives the reason, the same for everybody who asks."""
    world.serve = serve
    async with world.connected() as connection:
        await trio.testing.wait_all_tasks_blocked()
        reasons = []
        for ask in (partial(connection.send, b"x"), connection.wait_closed):
            with pytest.raises(kind) as caught:
                await ask()
            reasons.append(caught.value)
        assert reasons[0] is reasons[1]


async def test_sending_finds_the_peer_gone(world: World, autojump_clock: MockClock) -> None:
    """Where the loss is noticed by sending, it is told by that, and to those who wait."""
    world.serve = then()
    with trio.CancelScope() as scope:
        async with world.connected() as connection:
            await trio.testing.wait_all_tasks_blocked()
            await world.ours[0].stream.send_stream.aclose()
            with pytest.raises(ConnectionLost, match="sending failed"):
                await connection.send(b"x")
            with pytest.raises(ConnectionLost, match="sending failed"):
                await connection.wait_closed()
            scope.cancel()
    assert trio.current_time() == 0.0


async def test_a_cancelled_send_ends_it(world: World, autojump_clock: MockClock) -> None:
    """Nothing, not even a Close, may follow what is perhaps half a frame."""
    world.serve = then()
    with pytest.raises(ConnectionLost, match="a send was cut short"):
        async with world.connected() as connection:
            world.ours[0].writable = trio.Event()
            with trio.move_on_after(1):
                await connection.send(b"x")
            world.ours[0].writable.set()
            await connection.wait_closed()
    assert await world.peer.frames() == []
    assert trio.current_time() == 1.0


# --- closing ---------------------------------------------------------------------------------


async def silent(_peer: Peer, _closing: trio.Event) -> None:
    """Do nothing."""


async def flooding(peer: Peer, closing: trio.Event) -> None:
    """Send messages and pings without end, and hear nothing."""
    closing.set()
    while True:
        await peer.send((text(b"x" * 200) + encode_frame(PING, b"p")) * 300)
        await trio.sleep(0.01)


async def dripping(peer: Peer, closing: trio.Event) -> None:
    """Send one message without end."""
    closing.set()
    await peer.send(b"\x81\x7f\x00\x00\x00\x00\x00\xff\xff\xff")
    while True:
        await peer.send(b"x")
        await trio.sleep(0.01)


async def pinging(peer: Peer, closing: trio.Event) -> None:
    """Ping while it closes, and answer late."""
    await closing.wait()
    await peer.send(encode_frame(PING, b"p"))
    await trio.sleep(1)
    await peer.send(text(b"late") + encode_frame(PING, b"p") + CLOSED)


async def faulty(peer: Peer, closing: trio.Event) -> None:
    """Answer the Close with nonsense."""
    await closing.wait()
    await trio.sleep(1)
    await peer.send(FAULTY)


async def leaving(peer: Peer, closing: trio.Event) -> None:
    """Answer the Close by going."""
    await closing.wait()
    await trio.sleep(1)
    assert isinstance(peer.stream, trio.StapledStream)
    await peer.stream.send_stream.aclose()


@pytest.mark.parametrize(
    "behave, seconds",
    [
        (silent, 2.0),
        (flooding, 2.0),
        (dripping, 2.0),
        (pinging, 1.0),
        (faulty, 1.0),
        (leaving, 1.0),
    ],
)
@pytest.mark.parametrize("explicit", [True, False])
async def test_closing_is_bounded(
    world: World,
    autojump_clock: MockClock,
    behave: Callable[[Peer, trio.Event], Awaitable[None]],
    seconds: float,
    *,
    explicit: bool,
) -> None:
    """Whatever the peer does, the close takes 2 s at the most; nothing is delivered meanwhile."""
    closing = trio.Event()

    async def serve(peer: Peer) -> None:
        await peer.upgrade()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(behave, peer, closing)
                while (frame := await peer.frame()) is not None:
                    if frame[0] == CLOSE:
                        closing.set()
                        got.append(frame)
                scope.cancel()

    got: list[tuple[int, bytes]] = []
    world.serve = serve
    async with world.connected() as connection:
        await trio.testing.wait_all_tasks_blocked()
        count, began = len(world.delivered), trio.current_time()
        if explicit:
            await connection.aclose()
            assert trio.current_time() - began == pytest.approx(seconds)
            with pytest.raises(trio.ClosedResourceError):
                await connection.wait_closed()
            with pytest.raises(trio.ClosedResourceError):
                await connection.send(b"x")
            await connection.aclose()
    assert trio.current_time() - began == pytest.approx(seconds)
    assert world.all_closed
    assert got == [(CLOSE, b"\x03\xe8")]
    assert len(world.delivered) == count
    assert CLOSE_TIMEOUT_S == 2.0


async def test_closing_a_socket_that_takes_nothing(world: World, autojump_clock: MockClock) -> None:
    """A Close that cannot be sent is given up in time, with a ping on its way or without."""
    world.serve = then()
    async with world.connected(close_timeout_s=0.5) as connection:
        world.ours[0].writable = trio.Event()
        world.nursery.start_soon(fails_to_send, connection)
        await trio.testing.wait_all_tasks_blocked()
        # The request holds the lock of the socket, so the Close waits when this ping comes.
        world.nursery.start_soon(world.peer.send, encode_frame(PING, b"p") * 3)
    assert trio.current_time() == 0.5
    assert world.all_closed


async def fails_to_send(connection: Connection) -> None:
    """Send what never goes out, since the connection is closed meanwhile."""
    with pytest.raises(trio.ClosedResourceError):
        await connection.send(b"x")


async def test_a_reply_that_cannot_be_sent(world: World, autojump_clock: MockClock) -> None:
    """A peer that closes, and reads nothing, is not waited for longer than that."""
    world.serve = then()
    with pytest.raises(ConnectionLost):
        async with world.connected() as connection:
            world.ours[0].writable = trio.Event()
            world.nursery.start_soon(world.peer.send, CLOSED)
            await connection.wait_closed()
    assert trio.current_time() == 2.0
    assert world.all_closed


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_cancelled_close(world: World, autojump_clock: MockClock, *, blocked: bool) -> None:
    """Cancelled, it still sends the Close if the socket takes it, and waits for no answer."""
    world.serve = then()
    with trio.move_on_after(1) as scope:
        async with world.connected():
            if blocked:
                world.ours[0].writable = trio.Event()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert world.all_closed
    assert trio.current_time() == (3.0 if blocked else 1.0)
    assert await world.peer.frames() == ([] if blocked else [(CLOSE, b"\x03\xe8")])


async def test_a_close_cancelled_while_it_waits(world: World, autojump_clock: MockClock) -> None:
    """The wait for the answer can be cut short, and the block goes on."""
    world.serve = then()
    async with world.connected() as connection:
        with trio.move_on_after(1) as scope:
            await connection.aclose()
        assert scope.cancelled_caught
        assert world.all_closed
        await trio.sleep(1)
    assert trio.current_time() == 2.0


@pytest.mark.parametrize("sending", [False, True])
async def test_a_cancelled_close_after_the_peers(
    world: World, autojump_clock: MockClock, *, sending: bool
) -> None:
    """There, only the reader could reply, and it is cancelled too: nothing is waited for."""

    def react(_payload: bytes) -> None:
        if not sending:
            scope.cancel()  # Right before the Close is seen.

    world.react = react
    world.serve = then()
    with trio.move_on_after(1) as scope:
        async with world.connected():
            world.ours[0].writable = trio.Event()
            world.nursery.start_soon(world.peer.send, text(b"x") + CLOSED)
            await trio.sleep_forever()
    assert trio.current_time() == (1.0 if sending else 0.0)
    assert world.all_closed


@pytest.mark.parametrize("data", [CLOSED, b""])
async def test_closing_what_has_ended(world: World, autojump_clock: MockClock, data: bytes) -> None:
    """When the peer has gone already, a close closes the socket, and that is all."""
    world.serve = then(data, leave=True)
    async with world.connected() as connection:
        await trio.sleep(1)
        await connection.aclose()
        assert world.all_closed
        with pytest.raises(ConnectionLost):
            await connection.wait_closed()
    assert trio.current_time() == 1.0


async def test_closed_by_two(world: World, autojump_clock: MockClock) -> None:
    """Whoever closes second waits for the first."""
    world.serve = then()
    async with world.connected() as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.aclose)
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1)
        await connection.aclose()
        assert trio.current_time() == 2.0
        assert world.all_closed


async def test_waiting_while_another_closes(world: World, autojump_clock: MockClock) -> None:
    """Whoever waits for the end hears that it came from here."""
    world.serve = then()
    async with world.connected() as connection, trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await connection.wait_closed()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(world.peer.reply_to_close)
        await connection.aclose()


async def test_the_close_of_a_reader_that_pauses(world: World, autojump_clock: MockClock) -> None:
    """Leaving while the reader waits for room is bounded like everything else."""
    world.react = lambda _payload: trio.sleep_forever
    world.serve = then(text(b"a") + text(b"b") + CLOSED)
    async with world.connected():
        await trio.testing.wait_all_tasks_blocked()
    assert trio.current_time() == 2.0
    assert world.delivered == [b"a"]
    assert world.all_closed


async def test_fairness(world: World, autojump_clock: MockClock) -> None:
    """Between two messages of one read others run, if the sink wants it."""
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(len(world.delivered))
            await trio.lowlevel.checkpoint()

    world.react = lambda payload: trio.lowlevel.checkpoint if payload == b"7" else None
    world.serve = then(b"".join(text(b"%d" % (n % 8)) for n in range(64)) + CLOSED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        assert isinstance(await reason_of(world), ConnectionLost)
        nursery.cancel_scope.cancel()
    # Trio runs those who are ready in no certain order, so one of two chances may be missed.
    counts = sorted(set(seen))
    assert all(count % 8 == 0 for count in counts)
    assert all(after - before <= 16 for before, after in itertools.pairwise(counts))


# --- cancelled at every step -----------------------------------------------------------------


class CancelAt(trio.abc.Instrument):
    """Cancels a scope when trio has taken some number of steps since it was set."""

    def __init__(self, step: int) -> None:
        """Cancel before the step of that number."""
        self.left = step
        self.scope: trio.CancelScope | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - trio's
        """Count it."""
        if self.scope is not None:
            self.left -= 1
            if self.left == 0:
                self.scope.cancel()


async def converse(peer: Peer) -> None:
    """Say and hear a little of everything, as long as somebody is there."""
    if not await peer.read_request():
        return
    await peer.send(peer.answer()[:20])
    await peer.send(peer.answer()[20:] + text(b"0") + text(b"1") + encode_frame(PING, b"p"))
    while (frame := await peer.frame()) is not None:
        if frame[0] == TEXT:
            await peer.send(text(b"2") + text(b"3"))
        if frame[0] == CLOSE:
            await peer.send(encode_frame(*frame))


async def use(world: World) -> None:
    """Go through a whole connection."""
    world.serve = converse
    world.react = lambda payload: trio.lowlevel.checkpoint if payload == b"0" else None
    async with world.connected() as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.wait_closed)
        await connection.send(b"x")
        await trio.testing.wait_all_tasks_blocked()
        await world.peer.send(text(b"4"))
        nursery.cancel_scope.cancel()
        await connection.aclose()


def test_cancelled_at_every_step() -> None:
    """Wherever it is cancelled, nothing but that comes out, at once, and nothing remains."""

    async def main(instrument: CancelAt) -> bool:
        async with trio.open_nursery() as nursery:
            world = World(nursery)
            with trio.CancelScope() as scope:
                instrument.scope = scope
                await use(world)
            instrument.scope = None
            assert trio.current_time() == 0.0
            assert world.all_closed or not world.ours
            assert world.delivered == [b"0", b"1", b"2", b"3", b"4"][: len(world.delivered)]
        # The peer has come to its end: all frames that it got were whole.
        return scope.cancel_called

    for step in itertools.count(1):
        instrument = CancelAt(step)
        clock = MockClock(autojump_threshold=0)
        if not trio.run(main, instrument, clock=clock, instruments=[instrument]):
            break
    assert step > 20


async def echo(request: WebSocketRequest) -> None:
    """Serve with trio-websocket: send back what comes."""
    websocket = await request.accept()
    try:
        while True:
            await websocket.send_message(await websocket.get_message())
    except ConnectionClosed:
        pass


def test_cancelled_at_every_step_over_tls(
    trusting: ssl.SSLContext, serving: ssl.SSLContext, count_sockets: Callable[[], Sockets]
) -> None:
    """Over sockets, and from the look-up on, it is the same: not one stays open."""

    async def main(instrument: CancelAt) -> bool:
        sockets = count_sockets()
        async with trio.open_nursery() as nursery:
            server = await nursery.start(
                partial(serve_websocket, echo, "127.0.0.1", 0, serving, disconnect_timeout=1)
            )
            delivered: list[bytes] = []
            before = sockets.open()
            with trio.fail_after(10), trio.CancelScope() as scope:
                instrument.scope = scope
                async with open_connection(
                    f"wss://127.0.0.1:{server.port}/",
                    dial=TcpDial(trusting),
                    sink=lambda payload, _at: delivered.append(payload),
                    now=lambda: AT,
                    close_timeout_s=0.2,
                ) as connection:
                    await connection.send(b"x")
            instrument.scope = None
            assert sockets.open() == before
            nursery.cancel_scope.cancel()
        return scope.cancel_called

    for step in itertools.count(1):
        instrument = CancelAt(step)
        if not trio.run(main, instrument, instruments=[instrument]):
            break
    assert step > 20


# --- over loopback ---------------------------------------------------------------------------


@asynccontextmanager
async def listening(
    behave: Callable[[trio.abc.Stream], Awaitable[object]], tls: ssl.SSLContext | None
) -> AsyncIterator[str]:
    """Serve on this machine; give the URL."""
    async with trio.open_nursery() as nursery:
        if tls is None:
            plain = await nursery.start(partial(trio.serve_tcp, behave, 0, host="127.0.0.1"))
            yield f"ws://127.0.0.1:{plain[0].socket.getsockname()[1]}/"
        else:
            serve = partial(trio.serve_ssl_over_tcp, host="127.0.0.1", https_compatible=True)
            listeners = await nursery.start(serve, behave, 0, tls)
            port = listeners[0].transport_listener.socket.getsockname()[1]
            yield f"wss://localhost:{port}/"
        nursery.cancel_scope.cancel()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def context(request: pytest.FixtureRequest, serving: ssl.SSLContext) -> ssl.SSLContext | None:
    """Give a server's context, or none: with TLS and without."""
    return serving if request.param else None


@pytest.fixture
async def dial(names: None, trusting: ssl.SSLContext) -> TcpDial:
    """Give the dial that is used in earnest."""
    return TcpDial(trusting)


async def test_with_the_servers_side_of_trio_websocket(
    dial: TcpDial, context: ssl.SSLContext | None, sockets: Sockets, nursery: trio.Nursery
) -> None:
    """Everything arrives, in order and whatever its size, and no socket stays open."""
    server = await nursery.start(partial(serve_websocket, echo, "127.0.0.1", 0, context))
    sizes = [0, 1, 125, 126, 65535, 65536, 300_000, *range(100)]
    delivered: list[bytes] = []
    complete = trio.Event()

    def sink(payload: bytes, received_at: Timestamp) -> None:
        assert received_at == AT
        delivered.append(payload)
        if len(delivered) == len(sizes):
            complete.set()

    before = sockets.open()
    scheme = "ws" if context is None else "wss"
    with trio.fail_after(20):
        async with open_connection(
            f"{scheme}://127.0.0.1:{server.port}/", dial=dial, sink=sink, now=lambda: AT
        ) as connection:
            for size in sizes:
                await connection.send(b"x" * size)
            await complete.wait()
    assert [len(payload) for payload in delivered] == sizes
    assert sockets.open() == before


async def lost_by(
    url: str, dial: TcpDial, sink: Callable[[bytes, Timestamp], None], **options: Any
) -> BaseException:
    """Connect, wait for the end, and give what came out of the block."""
    with trio.fail_after(20):
        try:
            async with open_connection(
                url, dial=dial, sink=sink, now=lambda: AT, **options
            ) as connection:
                await connection.wait_closed()
        except Exception as error:  # noqa: BLE001 - it is what is tested
            return error
    raise AssertionError


async def test_a_sink_that_raises_over_loopback(
    dial: TcpDial, context: ssl.SSLContext | None
) -> None:
    """Its exception comes out as itself, with TLS and without; the server is told 1011."""
    error = ZeroDivisionError()
    heard: list[tuple[int, bytes]] = []
    hearing = trio.Event()

    async def behave(stream: trio.abc.Stream) -> None:
        peer = Peer(stream)
        await peer.upgrade(text(b"a") + text(b"b"))
        heard.append(await peer.reply_to_close())
        hearing.set()

    def sink(_payload: bytes, _received_at: Timestamp) -> None:
        raise error

    async with listening(behave, context) as url:
        assert await lost_by(url, dial, sink) is error
        with trio.fail_after(20):
            await hearing.wait()
    assert heard == [(CLOSE, b"\x03\xf3")]


@pytest.mark.parametrize("reset", [False, True])
async def test_a_server_that_dies_in_a_frame(
    dial: TcpDial, context: ssl.SSLContext | None, *, reset: bool
) -> None:
    """A server that is killed half way through a frame is a connection lost, without a code."""

    async def behave(stream: trio.abc.Stream) -> None:
        tcp = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        assert isinstance(tcp, trio.SocketStream)
        await Peer(stream).upgrade(text(b"a") + text(b"b" * 1000)[:500])
        await arrived.wait()
        if reset:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await tcp.aclose()

    def sink(payload: bytes, _received_at: Timestamp) -> None:
        assert payload == b"a"
        arrived.set()

    arrived = trio.Event()
    async with listening(behave, context) as url:
        lost = await lost_by(url, dial, sink)
    assert isinstance(lost, ConnectionLost)
    assert lost.code is None
    assert lost.reason.startswith("receiving failed: " if reset else "the host hung up")


async def test_a_server_that_floods_a_close(
    dial: TcpDial, context: ssl.SSLContext | None, sockets: Sockets
) -> None:
    """A server that only sends, as fast as it can, does not hold up the close."""

    async def behave(stream: trio.abc.Stream) -> None:
        await Peer(stream).upgrade()
        with suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all((text(b"x" * 200) + encode_frame(PING, b"p")) * 300)

    def sink(_payload: bytes, _received_at: Timestamp) -> None:
        flooded.set()

    flooded = trio.Event()
    async with listening(behave, context) as url:
        before = sockets.open()
        with trio.fail_after(20):
            async with open_connection(
                url, dial=dial, sink=sink, now=lambda: AT, close_timeout_s=0.1
            ):
                await flooded.wait()
        assert sockets.open() == before


async def test_a_server_that_speaks_garbage_under_tls(
    dial: TcpDial, serving: ssl.SSLContext
) -> None:
    """Where TLS itself breaks, the reason says how."""

    async def behave(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        await Peer(stream).upgrade()
        await stream.transport_stream.send_all(b"\x17\x03\x03\x00\x10" + b"x" * 16)
        await trio.sleep_forever()

    async with listening(behave, serving) as url:
        lost = await lost_by(url, dial, lambda _payload, _received_at: None)
    assert isinstance(lost, ConnectionLost)
    assert re.match(r"receiving failed: .*(?i:bad record mac|decryption failed)", lost.reason)


YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.mark.parametrize(
    "issue, why",
    [
        (lambda ca: ca.issue_cert("localhost", not_after=YESTERDAY), "certificate has expired"),
        (lambda _ca: trustme.CA().issue_cert("localhost"), "(self.signed|unable to get local)"),
        (lambda ca: ca.issue_cert("elsewhere.example"), "Hostname mismatch.* 'localhost'"),
    ],
    ids=["expired", "unknown", "other host"],
)
async def test_bad_certificates(
    dial: TcpDial, ca: trustme.CA, issue: Callable[[trustme.CA], trustme.LeafCert], why: str
) -> None:
    """The failure names the host and what is wrong with its certificate."""
    bad = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issue(ca).configure_cert(bad)

    async def behave(stream: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.receive_some()

    async with listening(behave, bad) as url:
        failure = await lost_by(url, dial, lambda _payload, _received_at: None)
    assert type(failure) is ConnectionFailed
    assert re.match(f"the certificate of localhost is not accepted: {why}", str(failure))
    assert isinstance(failure.__cause__, trio.BrokenResourceError)
    assert isinstance(failure.__cause__.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.parametrize(
    "url, text",
    [
        ("wss://nobody.invalid/", "the name nobody.invalid cannot be looked up: Name or service"),
        ("wss://localhost:{port}/", r"no connection to localhost:\d+: .*refused"),
    ],
)
async def test_nobody_there(dial: TcpDial, url: str, text: str) -> None:
    """The failure names the host, and why it cannot be reached."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    failure = await lost_by(url.format(port=port), dial, lambda _payload, _received_at: None)
    assert type(failure) is ConnectionFailed
    assert re.match(text, str(failure))
    assert isinstance(failure.__cause__, OSError)


async def test_no_tls_there(dial: TcpDial) -> None:
    """A host that answers TLS with something else is named too."""

    async def behave(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with suppress(trio.BrokenResourceError):
            await stream.receive_some()

    async with listening(behave, None) as url:
        secure = url.replace("ws://127.0.0.1", "wss://localhost")
        failure = await lost_by(secure, dial, lambda _payload, _received_at: None)
    assert type(failure) is ConnectionFailed
    assert str(failure).startswith("no TLS with localhost: ")


async def test_a_dial_that_breaks() -> None:
    """What a dial of one's own raises is told in its own words."""

    async def broken(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        raise trio.BrokenResourceError("by chaos")

    with pytest.raises(ConnectionFailed, match=r"no connection to feed\.example:443: .*by chaos"):
        async with open_connection(
            URL, dial=broken, sink=lambda _payload, _received_at: None, now=lambda: AT
        ):
            raise AssertionError


async def test_a_group_of_cancellations_hides_no_failure() -> None:
    """What a nursery in the block makes of being cancelled is a cancellation, and no failure."""
    failure = KeyboardInterrupt()
    groups: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as cancelled:
            groups.append(BaseExceptionGroup("a nursery", [cancelled]))
            raise
    assert _plain([failure, *groups]) is failure
    assert _plain(groups) is groups[0]
