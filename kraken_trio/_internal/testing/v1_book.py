"""A book as the simulated exchange tells of it by protocol v1, which has a checksum of its own.

Knows the levels that one client was told of, for the text that the checksum is made of is that of
the strings on this wire. Waits for nothing.

What was wrong in a frame of v2 is wrong in what becomes of it, too: the checksum differs from the
right one by as much as that of the frame did, in its bits.

Source: section "book" of the WebSocket v1 documentation, and captured traffic.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from zlib import crc32

from kraken_trio._internal.testing.v1_text import digits, price_text, qty_text, seconds_text

_TOP = 10
_Side = dict[Decimal, Decimal]


class OldBook:
    """What one client knows of one book."""

    def __init__(self, depth: int) -> None:
        """Know nothing yet."""
        self._depth = depth
        self._asks: _Side = {}
        self._bids: _Side = {}
        self._at = "0.000000"

    def snapshot(self, row: Mapping[str, Any]) -> list[dict[str, object]]:
        """Take a snapshot of v2; give the payload. It has no checksum."""
        self._asks = dict(map(_numbers, row["asks"]))
        self._bids = dict(map(_numbers, row["bids"]))
        self._at = seconds_text(row["timestamp"])
        return [
            {
                "as": [_level(price, qty, self._at) for price, qty in self._asks.items()],
                "bs": [_level(price, qty, self._at) for price, qty in self._bids.items()],
            }
        ]

    def update(self, row: Mapping[str, Any]) -> list[dict[str, object]]:
        """Take an update of v2; give the payload: an object for each side that changed."""
        at = seconds_text(row["timestamp"])
        payload: list[dict[str, object]] = []
        for name, side, changes, worst in (
            ("a", self._asks, row["asks"], max),
            ("b", self._bids, row["bids"], min),
        ):
            if changes:
                full = len(side) >= self._depth
                limit = worst(side) if full else None
                payload.append({name: [self._said(side, each, limit, at) for each in changes]})
                for price in self._beyond(side, descending=name == "b"):
                    del side[price]
        payload = payload or [{"a": []}]
        wrong = row["checksum"] ^ self._sum(as_it_is=True)
        payload[-1]["c"] = str(self._sum(as_it_is=False) ^ wrong)
        self._at = at
        return payload

    def _said(
        self, side: _Side, level: Mapping[str, Any], limit: Decimal | None, at: str
    ) -> list[str]:
        """Make a change; give it as a row. What slides in from beyond the window was there."""
        price, qty = _numbers(level)
        if not qty:
            side.pop(price, None)
            return _level(price, qty, at)
        beyond = limit is not None and (price > limit if side is self._asks else price < limit)
        side[price] = qty
        return [*_level(price, qty, self._at), "r"] if beyond else _level(price, qty, at)

    def _beyond(self, side: _Side, *, descending: bool) -> Iterable[Decimal]:
        return sorted(side, reverse=descending)[self._depth :] if len(side) > self._depth else ()

    def _sum(self, *, as_it_is: bool) -> int:
        """The checksum, of the text of v2 as it is, or of our own."""
        best = (
            *((price, self._asks[price]) for price in heapq.nsmallest(_TOP, self._asks)),
            *((price, self._bids[price]) for price in heapq.nlargest(_TOP, self._bids)),
        )
        texts = (
            (f"{price:f}", f"{qty:f}") if as_it_is else (price_text(price), qty_text(qty))
            for price, qty in best
        )
        return crc32("".join(digits(price) + digits(qty) for price, qty in texts).encode())


def _numbers(level: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Those of a pair without decimals are whole."""
    return Decimal(level["price"]), Decimal(level["qty"])


def _level(price: Decimal, qty: Decimal, at: str) -> list[str]:
    return [price_text(price), qty_text(qty), at]
