"""The clients that are measured, each in a process of its own.

    python flood_clients.py NAME URL DEPTH MESSAGES [--trust FILE]

Subscribes to the books of the flood, counts updates until there were so many, and prints one line
of JSON: how long that took, in seconds of the clock and of the processor, and what was verified
and lost on the way. Snapshots do not count: the others are measured from their first update on,
we from when our books are live, which is a little earlier. Exit code 3 says that the client is not
installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import trio

from flood_server import PAIRS

SYMBOLS = [pair.symbol for pair in PAIRS]
NOT_INSTALLED = 3


class Watch:
    """Measures how long the updates took."""

    def __init__(self) -> None:
        """Start."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self, updates: int, *, verified: int | None, lost: int = 0) -> dict[str, Any]:
        """Give the result; ``verified`` is None for who does not verify."""
        return {
            "seconds": time.perf_counter() - self.wall,
            "cpu_seconds": time.process_time() - self.cpu,
            "updates": updates,
            "verified": verified,
            "lost": lost,
        }


def leave(result: dict[str, Any]) -> NoReturn:
    """Print the result and end at once: not every client can be ended in an orderly way."""
    print(json.dumps(result), flush=True)
    os._exit(0)


def trusting(path: str | None) -> ssl.SSLContext | None:
    """Make a context for clients that trusts one certificate."""
    return ssl.create_default_context(cafile=path) if path else None


def request(depth: int) -> str:
    """Ask for all books."""
    params = {"channel": "book", "symbol": SYMBOLS, "depth": depth}
    return json.dumps({"method": "subscribe", "params": params})


async def kraken_trio(
    url: str, depth: int, messages: int, trust: str | None, *, batches: bool
) -> dict[str, Any]:
    """The library: records with exact decimals, every checksum verified."""
    from kraken_trio import BookUpdate, Gap, KrakenConfig, open_kraken
    from kraken_trio.extended import TcpDial

    updates = lost = 0
    async with (
        open_kraken(KrakenConfig(endpoint=url), dial=TcpDial(trusting(trust))) as feed,
        feed.book(*SYMBOLS, depth=depth) as book,
    ):
        watch = Watch()
        while updates + lost < messages:
            for item in await book.receive_batch() if batches else (await book.receive(),):
                if type(item) is BookUpdate:
                    updates += 1
                elif type(item) is Gap:
                    lost += item.size or 1
        statistics = feed.statistics()
        # The reader may be ahead of us by what waits.
        verified = min(statistics.checksums_ok - len(SYMBOLS), updates)
        return watch.stop(updates, verified=verified, lost=lost + statistics.checksums_failed)


async def trio_websocket(
    url: str, depth: int, messages: int, trust: str | None, *, decode: Callable[[str | bytes], Any]
) -> dict[str, Any]:
    """What one would write by hand: get_message, and a decoder. Nothing is kept or verified."""
    from trio_websocket import open_websocket_url

    async with open_websocket_url(url, ssl_context=trusting(trust)) as websocket:
        await websocket.send_message(request(depth))
        watch, updates = Watch(), 0
        while updates < messages:
            message = decode(await websocket.get_message())
            if message.get("channel") == "book" and message["type"] == "update":
                watch = watch if updates else Watch()
                updates += 1
        return watch.stop(updates, verified=None)


async def sdk(url: str, depth: int, messages: int) -> NoReturn:
    """python-kraken-sdk: it keeps books in floats, and verifies."""
    import kraken.spot.orderbook as module

    decimals = {
        pair.symbol: {"pair_decimals": pair.price_precision, "lot_decimals": pair.qty_precision}
        for pair in PAIRS
    }

    class Pairs:
        """What it would ask for over REST."""

        def get_asset_pairs(self, pair: str) -> dict[str, Any]:
            return {pair: decimals[pair]}

    module.Market = Pairs
    done = asyncio.Event()

    class Books(module.SpotOrderBookClient):
        """Its books."""

        WS_URL = url.removesuffix("/v2")
        watch = Watch()
        updates = verified = 0

        async def on_message(self, message: Any) -> None:
            if not self.updates and message.get("type") == "update":
                self.watch = Watch()
            await super().on_message(message)

        async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
            if message.get("type") == "update" and self.updates < messages:
                self.updates += 1
                self.verified += self.get(pair=pair)["valid"]
                if self.updates == messages:
                    done.set()

    books = Books(depth=depth)
    await books.start()
    await books.add_book(pairs=SYMBOLS)
    await done.wait()
    leave(books.watch.stop(books.updates, verified=books.verified))


async def ccxt(url: str, depth: int, messages: int) -> NoReturn:
    """ccxt.pro: it keeps books in floats. Its checksum is off, and cannot be on in Python."""
    import ccxt.pro

    done = asyncio.Event()

    class Kraken(ccxt.pro.kraken):
        """Its exchange."""

        watch = Watch()
        updates = 0

        def handle_order_book(self, client: Any, message: dict[str, Any]) -> None:
            if not self.updates:
                self.watch = Watch()
            super().handle_order_book(client, message)
            self.updates += message["type"] == "update"
            if self.updates == messages:
                done.set()

    exchange = Kraken({"enableRateLimit": False})
    exchange.urls["api"]["ws"]["publicV2"] = url
    split = [(symbol, *symbol.split("/")) for symbol in SYMBOLS]
    exchange.set_markets(
        [
            {"id": s, "symbol": s, "base": b, "quote": q, "baseId": b, "quoteId": q, "spot": True}
            for s, b, q in split
        ]
    )

    async def consume() -> None:
        while True:
            await exchange.watch_order_book_for_symbols(SYMBOLS, depth)

    consumer = asyncio.create_task(consume())
    await done.wait()
    consumer.cancel()
    leave(exchange.watch.stop(messages, verified=None))


def measured(name: str, url: str, depth: int, messages: int, trust: str | None) -> dict[str, Any]:
    """Run one client to its end."""
    match name:
        case "kraken_trio" | "kraken_trio-batches":
            batches = name.endswith("batches")
            return trio.run(lambda: kraken_trio(url, depth, messages, trust, batches=batches))
        case "trio-websocket+json":
            return trio.run(lambda: trio_websocket(url, depth, messages, trust, decode=json.loads))
        case "trio-websocket+msgspec":
            import msgspec

            decode = msgspec.json.Decoder().decode
            return trio.run(lambda: trio_websocket(url, depth, messages, trust, decode=decode))
        case "python-kraken-sdk":
            return asyncio.run(sdk(url, depth, messages))
        case "ccxt.pro":
            return asyncio.run(ccxt(url, depth, messages))
        case _:
            raise ValueError(f"no client {name}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("depth", type=int)
    parser.add_argument("messages", type=int)
    parser.add_argument("--trust")
    given = parser.parse_args()
    try:
        url = f"{given.url}/{given.messages}/v2"
        result = measured(given.name, url, given.depth, given.messages, given.trust)
    except ModuleNotFoundError as error:
        print(f"{given.name}: {error}", file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
