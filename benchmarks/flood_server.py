"""The other end of the flood: sends messages that were made beforehand, as fast as they go.

    python flood_server.py DEPTH MESSAGES SEED [--pairs N] [--mixed] [--capture FILE] [--tls FOLDER]
                           [--tell COUNT ...]

Prints its URL when it listens, and in a line of JSON how many records there are in as many messages
as ``--tell`` says; then it serves clients until it is killed: status, acknowledgements,
snapshots, and as soon as all is subscribed to that it has, the messages in one piece. They are
the books of so many pairs, with ``--mixed`` their trades and tickers too, or with ``--capture``
those of a file, from its snapshots on. It sends as many messages as the client's path says, as in
``/2000/v2``: some libraries read ahead without bounds, and what they are not measured on must not
cost them anything. If there are not so many it begins again, which is for those who keep no books.

It speaks just enough of WebSocket for that, on blocking sockets, so it takes next to no time of
the processor that the client is measured on. With ``--tls`` the certificate to trust is put into
that folder.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from captured import Captured
from kraken_trio.testing import (
    USUAL_PAIRS,
    Market,
    MarketPair,
    market_pairs,
    pong_frame,
    status_frame,
    success_frame,
)

PAIRS = USUAL_PAIRS[:4]
CERTIFICATE = "ca.pem"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
"""Opcodes (RFC 6455 section 11.8)."""


def framed(payload: bytes, opcode: int = TEXT) -> bytes:
    """Put a message into one frame, as servers do: without a mask (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - the RFC's own numbers
        head = bytes((0x80 | opcode, size))
    elif size < 2**16:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


class Flood:
    """Everything that is sent, made beforehand."""

    def __init__(self, openings: dict[tuple[str, str], bytes], messages: Iterable[bytes]) -> None:
        """Take snapshots, and what comes after them."""
        self.openings = {topic: framed(raw) if raw else b"" for topic, raw in openings.items()}
        """What each subscription begins with, by channel and symbol."""
        raws = list(messages)
        frames = [framed(raw) for raw in raws]
        self._frames = memoryview(b"".join(frames))
        self._ends = [0, *itertools.accumulate(map(len, frames))]
        # One message may have several trades, and one of anything else.
        self._records = [max(1, raw.count(b'"trade_id":')) for raw in raws]

    def records(self, count: int) -> int:
        """How many records so many messages have."""
        return sum(self._records[:count])

    def updates(self, count: int) -> Iterator[memoryview]:
        """The first so many messages; they begin again if there are less."""
        while count > 0:
            some = min(count, len(self._ends) - 1)
            yield self._frames[: self._ends[some]]
            count -= some


def market_flood(
    depth: int, messages: int, seed: int, *, pairs: Sequence[MarketPair] = PAIRS, mixed: bool
) -> Flood:
    """Let a market go on until it has given so many messages: of books, or of trades too."""
    market = Market(pairs, seed=seed, start=time.time_ns())
    openings: dict[tuple[str, str], bytes] = {}
    for symbol in market.symbols:
        openings["book", symbol] = market.book_snapshot(symbol, depth)
        market.watch(symbol, depth)
        if mixed:
            openings["trade", symbol] = b""
            openings["ticker", symbol] = market.ticker_snapshot(symbol)
            market.watch_ticker(symbol, "trades")
    channels = {channel for channel, _ in openings}
    frames: list[bytes] = []
    while len(frames) < messages:
        frames += [each.frame for each in market.step() if each.channel in channels]
    return Flood(openings, frames[:messages])


def captured_flood(book: Captured) -> Flood:
    """Take the messages of a file."""
    return Flood({("book", symbol): raw for symbol, raw in book.snapshots.items()}, book.updates)


class Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Read through a buffer, write at once."""
        self._connection = connection
        self._reader = connection.makefile("rb")

    def serve(self, flood: Flood) -> None:
        """Do everything, until the client hangs up."""
        wanted = self._upgrade()
        self._connection.sendall(framed(status_frame(connection_id=2**53 + 1)))
        missing = set(flood.openings)
        while True:
            opcode, payload = self._read()
            if opcode == CLOSE:
                self._connection.sendall(framed(payload[:2], CLOSE))
                return
            if opcode == PING:
                self._connection.sendall(framed(payload, PONG))
            if opcode != TEXT:
                continue
            request = json.loads(payload)
            if request["method"] == "ping":
                pong = pong_frame(time.time_ns(), req_id=request.get("req_id"))
                self._connection.sendall(framed(pong))
            elif request["method"] == "subscribe":
                answered = self._subscribe(request, flood)
                if answered & missing:
                    missing -= answered
                    for some in () if missing else flood.updates(wanted):
                        self._connection.sendall(some)

    def _subscribe(self, request: dict[str, Any], flood: Flood) -> set[tuple[str, str]]:
        """Answer for each symbol; give what was subscribed to."""
        params, answered = request["params"], set()
        for symbol in params["symbol"]:
            result = {"snapshot": True, **params, "symbol": symbol}
            now, req_id = time.time_ns(), request.get("req_id")
            answer = framed(success_frame("subscribe", result, now, req_id=req_id))
            self._connection.sendall(answer + flood.openings[params["channel"], symbol])
            answered.add((params["channel"], symbol))
        return answered

    def _upgrade(self) -> int:
        """Open the WebSocket, and give the number in its path."""
        key = b""
        _, path, _ = self._reader.readline().split()
        while (line := self._reader.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - the RFC's
        self._connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return int(path.split(b"/")[1])

    def _read(self) -> tuple[int, bytes]:
        """Read a frame. A client's has a mask, and what it asks for fits into one."""
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:  # noqa: PLR2004 - as above
            (size,) = struct.unpack("!H", self._take(2))
        mask, masked = self._take(4), self._take(size)
        return first & 0xF, bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))

    def _take(self, size: int) -> bytes:
        data = self._reader.read(size)
        if len(data) < size:
            raise ConnectionResetError
        return data


def secured(folder: Path) -> ssl.SSLContext:
    """Make a certificate for this machine, and tell the client whom to trust."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def serve(connection: socket.socket, context: ssl.SSLContext | None, flood: Flood) -> None:
    """Serve one client."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # It may just hang up.
        stack.enter_context(connection)
        if context:
            connection = stack.enter_context(context.wrap_socket(connection, server_side=True))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Client(connection).serve(flood)


def main() -> None:
    """Make the flood, and let clients come."""
    parser = argparse.ArgumentParser()
    parser.add_argument("depth", type=int)
    parser.add_argument("messages", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--mixed", action="store_true")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--tell", type=int, nargs="+", default=[])
    given = parser.parse_args()
    if given.capture:
        flood = captured_flood(Captured.read(given.capture))
    else:
        made = given.depth, given.messages, given.seed
        flood = market_flood(*made, pairs=market_pairs(given.pairs), mixed=given.mixed)
    context = secured(given.tls) if given.tls else None
    with socket.create_server(("127.0.0.1", 0)) as server:
        scheme = "wss" if context else "ws"
        print(f"{scheme}://localhost:{server.getsockname()[1]}")
        print(json.dumps([flood.records(count) for count in given.tell]), flush=True)
        while True:
            connection, _ = server.accept()
            # Not every client ends its connection before it opens the next one.
            arguments = connection, context, flood
            threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
