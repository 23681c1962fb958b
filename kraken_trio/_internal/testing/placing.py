"""How an order that was accepted goes live: it rests, or takes what the market offers at once.

Knows when an order takes, and at which price: all of it at the best one of the book, however much
there is. What rests stays, until somebody has it filled.

Source: sections "Trading methods" and "executions" of the WebSocket v2 documentation. Not settled
there, and decided here: the reasons for cancellations; that of an order which would take and must
not is as third parties have it.
"""

from __future__ import annotations

from decimal import Decimal

from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.demands import SIMPLE_LIMITS, Quotes
from kraken_trio._internal.testing.order import Order

WOULD_TAKE = "Post only order"
"""The reason of an order that would take, and must not."""
NOT_AT_ONCE = "Immediate or cancel"
"""The reason of an order that was to be filled at once, or not at all."""


class Placing:
    """Puts orders into a market that does not notice."""

    def __init__(self, account: Account, quotes: Quotes) -> None:
        """Put orders of ``account`` into the market of ``quotes``."""
        self._account = account
        self._quotes = quotes

    def place(self, request: AddOrder, now: Timestamp) -> Order:
        """Accept an order, and let it go live unless it is to wait for its time."""
        order = self._account.accept(request)
        if request.effective_time is None or request.effective_time <= now:
            self.go_live(order)
        return order

    def go_live(self, order: Order) -> None:
        """Let an order that was accepted go live: to rest, or to take."""
        if order.request.post_only and self.taken_at(order.request) is not None:
            self._account.cancel(order.order_id, WOULD_TAKE)
            return
        self._account.start(order.order_id)
        self.match(order)
        if order.open and order.request.time_in_force in {"ioc", "fok"}:
            self._account.cancel(order.order_id, NOT_AT_ONCE)

    def match(self, order: Order) -> None:
        """Fill a live order if it takes; it is open still if it does not."""
        price = self.taken_at(order.request)
        if price is not None:
            self._account.fill(order.order_id, price=price, maker=False)

    def taken_at(self, request: AddOrder) -> Decimal | None:
        """Give the price that an order would be filled at if it were live, or None if it rests."""
        best = self._quotes.best(request.symbol, request.side)
        limit = request.limit_price
        if request.order_type == "market":
            return best
        if request.order_type not in SIMPLE_LIMITS or limit is None:
            return None
        return best if (best <= limit if request.side == "buy" else best >= limit) else None
