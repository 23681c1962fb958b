"""The clients of an account, and of books of orders.

    python account_clients.py executions URL UPDATES ORDERS
    python account_clients.py balances URL UPDATES ORDERS
    python account_clients.py level3 URL UPDATES PAIRS DEPTH
    python account_clients.py orders EXCHANGE REQUESTS 0

Each prints one line of JSON: how long it took until all updates were with their consumer, in
seconds of the clock and of the processor. ``executions`` folds what happens into the orders, and
``balances`` into what is held: it ends in an error where the outcome is not what it must be.
``orders`` places and cancels at an exchange that ``order_exchange.py`` told of.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from decimal import Decimal
from typing import Any

import trio

from kraken_trio import (
    BalanceUpdate,
    Execution,
    Gap,
    KrakenConfig,
    Level3Update,
    Subscription,
    open_kraken,
)
from kraken_trio.extended import AddOrder, HttpRest, RestResponse
from kraken_trio.testing import market_pairs
from stage import QTY

ORDER_PAIRS = 50
"""Pairs that orders are placed in, one after the other."""
PAUSE_S = 0.01
"""Before each order: longer than the library lets pass between two."""
FILLED = ["pending_new", "new", "trade", "trade", "filled"]
"""What becomes of each order."""


async def tokens(*_: object, **__: object) -> RestResponse:
    """Be the REST side of an exchange that takes any token."""
    return RestResponse(200, (), b'{"error":[],"result":{"token":"any","expires":900}}')


class Orders:
    """Executions, folded: what happened to each order, and how much of it is filled."""

    def __init__(self, orders: int) -> None:
        """So many are to be there in the end."""
        self._orders = orders
        self._events: dict[str, list[str]] = {}
        self._filled: dict[str, Decimal] = {}

    def take(self, item: Execution) -> None:
        """Fold one in."""
        self._events.setdefault(item.order_id, []).append(item.exec_type)
        if item.cum_qty is not None:
            self._filled[item.order_id] = item.cum_qty

    def right(self) -> bool:
        """Whether all are filled, one step after the other."""
        return (
            len(self._events) == self._orders
            and all(events == FILLED for events in self._events.values())
            and all(filled == QTY for filled in self._filled.values())
        )


class Held:
    """Entries of the ledger, folded: what is held of each asset."""

    def __init__(self, orders: int) -> None:
        """So many are filled in the end."""
        self._orders = orders
        self._held: dict[str, Decimal] = {}
        self._summed = Decimal(0)

    def take(self, item: BalanceUpdate) -> None:
        """Fold one in."""
        self._held[item.asset] = item.balance
        if item.asset == "BTC":
            self._summed += item.amount

    def right(self) -> bool:
        """Whether what was bought is there."""
        return self._held["BTC"] == self._summed == QTY * self._orders


class Books:
    """Books of orders: the library verifies each update."""

    def take(self, item: Level3Update) -> None:
        """There is nothing to fold."""

    def right(self) -> bool:
        """It is counted in the statistics."""
        return True


async def measure(
    subscription: Subscription[Any], kind: type, keeper: Any, updates: int
) -> dict[str, Any]:
    """Take all updates."""
    async with subscription:
        wall, cpu = time.perf_counter(), time.process_time()
        count = 0
        async for item in subscription:
            if type(item) is kind:
                keeper.take(item)
                count += 1
                if count == updates:
                    break
            elif type(item) is Gap:
                sys.exit(f"something was lost: {item}")
        return {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "updates": count,
        }


async def orders(told: dict[str, str], requests: int) -> dict[str, Any]:
    """Place and cancel orders, each in its own time."""
    rest = HttpRest(told["rest"])
    took: dict[str, list[float]] = {"add_order": [], "cancel_order": []}
    config = KrakenConfig(
        endpoint=told["endpoint"],
        private_endpoint=told["private_endpoint"],
        api_key=told["api_key"],
        api_secret=told["api_secret"],
    )
    async with open_kraken(config, rest=rest) as feed, feed.trading() as trading:
        # Each pair has a rate counter of its own: with many, nobody waits for one here.
        orders = [
            AddOrder(
                symbol=pair.symbol,
                side="buy",
                order_type="limit",
                order_qty=trading.round_qty(pair.symbol, 100 / pair.price),
                limit_price=trading.round_price(pair.symbol, pair.price / 2, "buy"),
            )
            for pair in market_pairs(ORDER_PAIRS)
            if pair.symbol.endswith("/USD")
        ]
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(requests):
            add = orders[number % len(orders)]
            await trading.wait_rate(add.symbol, 9)
            await trio.sleep(PAUSE_S)
            began = time.perf_counter()
            placed = await trading.add_order(add)
            took["add_order"].append(time.perf_counter() - began)
            await trio.sleep(PAUSE_S)
            began = time.perf_counter()
            await trading.cancel_order(placed.order_id)
            took["cancel_order"].append(time.perf_counter() - began)
        seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    figures = {}
    for method, each in took.items():
        each.sort()
        figures[method] = [1e6 * each[len(each) // 2], 1e6 * each[len(each) * 99 // 100]]
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "updates": requests,
        "verified": None,
    } | figures


async def run(words: list[str]) -> dict[str, Any]:
    """Run one of them to its end."""
    what, url, updates, count, *depth = words
    if what == "orders":
        return await orders(json.loads(url), int(updates))
    config = KrakenConfig(
        private_endpoint=url,
        level3_endpoint=url,
        api_key="key",
        api_secret=base64.b64encode(bytes(64)).decode(),
    )
    number = int(count)
    async with open_kraken(config, rest=tokens) as feed:
        match what:
            case "executions":
                taken: tuple[Any, type, Any] = feed.executions(), Execution, Orders(number)
            case "balances":
                taken = feed.balances(), BalanceUpdate, Held(number)
            case _:
                symbols = [pair.symbol for pair in market_pairs(number)]
                books = feed.level3(*symbols, depth=int(depth[0]))
                taken = books, Level3Update, Books()
        result = await measure(*taken, int(updates))
        statistics = feed.statistics()
    verified = statistics.checksums_ok - number if what == "level3" else None
    if (
        not taken[2].right()
        or statistics.checksums_failed
        or statistics.gaps
        or statistics.faults
        or verified not in (None, int(updates))
    ):
        sys.exit(f"{what}: not all arrived, or is right: {verified} verified, {statistics}")
    return {**result, "verified": verified}


if __name__ == "__main__":
    print(json.dumps(trio.run(run, sys.argv[1:])))
