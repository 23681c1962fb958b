"""On which terms the exchange trades a pair: assets, decimals, smallest orders, and fees.

Knows what follows from a market's pair; nothing of orders.

Source: sections "instrument", "executions" and "balances" of the WebSocket v2 documentation, and
captured traffic for the decimals. The rates are those that captured fills were charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

from msgspec import Struct

from kraken_trio._internal.testing.amounts import product, rounded
from kraken_trio._internal.testing.instrument import asset_members, pair_members
from kraken_trio._internal.testing.pair import MarketPair

MAKER_RATE = Decimal("0.0025")
"""Of what a fill is worth, for an order that was in the book."""
TAKER_RATE = Decimal("0.0040")
"""Of what a fill is worth, for an order that took from the book."""
USD = "USD"
"""What fees are shown in, besides the asset they were paid in."""
USD_PRECISION = 4
"""Decimals of that."""


class PairTerms(Struct, frozen=True, kw_only=True):
    """What orders in one pair have to be like, and how many decimals their reports have."""

    symbol: str
    """Such as ``BTC/USD``."""
    base: str
    """What is bought and sold."""
    quote: str
    """What is paid with."""
    price_precision: int
    """Decimals of prices."""
    qty_precision: int
    """Decimals of quantities."""
    cost_precision: int
    """Decimals of price times quantity, and of fees in the quote asset."""
    qty_min: Decimal
    """Quantity of the smallest order."""
    cost_min: Decimal
    """Worth of the smallest order."""

    def cost(self, qty: Decimal, price: Decimal) -> Decimal:
        """What a quantity is worth at a price."""
        return rounded(product(qty, price), self.cost_precision)


def terms_of(pair: MarketPair) -> PairTerms:
    """Give the terms of a market's pair: those that its market lists."""
    listed = pair_members(pair)
    return PairTerms(
        symbol=pair.symbol,
        base=str(listed["base"]),
        quote=str(listed["quote"]),
        price_precision=pair.price_precision,
        qty_precision=pair.qty_precision,
        cost_precision=int(str(listed["cost_precision"])),
        qty_min=cast("Decimal", listed["qty_min"]),
        cost_min=cast("Decimal", listed["cost_min"]),
    )


def asset_precisions(pairs: Iterable[PairTerms]) -> dict[str, int]:
    """Give the decimals of balances, for each asset of some pairs."""
    assets = dict.fromkeys(asset for pair in pairs for asset in (pair.base, pair.quote))
    return {asset: int(str(asset_members(asset)["precision"])) for asset in assets}
