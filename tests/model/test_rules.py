"""Each rule takes what is right, and names the field for what is not."""

from __future__ import annotations

import enum
import math
from typing import Any

import attrs
import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.rules import (
    Validator,
    api_key_text,
    base64_text,
    count,
    flag,
    member,
    number,
    seconds,
    secret,
)
from kraken_trio._internal.model.secret import Secret


class Fruit(enum.Enum):
    """Something to choose."""

    APPLE = "apple"
    PEAR = "pear"


HUGE = 10**5000
"""More digits than Python will print."""
SHARE = number("from 0 to 1", lambda value: 0 <= value <= 1)
ABOVE_ZERO = count("above 0", 1)
PERHAPS = count("above 0, or None", 1, optional=True)


def check(rule: Validator, value: object) -> None:
    """Apply a rule to a field called ``x``, as attrs would."""
    attribute: attrs.Attribute[Any] = attrs.fields(attrs.make_class("C", ["x"])).x
    rule(None, attribute, value)


@pytest.mark.parametrize(
    "rule, values",
    [
        (seconds, [1, 0.5, 5e-324, 1.7e308, 10**308]),
        (SHARE, [0, 0.0, -0.0, 0.25, 1]),
        (ABOVE_ZERO, [1, 2, HUGE]),
        (PERHAPS, [None, 1]),
        (flag, [True, False]),
        (api_key_text, [None, Secret("8x8x8x8x8NAXuMx8x8x8x8x8x+x8x/x8"), Secret("~")]),
        (base64_text, [None, Secret("a2V5"), Secret("YQ=="), Secret("+/+/")]),
    ],
)
def test_right_values(rule: Validator, values: list[object]) -> None:
    """The borders, and what is between them, pass."""
    for value in values:
        check(rule, value)


@pytest.mark.parametrize(
    "rule, value, text",
    [
        (seconds, 0, "must be a number of seconds above 0, is 0"),
        (seconds, -1.5, "must be a number of seconds above 0, is -1.5"),
        (seconds, math.nan, "must be a number of seconds above 0, is nan"),
        (seconds, math.inf, "must be a number of seconds above 0, is inf"),
        (seconds, True, "must be a number of seconds above 0, is True"),
        (seconds, "hunter2", "must be a number of seconds above 0, is of type str"),
        (seconds, None, "must be a number of seconds above 0, is of type NoneType"),
        pytest.param(
            *(seconds, HUGE, "must be a number of seconds above 0, is far beyond that"), id="huge"
        ),
        (SHARE, -0.01, "must be from 0 to 1, is -0.01"),
        (SHARE, 1.01, "must be from 0 to 1, is 1.01"),
        (SHARE, 1j, "must be from 0 to 1, is of type complex"),
        (ABOVE_ZERO, 0, "must be above 0, is 0"),
        pytest.param(ABOVE_ZERO, -HUGE, "must be above 0, is far beyond that", id="-huge"),
        (ABOVE_ZERO, 1.0, "must be above 0, is 1.0"),
        (ABOVE_ZERO, True, "must be above 0, is True"),
        (ABOVE_ZERO, None, "must be above 0, is of type NoneType"),
        (PERHAPS, 0, "must be above 0, or None, is 0"),
        (flag, 1, "must be True or False, is 1"),
        (flag, "hunter2", "must be True or False, is of type str"),
    ],
)
def test_wrong_numbers(rule: Validator, value: object, text: str) -> None:
    """A number is shown with the rule it breaks; of anything else only the type is."""
    with pytest.raises(ConfigurationError) as caught:
        check(rule, value)
    assert str(caught.value) == f"x: {text}. Correct it, or leave it out for the default"


@pytest.mark.parametrize(
    "rule, text",
    [
        (api_key_text, "printable ASCII text without blanks"),
        (base64_text, "base64 without blanks, as the exchange shows it"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        Secret(""),
        Secret("hunt er2"),
        Secret("hunter2\n"),
        Secret("hunter2\r\nX-Evil: 1"),
        Secret("hünter2"),
        Secret("\udcff"),
        "hunter2",
        b"hunter2",
        5,
    ],
)
def test_wrong_credentials(rule: Validator, text: str, value: object) -> None:
    """What could not be sent or signed with is refused, and not a character of it is shown."""
    with pytest.raises(ConfigurationError) as caught:
        check(rule, value)
    assert str(caught.value).startswith(f"x: must be {text}; this one is not. Copy the ")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["a2V", "a2V5=", "YR==", "a2V5 ", "a2V5\n", "-_-_", "a=V5"])
def test_damaged_base64(text: str) -> None:
    """One character too few, too many or wrong is noticed, stray bits of the last one too."""
    with pytest.raises(ConfigurationError):
        check(base64_text, Secret(text))


@pytest.mark.parametrize("value", [Fruit.PEAR, "pear", "Pear", "PEAR"])
def test_member_by_itself_or_by_name(value: Fruit | str) -> None:
    """A member may be given as itself or as its word, in any case."""
    assert member("x", Fruit, value) is Fruit.PEAR


@pytest.mark.parametrize("value", ["plum", "", " pear", None, 1, Fruit])
def test_no_such_member(value: Any) -> None:
    """Anything else is refused with the choices."""
    with pytest.raises(ConfigurationError) as caught:
        member("x", Fruit, value)
    assert str(caught.value) == (
        "x: must be one of apple, pear; this one is not. Choose one of these, or a member of Fruit"
    )


def test_secret_wraps_text_alone() -> None:
    """A text becomes a secret; a secret, none and what is wrong stay as they are."""
    wrapped = Secret("a")
    wrong: Any = 5
    assert secret("a") == wrapped
    assert secret(wrapped) is wrapped
    assert secret(None) is None
    assert secret(wrong) == 5
