"""Orders in the simulated market: account, public trades, books and books of orders agree.

Driven without connections, so that a thousand requests take a second. What clients are told is read
by the engine of this library, which verifies every checksum.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_trio import Channel
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.testing.floor import Floor
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.ratecount import RateCounter
from kraken_trio._internal.testing.trading import Trading
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.requests import read_request
from kraken_trio.testing import Account, ExchangeRules, Market, MarketEvent, market_pairs

SYMBOL = "BTC/USD"
D = Decimal
STEP_NS = 10**8


class World:
    """A market, an account in it, and a client that is told of the books."""

    def __init__(self, seed: int = 1, *, funds: int = 10**9) -> None:
        """Open it."""
        pairs = market_pairs([SYMBOL])
        self.market = Market(pairs, seed=seed, start=10**18)
        self.at = int(self.market.now)
        self.account = Account(pairs, seed=seed, clock=lambda: self.at)
        self.account.deposit("USD", D(funds))
        self.account.deposit("BTC", D(10**4))
        floor = Floor(self.market, self.tell, lambda: self.account.now)
        self.trading = Trading(self.account, floor, RateCounter("pro"), ExchangeRules(tier="pro"))
        self.engine = Engine(V2Decoder())
        for depth, channel in ((10, Channel.book(SYMBOL)), (10, Channel.level3(SYMBOL))):
            self.engine.open(channel)
            snapshot = getattr(self.market, f"{channel.name}_snapshot")(SYMBOL, depth)
            self.engine.feed(snapshot, None)
            watch = self.market.watch if channel.name == "book" else self.market.watch_level3
            watch(SYMBOL, depth)

    def tell(self, events: Any) -> None:
        """Let the client hear."""
        event: MarketEvent
        for event in events:
            self.engine.feed(event.frame, None)

    def step(self, count: int = 1) -> None:
        """Let the market go on."""
        for _ in range(count):
            self.at += STEP_NS
            self.tell(self.market.step(self.at))
            self.trading.placing.follow()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something; give the answer, or the refusal."""
        self.at += 10 * STEP_NS
        frame = json.dumps({"method": method, "params": params, "req_id": 1})
        try:
            with self.account.moment():
                (answer, *_) = self.trading.answer(read_request(frame.encode()), self.account.now)
                self.trading.placing.follow()
        except Refused as refused:
            return {"success": False, "error": refused.error}
        told: dict[str, Any] = json.loads(answer)
        self.trading.placing.follow()
        return told

    def add(self, kind: str, side: str, qty: float, **params: Any) -> str:
        """Place an order; give its name."""
        answer = self.ask(
            "add_order", order_type=kind, side=side, symbol=SYMBOL, order_qty=qty, **params
        )
        assert answer["success"], answer
        return str(answer["result"]["order_id"])

    def price(self, side: str, ticks: int) -> float:
        """A price so many ticks from the best of a side, away from the other."""
        book = self.market.book(SYMBOL, 10)
        away = -ticks if side == "buy" else ticks
        best = (book.bids if side == "buy" else book.asks)[0].price
        return float(best + away * D("0.1"))

    def status(self, order_id: str) -> tuple[str, Decimal]:
        """Where an order stands, and how much of it is filled."""
        order = self.account.order(order_id)
        return order.status, order.cum_qty

    def check(self) -> None:
        """Everything agrees with everything."""
        book, orders = self.market.book(SYMBOL, 1000), self.market.level3(SYMBOL, 1000)
        assert book.bids[0].price < book.asks[0].price
        for levels, waiting in ((book.bids, orders.bids), (book.asks, orders.asks)):
            sums: dict[Decimal, Decimal] = {}
            for row in waiting:
                sums[row.limit_price] = sums.get(row.limit_price, D(0)) + row.order_qty
            assert sums == {level.price: level.qty for level in levels}
        shown: dict[str, Any] = {
            row.order_id: (side, row.limit_price, row.order_qty)
            for side, waiting in (("buy", orders.bids), ("sell", orders.asks))
            for row in waiting
        }
        ends = book.bids[-1].price, book.asks[-1].price
        for order in self.account.open_orders():
            triggers, limit = order.triggers, order.request.limit_price
            waits = triggers is None or triggers.status == "triggered"
            if limit is not None and waits and ends[0] <= limit <= ends[1]:
                left = order.left() if order.shown is None else order.shown
                assert shown.pop(order.order_id) == (order.request.side, limit, left)
        assert not [name for name in shown if name in self.account._orders]
        public = {trade.trade_id: trade for trade in self.market.trades(SYMBOL)}
        filled: dict[str, Decimal] = {}
        for fill in self.account.fills:
            trade = public[fill.trade_id or 0]
            assert (trade.price, trade.qty) == (fill.last_price, fill.last_qty)
            assert (trade.side == fill.side) == (fill.liquidity_ind == "t")
            filled[fill.order_id] = filled.get(fill.order_id, D(0)) + trade.qty
        for name, order in self.account._orders.items():
            assert filled.get(name, D(0)) == order.cum_qty
        assert self.engine.checksums_failed == 0
        for channel in (Channel.book(SYMBOL), Channel.level3(SYMBOL)):
            route: Any = self.engine.route(channel)
            ours = route.book.snapshot()
            assert ours is not None
            theirs = getattr(self.market, channel.name)(SYMBOL, 10)
            assert (ours.bids, ours.asks) == (theirs.bids, theirs.asks) or channel.name != "book"
            assert ours.checksum == theirs.checksum


def test_a_market_order_takes_level_by_level() -> None:
    """Each fill is a public trade at its level's price, and the levels are gone."""
    world = World()
    before = world.market.book(SYMBOL, 10).asks
    qty = before[0].qty + before[1].qty + before[2].qty / 2
    name = world.add("market", "buy", float(round(qty, 8)))
    prices = [fill.last_price for fill in reversed(world.account.fills)]
    assert (world.status(name)[0], prices) == ("filled", [level.price for level in before[:3]])
    assert world.market.book(SYMBOL, 10).asks[0].price == before[2].price
    world.check()


def test_an_order_that_rests_is_filled_in_its_turn() -> None:
    """In part, then wholly, by those who take from the book; each fill is a public trade."""
    fills = 0
    for seed in range(3):
        world = World(seed)
        before = world.market.book(SYMBOL, 10).bids[0]
        name = world.add("limit", "buy", 40.0, limit_price=float(before.price))
        assert world.market.book(SYMBOL, 10).bids[0].qty == before.qty + 40
        while world.status(name)[0] != "filled":
            world.step()
        assert {fill.liquidity_ind for fill in world.account.fills} == {"m"}
        fills += len(world.account.fills)
        world.check()
    assert fills > 3


@pytest.mark.parametrize("tif, left", [("ioc", "canceled"), ("fok", "canceled"), ("gtc", "open")])
def test_what_is_left_of_an_order_that_takes(tif: str, left: str) -> None:
    """Goes with IOC; with FOK nothing is taken at all; else it waits at its limit."""
    world = World()
    best = world.market.book(SYMBOL, 10).asks[0]
    name = world.add(
        "limit",
        "buy",
        float(best.qty + 1),
        limit_price=float(best.price),
        time_in_force=tif,
    )
    status, filled = world.status(name)
    assert filled == (0 if tif == "fok" else best.qty)
    assert status == ("partially_filled" if left == "open" else "canceled")
    if left == "open":
        assert world.market.book(SYMBOL, 10).bids[0] == type(best)(best.price, D("1.00000000"))
    world.check()


def test_a_post_only_order_never_takes() -> None:
    """It is cancelled instead."""
    world = World()
    name = world.add("limit", "buy", 1.0, limit_price=world.price("sell", 0), post_only=True)
    assert world.status(name) == ("canceled", D(0))
    world.check()


@pytest.mark.parametrize("reference", ["last", "index"])
@pytest.mark.parametrize("kind", ["stop-loss", "take-profit"])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("limited", [False, True])
def test_what_sets_an_order_off(kind: str, side: str, reference: str, limited: bool) -> None:
    """A price on the side that its kind says; then it takes, or waits at its limit."""
    world = World()
    last = world.market.trades(SYMBOL)[-1].price
    up = (side == "buy") == (kind == "stop-loss")
    trigger = float(last + (1 if up else -1) * D(3))
    params: dict[str, Any] = {"triggers": {"price": trigger, "reference": reference}}
    if limited:
        params["limit_price"] = trigger + (-500 if side == "buy" else 500)
    name = world.add(kind + "-limit" * limited, side, 0.5, **params)
    triggers: Any = world.account.order(name).triggers
    while triggers.status != "triggered":
        # Somebody pushes the market there.
        world.add("market", "buy" if up else "sell", 5.0)
        world.step()
        triggers = world.account.order(name).triggers
    assert (triggers.last_price >= D(str(trigger))) == up or triggers.last_price == D(str(trigger))
    assert world.status(name)[0] in ({"new", "partially_filled"} if limited else {"filled"})
    world.check()


@pytest.mark.parametrize("reference", ["last", "index"])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("limited", [False, True])
def test_a_trailing_order_is_set_off_by_the_way_back(
    side: str, reference: str, limited: bool
) -> None:
    """Its level follows the best price, which is told each time; the market comes back to it."""
    world = World()
    away, back = ("sell", "buy") if side == "buy" else ("buy", "sell")
    params: dict[str, Any] = {
        "triggers": {"price": 4.0, "price_type": "quote", "reference": reference}
    }
    if limited:
        params["limit_price"] = 900.0 if side == "sell" else -900.0
    name = world.add("trailing-stop" + "-limit" * limited, side, 0.5, **params)
    order = world.account.order(name)
    assert order.triggers is not None
    first = order.triggers.peak_price
    for pushed in (away, back):
        for _ in range(60):
            if order.triggers.status == "triggered":
                break
            world.add("market", pushed, 20.0)
    assert order.triggers.status == "triggered"
    levels, best = [], first
    for report in world.account.executions:
        triggers = report.triggers
        if report.order_id == name and report.exec_type == "status" and triggers is not None:
            assert triggers.actual_price is not None
            assert triggers.peak_price is not None
            assert abs(triggers.actual_price - triggers.peak_price) == 4
            levels.append(triggers.actual_price)
            best = triggers.peak_price
    assert len(levels) > 3
    assert levels == sorted(levels, reverse=side == "buy")
    assert best != first
    at, reached = levels[-1], order.triggers.last_price
    assert reached is not None
    assert reached >= at if side == "buy" else reached <= at
    if limited:
        assert order.request.limit_price == at + D(str(params["limit_price"]))
    assert world.status(name)[0] in ({"new", "partially_filled"} if limited else {"filled"})
    world.check()


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_each_fill_places_what_closes_it(side: str) -> None:
    """A taker's and a maker's: opposite, of its size, in the book and filled like any other."""
    world = World()
    other = "sell" if side == "buy" else "buy"
    close = {"order_type": "limit", "limit_price": 0.3, "limit_price_type": "quote"}
    if side == "sell":
        close["limit_price"] = -0.3
    best = world.market.book(SYMBOL, 10)
    level = (best.asks if side == "buy" else best.bids)[0]
    name = world.add(
        "limit", side, float(level.qty + 1), limit_price=float(level.price), conditional=close
    )
    order = world.account.order(name)
    while order.open:
        world.step()
    fills = [fill for fill in reversed(world.account.fills) if fill.order_id == name]
    assert {fill.liquidity_ind for fill in fills} == {"t", "m"}
    closes = [each for each in world.account.executions if each.ord_ref_id == name]
    assert [(each.side, each.order_qty, each.limit_price) for each in closes] == [
        (other, fill.last_qty, (fill.last_price or 0) + D(str(close["limit_price"])))
        for fill in fills
    ]
    world.check()
    while world.account.orders:
        world.step()
    assert {world.status(each.order_id)[0] for each in closes} == {"filled"}
    world.check()


@pytest.mark.parametrize(
    "stp, statuses",
    [
        (None, ("new", "canceled")),
        ("cancel_newest", ("new", "canceled")),
        ("cancel_oldest", ("canceled", "partially_filled")),
        ("cancel_both", ("canceled", "canceled")),
    ],
)
def test_nobody_trades_with_themselves(stp: str | None, statuses: tuple[str, str]) -> None:
    """One of the two is cancelled, or both."""
    world = World()
    price = world.price("sell", 0)
    resting = world.add("limit", "sell", 1.0, limit_price=price)
    params = {} if stp is None else {"stp_type": stp}
    taking = world.add("limit", "buy", 9.0, limit_price=world.price("sell", 20), **params)
    found = world.status(resting)[0], world.status(taking)[0]
    assert found in {statuses, (statuses[0], "filled")}
    world.check()


def test_an_iceberg_shows_a_slice() -> None:
    """And the next one when that was taken, at the back of the queue."""
    world = World()
    best = world.market.book(SYMBOL, 10).asks[0]
    name = world.add("iceberg", "sell", 3.0, limit_price=float(best.price), display_qty=1.0)
    assert world.market.book(SYMBOL, 10).asks[0].qty == best.qty + 1
    for _ in range(4000):
        world.step()
        if not world.account.order(name).open:
            break
    world.check()
    kinds = [each.exec_type for each in world.account.executions if each.order_id == name]
    assert "iceberg_refill" in kinds or world.status(name)[1] < 1


def test_amendments_keep_or_lose_their_place() -> None:
    """Less keeps it; more, or another price, goes to the back; one that crosses takes."""
    world = World()
    price = world.price("buy", 0)
    name = world.add("limit", "buy", 2.0, limit_price=price)
    for qty, where in ((1.0, price), (3.0, price), (3.0, world.price("buy", 4))):
        assert world.ask("amend_order", order_id=name, order_qty=qty, limit_price=where)["success"]
        world.check()
    world.ask("amend_order", order_id=name, order_qty=3.0, limit_price=world.price("sell", 30))
    assert world.status(name)[1] > 0
    world.check()


KINDS = st.sampled_from(
    [
        *("limit", "limit", "market", "stop-loss", "take-profit-limit", "iceberg"),
        *("trailing-stop", "trailing-stop-limit"),
    ]
)
CLOSES = (
    {"order_type": "limit", "limit_price": 0.01, "limit_price_type": "pct"},
    {"order_type": "trailing-stop", "trigger_price": 1.0, "trigger_price_type": "quote"},
    {"order_type": "stop-loss-limit", "trigger_price": -2.0, "trigger_price_type": "quote"}
    | {"limit_price": 0.5, "limit_price_type": "quote"},
)
PLACES = st.integers(-5, 40)


@settings(max_examples=60)
@given(
    st.integers(0, 5),
    st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "step", "amend", "cancel", "edit", "command", "all"]),
            KINDS,
            st.sampled_from(["buy", "sell"]),
            PLACES,
            st.integers(1, 3000),
        ),
        max_size=30,
    ),
)
def test_all_agree_whatever_happens(seed: int, steps: list[Any]) -> None:
    """Ledger, public trades, books and books of orders, after any sequence of requests."""
    world, dice = World(seed), random.Random(seed)
    for what, kind, side, place, size in steps:
        qty, open_orders = size / 100, [*world.account.orders]
        price = world.price(side, place)
        order_id = dice.choice(open_orders) if open_orders else "O"
        match what:
            case "add":
                params: dict[str, Any] = {"order_type": kind, "side": side, "order_qty": qty}
                if kind not in {"market", "stop-loss", "trailing-stop"}:
                    params["limit_price"] = price
                if "-" in kind:
                    params["triggers"] = {"price": world.price(side, -place)}
                if "trailing" in kind:
                    params["triggers"] = {"price": size / 1000, "price_type": "quote"}
                if kind == "trailing-stop-limit":
                    params["limit_price"] = place / 10
                if size % 3 == 0:
                    params["conditional"] = CLOSES[size % 4 - 1]
                if kind == "iceberg":
                    params["display_qty"] = max(0.01, round(qty / 5, 2))
                elif kind == "limit" and size % 7 == 0:
                    params["time_in_force"] = ("ioc", "fok")[size % 2]
                world.ask("add_order", symbol=SYMBOL, **params)
            case "step":
                world.step(size % 50)
            case "amend":
                world.ask("amend_order", order_id=order_id, order_qty=qty, limit_price=price)
            case "edit":
                world.ask(
                    "edit_order", order_id=order_id, symbol=SYMBOL, order_qty=qty, limit_price=price
                )
            case "cancel":
                world.ask("cancel_order", order_id=[order_id])
            case "command" if open_orders:
                world.account.expire(order_id)
            case "all":
                world.ask("cancel_all")
        world.check()
