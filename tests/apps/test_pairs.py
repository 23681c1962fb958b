"""Pairs for the simulated exchange."""

from __future__ import annotations

import pytest

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.pairs import market_pairs
from kraken_trio.testing import USUAL_PAIRS, Market


def test_any_symbol_has_a_pair() -> None:
    """A usual one as usual, another made up; each once, under its name of today."""
    pairs = market_pairs(["XBT/USD", "NEW/PAIR", "BTC/USD"])
    assert [pair.symbol for pair in pairs] == ["BTC/USD", "NEW/PAIR"]
    assert pairs[0] == USUAL_PAIRS[0]
    assert Market(pairs, seed=1, start=0).symbols == ("BTC/USD", "NEW/PAIR")


def test_what_is_no_symbol_is_refused() -> None:
    """In the words of the library."""
    with pytest.raises(ConfigurationError, match="BASE/QUOTE"):
        market_pairs(["NOPE"])
