"""Entering a subscription to many pairs: whatever waits for its consumer meanwhile, it ends."""

from __future__ import annotations

import time

import pytest
import trio
import trio.testing

from kraken_trio import Channel, DropPolicy, Gap, KrakenConfig, open_kraken
from kraken_trio.testing import Market, market_pairs, open_exchange

PAIRS = 40


@pytest.mark.parametrize("flows", [False, True])
@pytest.mark.parametrize("policy", DropPolicy)
@pytest.mark.parametrize("name, protocol", [("book", "v2"), ("trade", "v2"), ("book", "v1")])
async def test_more_pairs_than_there_is_room_for(
    autojump_clock: trio.testing.MockClock,
    name: str,
    protocol: str,
    policy: DropPolicy,
    *,
    flows: bool,
) -> None:
    """It is entered at once, with every pair; with BLOCK nothing is missing either."""
    market = Market(market_pairs(PAIRS, seed=1), seed=1, start=time.time_ns())
    part = Channel(
        name=name, symbols=market.symbols, snapshot=True, depth=10 if name == "book" else None
    )
    config = KrakenConfig(protocol=protocol, max_queue_depth=8, drop_policy=policy)
    async with (
        open_exchange(market, rate=500 if flows else 0) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
    ):
        with trio.fail_after(config.timeout):
            async with feed.subscribe(part) as records:
                seen, gaps = set[str](), 0
                with trio.move_on_after(5):
                    async for item in records:
                        seen.add(item.symbol)
                        gaps += isinstance(item, Gap)
                assert seen == set(market.symbols)
                if policy is DropPolicy.BLOCK or (name == "book" and not flows):
                    assert not gaps
                assert all(part.symbols[0] in seen for part in feed.active_subscriptions)
                assert len(feed.active_subscriptions) == PAIRS
