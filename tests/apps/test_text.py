"""What others wrote, made fit to be shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.apps.text import digits, shown


@given(st.text())
def test_what_is_shown_cannot_move_a_cursor_and_is_short(text: str) -> None:
    """Whatever was written, what is shown is printable and fits on a screen."""
    assert shown(text).isprintable()
    assert len(shown(text * 100)) <= 200


@pytest.mark.parametrize(
    "text, expected",
    [
        ("BTC/USD", "BTC/USD"),
        ("\x1b[2J\r\n\x9b1m\u202e", "?[2J???1m?"),
        ("漢字", "漢字"),
        ("a" * 100 + "b" * 200, "a" * 100 + "b" * 20 + "..." + "b" * 77),
    ],
)
def test_what_is_shown_of_a_text(text: str, expected: str) -> None:
    """Good text stays as it is, control characters are question marks, long middles are out."""
    assert shown(text) == expected


@pytest.mark.parametrize("number", ["0.00000000", "0.00000010", "62800.0", "-2.6", "1E+3"])
def test_a_number_has_the_digits_of_the_wire(number: str) -> None:
    """No exponent, no digit more or less."""
    assert digits(Decimal(number)) == number.replace("1E+3", "1000")
