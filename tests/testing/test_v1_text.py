"""How the simulated exchange writes texts of protocol v1."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio._internal.testing.v1_text import (
    digits,
    dump,
    loads,
    pair_text,
    price_text,
    qty_text,
    seconds_text,
    symbol_text,
)


def test_pairs() -> None:
    """Two coins have their old codes; what is no pair stays what it is."""
    assert (pair_text("BTC/USD"), pair_text("DOGE/BTC")) == ("XBT/USD", "XDG/XBT")
    assert (symbol_text("XBT/USD"), symbol_text("foobar")) == ("BTC/USD", "foobar")


@pytest.mark.parametrize(
    "value, price, qty",
    [
        (Decimal("62800.1"), "62800.10000", "62800.10000000"),
        (5, "5.00000", "5.00000000"),
        (None, "0.00000", "0.00000000"),
        (Decimal("0.0000000012"), "0.0000000012", "0.0000000012"),
    ],
)
def test_numbers(value: Decimal | int | None, price: str, qty: str) -> None:
    """Prices have five decimals at least, quantities eight."""
    assert (price_text(value), qty_text(value)) == (price, qty)


def test_digits() -> None:
    """In a checksum a number has neither its point nor the zeros before it."""
    assert (digits("0.05005"), digits("5525.40000"), digits("0.00000500")) == (
        "5005",
        "552540000",
        "500",
    )


@pytest.mark.parametrize(
    "moment, seconds",
    [
        ("2026-08-16T23:37:05.399046Z", "1786923425.399046"),
        ("2026-08-16T23:37:05.399046123Z", "1786923425.399046"),
        ("2026-08-16T23:37:05Z", "1786923425.000000"),
    ],
)
def test_times(moment: str, seconds: str) -> None:
    """A time is seconds since the epoch, with six decimals."""
    assert seconds_text(moment) == seconds


def test_frames() -> None:
    """Numbers of frames are read with their digits; what is printed has no blanks."""
    assert loads(b'{"price":1.50,"count":2}') == {"price": Decimal("1.50"), "count": 2}
    assert dump({"b": 1, "a": [1, 2]}) == b'{"b":1,"a":[1,2]}'
    assert dump({"b": 1, "a": 2}, sort_keys=True) == b'{"a":2,"b":1}'
