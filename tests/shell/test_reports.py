"""What whoever trades is told of the account, the pairs and the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import trio

from kraken_trio import Channel, ConnectionState, GapPolicy
from kraken_trio.extended import AddOrder

if TYPE_CHECKING:
    from tests.shell.conftest import Pit

ORDER = AddOrder(
    symbol="BTC/USD",
    side="buy",
    order_type="limit",
    order_qty=Decimal("0.01"),
    limit_price=Decimal(50000),
)


async def test_what_there_was_before_is_known(autojump_clock: Any, pit: Pit) -> None:
    """Open orders, the pairs, the ceiling and the mode, when entering is over."""
    pit.exchange.account.place("ETH/USD", "buy", Decimal(1), Decimal(1000))
    pit.exchange.change_system("post_only")
    async with pit.feed.trading() as trading:
        (order,) = trading.orders.values()
        assert (order.symbol, trading.system) == ("ETH/USD", "post_only")
        assert trading.pair("BTC/USD").price_increment == Decimal("0.1")
        assert trading.rate("BTC/USD").ceiling == 125


async def test_the_instruments_of_others_serve(autojump_clock: Any, pit: Pit) -> None:
    """With their handling of gaps, and their options."""
    wanted = pit.feed.subscribe(
        Channel.instrument(include_tokenized_assets=True), gap_policy=GapPolicy.IGNORE
    )
    async with wanted, pit.feed.trading() as trading:
        assert trading.pair("BTC/USD").status == "online"
        pit.exchange.change_pair("BTC/USD", "limit_only")
        await trio.sleep(0.1)
        assert trading.pair("BTC/USD").status == "limit_only"


async def test_after_a_loss_the_snapshot_counts(autojump_clock: Any, pit: Pit) -> None:
    """Missing messages and lost connections: not whole, then whole, and right."""
    account = pit.exchange.account
    async with pit.feed.trading() as trading:
        first = await trading.add_order(ORDER)
        second = await trading.add_order(ORDER)
        await trio.sleep(0.1)
        pit.line.drop_next("executions", None)
        account.cancel(first.order_id or "")
        account.cancel(second.order_id or "")
        await pit.feed.wait_state(ConnectionState.RESYNCING, session="trading")
        assert not trading.whole
        await pit.feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
        assert (trading.whole, trading.orders) == (True, {})
        third = await trading.add_order(ORDER)
        pit.line.drop()
        await pit.feed.wait_state(ConnectionState.DEGRADED, session="trading")
        assert (trading.whole, [*trading.orders]) == (False, [third.order_id])
        account.cancel_all()
        await pit.feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
        assert (trading.whole, trading.orders) == (True, {})


async def test_what_requests_cost(autojump_clock: Any, pit: Pit) -> None:
    """By the age of the order, and for a batch by that of the youngest; as the exchange counts."""
    counter = pit.exchange._venue.desk._counter  # type: ignore[attr-defined]

    def count() -> float:
        return float(counter.value("BTC/USD", pit.exchange.account.now))

    async with pit.feed.trading() as trading:
        orders = []
        for _ in range(3):
            orders.append(await trading.add_order(ORDER))
            await trio.sleep(6)
        names = [each.order_id or "" for each in orders]
        await trading.batch_cancel(*names[:2])
        assert trading.rate("BTC/USD").count >= float(
            counter.value("BTC/USD", pit.exchange.account.now)
        )
        await trading.cancel_order(names[2])
        assert trading.rate("BTC/USD").count >= float(
            counter.value("BTC/USD", pit.exchange.account.now)
        )


async def test_a_counter_that_the_exchange_shows_counts(autojump_clock: Any, pit: Pit) -> None:
    """It takes the place of ours."""
    async with pit.feed.trading() as trading:
        for _ in range(3):
            await trading.add_order(ORDER)
        trading._reports.rates.observe("BTC/USD", 100.0, trio.current_time())
        await trading.add_order(ORDER)
        await trio.sleep(0.1)
        assert trading.rate("BTC/USD").count < 10
