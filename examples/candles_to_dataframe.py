"""Candles as a dataframe, with every digit: those of the exchange, and any other from its trades.

    python examples/candles_to_dataframe.py [SYMBOL] [--trades N] [--interval S] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given. It needs
pandas.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import pandas as pd
import trio

from kraken_trio import Candle, Gap, KrakenConfig, KrakenError, Trade, open_kraken
from kraken_trio.extended import Bar, fold_candles
from kraken_trio.testing import open_exchange

PRICES = ["open", "high", "low", "close"]


def table(candles: Iterable[Candle | Bar]) -> pd.DataFrame:
    """Give one row a candle. Numbers stay ``Decimal``; ``.astype(float)`` would round them."""
    rows = [
        {
            "begin": candle.interval_begin.datetime
            if isinstance(candle, Candle)
            else candle.begin.datetime,
            **{name: getattr(candle, name) for name in PRICES},
            "volume": candle.volume,
            "trades": candle.trades,
        }
        for candle in candles
    ]
    return pd.DataFrame(rows, columns=["begin", *PRICES, "volume", "trades"]).set_index("begin")


async def run(symbol: str, wanted: int, interval_s: float, *, live: bool) -> None:
    """Gather candles of a minute and trades, and make tables of both."""
    candles: dict[int, Candle] = {}
    trades: list[Trade | Gap] = []
    async with open_exchange(seed=1, rate=0 if live else 500) as exchange:
        dial = None if live else exchange.dial
        async with (
            open_kraken(KrakenConfig(), dial=dial) as feed,
            feed.ohlc(symbol, interval=1) as minutes,
            feed.trades(symbol) as tape,
        ):
            while len(trades) < wanted:
                trades.append(await tape.receive())
            while minutes.statistics().records.buffered:  # type: ignore[union-attr] # it has a stream
                match minutes.receive_nowait():
                    case Candle() as candle:
                        # The running one comes with each trade: the newest of each minute counts.
                        candles[candle.interval_begin] = candle
                    case Gap() as gap:
                        print(f"candles may be missing: {gap}")
    print(f"{symbol}, candles of the exchange, a minute each:")
    print(table(candles.values()).tail(5).to_string())
    # Gaps go in, too: a candle in which a trade may be missing says so.
    bars = list(fold_candles(trades, interval_s))
    print(f"\n{symbol}, folded from {len(trades)} trades, {interval_s:g} s each:")
    print(table(bars).tail(5).to_string())
    print(f"whole: {sum(bar.whole for bar in bars)} of {len(bars)}")
    print(f"sum of the volumes, exact: {sum((bar.volume for bar in bars), start=0):f}")


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="Make dataframes of candles.")
    parser.add_argument("symbol", nargs="?", default="BTC/USD")
    parser.add_argument("--trades", type=int, default=100, metavar="N", help="to wait for")
    parser.add_argument("--interval", type=float, default=0.5, metavar="S", help="of a candle")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.symbol, given.trades, given.interval, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
