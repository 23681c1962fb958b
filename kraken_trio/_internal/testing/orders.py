"""The orders behind the levels of a book: who waits at each price, in which order.

Knows how a level's quantity is made up of orders, how a change of it becomes events about them, and
what a client of some depth must be told; nothing of frames. It only explains what the book does,
and never decides about it. What nobody looks at has no orders: those of a level are made up when it
is first shown to anybody, and go on from there.

Source: section "level3" of the WebSocket v2 documentation and its checksum guide, and captured
traffic. Not settled there, and decided here: an order keeps its time when its quantity changes, so
that time and place in the queue always agree.
"""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Collection, Iterable
from itertools import pairwise, takewhile
from typing import Literal, NamedTuple

from kraken_trio._internal.testing.book import CHECKED_LEVELS, SeededBook
from kraken_trio._internal.testing.side import Change, Piece, Side

_ID_BYTES = 10  # 80 bits are 16 letters and digits of base 32.
_MINUTE = 60 * 10**9
_OLDEST_MINUTES = 30  # So old is at most what was there before anybody looked.
_ALONE_SHARE = 0.5  # Of the levels that were there; the others have several orders.
_MOST_ORDERS = 6  # Of those.
_JITTER = 900  # Nanoseconds: a market's own times have microseconds.


class Order(NamedTuple):
    """An order that waits."""

    order_id: str
    """Such as ``OK4GJX-KSTLS-7DZZO5``."""
    ticks: int
    """Its price."""
    lots: int
    """Its quantity."""
    at: int
    """When it came, in nanoseconds since the epoch."""


class OrderEvent(NamedTuple):
    """What became of an order."""

    kind: Literal["add", "modify", "delete"]
    """What it was."""
    order: Order
    """As it is then; deleted, as it was but for the time."""


class _Told(NamedTuple):
    """The events of one change of a level, and to whom they are told."""

    place: int
    """Where the level stood: only deeper windows show it."""
    events: list[OrderEvent]
    """What became of its orders."""
    slid_in: dict[int, list[OrderEvent]]
    """The orders that a removal moved into each window, by depth."""


class _Queue:
    """The orders at one price, the first to be filled first."""

    __slots__ = ("_text", "lots", "named", "orders")

    def __init__(self, orders: Iterable[Order], named: tuple[Piece, ...] = ()) -> None:
        self.orders = list(orders)
        self.named = named  # How those with names stand among the others.
        self.lots = sum(order.lots for order in self.orders)
        self._text: str | None = None

    def text(self) -> str:
        """Give its digits in a checksum."""
        if self._text is None:
            self._text = "".join([f"{order.ticks}{order.lots}" for order in self.orders])
        return self._text

    def changed(self, lots: int) -> None:
        """Note that its orders are others, which have so many lots together."""
        self.lots = lots
        self._text = None


class OrderSide:
    """The orders of one side of a book."""

    def __init__(self, side: Side, dice: random.Random) -> None:
        """Explain what ``side`` does; ``dice`` decide about what that leaves open."""
        self._side = side
        self._dice = dice
        self._queues: dict[int, _Queue] = {}
        self._told: list[_Told] = []

    def look(self, depth: int, now: int) -> list[Order]:
        """Give the orders of the best ``depth`` levels, best first, then in queue order.

        Those of levels that changed while nobody looked change now.
        """
        side = self._side
        for key in [key for key in self._queues if key not in side.lots]:
            del self._queues[key]
        for key, queue in self._queues.items():
            wanted = tuple(side.queues.get(key, ()))
            if queue.named != wanted:
                self._arrange(queue, key, wanted or ((None, side.lots[key]),), now, fills=False)
            elif queue.lots != side.lots[key]:
                self._adjust(queue, key, side.lots[key], now, fills=False)
        return [
            order
            for key in side.keys[:depth]
            for order in self._queue(key, side.lots[key], now).orders
        ]

    def follow(self, now: int, depths: Collection[int]) -> None:
        """Explain what the latest step did; ``depths`` are those that somebody is shown."""
        self._told = [
            self._explain(change, now + number, depths)
            for number, change in enumerate(self._side.changes)
        ]

    def update(self, depth: int) -> list[OrderEvent]:
        """What a client must be told that is shown the best ``depth`` levels, in order.

        The orders of a level that slides into its window come as if they were new, with the ids and
        times that they have; what is pushed out is not mentioned.
        """
        events: list[OrderEvent] = []
        for told in self._told:
            if told.place < depth:
                events += told.events
                events += told.slid_in.get(depth, ())
        return events

    def text(self, now: int) -> str:
        """Give the digits of the ten best levels' orders."""
        side = self._side
        return "".join(
            [self._queue(key, side.lots[key], now).text() for key in side.keys[:CHECKED_LEVELS]]
        )

    def _explain(self, change: Change, now: int, depths: Collection[int]) -> _Told:
        """Make events about orders of one change of a level."""
        key, lots = change.key, change.lots
        queue = self._queues.get(key)
        events: list[OrderEvent] = []
        if queue is None:
            if change.place < max(depths) and lots:
                # It is new: all others that anybody is shown have their queues.
                queue = self._queues[key] = _Queue(())
                row = change.queue or ((None, lots),)
                events = self._arrange(queue, key, row, now, fills=False)
        elif lots and change.queue is not None:
            events = self._arrange(queue, key, change.queue, now, fills=change.place == 0)
        elif lots:
            events = self._adjust(queue, key, lots, now, fills=change.place == 0)
        else:
            events = [OrderEvent("delete", order._replace(at=now)) for order in queue.orders]
            del self._queues[key]
        slid_in = {
            depth: [
                OrderEvent("add", order)
                for order in self._queue(self._side.sign * ticks, there, now).orders
            ]
            for depth, (ticks, there) in change.slid_in.items()
            if depth in depths
        }
        return _Told(change.place, events, slid_in)

    def _queue(self, key: int, lots: int, now: int) -> _Queue:
        """Give the orders of a level; make them up where there are none yet."""
        queue = self._queues.get(key)
        if queue is None:
            row = self._side.queues.get(key)
            if row is None:
                queue = _Queue(self._made_up(key, lots, now))
            else:
                queue = _Queue(())
                self._arrange(queue, key, tuple(row), now, fills=False)
            self._queues[key] = queue
        return queue

    def _made_up(self, key: int, lots: int, now: int) -> list[Order]:
        """Make up the orders of a level that was there before anybody looked."""
        dice = self._dice
        wanted = 1 if dice.random() < _ALONE_SHARE else dice.randint(2, _MOST_ORDERS)
        # Cut at random places, of which some may be the same, so that each has a lot at least.
        cuts = sorted({dice.randrange(1, lots) for _ in range(wanted - 1)} if lots > 1 else ())
        times = sorted(
            {now - dice.randrange(1, _OLDEST_MINUTES * _MINUTE) for _ in range(len(cuts) + 1)}
        )
        edges = [0, *cuts[: len(times) - 1], lots]
        return [
            self._order(key, end - begin, at)
            for (begin, end), at in zip(pairwise(edges), times, strict=True)
        ]

    def _arrange(
        self, queue: _Queue, key: int, row: tuple[Piece, ...], now: int, *, fills: bool
    ) -> list[OrderEvent]:
        """Give a level the queue that it has, in which some orders have names."""
        names = {name for name, _ in row if name is not None}
        there = {name for name, _ in queue.named if name is not None}
        gone = [order for order in queue.orders if order.order_id in there - names]
        events = [OrderEvent("delete", order._replace(at=now)) for order in gone]
        old = [order for order in queue.orders if order not in gone]
        orders: list[Order] = []
        for name, lots in (*row, (None, 0)):
            # Those in front of the next with a name; with none in the row they have all left.
            ahead = _Queue(_until(old, names))
            del old[: len(ahead.orders)]
            if name is None:
                events += self._adjust(ahead, key, lots, now, fills=fills)
                orders += ahead.orders
                continue
            events += self._adjust(ahead, key, 0, now, fills=fills)
            order = Order(name, self._side.sign * key, lots, now)
            if old:
                order = old.pop(0)._replace(lots=lots)
            if name not in there:
                events.append(OrderEvent("add", order))
            elif (name, lots) not in queue.named:
                events.append(OrderEvent("modify", order))
            orders.append(order)
        queue.orders = orders
        queue.named = row if names else ()
        queue.changed(sum(lots for _, lots in row))
        return events

    def _adjust(
        self, queue: _Queue, key: int, lots: int, now: int, *, fills: bool
    ) -> list[OrderEvent]:
        """Give a level another quantity: an order joins the queue, or some lose theirs.

        With ``fills`` those are the first in the queue, as when somebody trades; else any are.
        """
        orders = queue.orders
        more = lots - queue.lots
        events: list[OrderEvent] = []
        if more > 0:
            orders.append(self._order(key, more, now))
            events.append(OrderEvent("add", orders[-1]))
        while more < 0:
            place = 0 if fills else self._dice.randrange(len(orders))
            order = orders[place]
            if order.lots <= -more:
                more += order.lots
                del orders[place]
                events.append(OrderEvent("delete", order._replace(at=now)))
            else:
                orders[place] = order._replace(lots=order.lots + more)
                more = 0
                events.append(OrderEvent("modify", orders[place]))
        queue.changed(lots)
        return events

    def _order(self, key: int, lots: int, at: int) -> Order:
        text = base64.b32encode(self._dice.randbytes(_ID_BYTES)).decode()
        order_id = f"O{text[:5]}-{text[5:10]}-{text[10:]}"
        return Order(order_id, self._side.sign * key, lots, at)


def _until(orders: Iterable[Order], names: Collection[str]) -> Iterable[Order]:
    """Those in front of the first with one of these names."""
    return takewhile(lambda order: order.order_id not in names, orders)


class Orders:
    """The orders of a book."""

    def __init__(self, book: SeededBook, dice: random.Random) -> None:
        """Explain what ``book`` does; ``dice`` decide about the rest."""
        self.depths: set[int] = set()
        """Of the windows that are watched, each a number of price levels a side."""
        self.changed_at: int = 0
        """When the latest change was, in nanoseconds since the epoch. An order that joins a queue
        is later than all before it."""
        self._book = book
        self._dice = dice
        self.bids = OrderSide(book.bids, dice)
        """Best (highest) price first."""
        self.asks = OrderSide(book.asks, dice)
        """Best (lowest) price first."""

    def look(self, depth: int) -> tuple[list[Order], list[Order]]:
        """Give the bids and asks of the best ``depth`` levels, best first, then in queue order."""
        if not self.depths:
            # While somebody watches nothing is left to be caught up with.
            self.changed_at = max(self.changed_at + 1, self._book.changed_at)
        return self.bids.look(depth, self.changed_at), self.asks.look(depth, self.changed_at)

    def follow(self) -> None:
        """Explain what the latest step of the book did, for the windows that are watched."""
        jitter = self._dice.randrange(_JITTER)
        self.changed_at = max(self.changed_at + 1, self._book.changed_at + jitter)
        for side in (self.bids, self.asks):
            side.follow(self.changed_at, self.depths)
        self.changed_at += max(len(self._book.bids.changes), len(self._book.asks.changes))

    def checksum(self) -> int:
        """CRC-32 of the ten best levels: asks, then bids, price and quantity of each order."""
        text = self.asks.text(self.changed_at) + self.bids.text(self.changed_at)
        return zlib.crc32(text.encode())
