"""Leaving a feed takes two seconds at most, whatever the peer does: over TLS, on real sockets."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
import trustme

from kraken_trio import ConnectionState, KrakenConfig, open_kraken
from kraken_trio.extended import TcpDial

pytestmark = pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django

BOUND_S = 2.0
SLACK_S = 1.0
"""For a machine that others use too."""
STATUS = b'{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2"}]}'


Peer = Callable[[trio.SSLStream[trio.SocketStream]], Awaitable[None]]


async def upgrade(stream: trio.abc.Stream) -> None:
    """Answer the client's upgrade, and say how the exchange is."""
    head = bytearray()
    while b"\r\n\r\n" not in head:
        head += await stream.receive_some()
    (key,) = re.findall(rb"(?i)sec-websocket-key: *(\S+)", bytes(head))
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324 - RFC 6455
    await stream.send_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n" + frame(STATUS)
    )


def frame(payload: bytes) -> bytes:
    """Give a message of a server."""
    return bytes([0x81, len(payload)]) + payload


async def flooding(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Send for ever, as fast as it goes, and read nothing."""
    burst = frame(b'{"channel":"heartbeat"}') * 1000
    while True:
        await stream.send_all(burst)


async def silent(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Read what comes, the Close too, and never answer."""
    while await stream.receive_some():
        pass
    await trio.sleep_forever()


async def deaf(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Neither read nor send: half-open, as when a cable is cut."""
    await trio.sleep_forever()


async def pinging(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Ping for ever, and answer nothing."""
    while True:
        await stream.send_all(b"\x89\x00" * 100)
        await trio.sleep(0.001)


async def half_a_frame(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Stop in the middle of a message."""
    await stream.send_all(b"\x81\x7e\xff\xff" + b"x" * 1000)
    await trio.sleep_forever()


async def resetting(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Break the connection, without a word."""
    await trio.sleep(0.05)
    raw = stream.transport_stream.socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give the server's and the client's."""
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    ca.configure_trust(client)
    return server, client


@pytest.mark.parametrize(
    "peer",
    [flooding, silent, deaf, pinging, half_a_frame, resetting],
    ids=lambda peer: peer.__name__,
)
@pytest.mark.parametrize("how", ["leaves", "raises", "is cancelled"])
async def test_leaving_is_bounded(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    count_sockets: Callable[[], Any],
    peer: Peer,
    how: str,
) -> None:
    """Whether the block is through, raises or is cancelled: no task and no socket remains."""
    server, client = contexts

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            await upgrade(stream)
            await peer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    error = ZeroDivisionError("mine")
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_ssl_over_tcp, serve, 0, server, host="127.0.0.1")
        )
        port = listeners[0].transport_listener.socket.getsockname()[1]
        sockets = count_sockets()
        config = KrakenConfig(endpoint=f"wss://localhost:{port}/v2")
        began = trio.current_time()
        raised: list[BaseException] = []
        with trio.CancelScope() as scope:
            try:
                async with open_kraken(config, dial=TcpDial(client)) as feed:
                    feed.connect()
                    await feed.wait_state(ConnectionState.SUBSCRIBED)
                    await trio.sleep(0.1)
                    began = trio.current_time()
                    if how == "raises":
                        raise error
                    if how == "is cancelled":
                        scope.cancel()
            except ZeroDivisionError as caught:
                raised.append(caught)
        assert trio.current_time() - began < BOUND_S + SLACK_S
        assert raised == [error] * (how == "raises")
        assert (len(sockets.made) > 0, sockets.open()) == (True, 0)
        nursery.cancel_scope.cancel()
