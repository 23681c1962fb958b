"""HTTP for the simulated exchange: what a client may do to it, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import trio

from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.testing.http import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    REQUEST_TIMEOUT_S,
    serve_request,
)
from kraken_trio._internal.testing.memory import MemoryStream, memory_streams

GET = b"GET /x?y=1 HTTP/1.1\r\nHost: localhost\r\nX-Odd:  a b \r\n\r\n"


class Service:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.bodies: list[bytes] = []
        self.gone = False

    async def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Answer, or do what the path says."""
        self.bodies.append(body)
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


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_body(client: MemoryStream, service: Service, at_once: bool) -> None:
    """It has the length that its head says, and what follows is nobody's."""
    request = b"POST /x HTTP/1.1\r\nContent-Length: 7\r\n\r\nnonce=5"
    if at_once:
        await client.send_all(request + b"more")
    else:
        for byte in request:
            await client.send_all(bytes([byte]))
    assert (await everything(client)).endswith(b"\r\n\r\nhello")
    assert service.asked == [("POST", "/x", {"content-length": "7"})]
    assert service.bodies == [b"nonce=5"]


async def test_the_longest_body(client: MemoryStream, service: Service) -> None:
    """It is taken."""
    body = b"x" * MAX_BODY_BYTES
    await client.send_all(b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert (await everything(client)).endswith(b"hello")
    assert service.bodies == [body]


@pytest.mark.parametrize(
    "field, status",
    [
        (b"Content-Length: %d" % (MAX_BODY_BYTES + 1), b"413 "),
        (b"Content-Length: " + b"9" * 5000, b"413 "),
        (b"Content-Length: -1", b"400 "),
        (b"Content-Length: \xd9\xa5", b"400 "),
        (b"Content-Length: 5, 5", b"400 "),
        (b"Transfer-Encoding: chunked", b"411 "),
    ],
)
async def test_a_body_that_cannot_be_read(
    client: MemoryStream, service: Service, field: bytes, status: bytes
) -> None:
    """It is refused by its head, and nobody is asked."""
    await client.send_all(b"POST /x HTTP/1.1\r\n" + field + b"\r\n\r\n5")
    assert (await everything(client)).startswith(b"HTTP/1.1 " + status)
    assert not service.asked


async def test_a_client_that_leaves_in_its_body(client: MemoryStream, service: Service) -> None:
    """Nothing comes of it."""
    await client.send_all(b"POST /x HTTP/1.1\r\nContent-Length: 7\r\n\r\nnonce")
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert not service.asked


@pytest.mark.parametrize(
    "head",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"\xff\r\n\r\n",
        b"\r\n\r\n",
        b"x" * MAX_HEAD_BYTES * 2,
    ],
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
    await client.send_all(GET.replace(b"/x?y=1", b"/hang"))
    await trio.testing.wait_all_tasks_blocked()
    await client.send_all(b"more")
    await trio.testing.wait_all_tasks_blocked()
    assert not service.gone
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert service.gone


async def test_a_connection_that_breaks(client: MemoryStream) -> None:
    """The client reads the end, and no answer."""
    await client.send_all(GET.replace(b"/x?y=1", b"/broken"))
    assert await everything(client) == b""
