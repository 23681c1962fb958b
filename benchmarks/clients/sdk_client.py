"""python-kraken-sdk: it keeps books in floats, and verifies. See ``stopwatch``."""

from __future__ import annotations

import asyncio
from typing import Any

import kraken.spot.orderbook as module
from kraken.spot.websocket.connectors import ConnectSpotWebsocketBase

from stopwatch import Result, Told, Watch, passes, told


class Books(module.SpotOrderBookClient):
    """Its books, for one who counts what they are told."""

    def __init__(self, depth: int, count: int) -> None:
        """Count up to there."""
        super().__init__(depth=depth)
        self._count = count
        self._watch = Watch()
        self.updates = self.verified = self.lost = 0
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    async def on_message(self, message: Any) -> None:
        """Look when the first update comes; what is done with it is its own."""
        if not self.updates and message.get("type") == "update":
            self._watch = Watch()
        await super().on_message(message)

    async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
        """Be told, as its users are, and ask whether the book is right, as they would."""
        if message.get("type") == "update":
            self.updates += 1
            self.verified += self.get(pair=pair)["valid"]
            if self.updates == self._count and not self.result.done():
                result = self._watch.stop(self.updates, verified=self.verified, lost=self.lost)
                self.result.set_result(result)
        elif "error" in message:
            self.lost += 1


async def sdk(given: Told, url: str, count: int) -> Result:
    """Its own WebSocket, book and checksum code; only what it asks REST for is answered here."""
    decimals = {
        pair.symbol: {"pair_decimals": pair.price_decimals, "lot_decimals": pair.qty_decimals}
        for pair in given.pairs
    }

    class Pairs:
        """Stands where it would ask for pairs over REST."""

        def get_asset_pairs(self, pair: str) -> dict[str, Any]:
            return {pair: decimals[pair]}

    module.Market = Pairs
    # It waits a second or two before it connects, by chance.
    waits = "_ConnectSpotWebsocketBase__get_reconnect_wait"
    setattr(ConnectSpotWebsocketBase, waits, lambda *_: 0)
    Books.WS_URL = url.removesuffix("/v2")  # It adds it.
    books = Books(given.depth, count)
    await books.start()
    await books.add_book(pairs=given.symbols)
    return await books.result


if __name__ == "__main__":
    asyncio.run(passes(told(), sdk))
