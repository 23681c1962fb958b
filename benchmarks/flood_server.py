"""The other end of the flood: sends book messages that were made beforehand, as fast as they go.

    python flood_server.py DEPTH MESSAGES SEED [--tls FOLDER]

Prints its URL when it listens, then serves one client after the other until it is killed: status,
acknowledgements, snapshots, and as soon as every pair is subscribed to, the messages in one piece.
Of these it sends as many as the client's path says, as in ``/2000/v2``: some libraries read ahead
without bounds, and what they are not measured on must not cost them anything.

It speaks just enough of WebSocket for that, on a blocking socket, so it takes next to no time of
the processor that the client is measured on. With ``--tls`` the certificate to trust is put into
that folder.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import socket
import ssl
import struct
import time
from pathlib import Path

from kraken_trio.testing import USUAL_PAIRS, Market, pong_frame, status_frame, success_frame

PAIRS = USUAL_PAIRS[:4]
CERTIFICATE = "ca.pem"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


def framed(payload: bytes, opcode: int = _TEXT) -> bytes:
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

    def __init__(self, depth: int, messages: int, seed: int) -> None:
        """Let a market go on until it has given so many messages."""
        market = Market(PAIRS, seed=seed, start=time.time_ns())
        self.depth = depth
        self.snapshots: dict[str, bytes] = {}
        for symbol in market.symbols:
            self.snapshots[symbol] = framed(market.book_snapshot(symbol, depth))
            market.watch(symbol, depth)
        frames: list[bytes] = []
        while len(frames) < messages:
            frames += [framed(e.frame) for e in market.step() if e.channel == "book"]
        self._frames = b"".join(frames)
        self._ends = [0, *itertools.accumulate(map(len, frames))]

    def updates(self, count: int) -> memoryview:
        """The first so many messages."""
        return memoryview(self._frames)[: self._ends[count]]


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
        missing = set(flood.snapshots)
        while True:
            opcode, payload = self._read()
            if opcode == _CLOSE:
                self._connection.sendall(framed(payload[:2], _CLOSE))
                return
            if opcode == _PING:
                self._connection.sendall(framed(payload, _PONG))
            if opcode != _TEXT:
                continue
            request = json.loads(payload)
            if request["method"] == "ping":
                pong = pong_frame(time.time_ns(), req_id=request.get("req_id"))
                self._connection.sendall(framed(pong))
            elif request["params"].get("channel") == "book":
                for symbol in request["params"]["symbol"]:
                    self._connection.sendall(self._answer(request, symbol, flood))
                    missing.discard(symbol)
                if not missing:
                    self._connection.sendall(flood.updates(wanted))

    def _answer(self, request: dict[str, int], symbol: str, flood: Flood) -> bytes:
        result = {"channel": "book", "symbol": symbol, "depth": flood.depth, "snapshot": True}
        now, req_id = time.time_ns(), request.get("req_id")
        acknowledged = success_frame("subscribe", result, now, req_id=req_id)
        return framed(acknowledged) + flood.snapshots[symbol]

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


def main() -> None:
    """Make the flood, and let clients come."""
    parser = argparse.ArgumentParser()
    parser.add_argument("depth", type=int)
    parser.add_argument("messages", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--tls", type=Path)
    given = parser.parse_args()
    flood = Flood(given.depth, given.messages, given.seed)
    context = secured(given.tls) if given.tls else None
    with socket.create_server(("127.0.0.1", 0)) as server:
        scheme = "wss" if context else "ws"
        print(f"{scheme}://localhost:{server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            try:
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    Client(connection).serve(flood)
            except OSError:
                pass  # The client has enough, and hung up.


if __name__ == "__main__":
    main()
