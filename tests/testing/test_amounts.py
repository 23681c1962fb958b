"""Numbers are added and multiplied exactly, and rounded only where that is asked for."""

from __future__ import annotations

from decimal import Decimal, FloatOperation, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.testing.amounts import (
    difference,
    fits,
    nothing,
    product,
    quotient_down,
    ratio,
    rounded,
    rounded_up,
    total,
    unit,
)

numbers = st.decimals(
    min_value=-(10**20), max_value=10**20, places=18, allow_nan=False, allow_infinity=False
)


@given(numbers, numbers)
def test_nothing_is_lost(one: Decimal, other: Decimal) -> None:
    """Sums, differences and products are those of fractions, whatever the program's context."""
    with localcontext(prec=3):
        assert Fraction(total([one, other])) == Fraction(one) + Fraction(other)
        assert Fraction(difference(one, other)) == Fraction(one) - Fraction(other)
        assert Fraction(product(one, other)) == Fraction(one) * Fraction(other)


@given(numbers, st.integers(0, 10))
def test_rounding_has_its_bounds(number: Decimal, places: int) -> None:
    """A rounded number has its decimals, and is half a step away at most; up, a whole one."""
    near, up = rounded(number, places), rounded_up(number, places)
    assert near.as_tuple().exponent == up.as_tuple().exponent == -places
    assert abs(Fraction(near) - Fraction(number)) <= Fraction(1, 2 * 10**places)
    assert 0 <= abs(Fraction(up)) - abs(Fraction(number)) < Fraction(1, 10**places)
    assert fits(number, places) == (near == number)


@given(numbers.map(abs), numbers.map(abs).filter(bool), st.integers(0, 10))
def test_what_money_buys(money: Decimal, price: Decimal, places: int) -> None:
    """As much as can be paid for, and not a step more."""
    qty = Fraction(quotient_down(money, price, places))
    assert qty * Fraction(price) <= Fraction(money)
    assert (qty + Fraction(1, 10**places)) * Fraction(price) > Fraction(money)


def test_texts() -> None:
    """Decimals are kept, and no zero has a sign."""
    assert [str(unit(3)), str(nothing(3)), str(total([]))] == ["0.001", "0.000", "0"]
    assert str(total([Decimal("0.10"), Decimal("0.200")])) == "0.300"
    assert str(rounded(Decimal("-0.0004"), 3)) == "0.000"
    assert str(rounded(Decimal("1.0005"), 3)) == "1.001"
    assert str(ratio(Decimal(2), Decimal(3), 4)) == "0.6667"


def test_what_is_no_amount() -> None:
    """What cannot be written with some decimals raises."""
    with pytest.raises(InvalidOperation):
        rounded(Decimal("1e400"), 2)


def test_no_digit_is_dropped_silently() -> None:
    """A product that is too long for any request raises, and so does a float."""
    with pytest.raises(Inexact):
        product(Decimal("1" * 150), Decimal("1" * 150))
    with pytest.raises((FloatOperation, TypeError)):
        total([cast("Any", 0.1)])
