"""What becomes of an order in a market: it takes, it waits to be taken, it is set off, or it goes.

Knows when an order matches and in which words it ends; nothing of requests, of levels, or of what a
fill does to the account. Only orders that were placed here are in the market: what is done to the
account by commands alone happens outside of it.

Source: sections "add_order" and "executions" of the WebSocket v2 documentation. Not settled there,
and decided here: an order whose trigger is reached already is set off at once; triggers are looked
at when something is traded; what a fill is to place is placed when whoever took has done; and the
words for what meets an own order, for what nobody is left to fill, and for a close without funds.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from msgspec.structs import replace

from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account, AccountRecord
from kraken_trio._internal.testing.amounts import difference
from kraken_trio._internal.testing.closing import closing
from kraken_trio._internal.testing.demands import LIMITS, Quotes, check_funds
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.triggers import Run, limit_at, look

WOULD_TAKE = "Post only order"
"""The reason of an order that would take, and must not."""
NOT_AT_ONCE = "Immediate or cancel"
"""The reason of an order that was to be filled at once, or not at all."""
OWN_ORDER = "Self trade prevention"
"""The reason of an order that would have traded with another of the account."""
NOBODY_LEFT = "Insufficient liquidity"
"""The reason of an order at any price for which there is no more."""
UNPAID = "Insufficient funds"
"""The reason of an order that a fill was to place, and that could not be paid for."""

_LIVE = frozenset({"new", "partially_filled"})


class Placing:
    """Puts orders of an account into a market, and keeps them there as they are."""

    def __init__(self, account: Account, quotes: Quotes) -> None:
        """Put orders of ``account`` into the market of ``quotes``."""
        self._account = account
        self._quotes = quotes
        self._placed: set[str] = set()
        # Those that wait in the book: at which price, and how much of them shows.
        self._shown: dict[str, tuple[Decimal, Decimal]] = {}
        # Those that something is being done with.
        self._busy: set[str] = set()
        # What fills are to place: the order, and the name of that which was filled.
        self._closes: deque[tuple[AddOrder, str]] = deque()
        account.listen(self._hear)

    def place(self, request: AddOrder, now: Timestamp, ord_ref_id: str | None = None) -> Order:
        """Accept an order, and let it go live unless it is to wait for its time. ``ord_ref_id``
        names the order whose fill places it.
        """
        order = self._account.accept(request, ord_ref_id)
        self._placed.add(order.order_id)
        if request.effective_time is None or request.effective_time <= now:
            self.go_live(order)
        return order

    def go_live(self, order: Order) -> None:
        """Let an order that was accepted go live: to rest, or to take."""
        request = order.request
        if request.post_only and self.taken_at(request) is not None and order.triggers is None:
            self._account.cancel(order.order_id, WOULD_TAKE)
            return
        self._placed.add(order.order_id)
        self._account.start(order.order_id)
        self.revise(order)

    def revise(self, order: Order) -> None:
        """Do what follows from what a live order asks for now: it may be set off, or take."""
        self.match(order)
        self._check_trigger(order, (self._quotes.last(order.terms.symbol),) * 2)

    def match(self, order: Order) -> None:
        """Fill a live order as far as it takes; let what is left wait in the book, or go."""
        if order.order_id in self._busy:
            return
        self._busy.add(order.order_id)
        try:
            if order.open and order.status in _LIVE and self._set_off(order):
                self._match(order)
            self._show(order)
        finally:
            self._busy.discard(order.order_id)
        if not order.open:
            self._placed.discard(order.order_id)
        self._place_closes()

    def taken_at(self, request: AddOrder) -> Decimal | None:
        """Give the price that an order would be filled at if it were live, or None if it rests."""
        best = self._quotes.best(request.symbol, request.side)
        limit = request.limit_price
        if request.order_type not in LIMITS:
            return best
        if limit is None or request.limit_price_type not in (None, "static"):
            return None
        return best if (best <= limit if request.side == "buy" else best >= limit) else None

    def follow(self) -> None:
        """Do what follows from what was traded in the market since this was last called."""
        while symbols := self._quotes.news():
            for symbol in symbols:
                self._follow(symbol)

    def _follow(self, symbol: str) -> None:
        """Fill who waited, and set off whose trigger was reached."""
        with self._account.moment():
            for fill in self._quotes.made(symbol):
                order = self._account.order(fill.order_id)
                if fill.order_id not in self._shown:
                    continue  # A command was quicker.
                price, shown = self._shown[fill.order_id]
                self._shown[fill.order_id] = price, difference(shown, fill.qty)
                self._account.fill(
                    fill.order_id, fill.qty, fill.price, maker=True, trade_id=fill.trade_id
                )
                self.match(order)
            traded = self._quotes.range(symbol)
            if traded is not None:
                for order in self._account.open_orders():
                    if order.terms.symbol == symbol and order.order_id in self._placed:
                        self._check_trigger(order, traded)

    def _match(self, order: Order) -> None:
        request, order_id = order.request, order.order_id
        if request.time_in_force == "fok" and order.left() > self._quotes.there(
            request.symbol, request.side, request.limit_price, order.left()
        ):
            self._account.cancel(order_id, NOT_AT_ONCE)
            return
        # It may have been in the book at another price.
        self._hide(order, unless=request.limit_price)
        while order.open and (price := self.taken_at(request)) is not None:
            own = self._quotes.in_the_way(request.symbol, request.side)
            if own is not None:
                self._prevent(order, own)
                continue
            qty = order.left(price)
            taken = self._quotes.take(request.symbol, request.side, qty, _kind(request))
            if not qty or taken is None:
                self._account.cancel(order_id, NOBODY_LEFT)
                return
            self._account.fill(
                order_id, taken.qty, taken.price, maker=False, trade_id=taken.trade_id
            )
        if order.open and request.time_in_force in {"ioc", "fok"}:
            self._account.cancel(order_id, NOT_AT_ONCE)

    def _prevent(self, order: Order, own: str) -> None:
        """Keep an order from trading with an own one, as it says."""
        kind = order.request.stp_type
        if kind in {"cancel_oldest", "cancel_both"}:
            self._account.cancel(own, OWN_ORDER)
            self.match(self._account.order(own))
        if kind != "cancel_oldest":
            self._account.cancel(order.order_id, OWN_ORDER)

    def _hear(self, record: AccountRecord) -> None:
        """Whatever becomes of an order that was placed here, the market is to show it; and what
        its fills are to place, they place.
        """
        if not isinstance(record, Execution):
            return
        order = self._account.order(record.order_id)
        if record.last_qty is not None and record.last_price is not None:
            filled = record.last_qty, record.last_price
            close = closing(order.request, *filled, order.terms)
            if close is not None:
                self._closes.append((close, order.order_id))
        if order.order_id in self._placed:
            self.match(order)
        self._place_closes()

    def _place_closes(self) -> None:
        """Place what fills are to place, unless an order is still taking: it would meet its own."""
        while self._closes and not self._busy:
            request, order_id = self._closes.popleft()
            try:
                check_funds(request, self._account, self._quotes)
            except Refused:
                self._account.cancel(self._account.accept(request, order_id).order_id, UNPAID)
            else:
                self.place(request, self._account.now, order_id)

    def _show(self, order: Order) -> None:
        """Let the book show what is left of an order that waits in it, and nothing else of it."""
        request, order_id = order.request, order.order_id
        price, shown = self._shown.get(order_id, (None, Decimal(0)))
        limit = request.limit_price
        if (
            limit is None
            or not order.open
            or order.status not in _LIVE
            or request.order_type not in LIMITS
            or not self._set_off(order)
        ):
            self._hide(order)
            return
        visible = order.left() if order.shown is None else min(order.shown, order.left())
        if price == limit and shown > visible:
            self._quotes.resize(request.symbol, request.side, limit, order_id, visible)
        elif price != limit or shown < visible:
            self._hide(order)
            self._quotes.rest(request.symbol, request.side, limit, order_id, visible)
        self._shown[order_id] = limit, visible

    def _hide(self, order: Order, *, unless: Decimal | None = None) -> None:
        """Take an order out of the book, unless it waits at that price."""
        price, shown = self._shown.get(order.order_id, (None, Decimal(0)))
        if price is None or price == unless:
            return
        if shown:
            request = order.request
            self._quotes.resize(request.symbol, request.side, price, order.order_id, Decimal(0))
        del self._shown[order.order_id]

    def _set_off(self, order: Order) -> bool:
        """Whether nothing has to set an order off, or it did."""
        return order.triggers is None or order.triggers.status == "triggered"

    def _check_trigger(self, order: Order, traded: tuple[Decimal, Decimal]) -> None:
        """Set an order off if its trigger was reached between these prices, or let that follow."""
        request, symbol = order.request, order.terms.symbol
        if not order.open or order.status not in _LIVE:
            return
        run = Run(*traded, self._quotes.last(symbol))
        if request.triggers is not None and request.triggers.reference == "index":
            run = Run(*(self._quotes.index(symbol),) * 3)
        found = look(order, run)
        if found is None:
            return
        triggers, reached = found
        if triggers != order.triggers:
            self._account.move_trigger(
                order.order_id, triggers.actual_price, peak_price=triggers.peak_price
            )
        if reached is not None and order.open:
            self._trigger(order, reached, triggers.actual_price or reached)

    def _trigger(self, order: Order, reached: Decimal, at: Decimal) -> None:
        """Set an order off, with the limit that it has from then on."""
        limit = limit_at(order.request, at, order.terms.price_precision)
        if order.request.post_only:
            price = order.request.limit_price if limit is None else limit
            asked = replace(order.request, limit_price=price, limit_price_type=None)
            if self.taken_at(asked) is not None:
                self._account.cancel(order.order_id, WOULD_TAKE)
                return
        self._account.trigger(order.order_id, reached, limit_price=limit)


def _kind(request: AddOrder) -> str:
    """What public trades say of the order that took."""
    return "limit" if request.order_type in LIMITS else "market"
