"""The command ``demo``: a simulated exchange over TLS, and a feed of it, to look at.

Everything is real but the market: sockets, certificates, frames, checksums.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import trio
from cyclopts import Parameter
from msgspec.structs import replace

from kraken_trio import (
    Channel,
    Feed,
    FeedStatistics,
    KrakenConfig,
    StateChange,
    Subscription,
    open_kraken,
)
from kraken_trio._internal.apps.ending import WELL, WRONG, interruptible
from kraken_trio._internal.apps.options import Seconds, Symbols
from kraken_trio._internal.apps.tally import Tally, price
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import TcpDial

if TYPE_CHECKING:
    from kraken_trio._internal.apps.ordeal import Ordeal

STEPS_PER_SECOND = 200.0
"""How fast the made-up market goes."""
LINE_EVERY_S = 1.0
"""How often a line is printed for each pair, where there is no terminal."""
DRAW_EVERY_S = 0.25
"""How often the table is drawn, where there is one."""
ROOM = 10_000
"""Records that may wait: nothing is to be dropped because a terminal is slow."""

_NO_CURSOR = ("", "dumb", "unknown")  # Values of TERM under which nothing can be redrawn.


@interruptible
async def demo(
    *,
    seconds: Seconds = 5.0,
    symbols: Symbols = ("BTC/USD", "ETH/USD", "SOL/USD"),
    seed: int = 1,
    chaos: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Start a simulated exchange on this machine, and show a feed of it over TLS.

    The market is made up; sockets, certificates, frames and checksums are real. On a terminal
    it is a table that lives; elsewhere each pair has a line a second.

    With ``--chaos`` everything breaks, one thing after another, as the seed has it: messages,
    connections, handshakes. Lines tell what broke, what was missed, and how it was mended.

    Exit code 0: every checksum was right and nothing was missed, or with ``--chaos`` all was live
    again in the end; 1: something was not; 2: it could not run.

    For example::

        kraken-trio demo
        kraken-trio demo --seconds 60 --symbols BTC/USD ETH/USD --seed 7
        kraken-trio demo --chaos --seconds 30

    Parameters
    ----------
    seconds
        How long; inf for until Ctrl-C.
    symbols
        Which pairs; any that look like BTC/USD.
    seed
        Another one, another market, and other troubles.
    chaos
        Break things, and show how they are mended.
    """
    # Not before it is wanted: other commands start faster without.
    from kraken_trio.testing import Market, market_pairs, open_exchange  # noqa: PLC0415

    # All equally busy: who looks for a few seconds is to see something of each.
    pairs = [replace(pair, activity=1) for pair in market_pairs(Channel.trades(*symbols).symbols)]
    market = Market(pairs, seed=seed, start=time.time_ns())
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(
            open_exchange(market, seed=seed, rate=STEPS_PER_SECOND)
        )
        address = await exchange.listen()
        print(f"simulated exchange at {address.url}, TLS, seed {seed}: the market is made up")
        config = KrakenConfig(endpoint=address.url, max_queue_depth=ROOM)
        ordeal = None
        if chaos:
            from kraken_trio._internal.apps.ordeal import SETTINGS, open_ordeal  # noqa: PLC0415

            ordeal = await stack.enter_async_context(open_ordeal(exchange, seed))
            config = config.replace(**SETTINGS)
        feed = await stack.enter_async_context(
            open_kraken(config, dial=TcpDial(address.client_ssl_context))
        )
        return await _show(feed, market.symbols, seconds, ordeal)


async def _show(feed: Feed, symbols: tuple[str, ...], seconds: float, ordeal: Ordeal | None) -> int:
    """Show the feed for a while; sum it up, also where Ctrl-C ends it."""
    tallies = {symbol: Tally(symbol) for symbol in symbols}
    statistics = None
    live = None
    try:
        with _view(feed, tuple(tallies.values()), ordeal) as (refresh, pause_s):
            async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
                if ordeal is None:
                    for channel in (feed.book(*symbols), feed.trades(*symbols)):
                        records = await stack.enter_async_context(channel)
                        nursery.start_soon(_count, records, tallies)
                else:
                    for symbol, tally in tallies.items():
                        for kind in (feed.book, feed.trades):
                            nursery.start_soon(ordeal.follow, partial(kind, symbol), tally.add)
                nursery.start_soon(_keep_fresh, refresh, pause_s)
                try:
                    await trio.sleep(seconds)
                    if ordeal is not None:
                        live = await ordeal.end(feed, symbols)
                finally:
                    statistics = feed.statistics()
                nursery.cancel_scope.cancel()
    finally:
        if statistics is not None and ordeal is not None:
            code = _sum_up_ordeal(ordeal, statistics, live=live)
        elif statistics is not None:
            code = _sum_up(statistics, tuple(tallies.values()))
    return code


async def _count(channel: Subscription[Any], tallies: dict[str, Tally]) -> None:
    async for item in channel:
        tallies[item.symbol].add(item)


async def _keep_fresh(refresh: Callable[[], None], pause_s: float) -> None:
    while True:
        await trio.sleep(pause_s)
        refresh()


@contextmanager
def _view(
    feed: Feed, tallies: tuple[Tally, ...], ordeal: Ordeal | None
) -> Iterator[tuple[Callable[[], None], float]]:
    """Give what shows how things stand, and how often it wants to be called."""
    began = trio.current_time()

    def look() -> float:
        now = trio.current_time()
        for tally in tallies:
            tally.look(feed, now)
        return now - began

    if not sys.stdout.isatty() or os.environ.get("TERM", "") in _NO_CURSOR:
        feed.on(StateChange, _print_change)
        if ordeal is not None:
            ordeal.tell(feed, print)

        def tell() -> None:
            look()
            _print_lines(tallies)

        yield tell, LINE_EVERY_S
        return

    from kraken_trio._internal.apps.table import Screen  # noqa: PLC0415 - rich takes its time

    def draw() -> None:
        screen.show(f"{feed.state.value}, {look():.0f} s", tallies)

    with Screen() as screen:
        if ordeal is not None:
            ordeal.tell(feed, screen.say)
        draw()
        yield draw, DRAW_EVERY_S


def _print_change(change: StateChange) -> None:
    print(f"  {change.from_state.value} -> {change.to_state.value} ({change.trigger.value})")


def _print_lines(tallies: tuple[Tally, ...]) -> None:
    for tally in tallies:
        print(
            f"  {shown(tally.symbol):10} bid {price(tally.bid):>12} ask {price(tally.ask):>12} "
            f"last {price(tally.last):>12}  book updates {tally.updates:6}  "
            f"trades {tally.trades:5}  gaps {tally.gaps}"
        )


def _sum_up(statistics: FeedStatistics, tallies: tuple[Tally, ...]) -> int:
    """The last lines; the exit code."""
    gaps = sum(tally.gaps for tally in tallies)
    good = (
        statistics.checksums_failed == 0
        and statistics.faults == 0
        and gaps == 0
        and all(tally.updates for tally in tallies)
    )
    print(
        f"{statistics.frames} frames, {statistics.checksums_ok} checksums right, "
        f"{statistics.checksums_failed} wrong, {sum(t.trades for t in tallies)} trades, "
        f"{gaps} gaps, {statistics.faults} faulty frames: {'ok' if good else 'FAILED'}"
    )
    return WELL if good else WRONG


def _sum_up_ordeal(ordeal: Ordeal, statistics: FeedStatistics, *, live: bool | None) -> int:
    """The last line after things were broken; the exit code. ``live`` is None if it was ended."""
    outcome = {None: "ended early", True: "all live again, ok", False: "not all live, FAILED"}[live]
    gaps = sum(statistics.gaps.values())
    print(
        f"{ordeal.faults} things broken, {gaps} gaps told, {ordeal.mended} times mended, "
        f"{statistics.connections} connections, {statistics.checksums_ok} checksums right: "
        f"{outcome}"
    )
    return WELL if live else WRONG
