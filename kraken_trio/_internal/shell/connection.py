"""One WebSocket connection: opened, used, closed in bounded time, and why it ended.

Knows how trio-websocket is put on a tap, and what each failure is called; knows nothing of what
a message says.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn, cast

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from kraken_trio._internal.core.session_events import ConnectFailed
from kraken_trio._internal.model.endpoint import Endpoint, parse_endpoint
from kraken_trio._internal.model.errors import (
    ConnectionFailed,
    ConnectionLost,
    KrakenError,
    ProtocolError,
    UpgradeRefused,
)
from kraken_trio._internal.model.ports import Dial
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.scopes import is_cancelled
from kraken_trio._internal.shell.tap import Sink, Tap
from kraken_trio._internal.shell.tcp import READ_BYTES
from kraken_trio._internal.wire.frames import Broken

CLOSE_TIMEOUT_S = 2.0
"""For sending a Close and for the peer's answer to it, together."""
USER_AGENT = b"kraken-trio"
"""What the upgrade says of who asks."""

_USUAL_PORTS = {True: 443, False: 80}
_UNAVAILABLE = 503


class Connection:
    """An open connection: ``open_connection`` makes it."""

    def __init__(
        self,
        websocket: WebSocketConnection,
        tap: Tap,
        stream: trio.abc.Stream,
        close_timeout_s: float,
    ) -> None:
        """Join what has been opened already."""
        self._websocket = websocket
        self._tap = tap
        self._stream = stream
        self._close_timeout_s = close_timeout_s
        self._closing = False
        self._closed = trio.Event()

    @property
    def last_read_at(self) -> float:
        """When bytes last came, of whatever frame: seconds of trio's clock."""
        return self._tap.last_read_at

    @property
    def broken(self) -> Broken | None:
        """What the peer broke the framing with, if it did."""
        return self._tap.broken

    async def send(self, payload: bytes) -> None:
        """Send one text message; ``payload`` is UTF-8.

        Raises what ``wait_closed`` raises once the connection has ended. A cancellation ends it:
        half of the message may have been sent.
        """
        if not self._tap.ended.is_set():
            try:
                await self._websocket.send_message(payload.decode())
            except ConnectionClosed:
                pass  # Why, the tap knows better.
            else:
                return
        raise self._tap.tell()

    async def wait_closed(self) -> NoReturn:
        """Wait for the end of the connection, and raise the reason.

        ``ConnectionLost`` where the peer or the network ended it, with the peer's code if it
        sent one; ``ProtocolError`` where the peer broke the framing; what the sink raised, as
        itself; ``trio.ClosedResourceError`` where ``aclose`` was called here.
        """
        await self._tap.ended.wait()
        raise self._tap.tell()

    async def aclose(self) -> None:
        """Close, within ``close_timeout_s`` whatever the peer does. Nothing is delivered any more.

        A Close is sent, with the code that names the failure if there was one, and answered, and
        the socket is closed. Cancelled, it still sends the Close, and waits for no answer: where
        the socket takes no more, that may take ``close_timeout_s``.
        """
        if self._closing:
            await self._closed.wait()
            return
        self._closing = True
        # Only what we send ourselves needs the shield; a reply to the peer's Close is sent by
        # the reader, which a cancellation has ended.
        bound = trio.move_on_after(self._close_timeout_s, shield=not self._tap.peer_closed)
        try:
            with bound:
                await self._websocket.aclose(self._tap.hang_up(bound))
                await self._tap.said_goodbye.wait()
        finally:
            self._closed.set()
            await _drop(self._stream)


@asynccontextmanager
async def open_connection(
    url: str,
    *,
    dial: Dial,
    sink: Sink,
    now: Callable[[], Timestamp],
    allow_insecure: bool = False,
    close_timeout_s: float = CLOSE_TIMEOUT_S,
) -> AsyncIterator[Connection]:
    """Connect, and close at the end of the block.

    ``sink`` is given every message, from the moment on when the block first waits; ``now`` is
    the wall clock. Opening takes as long as the caller's cancel scopes let it.

    Raises ``ConfigurationError`` for a URL that ``parse_endpoint`` refuses with
    ``allow_insecure``; ``ConnectionFailed`` where the look-up, TCP or TLS fails or the host is
    no WebSocket server; ``UpgradeRefused`` where it says no. Inside the block only ``Connection``
    raises. At its end, what went wrong and nobody was told of comes out.

    However the block is left, the socket is closed and no task remains. When it is cancelled, as
    to hang up on a peer that is dead, no answer to the Close is waited for.
    """
    endpoint = parse_endpoint(url, field="url", allow_insecure=allow_insecure)
    try:
        stream = await dial(endpoint.host, endpoint.port, tls=endpoint.tls)
    except (OSError, trio.BrokenResourceError) as error:
        raise ConnectionFailed(_undialled(endpoint, error)) from error
    tap = Tap(stream, sink, now=now)
    opened = False
    errors: list[BaseException] = []
    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            websocket = await wrap_client_stream(
                nursery,
                cast("trio.SocketStream", tap),  # Declared for sockets, made for any stream.
                _host_header(endpoint),
                endpoint.path,
                extra_headers=[(b"User-Agent", USER_AGENT)],
                receive_buffer_size=READ_BYTES,
            )
            connection = Connection(websocket, tap, stream, close_timeout_s)
            opened = True
            tap.open()
            try:
                yield connection
            except BaseException as error:
                if nursery.cancel_scope.cancel_called:
                    raise  # The reader crashed, and this holds the nursery's own cancellation.
                # Else it goes past the nursery, which would take a group apart and put it together
                # anew, and past the close, which may be cancelled.
                errors.append(error)
            await connection.aclose()
            nursery.cancel_scope.cancel()  # The reader would wait for the end of TCP.
    except BaseExceptionGroup as group:
        errors += group.exceptions
    finally:
        await _drop(stream)
    if tap.untold is not None:
        errors.append(tap.untold)
    if not errors:
        return
    plain = _plain(errors)
    if opened or isinstance(plain, KrakenError) or not isinstance(plain, Exception):
        raise plain
    raise ConnectionFailed(
        f"{endpoint.host} did not complete the upgrade: {_first(plain)}"
    ) from plain


def _first(error: BaseException) -> BaseException:
    """What began it. trio-websocket answers a bad answer as if it were the server, and raises the
    error of that.
    """
    while error.__context__ is not None:
        error = error.__context__
    return error


async def _drop(stream: trio.abc.Stream) -> None:
    """Close a stream at once, also when cancelled, which is not noticed here: what is to be raised
    is at hand already.
    """
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)


def _plain(errors: list[BaseException]) -> BaseException:
    """The one exception that some are about, or a group of them if they are about more."""
    real = [error for error in errors if not is_cancelled(error)]
    match real:
        case []:
            return errors[0]
        case [error]:
            return error
        case _:
            return BaseExceptionGroup("a connection and the block that used it failed", real)


def _host_header(endpoint: Endpoint) -> str:
    """RFC 9110 section 7.2: the port only where it is not the usual one."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return host if endpoint.port == _USUAL_PORTS[endpoint.tls] else f"{host}:{endpoint.port}"


def _undialled(endpoint: Endpoint, error: Exception) -> str:
    """Say why there is no byte stream to a host."""
    host = endpoint.host
    match error if isinstance(error, OSError) else error.__cause__:
        case ssl.SSLCertVerificationError() as refusal:
            return f"the certificate of {host} is not accepted: {refusal.verify_message}"
        case ssl.SSLError() as failure:
            return f"no TLS with {host}: {failure}"
        case socket.gaierror() as failure:
            return f"the name {host} cannot be looked up: {failure.strerror}"
        case OSError(__cause__=ExceptionGroup(exceptions=causes)):
            reasons = "; ".join(map(str, causes))  # One for each address that was tried.
            return f"no connection to {host}:{endpoint.port}: {reasons}"
        case _:
            return f"no connection to {host}:{endpoint.port}: {error!r}"


def attempt_failed(error: ConnectionFailed | ProtocolError) -> ConnectFailed:
    """What a failed attempt means for the next one."""
    if isinstance(error, UpgradeRefused):
        wait = error.retry_after_s or 0.0
        return ConnectFailed(error, wait, counted=error.status != _UNAVAILABLE)
    if isinstance(error, ConnectionFailed):
        return ConnectFailed(error)
    return ConnectFailed(ConnectionLost(error.close_code, str(error)))
