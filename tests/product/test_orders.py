"""Orders over lines that fail: what is known is so, what is not is said, nothing is sent twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
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
from kraken_trio._internal.observe.metrics import Symbols, measure
from kraken_trio.extended import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    Conditional,
    EditOrder,
    Trading,
    TriggerParams,
)
from kraken_trio.testing import Exchange, Market, chaos, market_pairs, open_exchange

SYMBOL = "BTC/USD"
D = Decimal
ANSWERED = (OrderRejected, OutcomeUnknown, RequestNotSent)
PLACED = {"add_order", "batch_add"}
CHANGED = {"amend_order", "edit_order"}
CLOSE = Conditional(order_type="limit", limit_price=D(5), limit_price_type="pct")
TRAILING = {
    "order_type": "trailing-stop",
    "limit_price": None,
    "triggers": TriggerParams(price=D(2), price_type="quote"),
}
Key = tuple[str, Decimal]
"""A method, and the number that no other request has."""


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
        # What was asked, by what no other request says: on which connection, and how it ended.
        self.asked: dict[Key, tuple[int, str]] = {}
        # How requests ended for whoever asked, and what was told of those that nobody knows.
        self.ended = Counter[tuple[str, str]]()
        self.unknown = Counter[str]()
        self.settled = Counter[str]()
        feed.on(OutcomeUnknown, lambda error: self.unknown.update([error.method]))

    def line(self) -> Any:
        """The connection of orders, if there is one."""
        for each in self.exchange.connections:
            self.met[id(each)] = each
        return next((each for each in self.exchange.connections if each.door == "private"), None)

    def lines(self) -> list[Any]:
        """All connections of orders that there were, in the order of coming."""
        self.line()
        return [each for each in self.met.values() if each.door == "private"]

    async def ask(self, call: Callable[[], Any], key: Key | str) -> None:
        """Ask for something that may be refused, or never answered."""
        connection, end = len(self.lines()), "cancelled"
        try:
            await call()
            end = "answered"
        except ANSWERED as error:
            end = type(error).__name__
            self.raised[end] += 1
        finally:
            if isinstance(key, tuple):
                assert key not in self.asked
                self.asked[key] = connection, end
            self.ended[key[0] if isinstance(key, tuple) else key, end] += 1

    async def settle(self, unknown: OutcomeUnknown, within_s: float | None = None) -> Any:
        """Find out what became of a request."""
        found = await self.trading.settle(unknown, within_s=within_s)
        self.settled[unknown.method] += 1
        return found

    def asking(self, key: Key, method: Callable[..., Any], request: Any, within_s: float) -> None:
        """Ask for something in a task of its own."""
        call = partial(method, request, answer_within_s=within_s)
        self.tasks.start_soon(self.ask, call, key)

    async def request(self, what: str, size: int, name: str) -> None:
        """Ask for an order, or for another in the place of ``name``; requests may overlap."""
        trading, within_s = self.trading, (0.3, 1.0, 4.0)[size % 3]
        side, price = ("buy", 70_000) if size % 5 == 0 else ("sell", 100_000 + size)
        self.number += 1
        mine = f"it{self.number}"
        # No two orders are of one size, and no two amendments to one price.
        qty, amended = D("0.01") + D(self.number * 2).scaleb(-8), D(100_000) + D(self.number) / 10
        members: dict[str, Any] = {"order_qty": qty, "cl_ord_id": mine}
        if size % 7 in {3, 4}:
            members |= {"cl_ord_id": None, "order_userref": self.number}
        elif what != "lost" and size % 7 in {1, 2}:
            members |= {"conditional": CLOSE} if size % 7 == 1 else TRAILING
        add = AddOrder(symbol=SYMBOL, **order(side, price, **members))
        change = AmendOrder(order_id=name, limit_price=amended)
        match what:
            case "add":
                self.asking(("add_order", qty), trading.add_order, add, within_s)
            case "leave":
                with trio.move_on_after(0.01 * (size % 3)):
                    await self.ask(lambda: trading.add_order(add), ("add_order", qty))
            case "batch":
                pair = [
                    BatchOrder(**order("sell", price, cl_ord_id=f"{mine}-{i}", order_qty=each))
                    for i, each in enumerate((qty, qty + D("1e-8")))
                ]
                batch = BatchAdd(symbol=SYMBOL, orders=tuple(pair))
                self.asking(("batch_add", qty), trading.batch_add, batch, within_s)
            case "amend":
                self.asking(("amend_order", amended), trading.amend_order, change, within_s)
            case "edit":
                edit = EditOrder(order_id=name, symbol=SYMBOL, order_qty=qty)
                self.asking(("edit_order", qty), trading.edit_order, edit, within_s)
            case _ if (line := self.line()) is not None:
                # An order whose answer is on its way, and a change that waits for that answer.
                (line.hold, line.mute)[size % 2]()
                self.asking(("add_order", qty), trading.add_order, add, 4.0)
                await trio.sleep(size % 3 / 100)
                change = AmendOrder(cl_ord_id=mine, limit_price=amended)
                self.asking(("amend_order", amended), trading.amend_order, change, 4.0)
                await trio.sleep(size % 4 / 100)
                line.drop()

    async def step(self, what: str, size: int) -> None:
        """Do one thing."""
        trading, line, start = self.trading, self.line(), self.tasks.start_soon
        names = [*trading.orders]
        name = names[size % len(names)] if names else "OAAAAA-AAAAA-AAAAAA"
        match what:
            case "add" | "leave" | "batch" | "amend" | "edit" | "lost":
                await self.request(what, size, name)
            case "cancel":
                start(
                    self.ask,
                    lambda: trading.cancel_order(name, answer_within_s=1.0),
                    "cancel_order",
                )
            case "all":
                start(self.ask, lambda: trading.cancel_all(answer_within_s=1.0), "cancel_all")
            case "command":
                for each in [*self.exchange.account.orders][: size % 3]:
                    self.exchange.account.cancel(each)
            case "market":
                self.exchange.step(size)
            case "wait":
                await trio.sleep(size / 10)
            case "settle" if trading.unknown:
                with suppress(OutcomeUnknown):
                    await self.settle(trading.unknown[0], within_s=3.0)
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
        """Nothing was ever sent twice: by number, by name and by what it says; nothing that was
        asked on one connection was sent on another, and nothing that was not sent ever came; and
        the exchange's ledger has each order and each change once.
        """
        sent, named, said = Counter[int](), Counter[Any](), Counter[Key]()
        for number, line in enumerate(self.lines(), 1):
            for payload in line.requests:
                frame = json.loads(payload, parse_float=D)
                method, params = frame["method"], frame.get("params", {})
                if method in {"subscribe", "unsubscribe", "ping"}:
                    continue
                sent[frame["req_id"]] += 1
                orders = params.get("orders", [params])
                if method in PLACED:
                    named.update(each.get("cl_ord_id", each["order_qty"]) for each in orders)
                if method in PLACED or method in CHANGED:
                    says = "limit_price" if method == "amend_order" else "order_qty"
                    key = method, orders[0][says]
                    said[key] += 1
                    connection, ended = self.asked[key]
                    assert (connection, ended == "RequestNotSent") == (number, False)
        for counted in (sent, named, said):
            assert max(counted.values(), default=0) <= 1
        made, changed = Counter[Any](), Counter[Any]()
        for each in self.exchange.account.executions:
            if each.exec_type == "pending_new" and each.ord_ref_id is None:
                made.update(filter(None, (each.cl_ord_id, each.order_qty)))
            elif each.exec_type == "amended":
                changed[each.limit_price] += 1
        assert max(made.values(), default=0) <= 1
        assert max(changed.values(), default=0) <= 1

    def edited(self, names: tuple[str, ...]) -> bool:
        """Whether an order took the place of another and is there, or was filled."""
        made = [
            each
            for each in self.exchange.account.executions
            if each.exec_type in {"pending_new", "trade"} and str(each.order_userref) in names
        ]
        there = {each.order_id for each in made if each.exec_type == "pending_new"}
        there -= {*names}
        filled = {each.order_id for each in made if each.exec_type == "trade"}
        return bool(there & ({*self.exchange.account.orders} | filled))

    async def check_counted(self) -> None:
        """What is counted is what whoever asked was told, and metrics show the same."""
        await trio.sleep(0.1)
        statistics, samples = self.feed.statistics(), measure(self.feed, Symbols())
        for each in statistics.requests:
            method = each.method
            assert each.accepted == self.ended[method, "answered"]
            assert each.rejected == self.ended[method, "OrderRejected"]
            assert each.unknown == self.unknown[method]
            not_sent, left = self.ended[method, "RequestNotSent"], self.ended[method, "cancelled"]
            assert not_sent <= each.not_sent <= not_sent + left
            assert each.asked == each.accepted + each.rejected + each.unknown + each.not_sent
            assert (each.waiting, each.settled) == (0, self.settled[method])
            unsettled = [error for error in self.trading.unknown if error.method == method]
            assert each.unsettled == len(unsettled)
            for outcome in ("accepted", "rejected", "unknown", "not_sent"):
                sample = samples["kraken_order_requests", (method, outcome)]
                assert sample == getattr(each, outcome)
            for name in ("settled", "unsettled"):
                assert samples[f"kraken_outcomes_{name}", (method,)] == getattr(each, name)

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
            found = await self.settle(unknown)
            if unknown.method not in {"add_order", "edit_order"}:
                continue
            theirs = [
                each
                for each in reports
                if each.ord_ref_id is None
                and unknown.method == "add_order"
                and {each.cl_ord_id, str(each.order_userref)} & {*unknown.names}
            ]
            if unknown.method == "edit_order":
                assert self.edited(unknown.names) is found.carried_out
                continue
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
            await program.check_counted()
            await program.end()
            await program.check_counted()
            program.check_sent()


def held(steps: list[tuple[str, int]]) -> bool:
    """Whether what is told may be late, so that it cannot be compared in between."""
    return any(what in {"hold", "mute", "cut", "lost"} for what, _ in steps)


KINDS = st.sampled_from(
    [
        *("add", "add", "add", "leave", "batch", "amend", "amend", "edit", "cancel", "all"),
        *("command", "market", "wait", "settle", "hold", "release", "cut", "mute"),
        *("lost", "lost"),
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
            await program.check_counted()
            await program.end()
            await program.check_counted()
            program.check_sent()
            assert program.raised
