"""The conversation with one browser: what is new, at the pace of its screen, and what it asks for.

One task sends, and what it sends is made when it can be sent; so a browser that is slow has nothing
waiting for it but the answers to its own requests, of which few may be open. Another task reads.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import metadata
from typing import Any, Final

import msgspec
import trio
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from kraken_trio import KrakenConfig
from kraken_trio._internal.apps.dashboard.asked import INTERVALS, Refusal, decode
from kraken_trio._internal.apps.dashboard.board import Board, Browser
from kraken_trio._internal.apps.origin import MOST_PAIRS
from kraken_trio._internal.apps.pairs import DEPTH
from kraken_trio._internal.apps.troubles import TROUBLES
from kraken_trio._internal.apps.view.frames import MOST_FRAMES

RATE: Final = 10
"""Messages a second, unless a browser asks for more."""
MOST_RATE: Final = 30
MOST_ANSWERS: Final = 20
"""That wait to be sent: nothing more is read before that."""
REQUEST_PAUSE_S: Final = 0.01
"""From one request to the next, at least."""
NOT_TEXT: Final = 1003
"""Close code: data of a kind that is not understood (RFC 6455 section 7.4.1)."""
TRY_AGAIN: Final = 1013
"""Close code: too many are here (IANA registry of WebSocket close codes)."""


async def converse(socket: WebSocket, board: Board) -> None:
    """Serve one browser for as long as it is there."""
    await socket.accept()
    try:
        browser = board.enter()
    except Refusal as refusal:
        await _send(socket, {"type": "refused", "request": None, "reason": refusal.reason})
        await socket.close(TRY_AGAIN, "too many browsers")
        return
    gone = False
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, socket, board, browser, _rate(socket))
            gone = await _read(socket, board, browser)
            nursery.cancel_scope.cancel()
    finally:
        board.leave(browser)
    if not gone and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(NOT_TEXT, "only text is understood here")


def hello(board: Board, browser: Browser) -> dict[str, Any]:
    """The first message."""
    origin = board.origin
    statuses = origin.view.statuses
    return {
        "type": "hello",
        "source": {"kind": origin.kind, "label": origin.label, "url": origin.url},
        "version": metadata.version("kraken-trio"),
        "limits": {"pairs": MOST_PAIRS, "frames": MOST_FRAMES},
        "pairs": [*browser.delta.pairs],
        "known": sorted(statuses) or None,
        "intervals": [*INTERVALS],
        "depth": DEPTH,
        "chaos": None
        if origin.trouble is None
        else [
            {"name": name, "label": each.label, "help": each.help}
            for name, each in TROUBLES.items()
        ],
        "config": {"protocol": KrakenConfig().protocol},
    }


async def _write(socket: WebSocket, board: Board, browser: Browser, rate: int) -> None:
    """Send what is new, and answers behind it, until cancelled or nobody is there any more."""
    pause_s, soon_s = 1 / rate, 1 / MOST_RATE
    with suppress(WebSocketDisconnect):  # Who reads is told that it went.
        await _send(socket, hello(board, browser))
        while True:
            browser.stirred = trio.Event()
            # All of one moment, so that an answer is never ahead of what it led to.
            found = (browser.delta.view(), browser.delta.frames(), *browser.answers)
            browser.answers.clear()
            for message in found:
                if message is not None:
                    await _send(socket, message)
            await trio.sleep(soon_s)
            with trio.move_on_after(pause_s - soon_s):
                await browser.stirred.wait()


async def _read(socket: WebSocket, board: Board, browser: Browser) -> bool:
    """Do what is asked for; give whether the browser went, and not we shall."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return True
        text = message.get("text")
        if text is None:
            return False
        request: int | None = None
        try:
            asked = decode(text)
            request = asked.request
            answer = board.answer(browser, asked)
        except Refusal as refusal:
            number = request if refusal.request is None else refusal.request
            answer = {"type": "refused", "request": number, "reason": refusal.reason}
        browser.tell(answer)
        await trio.sleep(REQUEST_PAUSE_S)
        while len(browser.answers) >= MOST_ANSWERS:  # noqa: ASYNC110 - who sends need not know
            await trio.sleep(REQUEST_PAUSE_S)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    text = msgspec.json.encode(message).decode()
    try:
        await socket.send_text(text)
    except RuntimeError:  # Starlette's word for one that is closed. Others are bugs, and come out.
        raise WebSocketDisconnect from None


def _rate(socket: WebSocket) -> int:
    """Messages a second: as the page asks for, within reason."""
    asked = socket.query_params.get("rate", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 4):  # noqa: PLR2004 - digits
        return RATE
    return min(max(int(asked), 1), MOST_RATE)
