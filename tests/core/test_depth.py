"""What a book says beyond its levels."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio import BookSnapshot, Level
from kraken_trio._internal.core.depth import (
    Rung,
    depth_ladder,
    imbalance,
    market_order,
    microprice,
    volume_at,
    volume_through,
)

D = Decimal


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    """Give levels."""
    return tuple(Level(D(price), D(qty)) for price, qty in pairs)


BOOK = BookSnapshot(
    "BTC/USD",
    10,
    levels(("100.0", "1.5"), ("99.5", "0.5"), ("98.0", "2")),
    levels(("101.0", "0.5"), ("102.0", "1"), ("105.0", "4")),
    0,
)
EMPTY = BookSnapshot("BTC/USD", 10, (), (), 0)
HALF = BookSnapshot("BTC/USD", 10, BOOK.bids, (), 0)


def test_a_ladder_adds_up() -> None:
    """Each level with all before it."""
    assert depth_ladder(BOOK, "asks", 2) == (
        Rung(D("101.0"), D("0.5"), D("0.5"), D("50.5")),
        Rung(D("102.0"), D("1"), D("1.5"), D("152.5")),
    )
    assert [rung.total_qty for rung in depth_ladder(BOOK, "bids")] == [D("1.5"), D("2.0"), D("4.0")]
    assert depth_ladder(EMPTY, "bids") == ()


def test_imbalance() -> None:
    """From all asks to all bids."""
    assert imbalance(BOOK) == D("0.5")
    assert imbalance(HALF) == 1
    assert imbalance(EMPTY, 5) is None


def test_the_microprice_is_nearer_to_the_thinner_side() -> None:
    """Weighed by what rests on the other one."""
    assert microprice(BOOK) == D("100.75")
    assert microprice(HALF) is None


def test_an_order_takes_level_by_level() -> None:
    """And says how much worse it becomes."""
    cost = market_order(BOOK, "buy", D("1.0"))
    assert (cost.filled, cost.cost, cost.worst) == (D("1.0"), D("101.5"), D("102.0"))
    assert (cost.vwap, cost.slippage, cost.complete) == (D("101.5"), D("0.5"), True)
    assert cost.slippage_bps is not None
    assert round(cost.slippage_bps, 4) == D("49.5050")
    sold = market_order(BOOK, "sell", D("1.5"))
    assert (sold.vwap, sold.slippage, sold.slippage_bps) == (D("100.0"), D(0), D(0))


def test_an_order_may_be_more_than_there_is() -> None:
    """Then it is filled in part, or not at all."""
    cost = market_order(BOOK, "sell", D(10))
    assert (cost.filled, cost.complete, cost.worst) == (D("4.0"), False, D("98.0"))
    nothing = market_order(EMPTY, "buy", D(1))
    assert (nothing.filled, nothing.cost, nothing.vwap, nothing.slippage) == (
        D(0),
        D(0),
        None,
        None,
    )


@pytest.mark.parametrize("qty", ["0", "-1", "NaN"])
def test_an_order_of_nothing_makes_no_sense(qty: str) -> None:
    """It is refused."""
    with pytest.raises((ValueError, decimal.InvalidOperation)):
        market_order(BOOK, "buy", D(qty))


def test_volumes() -> None:
    """At a price, and up to it."""
    assert (volume_at(BOOK, D("99.50")), volume_at(BOOK, D("102"))) == (D("0.5"), D("1"))
    assert volume_at(BOOK, D("100.5")) == 0
    assert volume_through(BOOK, "bids", D("99.5")) == D("2.0")
    assert volume_through(BOOK, "asks", D("104")) == D("1.5")
    assert volume_through(BOOK, "asks", D("100")) == 0


QTY = st.decimals(min_value="0.00000001", max_value=10**6, places=8)


@given(st.lists(QTY, min_size=1, max_size=30), QTY, st.sampled_from(["buy", "sell"]))
def test_costs_are_exact(qtys: list[Decimal], wanted: Decimal, side: str) -> None:
    """By fractions, also where the program's own context is poor."""
    asks = tuple(Level(D(100 + n), qty) for n, qty in enumerate(qtys))
    bids = tuple(Level(D(100 - n), qty) for n, qty in enumerate(qtys))
    book = BookSnapshot("BTC/USD", 1000, bids, asks, 0)
    with decimal.localcontext(decimal.Context(prec=3)):
        cost = market_order(book, side, wanted)  # type: ignore[arg-type]
    left, paid = Fraction(wanted), Fraction(0)
    for level in asks if side == "buy" else bids:
        taken = min(left, Fraction(level.qty))
        left, paid = left - taken, paid + taken * Fraction(level.price)
    assert Fraction(cost.cost) == paid
    assert Fraction(cost.filled) == Fraction(wanted) - left
    assert cost.vwap is not None
    assert abs(Fraction(cost.vwap) - paid / Fraction(cost.filled)) < Fraction(1, 10**25)


@pytest.mark.parametrize("qty", ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_quantity_that_is_none_is_refused(qty: str) -> None:
    """Whatever the program computed."""
    with pytest.raises(ValueError, match="must be a number above 0"):
        market_order(BOOK, "buy", D(qty))


def test_a_side_that_is_none_is_refused() -> None:
    """Rather than taken for the other: a book's is not an order's."""
    with pytest.raises(ValueError, match="side must be one of buy, sell"):
        market_order(BOOK, "asks", D(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="side must be one of bids, asks"):
        depth_ladder(BOOK, "buy")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="side must be one of bids, asks"):
        volume_through(BOOK, "sell", D(1))  # type: ignore[arg-type]
