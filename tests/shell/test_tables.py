"""Live tables of an account: what they say, when they are live, and how an order is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio import (
    Channel,
    ConfigurationError,
    ConnectionState,
    Feed,
    KrakenConfig,
    Order,
    OrderEnded,
    SubscriptionError,
    open_kraken,
)
from kraken_trio.testing import Exchange, ExchangeRules, open_exchange

LIMIT = Decimal(50_000)


@asynccontextmanager
async def opened(**rules: Any) -> AsyncIterator[tuple[Exchange, Feed]]:
    """Open an exchange in memory, and a feed of it."""
    async with open_exchange(seed=1, rules=ExchangeRules(**rules)) as exchange:
        config = KrakenConfig(
            api_key=exchange.api_key, api_secret=exchange.api_secret, jitter=0.0, timeout=5.0
        )
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            yield exchange, feed


def place(exchange: Exchange, qty: int = 2) -> str:
    """Place an order; give its name."""
    report, _ = exchange.account.place("BTC/USD", "buy", Decimal(qty), LIMIT)
    return report.order_id


def door(exchange: Exchange) -> Any:
    """Give the one connection to the account."""
    (connection,) = (each for each in exchange.connections if each.door == "private")
    return connection


async def test_what_nobody_subscribed_to_is_empty(autojump_clock: trio.abc.Clock) -> None:
    """And not live; a public session and books of orders change nothing about that."""
    async with opened() as (_, feed), feed.ticker("BTC/USD"), feed.level3("BTC/USD"):
        for table in (feed.orders, feed.balances):
            assert (len(table), list(table), table.live) == (0, [], False)
            with pytest.raises(KeyError):
                table["USD"]
        assert feed.orders.open == ()
        assert repr(feed.orders) == "<OrderTable not live: 0 open, 0 known>"
        assert repr(feed.balances) == "<BalanceTable not live: 0 assets>"


@pytest.mark.parametrize("channel", ["executions", "open_orders", "own_trades"])
async def test_orders_as_they_stand(autojump_clock: trio.abc.Clock, channel: str) -> None:
    """Whatever it is that keeps them; looked up as they are at that moment."""
    async with opened() as (exchange, feed):
        first = place(exchange)
        async with getattr(feed, channel)() as records:
            second = place(exchange)
            exchange.account.fill(first, Decimal(1))
            exchange.account.cancel(second)
            await trio.sleep(1)
            assert feed.orders.live
            order = feed.orders[first]
            assert order.order_status == "partially_filled"
            assert order.cum_qty == Decimal(1)
            assert (order.symbol, order.limit_price) == ("BTC/USD", LIMIT)
            assert feed.orders.open == (order,)
            assert list(feed.orders) == [first, second]
            assert feed.orders.get(second, order).order_status == "canceled"
            assert repr(feed.orders) == "<OrderTable live: 1 open, 2 known>"
            assert repr(feed.orders[first]).startswith(f"Order({first} partially_filled buy")
            records.close()
        assert len(feed.orders) == 0


async def test_balances_as_they_stand(autojump_clock: trio.abc.Clock) -> None:
    """The table is there while it is subscribed to, by calling it."""
    async with opened() as (exchange, feed):
        exchange.account.deposit("USD", Decimal(7))
        async with feed.balances():
            exchange.account.transfer("USD", Decimal(2))
            await trio.sleep(1)
            held = feed.balances["USD"]
            assert held.balance == Decimal(7)
            assert [str(each.balance)[0] for each in held.wallets] == ["5", "2"]
            assert dict(feed.balances) == {"USD": held}
            assert repr(feed.balances) == "<BalanceTable live: 1 assets>"
        assert "USD" not in feed.balances


async def test_without_a_connection_nothing_is_live(autojump_clock: trio.abc.Clock) -> None:
    """It says how things stood; the next snapshot makes it right."""
    async with opened() as (exchange, feed), feed.executions(), feed.balances():
        exchange.account.deposit("USD", Decimal(7))
        name = place(exchange)
        await trio.sleep(1)
        door(exchange).drop()
        await feed.wait_state(ConnectionState.DEGRADED, session="private")
        assert (feed.orders.live, feed.balances.live) == (False, False)
        before: Any = feed.orders[name]
        assert before.open
        exchange.account.cancel_all()
        exchange.account.withdraw("USD", Decimal(7))
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
        assert (feed.orders.live, feed.balances.live) == (True, True)
        assert (feed.orders[name].order_status, feed.orders[name].missed) == ("gone", True)
        assert feed.orders.open == ()
        assert dict(feed.balances) == {}


async def test_a_missing_number_makes_it_doubtful_until_it_is_mended(
    autojump_clock: trio.abc.Clock,
) -> None:
    """With losses ignored it stays so until the next connection."""
    async with opened() as (exchange, feed):
        ignoring = feed.subscribe(Channel.executions(), gap_policy="ignore")  # type: ignore[arg-type]
        async with ignoring, feed.balances():
            door(exchange).drop_next("executions", None)
            missed, seen = place(exchange), place(exchange)
            await trio.sleep(5)
            assert [feed.orders.live, feed.balances.live] == [False, True]
            assert feed.orders[missed].symbol is None  # Its first report was the one.
            assert feed.orders[seen].symbol == "BTC/USD"
            door(exchange).drop()
            await trio.sleep(5)
            assert feed.orders.live
            assert feed.orders[missed].symbol == "BTC/USD"


async def test_one_that_blocks_has_a_table_too_but_the_live_one_counts(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Where there are two, the one that is live is asked."""
    async with opened() as (exchange, feed):
        name = place(exchange)
        blocking = feed.subscribe(Channel.executions(), drop_policy="block")  # type: ignore[arg-type]
        async with blocking:
            await trio.sleep(1)
            assert feed.orders[name].open
            exchange.connections[0].mute()
            async with feed.open_orders():
                exchange.account.cancel_all()
                await trio.sleep(0.5)
                assert not feed.orders[name].open
                for connection in exchange.connections:
                    connection.drop()
                await feed.wait_state(ConnectionState.DEGRADED, session="private")
                assert not feed.orders.live


# Waiting for an order.


@pytest.mark.parametrize("status", ["pending_new", "new", "partially_filled", "filled", None])
@pytest.mark.parametrize("known", [True, False])
async def test_an_order_comes_as_far_as_it_is_waited_for(
    autojump_clock: trio.abc.Clock, status: str | None, *, known: bool
) -> None:
    """Whether it is known already or not; one that is further has been there, too."""
    async with opened() as (exchange, feed), feed.executions():
        waits: list[Order] = []

        async def wait(name: str) -> None:
            waits.append(await feed.wait_order(name, status))

        other = place(exchange)
        name = place(exchange)
        async with trio.open_nursery() as nursery:
            if known:
                await trio.sleep(1)
            nursery.start_soon(wait, name)
            await trio.lowlevel.checkpoint()
            exchange.account.fill(name, Decimal(1))
            await trio.sleep(1)
            assert bool(waits) == (status not in ("filled", None))
            exchange.account.fill(other)
            exchange.account.fill(name)
        (order,) = waits
        assert order.order_id == name
        await trio.sleep(1)
        assert (await feed.wait_order(name, status)).order_status == "filled"


@pytest.mark.parametrize("wanted", ["filled", "partially_filled", "new", "expired", "gone"])
async def test_an_order_that_ends_otherwise(autojump_clock: trio.abc.Clock, wanted: str) -> None:
    """Is not waited for any longer, then and later."""
    async with opened() as (exchange, feed), feed.open_orders():
        name = place(exchange)
        exchange.account.cancel(name)
        await trio.sleep(1)
        for _ in range(2):
            with pytest.raises(OrderEnded) as caught:
                await feed.wait_order(name, wanted)
            error = caught.value
            assert (error.order_id, error.order_status, error.wanted) == (name, "canceled", wanted)
        assert (await feed.wait_order(name)).order_status == "canceled"
        assert (await feed.wait_order(name, "canceled")).order_id == name


async def test_one_that_was_partly_filled_before_its_end(autojump_clock: trio.abc.Clock) -> None:
    """Has come that far, and no further."""
    async with opened() as (exchange, feed), feed.own_trades():
        name = place(exchange)
        exchange.account.fill(name, Decimal(1))
        exchange.account.cancel(name)
        await trio.sleep(1)
        assert (await feed.wait_order(name, "partially_filled")).cum_qty == Decimal(1)
        with pytest.raises(OrderEnded):
            await feed.wait_order(name, "filled")


@pytest.mark.parametrize("part, outcome", [(1, "gone"), (2, "filled")])
async def test_a_wait_outlives_connections(
    autojump_clock: trio.abc.Clock, part: int, outcome: str
) -> None:
    """What became of the order meanwhile, the next snapshot says; or that nobody can tell."""
    async with opened() as (exchange, feed), feed.executions():
        name = place(exchange)
        await trio.sleep(1)
        door(exchange).drop()
        exchange.account.fill(name, Decimal(part))
        if part == 1:
            exchange.account.cancel(name)
        if outcome == "gone":
            with pytest.raises(OrderEnded) as caught:
                await feed.wait_order(name, "filled")
            assert caught.value.order_status == "gone"
        else:
            order = await feed.wait_order(name, "filled")
            assert order.missed
            assert order.cum_qty == Decimal(2)


async def test_a_wait_that_is_cancelled_leaves_nothing(autojump_clock: trio.abc.Clock) -> None:
    """And takes nothing from another one."""
    async with opened() as (exchange, feed), feed.executions() as executions:
        name = place(exchange)
        with trio.move_on_after(1) as limit:
            await feed.wait_order(name)
        assert limit.cancelled_caught
        route: Any = feed._hub.sessions["private"].engine.route(executions.channel)
        assert route.source.watchers == []
        with trio.CancelScope() as scope:
            scope.cancel()
            await feed.wait_order(name, "new")
        assert scope.cancelled_caught
        assert route.source.watchers == []


async def test_a_wait_ends_with_what_tells_of_orders(autojump_clock: trio.abc.Clock) -> None:
    """The subscription, the session, the feed; and it does not begin without."""
    async with opened() as (exchange, feed):
        with pytest.raises(SubscriptionError, match="is not subscribed to"):
            await feed.wait_order("O")
        name = place(exchange)

        async def wait(match: str) -> None:
            with pytest.raises(SubscriptionError, match=match):
                await feed.wait_order(name)

        async with trio.open_nursery() as nursery, feed.executions():
            nursery.start_soon(wait, "not subscribed to any more")
            await trio.sleep(1)
        async with feed.own_trades(), trio.open_nursery() as nursery:
            nursery.start_soon(wait, r"feed.connect\(\) starts a new one")
            await trio.sleep(1)
            feed.disconnect()
        feed.connect()
        async with feed.executions():
            feed.disconnect()
            await wait(r"feed.connect\(\) starts a new one")
    with pytest.raises(trio.ClosedResourceError):
        await feed.wait_order("O")


async def test_a_wait_outside_of_the_block_ends_with_it(autojump_clock: trio.abc.Clock) -> None:
    """As all that waits for a feed does."""
    async with trio.open_nursery() as nursery, opened() as (_, feed):

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await feed.wait_order("O")

        await feed.executions().__aenter__()
        nursery.start_soon(wait)
        await trio.sleep(1)


async def test_a_status_that_there_is_not(autojump_clock: trio.abc.Clock) -> None:
    """Nobody waits for ever for a word that was misspelt."""
    async with opened() as (_, feed):
        with pytest.raises(ConfigurationError, match="partially_filled, filled, canceled"):
            await feed.wait_order("O", "fulfilled")
