"""How protocol v1 writes names, numbers and times."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_text import (
    channel_of,
    moment,
    name_of,
    number,
    pair_of,
    symbol_of,
    unsigned,
)


@pytest.mark.parametrize(
    "old, modern",
    [
        ("XBT/USD", "BTC/USD"),
        ("XDG/XBT", "DOGE/BTC"),
        ("ETH/XBT", "ETH/BTC"),
        ("USDT/USD", "USDT/USD"),
    ],
)
def test_pairs(old: str, modern: str) -> None:
    """Two coins have their old codes on the wire, and nowhere else."""
    assert pair_of(modern) == old
    assert symbol_of(old) == modern


def test_what_is_no_pair() -> None:
    """What is not two codes with a slash is refused."""
    with pytest.raises(ConfigurationError):
        symbol_of("XBTUSD")


@pytest.mark.parametrize(
    "name, channel",
    [
        ("ticker", ("ticker", None)),
        ("book-1000", ("book", 1000)),
        ("ohlc-21600", ("ohlc", 21600)),
        ("ownTrades", ("own_trades", None)),
        ("openOrders", ("open_orders", None)),
        ("book-", ("book-", None)),
        ("book-\u0661", ("book-\u0661", None)),
        ("book-1234567890", ("book-1234567890", None)),
    ],
)
def test_channels(name: str, channel: tuple[str, int | None]) -> None:
    """A name has the depth or interval in it; one that is not known stays what it is."""
    assert channel_of(name) == channel


def test_names() -> None:
    """A subscription calls the private channels as one word, the others as we do."""
    assert [name_of(each) for each in ("own_trades", "open_orders", "book")] == [
        "ownTrades",
        "openOrders",
        "book",
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=0, max_value=10**9))
def test_numbers_keep_their_digits(value: Decimal) -> None:
    """A number is what was printed, trailing zeros too."""
    assert str(unsigned(f"{value:f}").as_tuple()) == str(abs(value).as_tuple())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1_0",
        "1e5",
        "NaN",
        "Infinity",
        "\u0661",
        "+1",
        ".5",
        "1.",
        "1" * 41,
        "1." + "0" * 41,
    ],
)
def test_what_is_no_number(text: str) -> None:
    """What ``Decimal()`` would take is refused all the same, and so are too many digits."""
    with pytest.raises(FAULTS):
        number(text)


def test_negative_numbers() -> None:
    """A fee may be negative, a price may not, and neither may a zero be."""
    assert number("-1.50") == Decimal("-1.5")
    for text in ("-1.50", "-0"):
        with pytest.raises(ValueError, match="negative"):
            unsigned(text)


@pytest.mark.parametrize(
    "text, nanoseconds",
    [
        ("1618678138.358150", 1618678138_358150000),
        ("1618678138", 1618678138_000000000),
        ("0.000001", 1000),
        ("1.1234567891", 1_123456789),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    """A time is seconds since the epoch, exact; digits below a nanosecond are cut off."""
    assert moment(text) == Timestamp(nanoseconds)


@pytest.mark.parametrize("text", ["", "-1", "1.", ".5", "1e9", "\u0661.0", "9" * 12, "1.5 "])
def test_what_is_no_time(text: str) -> None:
    """What is not so many seconds is refused."""
    with pytest.raises(ValueError, match="a time is not"):
        moment(text)
