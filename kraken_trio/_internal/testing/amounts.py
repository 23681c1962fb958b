"""Arithmetic of quantities, prices and money, exact to the last digit.

Knows how to add and to multiply without rounding, whatever the context of the program, and how to
round to so many decimals where that is asked for; nothing of what a number means.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import (
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
)

# A request has 40 digits before the point and after it at most: no sum or product of two is longer.
_DIGITS = 200
_EXACT = Context(
    prec=_DIGITS, traps=[DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow]
)
_ROUNDING = Context(
    prec=_DIGITS,
    rounding=ROUND_HALF_UP,
    traps=[DivisionByZero, FloatOperation, InvalidOperation, Overflow],
)
_ROUNDING_UP = Context(prec=_DIGITS, rounding=ROUND_UP, traps=_ROUNDING.traps)


def unit(places: int) -> Decimal:
    """The smallest step of a number with so many decimals."""
    return Decimal((0, (1,), -places))


def nothing(places: int) -> Decimal:
    """Zero, with so many decimals."""
    return Decimal((0, (0,), -places))


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The sum, with all decimals of all of them."""
    result = Decimal(0)
    for number in numbers:
        result = _EXACT.add(result, number)
    return result


def difference(number: Decimal, other: Decimal) -> Decimal:
    """The first less the second, with all decimals of both."""
    return _EXACT.subtract(number, other)


def product(number: Decimal, other: Decimal) -> Decimal:
    """The product, with all its decimals."""
    return _EXACT.multiply(number, other)


def ratio(number: Decimal, other: Decimal, places: int) -> Decimal:
    """The quotient, rounded to so many decimals, halves away from zero."""
    return rounded(_ROUNDING.divide(number, other), places)


def quotient_down(number: Decimal, other: Decimal, places: int) -> Decimal:
    """The most, with so many decimals, that times ``other`` is not more than ``number``.

    Neither is negative.
    """
    return _EXACT.multiply(_ROUNDING.divide_int(number, product(other, unit(places))), unit(places))


def rounded(number: Decimal, places: int) -> Decimal:
    """The number with so many decimals, halves away from zero. No zero has a sign."""
    result = _ROUNDING.quantize(number, unit(places))
    return result or nothing(places)


def rounded_up(number: Decimal, places: int) -> Decimal:
    """The number with so many decimals, away from zero."""
    return _ROUNDING_UP.quantize(number, unit(places))


def fits(number: Decimal, places: int) -> bool:
    """Whether so many decimals hold all of it."""
    return rounded(number, places) == number
