"""The sockets of the dashboard: who is connected, who is too slow, and an end in bounded time.

anycorn speaks HTTP and WebSocket on each connection, on Trio. Its own accept loop is not used: it
shields what it sends from cancellation, so a browser that reads nothing would keep the program from
its end, and a connection for ever. Here every socket is known; one on which nothing could be sent
for long is shut down, and at the end all are, which wakes whoever waits for them. Nor is a
connection kept on whose other end nobody is, or one that sends more than any page has to say.
"""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import anyio
import trio
from anycorn import Config
from anycorn.tcp_server import tcp_server_handler
from anycorn.typing import ConnectionState
from anycorn.utils import wrap_app
from anycorn.worker_context import WorkerContext
from anyio.abc import ByteStream, SocketAttribute, SocketListener, SocketStream

from kraken_trio._internal.apps.dashboard.guard import App, Message, Receive, Scope, Send

log = logging.getLogger("kraken_trio.dashboard")

MOST_CONNECTIONS: Final = 128
"""At a time; who comes then is hung up on. A browser opens some six for a page."""
SEND_TIMEOUT_S: Final = 10.0
"""For what is sent to be taken; a browser that takes longer is hung up on, and comes back."""
GOODBYE_S: Final = 0.5
"""For what is being sent to get there, at the end."""
IDLE_S: Final = 15
"""A connection on which nothing is asked for lives so long."""
PING_S: Final = 20.0
"""From one ping of a WebSocket to the next: so that one whose browser is gone is noticed."""
MAX_REQUEST_BYTES: Final = 8 * 1024
"""Of one message of a page."""
BURST_BYTES: Final = 256 * 1024
BYTES_PER_S: Final = 64 * 1024
"""That one connection may send: a page asks for little. The message that a WebSocket begins may
else grow without end, for its bound ends the conversation, and not the reading."""
COMPLAINT_PAUSE_S: Final = 10.0
"""Between two lines of the log about connections that failed."""
SEND_BUFFER_BYTES: Final = 64 * 1024
"""That the system keeps for one that is slow, and as much again. Megabytes would be usual: what a
browser then reads at last would be minutes old."""
BACKLOG: Final = 100
_LINGER_S: Final = 0.2
_LOOK_EVERY_S: Final = 1.0


class Metered(ByteStream):
    """A connection that is told of: how much comes in on it, and when no more does."""

    def __init__(self, stream: SocketStream) -> None:
        """Read and write on ``stream``."""
        self.over = trio.Event()
        """Set when nothing comes any more."""
        self._stream = stream
        self._left: float = BURST_BYTES
        self._at = trio.current_time()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Read some; ``anyio.BrokenResourceError`` where that is too much."""
        try:
            data = await self._stream.receive(max_bytes)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.over.set()
            raise
        now = trio.current_time()
        allowed = min(BURST_BYTES, self._left + (now - self._at) * BYTES_PER_S)
        self._left, self._at = allowed - len(data), now
        if self._left < 0:
            self.over.set()
            raise anyio.BrokenResourceError
        return data

    async def send(self, item: bytes) -> None:
        """Write all of it."""
        await self._stream.send(item)

    async def send_eof(self) -> None:
        """Write no more."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close it."""
        self.over.set()
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Of the connection below."""
        return self._stream.extra_attributes


class Connections:
    """All sockets that are open."""

    def __init__(self, app: App) -> None:
        """Serve ``app`` on them."""
        self._app = app
        self._open: dict[tuple[Any, ...], socket.socket] = {}
        # What is being sent, by whom it is sent to, with when it began.
        self._sending: dict[object, tuple[tuple[Any, ...], float]] = {}
        self._failed = 0
        self._say_again_at = -math.inf
        config = Config()
        config.errorlog = log
        config.include_server_header = False
        config.keep_alive_timeout = IDLE_S
        config.websocket_permessage_deflate = False
        config.websocket_max_message_size = MAX_REQUEST_BYTES
        config.websocket_ping_interval = PING_S
        self._context = WorkerContext(None)
        self._handle = tcp_server_handler(
            wrap_app(cast("Any", self._watched), 0, "asgi"),
            config,
            self._context,
            ConnectionState({}),
        )

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(self, stream: SocketStream) -> None:
        """Serve one connection."""
        raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - no query of Django
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            peer = raw.getpeername()[:2]
        except OSError:  # It is gone already.
            peer = None
        if peer is None or len(self._open) >= MOST_CONNECTIONS:
            await anyio.aclose_forcefully(stream)
            return
        self._open[peer] = raw
        metered = Metered(stream)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_when_over, metered, nursery.cancel_scope)
                await self._handle(metered)
                nursery.cancel_scope.cancel()
        except* Exception as errors:  # noqa: BLE001 - whatever it is, it is told
            # Bytes of a stranger that are no request at all make anycorn raise. That is the end of
            # their connection, and of nobody else's.
            self._complain(errors)
        finally:
            del self._open[peer]
            with trio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async def hang_up_on_the_slow(self) -> None:
        """Look, now and then, for a socket that takes nothing; for ever."""
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            late = trio.current_time() - SEND_TIMEOUT_S
            for peer in {peer for peer, began in self._sending.values() if began < late}:
                _shut(self._open.get(peer))

    async def end(self) -> None:
        """Let what is idle close, for a moment, and end all the rest."""
        await self._context.terminated.set()
        with trio.move_on_after(GOODBYE_S):
            while self._sending:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.01)
        for raw in tuple(self._open.values()):
            _shut(raw)

    def _complain(self, errors: BaseException) -> None:
        """Tell the log, now and then: who causes it may do so as often as he likes."""
        self._failed += 1
        now = trio.current_time()
        if now < self._say_again_at:
            return
        self._say_again_at = now + COMPLAINT_PAUSE_S
        name, failed, self._failed = type(next(_leaves(errors))).__name__, self._failed, 0
        fields = {"event": "connection_failed", "error": name, "failed": failed}
        log.warning("connection_failed: %s; %d of late", name, failed, extra=fields)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app, with an eye on what it sends."""
        peer = tuple((scope.get("client") or ())[:2])

        async def watched(message: Message) -> None:
            key = object()
            self._sending[key] = peer, trio.current_time()
            try:
                await send(message)
            finally:
                del self._sending[key]

        await self._app(scope, receive, watched)


@asynccontextmanager
async def open_server(app: App, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` at ``host`` while the block lasts; give the port, which with 0 is any.

    The end takes a second at most, whatever browsers do. Raises ``OSError`` for a port that is
    taken, and for a host that is not this machine.
    """
    try:
        sock = await _bound(host, port)
    except OSError as error:  # By itself it does not say of what.
        raise OSError(error.errno, f"{error.strerror}: {host}, port {port}") from None
    async with await SocketListener.from_socket(sock) as listener:
        connections = Connections(app)
        bound = int(sock.getsockname()[1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.serve, connections.serve)
            nursery.start_soon(connections.hang_up_on_the_slow)
            try:
                yield bound
            finally:
                with trio.CancelScope(shield=True):
                    await connections.end()
                nursery.cancel_scope.cancel()


async def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ``OSError``, and leaves none behind."""
    found = await trio.socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # Elsewhere it would let others take the port, too.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - as it is
    except BaseException:
        sock.close()
        raise
    return sock


async def _cancel_when_over(metered: Metered, scope: trio.CancelScope) -> None:
    """Let what serves a connection end by itself, for a moment, and then have it ended.

    anycorn's own timer would keep it for as long as an idle one.
    """
    await metered.over.wait()
    await trio.sleep(_LINGER_S)
    scope.cancel()


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _shut(raw: socket.socket | None) -> None:
    """Wake whoever reads or writes on it: there is nothing any more to wait for."""
    if raw is not None:
        with suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)
