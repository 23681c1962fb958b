"""A TCP connection, as a stream that waits before it reads.

Knows one socket. trio's own stream reads first and waits when there was nothing, which is right
for who asks in order to get what is there. A feed asks when it has taken everything, so there it
is a failed call and an exception for each message; and a read that did succeed pays for a
checkpoint of its own. Waiting first costs neither. Here, and not above TLS, is also where quick
messages gather: what TLS has and has not given yet must not wait again.
"""

from __future__ import annotations

import socket
from operator import index

import trio

from kraken_trio._internal.core.gather import Gather

READ_BYTES = 64 * 1024
"""What one read may bring: some 300 messages. TLS gives at most 16 KiB."""


class TcpStream(trio.abc.HalfCloseableStream):
    """A stream on a TCP socket; what it does not say differs in nothing from trio's own."""

    __slots__ = ("_buffer", "_gather", "_raw", "_stream")

    def __init__(self, stream: trio.SocketStream, read_window_s: float = 0.0) -> None:
        """Take over the socket of ``stream``, which is of no use after that.

        What comes quickly gathers for ``read_window_s``.
        """
        self._gather = Gather(read_window_s)
        old = stream.socket
        # All three are named, or it would ask the system, which may fail, and lose the socket.
        kind = {"family": old.family, "type": old.type, "proto": old.proto}
        self._raw = socket.socket(**kind, fileno=old.detach())
        # Its methods are called where they cannot block; it is closed by the stream.
        self._raw.settimeout(0)
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(self._raw))
        self._buffer = memoryview(bytearray(READ_BYTES))

    @property
    def socket(self) -> trio.socket.SocketType:
        """As trio's own stream has it, for its options and addresses."""
        return self._stream.socket

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait until something is there, and give it; empty at the end.

        Gives at most ``max_bytes`` or ``READ_BYTES``, whichever is less. Raises as
        ``trio.SocketStream`` does.
        """
        limit = READ_BYTES if max_bytes is None else min(index(max_bytes), READ_BYTES)
        if limit < 1:
            raise ValueError(f"max_bytes must be above 0, is {max_bytes}")
        gather = self._gather
        waited = gather.until > trio.current_time()
        if waited:
            await trio.sleep_until(gather.until)
        while True:
            if self._raw.fileno() < 0:
                await trio.lowlevel.checkpoint()
                raise trio.ClosedResourceError("this socket was closed")
            await trio.lowlevel.wait_readable(self._raw)
            try:
                size = self._raw.recv_into(self._buffer, limit)
            except BlockingIOError:
                continue  # The system may say so without cause.
            except OSError as error:
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
            gather.note(size, trio.current_time(), waited=waited)
            return bytes(self._buffer[:size])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As ``trio.SocketStream``."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As ``trio.SocketStream``."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """As ``trio.SocketStream``."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """As ``trio.SocketStream``."""
        await self._stream.aclose()
