"""Orders over lines that fail: what is known is so, what is not is said, nothing is sent twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_trio import (
    ConnectionState,
    Execution,
    Feed,
    KrakenConfig,
    OrderRejected,
    OutcomeUnknown,
    RequestNotSent,
    open_kraken,
)
from kraken_trio.extended import AddOrder, AmendOrder, BatchAdd, BatchOrder, Trading
from kraken_trio.testing import Exchange, Market, chaos, market_pairs, open_exchange

SYMBOL = "BTC/USD"
D = Decimal
ANSWERED = (OrderRejected, OutcomeUnknown, RequestNotSent)
PLACED = {"add_order", "batch_add"}


def order(side: str, price: int, **members: Any) -> dict[str, Any]:
    """Give an order at a price that the market is far from, or one that it is near."""
    return {
        "side": side,
        "order_type": "limit",
        "order_qty": D("0.01"),
        "limit_price": D(price),
        **members,
    }


class Ordeal:
    """A program that trades over a line that fails, and the exchange that it trades at."""

    def __init__(self, exchange: Exchange, feed: Feed, trading: Trading) -> None:
        """Join them."""
        self.exchange = exchange
        self.feed = feed
        self.trading = trading
        self.tasks: trio.Nursery
        self.met: dict[int, Any] = {}
        self.raised = Counter[str]()
        self.number = 0

    def line(self) -> Any:
        """The connection of orders, if there is one."""
        for each in self.exchange.connections:
            self.met[id(each)] = each
        return next((each for each in self.exchange.connections if each.door == "private"), None)

    async def ask(self, call: Callable[[], Any]) -> None:
        """Ask for something that may be refused, or never answered."""
        try:
            await call()
        except ANSWERED as error:
            self.raised[type(error).__name__] += 1

    async def step(self, what: str, size: int) -> None:
        """Do one thing. Requests are made by tasks of their own, and may overlap."""
        trading, line, start = self.trading, self.line(), self.tasks.start_soon
        names = [*trading.orders]
        name = names[size % len(names)] if names else "OAAAAA-AAAAA-AAAAAA"
        side, price = ("buy", 70_000) if size % 5 == 0 else ("sell", 100_000 + size)
        self.number += 1
        mine = f"it{self.number}"
        match what:
            case "add":
                add = AddOrder(symbol=SYMBOL, **order(side, price, cl_ord_id=mine))
                start(self.ask, lambda: trading.add_order(add, answer_within_s=1.0))
            case "leave":
                add = AddOrder(symbol=SYMBOL, **order(side, price, cl_ord_id=mine))
                with trio.move_on_after(0.01 * (size % 3)):
                    await self.ask(lambda: trading.add_order(add))
            case "batch":
                pair = [order("sell", price + i, cl_ord_id=f"{mine}-{i}") for i in range(2)]
                batch = BatchAdd(symbol=SYMBOL, orders=tuple(BatchOrder(**each) for each in pair))
                start(self.ask, lambda: trading.batch_add(batch, answer_within_s=1.0))
            case "amend":
                change = AmendOrder(order_id=name, limit_price=D(100_000 + size * 2))
                start(self.ask, lambda: trading.amend_order(change, answer_within_s=1.0))
            case "cancel":
                start(self.ask, lambda: trading.cancel_order(name, answer_within_s=1.0))
            case "all":
                start(self.ask, lambda: trading.cancel_all(answer_within_s=1.0))
            case "command":
                for each in [*self.exchange.account.orders][: size % 3]:
                    self.exchange.account.cancel(each)
            case "market":
                self.exchange.step(size)
            case "wait":
                await trio.sleep(size / 10)
            case "settle" if trading.unknown:
                await self.ask(lambda: trading.settle(trading.unknown[0], within_s=3.0))
            case _ if line is not None:
                {
                    "hold": line.hold,
                    "release": line.release,
                    "cut": line.drop,
                    "mute": line.mute,
                }.get(what, lambda: None)()
        await trio.sleep(0.05)
        self.line()

    def check(self) -> None:
        """What is known of open orders is so; or it is in doubt, or not whole and said to be."""
        ours, theirs = self.trading.orders, self.exchange.account.orders
        assert self.trading.whole
        doubtful = {name for error in self.trading.unknown for name in error.names}
        for name in {*ours, *theirs}:
            left, right = ours.get(name), theirs.get(name)
            if short(left) != short(right):
                known = left or right
                assert known is not None
                assert {name, known.cl_ord_id} & doubtful

    def check_sent(self) -> None:
        """No request was ever sent twice, over all connections that there were."""
        sent, named = Counter[int](), Counter[str]()
        for line in self.met.values():
            for payload in line.requests:
                frame = json.loads(payload)
                if frame["method"] in {"subscribe", "unsubscribe", "ping"}:
                    continue
                sent[frame["req_id"]] += 1
                if frame["method"] in PLACED:
                    params = frame["params"]
                    named.update(each["cl_ord_id"] for each in params.get("orders", [params]))
        assert max(sent.values(), default=0) <= 1
        assert max(named.values(), default=0) <= 1

    async def end(self) -> None:
        """Let it calm down; then everything is known, and right."""
        line = self.line()
        if line is not None:
            line.drop()
            await self.feed.wait_state(ConnectionState.DEGRADED, session="trading")
        await self.feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
        await trio.sleep(0.1)
        self.check()
        reports = self.exchange.account.executions
        for unknown in self.trading.unknown:
            found = await self.trading.settle(unknown)
            if unknown.method != "add_order":
                continue
            (name,) = unknown.names
            theirs = [each for each in reports if each.cl_ord_id == name]
            if found.carried_out:
                assert theirs
                assert {each.order_id for each in found.orders} == {theirs[0].order_id}
            else:
                # It never was; or it was there for a moment, and nothing came of it.
                assert not theirs or theirs[-1].exec_type == "canceled"
                assert not [each for each in theirs if each.exec_type == "trade"]
            fills = {each.exec_id for each in theirs if each.exec_type == "trade"}
            assert {each.exec_id for each in found.fills} == fills
        assert self.trading.unknown == ()
        assert {n: short(each) for n, each in self.trading.orders.items()} == {
            n: short(each) for n, each in self.exchange.account.orders.items()
        }


def short(known: Execution | None) -> Any:
    """What has to be the same of an order."""
    if known is None:
        return None
    return known.side, known.order_qty, known.limit_price, known.cum_qty or 0, known.cl_ord_id


async def ordeal(steps: list[tuple[str, int]], seed: int) -> None:
    """Go through it."""
    market = Market(market_pairs([SYMBOL]), seed=seed, start=10**18)
    async with open_exchange(market, seed=seed) as exchange:
        exchange.account.deposit("USD", D(10**7))
        exchange.account.deposit("BTC", D(1000))
        config = KrakenConfig(
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            jitter=0.0,
            max_attempts=None,
            max_delay=1.0,
        )
        async with (
            open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
            feed.trading() as trading,
        ):
            program = Ordeal(exchange, feed, trading)
            async with trio.open_nursery() as program.tasks:
                for what, size in steps:
                    await program.step(what, size)
                    if trading.whole and not program.tasks.child_tasks and not held(steps):
                        program.check()
            await program.end()
            program.check_sent()


def held(steps: list[tuple[str, int]]) -> bool:
    """Whether what is told may be late, so that it cannot be compared in between."""
    return any(what in {"hold", "mute", "cut"} for what, _ in steps)


KINDS = st.sampled_from(
    [
        *("add", "add", "add", "leave", "batch", "amend", "amend", "cancel", "all"),
        *("command", "market", "wait", "settle", "hold", "release", "cut", "mute"),
    ]
)


@settings(max_examples=80)
@given(st.lists(st.tuples(KINDS, st.integers(0, 40)), max_size=25), st.integers(0, 3))
def test_what_is_known_is_so_and_nothing_is_sent_twice(
    steps: list[tuple[str, int]], seed: int
) -> None:
    """After any sequence of requests, cuts and reconnects."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(ordeal, steps, seed, clock=clock)


@pytest.mark.parametrize("seed", range(8))
async def test_orders_over_a_line_of_chaos(
    autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    """Whatever the kit does to the line, every order is known in the end, and was sent once."""
    market = Market(market_pairs([SYMBOL]), seed=seed, start=10**18)
    async with open_exchange(market, seed=seed) as exchange:
        exchange.account.deposit("BTC", D(1000))
        config = KrakenConfig(
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            jitter=0.0,
            max_attempts=None,
            max_delay=1.0,
        )
        async with (
            chaos(exchange.dial, seed=seed, every_s=1.0) as trouble,
            open_kraken(config, dial=trouble.dial, rest=exchange.rest) as feed,
            feed.trading() as trading,
        ):
            program = Ordeal(exchange, feed, trading)
            async with trio.open_nursery() as program.tasks:
                for number in range(120):
                    what = ("add", "amend", "add", "cancel", "batch", "wait")[number % 6]
                    await program.step(what, number % 7)
            trouble.calm()
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
            await program.end()
            program.check_sent()
            assert program.raised
