"""What one trade does to an order and to the account: quantities, cost and fee.

Knows which decimals they have and how a fee is charged; nothing of when an order trades.

Source: section "executions" of the WebSocket v2 documentation, and captured traffic. Not settled
there, and decided here: a fee in dollars is zero where the order was not paid in dollars, as in
the one capture of such a fill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.model.account import Fee
from kraken_trio._internal.testing.amounts import nothing, product, rounded
from kraken_trio._internal.testing.terms import USD, USD_PRECISION, PairTerms


class Fill(Struct, frozen=True, kw_only=True):
    """One trade of an order."""

    exec_id: str
    """Its name."""
    trade_id: int
    """The number of the public trade."""
    side: Literal["buy", "sell"]
    """Of the order."""
    qty: Decimal
    """Base asset."""
    price: Decimal
    """Quote asset."""
    cost: Decimal
    """Quote asset."""
    fee: Fee
    """What was charged."""
    fee_usd: Decimal
    """The same in dollars."""
    maker: bool
    """Whether the order was in the book."""


def make_fill(
    terms: PairTerms,
    side: Literal["buy", "sell"],
    qty: Decimal,
    price: Decimal,
    *,
    rate: Decimal,
    base_places: int | None,
    maker: bool,
    exec_id: str,
    trade_id: int,
) -> Fill:
    """Say what a trade comes to, charged at ``rate``.

    ``base_places`` are the decimals of the base asset where the fee is to be paid in that, None
    where in the quote asset.
    """
    cost = terms.cost(qty, price)
    charged = product(cost, rate)
    return Fill(
        exec_id=exec_id,
        trade_id=trade_id,
        side=side,
        qty=qty,
        price=price,
        cost=cost,
        fee=Fee(terms.quote, rounded(charged, terms.cost_precision))
        if base_places is None
        else Fee(terms.base, rounded(product(qty, rate), base_places)),
        fee_usd=rounded(charged, USD_PRECISION) if terms.quote == USD else nothing(USD_PRECISION),
        maker=maker,
    )
