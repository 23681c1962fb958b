"""Orders through a live feed: what is asked, what comes of it, and what is refused here."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio import (
    Channel,
    ConfigurationError,
    ConnectionState,
    OrderRejected,
    RequestNotSent,
    SubscriptionError,
    open_kraken,
)
from kraken_trio.extended import AddOrder, AmendOrder, BatchAdd, BatchOrder, EditOrder, Trading

if TYPE_CHECKING:
    from tests.shell.conftest import Pit

D = Decimal
LIMIT: dict[str, Any] = {
    "side": "buy",
    "order_type": "limit",
    "order_qty": D("0.01"),
    "limit_price": D(50000),
}


def order(**members: Any) -> AddOrder:
    """Give an order that rests."""
    return AddOrder(symbol="BTC/USD", **{**LIMIT, **members})


async def test_an_order_lives_as_it_is_asked_to(autojump_clock: Any, pit: Pit) -> None:
    """Placed, amended, replaced, cancelled; known by the reports at every step."""
    account = pit.exchange.account
    async with pit.feed.trading() as trading:
        assert isinstance(trading, Trading)
        assert (trading.state, trading.system, trading.whole) == (
            ConnectionState.SUBSCRIBED,
            "online",
            True,
        )
        placed = await trading.add_order(order(cl_ord_id="mine"))
        assert placed.order_id is not None
        assert (placed.cl_ord_id, list(account.orders)) == ("mine", [placed.order_id])
        amended = await trading.amend_order(AmendOrder(cl_ord_id="mine", limit_price=D(50001)))
        assert (amended.cl_ord_id, bool(amended.amend_id)) == ("mine", True)
        numbered = await trading.add_order(order(order_userref=5))
        assert numbered.order_id is not None
        edited = await trading.edit_order(
            EditOrder(order_id=numbered.order_id, symbol="BTC/USD", order_qty=D("0.02"))
        )
        assert (edited.original_order_id, edited.order_id) == (
            numbered.order_id,
            [*account.orders][1],
        )
        await trio.sleep(0.1)
        assert {name: each.order_qty for name, each in trading.orders.items()} == {
            name: each.order_qty for name, each in account.orders.items()
        }
        assert (await trading.cancel_order(edited.order_id)).order_id == edited.order_id
        assert await trading.cancel_all() == 1
        await trio.sleep(0.1)
        assert (account.orders, trading.orders) == ({}, {})


async def test_every_order_has_a_name_of_its_own(autojump_clock: Any, pit: Pit) -> None:
    """One is made up where none is given; a number of the client's is left alone."""
    async with pit.feed.trading() as trading:
        first = await trading.add_order(order())
        second = await trading.add_order(order())
        third = await trading.add_order(order(order_userref=7))
        assert first.cl_ord_id
        assert second.cl_ord_id
        assert first.cl_ord_id != second.cl_ord_id
        assert (third.cl_ord_id, third.order_userref) == (None, 7)
        assert (await trading.cancel_order(order_userref=7)).order_id == third.order_id
        assert (await trading.cancel_order(cl_ord_id=first.cl_ord_id)).cl_ord_id == first.cl_ord_id


async def test_batches(autojump_clock: Any, pit: Pit) -> None:
    """What became of each order stands in its place; they are taken away together."""
    async with pit.feed.trading() as trading:
        batch = BatchAdd(
            symbol="BTC/USD",
            orders=(
                BatchOrder(**LIMIT),
                BatchOrder(**LIMIT | {"order_qty": D(1000)}),
                BatchOrder(**LIMIT, cl_ord_id="mine"),
            ),
        )
        results = await trading.batch_add(batch)
        assert [bool(each.error) for each in results] == [False, True, False]
        assert all(each.cl_ord_id for each in results)
        assert results[2].cl_ord_id == "mine"
        await trio.sleep(6)
        names = (results[0].order_id or "",)
        assert await trading.batch_cancel(*names, cl_ord_ids=["mine"]) == 2
        assert pit.exchange.account.orders == {}


async def test_the_answer_to_a_batch_may_be_short(autojump_clock: Any, pit: Pit) -> None:
    """Then nobody can say whose is missing."""
    async with pit.feed.trading() as trading:
        batch = BatchAdd(
            symbol="BTC/USD", validate=True, orders=(BatchOrder(**LIMIT), BatchOrder(**LIMIT))
        )
        assert isinstance(await trading.batch_add(batch), tuple)
        assert pit.exchange.account.orders == {}


async def test_what_is_only_checked_is_not_placed(autojump_clock: Any, pit: Pit) -> None:
    """The exchange checks it all the same."""
    async with pit.feed.trading() as trading:
        assert (await trading.add_order(order(validate=True))).order_id is None
        with pytest.raises(OrderRejected, match="EOrder:Insufficient funds"):
            await trading.add_order(order(validate=True, order_qty=D(1000)))
        assert pit.exchange.account.orders == {}


async def test_a_refusal_is_in_the_words_of_the_exchange(autojump_clock: Any, pit: Pit) -> None:
    """And it is no doubt."""
    async with pit.feed.trading() as trading:
        with pytest.raises(OrderRejected) as caught:
            await trading.cancel_order("OAAAAA-AAAAA-AAAAAA")
        assert (caught.value.method, caught.value.reason) == (
            "cancel_order",
            "EOrder:Unknown order",
        )
        assert trading.unknown == ()


@pytest.mark.parametrize(
    "members, field",
    [
        ({"limit_price": D("50000.05")}, "limit_price"),
        ({"order_qty": D("0.00000001")}, "order_qty"),
        ({"order_qty": D("0.000000001")}, "order_qty"),
    ],
)
async def test_what_cannot_be_right_is_not_sent(
    autojump_clock: Any, pit: Pit, members: Any, field: str
) -> None:
    """The pair's own metadata say so."""
    async with pit.feed.trading() as trading:
        with pytest.raises(RequestNotSent) as caught:
            await trading.add_order(order(**members))
        assert (caught.value.field, caught.value.req_id) == (field, None)
        assert pit.sent("add_order") == []


async def test_modes_of_the_exchange_are_kept(autojump_clock: Any, pit: Pit) -> None:
    """Without asking: in cancel_only what cancels goes on, in a maintenance nothing does."""
    async with pit.feed.trading() as trading:
        placed = await trading.add_order(order())
        for system, passes in (("post_only", 1), ("cancel_only", 0), ("maintenance", 0)):
            pit.exchange.change_system(system)
            await trio.sleep(0.1)
            for post_only in (False, True):
                if post_only and passes:
                    await trading.add_order(order(post_only=True))
                    continue
                with pytest.raises(RequestNotSent, match=system):
                    await trading.add_order(order(post_only=post_only))
            if system == "cancel_only":
                await trading.cancel_order(placed.order_id)
        with pytest.raises(RequestNotSent, match="maintenance"):
            await trading.cancel_all()
        pit.exchange.change_system("online")
        await trio.sleep(0.1)
        assert await trading.cancel_all() == 1


async def test_the_status_of_a_pair_is_kept(autojump_clock: Any, pit: Pit) -> None:
    """As it is told, at any time."""
    async with pit.feed.trading() as trading:
        pit.exchange.change_pair("BTC/USD", "cancel_only")
        await trio.sleep(0.1)
        with pytest.raises(RequestNotSent, match="the pair takes no orders"):
            await trading.add_order(order())
        assert trading.pair("BTC/USD").status == "cancel_only"


async def test_deadlines(autojump_clock: Any, pit: Pit) -> None:
    """In seconds from now, by the exchange's clock; what it would refuse is not sent. Without one
    there is the exchange's own.
    """
    async with pit.feed.trading() as trading:
        clock = pit.exchange._venue.now
        for deadline_s, left_s in ((2.0, 2.0), (None, 5.0)):
            before = clock()
            await trading.add_order(order(), deadline_s=deadline_s)
            told = json.loads(pit.sent("add_order")[-1])["params"]["deadline"]
            at = datetime.fromisoformat(told).timestamp() - int(before) / 10**9
            assert at == pytest.approx(left_s, abs=0.01)
        for refused_s in (0.4, 61.0):
            with pytest.raises(RequestNotSent, match="deadline_s"):
                await trading.add_order(order(), deadline_s=refused_s)


async def test_rounding(autojump_clock: Any, pit: Pit) -> None:
    """By the pair's own steps; an unknown pair has none."""
    async with pit.feed.trading() as trading:
        assert str(trading.round_price("BTC/USD", D("50000.17"), "buy")) == "50000.1"
        assert str(trading.round_price("BTC/USD", D("50000.11"), "sell")) == "50000.2"
        assert str(trading.round_qty("BTC/USD", D("0.123456789"))) == "0.12345678"
        with pytest.raises(ConfigurationError, match="XBT/USD is none"):
            trading.round_qty("XBT/USD", D(1))


async def test_the_rate_is_counted_and_waited_for(autojump_clock: Any, pit: Pit) -> None:
    """As the exchange counts it: whoever waits is never refused."""
    async with pit.feed.trading() as trading:
        assert trading.rate("BTC/USD").ceiling == 125
        for _ in range(30):
            await trading.wait_rate("BTC/USD", 9)
            placed = await trading.add_order(order())
            await trading.cancel_order(placed.order_id)
        assert trading.rate("BTC/USD").left < 125 - 30
        assert trading.rate("ETH/USD").left == 125


async def test_there_is_one_at_a_time(autojump_clock: Any, pit: Pit) -> None:
    """The next one begins when it was left; outside of its block nothing can be asked."""
    trading = pit.feed.trading()
    with pytest.raises(trio.ClosedResourceError):
        await trading.cancel_all()
    async with trading:
        with pytest.raises(ConfigurationError, match="entered once at a time"):
            async with pit.feed.trading():
                pass
        assert (await trading.add_order(order())).order_id
    with pytest.raises(trio.ClosedResourceError):
        await trading.cancel_all()
    assert "trading" not in pit.feed.states
    async with pit.feed.trading() as trading:
        assert len(trading.orders) == 1


async def test_nobody_is_in_its_way(autojump_clock: Any, pit: Pit) -> None:
    """Whoever else listens to the account, or to the instruments, before or after."""
    async with (
        pit.feed.executions() as before,
        pit.feed.subscribe(Channel.instrument(include_tokenized_assets=True), stream=False),
        pit.feed.trading() as trading,
    ):
        await trading.add_order(order())
        assert (await anext(before.records())).exec_type == "pending_new"
    async with pit.feed.trading() as trading, pit.feed.executions() as after:
        assert (await anext(after.records())).snapshot
        await trading.cancel_all()


async def test_without_a_key_there_is_no_trading() -> None:
    """The feed says so at once."""
    async with open_kraken() as feed:
        with pytest.raises(ConfigurationError, match="api_key"):
            feed.trading()


async def test_a_key_that_may_not_see_executions(autojump_clock: Any, pit: Pit) -> None:
    """The reason comes out of entering, and nothing is left behind."""
    pit.feed.disconnect()
    with pytest.raises(SubscriptionError):
        async with pit.feed.trading():
            pass
    assert "trading" not in pit.feed.states


async def test_what_was_over_meanwhile_is_over(autojump_clock: Any, pit: Pit) -> None:
    """Entered again, it knows what its snapshot shows, and not what was open when it was left."""
    trading = pit.feed.trading()
    async with trading:
        await trading.add_order(order())
        await trio.sleep(0.1)
        assert len(trading.orders) == 1
    assert not trading.whole
    pit.exchange.account.cancel_all()
    async with trading:
        assert (trading.whole, trading.orders) == (True, {})


async def test_a_cancellation_by_number_waits_for_what_has_it(
    autojump_clock: Any, pit: Pit
) -> None:
    """It costs what its orders do, and does not overtake what makes one."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        for _ in range(2):
            await trading.add_order(order(order_userref=5))
        await trio.sleep(0.1)
        before = trading.rate("BTC/USD").count
        assert (await trading.cancel_order(order_userref=5)).order_id
        assert trading.rate("BTC/USD").count > before + 12
        assert pit.exchange.account.orders == {}
        pit.line.hold()
        nursery.start_soon(trading.add_order, order(order_userref=6))
        await trio.sleep(0.1)
        nursery.start_soon(lambda: trading.cancel_order(order_userref=6))
        await trio.sleep(0.1)
        assert len(pit.sent("cancel_order")) == 1
        pit.line.release()
        await trio.sleep(0.1)
        assert len(pit.sent("cancel_order")) == 2
        assert pit.exchange.account.orders == {}
