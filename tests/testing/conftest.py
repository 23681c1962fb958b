"""What the tests of this room share: a plain client that knows nothing of the library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.doors import Doors, ExchangeAddress
from kraken_trio._internal.wire.requests import RequestFrame


class Sessions:
    """What a listing says of tokens and trading: one token is bad, and nothing is traded."""

    def __init__(self) -> None:
        """Nothing was shown yet."""
        self.held: list[str] = []

    def trade(self, frame: RequestFrame, now: int) -> tuple[bytes, ...]:
        """Answer with what was asked."""
        return (b"%s at %d" % ((frame.method or "").encode(), now),)

    def session_refusal(self, token: Secret) -> str | None:
        """Refuse the bad one."""
        return "ESession:Invalid session" if token.reveal() == "bad" else None

    def hold_session(self, token: Secret) -> None:
        """Note it."""
        self.held.append(token.reveal())

    def release_session(self, token: Secret) -> None:
        """Note it."""
        self.held.remove(token.reveal())


class Client:
    """A client of a simulated exchange, in memory."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        """Speak through ``websocket``."""
        self.websocket = websocket

    async def ask(
        self, method: str, params: dict[str, object] | None = None, req_id: int | None = None
    ) -> None:
        """Send a request."""
        members = {"method": method, "params": params, "req_id": req_id}
        request = {name: value for name, value in members.items() if value is not None}
        await self.websocket.send_message(json.dumps(request))

    async def subscribe(self, channel: str, *symbols: str, **options: object) -> None:
        """Ask for a subscription, without waiting for an answer."""
        params: dict[str, object] = {"channel": channel, **options}
        await self.ask("subscribe", {**params, "symbol": symbols} if symbols else params)

    async def raw(self) -> bytes:
        """Wait for the next message, as it came."""
        message = await self.websocket.get_message()
        return message.encode() if isinstance(message, str) else message

    async def next(self) -> Any:
        """Wait for the next message, decoded, with numbers that have a point as text."""
        return json.loads(await self.raw(), parse_float=str)

    async def acks(self, count: int) -> list[Any]:
        """Wait for some answers, and pass over what comes between them."""
        found: list[Any] = []
        while len(found) < count:
            message = await self.next()
            if "method" in message:
                found.append(message)
        return found


async def dialled(exchange: Doors | ExchangeAddress, host: str) -> trio.abc.Stream:
    """Connect in memory, or through a socket."""
    if isinstance(exchange, Doors):
        return await exchange.dial(host, 443, tls=True)
    parts = urlsplit(exchange.url)
    assert parts.hostname is not None
    assert parts.port is not None
    if exchange.client_ssl_context is None:
        return await trio.open_tcp_stream(parts.hostname, parts.port)
    return await trio.open_ssl_over_tcp_stream(
        parts.hostname, parts.port, ssl_context=exchange.client_ssl_context, https_compatible=True
    )


Connect = Callable[..., AbstractAsyncContextManager[Client]]
"""Opens a client, at a host where it is given one; the status that greets it is taken off."""


@pytest.fixture
def connect() -> Connect:
    """Give what opens clients of an exchange."""

    @asynccontextmanager
    async def opened(
        exchange: Doors | ExchangeAddress, host: str = "ws.kraken.com"
    ) -> AsyncIterator[Client]:
        async with trio.open_nursery() as nursery:
            stream = await dialled(exchange, host)
            client = Client(
                await wrap_client_stream(
                    nursery, cast("trio.SocketStream", stream), "localhost", "/v2"
                )
            )
            assert (await client.next())["channel"] == "status"
            try:
                yield client
            finally:
                nursery.cancel_scope.cancel()
                await trio.aclose_forcefully(stream)

    return opened
