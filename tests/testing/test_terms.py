"""The terms of a pair are those that the market lists."""

from __future__ import annotations

import json
from decimal import Decimal

from kraken_trio._internal.testing.instrument import Instruments
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.terms import asset_precisions, terms_of


def test_terms_are_listed() -> None:
    """Decimals and minima of every pair, and decimals of every asset, stand in ``instrument``."""
    pairs = market_pairs(100)
    listed = json.loads(Instruments(pairs).snapshot(tokenized=True), parse_float=Decimal)["data"]
    terms = [terms_of(pair) for pair in pairs]
    for pair, shown in zip(terms, listed["pairs"], strict=True):
        assert (pair.symbol, pair.base, pair.quote) == (
            shown["symbol"],
            shown["base"],
            shown["quote"],
        )
        assert (pair.price_precision, pair.qty_precision, pair.cost_precision) == (
            shown["price_precision"],
            shown["qty_precision"],
            shown["cost_precision"],
        )
        assert (pair.qty_min, pair.cost_min) == (shown["qty_min"], shown["cost_min"])
    assert asset_precisions(terms) == {
        asset["id"]: asset["precision"] for asset in listed["assets"]
    }


def test_a_cost_has_the_decimals_of_its_pair() -> None:
    """What a captured fill cost is what its quantity costs at its price."""
    (pair,) = market_pairs(["BTC/USD"])
    assert str(terms_of(pair).cost(Decimal("0.00016000"), Decimal("63277.8"))) == "10.12445"
