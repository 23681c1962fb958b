"""What every test may use: the folders of real traffic, where they are; the private hosts."""

from __future__ import annotations

import itertools
import json
import os
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, settings
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from kraken_trio import KrakenConfig
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio.extended import RestResponse

# A slow shared machine is not a failure, and a test must not depend on luck: the default
# profile draws the same examples every time; "explore" looks for new ones.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let ``nox -s extras`` run the tests of what is installed, and of nothing else."""
    parser.addoption("--extras", help="leave out tests marked with any extra but these: a,b")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs another extra than those that are there."""
    there: str | None = config.getoption("--extras")
    if there is not None:
        given = set(there.split(","))
        kept: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            needs = {mark.args[0] for mark in item.iter_markers("extra")}
            (kept if needs <= given else left_out).append(item)
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.fixture(scope="session")
def captures() -> Path:
    """Give the folder of captured traffic, or skip: it is not part of the project."""
    folder = os.environ.get("KRAKEN_TRIO_CAPTURES")
    if not folder:
        pytest.skip("KRAKEN_TRIO_CAPTURES names no folder of captured traffic")
    path = Path(folder).resolve()
    assert path.is_dir(), f"KRAKEN_TRIO_CAPTURES names {path}, which is no folder"
    return path


@pytest.fixture(scope="session")
def examples(captures: Path) -> Path:
    """Give the folder of protocol examples that stands beside the captures, or skip."""
    path = captures.parent / "protocol" / "examples"
    if not path.is_dir():
        pytest.skip(f"no protocol examples at {path}")
    return path


class Sockets(trio.abc.SocketFactory):
    """Makes the sockets that trio asks for, and remembers them."""

    def __init__(self) -> None:
        """None so far."""
        self.made: list[trio.socket.SocketType] = []

    def socket(
        self,
        family: socket.AddressFamily | int = socket.AF_INET,
        kind: socket.SocketKind | int = socket.SOCK_STREAM,
        proto: int = 0,
    ) -> trio.socket.SocketType:
        """Make one."""
        made = trio.socket.from_stdlib_socket(socket.socket(family, kind, proto))
        self.made.append(made)
        return made

    def open(self) -> int:
        """How many are not closed."""
        return sum(made.fileno() != -1 for made in self.made)


def count_sockets() -> Sockets:
    """Count the sockets that are made in this run; those that a listener accepts are not."""
    factory = Sockets()
    trio.socket.set_custom_socket_factory(factory)
    return factory


@pytest.fixture(name="count_sockets")
def _count_sockets() -> Callable[[], Sockets]:
    """Give what is to be called inside a run."""
    return count_sockets


SNAPSHOTS: dict[str, list[dict[str, Any]]] = {
    "executions": [{"order_id": "O1", "exec_type": "new", "order_status": "new", "order_qty": 2}],
    "balances": [{"asset": "BTC", "balance": 1.5}],
}


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

    def __init__(self, host: str, websocket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        """Subscribed to nothing."""
        self.stream = stream
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

    async def cut(self) -> None:
        """Cut the connection, without a word."""
        await trio.aclose_forcefully(self.stream)

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
    """The exchange's private hosts, in a few lines: what a feed's ``dial`` and ``rest`` are.

    It shares no code with the library but a stream in memory, nor with its simulated exchange.
    Whatever it does to a client is done by a test that says so.
    """

    KEY = "AKeyThatNobodyMustEverSee0123456789"
    """It must be this one; the signature is not looked at."""
    SECRET = "QVNlY3JldFRoYXROb2JvZHlNdXN0RXZlclNlZTAxMjM0NTY3ODk="
    """Base64 of a text."""
    TOKENS = "ATokenThatNobodyMustEverSeeAsLongAsRealOnes/"
    """What each token begins with."""

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

    def config(self, **changes: Any) -> KrakenConfig:
        """Give the settings of a client of it."""
        fields = {
            "endpoint": "wss://public.test/v2",
            "private_endpoint": "wss://private.test/v2",
            "level3_endpoint": "wss://level3.test/v2",
            "api_key": self.KEY,
            "api_secret": self.SECRET,
            "jitter": 0.0,
        }
        return KrakenConfig(**{**fields, **changes})

    async def rest(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Answer a call."""
        assert (method, path) == ("POST", "/0/private/GetWebSocketsToken")
        assert headers["API-Key"] == self.KEY
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
        token = f"{self.TOKENS}{next(self._numbers)}"
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
                request = await wrap_server_stream(nursery, stream)
                websocket = await request.accept()
            except (ConnectionClosed, trio.BrokenResourceError):
                nursery.cancel_scope.cancel()
                return
            client = Client(host, websocket, stream)
            self.clients.append(client)
            try:
                await client.say(
                    {"channel": "status", "type": "update", "data": [{"system": "online"}]}
                )
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
            error = "ESession:Invalid session"
        if channel in self.silent:
            return
        if error is not None:
            no = {"error": error, "status": "error", "success": False, "channel": channel}
            await client.say({**reply, **no})
            return
        for symbol in params.get("symbol", [None]):
            result = (
                {"channel": channel} if symbol is None else {"channel": channel, "symbol": symbol}
            )
            await client.say({**reply, "success": True, "result": result})
        if request["method"] == "unsubscribe":
            return
        if channel == "level3":
            for symbol in params["symbol"]:
                await client.say(self.snapshot_of(symbol))
        elif params.get("users") is None:
            client.sequences[channel] = 0
            await client.tell(channel, "snapshot", SNAPSHOTS[channel])

    @staticmethod
    def snapshot_of(symbol: str) -> str:
        """Give the snapshot of a level 3 book of two orders."""
        crc = checksum("10.5", "1.00", "9.5", "2.00")
        return (
            f'{{"channel":"level3","type":"snapshot","data":[{{"symbol":"{symbol}","checksum":{crc},'
            f'"bids":[{order("B1", "9.5", "2.00")}],"asks":[{order("A1", "10.5", "1.00")}]}}]}}'
        )

    @staticmethod
    def update_of(symbol: str, qty: str, *, wrong: bool = False) -> str:
        """Give an update of it: the bid is so much now."""
        crc = checksum("10.5", "1.00", "9.5", qty) ^ wrong
        return (
            f'{{"channel":"level3","type":"update","data":[{{"checksum":{crc},"symbol":"{symbol}",'
            f'"bids":[{order("B1", "9.5", qty, event="modify")}],"asks":[]}}]}}'
        )


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    """Open the exchange's private hosts, and close them at the end of the block."""
    async with trio.open_nursery() as nursery:
        try:
            yield Desk(nursery)
        finally:
            nursery.cancel_scope.cancel()


@pytest.fixture(name="open_desk")
def _open_desk() -> Callable[[], AbstractAsyncContextManager[Desk]]:
    """Give what is to be called inside a run."""
    return open_desk


@pytest.fixture
async def desk(autojump_clock: trio.abc.Clock) -> AsyncIterator[Desk]:
    """Give the exchange's private hosts."""
    async with open_desk() as desk:
        yield desk
