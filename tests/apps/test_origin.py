"""Where it comes from, said plainly; and that what is shown of it is fresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import trio

from kraken_trio import ConfigurationError, ConnectionState, LatencyStage
from kraken_trio._internal.apps.options import PUBLIC_URL
from kraken_trio._internal.apps.origin import chosen_pairs, open_origin
from kraken_trio._internal.apps.pairs import Pairs
from kraken_trio.testing import ChaosFault

if TYPE_CHECKING:
    from tests.apps.conftest import Listening

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


class Nowhere:
    """Leads nowhere."""

    def __init__(self, _context: object) -> None:
        """Take what the real one takes."""

    async def __call__(self, _host: str, _port: int, *, tls: bool) -> trio.abc.Stream:
        """Fail."""
        raise OSError(tls)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():  # noqa: ASYNC110 - nobody tells
        await trio.sleep(0.01)


async def test_a_simulation_says_that_it_is_one() -> None:
    """It has a past to look at, the pairs that are wanted, and can be broken."""
    with trio.fail_after(60):
        async with open_origin(("NEW/PAIR",), demo=True, url="", ca=None, seed=1) as origin:
            assert (origin.kind, origin.url) == ("simulation", origin.view.url)
            assert origin.label == "Simulation"
            assert origin.trouble is not None
            async with trio.open_nursery() as nursery:
                pairs = Pairs(origin.feed, origin.view, nursery)
                pairs.want("NEW/PAIR")
                pairs.want_candles("NEW/PAIR", 1)
                await origin.feed.wait_state(ConnectionState.SUBSCRIBED)
                shown = origin.view.pairs["NEW/PAIR"]
                await until(lambda: shown.candles and shown.points)
                candles = shown.candles[1].since(0)
                assert len(candles) > 8
                assert len({candle["c"] for candle in candles}) > 3
                origin.trouble.inflict(ChaosFault.CLOSE_1006)
                await until(lambda: "chaos" in str(origin.view.chronicle.since(0)))
                await until(lambda: origin.view.health.verdict == "degraded")
                await origin.feed.wait_state(ConnectionState.SUBSCRIBED)
                nursery.cancel_scope.cancel()


async def test_how_late_a_simulation_is_raises_no_alarm() -> None:
    """It is shown, about right, and says nothing of an exchange."""
    async with (
        open_origin(("BTC/USD",), demo=True, url="", ca=None, seed=1) as origin,
        trio.open_nursery() as nursery,
    ):
        Pairs(origin.feed, origin.view, nursery).want("BTC/USD")
        with trio.fail_after(60):
            await until(lambda: origin.view.latencies["stages"])
        found = origin.view.latency.statistics()
        assert found.exceeded[LatencyStage.NETWORK] == found.exceeded[LatencyStage.TOTAL] == 0
        assert origin.view.latencies["stages"]["network"]["p50"] < 5_000
        nursery.cancel_scope.cancel()


async def test_another_exchange_is_not_called_kraken(listening: Listening) -> None:
    """It is healthy all the same."""
    async with (
        listening() as place,
        open_origin((), demo=False, url=place.url, ca=place.ca, seed=1) as origin,
    ):
        assert (origin.kind, origin.trouble) == ("other", None)
        assert origin.label == "Not Kraken"
        assert origin.url == place.url
        await origin.feed.wait_state(ConnectionState.SUBSCRIBED)
        await until(lambda: origin.view.health.verdict == "healthy")


@pytest.mark.parametrize("url", [PUBLIC_URL, "wss://beta-ws.kraken.com/v2"])
async def test_the_exchange_itself_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Whichever of its own it is; also before it can be reached, which is not well."""
    monkeypatch.setattr("kraken_trio._internal.apps.origin.TcpDial", Nowhere)
    async with open_origin((), demo=False, url=url, ca=None, seed=1) as origin:
        assert (origin.kind, origin.label, origin.url) == ("exchange", "Kraken", url)
        assert origin.view.health.verdict == "degraded"


@pytest.mark.parametrize("url", ["wss://ws.notkraken.com/", "wss://ws.kraken.com.example/v2"])
async def test_a_name_that_is_like_its_own_is_not(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """And may have any path."""
    monkeypatch.setattr("kraken_trio._internal.apps.origin.TcpDial", Nowhere)
    async with open_origin((), demo=False, url=url, ca=None, seed=1) as origin:
        assert (origin.kind, origin.label) == ("other", "Not Kraken")


@pytest.mark.parametrize(
    "url", ["http://x", "wss://ws.kraken.com", "wss://ws-auth.kraken.com", "wss://u:p@x/v2"]
)
async def test_what_makes_no_sense_is_told(url: str) -> None:
    """Of the option that it is: also an address at which another protocol is spoken."""
    with pytest.raises(ConfigurationError, match="url"):
        async with open_origin((), demo=False, url=url, ca=None, seed=1):
            pass


def test_pairs_are_chosen_once() -> None:
    """As the exchange spells them; three where none is named."""
    assert chosen_pairs(("xbt/usd", "BTC/USD")) == ("BTC/USD",)
    assert chosen_pairs(()) == ("BTC/USD", "ETH/USD", "SOL/USD")
    with pytest.raises(ConfigurationError):
        chosen_pairs(("what",))
