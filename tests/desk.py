"""The exchange's private hosts in a few lines: tokens over REST, account channels, level 3.

It shares no code with the library, nor with its simulated exchange. Whatever it does to a client
is done by a test that says so.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from kraken_trio import KrakenConfig
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio.extended import RestResponse

KEY = "AKeyThatNobodyMustEverSee0123456789"
SECRET = "QVNlY3JldFRoYXROb2JvZHlNdXN0RXZlclNlZTAxMjM0NTY3ODk="  # noqa: S105 - made up
TOKENS = "ATokenThatNobodyMustEverSee/"
"""What each token begins with."""
EXPIRED = "ESession:Invalid session"

SNAPSHOTS: dict[str, list[dict[str, Any]]] = {
    "executions": [{"order_id": "O1", "exec_type": "new", "order_status": "new", "order_qty": 2}],
    "balances": [{"asset": "BTC", "balance": 1.5}],
}


def config(**changes: Any) -> KrakenConfig:
    """Give the settings of a client of it."""
    fields = {
        "endpoint": "wss://public.test/v2",
        "private_endpoint": "wss://private.test/v2",
        "level3_endpoint": "wss://level3.test/v2",
        "api_key": KEY,
        "api_secret": SECRET,
        "jitter": 0.0,
    }
    return KrakenConfig(**{**fields, **changes})


def order(name: str, price: str, qty: str, **more: str) -> str:
    """Give an order of a level 3 book, with every digit."""
    extra = "".join(f'"{key}":"{value}",' for key, value in more.items())
    return (
        f'{{{extra}"order_id":"{name}","limit_price":{price},"order_qty":{qty},'
        '"timestamp":"2026-01-02T03:04:05.123456789Z"}'
    )


def checksum(*numbers: str) -> int:
    """Give that of a book: the digits of asks, then of bids, price and quantity of each order."""
    return zlib.crc32("".join(number.replace(".", "").lstrip("0") for number in numbers).encode())


class Client:
    """One connection to it."""

    def __init__(self, host: str, websocket: WebSocketConnection) -> None:
        """Subscribed to nothing."""
        self.host = host
        self.websocket = websocket
        self.requests: list[dict[str, Any]] = []
        self.sequences: dict[str, int] = {}

    def asked(self, method: str = "subscribe") -> list[tuple[str, str | None]]:
        """The channels it asked for, each with the token that it came with."""
        return [
            (request["params"]["channel"], request["params"].get("token"))
            for request in self.requests
            if request["method"] == method
        ]

    async def tell(self, channel: str, kind: str, rows: list[dict[str, Any]]) -> None:
        """Send the next message of a channel of the account."""
        self.sequences[channel] += 1
        frame = {"channel": channel, "type": kind, "data": rows}
        await self.say({**frame, "sequence": self.sequences[channel]})

    async def say(self, frame: Mapping[str, Any] | str) -> None:
        """Send a frame."""
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.websocket.send_message(text)


class Desk:
    """What a feed's ``dial`` and ``rest`` are."""

    def __init__(self, nursery: trio.Nursery) -> None:
        """Serve in ``nursery``."""
        self.clients: list[Client] = []
        """Those who are connected."""
        self.hosts: list[str] = []
        """Each that was dialled, in order."""
        self.nonces: list[int] = []
        """Of each call, in order."""
        self.accepted: set[str] = set()
        """Tokens that it accepts."""
        self.rest_errors: list[str] = []
        """Words of refusal for the next calls, one for each."""
        self.rest_statuses: list[tuple[int, tuple[tuple[str, str], ...]]] = []
        """HTTP statuses and headers for the next calls, one for each."""
        self.rest_delay = 0.0
        """How long a call takes, in seconds."""
        self.useless = False
        """Whether tokens are given that are not accepted."""
        self.silent: set[str] = set()
        """Channels whose subscription is never answered."""
        self.refused: dict[str, str] = {}
        """Words of refusal by channel."""
        self.calls = 0
        """How many calls are being answered now."""
        self._nursery = nursery
        self._numbers = itertools.count(1)

    async def rest(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Answer a call."""
        assert (method, path) == ("POST", "/0/private/GetWebSocketsToken")
        assert headers["API-Key"] == KEY
        assert not self.calls, "two calls with one key at once"
        self.calls += 1
        try:
            await trio.sleep(self.rest_delay)
        finally:
            self.calls -= 1
        self.nonces.append(int(body.removeprefix(b"nonce=")))
        if self.rest_statuses:
            status, fields = self.rest_statuses.pop(0)
            return RestResponse(status, fields, b"<html>")
        if self.rest_errors:
            return RestResponse(200, (), json.dumps({"error": [self.rest_errors.pop(0)]}).encode())
        token = f"{TOKENS}{next(self._numbers)}"
        if not self.useless:
            self.accepted.add(token)
        result = {"token": token, "expires": 900}
        text = json.dumps({"error": [], "result": result}).replace("/", "\\/")
        return RestResponse(200, (), text.encode())

    async def dial(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect in memory."""
        await trio.lowlevel.checkpoint()
        assert (port, tls) == (443, True)
        self.hosts.append(host.removesuffix(".test"))
        ours, theirs = memory_streams()
        self._nursery.start_soon(self._serve, self.hosts[-1], ours)
        return theirs

    def client(self, host: str = "private") -> Client:
        """Who is connected there, alone."""
        (client,) = (client for client in self.clients if client.host == host)
        return client

    async def _serve(self, host: str, stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request: Any = None
            try:
                request = await wrap_server_stream(nursery, stream)  # type: ignore[arg-type]
                websocket = await request.accept()
            except (ConnectionClosed, trio.BrokenResourceError):
                nursery.cancel_scope.cancel()
                return
            client = Client(host, websocket)
            self.clients.append(client)
            try:
                await client.say({"channel": "status", "type": "update", "data": [{"system": "online"}]})
                while True:
                    await self._answer(client, json.loads(await websocket.get_message()))
            except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            finally:
                self.clients.remove(client)
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(stream)

    async def _answer(self, client: Client, request: dict[str, Any]) -> None:
        if request["method"] == "ping":
            await client.say({"method": "pong"})
            return
        client.requests.append(request)
        params = request["params"]
        channel = params["channel"]
        reply = {"method": request["method"], "req_id": request["req_id"]}
        error = self.refused.get(channel)
        if params.get("token") not in self.accepted:
            error = EXPIRED
        if channel in self.silent:
            return
        if error is not None:
            no = {"error": error, "status": "error", "success": False, "channel": channel}
            await client.say({**reply, **no})
            return
        for symbol in params.get("symbol", [None]):
            result = {"channel": channel} if symbol is None else {"channel": channel, "symbol": symbol}
            await client.say({**reply, "success": True, "result": result})
        if request["method"] == "unsubscribe":
            return
        if channel == "level3":
            for symbol in params["symbol"]:
                await client.say(snapshot_of(symbol))
        elif params.get("users") is None:
            client.sequences[channel] = 0
            await client.tell(channel, "snapshot", SNAPSHOTS[channel])


def snapshot_of(symbol: str, bid: str = "9.5") -> str:
    """Give the snapshot of a level 3 book of two orders."""
    crc = checksum("10.5", "1.00", bid, "2.00")
    return (
        f'{{"channel":"level3","type":"snapshot","data":[{{"symbol":"{symbol}","checksum":{crc},'
        f'"bids":[{order("B1", bid, "2.00")}],"asks":[{order("A1", "10.5", "1.00")}]}}]}}'
    )


def update_of(symbol: str, qty: str, *, wrong: bool = False) -> str:
    """Give an update of it: the bid is so much now."""
    crc = checksum("10.5", "1.00", "9.5", qty) ^ wrong
    return (
        f'{{"channel":"level3","type":"update","data":[{{"checksum":{crc},"symbol":"{symbol}",'
        f'"bids":[{order("B1", "9.5", qty, event="modify")}],"asks":[]}}]}}'
    )


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    """Open it, and close it at the end of the block."""
    async with trio.open_nursery() as nursery:
        yield Desk(nursery)
        nursery.cancel_scope.cancel()


__all__ = ["Client", "Desk", "config", "open_desk", "partial", "snapshot_of", "update_of"]
