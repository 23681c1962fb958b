"""The orders of one pair's book as frames, and as the record that they are.

Knows how they are printed, and for which depths; what becomes of them is up to ``orders``.

Source: section "level3" of the WebSocket v2 documentation, and captured traffic for the order of
members. Not known, and decided here: where the time stands in a snapshot.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal

from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.book import SeededBook
from kraken_trio._internal.testing.frames import OrderRow, fixed, level3_frame
from kraken_trio._internal.testing.orders import Order, OrderEvent, Orders


class PairLevel3:
    """The orders of one pair, and which depths of them are watched."""

    def __init__(
        self, symbol: str, precisions: tuple[int, int], book: SeededBook, dice: random.Random
    ) -> None:
        """Tell of the orders behind ``book``; ``precisions`` are of price and quantity."""
        self._symbol = symbol
        self._precisions = precisions
        self._orders = Orders(book, dice)

    @property
    def watched(self) -> bool:
        """Whether any depth is."""
        return bool(self._orders.depths)

    def watch(self, depth: int) -> None:
        """From now on, give updates of this depth."""
        self._orders.look(depth)
        self._orders.depths.add(depth)

    def unwatch(self, depth: int) -> None:
        """Give none any more."""
        self._orders.depths.discard(depth)

    def updates(self) -> Iterator[tuple[int, bytes]]:
        """Give the frame about the book's latest step for each depth where it shows."""
        orders = self._orders
        orders.follow()
        for depth in sorted(orders.depths):
            bids, asks = orders.bids.update(depth), orders.asks.update(depth)
            if bids or asks:
                yield depth, self._frame("update", _events(bids), _events(asks))

    def snapshot(self, depth: int) -> bytes:
        """The frame of all orders of the best ``depth`` levels."""
        bids, asks = self._orders.look(depth)
        return self._frame("snapshot", _resting(bids), _resting(asks))

    def record(self, depth: int) -> Level3Snapshot:
        """The same as a record."""
        bids, asks = self._orders.look(depth)
        return Level3Snapshot(
            self._symbol,
            depth,
            tuple(map(self._shown, bids)),
            tuple(map(self._shown, asks)),
            self._orders.checksum(),
            Timestamp(self._orders.changed_at),
        )

    def _frame(self, kind: str, bids: Iterable[OrderRow], asks: Iterable[OrderRow]) -> bytes:
        return level3_frame(
            kind,
            self._symbol,
            bids=bids,
            asks=asks,
            precisions=self._precisions,
            checksum=self._orders.checksum(),
            at=self._orders.changed_at,
        )

    def _shown(self, order: Order) -> Level3Order:
        price, qty = self._precisions
        return Level3Order(
            order.order_id,
            Decimal(fixed(order.ticks, price)),
            Decimal(fixed(order.lots, qty)),
            Timestamp(order.at),
        )


def _events(events: Iterable[OrderEvent]) -> Iterator[OrderRow]:
    return ((event.kind, *event.order) for event in events)


def _resting(orders: Iterable[Order]) -> Iterator[OrderRow]:
    return ((None, *order) for order in orders)
