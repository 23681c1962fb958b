"""The orders behind a book add up to it, queue, and become events that suffice for everybody."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, data, integers, lists, tuples

from kraken_trio._internal.testing.book import SeededBook
from kraken_trio._internal.testing.orders import Order, OrderEvent, Orders, OrderSide
from kraken_trio._internal.testing.side import Side

NOW = 1_767_225_600 * 10**9
DEPTHS = (10, 100, 1000)


def made(levels: int = 150, *, price: int = 628_000, most_lots: int = 10**9) -> SeededBook:
    """Make a book."""
    dice = random.Random(1)
    return SeededBook(price, most_lots=most_lots, levels=levels, kept_trades=50, dice=dice, now=NOW)


class Client:
    """What somebody makes of events who does as the documentation says."""

    def __init__(self, depth: int, orders: Iterable[Order], sign: int) -> None:
        """Begin with a snapshot."""
        self.depth = depth
        self.sign = sign
        self.queues: dict[int, dict[str, Order]] = {}
        for order in orders:
            self.queues.setdefault(order.ticks, {})[order.order_id] = order

    def apply(self, events: Iterable[OrderEvent], *, each: bool) -> None:
        """Take a message; cut to the depth after ``each`` event, or after all."""
        for kind, order in events:
            queue = self.queues.setdefault(order.ticks, {})
            # What goes or changes was there, and what comes was not.
            assert (order.order_id in queue) is (kind != "add")
            if kind == "delete":
                del queue[order.order_id]
            else:
                queue[order.order_id] = order
            if not queue:
                del self.queues[order.ticks]
            elif each:
                self._cut()
        self._cut()

    def _cut(self) -> None:
        for ticks in self._prices()[self.depth :]:
            del self.queues[ticks]

    def _prices(self) -> list[int]:
        return sorted(self.queues, key=self.sign.__mul__)

    def orders(self) -> list[Order]:
        """Give what it holds."""
        return [order for ticks in self._prices() for order in self.queues[ticks].values()]


def levels(orders: Iterable[Order]) -> list[tuple[int, int]]:
    """Add orders up to levels."""
    return [
        (ticks, sum(order.lots for order in queue))
        for ticks, queue in groupby(orders, key=lambda order: order.ticks)
    ]


@pytest.mark.parametrize("each", [True, False])
@pytest.mark.parametrize("levels_a_side", [1, 12, 150])
def test_events_do_for_every_client(each: bool, levels_a_side: int) -> None:
    """Whatever the depth, orders are right after each message, add up, and stand by their time."""
    book = made(levels_a_side)
    orders = Orders(book, random.Random(2))
    clients: list[tuple[Client, OrderSide, Side]] = []
    for depth in DEPTHS:
        bids, asks = orders.look(depth)
        orders.depths.add(depth)
        clients.append((Client(depth, bids, -1), orders.bids, book.bids))
        clients.append((Client(depth, asks, 1), orders.asks, book.asks))
    kinds = set()
    for number in range(1500):
        book.step(NOW + number // 3)
        orders.follow()
        for client, side, source in clients:
            events = side.update(client.depth)
            kinds |= {event.kind for event in events}
            client.apply(events, each=each)
            held = client.orders()
            assert levels(held) == source.rows(client.depth)
            assert held == side.look(client.depth, 0)
            for one, other in pairwise(held):
                assert one.ticks != other.ticks or one.at < other.at
    assert kinds == {"add", "modify", "delete"}


def test_ids_and_times_look_like_real_ones() -> None:
    """An order id is of three groups, no two are alike; times are of the last half hour."""
    orders = Orders(made(1500), random.Random(1))
    found = [order for side in orders.look(1000) for order in side]
    assert len({order.order_id for order in found}) == len(found) > 3000
    for order in found:
        assert re.fullmatch(r"O[A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{6}", order.order_id)
        assert NOW - 30 * 60 * 10**9 < order.at < NOW
        assert order.lots > 0


@pytest.mark.parametrize("most_lots", [99, 10**30])
def test_any_quantity_is_made_up_of_orders(most_lots: int) -> None:
    """The smallest that there is, and more than a machine counts."""
    book = made(most_lots=most_lots)
    bids, asks = Orders(book, random.Random(1)).look(100)
    assert (levels(bids), levels(asks)) == book.rows(100)
    assert max(map(len, (bids, asks))) > 110


def test_what_was_not_watched_is_caught_up_with() -> None:
    """Who looks later sees the book of then; orders of levels that did not change are the same."""
    book = made()
    orders = Orders(book, random.Random(1))
    before = {order.order_id: order for order in orders.look(100)[0]}
    for number in range(200):
        book.step(NOW + number)
    bids, asks = orders.look(1000)
    assert (levels(bids), levels(asks)) == book.rows(1000)
    kept = [order for order in bids if order.order_id in before]
    assert len(kept) > 50
    assert any(order == before[order.order_id] for order in kept)
    for one, other in pairwise(bids):
        assert one.ticks != other.ticks or one.at < other.at
    again = orders.look(1000)
    assert again == (bids, asks)


def test_the_first_in_the_queue_are_filled() -> None:
    """What is taken from the best level is taken from its oldest orders."""
    side = Side(1, depths=(10,))
    side.put(5, 10)
    queue = OrderSide(side, random.Random(1))
    for lots in (30, 60):
        queue.look(10, NOW + lots)
        side.put(5, lots)
    first, *others = queue.look(10, NOW + 100)
    side.changes.clear()
    side.put(5, 60 - first.lots - 1)
    queue.follow(NOW + 200, {10})
    gone, smaller = queue.update(10)
    assert gone == OrderEvent("delete", first._replace(at=NOW + 200))
    assert smaller == OrderEvent("modify", others[0]._replace(lots=others[0].lots - 1))


def test_an_order_leaves_and_comes_back_as_itself() -> None:
    """What is pushed out of a window is not mentioned; sliding in again it has its id and time."""
    side = Side(1, depths=(2,))
    for key in (10, 20):
        side.put(key, 5)
    queue = OrderSide(side, random.Random(1))
    before = queue.look(2, NOW)
    side.changes.clear()
    side.put(5, 7)
    queue.follow(NOW + 1, {2})
    (came,) = queue.update(2)
    assert (came.kind, came.order.ticks, came.order.lots) == ("add", 5, 7)
    side.changes.clear()
    side.put(5, 0)
    queue.follow(NOW + 2, {2})
    gone, *back = queue.update(2)
    assert gone == OrderEvent("delete", came.order._replace(at=NOW + 2))
    assert back == [OrderEvent("add", order) for order in before if order.ticks == 20]


def test_nobody_is_told_of_levels_out_of_sight() -> None:
    """Orders of a level beyond all windows are made up when it slides in, not before."""
    side = Side(-1, depths=(2, 9))
    for key in (-9, -8, -7):
        side.put(key, 5)
    queue = OrderSide(side, random.Random(1))
    queue.look(2, NOW)
    side.changes.clear()
    side.put(-7, 6)
    side.put(-1, 5)
    side.put(-1, 0)
    queue.follow(NOW + 1, {2})
    assert (queue.update(2), len(queue._queues)) == ([], 2)
    side.changes.clear()
    side.put(-9, 0)
    queue.follow(NOW + 2, {2})
    events = queue.update(2)
    assert levels(event.order for event in events if event.kind == "add") == [(7, 6)]
    assert levels(event.order for event in events if event.kind == "delete") == [(9, 5)]


def test_the_checksum_is_of_each_order() -> None:
    """The checksum is the CRC-32 of the orders of ten asks and ten bids, in their queues."""
    book = made()
    orders = Orders(book, random.Random(1))
    orders.look(100)
    orders.depths.add(100)
    for number in range(100):
        book.step(NOW + number)
        orders.follow()
        bids, asks = orders.look(10)
        text = "".join(f"{order.ticks}{order.lots}" for order in (*asks, *bids))
        assert orders.checksum() == zlib.crc32(text.encode())


def test_the_seed_decides() -> None:
    """The same dice give the same orders, others give others; the book knows nothing of it."""

    def run(seed: int) -> list[list[OrderEvent]]:
        book = made()
        orders = Orders(book, random.Random(seed))
        orders.look(10)
        orders.depths.add(10)
        found = []
        for number in range(100):
            book.step(NOW + number)
            orders.follow()
            found.append(orders.bids.update(10))
        assert book.rows(100) == plain.rows(100)
        return found

    plain = made()
    for number in range(100):
        plain.step(NOW + number)
    assert run(1) == run(1) != run(2)


@given(data())
def test_any_changes_are_explained(draw: DataObject) -> None:
    """Whatever changes in whatever order, who always truncates has what adds up to the levels."""
    key, lots = integers(1, 30), integers(0, 4)
    depths = draw.draw(lists(integers(1, 12), min_size=1, max_size=3, unique=True))
    sign: Literal[1, -1] = draw.draw(integers(0, 1)) * 2 - 1  # type: ignore[assignment]
    side = Side(sign, depths=depths)
    for at in draw.draw(lists(key, min_size=1, unique=True)):
        side.put(sign * at, 5)
    queue = OrderSide(side, random.Random(draw.draw(integers(0, 100))))
    clients = [Client(depth, queue.look(depth, NOW), sign) for depth in depths]
    for number in range(3):
        side.changes.clear()
        for at, new in draw.draw(lists(tuples(key, lots), max_size=8)):
            if new or (sign * at in side.lots and len(side.keys) > 1):
                side.put(sign * at, new)
        queue.follow(NOW + 100 * (number + 1), depths)
        for client in clients:
            client.apply(queue.update(client.depth), each=True)
            assert client.orders() == queue.look(client.depth, NOW)
            assert levels(client.orders()) == side.rows(client.depth)
