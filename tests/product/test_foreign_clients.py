"""Clients that are not ours get right books from the simulated exchange, by their own code.

Each runs in a process and an environment of its own, with the script in ``foreign/``, over plain
loopback. Making the environments takes a package registry and some time: the tests run where
``KRAKEN_TRIO_FOREIGN`` names a folder for them, as ``nox -s foreign`` and ``.ci/run`` do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from kraken_trio import Trade
from kraken_trio.testing import Exchange, Market, MarketPair, open_exchange

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
PACKAGES = {"sdk": "python-kraken-sdk", "ccxt": "ccxt"}
"""What each script is for."""
INSTALL_TIMEOUT_S = 300
PATIENCE_S = 60.0
"""For a client to get anywhere. Nothing depends on how long it takes."""
SEED = 5
START = 1_767_225_600 * 10**9
LARGEST = Decimal(1000)
"""Of orders, in the quote asset: larger ones have more digits than the floats of the SDK hold."""
PAIRS = (
    MarketPair(
        symbol="BTC/USD",
        price=Decimal("62800.0"),
        price_precision=1,
        qty_precision=8,
        largest_order=LARGEST,
    ),
    MarketPair(
        symbol="DOGE/USD",
        price=Decimal("0.0912000"),
        price_precision=7,
        qty_precision=8,
        largest_order=LARGEST,
    ),
    MarketPair(
        symbol="SHIB/USD",
        price=Decimal("0.0000082510"),
        price_precision=10,
        qty_precision=5,
        largest_order=LARGEST,
    ),
    MarketPair(
        symbol="BTC/JPY",
        price=Decimal(9_871_234),
        price_precision=0,
        qty_precision=8,
        largest_order=LARGEST,
    ),
)
"""Precisions from none to ten decimals, each of which is written and summed up differently."""
SYMBOLS = tuple(pair.symbol for pair in PAIRS)

State = dict[str, Any]


@pytest.fixture(scope="session", params=list(PACKAGES))
def client(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Give a client's name and the Python that has it; skip where it cannot be installed."""
    folder = os.environ.get("KRAKEN_TRIO_FOREIGN")
    if not folder:
        pytest.skip("KRAKEN_TRIO_FOREIGN names no folder for the environments of other clients")
    name: str = request.param
    group = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]["foreign"]
    (requirement,) = (line for line in group if line.startswith(f"{PACKAGES[name]}=="))
    home = Path(folder).resolve() / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != requirement:
        make = [sys.executable, "-m", "venv", "--clear", str(home)]
        install = [str(python), "-m", "pip", "install", "-q", requirement]
        try:
            for command in (make, install):
                subprocess.run(  # noqa: S603 - our own words
                    command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
                )
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
            pytest.skip(f"{requirement} cannot be installed here: {said}")
        stamp.write_text(requirement, encoding="utf-8")
    return name, python


class Client:
    """A client in its own process, and what it reports."""

    def __init__(self, exchange: Exchange, depth: int, reports: trio.abc.ReceiveStream) -> None:
        """Read the reports of a client of all pairs of ``exchange``."""
        self._exchange = exchange
        self._depth = depth
        self._reports = reports
        self._unread = b""

    async def report(self) -> State:
        """Give the next report. That there is none any more is an error of the client."""
        while b"\n" not in self._unread:
            chunk = await self._reports.receive_some()
            assert chunk, "the client has ended; what it had to say stands on standard error"
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        state: State = json.loads(line, parse_float=Decimal)
        return state

    async def until(self, condition: Callable[[State], bool]) -> State:
        """Give the first report from now on that is as wanted."""
        state: State = {}
        try:
            while not state or not condition(state):
                state = await self.report()
        except trio.Cancelled:
            # pytest shows it.
            print(f"the latest report: {state}\nthe true books: {self.truth()}")  # noqa: T201
            raise
        return state

    def truth(self) -> State:
        """Give the books as they are: by symbol, bids and asks, as the exchange writes them."""
        market = self._exchange.market
        all_books = {symbol: market.book(symbol, self._depth) for symbol in market.symbols}
        return {
            symbol: [
                [[f"{level.price:f}", f"{level.qty:f}"] for level in side]
                for side in (book.bids, book.asks)
            ]
            for symbol, book in all_books.items()
        }

    def is_right(self, state: State) -> bool:
        """Say whether the books of a report are the truth."""
        return bool(state["books"] == self.truth())

    def is_ready(self, state: State) -> bool:
        """Say whether it is subscribed to everything, and has its books."""
        subscribed = {
            (part.name, *part.symbols)
            for connection in self._exchange.connections
            for part in connection.subscriptions
        }
        names = ("book", "ticker", "trade")
        wanted = {(name, symbol) for name in names for symbol in self._exchange.market.symbols}
        return wanted <= subscribed and self.is_right(state)


@asynccontextmanager
async def running(
    client: tuple[str, Path], exchange: Exchange, depth: int
) -> AsyncIterator[Client]:
    """Run a client of all pairs of ``exchange``, from when it is ready until the block is left."""
    name, python = client
    address = await exchange.listen(tls=False)
    script = Path(__file__).parent / "foreign" / f"{name}_client.py"
    command = [python, "-I", script, address.url, str(depth), *exchange.market.symbols]
    instruments = exchange.market.instrument_snapshot()
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                partial(trio.run_process, command, stdin=instruments, stdout=subprocess.PIPE)
            )
            assert process.stdout is not None
            other = Client(exchange, depth, process.stdout)
            await other.until(other.is_ready)
            yield other
            nursery.cancel_scope.cancel()  # It never ends by itself; this kills it.


def row(trade: Trade) -> tuple[object, ...]:
    """Give what of a trade every client shows."""
    return trade.symbol, trade.side, trade.price, trade.qty, trade.trade_id


@pytest.mark.parametrize("depth", [10, 100])
async def test_books_are_right_by_their_own_checksum(client: tuple[str, Path], depth: int) -> None:
    """Every update verifies, and all that it knows in the end is what the market is."""
    twin = Market(PAIRS, seed=SEED, start=START)  # To count with.
    for symbol in SYMBOLS:
        twin.watch(symbol, depth)
    async with open_exchange(Market(PAIRS, seed=SEED, start=START)) as exchange:
        market = exchange.market
        old_trades = {row(trade) for symbol in SYMBOLS for trade in market.trades(symbol)}
        async with running(client, exchange, depth) as other:
            verified = (await other.report())["verified"]
            updates = 0
            for _ in range(10):
                exchange.step(200)
                events = [event for _ in range(200) for event in twin.step()]
                updates += sum(event.channel == "book" for event in events)
                await other.report()  # So that it is not all one burst.
            lasts = {symbol: market.ticker(symbol).last for symbol in SYMBOLS}
            new_trades = {row(trade) for symbol in SYMBOLS for trade in market.trades(symbol)}
            new_trades -= old_trades

            def is_done(state: State) -> bool:
                return (
                    other.is_right(state)
                    and state["verified"] + state["noticed"] >= verified + updates
                    and {s: Decimal(t["last"]) for s, t in state["tickers"].items()} == lasts
                    and len(state["trades"]) >= len(new_trades)
                )

            state = await other.until(is_done)
            assert (state["verified"], state["noticed"]) == (verified + updates, 0)
            assert updates > 1000
            assert len(new_trades) > 100
            assert {
                (t["symbol"], t["side"], Decimal(t["price"]), Decimal(t["qty"]), t["trade_id"])
                for t in state["trades"]
            } == new_trades


async def test_a_wrong_checksum_is_noticed(client: tuple[str, Path]) -> None:
    """A client finds the one checksum that was corrupted, and no other."""
    async with (
        open_exchange(Market(PAIRS[:1], seed=SEED, start=START)) as exchange,
        running(client, exchange, depth=10) as other,
    ):
        (connection,) = (
            each
            for each in exchange.connections
            if any(part.name == "book" for part in each.subscriptions)
        )
        connection.corrupt_next_book("BTC/USD")
        while not (state := await other.report())["noticed"]:
            exchange.step()
        assert state["noticed"] == 1
        if client[0] == "ccxt":
            return  # It is of no more use: see its script.
        # The other one leaves the book, asks for it again, and goes on with a right one.
        await other.until(lambda _: sum(b'"book"' in each for each in connection.requests) == 3)
        await other.until(other.is_right)
        exchange.step(100)
        state = await other.until(lambda new: new["verified"] > state["verified"] + 50)
        state = await other.until(other.is_right)
        assert state["noticed"] == 1
