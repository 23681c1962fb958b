"""Work of one's own, and the dashboard beside it: of the same exchange, in a process of its own.

    python examples/dashboard.py [SYMBOL ...] [--port N] [--seconds S] [--live]

A simulated exchange stands in for the real one, at a socket of this machine, unless ``--live`` is
given. It needs ``kraken-trio[dashboard]``. The page has a connection of its own to the exchange, as
has the work: neither waits for the other, and whoever looks cannot slow it down.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import trio

from kraken_trio import Feed, Gap, KrakenConfig, KrakenError, open_kraken
from kraken_trio.testing import open_exchange

PORT = 3032


async def work(feed: Feed, symbols: list[str]) -> None:
    """What the program is for: here it counts trades, until it is cancelled."""
    counts: Counter[str] = Counter()
    try:
        async with feed.trades(*symbols) as trades:
            async for item in trades:
                counts["gaps" if isinstance(item, Gap) else item.symbol] += 1
    finally:
        print("counted", ", ".join(f"{count} of {name}" for name, count in counts.items()))


async def show(symbols: list[str], port: int, url: str | None) -> None:
    """Run the dashboard as anybody would, from the command line; it says where it is."""
    words = [sys.executable, "-m", "kraken_trio", "dashboard", *symbols, "--port", str(port)]
    # Where it cannot run it says why, and the work goes on. Cancelled, this ends the process with
    # SIGTERM, and waits until it has closed its sockets.
    await trio.run_process([*words, *(["--url", url] if url else [])], check=False)


async def run(symbols: list[str], port: int, seconds: float, *, live: bool) -> None:
    """Do both for a while."""
    async with open_exchange(seed=1, rate=0 if live else 200) as exchange:
        # At a socket, because two processes are to reach it.
        url = None if live else (await exchange.listen(tls=False)).url
        config = KrakenConfig() if url is None else KrakenConfig(endpoint=url)
        async with open_kraken(config) as feed, trio.open_nursery() as nursery:
            nursery.start_soon(work, feed, symbols)
            nursery.start_soon(show, symbols, port, url)
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Work, and show the market beside it.")
    parser.add_argument("symbols", nargs="*", default=["BTC/USD", "ETH/USD"])
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="0 for any")
    parser.add_argument("--seconds", type=float, default=3600, metavar="S", help="how long")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.symbols, given.port, given.seconds, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
