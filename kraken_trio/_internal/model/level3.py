"""The records of the order-by-order book.

Rules for numbers, times and open text are those of ``records``. A price level is a queue of
orders; orders stand best price first and, within a price, in queue order.

Source: the ``level3`` page of the WebSocket v2 documentation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp


class Level3Order(Struct, frozen=True, gc=False):
    """One resting order, or one event about it."""

    order_id: str
    """Opaque."""
    limit_price: Decimal
    """Price, quote currency."""
    order_qty: Decimal
    """Remaining visible quantity, base currency. Means nothing in a ``delete``."""
    timestamp: Timestamp
    """When the order was inserted or last amended; its place in the queue follows from it."""
    event: Literal["add", "modify", "delete"] | None = None
    """In an update, what happened; None in a snapshot."""

    def __repr__(self) -> str:
        """What happened to which order."""
        return (
            f"Level3Order({self.event or 'resting'} {self.order_id} "
            f"{self.order_qty:f} @ {self.limit_price:f}; {self.timestamp})"
        )


class QueuePosition(Struct, frozen=True, gc=False, kw_only=True):
    """Where one resting order stands. Hidden quantities and orders beyond the depth are unknown."""

    order: Level3Order
    """The order itself, as it rests."""
    side: Literal["bid", "ask"]
    """Of the book."""
    level: int
    """Price levels that are better, of its side; 0 at the best price."""
    orders_ahead: int
    """Orders at its price that are filled before it."""
    qty_ahead: Decimal
    """Their visible quantity, base currency."""
    orders_behind: int
    """Orders at its price that are filled after it."""
    qty_behind: Decimal
    """Their visible quantity, base currency."""

    def __repr__(self) -> str:
        """Which order, where, and behind how much."""
        order = self.order
        return (
            f"QueuePosition({self.side} {order.order_id} @ {order.limit_price:f}, level "
            f"{self.level}: {self.orders_ahead} orders with {self.qty_ahead:f} ahead)"
        )


class Level3Snapshot(Struct, frozen=True, gc=False):
    """All visible orders of one symbol within the depth. It replaces all that was known."""

    symbol: str
    """Such as ``BTC/USD``."""
    depth: int
    """Price levels a side that the subscription asked for."""
    bids: tuple[Level3Order, ...]
    """Best (highest) price first, then queue order."""
    asks: tuple[Level3Order, ...]
    """Best (lowest) price first, then queue order."""
    checksum: int
    """CRC32 over each order of the ten best levels a side, verified."""
    timestamp: Timestamp | None = None
    """By the exchange's clock; the documented example lacks it."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    local: bool = False
    """True when it was taken from the live verified book, rather than sent by the exchange:
    for one who joins later, or after an overflow."""

    def __repr__(self) -> str:
        """The symbol and how many orders it holds."""
        return (
            f"Level3Snapshot({self.symbol} depth {self.depth}: {len(self.bids)} bid orders, "
            f"{len(self.asks)} ask orders; {self.timestamp})"
        )


class Level3Update(Struct, frozen=True, gc=False):
    """The events of one message, in the order of the wire."""

    symbol: str
    """Such as ``BTC/USD``."""
    bids: tuple[Level3Order, ...]
    """Events on bids."""
    asks: tuple[Level3Order, ...]
    """Events on asks."""
    checksum: int
    """CRC32 over each order of the ten best levels a side after this message, verified."""
    timestamp: Timestamp | None = None
    """By the exchange's clock."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""

    def __repr__(self) -> str:
        """The symbol and the events."""
        return (
            f"Level3Update({self.symbol}: bids {list(self.bids)}, asks {list(self.asks)}; "
            f"{self.timestamp})"
        )
