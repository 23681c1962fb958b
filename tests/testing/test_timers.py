"""Orders start and expire at their times, and the dead man's switch cancels all."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.model.timestamp import Timestamp

if TYPE_CHECKING:
    from tests.testing.conftest import Trader

Make = Callable[..., AddOrder]
SECOND = 10**9


def later(trader: Trader, seconds: int) -> Timestamp:
    """Give a time to come."""
    return Timestamp(trader.now + seconds * SECOND)


def test_nothing_is_due(trader: Trader, limit: Make) -> None:
    """Where no order has a time, and the switch is off, there is nothing to wait for."""
    trader.placing.place(limit(), trader.now)
    trader.account.accept(limit())  # Whoever accepted it starts it.
    trader.kinds()
    assert trader.timers.due_at() is None
    trader.timers.run()
    assert trader.kinds() == []


def test_an_order_has_its_day(trader: Trader, limit: Make) -> None:
    """An order starts at its time, and expires at another."""
    starts_at, expires_at = later(trader, 5), later(trader, 9)
    request = limit(effective_time=starts_at, expire_time=expires_at, time_in_force="gtd")
    trader.placing.place(request, trader.now)
    assert trader.timers.due_at() == starts_at
    trader.timers.run()
    assert trader.kinds() == ["pending_new"]
    trader.clock.sleep(5)
    trader.timers.run()
    assert trader.kinds() == ["new"]
    assert trader.timers.due_at() == expires_at
    trader.clock.sleep(4)
    trader.timers.run()
    assert trader.kinds() == ["expired"]
    assert trader.timers.due_at() is None


def test_expired_before_it_started(trader: Trader, limit: Make) -> None:
    """What expires before it starts never starts; what starts may take at once."""
    trader.placing.place(
        limit(effective_time=later(trader, 5), expire_time=later(trader, 3)), trader.now
    )
    trader.placing.place(
        limit(effective_time=later(trader, 7), limit_price=Decimal(60000)), trader.now
    )
    assert trader.timers.due_at() == later(trader, 3)
    trader.kinds()
    trader.clock.sleep(7)
    trader.timers.run()
    assert trader.kinds() == ["expired", "new", "trade", "filled"]


def test_the_switch(trader: Trader, limit: Make) -> None:
    """The switch can be set, set again, and turned off; when it strikes, it is off again."""
    for _ in range(2):
        trader.placing.place(limit(), trader.now)
    trader.kinds()
    trader.timers.set_switch(5, trader.now)
    trader.timers.set_switch(0, trader.now)
    assert trader.timers.due_at() is None
    trader.timers.set_switch(5, trader.now)
    trader.clock.sleep(3)
    trader.timers.set_switch(5, trader.now)
    trader.clock.sleep(3)
    trader.timers.run()
    assert trader.kinds() == []
    trader.clock.sleep(2)
    assert trader.timers.due_at() == trader.now
    trader.timers.run()
    assert trader.kinds() == ["canceled", "canceled"]
    assert {report.reason for report in trader.account.executions[-2:]} == {
        "Cancel all orders after"
    }
    assert trader.timers.switch_at is None


def test_maintenance(trader: Trader, limit: Make) -> None:
    """During a maintenance nothing is due; after it, all that was."""
    trader.placing.place(limit(), trader.now)
    trader.kinds()
    trader.timers.set_switch(5, trader.now)
    trader.quotes.system = "maintenance"
    trader.clock.sleep(60)
    assert trader.timers.due_at() is None
    trader.timers.run()
    assert trader.kinds() == []
    trader.quotes.system = "cancel_only"
    trader.timers.run()
    assert trader.kinds() == ["canceled"]
