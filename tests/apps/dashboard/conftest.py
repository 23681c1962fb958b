"""What the tests of the dashboard share: a board, a server on a socket, and a browser's words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import pytest
import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from kraken_trio._internal.apps.dashboard.board import Board
from kraken_trio._internal.apps.dashboard.guard import Guard
from kraken_trio._internal.apps.dashboard.pages import Pages
from kraken_trio._internal.apps.dashboard.server import open_server
from kraken_trio._internal.apps.origin import Origin, open_origin
from kraken_trio._internal.apps.pairs import Pairs

SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD")
DEADLINE_S = 60.0


class Served(NamedTuple):
    """A dashboard on a socket."""

    origin: Origin
    """What it shows."""
    board: Board
    """Who looks."""
    pairs: Pairs
    """What is subscribed to."""
    port: int
    """Where."""

    @property
    def url(self) -> str:
        """Where, as a browser has it."""
        return f"http://127.0.0.1:{self.port}"

    @staticmethod
    async def until(condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        while not condition():  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
        """Ask for a page."""
        async with httpx2.AsyncClient() as client:
            return await client.request(method, self.url + path, headers=headers)

    @asynccontextmanager
    async def browser(self, query: str = "", *, origin: str | None = None) -> AsyncIterator[Spoken]:
        """Open the WebSocket, as the page does."""
        headers = [(b"Origin", (self.url if origin is None else origin).encode())]
        host = f"127.0.0.1:{self.port}"
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream, trio.open_nursery() as nursery:
            try:
                socket = await wrap_client_stream(
                    nursery, stream, host, f"/ws{query}", extra_headers=headers
                )
                yield Spoken(socket)
                with trio.move_on_after(1):
                    await socket.aclose()
            finally:
                nursery.cancel_scope.cancel()


class Spoken:
    """One browser's side of the WebSocket."""

    def __init__(self, socket: WebSocketConnection) -> None:
        """Nothing was said yet."""
        self.socket = socket
        """Itself."""
        self.view: dict[str, Any] = {}
        """The last of each member of the views that came."""
        self.frames: list[dict[str, Any]] = []
        """All frames that were shown."""
        self._asked = 0

    async def hear(self) -> dict[str, Any]:
        """Give the next message."""
        message: dict[str, Any] = json.loads(await self.socket.get_message())
        if message["type"] == "view":
            for name, value in message.items():
                self.view[name] = self.view.get(name, {}) | value if name == "markets" else value
        elif message["type"] == "frames":
            self.frames += message["items"]
        return message

    async def hear_of(self, kind: str) -> dict[str, Any]:
        """Give the next message of a type."""
        while True:
            message = await self.hear()
            if message["type"] == kind:
                return message

    async def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Hear until something is so; give what is shown then."""
        while True:
            if "type" in self.view and condition(self.view):
                return self.view
            await self.hear()

    async def ask(self, kind: str, **members: Any) -> dict[str, Any]:
        """Ask for something, and give the answer to it."""
        self._asked += 1
        asked = {"type": kind, "request": self._asked, **members}
        await self.socket.send_message(json.dumps(asked))
        while True:
            message = await self.hear()
            if message.get("request") == self._asked:
                return message


Serving = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def served(*symbols: str, seed: int = 1) -> AsyncIterator[Served]:
    """Open a dashboard of a simulation."""
    chosen = symbols or SYMBOLS
    with trio.fail_after(DEADLINE_S):
        async with (
            open_origin(chosen, demo=True, url="", ca=None, seed=seed) as origin,
            trio.open_nursery() as nursery,
        ):
            pairs = Pairs(origin.feed, origin.view, nursery)
            board = Board(origin, pairs, chosen)
            app = Guard(Pages(board).app(), names=["127.0.0.1"])
            async with open_server(app, "127.0.0.1", 0) as port:
                yield Served(origin, board, pairs, port)
            nursery.cancel_scope.cancel()


@pytest.fixture
def serving() -> Serving:
    """Give a function that opens a dashboard."""
    return served
