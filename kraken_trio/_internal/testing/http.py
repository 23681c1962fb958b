"""HTTP for the simulated exchange's REST service: one request, one answer, and the end.

Knows as much of HTTP/1.1 as that needs (RFC 9112); nothing of what is asked. What the client does
is never an error here.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

import trio

from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import Rest, RestResponse

MAX_HEAD_BYTES = 16 * 1024
"""Of a request."""
MAX_BODY_BYTES = 64 * 1024
"""Of a request: more than any call has."""
REQUEST_TIMEOUT_S = 10.0
"""For a client to say what it wants."""

_END = b"\r\n\r\n"
_BAD_REQUEST, _LENGTH_REQUIRED, _TOO_LARGE = 400, 411, 413


async def serve_request(rest: Rest, stream: trio.abc.Stream) -> None:
    """Serve one client, from its first byte to its last."""
    try:
        with suppress(trio.BrokenResourceError, ConnectionFailed):
            request: _Request | int | None = None
            with trio.move_on_after(REQUEST_TIMEOUT_S):
                request = await _read(stream)
            if isinstance(request, int):
                await _say(stream, RestResponse(request, (), b""))
            elif request is not None:
                response = await _answer(rest, stream, request)
                if response is not None:
                    await _say(stream, response)
    finally:
        await trio.aclose_forcefully(stream)


class _Request(NamedTuple):
    """What a client wants."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def _read(stream: trio.abc.Stream) -> _Request | int | None:
    """Give a request, or the status of what is none; None where the client leaves in between."""
    got = bytearray()
    while _END not in got[:MAX_HEAD_BYTES]:
        part = await stream.receive_some()
        if not part:
            return None
        got += part
        if len(got) > MAX_HEAD_BYTES and _END not in got[:MAX_HEAD_BYTES]:
            return _BAD_REQUEST
    head, _, body = bytes(got).partition(_END)
    line, _, fields = head.partition(b"\r\n")
    method, path, version = (*line.decode(errors="replace").split(" ", 2), "", "")[:3]
    if version != "HTTP/1.1":
        return _BAD_REQUEST
    headers = _headers(fields)
    length = _length(headers)
    if length < 0:
        return -length
    while len(body) < length:
        part = await stream.receive_some()
        if not part:
            return None
        body += part
    return _Request(method, path, headers, body[:length])


def _length(headers: dict[str, str]) -> int:
    """Give how long the body is; where it cannot be taken, the status of that, negative."""
    if "transfer-encoding" in headers:
        return -_LENGTH_REQUIRED
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        return -_BAD_REQUEST
    too_long = len(text) > len(str(MAX_BODY_BYTES)) or int(text) > MAX_BODY_BYTES
    return -_TOO_LARGE if too_long else int(text)


def _headers(fields: bytes) -> dict[str, str]:
    lines = fields.decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _answer(rest: Rest, stream: trio.abc.Stream, request: _Request) -> RestResponse | None:
    """Ask; stop when the client leaves."""
    response: RestResponse | None = None
    failure: ConnectionFailed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_gone, stream, nursery.cancel_scope)
        try:
            response = await rest(
                request.method, request.path, headers=request.headers, body=request.body
            )
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


async def _say(stream: trio.abc.Stream, response: RestResponse) -> None:
    await stream.send_all(_printed(response))
    await stream.aclose()


def _printed(response: RestResponse) -> bytes:
    reason = HTTPStatus(response.status).phrase
    fields = [*response.headers, ("content-length", str(len(response.body)))]
    lines = [
        f"HTTP/1.1 {response.status} {reason}",
        *(f"{name}: {value}" for name, value in fields),
    ]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + response.body
