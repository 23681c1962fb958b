"""ccxt.pro: it keeps books in floats. Its checksum is off, as by default: see ``stopwatch``.

In Python its checksum cannot be on: it wants the text of numbers, and gets floats. A consumer for
each pair waits with ``watch_order_book``, as its users do. That gives the book as it is then, so
what came meanwhile is one: ``handed`` says how often it gave one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.pro

from stopwatch import Result, Told, Watch, passes, told


class Kraken(ccxt.pro.kraken):
    """Its exchange, which counts updates."""

    def count_to(self, count: int) -> asyncio.Future[Result]:
        """Count up to there."""
        self._count = count
        self._updates = self.handed = 0
        self._watch = Watch()
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        return self.result

    def handle_order_book(self, client: Any, message: dict[str, Any]) -> None:
        """Count; what is done with it is its own."""
        update = message["type"] == "update"
        if update and not self._updates:
            self._watch = Watch()
        super().handle_order_book(client, message)
        self._updates += update
        if self._updates == self._count and not self.result.done():
            self.result.set_result(
                self._watch.stop(self._updates, verified=None, handed=self.handed)
            )


async def consume(exchange: Kraken, symbol: str, depth: int) -> None:
    """Watch a book for ever."""
    while True:
        await exchange.watch_order_book(symbol, depth)
        exchange.handed += 1


async def watch(given: Told, url: str, count: int) -> Result:
    """Its own WebSocket and book code; the markets that it would ask REST for are told to it."""
    exchange = Kraken({"enableRateLimit": False, "cafile": given.trust} if given.trust else {})
    exchange.urls["api"]["ws"]["publicV2"] = url
    split = [(symbol, *symbol.split("/")) for symbol in given.symbols]
    exchange.set_markets(
        [
            {"id": s, "symbol": s, "base": b, "quote": q, "baseId": b, "quoteId": q, "spot": True}
            for s, b, q in split
        ]
    )
    result = exchange.count_to(count)
    consumers = [
        asyncio.create_task(consume(exchange, symbol, given.depth)) for symbol in given.symbols
    ]
    ended: list[asyncio.Future[Any]] = [result, *consumers]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    for consumer in consumers:
        if consumer.done():
            consumer.result()  # It never ends by itself: this raises what went wrong.
        consumer.cancel()
    await exchange.close()
    return result.result()


if __name__ == "__main__":
    asyncio.run(passes(told(), watch))
