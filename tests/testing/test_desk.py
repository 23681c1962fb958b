"""Clients at the private door are told of the account, each for itself, and trade with it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.testing.exchange import Exchange, open_exchange
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.wire.decode import V2Decoder

if TYPE_CHECKING:
    from tests.testing.conftest import Client, Connect

HOST = "ws-auth.kraken.com"
START = 1_767_225_600 * 10**9
D = Decimal
LIMIT: dict[str, object] = {
    "order_type": "limit",
    "side": "buy",
    "symbol": "BTC/USD",
    "order_qty": 0.1,
    "limit_price": 50000.5,
}


class Member:
    """A client with a token."""

    def __init__(self, exchange: Exchange, client: Client) -> None:
        """Get a token."""
        self.client = client
        self.token = exchange._venue.tokens.issue(trio.current_time()).reveal()

    async def ask(self, method: str, **params: object) -> None:
        """Ask for something private."""
        await self.client.ask(method, {**params, "token": self.token}, req_id=7)

    async def subscribe(self, *channels: str, **options: object) -> None:
        """Subscribe to channels."""
        for channel in channels:
            await self.ask("subscribe", channel=channel, **options)

    async def heard(self) -> list[Any]:
        """Give all that came, without heartbeats; the answer to a ping comes after it."""
        await self.client.ask("ping", req_id=999)
        messages: list[Any] = []
        while (message := await self.client.next()).get("req_id") != 999:
            if message.get("channel") != "heartbeat":
                messages.append(message)
        return messages


def short(messages: list[Any]) -> list[str]:
    """Give messages in short: what happened, and its number."""
    told: list[str] = []
    for message in messages:
        if "method" in message:
            told.append(message["method"])
        elif message["type"] == "snapshot":
            told.append(f"{message['channel']} {message['sequence']}")
        else:
            (row,) = message["data"]
            told.append(f"{row.get('exec_type') or row['asset']} {message['sequence']}")
    return told


def market() -> Market:
    """Make one whose times are known."""
    return Market(seed=1, start=START)


def funded(exchange: Exchange) -> None:
    """Give the account something to trade with."""
    exchange.account.deposit("USD", D(100_000))


async def test_acknowledgements(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """The answers to subscriptions say what the exchange's say, word for word."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        await member.subscribe("executions", snap_orders=True, snap_trades=True)
        await member.subscribe("balances")
        executions, _, balances, _ = await member.heard()
        assert executions["result"] == {
            "channel": "executions",
            "maxratecount": 125,
            "snap_orders": True,
            "snap_trades": True,
            "snapshot": True,
            "warnings": [
                "cancel_reason is deprecated, use reason",
                "stop_price is deprecated, use triggers.price",
                "trigger is deprecated use triggers.reference",
                "triggered_price is deprecated use triggers.last_price",
            ],
        }
        assert balances["result"] == {"channel": "balances", "snapshot": True}


async def test_each_client_counts_for_itself(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Everybody is told, under numbers of their own; who comes back starts at 1 again."""
    async with open_exchange(market()) as exchange, AsyncExitStack() as stack:
        one, two = [
            Member(exchange, await stack.enter_async_context(connect(exchange, HOST)))
            for _ in range(2)
        ]
        await one.subscribe("executions", "balances")
        assert short(await one.heard()) == [
            "subscribe",
            "executions 1",
            "subscribe",
            "balances 1",
        ]
        funded(exchange)
        exchange.account.place("BTC/USD", "buy", D("0.1"), D(50000))
        assert short(await one.heard()) == ["USD 2", "pending_new 2", "new 3"]
        await two.subscribe("executions")
        assert short(await two.heard()) == ["subscribe", "executions 1"]
        (name,) = exchange.account.orders
        exchange.account.fill(name)
        assert short(await one.heard()) == ["trade 4", "filled 5", "BTC 3", "USD 4"]
        assert short(await two.heard()) == ["trade 2", "filled 3"]
        await one.ask("unsubscribe", channel="executions")
        assert short(await one.heard()) == ["unsubscribe"]
        exchange.account.place("BTC/USD", "buy", D("0.1"), D(50000))
        await one.subscribe("executions")
        heard = await one.heard()
        assert short(heard) == ["subscribe", "executions 1"]
        assert [row["exec_type"] for row in heard[1]["data"]] == ["new", "trade"]
        assert short(await two.heard()) == ["pending_new 4", "new 5"]


async def test_who_left_is_forgotten(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A client that is gone is told nothing any more."""
    async with open_exchange(market()) as exchange:
        async with connect(exchange, HOST) as client:
            await Member(exchange, client).subscribe("executions", "balances")
            await trio.testing.wait_all_tasks_blocked()
        await trio.testing.wait_all_tasks_blocked()
        assert exchange.connections == ()
        funded(exchange)


async def test_faults(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """A frame may be lost, which leaves a gap in the numbers, or altered, or all be silent."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        await member.subscribe("executions", "balances")
        await member.heard()
        (connection,) = exchange.connections
        connection.drop_next("executions", None)
        connection.alter_next("balances", None, lambda frame: [frame, frame])
        connection.silence("balances", None)
        funded(exchange)
        exchange.account.place("BTC/USD", "buy", D("0.1"), D(50000))
        assert short(await member.heard()) == ["new 3"]
        connection._outbox.silent.clear()
        exchange.account.deposit("USD", D(1))
        assert short(await member.heard()) == ["USD 3", "USD 3"]


@pytest.mark.parametrize("events_first", [True, False])
async def test_events_and_answers(
    events_first: bool, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """What is told of a request comes after its answer, or before it where that is asked for."""
    rules = ExchangeRules(events_before_responses=events_first)
    async with (
        open_exchange(market(), rules=rules) as exchange,
        connect(exchange, HOST) as client,
        connect(exchange, HOST) as witness,
    ):
        member, other = Member(exchange, client), Member(exchange, witness)
        await member.subscribe("executions")
        await other.subscribe("executions")
        funded(exchange)
        await member.heard()
        await other.heard()
        await member.ask("add_order", **LIMIT)
        events = ["pending_new 2", "new 3"]
        answer = ["add_order"]
        assert short(await member.heard()) == (
            [*events, *answer] if events_first else [*answer, *events]
        )
        assert short(await other.heard()) == events
        await member.ask("add_order", **(LIMIT | {"order_qty": 100}))
        (refused,) = await member.heard()
        assert refused["error"] == "EOrder:Insufficient funds"
        await member.ask("cancel_order", order_id=[*exchange.account.orders, "O"])
        cancelled = await member.heard()
        assert sorted(short(cancelled)) == ["cancel_order", "cancel_order", "canceled 4"]


async def test_one_request_is_one_moment(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """All that one request does happens at one moment, as in the exchange's engine."""
    async with open_exchange() as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        funded(exchange)
        await member.subscribe("executions")
        await member.heard()
        await member.ask("add_order", **(LIMIT | {"limit_price": 99999.5}))
        heard = await member.heard()
        assert short(heard[1:]) == ["pending_new 2", "new 3", "trade 4", "filled 5"]
        assert len({message["data"][0]["timestamp"] for message in heard[1:]}) == 1


async def test_the_switch(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """The dead man's switch strikes at its time; set again, it strikes later."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        exchange.account.place("BTC/USD", "buy", D("0.1"), D(50000))
        await member.subscribe("executions")
        await member.ask("cancel_all_orders_after", timeout=10)
        await trio.sleep(9)
        await member.ask("cancel_all_orders_after", timeout=10)
        await trio.sleep(9)
        assert len(exchange.account.orders) == 1
        await trio.sleep(2)
        assert exchange.account.orders == {}
        *_, last = await member.heard()
        assert short([last]) == ["canceled 2"]
        assert last["data"][0]["timestamp"] == "2026-01-01T00:00:19.000000Z"


async def test_the_switch_waits_for_the_engine(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """What is due during a maintenance happens when the engine comes back."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        exchange.account.place("BTC/USD", "buy", D("0.1"), D(50000))
        member = Member(exchange, client)
        await member.ask("cancel_all_orders_after", timeout=10)
        await member.heard()
        exchange.change_system("maintenance")
        await member.ask("cancel_all")
        assert (await member.heard())[-1]["error"] == "EService:Unavailable"
        await trio.sleep(20)
        assert len(exchange.account.orders) == 1
        exchange.change_system("cancel_only")
        await trio.testing.wait_all_tasks_blocked()
        assert exchange.account.orders == {}


async def test_orders_expire(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """An order with an end ends then, whoever placed it."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        funded(exchange)
        await Member(exchange, client).ask(
            "add_order",
            **LIMIT,
            time_in_force="gtd",
            effective_time="2026-01-01T00:00:05Z",
            expire_time="2026-01-01T00:00:30Z",
        )
        await trio.sleep(10)
        (order,) = exchange.account.orders.values()
        assert order.order_status == "new"
        await trio.sleep(25)
        assert exchange.account.orders == {}
        assert [str(report.timestamp)[17:19] for report in exchange.account.executions] == [
            "00",
            "05",
            "30",
        ]


async def test_refusals_by_command(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A method is refused, or never answered, where a test wants that; and nothing happens."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        funded(exchange)
        member = Member(exchange, client)
        exchange.refusals["add_order"] = "EService:Busy"
        await member.ask("add_order", **LIMIT)
        assert [message["error"] for message in await member.heard()] == ["EService:Busy"]
        exchange.refusals["add_order"] = None
        await member.ask("add_order", **LIMIT)
        assert await member.heard() == []
        assert exchange.account.orders == {}


async def test_everything_that_was_told_is_true(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """What the library reads of all frames is what the account told, and holds at last."""
    async with open_exchange(market(), ledger=1000) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        await member.subscribe("executions", "balances")
        await member.heard()
        funded(exchange)
        for price in (50000.5, 99999.5):
            await member.ask("add_order", **(LIMIT | {"limit_price": price}))
        await member.ask("add_order", **(LIMIT | {"side": "sell", "limit_price": 1.0}))
        await member.ask("cancel_all")
        await member.heard()
        decoder = V2Decoder()
        records: dict[str, list[object]] = {"executions": [], "balances": []}
        for entry in exchange.ledger.entries(connection=1):
            if entry.channel in records:
                message = decoder.decode(entry.frame, None)
                assert isinstance(message, RecordsMessage)
                records[message.channel] += message.records
        assert records["executions"] == [*exchange.account.executions]
        assert records["balances"] == [*exchange.account.ledger]
        held = {entry.asset: entry.balance for entry in exchange.account.ledger}
        shown = {a: b.balance for a, b in exchange.account.balances.items()}
        assert shown == {asset: balance for asset, balance in held.items() if balance}


async def test_without_a_snapshot(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """Those who want sub-accounts, too, get no snapshot, and all that is new."""
    async with open_exchange(market()) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        await member.subscribe("balances", users="all")
        assert short(await member.heard()) == ["subscribe"]
        funded(exchange)
        assert short(await member.heard()) == ["USD 1"]


async def test_the_rate_is_the_tiers(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """The rules choose the tier, and with it the ceiling."""
    rules = ExchangeRules(tier="pro")
    async with open_exchange(market(), rules=rules) as exchange, connect(exchange, HOST) as client:
        member = Member(exchange, client)
        await member.subscribe("executions", ratecounter=True)
        funded(exchange)
        await member.ask("add_order", **LIMIT)
        heard = await member.heard()
        assert heard[0]["result"]["maxratecount"] == 180
        assert [message["data"][0]["ratecount"] for message in heard[3:]] == [1, 1]
        assert json.dumps(heard[1]["data"]) == "[]"
