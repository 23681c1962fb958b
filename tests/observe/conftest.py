"""A feed of the simulated exchange, to be watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal

import pytest

from kraken_trio import Feed, KrakenConfig, open_kraken
from kraken_trio.extended import AddOrder, Observer, Trading
from kraken_trio.testing import Exchange, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)
ORDER = AddOrder(
    symbol="BTC/USD",
    side="buy",
    order_type="limit",
    order_qty=Decimal("0.01"),
    limit_price=Decimal(1000),
)
Open = Callable[..., AbstractAsyncContextManager[tuple[Exchange, Feed]]]


@pytest.fixture
def opened() -> Open:
    """Give what opens an exchange, and a feed of it that some observers watch."""

    @asynccontextmanager
    async def open_both(*observers: Observer) -> AsyncIterator[tuple[Exchange, Feed]]:
        async with (
            open_exchange(seed=1, rate=100) as exchange,
            open_kraken(CONFIG, dial=exchange.dial, observers=observers) as feed,
        ):
            yield exchange, feed

    return open_both


@asynccontextmanager
async def desk(watching: Observer) -> AsyncIterator[tuple[Exchange, Feed, Trading]]:
    """Open an exchange, and a feed that trades there with some money, and that is watched."""
    async with open_exchange(seed=1) as exchange:
        exchange.account.deposit("USD", Decimal(1000))
        config = CONFIG.replace(api_key=exchange.api_key, api_secret=exchange.api_secret)
        async with (
            open_kraken(
                config, dial=exchange.dial, rest=exchange.rest, observers=[watching]
            ) as feed,
            feed.trading() as trading,
        ):
            yield exchange, feed, trading
