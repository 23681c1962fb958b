"""Where what is shown comes from: the exchange, another one, or one that is simulated here.

Opens the feed with all that watches it, and says plainly which it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
import trio
from msgspec.structs import replace

from kraken_trio import (
    ClockSkew,
    ConfigurationError,
    Feed,
    HighWater,
    KrakenConfig,
    LatencyAlert,
    ObserverFailed,
    ObserverSlow,
    SystemStatus,
    open_kraken,
)
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.options import PUBLIC_URL, configured
from kraken_trio._internal.apps.pairs import spelled
from kraken_trio._internal.apps.view.view import View
from kraken_trio.extended import Dial, Latency, TcpDial

if TYPE_CHECKING:
    from kraken_trio.testing import Chaos, Mishap

SYMBOLS: Final = ("BTC/USD", "ETH/USD", "SOL/USD")
"""What is shown where nothing else is asked for."""
MOST_PAIRS: Final = 5
"""That one who looks may see at a time."""
ROOM: Final = 5_000
"""Records that may wait to be shown: a snapshot of all instruments alone is some 2,000."""
LOOK_EVERY_S: Final = 0.25
"""How often the figures are made."""
STEPS_PER_SECOND: Final = 120.0
"""How fast the made-up market goes, all pairs together."""
HISTORY_S: Final = 720
"""Of the made-up market, before it is opened: so that there is a line to see at once."""
HISTORY_STEPS: Final = 4_000
LISTED: Final = 12
"""Pairs of the made-up market, at least."""

_DOMAIN: Final = ".kraken.com"

_ALERTS: Final[tuple[type[Any], ...]] = (
    LatencyAlert,
    ClockSkew,
    HighWater,
    ObserverFailed,
    ObserverSlow,
    SystemStatus,
)

_SIMULATED: Final[dict[str, Any]] = {
    "timeout": 3.0,
    "stale_after": 1.5,
    "heartbeat_interval": 2.0,
    "heartbeat_timeout": 1.0,
    "silent_after": 3.0,
    "initial_delay": 1.0,
    "max_delay": 3.0,
}
"""Less patience than usual, so that what is broken by hand is seen within seconds; and a second
before the first new attempt, so that it is seen at all."""


class Origin(msgspec.Struct, frozen=True):
    """A feed, and where it comes from."""

    feed: Feed
    """Itself."""
    view: View
    """What is shown of it."""
    kind: Literal["exchange", "simulation", "other"]
    """Whether its prices are real."""
    label: str
    """What it is, in words."""
    url: str
    """Where the exchange is."""
    trouble: Chaos | None = None
    """What breaks things, where they are simulated."""


def now_ms() -> int:
    """The time, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def chosen_pairs(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """What to begin with, each once. Raises ``ConfigurationError`` for too many, or no pair."""
    chosen = tuple(dict.fromkeys(map(spelled, symbols))) or SYMBOLS
    if len(chosen) > MOST_PAIRS:
        raise ConfigurationError(
            "symbols", f"must be {MOST_PAIRS} at most, are {len(chosen)}", "Leave some out"
        )
    return chosen


@asynccontextmanager
async def open_origin(
    symbols: tuple[str, ...], *, demo: bool, url: str, ca: Path | None, seed: int
) -> AsyncIterator[Origin]:
    """Open the feed to show, connect it, and keep its figures fresh.

    A simulated one has these pairs beside some usual ones. Raises ``ConfigurationError`` for what
    makes no sense, ``OSError`` where a certificate cannot be read.
    """
    if demo:
        async with _simulated(symbols, seed) as origin:
            yield origin
        return
    config = configured(url, buffer_size=ROOM, max_queue_depth=ROOM, max_attempts=None)
    real = _is_krakens(config.endpoint)
    label = "Kraken" if real else "Not Kraken"
    kind: Literal["exchange", "other"] = "exchange" if real else "other"
    view = View(now_ms, url=config.endpoint)
    async with _watched(config, TcpDial(trusting(ca)), view) as feed:
        yield Origin(feed, view, kind, label, view.url)


def _is_krakens(url: str) -> bool:
    """Whether it is one of the exchange's own. Raises ``ConfigurationError`` for one of those at
    which another protocol is spoken: there, nothing would ever be shown.
    """
    parts = urlsplit(url)
    if not f".{parts.hostname}".endswith(_DOMAIN):
        return False
    if parts.path != urlsplit(PUBLIC_URL).path:
        raise ConfigurationError(
            "url", f"must be one of protocol v2, is {url}", f"As {PUBLIC_URL}, or leave it out"
        )
    return True


@asynccontextmanager
async def _simulated(symbols: tuple[str, ...], seed: int) -> AsyncIterator[Origin]:
    # Not before it is wanted: other commands start faster without.
    from kraken_trio.testing import Market, chaos, market_pairs, open_exchange  # noqa: PLC0415

    usual = [pair.symbol for pair in market_pairs(LISTED)]
    listed = market_pairs(dict.fromkeys([*map(spelled, symbols), *usual]))
    end = time.time_ns()
    begin = end - HISTORY_S * 10**9
    market = Market([replace(pair, activity=1) for pair in listed], seed=seed, start=begin)
    for number in range(1, HISTORY_STEPS + 1):
        market.step(begin + (end - begin) * number // HISTORY_STEPS)
    market.advance(time.time_ns())  # Or its times would lag by what that took.
    async with open_exchange(market, seed=seed, rate=STEPS_PER_SECOND) as exchange:
        address = await exchange.listen()
        config = KrakenConfig(
            endpoint=address.url,
            buffer_size=ROOM,
            max_queue_depth=ROOM,
            max_attempts=None,
            **_SIMULATED,
        )
        # How late the made-up market is says nothing of the exchange, so there is no alarm for it.
        latency = Latency(network_s=math.inf, total_s=math.inf)
        view = View(now_ms, url=address.url, latency=latency)

        def broke(mishap: Mishap) -> None:
            text = f"Broken by hand: {mishap.fault.value.replace('_', ' ')}"
            view.chronicle.write("chaos", text, time=now_ms(), severity="warn", detail=mishap.what)

        async with (
            chaos(exchange, seed=seed, every_s=None) as trouble,
            _watched(config, TcpDial(address.client_ssl_context), view) as feed,
        ):
            trouble.witness = broke
            yield Origin(feed, view, "simulation", "Simulation", address.url, trouble)


@asynccontextmanager
async def _watched(config: KrakenConfig, dial: Dial, view: View) -> AsyncIterator[Feed]:
    """Open a feed that a view is made of."""
    async with open_kraken(config, dial=dial, observers=[view, view.latency]) as feed:
        for kind in _ALERTS:
            feed.on(kind, view.heard)
        feed.connect()
        view.look(feed.statistics())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_keep_fresh, feed, view)
            try:
                yield feed
            finally:
                nursery.cancel_scope.cancel()


async def _keep_fresh(feed: Feed, view: View) -> None:
    while True:
        await trio.sleep(LOOK_EVERY_S)
        view.look(feed.statistics())
