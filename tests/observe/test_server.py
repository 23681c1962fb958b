"""The page over HTTP: what is served, to whom, and for how long."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.observe import server
from kraken_trio._internal.observe.server import (
    CLIENT_TIMEOUT_S,
    COMPLAINT_PAUSE_S,
    MAX_HEAD_BYTES,
    MOST_CLIENTS,
    Guarded,
    serve_client,
    serve_metrics,
    serve_registry,
)
from kraken_trio.extended import Latency
from tests.observe.conftest import Open
from tests.observe.test_prometheus import families, value

extra = pytest.mark.extra("metrics")  # noqa: S610 - a mark of pytest, no query of Django


def page(accepted: str) -> tuple[bytes, str]:
    """Give what was accepted."""
    return accepted.encode(), "text/plain"


async def asked(request: bytes, *, byte_by_byte: bool = False) -> tuple[str, bytes]:
    """Give the first line and the body of the answer to a request."""
    ours, theirs = trio.testing.memory_stream_pair()
    got = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_client, theirs, page)
        parts = [request[at : at + 1] for at in range(len(request))] if byte_by_byte else [request]
        for part in parts:
            await ours.send_all(part)
        async for answer in ours:
            got += answer
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    if head and not request.startswith(b"HEAD"):
        assert int(fields["content-length"]) == len(body)
        assert fields["connection"] == "close"
    return head.decode().partition("\r\n")[0], body


@pytest.mark.parametrize("byte_by_byte", [False, True])
async def test_the_page_is_what_the_client_accepts(byte_by_byte: bool) -> None:
    """However its request comes; a query is nobody's matter."""
    request = b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\naccept:  a/b \r\n\r\n"
    line, body = await asked(request, byte_by_byte=byte_by_byte)
    assert (line, body) == ("HTTP/1.1 200 OK", b"text/plain,a/b")
    assert await asked(b"HEAD /metrics HTTP/1.0\r\n\r\n") == ("HTTP/1.1 200 OK", b"")


@pytest.mark.parametrize(
    "request_, status",
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"GET /metrics\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics HTTP/2\r\n\r\n", "400 Bad Request"),
        (b"\xff\x00\r\n\r\n", "400 Bad Request"),
        (b"\r\n\r\n", "431 Request Header Fields Too Large"),
        (b"x" * (MAX_HEAD_BYTES + 1), "431 Request Header Fields Too Large"),
        (
            b"GET /metrics HTTP/1.1\r\nx: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
            "431 Request Header Fields Too Large",
        ),
    ],
)
async def test_anything_else_is_refused(request_: bytes, status: str) -> None:
    """With the status that says why."""
    line, _ = await asked(request_)
    assert line == f"HTTP/1.1 {status}"


async def test_one_who_says_nothing_is_not_waited_for(autojump_clock: trio.abc.Clock) -> None:
    """Nor one who leaves."""
    ours, theirs = trio.testing.memory_stream_pair()
    start = trio.current_time()
    await serve_client(theirs, page)
    assert trio.current_time() - start == pytest.approx(CLIENT_TIMEOUT_S)
    with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
        await ours.send_all(b"x")
    ours, theirs = trio.testing.memory_stream_pair()
    await ours.send_all(b"GET /me")
    await ours.aclose()
    await serve_client(theirs, page)


async def fetch(port: int, accept: str = "") -> tuple[str, str]:
    """Get the page over a socket: its head and its body."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(f"GET /metrics HTTP/1.1\r\naccept: {accept}\r\n\r\n".encode())
        got = bytearray()
        async for part in stream:
            got += part
    head, _, body = got.decode().partition("\r\n\r\n")
    return head, body


@extra
async def test_a_feed_is_served_as_long_as_the_task_lives(opened: Open) -> None:
    """On any port, over sockets, in either format; cancelled, the port is free at once."""
    async with opened(Latency()) as (_, feed), feed.book("BTC/USD") as book:
        for _ in range(10):
            await book.receive()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve_metrics, feed, 0)
            head, body = await fetch(port)
            assert head.startswith("HTTP/1.1 200 OK")
            assert "text/plain; version=" in head
            found = families(body).values()
            frames = value(found, "kraken_frames_received_total")
            assert 10 < frames <= feed.statistics().frames
            head, body = await fetch(port, "application/openmetrics-text; version=1.0.0")
            assert "application/openmetrics-text" in head
            assert body.endswith("# EOF\n")
            with pytest.raises(OSError, match="in use"):
                await serve_metrics(feed, port)
            nursery.cancel_scope.cancel()
        with pytest.raises(OSError, match="all attempts to connect"):
            await fetch(port)


@extra
async def test_a_registry_is_shown_with_all_that_is_in_it(opened: Open) -> None:
    """And the feed is in it no longer than it is served."""
    from prometheus_client import CollectorRegistry, Counter, generate_latest  # noqa: PLC0415

    registry: Any = CollectorRegistry()
    Counter("mine", "Mine.", registry=registry).inc(3)
    async with opened() as (_, feed), trio.open_nursery() as nursery:
        port = await nursery.start(
            partial(serve_metrics, feed, 0, registry=registry, name="one", most_symbols=1)
        )
        other = await nursery.start(serve_registry, registry, 0)
        pages = [await fetch(each) for each in (port, other)]
        for _, body in pages:
            assert value(families(body).values(), "mine_total") == 3
            assert value(families(body).values(), "kraken_trades_repeated_total", feed="one") == 0
        nursery.cancel_scope.cancel()
    assert "kraken_" not in generate_latest(registry).decode()


@extra
async def test_strangers_wait_for_each_other_and_not_for_ever(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some who say nothing keep others out for as long as they may, and no longer."""
    monkeypatch.setattr(server, "CLIENT_TIMEOUT_S", 0.1)
    async with opened() as (_, feed), trio.open_nursery() as nursery:
        port = await nursery.start(serve_metrics, feed, 0)
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(MOST_CLIENTS)]
        with trio.fail_after(CLIENT_TIMEOUT_S):
            head, _ = await fetch(port)
        assert head.startswith("HTTP/1.1 200 OK")
        for stream in silent:
            await stream.aclose()
        nursery.cancel_scope.cancel()


@extra
async def test_strangers_that_wait_hold_nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait in the system's queue, and take no file that a feed needs to connect again; when
    one leaves, the next is served.
    """
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra

    accepted: list[trio.SocketStream] = []
    usual = trio.SocketListener.accept

    async def accept(listener: trio.SocketListener) -> trio.SocketStream:
        accepted.append(await usual(listener))
        return accepted[-1]

    monkeypatch.setattr(trio.SocketListener, "accept", accept)
    registry: Any = CollectorRegistry()
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_registry, registry, 0)
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(MOST_CLIENTS + 20)]
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(accepted) == MOST_CLIENTS
        await silent[0].aclose()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(accepted) == MOST_CLIENTS + 1
        for stream in silent:
            await stream.aclose()
        head, _ = await fetch(port)
        assert head.startswith("HTTP/1.1 200 OK")
        assert len(accepted) == MOST_CLIENTS + 21
        nursery.cancel_scope.cancel()


class Broken:
    """A collector of somebody else."""

    def describe(self) -> list[Any]:
        """Describe nothing, or it would be asked as it is registered."""
        return []

    def collect(self) -> list[Any]:
        """Fail."""
        raise RuntimeError("somebody else's")


@extra
async def test_what_a_collector_raises_is_an_answer_and_ends_nothing(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """The client has 500, the log one line, and the feed and the page go on."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra

    registry: Any = CollectorRegistry()
    broken: Any = Broken()
    registry.register(broken)
    async with (
        opened() as (_, feed),
        feed.book("BTC/USD") as book,
        trio.open_nursery() as nursery,
    ):
        port = await nursery.start(partial(serve_metrics, feed, 0, registry=registry))
        for _ in range(3):
            head, body = await fetch(port)
            assert head.startswith("HTTP/1.1 500 Internal Server Error")
            assert body == "Internal Server Error\n"
        await book.receive()
        registry.unregister(broken)
        head, _ = await fetch(port)
        assert head.startswith("HTTP/1.1 200 OK")
        nursery.cancel_scope.cancel()
    (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert line.getMessage() == "scrape_failed: RuntimeError; 1 of late"
    assert (vars(line)["event"], vars(line)["failed"]) == ("scrape_failed", 1)
    assert line.exc_info


def test_pages_that_fail_are_told_of_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """With how many there were since the line before."""

    def fail(accepted: str) -> tuple[bytes, str]:
        raise ValueError(accepted)

    moments = iter((0.0, 1.0, 2.0, COMPLAINT_PAUSE_S, COMPLAINT_PAUSE_S + 1))
    guarded = Guarded(fail, lambda: next(moments))
    for _ in range(5):
        assert guarded("text/plain") is None
    assert [vars(line)["failed"] for line in caplog.records] == [1, 3]
