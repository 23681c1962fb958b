"""Pairs for the simulated exchange, from their symbols."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from kraken_trio import Channel
from kraken_trio.testing import USUAL_PAIRS, MarketPair


def market_pairs(symbols: Iterable[str]) -> tuple[MarketPair, ...]:
    """The usual pair of each symbol, or one made up where there is none.

    Raises ``ConfigurationError`` for what is no symbol.
    """
    usual = {pair.symbol: pair for pair in USUAL_PAIRS}
    return tuple(
        usual.get(symbol)
        or MarketPair(symbol=symbol, price=Decimal("100.00"), price_precision=2, qty_precision=8)
        for symbol in Channel.trades(*symbols).symbols
    )
