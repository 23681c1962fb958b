"""What is known of the decimals of pairs."""

from __future__ import annotations

import pytest

from kraken_trio import InstrumentAsset, InstrumentPair
from kraken_trio._internal.core.digits import MOST_DECIMALS
from kraken_trio._internal.engine.precisions import MOST_PAIRS, PairPrecisions


def pair(symbol: str, price: int | None = 1, qty: int | None = 8) -> InstrumentPair:
    """Give an instrument."""
    return InstrumentPair(symbol=symbol, price_precision=price, qty_precision=qty)


def test_what_instruments_say_is_known() -> None:
    """The latest counts; other records say nothing of it."""
    known = PairPrecisions()
    assert known.get("A/USD") is None
    told = list(known.learn([pair("A/USD"), InstrumentAsset(id="A")]))
    assert told == [("A/USD", (1, 8))]
    assert list(known.learn([pair("A/USD", 2)])) == [("A/USD", (2, 8))]
    assert known.get("A/USD") == (2, 8)


@pytest.mark.parametrize(
    "price, qty", [(None, 8), (1, None), (-1, 8), (1, -1), (MOST_DECIMALS + 1, 8)]
)
def test_what_is_absurd_is_not(price: int | None, qty: int | None) -> None:
    """Nor what is not said at all."""
    known = PairPrecisions()
    assert list(known.learn([pair("A/USD", price, qty)])) == []
    assert known.get("A/USD") is None


def test_no_more_pairs_than_there_can_be() -> None:
    """Of those that are known the latest is learnt still."""
    known = PairPrecisions()
    learnt = list(known.learn(pair(f"A{each}/USD") for each in range(MOST_PAIRS + 1)))
    assert len(learnt) == MOST_PAIRS
    assert list(known.learn([pair("A0/USD", 3), pair("B/USD", 3)])) == [("A0/USD", (3, 8))]
