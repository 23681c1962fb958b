"""The dial, over loopback: what it connects, what it refuses, and that it leaves no socket."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
import trustme

from kraken_trio._internal.shell.dial import TcpDial
from kraken_trio._internal.shell.tcp import TcpStream

if TYPE_CHECKING:
    from tests.conftest import Sockets

GREETING = b"hello"


async def greet(stream: trio.abc.Stream) -> None:
    """Say hello and wait until the client leaves; it may leave in the middle of TLS."""
    try:
        await stream.send_all(GREETING)
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass


async def serve(nursery: trio.Nursery, context: ssl.SSLContext | None) -> int:
    """Greet whoever comes, and give the port."""
    if context is None:
        tcp = await nursery.start(partial(trio.serve_tcp, greet, 0, host="127.0.0.1"))
        return int(tcp[0].socket.getsockname()[1])
    tls = await nursery.start(
        partial(trio.serve_ssl_over_tcp, greet, 0, context, host="127.0.0.1", https_compatible=True)
    )
    return int(tls[0].transport_listener.socket.getsockname()[1])


async def test_plain_tcp(nursery: trio.Nursery, trusting: ssl.SSLContext) -> None:
    """Without TLS the bytes are the peer's own, and small sends are not held back."""
    port = await serve(nursery, None)
    stream = await TcpDial(trusting)("127.0.0.1", port, tls=False)
    assert isinstance(stream, TcpStream)
    assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    async with stream:
        assert await stream.receive_some() == GREETING


async def test_a_dial_that_gathers_is_another(
    nursery: trio.Nursery, trusting: ssl.SSLContext
) -> None:
    """What comes quickly is let gather, by this one; the one it was made of reads at once."""
    port = await serve(nursery, None)
    plain = TcpDial(trusting)
    windows = []
    for dial in (plain, plain.gathering(0.05)):
        async with await dial("127.0.0.1", port, tls=False) as stream:
            assert isinstance(stream, TcpStream)
            windows.append(stream._gather._window_s)
    assert windows == [0.0, 0.05]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_tls(
    nursery: trio.Nursery,
    trusting: ssl.SSLContext,
    serving: ssl.SSLContext,
    names: None,
    host: str,
) -> None:
    """With TLS the handshake is done, and the name was asked for; an address has none."""
    asked: list[str | None] = []
    serving.sni_callback = lambda _stream, name, _context: asked.append(name)
    port = await serve(nursery, serving)
    stream = await TcpDial(trusting)(host, port, tls=True)
    assert isinstance(stream, trio.SSLStream)
    assert stream.cipher() is not None
    assert stream.transport_stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert asked == ["localhost" if host == "localhost" else None]
    async with stream:
        assert await stream.receive_some() == GREETING


async def test_an_end_without_notice_is_an_end(
    nursery: trio.Nursery, trusting: ssl.SSLContext, serving: ssl.SSLContext
) -> None:
    """A host that closes TCP under TLS ends the stream; that is no error here."""

    async def leave(stream: trio.SSLStream[trio.SocketStream]) -> None:
        await stream.do_handshake()
        await stream.transport_stream.aclose()

    listeners = await nursery.start(
        partial(trio.serve_ssl_over_tcp, leave, 0, serving, host="127.0.0.1")
    )
    port = listeners[0].transport_listener.socket.getsockname()[1]
    async with await TcpDial(trusting)("127.0.0.1", port, tls=True) as stream:
        assert await stream.receive_some() == b""


def test_what_is_trusted_by_default() -> None:
    """By default certificate and host name are verified, and nothing older than TLS 1.2 is used."""
    context = TcpDial()._ssl_context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


def expired(ca: trustme.CA) -> trustme.LeafCert:
    """Issue a certificate that was good until yesterday."""
    return ca.issue_cert("localhost", not_after=YESTERDAY)


def self_signed(_ca: trustme.CA) -> trustme.LeafCert:
    """Issue a certificate that only its own authority vouches for."""
    return trustme.CA().issue_cert("localhost")


def of_another(ca: trustme.CA) -> trustme.LeafCert:
    """Issue a good certificate for another host."""
    return ca.issue_cert("elsewhere.example")


@pytest.mark.parametrize("issue", [expired, self_signed, of_another])
async def test_bad_certificates(
    nursery: trio.Nursery,
    ca: trustme.CA,
    trusting: ssl.SSLContext,
    names: None,
    *,
    sockets: Sockets,
    issue: Callable[[trustme.CA], trustme.LeafCert],
) -> None:
    """A certificate that is not good for this host, now, is refused, and the socket closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issue(ca).configure_cert(context)
    port = await serve(nursery, context)
    before = sockets.open()
    with pytest.raises(trio.BrokenResourceError) as caught:
        await TcpDial(trusting)("localhost", port, tls=True)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert sockets.open() == before


async def test_old_tls_is_refused(
    nursery: trio.Nursery, ca: trustme.CA, sockets: Sockets, names: None
) -> None:
    """A host that speaks nothing newer than TLS 1.1 is not spoken to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    port = await serve(nursery, context)
    before = sockets.open()
    dial = TcpDial()
    ca.configure_trust(dial._ssl_context)
    with pytest.raises(trio.BrokenResourceError) as caught:
        await dial("localhost", port, tls=True)
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    assert sockets.open() == before


async def test_no_tls_there(
    nursery: trio.Nursery, trusting: ssl.SSLContext, sockets: Sockets
) -> None:
    """A host that does not speak TLS is no host for it."""
    port = await serve(nursery, None)
    before = sockets.open()
    with pytest.raises(trio.BrokenResourceError) as caught:
        await TcpDial(trusting)("127.0.0.1", port, tls=True)
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    assert sockets.open() == before


@pytest.mark.parametrize("tls", [False, True])
async def test_nobody_there(trusting: ssl.SSLContext, sockets: Sockets, *, tls: bool) -> None:
    """Where no address answers, that is an ``OSError``."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(OSError, match="all attempts to connect"):
        await TcpDial(trusting)("127.0.0.1", port, tls=tls)
    assert sockets.open() == 0


async def test_no_such_name(trusting: ssl.SSLContext, names: None) -> None:
    """A name that nobody has is an ``OSError`` too."""
    with pytest.raises(socket.gaierror):
        await TcpDial(trusting)("nobody.invalid", 443, tls=True)


async def test_cancelled_in_the_handshake(trusting: ssl.SSLContext, sockets: Sockets) -> None:
    """A host that accepts and says nothing is waited for until cancelled, and let go."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with listener:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(TcpDial(trusting), "127.0.0.1", port, tls=True))
                async with await listener.accept() as server:
                    assert (await server.receive_some())[:1] == b"\x16"  # its ClientHello
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert sockets.open() == 1  # the listener's
