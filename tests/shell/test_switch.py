"""A dead man's switch, kept from going off for the length of a block."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio import (
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    RequestNotSent,
    SwitchLapsed,
    Timestamp,
)
from kraken_trio._internal.shell import switch
from kraken_trio._internal.shell.switch import Switch
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


def keep_switch(
    asked: Asked, timeout_s: int, there: list[Switch] | None = None
) -> AbstractAsyncContextManager[Switch]:
    """Keep one that ``asked`` is asked for."""
    settle, there = asked.settled.append, [] if there is None else there
    return switch.keep_switch(asked, timeout_s, settle=settle, there=there)


class Asked:
    """Sets a switch, as long as nothing is in the way."""

    def __init__(self) -> None:
        """Nothing is."""
        self.asked: list[tuple[float, int]] = []
        self.trouble: Callable[[], Exception] | None = None
        self.takes_s = 0.0
        self.ahead_s = 0.0
        self.settled: list[OutcomeUnknown] = []

    async def __call__(self, timeout_s: int, **_: Any) -> Timestamp | None:
        """Set it, or raise."""
        self.asked.append((trio.current_time(), timeout_s))
        await trio.sleep(self.takes_s)
        if self.trouble is not None:
            raise self.trouble()
        at_s = trio.current_time() + self.ahead_s + timeout_s
        return Timestamp(int(at_s * 10**9)) if timeout_s else None


def not_sent() -> Exception:
    """Give what is raised without a connection."""
    return RequestNotSent("cancel_all_orders_after", "there is no connection")


async def test_it_is_renewed_and_taken_back(autojump_clock: Any) -> None:
    """Three times in the time of one; taken back when the block ends by itself."""
    asked = Asked()
    async with keep_switch(asked, 60) as kept:
        await trio.sleep(50)
        assert (kept.renewals, kept.timeout_s) == (3, 60)
        assert kept.goes_off_at == 100 * 10**9
        assert kept.left_s == pytest.approx(50.0)
    assert asked.asked == [(0.0, 60), (20.0, 60), (40.0, 60), (50.0, 0)]


async def test_an_error_leaves_it_to_go_off(autojump_clock: Any) -> None:
    """So does a cancellation."""
    asked = Asked()
    with pytest.raises(ZeroDivisionError):
        async with keep_switch(asked, 60):
            raise ZeroDivisionError
    with trio.move_on_after(1):
        async with keep_switch(asked, 60):
            await trio.sleep_forever()
    assert asked.asked == [(0.0, 60), (0.0, 60)]


async def test_a_renewal_that_fails_is_tried_again(autojump_clock: Any) -> None:
    """Each second; in time, nothing has happened."""
    asked = Asked()
    async with keep_switch(asked, 60) as kept:
        asked.trouble = not_sent
        await trio.sleep(55)
        asked.trouble = None
        await trio.sleep(30)
        assert kept.renewals > 1
    assert len(asked.asked) > 30


@pytest.mark.parametrize("takes_s", [0.0, 1000.0])
async def test_one_that_was_not_renewed_in_time_ends_the_block(
    autojump_clock: Any, takes_s: float
) -> None:
    """For what it was to protect is not there any more."""
    asked = Asked()
    with pytest.raises(SwitchLapsed, match="not renewed within 60 s"):
        async with keep_switch(asked, 60):
            asked.trouble = lambda: OutcomeUnknown("cancel_all_orders_after", "lost")
            asked.takes_s = takes_s
            await trio.sleep_forever()
    assert trio.current_time() == pytest.approx(60.0)


async def test_a_refusal_comes_out_of_the_block(autojump_clock: Any) -> None:
    """At once: it would be refused again."""
    asked = Asked()
    with pytest.raises(OrderRejected):
        async with keep_switch(asked, 60):
            asked.trouble = lambda: OrderRejected("cancel_all_orders_after", "no")
            await trio.sleep_forever()


@pytest.mark.parametrize("words", ["EService:Busy", "EService:Unavailable"])
async def test_a_refusal_that_passes_is_not_the_end(autojump_clock: Any, words: str) -> None:
    """There is time to ask again."""
    asked = Asked()
    async with keep_switch(asked, 60) as kept:
        asked.trouble = lambda: OrderRejected("cancel_all_orders_after", words)
        await trio.sleep(30)
        asked.trouble = None
        await trio.sleep(10)
        assert kept.renewals == 2


async def test_one_that_went_off_unnoticed_is_told(autojump_clock: Any) -> None:
    """A machine that slept does not know how long; the exchange does."""
    asked = Asked()
    with pytest.raises(SwitchLapsed, match="had gone off"):
        async with keep_switch(asked, 60):
            await trio.sleep(30)
            asked.ahead_s = 41.0
            await trio.sleep_forever()
    assert trio.current_time() == pytest.approx(40.0)
    asked = Asked()
    async with keep_switch(asked, 60) as kept:
        asked.ahead_s = 39.0
        await trio.sleep(30)
        assert kept.renewals == 2


async def test_taking_it_back_is_tried_again(autojump_clock: Any) -> None:
    """While it has not gone off; then the block that ended well says why that was in vain."""
    asked = Asked()
    async with trio.open_nursery() as nursery:

        async def mend() -> None:
            await trio.sleep(15)
            asked.trouble = None

        nursery.start_soon(mend)
        async with keep_switch(asked, 60):
            await trio.sleep(10)
            asked.trouble = lambda: OutcomeUnknown("cancel_all_orders_after", "lost", 5)
        assert trio.current_time() == pytest.approx(15.0, abs=1.0)
    assert len(asked.settled) >= 4
    asked = Asked()
    began = trio.current_time()
    with pytest.raises(RequestNotSent):
        async with keep_switch(asked, 60):
            asked.trouble = not_sent
    assert trio.current_time() - began == pytest.approx(59.0, abs=1.0)
    asked = Asked()
    with pytest.raises(OrderRejected):
        async with keep_switch(asked, 60):
            asked.trouble = lambda: OrderRejected("cancel_all_orders_after", "no")


async def test_what_a_later_answer_makes_moot_is_settled(autojump_clock: Any) -> None:
    """Nobody need find out whether a renewal came before the next one."""
    asked = Asked()
    async with keep_switch(asked, 60):
        asked.trouble = lambda: OutcomeUnknown("cancel_all_orders_after", "lost", 5)
        await trio.sleep(25)
        assert asked.settled == []
        asked.trouble = None
        await trio.sleep(5)
        assert len(asked.settled) > 3


async def test_there_is_one(autojump_clock: Any, pit: Pit) -> None:
    """A second block would take it back for both; after the first one there may be another."""
    async with pit.feed.trading() as trading:
        async with trading.dead_man_switch(60):
            with pytest.raises(ConfigurationError, match="once at a time"):
                async with trading.dead_man_switch(10):
                    pass
        async with trading.dead_man_switch(10):
            pass
        with pytest.raises(ZeroDivisionError):
            async with trading.dead_man_switch(10):
                raise ZeroDivisionError
        async with trading.dead_man_switch(10):
            pass


async def test_it_is_taken_back_after_the_last_renewal(autojump_clock: Any) -> None:
    """One that is under way could overtake it; none begins any more."""
    asked = Asked()
    async with keep_switch(asked, 60):
        asked.takes_s = 5.0
        await trio.sleep(21)
    assert asked.asked == [(0.0, 60), (20.0, 60), (25.0, 0)]
    asked = Asked()
    async with keep_switch(asked, 3) as kept:
        await kept._asking.acquire()
        await trio.sleep(1.5)
        kept._over = True
        kept._asking.release()
        await trio.sleep(0.1)
    assert [timeout_s for _, timeout_s in asked.asked] == [3, 0]


@pytest.mark.parametrize("timeout_s", [2, 86400])
async def test_how_long_it_may_be(timeout_s: int) -> None:
    """Long enough to be renewed, and what the exchange takes."""
    with pytest.raises(ConfigurationError, match="timeout_s"):
        async with keep_switch(Asked(), timeout_s):
            pass


async def test_at_the_exchange(autojump_clock: Any, pit: Pit) -> None:
    """Orders outlive a block that ended well, and no other."""
    account = pit.exchange.account
    async with pit.feed.trading() as trading:
        async with trading.dead_man_switch(6):
            await trading.add_order(ORDER)
            await trio.sleep(60)
        await trio.sleep(60)
        assert len(account.orders) == 1
        with pytest.raises(ZeroDivisionError):
            async with trading.dead_man_switch(6):
                raise ZeroDivisionError
        await trio.sleep(7)
        assert account.orders == {}


async def test_a_line_that_is_dead_is_told(autojump_clock: Any, pit: Pit) -> None:
    """By the time at which the exchange has cancelled everything."""
    account = pit.exchange.account
    with pytest.raises(SwitchLapsed):
        async with pit.feed.trading() as trading, trading.dead_man_switch(6):
            await trading.add_order(ORDER)
            pit.line.mute()
            await trio.sleep_forever()
    await trio.sleep(0.1)
    assert account.orders == {}
