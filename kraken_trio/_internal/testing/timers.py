"""What becomes of an account's orders by itself: they start, they expire, a switch cancels them.

Knows when something is due; it waits for nothing. During a maintenance
nothing happens, and what was due then happens after it.

Source: sections "add_order", "cancel_all_orders_after" and "Trading-engine modes" of the WebSocket
v2 documentation. Not settled there, and decided here: the reason for what the switch cancels.
"""

from __future__ import annotations

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.demands import Quotes
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.placing import Placing

SWITCHED = "Cancel all orders after"
"""The reason of what the dead man's switch cancels."""


class Timers:
    """The times of one account."""

    def __init__(self, account: Account, quotes: Quotes, placing: Placing) -> None:
        """Watch the open orders of ``account``; the switch is off."""
        self.switch_at: Timestamp | None = None
        """When the dead man's switch cancels everything; None while it is off."""
        self._account = account
        self._quotes = quotes
        self._placing = placing

    def set_switch(self, timeout_s: int, now: Timestamp) -> None:
        """Have everything cancelled after so long, or with 0 not at all any more."""
        self.switch_at = Timestamp(now + timeout_s * NANOSECONDS) if timeout_s else None

    def due_at(self) -> Timestamp | None:
        """When to ``run`` next; None while there is nothing to wait for."""
        if self._quotes.system == "maintenance":
            return None
        times = [_due_at(order) for order in self._account.open_orders()]
        return min((at for at in (*times, self.switch_at) if at is not None), default=None)

    def run(self) -> None:
        """Do what is due."""
        if self._quotes.system == "maintenance":
            return
        with self._account.moment() as now:
            if self.switch_at is not None and self.switch_at <= now:
                self.switch_at = None
                self._account.cancel_all(SWITCHED)
            for order in self._account.open_orders():
                starts_at, expires_at = order.request.effective_time, order.request.expire_time
                if expires_at is not None and expires_at <= now:
                    self._account.expire(order.order_id)
                elif order.status == "pending_new" and starts_at is not None and starts_at <= now:
                    self._placing.go_live(order)


def _due_at(order: Order) -> Timestamp | None:
    """Give when something becomes of an open order by itself."""
    starts_at, expires_at = order.request.effective_time, order.request.expire_time
    if order.status == "pending_new" and starts_at is not None:
        return starts_at if expires_at is None else min(starts_at, expires_at)
    return expires_at
