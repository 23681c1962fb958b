"""There are as many pairs as anybody wants, and they are likely ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.listing import USUAL_PAIRS, is_tokenized, market_pairs
from kraken_trio._internal.testing.market import Market

START = 1_767_225_600 * 10**9


def test_more_pairs_are_the_same_and_more() -> None:
    """A number gives pairs with different symbols, and a larger one begins with the same."""
    many = market_pairs(1500)
    assert market_pairs(40) == many[:40]
    assert len({pair.symbol for pair in many}) == 1500
    assert [pair.symbol for pair in many[:5]] == [pair.symbol for pair in USUAL_PAIRS]
    assert market_pairs(1500, seed=1)[:20] == many[:20]
    assert market_pairs(1500, seed=1) != many


def test_pairs_are_of_every_kind() -> None:
    """Precisions go from 0 to 10, and quantities beyond what a float can count."""
    many = market_pairs(1500)
    assert {pair.price_precision for pair in many} == {*range(11)}
    assert {pair.qty_precision for pair in many} == {*range(11)}
    assert sum(pair.most_lots > 2**53 for pair in many) > 100
    assert not any(is_tokenized(pair.symbol) for pair in many)
    assert market_pairs("BTC/USD") == many[:1]
    for field in ("activity", "levels", "kept_trades"):
        counts = [getattr(pair, field) for pair in many]
        assert all(one >= other for one, other in pairwise(counts))
    assert sum(pair.levels for pair in many) < 150_000


def test_symbols_have_what_the_exchange_has() -> None:
    """Known symbols have known precisions; the seed and the symbol decide about the others."""
    names = ("BTC/USD", "PEPE/USD", "BTC/JPY", "TSLAx/USD", "FOO/BTC")
    pairs = market_pairs(names)
    assert [(p.symbol, p.price_precision, p.qty_precision) for p in pairs[:4]] == [
        ("BTC/USD", 1, 8),
        ("PEPE/USD", 9, 8),
        ("BTC/JPY", 0, 8),
        ("TSLAx/USD", 2, 8),
    ]
    unknown = pairs[4]
    again = market_pairs(["FOO/BTC"])[0]
    assert (again.price, again.qty_precision) == (unknown.price, unknown.qty_precision)
    assert market_pairs(["FOO/BTC"], seed=1)[0].price != unknown.price


@pytest.mark.parametrize("wanted, text", [(0, "wanted: must be 1 or more"), (["BTC"], "symbol: ")])
def test_no_such_pairs(wanted: int | list[str], text: str) -> None:
    """There is at least one, and a symbol is two assets."""
    with pytest.raises(ConfigurationError, match=text):
        market_pairs(wanted)


def test_the_first_pairs_have_most_of_the_traffic() -> None:
    """A market of them is busier the earlier the pair; books that nobody looks at are not made."""
    market = Market(market_pairs(300), seed=1, start=START)
    assert not any("_book" in vars(pair) for pair in market._markets)
    market.book("BTC/USD", 10)
    assert sum("_book" in vars(pair) for pair in market._markets) == 1
    for symbol in market.symbols:
        market.watch(symbol, 1000)
    heard = [event.symbol for _ in range(3000) for event in market.step()]
    assert heard.count("BTC/USD") > 5 * heard.count(market.symbols[100]) > 0


@pytest.mark.parametrize(
    "symbol, tokenized",
    [("TSLAx/USD", True), ("AAPLx/EUR", True), ("x/USD", False), ("BTC/USD", False)],
)
def test_tokenised_shares(symbol: str, tokenized: bool) -> None:
    """Their names end in a small x."""
    assert is_tokenized(symbol) is tokenized
