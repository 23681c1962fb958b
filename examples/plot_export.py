"""Read what was exported into dataframes, and plot a day of a pair.

    kraken-trio record BTC/USD --channel book --channel trade --out day.jsonl.gz
    kraken-trio export day.jsonl.gz --to tables
    python examples/plot_export.py tables plot.png --symbol BTC/USD

It needs pandas, pyarrow and matplotlib. Prices are decimals, exact to the digit, up to the moment
where they are drawn: a picture is no place for money.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")  # It draws into a file, and needs no screen.
from matplotlib import pyplot as plt


def read(folder: Path, table: str, symbol: str) -> pd.DataFrame:
    """Read one table of one pair, in the order in which it came."""
    frame = pd.read_parquet(folder / f"{table}.parquet", dtype_backend="pyarrow")
    return frame[frame["symbol"] == symbol]


def main(arguments: list[str] | None = None) -> None:
    """Plot the best bid and ask, and the trades between them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--symbol", default="BTC/USD")
    given = parser.parse_args(arguments)
    tops = read(given.folder, "book_tops", given.symbol)
    trades = read(given.folder, "trades", given.symbol)
    worth = sum(price * qty for price, qty in zip(trades["price"], trades["qty"], strict=True))
    print(f"{len(tops)} states of the book, {len(trades)} trades, {worth:f} in all")
    figure, axes = plt.subplots(figsize=(10, 5))
    for side in ("bid", "ask"):
        axes.step(
            pd.to_datetime(tops["timestamp"]).to_numpy(),
            tops[side].astype("float64").to_numpy(),
            where="post",
            label=side,
        )
    axes.scatter(
        pd.to_datetime(trades["timestamp"]).to_numpy(),
        trades["price"].astype("float64").to_numpy(),
        s=8,
        label="trades",
    )
    axes.set_title(given.symbol)
    axes.legend()
    figure.savefig(given.picture)


if __name__ == "__main__":
    main()
