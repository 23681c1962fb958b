"""An answer that does not come: what is known, what is not, and how it is found out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from kraken_trio import (
    ConfigurationError,
    ConnectionState,
    KrakenConfig,
    OrderRejected,
    OutcomeUnknown,
    RequestNotSent,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.shell import asking
from kraken_trio.extended import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    EditOrder,
    Trading,
)

if TYPE_CHECKING:
    from tests.shell.conftest import Pit

ORDER = AddOrder(
    symbol="BTC/USD",
    side="buy",
    order_type="limit",
    order_qty=Decimal("0.01"),
    limit_price=Decimal(50000),
)
MARKET = AddOrder(symbol="BTC/USD", side="buy", order_type="market", order_qty=Decimal("0.01"))


async def doubt(trading: Trading, order: AddOrder = ORDER, within_s: float = 1.0) -> OutcomeUnknown:
    """Ask for an order whose answer does not come."""
    with pytest.raises(OutcomeUnknown) as caught:
        await trading.add_order(order, answer_within_s=within_s)
    return caught.value


def cut(pit: Pit) -> None:
    """Cut the connection, so that what was held is lost."""
    pit.line.drop()


async def back(pit: Pit) -> None:
    """Wait until the session is back."""
    await pit.feed.wait_state(ConnectionState.DEGRADED, session="trading")
    await pit.feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")


async def test_an_answer_that_does_not_come_in_time_is_no_refusal(
    autojump_clock: Any, pit: Pit, caplog: pytest.LogCaptureFixture
) -> None:
    """The error says what it was about; it is an event, and stands in the log once."""
    heard: list[OutcomeUnknown] = []
    async with pit.feed.trading() as trading:
        pit.feed.on(OutcomeUnknown, heard.append)
        pit.line.hold()
        began = trio.current_time()
        error = await doubt(trading)
        assert trio.current_time() - began == pytest.approx(1.0)
        assert (error.method, error.reason) == ("add_order", "no answer within 1 s")
        (order,) = pit.exchange.account.orders.values()
        assert error.names == (order.cl_ord_id,)
        await trio.sleep(0.1)
        assert (trading.unknown, heard) == ((error,), [error])
        assert caplog.text.count("outcome_unknown: ") == 1


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_lost_connection_leaves_a_doubt_that_executions_settle(
    autojump_clock: Any, pit: Pit, arrives: bool
) -> None:
    """Whether the request had arrived or not; and nothing is sent a second time."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        if arrives:
            pit.line.hold()
        else:
            pit.line.mute()
        caught: list[OutcomeUnknown] = []

        async def place() -> None:
            with pytest.raises(OutcomeUnknown, match="connection was lost") as told:
                await trading.add_order(ORDER, answer_within_s=60.0)
            caught.append(told.value)

        nursery.start_soon(place)
        await trio.sleep(0.5)
        cut(pit)
        await back(pit)
        (error,) = caught
        made = await trading.settle(error)
        account = pit.exchange.account
        assert made.carried_out is arrives
        assert [*made.open_orders] == [*account.orders]
        assert [each.order_id for each in made.orders] == [*account.orders]
        assert (len(account.orders), trading.unknown) == (arrives, ())
        assert pit.sent("add_order") == []  # not on the new connection


async def test_what_was_filled_meanwhile_is_found_too(autojump_clock: Any, pit: Pit) -> None:
    """By the fills that the snapshot begins with."""
    async with pit.feed.trading() as trading:
        pit.line.hold()
        error = await doubt(trading, MARKET)
        cut(pit)
        await back(pit)
        made = await trading.settle(error)
        assert (made.carried_out, made.open_orders) == (True, ())
        assert {each.exec_id for each in made.fills} == {
            each.exec_id for each in pit.exchange.account.fills
        }


@pytest.mark.parametrize("number", [None, 5])
@pytest.mark.parametrize("arrives", [True, False])
async def test_an_edit_is_found_by_its_number(
    autojump_clock: Any, pit: Pit, arrives: bool, number: int | None
) -> None:
    """One that no other has where none was given: for no report names what was replaced."""
    async with pit.feed.trading() as trading:
        placed = await trading.add_order(replace(ORDER, order_userref=5))
        edit = EditOrder(
            order_id=placed.order_id or "",
            symbol="BTC/USD",
            order_qty=Decimal("0.02"),
            order_userref=number,
        )
        (pit.line.hold if arrives else pit.line.mute)()
        with pytest.raises(OutcomeUnknown) as caught:
            await trading.edit_order(edit, answer_within_s=1.0)
        cut(pit)
        await back(pit)
        made = await trading.settle(caught.value)
        (order,) = pit.exchange.account.orders.values()
        assert made.carried_out is arrives
        assert made.open_orders == (order.order_id,)
        assert (order.order_id == placed.order_id) is not arrives
        assert placed.order_id in {each.order_id for each in made.orders}


async def test_an_order_numbered_0_is_found_again(autojump_clock: Any, pit: Pit) -> None:
    """Reports show that number of all orders without one, so it is given a name."""
    async with pit.feed.trading() as trading:
        pit.line.hold()
        error = await doubt(trading, replace(ORDER, order_userref=0))
        cut(pit)
        await back(pit)
        assert (await trading.settle(error)).open_orders == (*pit.exchange.account.orders,)


async def test_a_late_answer_settles_at_once(autojump_clock: Any, pit: Pit) -> None:
    """Whether somebody waits for it already or not."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        for _ in range(2):
            pit.line.hold()
            error = await doubt(trading)

            async def settle(error: OutcomeUnknown = error) -> None:
                began = trio.current_time()
                made = await trading.settle(error)
                assert (made.carried_out, made.answer) == (True, "")
                assert trio.current_time() - began < 1.0

            nursery.start_soon(settle)
            await trio.sleep(0.5)
            pit.line.release()
            await trio.sleep(0.5)
        assert trading.unknown == ()


async def test_a_doubt_stays_until_it_is_settled(autojump_clock: Any, pit: Pit) -> None:
    """Too little time, or a cancellation, changes nothing; settled, it is gone."""
    async with pit.feed.trading() as trading:
        pit.line.mute()
        error = await doubt(trading)
        with pytest.raises(OutcomeUnknown) as again:
            await trading.settle(error, within_s=2.0)
        assert again.value is error
        with trio.move_on_after(1.0):
            await trading.settle(error)
        assert trading.unknown == (error,)
        cut(pit)
        await back(pit)
        assert (await trading.settle(error)).carried_out is False
        with pytest.raises(ConfigurationError, match=r"trading\.unknown"):
            await trading.settle(error)


async def test_without_executions_a_doubt_stays(autojump_clock: Any, pit: Pit) -> None:
    """And whoever waits is told why."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        pit.line.hold()
        error = await doubt(trading)
        caught: list[BaseException | None] = []
        over = trio.Event()

        async def settle() -> None:
            with pytest.raises(OutcomeUnknown) as told:
                await trading.settle(error)
            caught.append(told.value.__cause__)
            over.set()

        nursery.start_soon(settle)
        await trio.sleep(0.1)
        pit.exchange.refusals["executions"] = "EGeneral:Permission denied"
        cut(pit)
        await over.wait()
        assert isinstance(caught[0], SubscriptionError)
        assert (trading.unknown, trading.whole) == ((error,), False)


class Sluggish(trio.abc.Stream):
    """A line whose way out stands still for a while: nothing is lost, and nobody is told."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Be on ``stream``."""
        self.stream = stream
        self.standing = False
        self.held: list[bytes] = []

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or keep what is to be sent, as a kernel does."""
        if self.standing:
            self.held.append(bytes(data))
        else:
            await self.stream.send_all(data)

    async def move(self) -> None:
        """Send all that was kept, and what follows."""
        self.standing = False
        for data in self.held:
            await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As below."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As below."""
        return await self.stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """As below."""
        await self.stream.aclose()


async def test_what_arrives_too_late_does_nothing(autojump_clock: Any, pit: Pit) -> None:
    """An order that was on its way for long is void, and not settled before that is known."""
    lines: list[Sluggish] = []

    async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        lines.append(Sluggish(await pit.exchange.dial(host, port, tls=tls)))
        return lines[-1]

    config = KrakenConfig(api_key=pit.exchange.api_key, api_secret=pit.exchange.api_secret)
    async with (
        open_kraken(config, dial=dial, rest=pit.exchange.rest) as feed,
        feed.trading() as trading,
        trio.open_nursery() as nursery,
    ):
        await trio.sleep(1)
        for line in lines:
            line.standing = True
        error = await doubt(trading)
        began = trio.current_time()

        async def move() -> None:
            await trio.sleep(9)
            assert trading.unknown == (error,)
            for line in lines:
                await line.move()

        nursery.start_soon(move)
        assert (await trading.settle(error)).carried_out is False
        assert trio.current_time() - began >= 9
        await trio.sleep(60)
        assert pit.exchange.account.executions == ()


async def test_what_is_told_late_is_waited_for(autojump_clock: Any, pit: Pit) -> None:
    """A line that stands still shows nothing of what was done, and no loss either."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        pit.line.hold()
        error = await doubt(trading)
        (order,) = pit.exchange.account.orders

        async def release() -> None:
            await trio.sleep(7)
            assert trading.unknown == (error,)
            pit.line.release()

        nursery.start_soon(release)
        assert (await trading.settle(error)).carried_out
        await trio.sleep(0.1)
        assert [*trading.orders] == [order]


async def test_a_report_that_never_comes_is_asked_for(autojump_clock: Any, pit: Pit) -> None:
    """A subscription may stall while everything else is answered: the snapshot has it."""
    async with pit.feed.trading() as trading:
        pit.line.stall("executions", None)
        pit.line.alter_next("executions", None, lambda _: [])
        pit.line.hold()
        error = await doubt(trading)
        outbox = pit.line._outbox
        outbox._queue.clear()  # Nor does the answer come.
        outbox.backlog = 0
        pit.line.release()
        made = await trading.settle(error)
        assert (made.carried_out, made.answer, trading.whole) == (True, None, True)


@pytest.mark.parametrize("what", ["add", "refused"])
async def test_a_silence_that_cannot_be_is_mended(autojump_clock: Any, pit: Pit, what: str) -> None:
    """What is accepted is reported, and what nobody knows is over: else reports are missing, and
    are asked for anew, so that no order is believed in that is none.
    """
    account = pit.exchange.account
    async with pit.feed.trading() as trading:
        placed = await trading.add_order(ORDER)
        await trio.sleep(1)
        pit.line.stall("executions", None)
        if what == "add":
            await trading.add_order(ORDER)
        else:
            account.cancel(placed.order_id or "")
            with pytest.raises(OrderRejected, match="Unknown order"):
                await trading.cancel_order(placed.order_id)
        assert [*trading.orders] == [placed.order_id]
        await trio.sleep(asking.OWED_S + 0.5)
        assert trading.whole
        assert [*trading.orders] == [*account.orders]


async def test_what_was_reported_is_not_owed(autojump_clock: Any, pit: Pit) -> None:
    """Nothing is asked anew while reports come, or where none is to come."""
    async with pit.feed.trading() as trading:
        placed = await trading.add_order(ORDER)
        await trading.add_order(replace(ORDER, validate=True))
        await trading.amend_order(AmendOrder(order_id=placed.order_id, limit_price=Decimal(50001)))
        await trading.cancel_all_orders_after(0)
        dear = BatchOrder(
            side="buy", order_type="limit", order_qty=Decimal(1000), limit_price=Decimal(50000)
        )
        assert await trading.cancel_all() == 1
        assert await trading.cancel_all() == 0
        with pytest.raises(OrderRejected, match="Unknown order"):
            await trading.cancel_order("OAAAAA-AAAAA-AAAAAA")
        await trio.sleep(30)
        batch = BatchAdd(symbol="BTC/USD", orders=(dear, dear))
        assert all(each.error for each in await trading.batch_add(batch))
        await trio.sleep(30)
        assert len(pit.sent("unsubscribe")) == 0


async def test_a_deadline_is_waited_for(autojump_clock: Any, pit: Pit) -> None:
    """Until it is over, the exchange may still work on the request."""
    async with pit.feed.trading() as trading:
        pit.line.mute()
        with pytest.raises(OutcomeUnknown) as caught:
            await trading.add_order(ORDER, deadline_s=20.0, answer_within_s=1.0)
        cut(pit)
        began = trio.current_time()
        await trading.settle(caught.value)
        assert trio.current_time() - began > 19.0


async def test_whoever_is_cancelled_leaves_no_doubt_hidden(autojump_clock: Any, pit: Pit) -> None:
    """What was sent stands in ``unknown``; what was not is taken back, and known."""
    async with pit.feed.trading() as trading:
        pit.line.hold()
        with trio.move_on_after(1.0):
            await trading.add_order(ORDER)
        (error,) = trading.unknown
        assert "cancelled" in error.reason
        (order,) = pit.exchange.account.orders.values()
        change = AmendOrder(order_id=order.order_id, limit_price=Decimal(50001))
        async with trio.open_nursery() as nursery:
            # The second waits for the answer to the first, and is not sent.
            nursery.start_soon(trading.amend_order, change)
            await trio.sleep(0.5)
            nursery.start_soon(trading.amend_order, change)
            await trio.sleep(0.5)
            nursery.cancel_scope.cancel()
        assert [each.method for each in trading.unknown] == ["add_order", "amend_order"]
        assert len(pit.sent("amend_order")) == 1
        scope = trio.CancelScope()
        scope.cancel()
        with scope:
            await trading.add_order(ORDER)
        assert len(pit.sent("add_order")) == 1


async def test_what_was_not_sent_in_time_was_not_sent(autojump_clock: Any, pit: Pit) -> None:
    """And that is known."""
    async with pit.feed.trading() as trading, trio.open_nursery() as nursery:
        placed = await trading.add_order(ORDER)
        change = AmendOrder(order_id=placed.order_id, limit_price=Decimal(50001))
        pit.line.hold()
        nursery.start_soon(trading.amend_order, change)
        await trio.sleep(0.5)
        with pytest.raises(RequestNotSent, match="was not sent within 1 s"):
            await trading.amend_order(change, answer_within_s=1.0)
        pit.line.release()


async def test_without_a_connection_nothing_is_sent(autojump_clock: Any, pit: Pit) -> None:
    """Nor kept for later."""
    async with pit.feed.trading() as trading:
        cut(pit)
        await pit.feed.wait_state(ConnectionState.DEGRADED, session="trading")
        with pytest.raises(RequestNotSent, match="DEGRADED"):
            await trading.add_order(ORDER)
        await pit.feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
        await trio.sleep(1)
        assert pit.sent("add_order") == []


async def test_a_token_that_is_refused_is_replaced(autojump_clock: Any, pit: Pit) -> None:
    """The order that it was refused with is refused, and not sent again; the next one passes."""
    async with pit.feed.trading() as trading:
        pit.exchange.revoke_tokens()
        with pytest.raises(Exception, match="ESession:Invalid session"):
            await trading.add_order(ORDER)
        assert (await trading.add_order(ORDER)).order_id
        assert len(pit.exchange.account.orders) == 1


async def test_leaving_ends_all_waits(autojump_clock: Any, pit: Pit) -> None:
    """With the doubt that there is."""
    told: list[BaseException] = []

    async def catch(call: Callable[[], Any]) -> None:
        try:
            await call()
        except (OutcomeUnknown, trio.ClosedResourceError) as error:
            told.append(error)

    async with trio.open_nursery() as nursery, pit.feed.trading() as trading:
        pit.line.hold()
        error = await doubt(trading)
        nursery.start_soon(catch, lambda: trading.add_order(ORDER))
        nursery.start_soon(catch, lambda: trading.settle(error))
        await trio.sleep(0.5)
    assert sorted(type(each).__name__ for each in told) == ["ClosedResourceError", "OutcomeUnknown"]


async def test_doubts_are_bounded(
    autojump_clock: Any, pit: Pit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(asking, "UNKNOWN_KEPT", 2)
    async with pit.feed.trading() as trading:
        pit.line.hold()
        errors = [await doubt(trading) for _ in range(3)]
        assert trading.unknown == (*errors[1:],)


async def test_a_doubt_is_of_one_block(autojump_clock: Any, pit: Pit) -> None:
    """Numbers begin anew: of another block's request nobody is told what became of this one."""
    trading = pit.feed.trading()
    async with trading:
        pit.line.hold()
        first = await doubt(trading)
    async with pit.feed.trading() as other:
        pit.line.hold()
        second = await doubt(other)
        assert first.req_id == second.req_id
        with pytest.raises(ConfigurationError, match=r"trading\.unknown"):
            await other.settle(first)
    async with trading:
        pit.line.hold()
        third = await doubt(trading)
        assert trading.unknown == (first, third)
        cut(pit)
        await back(pit)
        for error in (third, first):
            made = await trading.settle(error)
            assert {order.cl_ord_id for order in made.orders} == {*error.names}
        assert not trading.unknown


async def test_nothing_secret_is_shown(
    autojump_clock: Any, pit: Pit, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither key nor token, in errors, logs or what is shown of the object."""
    caplog.set_level(logging.DEBUG)
    issue, tokens = pit.exchange._venue.tokens.issue, set[str]()

    def issued(now: float) -> Any:
        tokens.add((token := issue(now)).reveal())
        return token

    pit.exchange._venue.tokens.issue = issued  # type: ignore[method-assign]
    async with pit.feed.trading() as trading:
        pit.line.hold()
        error = await doubt(trading)
        text = caplog.text + repr([trading, vars(trading), error, vars(error), trading.unknown])
    assert tokens
    assert not [
        each for each in (pit.exchange.api_key, pit.exchange.api_secret, *tokens) if each in text
    ]
