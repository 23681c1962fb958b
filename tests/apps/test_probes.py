"""The steps from here to a host, and the words for what can go wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trustme

from kraken_trio._internal.apps.probes import (
    Failure,
    Target,
    connect,
    described,
    look_up,
    secure,
    target_of,
)

CONTEXT = ssl.create_default_context()


@asynccontextmanager
async def serving(
    handler: Callable[[trio.SocketStream], Awaitable[object]],
) -> AsyncIterator[Target]:
    """Serve whoever comes with ``handler``; give where."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            await nursery.start(trio.serve_listeners, handler, listeners)
            port = listeners[0].socket.getsockname()[1]
            yield Target("localhost", port, CONTEXT)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "url, host, port, tls",
    [
        ("wss://ws.kraken.com/v2", "ws.kraken.com", 443, True),
        ("WSS://Localhost:8443/v2", "localhost", 8443, True),
        ("ws://127.0.0.1/v2", "127.0.0.1", 80, False),
        ("ws://[::1]:9/v2", "::1", 9, False),
    ],
)
def test_where_a_url_leads(url: str, host: str, port: int, tls: bool) -> None:
    """Host, port, and whether there is TLS."""
    assert target_of(url, CONTEXT) == Target(host, port, CONTEXT if tls else None)


async def test_the_addresses_of_a_name_are_told() -> None:
    """Each once."""
    assert "127.0.0.1" in await look_up(Target("localhost", 1, None))
    assert await look_up(Target("127.0.0.1", 1, None)) == "127.0.0.1"


async def test_many_addresses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first three stand there."""

    async def getaddrinfo(*_: object, **__: object) -> object:
        await trio.lowlevel.checkpoint()
        return [(0, 0, 0, "", (f"10.0.0.{last}", 443)) for last in (1, 2, 2, 3, 4, 5)]

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    found = await look_up(Target("many.test", 1, None))
    assert found == "10.0.0.1, 10.0.0.2, 10.0.0.3 and 2 more"


async def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as such."""

    async def getaddrinfo(*_: object, **__: object) -> object:
        await trio.lowlevel.checkpoint()
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Failure) as caught:
        await look_up(Target("nobody.invalid", 1, None))
    assert "nobody.invalid cannot be looked up: Name or service not known" in caught.value.words
    assert "spelling" in caught.value.mend


async def test_a_port_where_nobody_listens() -> None:
    """Each reason once, however many addresses were tried."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for host in ("localhost", "127.0.0.1"):
        with pytest.raises(Failure, match=rf"port {port} does not answer: .*refused"):
            await connect(Target(host, port, None))


async def test_tls_that_works_is_described() -> None:
    """Version, and until when the certificate is good."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)

    async def handshake(stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, server, server_side=True)
        await secured.do_handshake()
        await stream.receive_some(1)

    async with serving(handshake) as target, await connect(target) as tcp:
        assert "TLSv1." in described(await secure("localhost", client, tcp))


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_certificate_that_is_not_accepted(trusted: bool) -> None:
    """Because nobody knows who signed it, or because it is for somebody else."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("elsewhere.test").configure_cert(server)
    if trusted:
        authority.configure_trust(client)

    async def handshake(stream: trio.SocketStream) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await trio.SSLStream(stream, server, server_side=True).do_handshake()

    async with serving(handshake) as target, await connect(target) as tcp:
        with pytest.raises(Failure, match="certificate is not accepted") as caught:
            await secure("localhost", client, tcp)
    assert ("ostname mismatch" in caught.value.words) is trusted
    assert "--ca" in caught.value.mend


@pytest.mark.parametrize(
    "answer, words", [(b"HTTP/1.1 400 Bad\r\n\r\n", "no TLS: "), (b"", "(hung up|no TLS)")]
)
async def test_a_host_that_speaks_no_tls(answer: bytes, words: str) -> None:
    """It says something else, or hangs up."""

    async def speak(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        if answer:
            await stream.send_all(answer)
        await stream.aclose()

    async with serving(speak) as target, await connect(target) as tcp:
        with pytest.raises(Failure, match=words):
            await secure("localhost", CONTEXT, tcp)


async def test_a_connection_that_breaks_in_the_handshake() -> None:
    """A reset is told, too."""

    async def reset(stream: trio.SocketStream) -> None:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.socket.close()
        await trio.lowlevel.checkpoint()

    async with serving(reset) as target, await connect(target) as tcp:
        with pytest.raises(Failure, match=r"(hung up in the middle of the handshake|no TLS)"):
            await secure("localhost", CONTEXT, tcp)
