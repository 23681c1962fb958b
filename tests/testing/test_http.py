"""HTTP for the simulated exchange: what a client may do to it, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import pytest
import trio

from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.testing.doors import ExchangeAddress
from kraken_trio._internal.testing.http import (
    MAX_HEAD_BYTES,
    REQUEST_TIMEOUT_S,
    listen_rest,
    serve_request,
)
from kraken_trio._internal.testing.memory import MemoryStream, memory_streams

GET = b"GET /x?y=1 HTTP/1.1\r\nHost: localhost\r\nX-Odd:  a b \r\n\r\n"


class Service:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.gone = False

    async def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Answer, or do what the path says."""
        assert body == b""
        self.asked.append((method, path, headers))
        if path == "/broken":
            raise ConnectionFailed("broken")
        if path == "/hang":
            try:
                await trio.sleep_forever()
            finally:
                self.gone = True
        return RestResponse(200, (("content-type", "text/plain"),), b"hello")


@pytest.fixture
def service() -> Service:
    """Give what is asked."""
    return Service()


@pytest.fixture
async def client(service: Service, nursery: trio.Nursery) -> AsyncIterator[MemoryStream]:
    """Give a client's end."""
    ours, theirs = memory_streams()
    nursery.start_soon(serve_request, service, ours)
    yield theirs
    await theirs.aclose()


async def everything(stream: trio.abc.Stream) -> bytes:
    """Read to the end."""
    got = b""
    while part := await stream.receive_some():
        got += part
    return got


async def test_one_request_one_answer(client: MemoryStream, service: Service) -> None:
    """Byte by byte, and then the end."""
    for byte in GET:
        await client.send_all(bytes([byte]))
    assert await everything(client) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n"
        b"connection: close\r\n\r\nhello"
    )
    assert service.asked == [("GET", "/x?y=1", {"host": "localhost", "x-odd": "a b"})]


@pytest.mark.parametrize(
    "head", [b"hello\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"\xff\r\n\r\n", b"x" * MAX_HEAD_BYTES * 2]
)
async def test_what_is_no_request(client: MemoryStream, service: Service, head: bytes) -> None:
    """It is told so, and nobody is asked."""
    await client.send_all(head)
    assert (await everything(client)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert not service.asked


async def test_a_client_that_says_nothing_is_left(
    autojump_clock: trio.abc.Clock, client: MemoryStream
) -> None:
    """After a while."""
    began = trio.current_time()
    await client.send_all(GET[:10])
    assert await everything(client) == b""
    assert trio.current_time() - began == REQUEST_TIMEOUT_S


async def test_a_client_that_leaves_before_it_asked(client: MemoryStream, service: Service) -> None:
    """Nothing comes of it."""
    await client.send_all(GET[:10])
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert not service.asked


async def test_a_client_that_leaves_before_the_answer(
    client: MemoryStream, service: Service
) -> None:
    """The question is dropped."""
    await client.send_all(GET.replace(b"/x?y=1", b"/hang") + b"more")
    await trio.testing.wait_all_tasks_blocked()
    assert not service.gone
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert service.gone


async def test_a_connection_that_breaks(client: MemoryStream) -> None:
    """The client reads the end, and no answer."""
    await client.send_all(GET.replace(b"/x?y=1", b"/broken"))
    assert await everything(client) == b""


@pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("tls", [True, False])
async def test_through_a_socket(service: Service, nursery: trio.Nursery, tls: bool) -> None:
    """With TLS and without."""
    address = await listen_rest(nursery, service, tls=tls)
    assert isinstance(address, ExchangeAddress)
    url = urlsplit(address.url)
    assert (url.scheme, url.hostname, url.path) == ("https" if tls else "http", "localhost", "")
    assert url.port is not None
    stream: trio.abc.Stream
    if address.client_ssl_context is None:
        stream = await trio.open_tcp_stream("localhost", url.port)
    else:
        stream = await trio.open_ssl_over_tcp_stream(
            *("localhost", url.port),
            ssl_context=address.client_ssl_context,
            https_compatible=True,
        )
    async with stream:
        await stream.send_all(GET)
        assert (await everything(stream)).endswith(b"\r\n\r\nhello")
