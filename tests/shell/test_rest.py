"""The usual ``Rest``: what goes out, what comes back, and what is refused."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from kraken_trio._internal.model.errors import ConfigurationError, ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.shell import rest as rest_module
from kraken_trio._internal.shell.rest import HttpRest
from kraken_trio.testing import open_exchange

if TYPE_CHECKING:
    from tests.conftest import Sockets

pytestmark = pytest.mark.extra("rest")  # noqa: S610 - a mark of pytest, no query of Django

QUERY = "/0/public/Trades?pair=BTC%2FUSD&count=2"
Serve = Callable[[trio.SocketStream], Awaitable[None]]


async def ask(rest: HttpRest, path: str = QUERY) -> RestResponse:
    """Ask."""
    return await rest("GET", path, headers={"X-Mine": "1"}, body=b"")


async def serve(nursery: trio.Nursery, handler: Serve) -> str:
    """Serve one peer after the other, and give the URL."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError):
                await handler(stream)

    listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


def answering(answer: bytes, heads: list[bytes] | None = None) -> Serve:
    """Make a server that gives this answer."""

    async def handle(stream: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        if heads is not None:
            heads.append(head)
        await stream.send_all(answer)

    return handle


@pytest.mark.parametrize("tls", [True, False])
async def test_a_call(sockets: Sockets, tls: bool) -> None:
    """The answer comes as it is, whatever its status, and no socket is left."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen_rest(tls=tls)
        rest = HttpRest(address.url, ssl_context=address.client_ssl_context)
        answer = await ask(rest)
        assert (answer.status, answer.body[:11]) == (200, b'{"error":[]')
        assert ("content-type", "application/json") in answer.headers
        assert (await ask(rest, "/elsewhere")).status == 404
        assert list(exchange.rest.requests) == [QUERY, "/elsewhere"]
        await trio.testing.wait_all_tasks_blocked()
    assert sockets.made
    assert sockets.open() == 0


async def test_what_goes_out(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request with little in it; nothing of the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    heads: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok"
    url = await serve(nursery, answering(answer, heads))
    response = await HttpRest(url)("GET", "/a?b=c", headers={"X-Mine": "1"}, body=b"")
    assert response == RestResponse(
        200, (("content-length", "2"), ("x-a", "1"), ("x-a", "2")), b"ok"
    )
    (head,) = heads
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "get /a?b=c http/1.1"
    assert {"user-agent: kraken-trio", "accept-encoding: identity", "x-mine: 1"} <= set(lines)
    assert not any(line.startswith(("cookie", "authorization")) for line in lines)
    await HttpRest(url)("POST", "/a", headers={}, body=b"nonce=1")
    assert b"content-length: 7\r\n" in heads[1].lower()
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "answer, status",
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503),
        # No bytes are unpacked: a little can be a lot.
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 200),
    ],
)
async def test_any_status_is_an_answer(nursery: trio.Nursery, answer: bytes, status: int) -> None:
    """No redirect is followed."""
    url = await serve(nursery, answering(answer))
    assert (await ask(HttpRest(url))).status == status
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
async def test_what_is_no_answer(nursery: trio.Nursery, answer: bytes) -> None:
    """It failed, and is said in one line."""
    url = await serve(nursery, answering(answer))
    with pytest.raises(ConnectionFailed, match=r"no answer from 127\.0\.0\.1: ..."):
        await ask(HttpRest(url))
    nursery.cancel_scope.cancel()


async def test_an_endless_answer_has_an_end(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is read than an answer may have."""
    monkeypatch.setattr(rest_module, "MAX_BODY_BYTES", 100_000)

    async def flood(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            await stream.send_all(b"x" * 65_536)

    url = await serve(nursery, flood)
    with pytest.raises(ConnectionFailed, match="more than 100000 bytes"):
        await ask(HttpRest(url))
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "scheme, talk",
    [("https", b""), ("http", b""), ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")],
)
async def test_a_call_is_bounded(
    nursery: trio.Nursery, scheme: str, talk: bytes, sockets: Sockets
) -> None:
    """Whether nothing comes, not even a handshake, or a little now and then for ever."""

    async def trickle(stream: trio.SocketStream) -> None:
        await stream.send_all(talk)
        while True:
            await trio.sleep(0.01)
            await stream.send_all(b"x" if talk else b"")

    url = (await serve(nursery, trickle)).replace("http", scheme)
    listening = sockets.open()
    with trio.fail_after(5):
        with pytest.raises(ConnectionFailed, match=r"no answer from 127\.0\.0\.1 within 0\.2 s"):
            await ask(HttpRest(url, timeout_s=0.2))
        with trio.move_on_after(0.1) as scope:
            await ask(HttpRest(url))
    assert scope.cancelled_caught
    assert sockets.open() == listening
    nursery.cancel_scope.cancel()


async def test_a_call_cancelled_at_any_step_leaves_no_socket(sockets: Sockets) -> None:
    """Nor one that waits for the collector: while it connects, in the handshake, and after that."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen_rest()
        rest = HttpRest(address.url, ssl_context=address.client_ssl_context)
        listening = sockets.open()
        cancelled = step = 0
        while cancelled == step:
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    nursery.start_soon(cancel_after, step, scope)
                    await ask(rest)
                nursery.cancel_scope.cancel()
            assert sockets.open() == listening, f"cancelled at step {step}"
            cancelled += scope.cancelled_caught
            step += 1
        assert step > 10


async def cancel_after(steps: int, scope: trio.CancelScope) -> None:
    """Cancel when everybody who can has gone on so many times."""
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def test_nobody_there(names: None) -> None:
    """Whatever the reason, it is said."""
    with pytest.raises(ConnectionFailed, match=r"no answer from nothing\.invalid: .*not known"):
        await ask(HttpRest("https://nothing.invalid"))
    with pytest.raises(ConnectionFailed, match="no answer from localhost: all attempts"):
        await ask(HttpRest("http://localhost:1"))


async def test_certificates_and_names_are_verified(names: None) -> None:
    """An authority that is not trusted, and a name that the certificate is not for."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen_rest()
        with pytest.raises(ConnectionFailed, match=r"certificate is not accepted: .*issuer"):
            await ask(HttpRest(address.url))
        other = HttpRest(
            address.url.replace("localhost", "other.test"), ssl_context=address.client_ssl_context
        )
        with pytest.raises(ConnectionFailed, match="its certificate is not accepted: Hostname"):
            await ask(other)
    assert not exchange.rest.requests


def test_old_tls_is_not_spoken() -> None:
    """By default nothing below 1.2 is, whatever the system allows."""
    context = HttpRest()._ssl_context
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("path", ["", "x", "@other.test/", "https://other.test/", ":1/"])
async def test_a_path_leads_nowhere_else(path: str) -> None:
    """What would change the host is refused."""
    with pytest.raises(ValueError, match="a path begins with a slash"):
        await ask(HttpRest(), path)


@pytest.mark.parametrize("path", ["/a b\r\nX-Evil: 1", "/\x00"])
async def test_a_path_is_one_line(path: str) -> None:
    """Nothing is smuggled in."""
    with pytest.raises(ConnectionFailed, match="Invalid non-printable"):
        await ask(HttpRest("http://localhost:1"), path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.test",
        "wss://x.test",
        "x.test",
        "https://user:secret@x.test",
        "https://x.test/path",
        "https://x.test?q",
        "http://x.test",
        "",
        None,
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """Where to is never in doubt; and a secret in the wrong place is not shown."""
    with pytest.raises(ConfigurationError) as caught:
        HttpRest(url)
    assert caught.value.field == "base_url"
    assert "secret" not in str(caught.value)


def test_an_address_may_be_of_ipv6() -> None:
    """In its brackets."""
    assert rest_module._origin(HttpRest("http://[::1]:8080")._endpoint) == "http://[::1]:8080"
    assert rest_module._origin(HttpRest()._endpoint) == "https://api.kraken.com:443"


def test_without_httpx2_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is made, not when it is first called."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigurationError, match=r'pip install "kraken-trio\[rest\]"') as caught:
        HttpRest()
    assert '"kraken-trio[private]"' in caught.value.mend
