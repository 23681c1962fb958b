"""python-kraken-sdk against an exchange on this machine: its own WebSocket, book and checksum code.

    python sdk_client.py URL DEPTH SYMBOL...

Prints what it knows as a line of JSON, ten times a second, until it is killed. It runs in an
environment that has that package and nothing of ours. What the package would ask for over REST,
the decimals of each pair, comes from the exchange's instrument channel; all else is its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import kraken.spot.orderbook
from kraken.spot import SpotOrderBookClient, SpotWSClient

VERSION_PATH = "/v2"
REPORT_EVERY_S = 0.1


class Books(SpotOrderBookClient):
    """The package's books. It does not look at the checksum of a snapshot."""

    verified = 0
    """Checksums that it found right."""
    noticed = 0
    """Checksums that it found wrong; it subscribes anew by itself then."""

    async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
        """Count what the package says about this message."""
        if message.get("type") == "update":
            self.verified += self.get(pair=pair)["valid"]
        self.noticed += "error" in message

    def levels(self, symbol: str, side: str) -> list[tuple[str, str]]:
        """Give one side as the package writes it for the checksum, best level first."""
        book = self.get(pair=symbol) or {side: {}}
        return [(price, qty) for price, (qty, _) in book[side].items()]


class Others(SpotWSClient):
    """Instruments, tickers and trades, as they come."""

    def __init__(self, **options: Any) -> None:
        """Nothing is known yet."""
        super().__init__(**options)
        self.instruments = asyncio.Event()
        self.tickers: dict[str, dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []

    async def on_message(self, message: Any) -> None:
        """Keep what concerns us."""
        match message:
            case {"channel": "instrument", "data": {"pairs": pairs}}:
                for pair in pairs:
                    Pairs.decimals[pair["symbol"]] = {
                        "pair_decimals": pair["price_precision"],
                        "lot_decimals": pair["qty_precision"],
                    }
                self.instruments.set()
            case {"channel": "ticker", "data": [ticker]}:
                self.tickers[ticker["symbol"]] = ticker
            case {"channel": "trade", "data": trades}:
                self.trades += trades


class Pairs:
    """Stands where the package asks for pairs over REST."""

    decimals: dict[str, dict[str, int]] = {}  # noqa: RUF012 - the package makes its own instance

    def get_asset_pairs(self, pair: str) -> dict[str, dict[str, int]]:
        """Give what the package looks for in the answer."""
        return {pair: self.decimals[pair]}


async def main(url: str, depth: int, symbols: list[str]) -> None:
    """Learn the pairs, then keep books, tickers and trades of them."""
    base = url.removesuffix(VERSION_PATH)  # The package adds it.
    async with Others(ws_url=base) as others:
        await others.subscribe(params={"channel": "instrument"})
        await others.instruments.wait()
        kraken.spot.orderbook.Market = Pairs
        Books.WS_URL = base
        async with Books(depth=depth) as books:
            await books.add_book(pairs=symbols)
            for channel in ("ticker", "trade"):
                await others.subscribe(params={"channel": channel, "symbol": symbols})
            while True:
                state = {
                    "books": {
                        symbol: [books.levels(symbol, side) for side in ("bid", "ask")]
                        for symbol in symbols
                    },
                    "verified": books.verified,
                    "noticed": books.noticed,
                    "tickers": others.tickers,
                    "trades": others.trades,
                }
                print(json.dumps(state), flush=True)
                await asyncio.sleep(REPORT_EVERY_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
