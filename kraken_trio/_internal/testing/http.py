"""HTTP for the simulated exchange's REST service: one request, one answer, and the end.

Knows as much of HTTP/1.1 as that needs (RFC 9112); nothing of what is asked. What the client does
is never an error here.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus

import trio

from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import Rest, RestResponse
from kraken_trio._internal.testing.certificates import HOST, LOOPBACK, make_contexts
from kraken_trio._internal.testing.doors import ExchangeAddress

MAX_HEAD_BYTES = 16 * 1024
"""Of a request. Bodies are not read: no call has one."""
REQUEST_TIMEOUT_S = 10.0
"""For a client to say what it wants."""

_END = b"\r\n\r\n"
_BAD_REQUEST = 400


async def listen_rest(
    nursery: trio.Nursery, rest: Rest, *, tls: bool, port: int = 0
) -> ExchangeAddress:
    """Let clients of this machine ask ``rest`` through a socket, from now on."""
    contexts = make_contexts() if tls else None
    listeners: list[trio.SocketListener] = await trio.open_tcp_listeners(port, host=LOOPBACK)
    port = listeners[0].socket.getsockname()[1]
    serve = partial(serve_request, rest)
    if contexts is None:
        await nursery.start(partial(trio.serve_listeners, serve, listeners))
        return ExchangeAddress(f"http://{HOST}:{port}", None)
    secured = [
        trio.SSLListener(listener, contexts.server, https_compatible=True) for listener in listeners
    ]
    await nursery.start(partial(trio.serve_listeners, serve, secured))
    return ExchangeAddress(f"https://{HOST}:{port}", contexts.client, contexts.ca_pem)


async def serve_request(rest: Rest, stream: trio.abc.Stream) -> None:
    """Serve one client, from its first byte to its last."""
    try:
        with suppress(trio.BrokenResourceError, ConnectionFailed):
            head = b""
            with trio.move_on_after(REQUEST_TIMEOUT_S):
                head = await _read_head(stream)
            if head:
                await _respond(rest, stream, head)
    finally:
        await trio.aclose_forcefully(stream)


async def _read_head(stream: trio.abc.Stream) -> bytes:
    """Give the head of a request; nothing where the client leaves before its end."""
    head = bytearray()
    while _END not in head:
        part = await stream.receive_some()
        if not part:
            return b""
        head += part
        if len(head) > MAX_HEAD_BYTES:
            break
    return bytes(head)


async def _respond(rest: Rest, stream: trio.abc.Stream, head: bytes) -> None:
    line, _, fields = head.partition(b"\r\n")
    match line.decode(errors="replace").split(" "):
        case [method, path, "HTTP/1.1"] if _END in head:
            headers = _headers(fields)
            response = await _answer(rest, stream, method, path, headers)
        case _:
            response = RestResponse(_BAD_REQUEST, (), b"")
    if response is not None:
        await stream.send_all(_printed(response))
        await stream.aclose()


def _headers(fields: bytes) -> dict[str, str]:
    lines = fields.partition(_END)[0].decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _answer(
    rest: Rest, stream: trio.abc.Stream, method: str, path: str, headers: dict[str, str]
) -> RestResponse | None:
    """Ask; stop when the client leaves."""
    response: RestResponse | None = None
    failure: ConnectionFailed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_gone, stream, nursery.cancel_scope)
        try:
            response = await rest(method, path, headers=headers, body=b"")
        except ConnectionFailed as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return response


async def _until_gone(stream: trio.abc.Stream, scope: trio.CancelScope) -> None:
    with suppress(trio.BrokenResourceError):
        while await stream.receive_some():
            pass
    scope.cancel()


def _printed(response: RestResponse) -> bytes:
    reason = HTTPStatus(response.status).phrase
    fields = [*response.headers, ("content-length", str(len(response.body)))]
    lines = [
        f"HTTP/1.1 {response.status} {reason}",
        *(f"{name}: {value}" for name, value in fields),
    ]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + response.body
