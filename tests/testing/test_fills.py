"""A trade costs what it says, and is charged in the asset that was asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio._internal.testing.fills import make_fill
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.terms import terms_of


@pytest.mark.parametrize(
    "symbol, price, base_places, comes_to",
    [
        ("BTC/USD", "63277.8", None, "10.12445, 0.04050 USD, 0.0405"),
        ("BTC/USD", "63277.8", 10, "10.12445, 0.0000006400 BTC, 0.0405"),
        ("BTC/EUR", "63277.8", None, "10.12445, 0.04050 EUR, 0.0000"),
        ("ETH/BTC", "0.02818", None, "0.0000045088, 0.0000000180 BTC, 0.0000"),
    ],
)
def test_costs(symbol: str, price: str, base_places: int | None, comes_to: str) -> None:
    """Cost and fee have the decimals of what they are in; dollars are shown where there are any."""
    (pair,) = market_pairs([symbol])
    fill = make_fill(
        terms_of(pair),
        "sell",
        Decimal("0.00016000"),
        Decimal(price),
        rate=Decimal("0.004"),
        base_places=base_places,
        maker=False,
        exec_id="T",
        trade_id=7,
    )
    assert f"{fill.cost:f}, {fill.fee.qty:f} {fill.fee.asset}, {fill.fee_usd:f}" == comes_to
    assert (fill.exec_id, fill.trade_id, fill.side, fill.maker) == ("T", 7, "sell", False)
