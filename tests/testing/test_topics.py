"""A subscription begins with what its channel shows, and has those frames made that it wants."""

from __future__ import annotations

import json

import pytest

from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.topics import snapshot, watch

PARTS = (
    Part("book", "BTC/USD", depth=25),
    Part("level3", "BTC/USD", depth=100),
    Part("trade", "BTC/USD"),
    Part("ticker", "BTC/USD", event_trigger="bbo"),
    Part("ohlc", "BTC/USD", interval=5),
    Part("instrument", None),
    Part("instrument", None, include_tokenized_assets=True),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.channel)
def test_each_channel(part: Part) -> None:
    """The snapshot is of that very subscription, and its updates come while they are wanted."""
    market = Market(market_pairs(["BTC/USD", "TSLAx/USD"]), seed=1, start=0)
    message = json.loads(snapshot(market, part, exponents=False))
    assert (message["channel"], message["type"]) == (part.channel, "snapshot")
    if part.channel == "instrument":
        assert len(message["data"]["pairs"]) == 1 + part.include_tokenized_assets
        assert b"1e-" in snapshot(market, part, exponents=True)
    elif part.channel == "book":
        assert len(message["data"][0]["bids"]) == 25
    elif part.channel == "level3":
        assert len({order["limit_price"] for order in message["data"][0]["bids"]}) == 100
    watch(market, part, wanted=True)
    topics = {event.topic for _ in range(200) for event in market.step()}
    assert (part.topic in topics) is (part.channel != "instrument")
    watch(market, part, wanted=False)
    topics = {event.topic for _ in range(200) for event in market.step()}
    assert (part.topic in topics) is (part.channel == "trade")
