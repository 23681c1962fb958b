"""A feed of the simulated exchange, to be watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from kraken_trio import Feed, KrakenConfig, open_kraken
from kraken_trio.extended import Observer
from kraken_trio.testing import Exchange, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)
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
