"""Precisions, and the text of numbers in a checksum."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.digits import Digits, decimals, told_precision

HUGE = 10**40 - 1


@pytest.mark.parametrize(
    "number, count",
    [
        ("1", 0),
        ("1E+2", 0),
        ("0.10", 2),
        ("0E-8", 8),
        ("1.0E-7", 8),
        ("1.5E+3", 0),
        (f"{HUGE}.{HUGE}", 40),
    ],
)
def test_decimals(number: str, count: int) -> None:
    """Digits behind the point are counted as they would be printed, trailing zeros too."""
    assert decimals(Decimal(number)) == count


@pytest.mark.parametrize(
    "price, qty, text",
    [
        pytest.param("45285.20", "0.00100000", "4528520100000", id="as-on-the-wire"),
        pytest.param("45285.2", "0.001", "4528520100000", id="zeros-lost"),
        pytest.param("4.52852E+4", "1E-3", "4528520100000", id="exponents"),
        pytest.param("4E+1", "1E+2", "400010000000000", id="positive-exponents"),
        pytest.param("0.05", "1.0E-7", "510", id="less-than-one"),
        pytest.param("1", "90071992.54740993", "1009007199254740993", id="more-than-a-float-holds"),
        pytest.param(f"{HUGE}", f"{HUGE}", f"{HUGE}00{HUGE}00000000", id="huge"),
    ],
)
def test_text(price: str, qty: str, text: str) -> None:
    """Numbers are padded to the precision; the point and the zeros in front go."""
    assert Digits(2, 8).text(Decimal(price), Decimal(qty)) == text


def test_text_without_decimals() -> None:
    """A pair may have no decimals at all."""
    assert Digits(0, 0).text(Decimal(45), Decimal(100)) == "45100"


def test_text_at_the_limit() -> None:
    """The longest numbers that a decoder lets pass are printed whole."""
    number = Decimal(f"{HUGE}.{HUGE}")
    assert Digits(40, 40).text(number, number) == f"{HUGE}{HUGE}" * 2


@given(
    st.integers(1, 10**40 - 1), st.integers(1, 10**40 - 1), st.integers(0, 12), st.integers(0, 12)
)
def test_text_is_the_units(price: int, qty: int, price_precision: int, qty_precision: int) -> None:
    """The text is the two numbers counted in their smallest units, however they are written."""
    digits = Digits(price_precision, qty_precision)
    numbers = (
        Decimal(f"{price}E-{price_precision}"),
        Decimal(f"{qty}E-{qty_precision}"),
    )
    with localcontext(prec=80):
        shortened = tuple(number.normalize() for number in numbers)
    assert digits.text(*numbers) == digits.text(*shortened) == f"{price}{qty}"


def test_text_ignores_the_users_context() -> None:
    """A context that rounds to three digits, and raises when it does, changes nothing."""
    with localcontext(Context(prec=3, traps=[Inexact])):
        digits = Digits(1, 8)
        digits.learn(Decimal("45285.25"), Decimal("1.123456789"))
        assert digits.text(Decimal("45285.25"), Decimal("1.123456789")) == "45285251123456789"


@pytest.mark.parametrize(
    "price, qty, raised, precisions",
    [
        pytest.param("1.0", "1.00000000", False, (1, 8), id="same"),
        pytest.param("1", "1.5", False, (1, 8), id="fewer"),
        pytest.param("1E+5", "1E+5", False, (1, 8), id="exponents"),
        pytest.param("1.05", "1.00000000", True, (2, 8), id="price"),
        pytest.param("1.0", "1.0E-9", True, (1, 10), id="qty"),
        pytest.param("1.05", "1", True, (2, 8), id="one-more-one-fewer"),
    ],
)
def test_learn(price: str, qty: str, raised: bool, precisions: tuple[int, int]) -> None:
    """Numbers with more digits raise the precisions, and nothing lowers them."""
    digits = Digits(1, 8)
    assert digits.learn(Decimal(price), Decimal(qty)) is raised
    assert (digits.price_precision, digits.qty_precision) == precisions


def test_extend() -> None:
    """Each precision is raised for itself, and never lowered."""
    digits = Digits(1, 8)
    assert not digits.extend(1, 8)
    assert not digits.extend(0, 0)
    assert digits.extend(0, 10)
    assert (digits.price_precision, digits.qty_precision) == (1, 10)
    assert digits.extend(2, 0)
    assert (digits.price_precision, digits.qty_precision) == (2, 10)


@pytest.mark.parametrize("price, qty", [(-1, 8), (1, -1), (41, 8), (1, 10**9)])
def test_impossible_precision(price: int, qty: int) -> None:
    """A precision that no number can have is refused, before anybody pads to it."""
    with pytest.raises(ValueError, match="0 to 40 decimals"):
        told_precision(price, qty)
    with pytest.raises(ValueError, match="0 to 40 decimals"):
        Digits(price, qty)
