"""The clients of ``paced.py``, each in a process of its own.

    python paced_clients.py NAME URL GIVEN MOMENTS [--trust FILE]

``GIVEN`` is JSON: ``symbols``, ``messages``, ``warm`` (how many of these do not count), and ``times``
of the first that counts and of the last, which is how ours finds them where it merges. It writes
the moments at which it had something in hand to the file ``MOMENTS``, and prints one line of JSON:
how many these were, and how much of a processor what counts took, in seconds. Exit code 3 says that
the client is not installed. The moments are nanoseconds of CLOCK_MONOTONIC; ours writes the time of
each record behind them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pacing import NOT_INSTALLED, trusting

DRAIN_S = 0.5
"""Longer than any window of a preset."""


class Given(NamedTuple):
    """What a client is told."""

    symbols: list[str]
    messages: int
    warm: int
    times: list[int]


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
    """Its client, which parses frames in C; bytes are decoded where text would be made first."""
    from aiohttp import ClientSession

    async with (
        ClientSession() as session,
        session.ws_connect(url, ssl=context or True, decode_text=False) as websocket,
    ):
        await websocket.send_str(request(given))
        async for message in websocket:
            if hand.take(message.data):
                return


async def picows(url: str, context: ssl.SSLContext | None, given: Given, hand: Hand) -> None:
    """It calls back as soon as a frame is read: no task is woken for it."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    done = asyncio.Event()

    class Listener(WSListener):
        """Gives everything away."""

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT and hand.take(frame.get_payload_as_memoryview()):
                done.set()

    transport, _ = await ws_connect(Listener, url, ssl_context=context)
    transport.send(WSMsgType.TEXT, request(given).encode())
    await done.wait()
    transport.disconnect()


async def websockets(url: str, context: ssl.SSLContext | None, given: Given, hand: Hand) -> None:
    """Its client on asyncio."""
    from websockets.asyncio.client import connect

    async with connect(url, ssl=context, compression=None) as websocket:
        await websocket.send(request(given))
        while not hand.take(await websocket.recv(decode=False)):
            pass


async def trio_websocket(
    url: str, context: ssl.SSLContext | None, given: Given, hand: Hand
) -> None:
    """What ours has under it, used as one would by hand."""
    from trio_websocket import open_websocket_url

    async with open_websocket_url(url, ssl_context=context) as websocket:
        await websocket.send_message(request(given))
        while not hand.take(await websocket.get_message()):
            pass


async def ours(
    preset: str, url: str, trust: str | None, given: Given
) -> tuple[array[int], array[int], float]:
    """The whole library: every checksum verified, nothing lost."""
    import trio

    from kraken_trio import BookUpdate, Gap
    from ours import opened

    first, last = given.times
    moments, times = array("q"), array("q")
    now = time.monotonic_ns
    warm_cpu = 0.0
    async with opened(preset, url, trust) as feed, feed.book(*given.symbols) as book:
        # With Coalesce a record may stand before older ones of other symbols.
        cpu_seconds, scope = 0.0, trio.CancelScope()
        with scope:
            while True:
                item = await book.receive()
                moment = now()
                if type(item) is BookUpdate:
                    moments.append(moment)
                    time_of_it = item.timestamp or 0
                    times.append(time_of_it)
                    if not warm_cpu and time_of_it >= first:
                        warm_cpu = time.process_time()
                    if time_of_it == last:
                        cpu_seconds = time.process_time() - warm_cpu
                        scope.deadline = trio.current_time() + DRAIN_S
                elif type(item) is Gap:
                    sys.exit(f"something was lost: {item}")
        statistics = feed.statistics()
        verified = statistics.checksums_ok - len(given.symbols)
        if verified != given.messages or statistics.checksums_failed or statistics.gaps:
            sys.exit(f"not all was verified: {statistics}")
    return moments, times, cpu_seconds


def run(name: str, url: str, trust: str | None, given: Given) -> tuple[list[array[int]], float]:
    """Run one client to its end."""
    library, _, other = name.partition(", ")
    if library == "kraken_trio":
        import trio

        moments, times, cpu_seconds = trio.run(ours, other, url, trust, given)
        return [moments, times], cpu_seconds
    hand = Hand(given)
    if library == "trio-websocket":
        import trio

        trio.run(trio_websocket, url, trusting(trust), given, hand)
    else:
        client: Callable[..., Any] = {
            "aiohttp": aiohttp, "picows": picows, "websockets": websockets
        }[library]
        coroutine = client(url, trusting(trust), given, hand)
        if other == "uvloop":
            import uvloop

            uvloop.run(coroutine)
        else:
            asyncio.run(coroutine)
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
