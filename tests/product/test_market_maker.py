"""The market maker of the examples, on the simulated exchange: it leaves nothing behind."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio import KrakenConfig, SwitchLapsed, open_kraken
from kraken_trio.testing import Exchange, Market, chaos, market_pairs, open_exchange

EXAMPLE = Path(__file__).parents[2] / "examples" / "market_maker.py"
SYMBOL = "BTC/USD"
QTY, SPREAD = Decimal("0.5"), Decimal("0.000002")


def example() -> Any:
    """Import it, as a program would that builds on it."""
    spec = importlib.util.spec_from_file_location("market_maker", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def goes_on(exchange: Exchange) -> None:
    """Let the market go on, ten steps a second."""
    while True:
        await trio.sleep(0.1)
        exchange.step()


def funded(exchange: Exchange) -> KrakenConfig:
    """Give an account something to trade with."""
    exchange.account.deposit("USD", Decimal(10**6))
    exchange.account.deposit("BTC", Decimal(10))
    return KrakenConfig(
        api_key=exchange.api_key,
        api_secret=exchange.api_secret,
        jitter=0.0,
        max_attempts=None,
        timeout=5.0,
        max_delay=2.0,
    )


def check_left(exchange: Exchange, maker: Any) -> None:
    """It is flat, nothing of it is open, and it knows all its fills, each once."""
    account = exchange.account
    assert account.orders == {}
    fills = {fill.exec_id: fill for fill in account.fills}
    held = sum(
        ((fill.last_qty or 0) * (1 if fill.side == "buy" else -1) for fill in fills.values()),
        Decimal(0),
    )
    assert held == 0
    assert set(maker.fills) == set(fills)
    names = [each.cl_ord_id for each in account.executions if each.exec_type == "pending_new"]
    assert len(names) == len(set(names))


async def test_it_quotes_trades_and_leaves(autojump_clock: trio.testing.MockClock) -> None:
    """Both quotes are amended as the market moves, filled, and gone at the end."""
    market = Market(market_pairs([SYMBOL]), seed=1, start=10**18)
    async with open_exchange(market, seed=1) as exchange, trio.open_nursery() as nursery:
        config = funded(exchange)
        nursery.start_soon(goes_on, exchange)
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            maker = await example().make_market(feed, SYMBOL, seconds=120, qty=QTY, spread=SPREAD)
        check_left(exchange, maker)
        kinds = {each.exec_type for each in exchange.account.executions}
        assert {"amended", "trade", "filled", "canceled"} <= kinds
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(6))
async def test_it_survives_whatever_goes_wrong(
    autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    """Lost connections, held answers, broken frames: flat at the end; or the switch has gone off,
    and says so.
    """
    market = Market(market_pairs([SYMBOL]), seed=seed, start=10**18)
    async with open_exchange(market, seed=seed) as exchange, trio.open_nursery() as nursery:
        config = funded(exchange)
        nursery.start_soon(goes_on, exchange)
        async with (
            chaos(exchange.dial, seed=seed, every_s=3.0) as trouble,
            open_kraken(config, dial=trouble.dial, rest=exchange.rest) as feed,
        ):
            nursery.start_soon(calm_later, trouble)
            try:
                maker = await example().make_market(
                    feed, SYMBOL, seconds=60, qty=QTY, spread=SPREAD
                )
            except SwitchLapsed:
                await trio.sleep(30)
                assert exchange.account.orders == {}
            else:
                check_left(exchange, maker)
        nursery.cancel_scope.cancel()


async def calm_later(trouble: Any) -> None:
    """Let it leave in peace: it may take a minute for that."""
    await trio.sleep(60)
    trouble.calm()


async def test_cancelled_it_leaves_as_well(autojump_clock: trio.testing.MockClock) -> None:
    """As by Ctrl-C."""
    market = Market(market_pairs([SYMBOL]), seed=2, start=10**18)
    async with open_exchange(market, seed=2) as exchange, trio.open_nursery() as nursery:
        config = funded(exchange)
        nursery.start_soon(goes_on, exchange)
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            with trio.move_on_after(20) as scope:
                await example().make_market(feed, SYMBOL, seconds=1e6, qty=QTY, spread=SPREAD)
        assert scope.cancelled_caught
        assert exchange.account.orders == {}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["--seconds", "2"], 0),
        (["BTC/USD", "--demo", "--seconds", "2"], 0),
        (["--demo", "--yes"], 2),
    ],
)
def test_it_never_trades_without_being_told(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    """Run as a script, it is no exchange that it trades at: one of its own, without any key."""
    ran = subprocess.run(  # noqa: S603 - ours
        [sys.executable, EXAMPLE, *arguments],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if "KRAKEN_API" not in name},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    assert ("left " in ran.stdout) == (code == 0)


async def test_what_is_only_checked(autojump_clock: trio.testing.MockClock, capsys: Any) -> None:
    """Both quotes, and nothing is placed."""
    market = Market(market_pairs([SYMBOL]), seed=1, start=10**18)
    async with open_exchange(market, seed=1) as exchange:
        config = funded(exchange)
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            await example().check_quotes(feed, SYMBOL, QTY, Decimal("0.001"))
        assert exchange.account.executions == ()
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["buy", "sell"]
