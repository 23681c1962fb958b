"""A warning says which buffer it is about, and how full that is."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.pressure import HighWater
from kraken_trio._internal.model.timestamp import Timestamp


def test_high_water() -> None:
    """It names the channel and the pairs, and nothing of it can be changed."""
    warning = HighWater("book", ("BTC/USD",), 400, 500, Timestamp(1))
    assert (warning.channel, warning.symbols) == ("book", ("BTC/USD",))
    assert (warning.buffered, warning.capacity, warning.at) == (400, 500, 1)
    with pytest.raises(AttributeError):
        warning.buffered = 1  # type: ignore[misc]
