"""The sockets: slow browsers, strangers, and the end in bounded time."""

from __future__ import annotations

import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio._internal.apps.dashboard import server
from kraken_trio._internal.apps.dashboard.guard import Receive, Scope, Send
from kraken_trio._internal.apps.dashboard.server import open_server

if TYPE_CHECKING:
    from tests.apps.dashboard.conftest import Served, Serving

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BOUND_S = 5.0
"""For an end, on a machine that is slow. Without a bound of ours it would not come at all."""


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with more than any buffer of a socket holds."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more: MutableMapping[str, Any] = {"type": "http.response.body", "body": b"x" * 2**20}
    for _ in range(200):
        await send({**more, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def asking(port: int, path: str = "/", *extra: str) -> trio.SocketStream:
    """Connect, with a small window, and ask for a page."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *extra))
    await stream.send_all(f"{head}\r\n".encode())
    return stream


async def upgraded(served: Served, query: str = "?rate=30") -> trio.SocketStream:
    """Open the WebSocket, and read nothing of it but the first few bytes."""
    stream = await asking(
        served.port,
        f"/ws{query}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 101")
    return stream


async def test_a_port_that_is_taken_is_an_error() -> None:
    """And so is a host that is elsewhere, or nowhere: it is named. 0 is any port."""
    async with open_server(large, "127.0.0.1", 0) as port:
        assert port
        with pytest.raises(OSError, match=f"in use: 127.0.0.1, port {port}"):
            async with open_server(large, "127.0.0.1", port):
                pass
    async with open_server(large, "127.0.0.1", port):
        pass
    for host in ("192.0.2.1", "nowhere.invalid"):
        with pytest.raises(OSError, match=f": {host}, port 0"):
            async with open_server(large, host, 0):
                pass


async def test_it_ends_though_a_client_reads_nothing() -> None:
    """What is being sent to it is given up."""
    with trio.fail_after(60):
        async with open_server(large, "127.0.0.1", 0) as port:
            streams = [await asking(port) for _ in range(3)]
            for stream in streams:
                await stream.receive_some(1)
            await trio.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < BOUND_S
        for stream in streams:
            await trio.aclose_forcefully(stream)


async def test_it_ends_though_clients_say_nothing() -> None:
    """Not even what they want."""
    with trio.fail_after(60):
        async with open_server(large, "127.0.0.1", 0) as port:
            silent = await trio.open_tcp_stream("127.0.0.1", port)
            begun = await trio.open_tcp_stream("127.0.0.1", port)
            await begun.send_all(b"GET / HT")
            await trio.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < BOUND_S
        await trio.aclose_forcefully(silent)
        await trio.aclose_forcefully(begun)


async def test_who_takes_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; who takes what it is sent is not."""
    monkeypatch.setattr(server, "SEND_TIMEOUT_S", 0.5)
    monkeypatch.setattr(server, "_LOOK_EVERY_S", 0.1)
    with trio.fail_after(60):
        async with open_server(large, "127.0.0.1", 0) as port:
            stuck, quick = await asking(port), await asking(port)
            quick.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
            got = 0
            while data := await quick.receive_some(2**16):
                got += len(data)
                if got > 200 * 2**20:
                    break
            await trio.sleep(1)
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await stuck.send_all(b"x" * 2**16)
            await trio.aclose_forcefully(stuck)
            await trio.aclose_forcefully(quick)


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MASK = b"\0\0\0\0"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff" * 500,
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        HANDSHAKE.replace(b"13", b"99"),
        HANDSHAKE + b"\x81\x82" + MASK + b"\xff\xfe",
        HANDSHAKE + b"\x83\x81" + MASK + b"x",
        HANDSHAKE + b"\x81\xff" + (2**20).to_bytes(8, "big") + MASK + b"x" * 2**20,
        HANDSHAKE + b"\x81\x05",
    ],
    ids=range(9),
)
async def test_a_strangers_bytes_end_no_more_than_his_connection(
    serving: Serving, data: bytes
) -> None:
    """What is no request at all, and a WebSocket that breaks the rules before it is one."""
    async with serving() as served:
        stream = await trio.open_tcp_stream("127.0.0.1", served.port)
        with suppress(trio.BrokenResourceError):
            await stream.send_all(data)
            with trio.move_on_after(0.5):
                while await stream.receive_some():
                    pass
        await trio.aclose_forcefully(stream)
        assert (await served.get("/healthz")).status_code == 200
        await served.until(lambda: not served.board.browsers)


@pytest.mark.parametrize(
    "begin, then",
    [
        (HANDSHAKE + b"\x01\x81" + MASK + b"x", b"\x00\xfe\xea\x60" + MASK + b"y" * 60_000),
        (HANDSHAKE, (b"\x89\x84" + MASK + b"ping") * 1000),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
            b"x" * 65536,
        ),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 1000),
        (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100),
    ],
    ids=["fragments", "pings", "body", "head", "requests"],
)
async def test_who_sends_much_is_hung_up_on(serving: Serving, begin: bytes, then: bytes) -> None:
    """A page asks for little; a message that never ends would else grow in memory."""
    async with serving() as served:
        stream = await trio.open_tcp_stream("127.0.0.1", served.port)
        async with trio.open_nursery() as nursery:

            async def drain() -> None:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    while await stream.receive_some():
                        pass

            nursery.start_soon(drain)
            with pytest.raises(trio.BrokenResourceError):
                await stream.send_all(begin)
                while True:
                    await stream.send_all(then)
            nursery.cancel_scope.cancel()
        await trio.aclose_forcefully(stream)
        assert (await served.get("/healthz")).status_code == 200


async def test_too_many_connections_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there are served; one that goes makes room."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    with trio.fail_after(60):
        async with open_server(large, "127.0.0.1", 0) as port:
            first = await asking(port)
            await first.receive_some(1)
            second = await asking(port)
            await second.receive_some(1)
            third = await asking(port)
            with pytest.raises(trio.BrokenResourceError):
                if not await third.receive_some(1):
                    raise trio.BrokenResourceError
            await trio.aclose_forcefully(first)
            await trio.aclose_forcefully(third)
            while True:
                again = await asking(port)
                try:
                    if await again.receive_some(1):
                        break
                except trio.BrokenResourceError:
                    pass
                await trio.aclose_forcefully(again)
            await trio.aclose_forcefully(again)
            await trio.aclose_forcefully(second)


async def test_a_slow_browser_does_not_slow_the_feed(serving: Serving) -> None:
    """It reads nothing; the others are told as before, nothing is dropped, nothing piles up."""
    async with serving() as served, await upgraded(served), served.browser("?rate=30") as quick:
        await quick.ask("frames", on=True, filter={})
        # Enough is put into its log that no buffer of a socket holds what it would be sent.
        for number in range(30):
            for line in range(200):
                text = f"{number} {line} " + "x" * 180
                served.origin.view.chronicle.write("error", text, time=0, detail="y" * 190)
            last = f"{number} 199 "
            while not any(line["text"].startswith(last) for line in quick.view["log"]):
                await quick.hear()
        statistics = served.origin.feed.statistics()
        assert (statistics.dropped, statistics.gaps) == (0, {})
        assert served.board.browsers == 2
        # It is behind, and nothing but that is kept for it.
        told = [browser.delta._line for browser in served.board._browsers]
        assert min(told) < served.origin.view.chronicle.last - 2_000
        assert [len(browser.answers) for browser in served.board._browsers] == [0, 0]
        before = statistics.frames
        while served.origin.feed.statistics().frames < before + 20:
            await quick.hear()


async def test_a_browser_that_is_gone_is_noticed(serving: Serving) -> None:
    """However it went."""
    async with serving() as served:
        stream = await upgraded(served)
        await served.until(lambda: served.board.browsers)
        await trio.aclose_forcefully(stream)
        await served.until(lambda: not served.board.browsers)
        assert served.pairs.channels == ()
