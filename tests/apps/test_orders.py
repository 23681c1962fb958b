"""The commands ``orders`` and ``balances``: what they write of an account, and how they exit."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from kraken_trio import AuthenticationError, RetriesExhausted, SubscriptionError
from kraken_trio._internal.apps.orders import balances, orders
from kraken_trio.testing import Exchange

if TYPE_CHECKING:
    from tests.apps.conftest import Reaching, Run, Start

pytestmark = pytest.mark.extra("full")  # noqa: S610 - a mark of pytest, no query of Django

Capture = pytest.CaptureFixture[str]


def place(exchange: Exchange) -> str:
    """Place an order; give its name."""
    report, _ = exchange.account.place("BTC/USD", "buy", Decimal("0.1"), Decimal(50_000))
    return report.order_id


async def subscribed(exchange: Exchange) -> None:
    """Wait until a client is."""
    while not (there := exchange.connections) or not there[0].subscriptions:  # noqa: ASYNC110
        await trio.sleep(0.01)


async def test_open_orders_once(account: Reaching, capfd: Capture) -> None:
    """Those that there are, and no more; on standard error, nothing but what is amiss."""
    async with account() as there:
        assert await orders(once=True, **there.options) == 0
        out, err = capfd.readouterr()
        assert (out, err) == ("", "no open orders\n")
        name = place(there.exchange)
        assert await orders(once=True, **there.options) == 0
        out, err = capfd.readouterr()
        line = f"order {name} new buy BTC/USD limit 0.10000000 @ 50000.0, filled 0.00000000\n"
        assert out.endswith(line)
        assert (out.count("\n"), err) == (1, "")


async def test_what_is_held_once(account: Reaching, capfd: Capture) -> None:
    """All of it, as lines for programs."""
    async with account() as there:
        assert await balances(once=True, as_json=True, **there.options) == 0
        (told,) = map(json.loads, capfd.readouterr().out.splitlines())
        assert (told["type"], told["asset"], told["balance"]) == ("balance", "USD", "1000.0000")
        there.exchange.account.withdraw("USD", Decimal(1000))
        assert await balances(once=True, as_json=True, **there.options) == 0
        assert capfd.readouterr().err == "nothing is held\n"


async def test_changes_of_orders(account: Reaching, capfd: Capture) -> None:
    """Each as it stands then, whatever a report left out; after a cut, a gap and all again."""
    async with account() as there, trio.open_nursery() as nursery:
        exchange = there.exchange

        async def live() -> None:
            await subscribed(exchange)
            name = place(exchange)
            exchange.account.fill(name, Decimal("0.05"))
            await trio.sleep(0.2)
            exchange.connections[0].drop()
            exchange.account.cancel(name)
            place(exchange)

        nursery.start_soon(live)
        assert await orders(as_json=True, count=5, **there.options) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    about = [line["order_status"] if line["type"] == "order" else "gap" for line in lines]
    assert about == ["pending_new", "new", "partially_filled", "gap", "gone", "new"]
    assert {line["symbol"] for line in lines if line["type"] == "order"} == {"BTC/USD"}
    assert lines[2]["cum_qty"] == "0.05000000"


async def test_entries_of_the_ledger(account: Reaching, capfd: Capture) -> None:
    """First all that is held, then what changes it; transitions stand on standard error."""
    async with account() as there, trio.open_nursery() as nursery:

        async def live() -> None:
            await subscribed(there.exchange)
            there.exchange.account.deposit("USD", Decimal(5))

        nursery.start_soon(live)
        assert await balances(count=2, **there.options) == 0
    out, err = capfd.readouterr()
    first, second = out.splitlines()
    assert first.endswith("balance USD 1000.0000 (spot main 1000.0000)")
    assert second.endswith("ledger USD +5.0000 by deposit, now 1005.0000")
    assert "connecting -> authenticating (established_private)" in err


async def test_it_ends_after_a_while(account: Reaching, capfd: Capture) -> None:
    """Well, where there was a connection; otherwise it says that there was none."""
    async with account() as there:
        assert await orders(seconds=1.0, **there.options) == 0
        there.exchange.rest.hanging = True
        assert await orders(seconds=0.5, once=True, **there.options) == 2
    assert "no connection within 0.5 s" in capfd.readouterr().err


async def test_a_refused_key(account: Reaching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is tried once."""
    async with account() as there:
        monkeypatch.setenv("KRAKEN_API_KEY", "AnotherKeyAltogether")
        for once in (True, False):
            with pytest.raises(AuthenticationError, match="EAPI:Invalid key"):
                await orders(once=once, **there.options)
        assert len(there.exchange.rest.requests) == 2


async def test_no_connection(account: Reaching) -> None:
    """After as many attempts as are wanted."""
    async with account() as there:
        nowhere = {**there.options, "url": "wss://localhost:1/v2", "attempts": 1}
        with pytest.raises(RetriesExhausted):
            await balances(**nowhere)


async def test_a_refused_channel(account: Reaching, capfd: Capture) -> None:
    """Is what was looked at, and not well; asked for once, it could not be looked at."""
    async with account() as there:
        there.exchange.refusals["executions"] = "EGeneral:Permission denied"
        assert await orders(**there.options) == 1
        assert "refused: executions: EGeneral:Permission denied" in capfd.readouterr().err
        with pytest.raises(SubscriptionError, match="Permission denied"):
            await orders(once=True, **there.options)


@pytest.mark.parametrize("command", ["orders", "balances"])
def test_ctrl_c_ends_it(start: Start, command: str) -> None:
    """As it does all commands; a made-up account needs nothing."""
    process = start(command, "--demo", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["type"] in ("order", "balance")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_without_a_key_nothing_is_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 2, and what to do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KRAKEN_API_KEY", raising=False)
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)
    for command in ("orders", "balances"):
        done = run(command)
        assert (done.code, done.out) == (2, "")
        assert "KRAKEN_API_KEY" in done.err
