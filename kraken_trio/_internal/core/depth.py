"""What a book says beyond its levels: how much is where, and what an order of a size would cost.

Pure functions over the levels of a book, best first, as ``BookSnapshot`` has them. Sums and
products are exact, whatever a program's own decimal context is; what is divided is rounded to
``QUOTIENT_DIGITS`` digits. Imports nothing but the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Context, Decimal
from itertools import takewhile
from typing import Literal, Protocol

from msgspec import Struct

from kraken_trio._internal.model.records import Level

QUOTIENT_DIGITS = 34
"""Of whatever is divided: those of a decimal with 128 bits."""

# The decoders refuse numbers with more than 40 digits on either side of the point: a product of two
# has 160, and no book has so many levels that their sum would have 200.
_EXACT = Context(prec=200)
_ROUNDED = Context(prec=QUOTIENT_DIGITS)
_ZERO = Decimal(0)

Side = Literal["bids", "asks"]
"""Of a book."""


class Sides(Protocol):
    """Anything with the two sides of a book."""

    @property
    def bids(self) -> Sequence[Level]:
        """Best (highest) price first."""
        ...

    @property
    def asks(self) -> Sequence[Level]:
        """Best (lowest) price first."""
        ...


class Rung(Struct, frozen=True):
    """One level of a side, with all that stands before it."""

    price: Decimal
    """Price, quote currency."""
    qty: Decimal
    """Resting at it, base currency."""
    total_qty: Decimal
    """Resting at it and at all better prices."""
    total_cost: Decimal
    """What all of that is worth, each at its price; quote currency."""


class Cost(Struct, frozen=True):
    """What an order at the market would cost, or bring."""

    side: Literal["buy", "sell"]
    """Of the order."""
    qty: Decimal
    """That was asked for, base currency."""
    filled: Decimal
    """That the book holds of it; less than ``qty`` where the book ends before."""
    cost: Decimal
    """What is paid for that, or received; quote currency, without fees."""
    vwap: Decimal | None
    """Average price; None where nothing is filled."""
    worst: Decimal | None
    """Price of the last level that is reached."""
    slippage: Decimal | None
    """By how much ``vwap`` is worse than the best price: 0 or more, quote currency."""
    slippage_bps: Decimal | None
    """The same in hundredths of a percent of the best price."""

    @property
    def complete(self) -> bool:
        """Whether the book holds all that was asked for."""
        return self.filled == self.qty


def depth_ladder(book: Sides, side: Side, levels: int | None = None) -> tuple[Rung, ...]:
    """Give the levels of a side, best first, each with all before it; at most ``levels``.

    ``ValueError`` unless the side is one of a book.
    """
    _check_side(side, "bids", "asks")
    return tuple(_rungs((book.bids if side == "bids" else book.asks)[:levels]))


def imbalance(book: Sides, levels: int = 1) -> Decimal | None:
    """Give how much more is bid than asked within so many levels a side: from -1, all asks, to 1.

    None for an empty book.
    """
    bid, ask = (_sum(level.qty for level in side[:levels]) for side in (book.bids, book.asks))
    total = _EXACT.add(bid, ask)
    return None if not total else _ROUNDED.divide(_EXACT.subtract(bid, ask), total)


def microprice(book: Sides) -> Decimal | None:
    """Give the price between the best two, nearer to the side that less rests on.

    That is where the next trade moves it, more likely. None where a side is empty.
    """
    if not (book.bids and book.asks):
        return None
    bid, ask = book.bids[0], book.asks[0]
    weighed = _EXACT.add(_EXACT.multiply(bid.price, ask.qty), _EXACT.multiply(ask.price, bid.qty))
    return _ROUNDED.divide(weighed, _EXACT.add(bid.qty, ask.qty))


def market_order(book: Sides, side: Literal["buy", "sell"], qty: Decimal) -> Cost:
    """Give what an order of ``qty`` at the market would cost or bring, by the book as it stands.

    A ``buy`` takes the asks, a ``sell`` the bids. ``ValueError`` for another side, and
    unless ``qty`` is a number above 0.
    """
    _check_side(side, "buy", "sell")
    if not (qty.is_finite() and qty > 0):
        msg = f"qty must be a number above 0, is {qty}"
        raise ValueError(msg)
    levels = book.asks if side == "buy" else book.bids
    left, cost, worst = qty, _ZERO, None
    for level in levels:
        if not left:
            break
        taken = min(left, level.qty)
        cost = _EXACT.fma(taken, level.price, cost)
        left = _EXACT.subtract(left, taken)
        worst = level.price
    filled = _EXACT.subtract(qty, left)
    if worst is None:
        return Cost(side, qty, filled, cost, None, None, None, None)
    best = levels[0].price
    # Exact up to the one division, so a single level costs nothing.
    worse = _EXACT.subtract(cost, _EXACT.multiply(best, filled)).copy_abs()
    slippage = _ROUNDED.divide(worse, filled)
    points = _ROUNDED.divide(_EXACT.multiply(worse, Decimal(10_000)), _EXACT.multiply(best, filled))
    return Cost(side, qty, filled, cost, _ROUNDED.divide(cost, filled), worst, slippage, points)


def volume_at(book: Sides, price: Decimal) -> Decimal:
    """Give what rests at a price, on whichever side it is; 0 for none."""
    return _sum(
        level.qty for side in (book.bids, book.asks) for level in side if level.price == price
    )


def volume_through(book: Sides, side: Side, price: Decimal) -> Decimal:
    """Give what rests on a side at a price and at all better ones: to trade through takes more.

    ``ValueError`` unless the side is one of a book.
    """
    _check_side(side, "bids", "asks")
    if side == "bids":
        return _sum(level.qty for level in takewhile(lambda each: each.price >= price, book.bids))
    return _sum(level.qty for level in takewhile(lambda each: each.price <= price, book.asks))


def _check_side(side: str, *known: str) -> None:
    if side not in known:
        msg = f"side must be one of {', '.join(known)}, is {side!r}"
        raise ValueError(msg)


def _rungs(levels: Sequence[Level]) -> Iterator[Rung]:
    qty = cost = _ZERO
    for level in levels:
        qty = _EXACT.add(qty, level.qty)
        cost = _EXACT.fma(level.price, level.qty, cost)
        yield Rung(level.price, level.qty, qty, cost)


def _sum(numbers: Iterator[Decimal]) -> Decimal:
    total = _ZERO
    for number in numbers:
        total = _EXACT.add(total, number)
    return total
