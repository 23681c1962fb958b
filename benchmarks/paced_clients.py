"""The clients of ``paced.py``, each in a process of its own.

    python paced_clients.py NAME URL GIVEN MOMENTS [--trust FILE]

``GIVEN`` is JSON, a ``Given``. Into the file ``MOMENTS`` go the moments of CLOCK_MONOTONIC at which
something was in hand, in nanoseconds; ours writes the times of the records behind them. It prints
one line of JSON: how many these were, and what of a processor the messages took that count, in
seconds. Exit code 3 says that the client is not installed.

``NAME`` is a library and, after a comma, what it runs on, or for ours the preset.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
from array import array
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from pacing import NOT_INSTALLED, trusting

DRAIN_S = 0.5
"""Longer than any window of a preset."""


class Given(NamedTuple):
    """What a client is told."""

    symbols: list[str]
    """What to subscribe to."""
    messages: int
    """How many updates will come."""
    warm: int
    """How many of them do not count."""
    times: list[int]
    """Of the last that does not count, and of the last: what is merged cannot be counted."""


class Hand:
    """Where decoded messages end, with the moments when they did."""

    def __init__(self, given: Given) -> None:
        """Nothing is there yet."""
        import msgspec

        self._decode = msgspec.json.Decoder().decode
        self._given = given
        self._warm_cpu = 0.0
        self.moments = array("q")
        self.cpu_seconds = 0.0
        """Of what counts, once all is there."""

    def take(self, data: str | bytes | memoryview) -> bool:
        """Decode a message; say whether it was the last."""
        message = self._decode(data)
        moment = time.monotonic_ns()
        if message.get("channel") != "book" or message["type"] != "update":
            return False
        self.moments.append(moment)
        count = len(self.moments)
        if count == self._given.warm:
            self._warm_cpu = time.process_time()
        elif count == self._given.messages:
            self.cpu_seconds = time.process_time() - self._warm_cpu
            return True
        return False


def request(given: Given) -> str:
    """Ask for all books."""
    params = {"channel": "book", "symbol": given.symbols, "depth": 10}
    return json.dumps({"method": "subscribe", "params": params})


async def aiohttp(url: str, context: ssl.SSLContext | None, given: Given, hand: Hand) -> None:
    """Its client; messages are decoded from bytes, and never made text before."""
    library: Any = import_module("aiohttp")
    async with (
        library.ClientSession() as session,
        session.ws_connect(url, ssl=context or True, decode_text=False) as websocket,
    ):
        await websocket.send_str(request(given))
        async for message in websocket:
            if hand.take(message.data):
                return


async def picows(url: str, context: ssl.SSLContext | None, given: Given, hand: Hand) -> None:
    """It calls back as soon as a frame is read: no task is woken for it."""
    library: Any = import_module("picows")
    text, done = library.WSMsgType.TEXT, asyncio.Event()

    def on_ws_frame(_self: object, _transport: object, frame: Any) -> None:
        if frame.msg_type == text and hand.take(frame.get_payload_as_memoryview()):
            done.set()

    listener = type("Listener", (library.WSListener,), {"on_ws_frame": on_ws_frame})
    transport, _ = await library.ws_connect(listener, url, ssl_context=context)
    transport.send(text, request(given).encode())
    await done.wait()
    transport.disconnect()


async def websockets(url: str, context: ssl.SSLContext | None, given: Given, hand: Hand) -> None:
    """Its client for asyncio, without compression, which the server would not have anyway."""
    library: Any = import_module("websockets.asyncio.client")
    async with library.connect(url, ssl=context, compression=None) as websocket:
        await websocket.send(request(given))
        while not hand.take(await websocket.recv(decode=False)):
            pass


async def trio_websocket(
    url: str, context: ssl.SSLContext | None, given: Given, hand: Hand
) -> None:
    """What ours has under it, used as one would by hand."""
    library: Any = import_module("trio_websocket")
    async with library.open_websocket_url(url, ssl_context=context) as websocket:
        await websocket.send_message(request(given))
        while not hand.take(await websocket.get_message()):
            pass


async def ours(
    preset: str, url: str, trust: str | None, given: Given
) -> tuple[array[int], array[int], float]:
    """The whole library: every checksum is verified, and it ends where anything is lost."""
    import trio

    from kraken_trio import BookUpdate, Gap
    from ours import opened

    first, last = given.times
    moments, times = array("q"), array("q")
    now, warm_cpu, cpu_seconds = time.monotonic_ns, 0.0, 0.0
    async with opened(preset, url, trust) as feed, feed.book(*given.symbols) as book:
        with trio.CancelScope() as scope:
            while True:
                item = await book.receive()
                moment = now()
                if type(item) is BookUpdate:
                    moments.append(moment)
                    at = item.timestamp or 0
                    times.append(at)
                    if not warm_cpu and at >= first:
                        warm_cpu = time.process_time()
                    if at == last:
                        cpu_seconds = time.process_time() - warm_cpu
                        # Where records are merged, older ones of other symbols may stand behind.
                        scope.deadline = trio.current_time() + DRAIN_S
                elif type(item) is Gap:
                    sys.exit(f"something was lost: {item}")
        statistics = feed.statistics()
    verified = statistics.checksums_ok - len(given.symbols)
    if verified != given.messages or statistics.checksums_failed or statistics.gaps:
        sys.exit(f"not all was verified: {statistics}")
    return moments, times, cpu_seconds


RIVALS: dict[
    str, Callable[[str, ssl.SSLContext | None, Given, Hand], Coroutine[Any, Any, None]]
] = {
    "aiohttp": aiohttp,
    "picows": picows,
    "websockets": websockets,
    "trio-websocket": trio_websocket,
}


def run(name: str, url: str, trust: str | None, given: Given) -> tuple[list[array[int]], float]:
    """Run one client to its end: the moments, for ours the times of the records, and the CPU."""
    library, _, kind = name.partition(", ")
    if library == "kraken_trio":
        import trio

        moments, times, cpu_seconds = trio.run(ours, kind, url, trust, given)
        return [moments, times], cpu_seconds
    hand = Hand(given)
    client, arguments = RIVALS[library], (url, trusting(trust), given, hand)
    if kind == "trio":
        import trio

        trio.run(client, *arguments)
    elif kind == "uvloop":
        loop: Any = import_module("uvloop")
        loop.run(client(*arguments))
    else:
        asyncio.run(client(*arguments))
    return [hand.moments], hand.cpu_seconds


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("given", type=json.loads)
    parser.add_argument("moments", type=Path)
    parser.add_argument("--trust")
    words = parser.parse_args()
    try:
        numbers, cpu_seconds = run(words.name, words.url, words.trust, Given(**words.given))
    except ModuleNotFoundError as error:
        print(f"{words.name}: {error}", file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    with words.moments.open("wb") as file:
        for each in numbers:
            each.tofile(file)
    print(json.dumps({"count": len(numbers[0]), "cpu_seconds": cpu_seconds}), flush=True)


if __name__ == "__main__":
    main()
