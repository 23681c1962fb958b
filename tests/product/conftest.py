"""The simulated exchange with its three doors, and feeds of it: in memory, and through sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import pytest
import trio

from kraken_trio import Feed, KrakenConfig, open_kraken
from kraken_trio.extended import HttpRest, TcpDial
from kraken_trio.testing import Exchange, ExchangeRules, Market, market_pairs, open_exchange

TIMEOUT_S: Final = 60.0
"""Far more than anything takes."""


class Program:
    """How to open feeds of an exchange, in memory or through sockets."""

    def __init__(self, exchange: Exchange, config: KrakenConfig, dial: Any, rest: Any) -> None:
        """Know all that ``open_kraken`` has to be told."""
        self.exchange = exchange
        self.config = config
        self._ways = {"dial": dial, "rest": rest}

    def feed(self, **changes: Any) -> AbstractAsyncContextManager[Feed]:
        """Open one, with other settings."""
        observers = changes.pop("observers", ())
        return open_kraken(self.config.replace(**changes), observers=observers, **self._ways)

    @staticmethod
    async def until(condition: Callable[[], object]) -> None:
        """Wait until something is so that nobody tells of."""
        with trio.fail_after(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - as said
                await trio.sleep(0.01)

    @staticmethod
    async def take(records: Any, count: int) -> list[Any]:
        """Take so many records."""
        with trio.fail_after(TIMEOUT_S):
            return [await records.receive() for _ in range(count)]

    def door(self, door: str) -> Any:
        """The one connection there."""
        (connection,) = (each for each in self.exchange.connections if each.door == door)
        return connection


Meet = Callable[..., AbstractAsyncContextManager[Program]]


@asynccontextmanager
async def in_memory(pairs: int = 3, **rules: Any) -> AsyncIterator[Program]:
    """Meet an exchange in memory."""
    market = Market(market_pairs(pairs), seed=1, start=10**18)
    async with open_exchange(market, seed=1, rules=ExchangeRules(**rules)) as exchange:
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret, jitter=0.0)
        yield Program(exchange, config, exchange.dial, exchange.rest)


@asynccontextmanager
async def through_sockets(**rules: Any) -> AsyncIterator[Program]:
    """Meet one through three doors and a REST service, all with TLS."""
    async with in_memory(**rules) as program:
        exchange = program.exchange
        public = await exchange.listen()
        private = await exchange.listen(door="private")
        level3 = await exchange.listen(door="level3")
        service = await exchange.listen_rest()
        config = program.config.replace(
            endpoint=public.url,
            private_endpoint=private.url,
            level3_endpoint=level3.url,
            initial_delay=0.01,
        )
        rest = HttpRest(service.url, ssl_context=service.client_ssl_context)
        yield Program(exchange, config, TcpDial(public.client_ssl_context), rest)


@pytest.fixture(name="in_memory")
def _in_memory() -> Meet:
    """Give the way through memory, for tests with a clock of their own."""
    return in_memory


@pytest.fixture(
    params=[in_memory, pytest.param(through_sockets, marks=pytest.mark.extra("full"))],  # noqa: S610
    ids=["memory", "sockets"],
)
def meet(request: pytest.FixtureRequest) -> Meet:
    """Give both ways."""
    way: Meet = request.param
    return way
