"""Books of orders of the live feed, at the simulated exchange: right, or known to be stale."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from kraken_trio import (
    Channel,
    ConnectionState,
    Gap,
    GapReason,
    Level3Snapshot,
    Level3Update,
    RequestError,
    Resync,
    SubscriptionError,
)
from kraken_trio.testing import Exchange

if TYPE_CHECKING:
    from tests.product.conftest import Meet

SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD")


class Orders:
    """The books of orders that a program keeps by itself, from what it is told alone."""

    def __init__(self) -> None:
        """None yet."""
        self.books: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {}
        self.gaps: list[tuple[GapReason, str | None]] = []

    def take(self, item: Any) -> None:
        """Take what a subscription gave."""
        match item:
            case Gap():
                self.gaps.append((item.reason, item.symbol))
                self.books.pop(str(item.symbol), None)
            case Level3Snapshot():
                bids, asks = (
                    {each.order_id: each for each in side} for side in (item.bids, item.asks)
                )
                self.books[item.symbol] = (item.depth, bids, asks)
            case Level3Update():
                depth, bids, asks = self.books[item.symbol]
                self._apply(bids, item.bids, depth, descending=True)
                self._apply(asks, item.asks, depth, descending=False)

    @staticmethod
    def _apply(side: dict[str, Any], events: Any, depth: int, *, descending: bool) -> None:
        for each in events:
            if each.event != "modify" or each.order_id in side:
                side[each.order_id] = each
            if each.event == "delete":
                del side[each.order_id]
        prices = sorted({each.limit_price for each in side.values()}, reverse=descending)
        for each in [each for each in side.values() if each.limit_price not in prices[:depth]]:
            del side[each.order_id]

    def agree(self, exchange: Exchange) -> bool:
        """Whether all are as the market's are; one that is stale is not."""
        return all(
            symbol in self.books
            and _numbers(self.books[symbol][1].values()) == _numbers(truth.bids)
            and _numbers(self.books[symbol][2].values()) == _numbers(truth.asks)
            for symbol in SYMBOLS
            for truth in [exchange.market.level3(symbol, 10)]
        )


def _numbers(orders: Any) -> set[tuple[str, Decimal, Decimal]]:
    return {(each.order_id, each.limit_price, each.order_qty) for each in orders}


async def test_where_orders_stand_in_their_queues(meet: Meet) -> None:
    """As in the market's own book, while that is live; nobody is found in a book that is not."""
    async with meet() as program, program.feed() as feed:
        exchange = program.exchange
        exchange.step(50)
        assert feed.queue_position("BTC/USD", "nobody") is None
        async with feed.level3("BTC/USD"):
            truth = exchange.market.level3("BTC/USD", 10)
            await program.until(lambda: feed.queue_position("BTC/USD", truth.asks[0].order_id))
            for side, orders in (("bid", truth.bids), ("ask", truth.asks)):
                for at, order in enumerate(orders):
                    ahead = [o for o in orders[:at] if o.limit_price == order.limit_price]
                    found = feed.queue_position("XBT/USD", order.order_id)
                    assert found is not None
                    assert (found.side, found.order) == (side, order)
                    assert found.orders_ahead == len(ahead)
                    assert found.qty_ahead == sum(o.order_qty for o in ahead)
            program.door("level3").drop()
            await feed.wait_state(ConnectionState.DEGRADED, session="level3")
            assert feed.queue_position("BTC/USD", truth.asks[0].order_id) is None


async def test_books_of_orders_are_those_of_the_market(meet: Meet) -> None:
    """At every settled point; one that is wrong is mended alone; a late joiner has the same."""
    mine, resyncs = Orders(), list[Resync]()
    async with meet() as program, program.feed() as feed:
        exchange = program.exchange
        feed.on(Resync, resyncs.append)
        async with feed.level3(*SYMBOLS) as books, trio.open_nursery() as nursery:

            async def keep() -> None:
                async for item in books:
                    mine.take(item)

            nursery.start_soon(keep)
            for _ in range(20):
                await program.until(partial(mine.agree, exchange))
                exchange.step(20)
            program.door("level3").corrupt_next_level3("ETH/USD")
            for _ in range(20):
                exchange.step(20)
                await trio.sleep(0.01)
            await program.until(partial(mine.agree, exchange))
            assert mine.gaps == [(GapReason.CHECKSUM, "ETH/USD")]
            assert [(each.channel, each.symbol) for each in resyncs] == [("level3", "ETH/USD")]
            async with feed.level3(*SYMBOLS) as late:
                for book in await program.take(late, len(SYMBOLS)):
                    truth = exchange.market.level3(book.symbol, 10)
                    assert (book.bids, book.asks, book.checksum, book.local) == (
                        truth.bids,
                        truth.asks,
                        truth.checksum,
                        True,
                    )
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("policy", ["oldest", "latest", "coalesce", "block"])
async def test_whoever_is_too_slow_for_orders_is_right_or_knows(
    autojump_clock: trio.abc.Clock, in_memory: Meet, policy: Any
) -> None:
    """What a full queue dropped is told, and the book comes whole after it."""
    mine = Orders()
    async with in_memory() as program, program.feed() as feed:
        wanted = feed.subscribe(Channel.level3(*SYMBOLS), drop_policy=policy, max_queue_depth=20)
        async with wanted as books:
            for _ in range(30):
                program.exchange.step(20)
                await trio.sleep(0.1)
                mine.take(await books.receive())
            with trio.move_on_after(5):
                async for item in books:
                    mine.take(item)
            assert mine.agree(program.exchange)
    overflowed = {reason for reason, _ in mine.gaps} == {GapReason.OVERFLOW}
    assert overflowed == (policy != "block")


async def test_as_many_books_as_the_exchange_allows_at_once_and_more(
    autojump_clock: trio.abc.Clock, in_memory: Meet
) -> None:
    """They are asked for as fast as it allows, and again after a cut: none is refused."""
    refused: list[object] = []
    async with in_memory(pairs=12) as program, program.feed() as feed:
        feed.on(SubscriptionError, refused.append)
        feed.on(RequestError, refused.append)
        symbols = program.exchange.market.symbols
        async with feed.level3(*symbols, depth=1000) as books:
            assert len(feed.active_subscriptions) == len(symbols)
            program.door("level3").drop()
            await feed.wait_state(ConnectionState.DEGRADED, session="level3")
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="level3")
            assert len(await books.receive_batch()) == 3 * len(symbols)
    assert refused == []
