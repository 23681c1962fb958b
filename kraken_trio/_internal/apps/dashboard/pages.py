"""What is served over HTTP, and where: the page, its files, what programs read, the WebSocket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from importlib import metadata
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from kraken_trio._internal.apps.dashboard.board import Board
from kraken_trio._internal.apps.dashboard.browser import converse
from kraken_trio._internal.apps.dashboard.files import INDEX, File, read_files
from kraken_trio.extended import MetricsCollector

FRESH: Final = {"cache-control": "no-store"}
"""Of whatever tells how things stand."""
JSON: Final = "application/json"
MOST_DOWNLOADS: Final = 4
"""Captures at a time: each keeps the frames that there were when it began."""
_CHUNK: Final = 256 * 1024


class _Downloads:
    """How many there are."""

    def __init__(self) -> None:
        """None."""
        self.now = 0
        """At this moment."""


class _Download(StreamingResponse):
    """One that is counted, from its first byte to its last."""

    def __init__(
        self, counted: _Downloads, content: AsyncGenerator[bytes, None], **options: Any
    ) -> None:
        super().__init__(content, **options)
        self._counted = counted
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._counted.now += 1
        try:
            async with aclosing(self._content):
                await super().__call__(scope, receive, send)
        finally:
            self._counted.now -= 1


class Pages:
    """All pages, of one board."""

    def __init__(self, board: Board) -> None:
        """Read the files."""
        self._board = board
        self._view = board.origin.view
        self._files = read_files()
        self._downloads = _Downloads()
        self._registry = CollectorRegistry()
        collector = MetricsCollector()
        collector.add(board.origin.feed)
        self._registry.register(collector)

    def app(self) -> Starlette:
        """What serves them."""
        plain = {
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/api/info": self._info,
            "/api/markets": self._markets,
            "/api/book/{symbol}": self._book,
            "/api/sessions": self._sessions,
            "/api/log": self._log,
            "/api/capture": self._capture,
        }
        return Starlette(
            routes=[
                Route("/", self._index),
                Route("/static/{path:path}", self._static),
                *(Route(path, page) for path, page in plain.items()),
                WebSocketRoute("/ws", self._socket),
            ]
        )

    async def _index(self, request: Request) -> Response:
        return self._file(request, INDEX)

    async def _static(self, request: Request) -> Response:
        return self._file(request, request.path_params["path"])

    def _file(self, request: Request, path: str) -> Response:
        file = self._files.get(path)
        if file is None:
            return PlainTextResponse("There is no such file.\n", 404)
        return _served(request, file)

    async def _healthz(self, _request: Request) -> Response:
        health = self._view.health
        bad = health.verdict == "unhealthy"
        return _json(health.shown(), status=503 if bad else 200)

    async def _metrics(self, request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        # The type has a charset of its own, which Starlette would give a second one.
        return Response(encode(self._registry), headers={**FRESH, "content-type": kind})

    async def _info(self, _request: Request) -> Response:
        origin = self._board.origin
        return _json(
            {
                "source": {"kind": origin.kind, "label": origin.label, "url": origin.url},
                "version": metadata.version("kraken-trio"),
                "browsers": self._board.browsers,
                "pairs": [*self._view.pairs],
                "subscriptions": [
                    {"channel": each.name, "symbols": list(each.symbols)}
                    for each in origin.feed.active_subscriptions
                ],
                "counts": self._view.counts,
            }
        )

    async def _markets(self, _request: Request) -> Response:
        feed = self._board.origin.feed
        cards = {
            symbol: self._view.card(symbol, feed.best_bid_ask(symbol))
            for symbol in self._view.pairs
        }
        return _json(cards)

    async def _book(self, request: Request) -> Response:
        symbol = request.path_params["symbol"].replace("-", "/").upper()
        if symbol not in self._view.pairs:
            return PlainTextResponse("Nobody looks at that pair just now.\n", 404)
        book = self._board.origin.feed.order_book(symbol)
        return _json({"symbol": symbol, **self._view.ladder(symbol, book)})

    async def _sessions(self, _request: Request) -> Response:
        return _json(self._view.sessions)

    async def _log(self, _request: Request) -> Response:
        return _json(self._view.chronicle.since(0))

    async def _capture(self, _request: Request) -> Response:
        if self._downloads.now >= MOST_DOWNLOADS:
            return PlainTextResponse("Others download it just now: try again.\n", 503, FRESH)
        name = f"kraken-trio-{self._view.now()}.jsonl"
        return _Download(
            self._downloads,
            _chunks(self._view.frames.capture()),
            media_type="application/x-ndjson",
            headers={**FRESH, "content-disposition": f'attachment; filename="{name}"'},
        )

    async def _socket(self, socket: WebSocket) -> None:
        await converse(socket, self._board)


async def _chunks(lines: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Some lines at a time; between two times others run."""
    gathered = bytearray()
    for line in lines:
        gathered += line
        if len(gathered) >= _CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _served(request: Request, file: File) -> Response:
    headers = {"cache-control": "no-cache", "etag": file.tag, "content-type": file.kind}
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.getlist("if-none-match")]
    if any(file.tag in tag for tag in tags):
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers)


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, FRESH, media_type=JSON)
