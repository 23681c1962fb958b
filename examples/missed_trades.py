"""Trades that were missed while there was no connection are fetched, and come in their place.

A simulated exchange stands in for the real one, in memory. With the real one, leave out ``dial``
and ``rest``, and install ``kraken-trio[rest]``::

    python examples/missed_trades.py
"""

from __future__ import annotations

import trio

from kraken_trio import Gap, KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange

CUT_AFTER = 10
"""Trades that are received before the connection is cut."""


async def main() -> None:
    """Lose the connection, let the market go on without us, and miss nothing."""
    config = KrakenConfig()
    seen: list[int] = []
    fetched = 0
    async with (
        open_exchange(seed=1, rate=500) as exchange,
        open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
    ):
        async with feed.trades("BTC/USD", backfill=True) as trades:
            async for trade in trades:
                if isinstance(trade, Gap):
                    print("not to be had any more:", trade)
                    continue
                seen.append(trade.trade_id)
                fetched += trade.backfilled
                if len(seen) == CUT_AFTER:
                    exchange.connections[0].drop()
                    exchange.step(5000)
                elif fetched and not trade.backfilled:
                    break
        print(f"{len(seen)} trades in order, {fetched} of them fetched over REST")
        if seen != list(range(seen[0], seen[0] + len(seen))):
            raise SystemExit("something is missing")


if __name__ == "__main__":
    trio.run(main)
