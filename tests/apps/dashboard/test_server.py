"""The sockets: slow browsers, strangers, and the end in bounded time."""

from __future__ import annotations

import socket
import time
from collections.abc import MutableMapping
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
    """And so is a host that is elsewhere; 0 is any port."""
    async with open_server(large, "127.0.0.1", 0) as port:
        assert port
        with pytest.raises(OSError, match="in use"):
            async with open_server(large, "127.0.0.1", port):
                pass
    async with open_server(large, "127.0.0.1", port):
        pass
    with pytest.raises(OSError):  # noqa: PT011 - each system says it in its own words
        async with open_server(large, "192.0.2.1", 0):
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
