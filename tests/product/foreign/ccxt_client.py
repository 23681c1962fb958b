"""ccxt.pro against an exchange on this machine: its own WebSocket, book and checksum code.

    python ccxt_client.py URL DEPTH SYMBOL... <INSTRUMENTS

INSTRUMENTS is the exchange's own snapshot of that channel; from it ccxt is given the markets that
it would ask for over REST. Prints what it knows as a line of JSON, ten times a second, until it
is killed. It runs in an environment that has that package and nothing of ours.

ccxt has code for the checksum and leaves it off. In Python that code cannot work as it is: it
wants the text of numbers, and gets floats. So ccxt is given a JSON reader that keeps the digits,
and a class for numbers that remembers them; its WebSocket, its books and its checksum are its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Self

import ccxt.pro
from ccxt.async_support.base.ws import client as websocket

REPORT_EVERY_S = 0.1


class Number(float):
    """A number that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Read it."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def split(self, separator: str) -> list[str]:
        """Split its text: all that ccxt's checksum asks of it."""
        return self.text.split(separator)


class Kraken(ccxt.pro.kraken):
    """ccxt's exchange, which counts its checksums."""

    calculated = 0
    noticed = 0

    def crc32(self, payload: str, signed: bool = False) -> int:  # noqa: FBT002 - ccxt's
        """Count what is about to be compared."""
        self.calculated += 1
        return int(super().crc32(payload, signed))


def markets(instruments: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the pairs of an instrument snapshot in ccxt's words."""
    return [
        {
            "id": pair["symbol"],
            "symbol": pair["symbol"],
            "base": pair["base"],
            "quote": pair["quote"],
            "baseId": pair["base"],
            "quoteId": pair["quote"],
            "type": "spot",
            "spot": True,
            "active": True,
            "precision": {"price": pair["price_increment"], "amount": pair["qty_increment"]},
            "info": {"wsname": pair["symbol"]},
        }
        for pair in instruments["data"]["pairs"]
    ]


async def watch(method: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Stay subscribed."""
    while True:
        await method(*arguments)


async def watch_book(exchange: Kraken, symbol: str, depth: int) -> None:
    """Stay subscribed until a checksum is wrong: ccxt cannot go on then.

    It throws the book away and asks for it again, but never unsubscribed, and so is refused.
    """
    try:
        await watch(exchange.watch_order_book, symbol, depth)
    except ccxt.ChecksumError:
        exchange.noticed += 1


def state(exchange: Kraken) -> dict[str, Any]:
    """Give all that it knows, numbers as they were written."""
    books = {
        symbol: [[(price.text, qty.text) for price, qty in book[side]] for side in ("bids", "asks")]
        for symbol, book in exchange.orderbooks.items()
    }
    tickers = {
        symbol: {name: ticker[name].text for name in ("bid", "ask", "last")}
        for symbol, ticker in exchange.tickers.items()
    }
    trades = [
        {
            "symbol": symbol,
            "side": trade["side"],
            "price": trade["price"].text,
            "qty": trade["amount"].text,
            "trade_id": int(trade["id"]),
        }
        for symbol, cache in exchange.trades.items()
        for trade in cache
    ]
    return {
        "books": books,
        "verified": exchange.calculated - exchange.noticed,
        "noticed": exchange.noticed,
        "tickers": tickers,
        "trades": trades,
    }


async def main(url: str, depth: int, symbols: list[str]) -> None:
    """Watch everything about some pairs."""
    websocket.json_parser = SimpleNamespace(
        loads=partial(json.loads, parse_float=str), dumps=websocket.json_parser.dumps
    )
    options = {"watchOrderBook": {"checksum": True}}
    exchange = Kraken({"number": Number, "options": options, "enableRateLimit": False})
    exchange.urls["api"]["ws"]["publicV2"] = url
    exchange.set_markets(markets(json.load(sys.stdin)))
    async with asyncio.TaskGroup() as group:
        for symbol in symbols:
            group.create_task(watch_book(exchange, symbol, depth))
            group.create_task(watch(exchange.watch_ticker, symbol))
            group.create_task(watch(exchange.watch_trades, symbol))
        while True:
            print(json.dumps(state(exchange)), flush=True)
            await asyncio.sleep(REPORT_EVERY_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
