"""The order-by-order book of one symbol, verified after every message.

Knows how orders queue at a price, and which of them the checksum is made of; what a checksum is
and what its failure means stands in ``checksum``. Imports ``digits``, too, and else
nothing but the vocabulary.

A price level is a queue. An order keeps its place when its quantity changes, and goes to the end
when it is added, also when it was there before: one that left the depth and came back is
announced by a fresh ``add``. Orders that one message adds queue by their own time, in whatever
order it lists them. An event about an order that is not here means nothing.

Sources: the ``level3`` page and the checksum guide of the WebSocket v2 documentation, and the
published replay of a recorded session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from functools import reduce
from operator import attrgetter
from typing import Final, Literal

from kraken_trio._internal.core.checksum import TOP, CheckedBook
from kraken_trio._internal.core.digits import EXACT, Digits
from kraken_trio._internal.model.level3 import (
    Level3Order,
    Level3Snapshot,
    Level3Update,
    QueuePosition,
)
from kraken_trio._internal.model.messages import Level3Message

_by_time = attrgetter("timestamp")
_SIDES: Final[tuple[Literal["bid", "ask"], ...]] = ("bid", "ask")


class Queue:
    """One price level: its orders, the first to be filled first."""

    __slots__ = ("_digits", "_text", "_texts", "key", "orders", "price")

    def __init__(self, price: Decimal, key: Decimal, digits: Digits) -> None:
        """Start empty."""
        self.price = price
        """Of each of its orders."""
        self.key = key
        """What its side sorts it by."""
        self.orders: dict[str, Level3Order] = {}
        """By order id, in queue order, each as its latest event said it."""
        self._digits = digits
        # What each order is in the checksum, in queue order, and all of them together. None where
        # nobody has asked yet: a level that never comes near the best is never printed.
        self._texts: dict[str, str] | None = None
        self._text: str | None = None

    @property
    def text(self) -> str:
        """Its digits in the checksum: price and quantity of each order."""
        if self._text is None:
            if self._texts is None:
                self._texts = {name: self._print(order) for name, order in self.orders.items()}
            self._text = "".join(self._texts.values())
        return self._text

    def _print(self, order: Level3Order) -> str:
        return self._digits.text(self.price, order.order_qty)

    def put(self, order: Level3Order) -> None:
        """Change an order in its place, or add it at the end."""
        self.orders[order.order_id] = order
        if self._texts is not None:
            self._texts[order.order_id] = self._print(order)
        self._text = None

    def requeue(self, order_id: str) -> None:
        """Send an order to the end."""
        self.orders[order_id] = self.orders.pop(order_id)
        if self._texts is not None:
            self._texts[order_id] = self._texts.pop(order_id)
        self._text = None

    def drop(self, order_id: str) -> None:
        """Take an order out."""
        del self.orders[order_id]
        if self._texts is not None:
            del self._texts[order_id]
        self._text = None

    def forget(self) -> None:
        """Print everything anew when it is next asked for."""
        self._text = self._texts = None


class QueueSide:
    """One side of a book."""

    __slots__ = ("_depth", "_descending", "_digits", "_keys", "_places", "_queues", "text")

    def __init__(self, depth: int, digits: Digits, *, descending: bool) -> None:
        """Start empty; ``descending`` where the highest price is the best."""
        self._depth = depth
        self._digits = digits
        self._descending = descending
        # The prices of the queues, negated where they descend: bisection wants ascending ones.
        self._keys: list[Decimal] = []
        self._queues: list[Queue] = []
        # Where each order id stands.
        self._places: dict[str, Queue] = {}
        self.text = b""
        """The digits of the orders of its ten best levels, best first."""

    def apply(self, events: tuple[Level3Order, ...]) -> bool:
        """Apply the events in their order, then cut to the depth; say whether the text changed."""
        keys, places = self._keys, self._places
        added: dict[str, Level3Order] = {}
        touched = False
        for event in events:
            # An order without a quantity rests no more, and prints nothing.
            rests = bool(event.order_qty)
            queue = places.get(event.order_id)
            if queue is not None:
                touched = touched or len(keys) <= TOP or queue.key <= keys[TOP - 1]
                if event.event == "modify" and rests:
                    queue.put(event)
                    continue
                self._remove(queue, event.order_id)
            if rests and event.event in {"add", None}:
                touched = self._add(event) or touched
                if event.event is not None:
                    added[event.order_id] = event
        self._queue_by_time(added)
        if len(keys) > self._depth:
            self._cut()
        if touched:
            self._render()
        return touched

    def _add(self, order: Level3Order) -> bool:
        """Put an order that is not there at the end of its queue; say whether the text changed."""
        price = order.limit_price
        # Unary minus would round to the digits of the user's context.
        key = price.copy_negate() if self._descending else price
        index = bisect_left(self._keys, key)
        if index == len(self._keys) or self._keys[index] != key:
            self._keys.insert(index, key)
            self._queues.insert(index, Queue(price, key, self._digits))
        queue = self._places[order.order_id] = self._queues[index]
        queue.put(order)
        return index < TOP

    def _remove(self, queue: Queue, order_id: str) -> None:
        """Take an order out, and its level if it was the last one there."""
        del self._places[order_id]
        queue.drop(order_id)
        if not queue.orders:
            index = bisect_left(self._keys, queue.key)
            del self._keys[index], self._queues[index]

    def _queue_by_time(self, added: dict[str, Level3Order]) -> None:
        """Sort what one message added, which is the tail of each queue, by time.

        Only the places are changed, after all events: an order may be added and taken away by
        one message, and that must not be turned around.
        """
        times = [order.timestamp for order in added.values()]
        if times == sorted(times):
            return
        for order in sorted(added.values(), key=_by_time):
            queue = self._places.get(order.order_id)
            if queue is not None:
                queue.requeue(order.order_id)

    def _cut(self) -> None:
        """Drop the levels beyond the depth."""
        for queue in self._queues[self._depth :]:
            for order_id in queue.orders:
                del self._places[order_id]
        del self._keys[self._depth :], self._queues[self._depth :]

    def _render(self) -> None:
        self.text = "".join([queue.text for queue in self._queues[:TOP]]).encode()

    def clear(self) -> None:
        """Drop every order."""
        self._keys.clear()
        self._queues.clear()
        self._places.clear()
        self.text = b""

    def render(self) -> None:
        """Make the text anew: the precision is another one."""
        for queue in self._queues:
            queue.forget()
        self._render()

    def numbers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Give price and quantity of every order."""
        return (
            (order.limit_price, order.order_qty)
            for queue in self._queues
            for order in queue.orders.values()
        )

    def find(self, order_id: str) -> tuple[int, list[Level3Order], int] | None:
        """Give the level of an order, all orders at its price, and its place among them."""
        queue = self._places.get(order_id)
        if queue is None:
            return None
        level = bisect_left(self._keys, queue.key)
        orders = [_resting(order, queue.price) for order in queue.orders.values()]
        return level, orders, list(queue.orders).index(order_id)

    def orders(self) -> tuple[Level3Order, ...]:
        """Give every order as it rests: best price first, then in queue order."""
        return tuple(
            _resting(order, queue.price)
            for queue in self._queues
            for order in queue.orders.values()
        )


def _resting(order: Level3Order, price: Decimal) -> Level3Order:
    """An order as it rests: an event may name another price, and does not move it."""
    if order.event is None:
        return order
    return Level3Order(order.order_id, price, order.order_qty, order.timestamp)


def _sum(orders: list[Level3Order]) -> Decimal:
    """Their quantity: exactly, whatever the digits of the user's context are."""
    return reduce(EXACT.add, (order.order_qty for order in orders), Decimal(0))


class Level3Book(CheckedBook[QueueSide, Level3Message, Level3Snapshot, Level3Update]):
    """The orders of one symbol within the subscribed depth. Empty while it is not live."""

    __slots__ = ()

    channel = "level3"

    def __init__(
        self, symbol: str, depth: int, *, price_precision: int = 0, qty_precision: int = 0
    ) -> None:
        """Start without a snapshot.

        ``depth`` is price levels a side. A precision that is not known is 0, and learned from
        the numbers. ``ValueError`` for one below 0 or above 40.
        """
        digits = Digits(price_precision, qty_precision)
        bids = QueueSide(depth, digits, descending=True)
        asks = QueueSide(depth, digits, descending=False)
        super().__init__(symbol, depth, digits, bids, asks)

    @property
    def bids(self) -> tuple[Level3Order, ...]:
        """Best (highest) price first, then queue order; ``event`` is None."""
        return self._bids.orders()

    @property
    def asks(self) -> tuple[Level3Order, ...]:
        """Best (lowest) price first, then queue order; ``event`` is None."""
        return self._asks.orders()

    def position(self, order_id: str) -> QueuePosition | None:
        """Where an order stands; None for one that is not here, and while the book is not live."""
        for name in _SIDES:
            found = (self._bids if name == "bid" else self._asks).find(order_id)
            if found is not None:
                level, orders, at = found
                ahead, behind = orders[:at], orders[at + 1 :]
                return QueuePosition(
                    order=orders[at],
                    side=name,
                    level=level,
                    orders_ahead=len(ahead),
                    qty_ahead=_sum(ahead),
                    orders_behind=len(behind),
                    qty_behind=_sum(behind),
                )
        return None

    def _update(self, message: Level3Message) -> Level3Update:
        return Level3Update(
            self.symbol,
            message.bids,
            message.asks,
            message.checksum,
            message.timestamp,
            message.received_at,
        )

    def _whole(self, last: Level3Message, *, local: bool) -> Level3Snapshot:
        return Level3Snapshot(
            self.symbol,
            self.depth,
            self.bids,
            self.asks,
            last.checksum,
            last.timestamp,
            last.received_at,
            local,
        )
