"""Chaos comes between any client and any exchange, at either end, and ends."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, ConnectionRejected

from kraken_trio import Gap, KrakenConfig, Level3Snapshot, Level3Update, Trade, open_kraken
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.chaos import Chaos, chaos
from kraken_trio._internal.testing.doors import ExchangeAddress
from kraken_trio._internal.testing.exchange import Exchange, open_exchange
from kraken_trio._internal.testing.mishap import ChaosFault, ChaosPlan, Mishap
from kraken_trio.extended import TcpDial

if TYPE_CHECKING:
    from tests.testing.conftest import Client, Connect

ENDS = pytest.mark.parametrize("at_server", [False, True], ids=["client", "server"])


class Place:
    """Where clients meet an exchange through chaos."""

    def __init__(self, exchange: Exchange, trouble: Chaos, connect: Connect) -> None:
        """Know both."""
        self.exchange = exchange
        self.trouble = trouble
        self._connect = connect

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Open a client."""
        below = self.exchange.dial
        self.exchange.dial = self.trouble.dial  # type: ignore[method-assign]
        try:
            async with self._connect(self.exchange) as client:
                yield client
        finally:
            self.exchange.dial = below  # type: ignore[method-assign]


@asynccontextmanager
async def opened(
    connect: Connect, *, at_server: bool, every_s: float | None = None, **options: Any
) -> AsyncIterator[Place]:
    """Open an exchange, and chaos at either end of those who come."""
    async with open_exchange(seed=1) as exchange:
        where = exchange if at_server else exchange.dial
        async with chaos(where, every_s=every_s, **options) as trouble:
            yield Place(exchange, trouble, connect)
        assert exchange.meddler is None


@ENDS
async def test_what_is_inflicted_happens(
    connect: Connect, at_server: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """At the next message that it fits, once; it is told and in the log."""
    told: list[Mishap] = []
    async with (
        opened(connect, at_server=at_server) as place,
        place.client() as client,
    ):
        place.trouble.witness = told.append
        await client.subscribe("book", "BTC/USD")
        (ack,) = await client.acks(1)
        assert ack["success"]
        snapshot = await client.next()
        assert snapshot["type"] == "snapshot"
        place.trouble.inflict("duplicate")
        place.trouble.inflict(ChaosFault.AUTH_REFUSAL)
        place.exchange.step(30)
        frames = [await client.raw() for _ in range(2)]
        while b'"book"' not in frames[0]:
            frames = [frames[1], await client.raw()]
        assert frames[0] == frames[1]
        (mishap,) = place.trouble.log
        assert [mishap] == told
        assert (mishap.fault, mishap.connection, mishap.number) == (ChaosFault.DUPLICATE, 1, 0)
        assert mishap.what == "sent the update of book BTC/USD twice"
        assert str(place.trouble) == str(mishap)
        assert list(place.trouble.waiting) == [ChaosFault.AUTH_REFUSAL]
        place.trouble.calm()
        assert not place.trouble.waiting


@ENDS
async def test_a_plan_is_carried_out(
    connect: Connect, at_server: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """What it has comes at its time, or with the first message after it; the same each time."""
    logs = []
    for _ in range(2):
        faults = ("unknown_channel", "delay", "join")
        async with (
            opened(connect, at_server=at_server, every_s=4.0, seed=9, faults=faults) as place,
            place.client() as client,
        ):
            await client.subscribe("book", "BTC/USD")
            await client.acks(1)
            while len(place.trouble.log) < 6:
                await client.raw()
            logs.append(place.trouble.log)
        plan = place.trouble.plan
        assert plan == ChaosPlan(
            9, (ChaosFault.UNKNOWN_CHANNEL, ChaosFault.DELAY, ChaosFault.JOIN), 4.0
        )
        planned = list(islice(plan, 6))
        assert [each.fault for each in planned] == [each.fault for each in logs[-1]]
        for each, mishap in zip(planned, logs[-1], strict=True):
            assert each.at_s <= mishap.at_s
    assert [(each.fault, each.what) for each in logs[0]] == [
        (each.fault, each.what) for each in logs[1]
    ]


@ENDS
@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_closes_and_refusals(connect: Connect, at_server: bool, code: int) -> None:
    """A client of any kind is closed with the code; one that comes later is refused."""
    async with opened(connect, at_server=at_server) as place:
        async with place.client() as client:
            place.trouble.inflict(f"close_{code}")
            place.exchange.change_system("post_only")
            with pytest.raises(ConnectionClosed) as closed:
                await client.raw()
            assert closed.value.reason is not None
            assert closed.value.reason.code == code
        async with place.client() as client:
            place.trouble.inflict(ChaosFault.REFUSED_UPGRADE)
            place.exchange.change_system("online")
            with pytest.raises(ConnectionClosed):
                await client.raw()
        with pytest.raises(BaseExceptionGroup) as caught:
            async with place.client():
                raise AssertionError("it was to be refused")
        assert caught.value.subgroup(ConnectionRejected) is not None


async def test_tls_fails_at_the_client(connect: Connect) -> None:
    """As with the usual ``Dial``: broken, by an error of TLS. The next one gets through."""
    async with opened(connect, at_server=False) as place:
        async with place.client() as client:
            place.trouble.inflict(ChaosFault.TLS_FAILURE)
            place.exchange.change_system("post_only")
            with pytest.raises(ConnectionClosed):
                await client.raw()
        async with await place.trouble.dial("localhost", 80, tls=False):
            pass  # It wants none.
        with pytest.raises(trio.BrokenResourceError) as caught:
            await place.trouble.dial("localhost", 443, tls=True)
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        async with place.client():
            pass


@pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("tls", [True, False])
async def test_the_exchange_s_sockets_are_as_bad(connect: Connect, tls: bool) -> None:
    """Who comes through a socket has the same troubles; but no TLS fails where there is none."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen(tls=tls)
        async with chaos(exchange, every_s=None) as trouble:
            async with connect(address) as client:
                trouble.inflict(ChaosFault.TLS_FAILURE)
                exchange.change_system("post_only")
                with pytest.raises(ConnectionClosed):
                    await client.raw()
            if tls:
                await _fail_to_connect(address)
            async with connect(address) as client:
                trouble.inflict(ChaosFault.CLOSE_1012)
                exchange.change_system("online")
                with pytest.raises(ConnectionClosed) as closed:
                    await client.raw()
                assert closed.value.reason is not None
                assert closed.value.reason.code == 1012
        async with connect(address):
            assert len(trouble.log) == 2


async def _fail_to_connect(address: ExchangeAddress) -> None:
    """See the handshake of TLS fail."""
    port = urlsplit(address.url).port
    assert port is not None
    with pytest.raises(trio.BrokenResourceError) as caught:
        await TcpDial(address.client_ssl_context)("localhost", port, tls=True)
    assert isinstance(caught.value.__cause__, ssl.SSLError)


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
@ENDS
@pytest.mark.parametrize("channel", ["executions", "level3"])
async def test_a_refused_token_is_refused(
    at_server: bool, channel: str, autojump_clock: trio.testing.MockClock
) -> None:
    """Nothing comes of what was refused, before it is asked for anew with another token."""
    async with open_exchange(seed=1, rate=20) as exchange:
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret, timeout=5)
        async with (
            chaos(exchange if at_server else exchange.dial, every_s=None) as trouble,
            open_kraken(config, dial=trouble.dial, rest=exchange.rest) as feed,
        ):
            trouble.inflict(ChaosFault.AUTH_REFUSAL)
            wish = feed.level3("BTC/USD", depth=10) if channel == "level3" else feed.executions()
            async with wish as records:
                assert len(exchange.rest.requests) == 2
                assert [mishap.fault for mishap in trouble.log] == [ChaosFault.AUTH_REFUSAL]
                asked = [json.loads(request) for request in exchange.connections[-1].requests]
                tokens = [each["params"]["token"] for each in asked if "params" in each]
                assert len(set(tokens)) == 2
                if channel == "level3":
                    kinds = [type(await records.receive()) for _ in range(20)]
                    # At the client's end the exchange believes that it told all of it already.
                    told = [kind for kind in kinds if kind is not Gap]
                    assert told == [Level3Snapshot, *[Level3Update] * (len(told) - 1)]
                    assert len(kinds) - len(told) == (not at_server)
            (first, *_) = asked
            assert first["method"] == "subscribe"
            refused = Secret(tokens[0])
            assert (exchange._venue.session_refusal(refused) is None) == (not at_server)


@ENDS
@pytest.mark.parametrize("fault", ["reorder", "join", "late_ack"])
async def test_calm_gives_back_what_was_held(
    fault: str, at_server: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """In a quiet market too: with the next message, which is a heartbeat."""
    async with (
        open_exchange(seed=1) as exchange,
        chaos(exchange if at_server else exchange.dial, every_s=None) as trouble,
        open_kraken(KrakenConfig(), dial=trouble.dial) as feed,
    ):
        if fault == "late_ack":
            trouble.inflict(fault)
            trouble.witness = lambda _: trouble.calm()
            with trio.fail_after(1.5):
                async with feed.book("BTC/USD"):
                    pass
            return
        async with feed.trades("BTC/USD") as trades:
            trouble.inflict(fault)
            (before,) = (latest,) = exchange.market.trades("BTC/USD", 1)
            while not trouble.log or latest == before:
                exchange.step()
                await trio.sleep(0.001)
                (latest,) = exchange.market.trades("BTC/USD", 1)
            trouble.calm()
            with trio.fail_after(1.5):
                while True:
                    trade = await trades.receive()
                    assert isinstance(trade, Trade)
                    if trade.trade_id == latest.trade_id:
                        break


async def test_what_makes_no_sense_is_told() -> None:
    """No fault, no time."""
    async with open_exchange(seed=1) as exchange:
        nonsense: list[dict[str, Any]] = [{"faults": ["nope"]}, {"every_s": 0.0}]
        for options in nonsense:
            with pytest.raises(ConfigurationError):
                async with chaos(exchange, **options):
                    raise AssertionError("it makes no sense")
        async with chaos(exchange, every_s=None) as trouble:
            with pytest.raises(ConfigurationError):
                trouble.inflict("nope")
            async with chaos(exchange) as other:
                assert exchange.meddler is other
            assert exchange.meddler is trouble
            trouble.calm()
            with pytest.raises(ConfigurationError, match="calm"):
                trouble.inflict(ChaosFault.DUPLICATE)
        assert exchange.meddler is None


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    """It is in no group."""
    async with open_exchange(seed=1) as exchange:
        with pytest.raises(ZeroDivisionError):
            async with chaos(exchange.dial):
                raise ZeroDivisionError
