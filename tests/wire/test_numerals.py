"""How numbers stand on the wire."""

from __future__ import annotations

import decimal
import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct, field

from kraken_trio._internal.wire.numerals import (
    bounded,
    check_number,
    check_record,
    check_unsigned,
    decimal_members,
    number_text,
    quotes_rule,
)

WITHIN = [
    "0",
    "-5",
    "0.00000000",
    "1e39",
    "1e-40",
    "0e-40",
    "9" * 40,
    "1" + "0" * 39,
    "0." + "1" * 40,
]
BEYOND = [
    "1e40",
    "1e-41",
    "0e-41",
    "0e40",
    "1" * 41,
    "1" + "0" * 40,
    "0." + "1" * 41,
    "0.1" + "0" * 40,
    "12345678901234567890.123456789012345678901",
    "1e1000000",
    "-1e-1000000",
    "0e1000000",
]


class Part(Struct):
    """Something with a number in it."""

    qty: Decimal | None = None


class Whole(Struct):
    """Numbers in every place where one can be."""

    price: Decimal
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    first: tuple[Part] | None = None
    mixed: tuple[Part, ...] | Part | Decimal | None = None
    renamed: Decimal | None = field(default=None, name="Renamed")
    names: tuple[str, ...] = ()
    text: str = ""


@pytest.mark.parametrize("text", WITHIN)
def test_number_within_bounds_is_unchanged(text: str) -> None:
    """A number of up to 40 digits passes, to the digit as it was."""
    number = Decimal(text)
    assert bounded(number).as_tuple() == number.as_tuple()
    check_number(number)


@pytest.mark.parametrize("text", BEYOND)
def test_number_beyond_bounds_is_refused(text: str) -> None:
    """A number of more digits, or whose digits would be zeros without end, is refused."""
    with pytest.raises(ArithmeticError):
        bounded(Decimal(text))
    with pytest.raises(ArithmeticError):
        check_number(Decimal(text))


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-Infinity"])
def test_not_finite_is_refused(text: str) -> None:
    """What is no number is refused, even where the program lets decimals do as they please."""
    with decimal.localcontext(decimal.Context(prec=1, traps=[])):
        with pytest.raises(ValueError, match="not finite"):
            check_number(Decimal(text))
        with pytest.raises(ValueError, match="not finite"):
            check_unsigned([Decimal(1), Decimal(text)])


def test_unsigned() -> None:
    """A minus sign is refused, be it in front of zero; too many digits are too."""
    check_unsigned(map(Decimal, ["0", "0.5", "9" * 40]))
    for text in ("-1", "-0.0"):
        with pytest.raises(ValueError, match="negative"):
            check_unsigned([Decimal(text)])
    with pytest.raises(ArithmeticError):
        check_unsigned([Decimal("1e40")])


BAD = Decimal("Infinity")


@pytest.mark.parametrize(
    "record",
    [
        Whole(BAD),
        Whole(Decimal(1), part=Part(BAD)),
        Whole(Decimal(1), parts=(Part(), Part(BAD))),
        Whole(Decimal(1), first=(Part(BAD),)),
        Whole(Decimal(1), mixed=BAD),
    ],
)
def test_bad_number_is_found_anywhere(record: Whole) -> None:
    """A number is found wherever it stands in a record or its parts."""
    with pytest.raises(ValueError, match="not finite"):
        check_record(record)


def test_good_record_passes() -> None:
    """A record whose numbers are all within bounds passes."""
    good = Decimal("-1.5")
    check_record(Whole(good, Part(good), (Part(),), (Part(good),), good, good, ("NaN",), "NaN"))


def test_decimal_members() -> None:
    """The members that are numbers are found in a type and all its parts, by their wire names."""
    assert decimal_members(Whole) == {"price", "qty", "mixed", "Renamed"}


@pytest.mark.parametrize(
    "frame",
    [
        '{"price":1,"text":"1_0"}',
        '{"price":"45283.5"}',
        '{"price" :\t"-0.10"}',
        '{"price":"1e-08"}',
        '{"text":"\\"price\\":\\"1_0\\""}',
        '{"prices":"1_0"}',
    ],
)
def test_quoted_number_passes(frame: str) -> None:
    """A number in quotes passes where it is written like one; other text may be anything."""
    quotes_rule(Whole)(frame.encode())


@pytest.mark.parametrize(
    "text",
    ["1_0", " 1", "1 ", "", "NaN", "+1", "01", ".5", "5.", "1e", "\u0661", "0x1", "-", "\\u0031"],
)
@pytest.mark.parametrize("name", ["price", "qty", "Renamed"])
@pytest.mark.parametrize("colon", [":", " : ", "\n:\r\t"])
def test_odd_quoted_number_is_refused(text: str, name: str, colon: str) -> None:
    """A number in quotes that JSON would not write without them is refused."""
    with pytest.raises(ValueError, match="quoted number"):
        quotes_rule(Whole)(f'{{"text":"","{name}"{colon}"{text}"}}'.encode())


@given(st.text(alphabet="0123456789.-+eE_ ", max_size=8))
@example("-0.0e+01")
def test_quoted_numbers_are_json_numbers(text: str) -> None:
    """What passes in quotes is exactly what JSON takes as a number."""
    try:
        json.loads(text)
        number = text == text.strip()
    except ValueError:
        number = False
    try:
        quotes_rule(Part)(f'{{"qty":"{text}"}}'.encode())
        passed = True
    except ValueError:
        passed = False
    assert passed is number


NUMBERS = st.builds(
    lambda digits, point: Decimal(digits).scaleb(-point, decimal.Context(prec=40)),
    st.integers(-(10**40) + 1, 10**40 - 1),
    st.integers(0, 40),
)


@given(NUMBERS)
@example(Decimal("0E-8"))
@example(Decimal("1E+5"))
@example(Decimal("-1E-40"))
def test_number_text(number: Decimal) -> None:
    """A number is written in fixed-point, with a point, and is the same when it is read."""
    text = number_text(number).decode()
    assert re.fullmatch(r"-?[0-9]+\.[0-9]+", text)
    assert Decimal(text) == number


@pytest.mark.parametrize(
    "number, text",
    [("28440", b"28440.0"), ("28440.10", b"28440.10"), ("1E-7", b"0.0000001"), ("1E+2", b"100.0")],
)
def test_number_text_examples(number: str, text: bytes) -> None:
    """Whole numbers get a point, small ones no exponent, and trailing zeros stay."""
    assert number_text(Decimal(number)) == text
