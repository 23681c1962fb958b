"""What one message at a time costs, step by step: what an event loop takes before anybody decodes.

    python benchmarks/turns.py [--quick] [--rate N] [--seconds N] [--runs N] [--json FILE] [--page]

The server of ``paced.py`` sends updates of books one by one. They are read from a socket in more
and more of the ways of the library: asyncio and Trio with nothing above them, which cut the frames
and no more; then a second task is told of each; then they are decoded and verified before it is;
and last the whole client. Of each way the latency is given, from the send to where it ends, and
what it takes of a processor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import trio

from figures import show, spread, table
from flood_server import TEXT, framed
from kraken_trio import Channel, Timestamp
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.frames import FrameSplitter
from machine import machine, write
from paced import OURS, measure
from pacing import Plan, Server, Wanted, quantile, serving

PAIRS, DEPTH = 4, 10
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec")
READ_BYTES = 64 * 1024
QUICK_S = 0.2
MASKED, NO_MASK = 0x80, bytes(4)
"""What a client's frame has; a mask of zeros changes nothing."""
UPDATE = b'{"channel":"book","type":"update"'

Sink = Callable[[bytes], None]
"""Takes each message."""


class Done(Exception):
    """All messages were in hand."""


class Hand:
    """Where updates end: notes when, and what of a processor they took."""

    def __init__(self, messages: int) -> None:
        """Nothing is there yet."""
        self._messages = messages
        self._cpu = 0.0
        self.moments = array("q")

    def take(self, payload: bytes) -> None:
        """Take a message; raise ``Done`` at the last update."""
        if payload.startswith(UPDATE):
            self.moments.append(time.monotonic_ns())
            if len(self.moments) == 1:
                self._cpu = time.process_time()
            elif len(self.moments) == self._messages:
                self._cpu = time.process_time() - self._cpu
                raise Done

    @property
    def cpu_us(self) -> float:
        """For a message."""
        return self._cpu / (len(self.moments) - 1) * 10**6


def opened(server: Server) -> socket.socket:
    """Connect, upgrade, and subscribe to all books."""
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname, address.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"GET /0/v2 HTTP/1.1\r\nSec-WebSocket-Key: bm90aGluZyBuZXcgaGVyZQ==\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    params = {"channel": "book", "symbol": server.symbols, "depth": DEPTH}
    frame = framed(json.dumps({"method": "subscribe", "params": params}).encode(), TEXT)
    body = 2 if frame[1] < 126 else 4  # noqa: PLR2004 - RFC 6455 section 5.2
    connection.sendall(
        frame[:1] + bytes((frame[1] | MASKED,)) + frame[2:body] + NO_MASK + frame[body:]
    )
    connection.settimeout(0)
    return connection


async def by_callback(connection: socket.socket, hand: Hand) -> None:
    """Read in a callback of asyncio, as its protocols do."""
    splitter, done = FrameSplitter(), asyncio.get_running_loop().create_future()

    def read() -> None:
        splitter.feed(connection.recv(READ_BYTES))
        try:
            for payload in splitter.next_messages():
                hand.take(payload)
        except Done:
            done.set_result(None)

    asyncio.get_running_loop().add_reader(connection, read)
    await done
    asyncio.get_running_loop().remove_reader(connection)


async def by_task(connection: socket.socket, hand: Hand) -> None:
    """Read in a task of asyncio."""
    await read_all(connection, hand.take, asyncio_read)


async def asyncio_read(connection: socket.socket) -> bytes:
    """Read once."""
    return await asyncio.get_running_loop().sock_recv(connection, READ_BYTES)


async def trio_read(connection: socket.socket) -> bytes:
    """Wait, and read."""
    await trio.lowlevel.wait_readable(connection)
    return connection.recv(READ_BYTES)


async def read_all(
    connection: socket.socket, sink: Sink, read: Callable[[socket.socket], Awaitable[bytes]]
) -> None:
    """Read until all is there."""
    splitter = FrameSplitter()
    try:
        while True:
            splitter.feed(await read(connection))
            for payload in splitter.next_messages():
                sink(payload)
    except Done:
        pass


async def in_one_task(connection: socket.socket, hand: Hand) -> None:
    """Read in a task of Trio."""
    await read_all(connection, hand.take, trio_read)


async def in_two_tasks(
    connection: socket.socket, hand: Hand, verify: Callable[[bytes], object] = bytes
) -> None:
    """Read in a task of Trio, and tell a second one of each message."""
    send, receive = trio.open_memory_channel[bytes](1000)

    def tell(payload: bytes) -> None:
        verify(payload)
        send.send_nowait(payload)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_all, connection, tell, trio_read)
        try:
            async for payload in receive:
                hand.take(payload)
        except Done:
            nursery.cancel_scope.cancel()


async def verified(connection: socket.socket, hand: Hand, symbols: list[str]) -> None:
    """Decode and verify each message before the second task is told."""
    engine = Engine(V2Decoder())
    for symbol in symbols:
        engine.open(Channel.book(symbol, depth=DEPTH)).join(lambda _item: None)

    def feed(payload: bytes) -> None:
        engine.feed(payload, Timestamp(time.time_ns()))

    await in_two_tasks(connection, hand, feed)
    if engine.checksums_ok < len(hand.moments):
        sys.exit(f"only {engine.checksums_ok} of {len(hand.moments)} verified")


def ways(server: Server) -> dict[str, Callable[[socket.socket, Hand], None]]:
    """Give what is measured, by name."""
    return {
        "asyncio, a callback": lambda at, hand: asyncio.run(by_callback(at, hand)),
        "asyncio, a task": lambda at, hand: asyncio.run(by_task(at, hand)),
        "Trio, a task": lambda at, hand: trio.run(in_one_task, at, hand),
        "Trio, a second task is told": lambda at, hand: trio.run(in_two_tasks, at, hand),
        "and all is verified": lambda at, hand: trio.run(verified, at, hand, server.symbols),
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=1000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=2, help="of sending, for each way")
    parser.add_argument("--runs", type=int, default=5, help="of each way")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.runs = QUICK_S, 1
    plan = Plan(int(given.rate * given.seconds), given.rate)
    found: dict[str, list[tuple[float, float]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Wanted(PAIRS, (plan,), depth=DEPTH)) as server,
    ):
        for _ in range(given.runs):
            for name, way in ways(server).items():
                hand = Hand(plan.messages)
                with opened(server) as connection:
                    way(connection, hand)
                late = sorted(
                    (moment - went) / 1000
                    for moment, went in zip(hand.moments, server.sent().went, strict=True)
                )
                found.setdefault(name, []).append((quantile(late, 0.5), hand.cpu_us))
            whole = measure(OURS, server, 0, plan, Path(folder))
            assert whole is not None  # noqa: S101 - it is installed
            found.setdefault("the whole client", []).append((whole["p50"], whole["cpu_us"]))
    rows: list[list[str]] = []
    for name, runs in found.items():
        rows.append([name, *(spread(values) for values in zip(*runs, strict=True))])
    where = machine(*PACKAGES)
    heads = [f"{given.rate:,.0f} messages/s, one by one", "p50 us", "CPU us/message"]
    show("turns", where, table(heads, rows), to_page=given.page)
    write(given.json, where, found, rate=given.rate, seconds=given.seconds)


if __name__ == "__main__":
    main()
