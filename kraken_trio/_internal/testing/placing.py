"""What becomes of an order in a market: it takes, it waits to be taken, it is set off, or it goes.

Knows when an order matches and in which words it ends; nothing of requests, of levels, or of what a
fill does to the account. Only orders that were placed here are in the market: what is done to the
account by commands alone happens outside of it.

Source: sections "add_order" and "executions" of the WebSocket v2 documentation. Not settled there,
and decided here: an order whose trigger is reached already is set off at once; the words for what
meets an own order and for what nobody is left to fill; and that trailing orders wait for ever.
"""

from __future__ import annotations

from decimal import Decimal

from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.requests import AddOrder, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account, AccountRecord
from kraken_trio._internal.testing.amounts import difference, product, rounded, total
from kraken_trio._internal.testing.demands import LIMITS, SIMPLE_LIMITS, TRAILING, Quotes
from kraken_trio._internal.testing.order import Order

WOULD_TAKE = "Post only order"
"""The reason of an order that would take, and must not."""
NOT_AT_ONCE = "Immediate or cancel"
"""The reason of an order that was to be filled at once, or not at all."""
OWN_ORDER = "Self trade prevention"
"""The reason of an order that would have traded with another of the account."""
NOBODY_LEFT = "Insufficient liquidity"
"""The reason of an order at any price for which there is no more."""

_LIVE = frozenset({"new", "partially_filled"})
_HUNDRED = Decimal(100)


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
        account.listen(self._hear)

    def place(self, request: AddOrder, now: Timestamp) -> Order:
        """Accept an order, and let it go live unless it is to wait for its time."""
        order = self._account.accept(request)
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
        self.match(order)
        self._check_trigger(order, (self._quotes.last(request.symbol),) * 2)

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

    def taken_at(self, request: AddOrder) -> Decimal | None:
        """Give the price that an order would be filled at if it were live, or None if it rests."""
        best = self._quotes.best(request.symbol, request.side)
        limit = request.limit_price
        if request.order_type not in LIMITS:
            return best
        if limit is None or request.order_type in TRAILING:
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
        """Whatever becomes of an order that was placed here, the market is to show it."""
        if isinstance(record, Execution) and record.order_id in self._placed:
            self.match(self._account.order(record.order_id))

    def _show(self, order: Order) -> None:
        """Let the book show what is left of an order that waits in it, and nothing else of it."""
        request, order_id = order.request, order.order_id
        price, shown = self._shown.get(order_id, (None, Decimal(0)))
        limit = request.limit_price
        if (
            limit is None
            or not order.open
            or order.status not in _LIVE
            or request.order_type not in LIMITS - TRAILING
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
        """Set an order off if its trigger was reached between these prices."""
        triggers = order.request.triggers
        live = order.open and order.status in _LIVE
        if triggers is None or not live or self._set_off(order):
            return
        if order.request.order_type in TRAILING:
            return
        if triggers.reference == "index":
            traded = (self._quotes.index(order.terms.symbol),) * 2
        low, high = traded
        at = self._trigger_price(order, triggers)
        stop = order.request.order_type.startswith("stop")
        reached = high >= at if (order.request.side == "buy") == stop else low <= at
        if reached:
            rising = (order.request.side == "buy") == stop
            self._account.trigger(order.order_id, high if rising else low)

    def _trigger_price(self, order: Order, triggers: TriggerParams) -> Decimal:
        """The price that sets an order off; a distance counts from when that is first asked."""
        if triggers.price_type in (None, "static"):
            return triggers.price
        if order.triggers is not None and order.triggers.actual_price is not None:
            return order.triggers.actual_price
        symbol, places = order.terms.symbol, order.terms.price_precision
        index = triggers.reference == "index"
        base = self._quotes.index(symbol) if index else self._quotes.last(symbol)
        far = triggers.price
        if triggers.price_type == "pct":
            far = product(product(base, far), 1 / _HUNDRED)
        at = rounded(total((base, far)), places)
        self._account.move_trigger(order.order_id, at)
        return at


def _kind(request: AddOrder) -> str:
    """What public trades say of the order that took."""
    return "limit" if request.order_type in LIMITS | SIMPLE_LIMITS else "market"
