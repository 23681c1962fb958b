"""What the tests of this room share: certificates, and sockets that are counted."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
import trustme

from kraken_trio import Feed, KrakenConfig, open_kraken
from kraken_trio.testing import Exchange, Market, market_pairs, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """Give an authority that nobody trusts but these tests."""
    return trustme.CA()


@pytest.fixture
def trusting(ca: trustme.CA) -> ssl.SSLContext:
    """Give a client's context that trusts it."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


@pytest.fixture
def serving(ca: trustme.CA) -> ssl.SSLContext:
    """Give a server's context with a certificate for this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
async def sockets(count_sockets: Callable[[], Any]) -> Any:
    """Count the sockets that are made in a test."""
    return count_sockets()


class Names(trio.abc.HostnameResolver):
    """Says that every name is this machine, but for those that nobody has."""

    async def getaddrinfo(  # noqa: PLR0917 - trio's
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 - trio's
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Give 127.0.0.1."""
        del family, type, flags
        assert host is not None
        if host.endswith(b".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        address = ("127.0.0.1", int(port or 0))
        return [(socket.AF_INET, socket.SOCK_STREAM, proto, "", address)]

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """Nobody asks."""
        raise NotImplementedError


@pytest.fixture
async def names() -> None:
    """Resolve names without asking anybody."""
    trio.socket.set_custom_hostname_resolver(Names())


@pytest.fixture
async def exchange(autojump_clock: trio.abc.Clock) -> AsyncIterator[Exchange]:
    """Give a simulated exchange whose market goes on 100 times a second."""
    async with open_exchange(seed=1, rate=100) as exchange:
        yield exchange


@pytest.fixture
async def feed(exchange: Exchange) -> AsyncIterator[Feed]:
    """Give a feed of it."""
    async with open_kraken(CONFIG, dial=exchange.dial) as feed:
        yield feed


class Pit:
    """A feed of an exchange in memory, with an account that holds something."""

    def __init__(self, exchange: Exchange, feed: Feed) -> None:
        """Join them."""
        self.exchange = exchange
        self.feed = feed

    @property
    def line(self) -> Any:
        """The connection that orders go through."""
        (line,) = (each for each in self.exchange.connections if each.door == "private")
        return line

    def sent(self, method: str) -> list[bytes]:
        """What the exchange was asked of this method, on all its connections that there are."""
        return [
            frame
            for each in self.exchange.connections
            for frame in each.requests
            if b'"method":"%s"' % method.encode() in frame
        ]


@pytest.fixture
async def pit(autojump_clock: trio.abc.Clock) -> AsyncIterator[Pit]:
    """Give one whose time goes on by itself."""
    market = Market(market_pairs(3), seed=1, start=10**18)
    async with open_exchange(market, seed=1) as exchange:
        exchange.account.deposit("USD", Decimal(10**6))
        exchange.account.deposit("BTC", Decimal(10))
        config = KrakenConfig(
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            jitter=0.0,
            timeout=10.0,
        )
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            yield Pit(exchange, feed)
