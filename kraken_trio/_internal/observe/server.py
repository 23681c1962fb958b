"""A page for those who scrape: metrics over HTTP, by trio itself, without a thread.

Knows as much of HTTP/1.1 as one page needs (RFC 9112), and what keeps strangers from costing more
than a page: few of them at a time, little to read, a moment to say what they want. What a client
does is never an error here; nothing of what it says is kept.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast

import trio

from kraken_trio._internal.observe.metrics import MOST_SYMBOLS, Watched
from kraken_trio._internal.observe.prometheus import (
    MAIN,
    MetricsCollector,
    Registry,
    check_installed,
)

log = logging.getLogger("kraken_trio.observe")

PORT: Final = 9464
"""The usual one of programs that show metrics of their own."""
LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/metrics"
MAX_HEAD_BYTES: Final = 8 * 1024
MOST_CLIENTS: Final = 16
"""At a time; who comes then waits in the system's queue."""
CLIENT_TIMEOUT_S: Final = 10.0
"""For one of them, from the first byte to the last."""
COMPLAINT_PAUSE_S: Final = 10.0
"""Between two lines of the log about pages that could not be made."""
_BACKLOG: Final = 64

Page = Callable[[str], tuple[bytes, str] | None]
"""Is given what a client accepts; gives the page and its type, None where none could be made."""


async def serve_metrics(
    feed: Watched,
    port: int = PORT,
    *,
    host: str = LOOPBACK,
    name: str = MAIN,
    registry: Registry | None = None,
    most_symbols: int = MOST_SYMBOLS,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Show the metrics of a feed at ``http://127.0.0.1:PORT/metrics``, until it is cancelled.

    A task for a nursery: ``port = await nursery.start(serve_metrics, feed, 9464)`` gives the port,
    which with 0 is any. Others than this machine see it only if ``host`` lets them: there is no
    password. Latencies are shown where a ``Latency`` is among the feed's observers.

    ``name`` is the feed's in the label ``feed``. With ``registry`` all that is in there is shown,
    and the feed in it as long as this runs; for several feeds in one registry see
    ``MetricsCollector`` and ``serve_registry``. Cancelled, it leaves at once.

    Raises ``OSError`` for a port that is taken, ``ConfigurationError`` without the extra
    ``metrics``.
    """
    check_installed()
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra

    shown: Registry = CollectorRegistry() if registry is None else registry
    collector = MetricsCollector()
    collector.add(feed, name, most_symbols=most_symbols)
    shown.register(collector)
    try:
        await serve_registry(shown, port, host=host, task_status=task_status)
    finally:
        shown.unregister(collector)


async def serve_registry(
    registry: Registry,
    port: int = PORT,
    *,
    host: str = LOOPBACK,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Show all that is in a registry, as ``serve_metrics`` does."""
    check_installed()
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - an extra

    def page(accepted: str) -> tuple[bytes, str]:
        encode, kind = choose_encoder(accepted)
        return encode(cast("Any", registry)), kind

    guarded = Guarded(page)
    listeners = await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    room = trio.Semaphore(MOST_CLIENTS)

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await serve_client(stream, guarded)
        finally:
            room.release()

    bound = int(listeners[0].socket.getsockname()[1])
    fields = {"event": "metrics", "host": host, "port": bound}
    log.info("metrics: at http://%s:%d%s", host, bound, PATH, extra=fields)
    async with trio.open_nursery() as nursery:
        await nursery.start(
            trio.serve_listeners, serve, [_Patient(each, room) for each in listeners]
        )
        task_status.started(bound)


class _Patient(trio.abc.Listener[trio.SocketStream]):
    """Takes nobody in while there is no room: who waits here would hold a file, and a feed that has
    to connect again would have none.
    """

    def __init__(self, listener: trio.SocketListener, room: trio.Semaphore) -> None:
        self._listener = listener
        self._room = room

    async def accept(self) -> trio.SocketStream:
        """Take one in. The room is for who serves him to give back."""
        await self._room.acquire()
        try:
            return await self._listener.accept()
        except BaseException:
            self._room.release()
            raise

    async def aclose(self) -> None:
        """Take nobody in any more."""
        await self._listener.aclose()


class Guarded:
    """A page that may fail: in a registry there are collectors of others, and what they raise is
    no reason to end a feed. The client is told, and so is the log, now and then.
    """

    def __init__(
        self, make: Callable[[str], tuple[bytes, str]], now: Callable[[], float] = trio.current_time
    ) -> None:
        """Guard what makes it; ``now`` is a clock of seconds."""
        self._make = make
        self._now = now
        self._due = -math.inf
        self._failed = 0

    def __call__(self, accepted: str) -> tuple[bytes, str] | None:
        """The page and its type; None where it could not be made."""
        try:
            return self._make(accepted)
        except Exception as error:  # Whatever somebody's collector raises.
            self._failed += 1
            now = self._now()
            if now >= self._due:
                self._due = now + COMPLAINT_PAUSE_S
                name, failed, self._failed = type(error).__name__, self._failed, 0
                fields = {"event": "scrape_failed", "error": name, "failed": failed}
                text = "scrape_failed: %s; %d of late"
                log.exception(text, name, failed, extra=fields)
            return None


async def serve_client(stream: trio.abc.Stream, page: Page) -> None:
    """Serve one client, from its first byte to its last."""
    try:
        with suppress(trio.BrokenResourceError), trio.move_on_after(CLIENT_TIMEOUT_S):
            head = await _read_head(stream)
            if head is not None:
                await stream.send_all(_answer(head, page))
                await stream.aclose()
    finally:
        await trio.aclose_forcefully(stream)


async def _read_head(stream: trio.abc.Stream) -> bytes | None:
    """Give the head of a request, empty for one that is too long; None where the client leaves."""
    got = bytearray()
    while b"\r\n\r\n" not in got:
        if len(got) > MAX_HEAD_BYTES:
            return b""
        part = await stream.receive_some(MAX_HEAD_BYTES)
        if not part:
            return None
        got += part
    return bytes(got.partition(b"\r\n\r\n")[0])


def _answer(head: bytes, page: Page) -> bytes:
    """Give all bytes of the answer to a request."""
    if not head or len(head) > MAX_HEAD_BYTES:
        return _said(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    line, *fields = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - as in RFC 9112
        return _said(HTTPStatus.BAD_REQUEST)
    method, target, _ = words
    if method not in ("GET", "HEAD"):
        return _said(HTTPStatus.METHOD_NOT_ALLOWED, "allow: GET, HEAD\r\n")
    if target.partition("?")[0] != PATH:
        return _said(HTTPStatus.NOT_FOUND, text=f"The metrics are at {PATH}\n")
    pairs = (field.partition(":") for field in fields)
    accepted = [value.strip() for key, _, value in pairs if key.strip().lower() == "accept"]
    made = page(",".join(accepted))
    if made is None:
        return _said(HTTPStatus.INTERNAL_SERVER_ERROR)
    body, kind = made
    said = _said(HTTPStatus.OK, f"content-type: {kind}\r\n", body=body)
    return said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else said


def _said(
    status: HTTPStatus, fields: str = "", *, text: str | None = None, body: bytes | None = None
) -> bytes:
    if body is None:
        body = (text or f"{status.phrase}\n").encode()
        fields += "content-type: text/plain; charset=utf-8\r\n"
    length = f"content-length: {len(body)}\r\n"
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{fields}{length}connection: close\r\n\r\n"
    return head.encode("latin-1") + body
