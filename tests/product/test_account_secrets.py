"""Not a character of a key, a secret or a token: over a life of the tables, and of commands."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import ssl
import subprocess
import sys
import traceback
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
import trio
import trio.testing

from kraken_trio import (
    AuthenticationError,
    ConnectionState,
    KrakenConfig,
    OrderEnded,
    open_kraken,
)
from kraken_trio.testing import Exchange, open_exchange

DEADLINE_S: Final = 60.0
SHORTEST: Final = 12
"""Of what is looked for: no shorter piece of a secret means anything."""


def forms(secret: str) -> Iterator[str]:
    """A secret, and its two halves, in every form in which they may have slipped out."""
    raw = secret.encode()
    keys = [raw]
    with suppress(ValueError):
        keys.append(base64.b64decode(raw, validate=True))
    for each in keys:
        for part in (each, each[: len(each) // 2], each[len(each) // 2 :]):
            with suppress(UnicodeDecodeError):
                text = part.decode()
                yield from (text, urllib.parse.quote(text, safe=""), json.dumps(text)[1:-1])
            yield base64.b64encode(part).decode().rstrip("=")[:-1]
            yield part.hex()
            yield repr(part)[2:-1]


def found(text: str, secrets: set[str]) -> list[str]:
    """Give what of the secrets stands in a text."""
    looked_for = {form for secret in secrets for form in forms(secret) if len(form) >= SHORTEST}
    assert len(looked_for) > 5 * len(secrets)
    return [form for form in looked_for if form.lower() in text.lower()]


def noting_tokens(exchange: Exchange) -> set[str]:
    """Give the set that each token is put into that the exchange gives."""
    tokens = set[str]()
    issue = exchange._venue.tokens.issue

    def issued(now: float) -> Any:
        token = issue(now)
        tokens.add(token.reveal())
        return token

    exchange._venue.tokens.issue = issued  # type: ignore[method-assign]
    return tokens


async def test_tables_and_views_show_none(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """In logs at DEBUG, reprs, records, errors with their tracebacks."""
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    async with open_exchange(seed=1) as exchange:
        tokens = noting_tokens(exchange)
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret)
        account = exchange.account
        error: BaseException | None = None
        try:
            async with (
                open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
                feed.events() as events,
                feed.open_orders() as orders,
                feed.own_trades() as trades,
                feed.balances() as held,
            ):
                account.deposit("USD", Decimal(10))
                report, _ = account.place("BTC/USD", "buy", Decimal(2), Decimal(50_000))
                account.fill(report.order_id, Decimal(1))
                assert (await feed.wait_order(report.order_id, "partially_filled")).open
                account.cancel(report.order_id)
                with pytest.raises(OrderEnded) as ended:
                    await feed.wait_order(report.order_id, "filled")
                exchange.revoke_tokens()
                for connection in exchange.connections:
                    connection.drop()
                await feed.wait_state(ConnectionState.DEGRADED, session="private")
                await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
                shown += [feed.orders, dict(feed.orders), vars(feed.orders), dict(feed.balances)]
                shown += [ended.value, vars(ended.value), feed.statistics(), vars(feed._hub)]
                for channel in (orders, trades, held, events):
                    shown += await channel.receive_batch()
                exchange.rest.refuse_next("EAPI:Invalid key")
                for connection in exchange.connections:
                    connection.drop()
                await feed.wait_order("another")
        except AuthenticationError as refused:
            error = refused
            shown += [refused, vars(refused), refused.complaint]
            shown += traceback.format_exception(refused)
        assert error is not None
        assert len(tokens) >= 2
        secrets = {exchange.api_key, exchange.api_secret, *tokens}
    assert found(caplog.text + repr(shown), secrets) == []
    assert found(f"so {next(iter(tokens))[:25].upper()} it is", secrets)


@pytest.mark.extra("full")  # noqa: S610 - a mark of pytest, no query of Django
async def test_commands_show_none(tmp_path: Path) -> None:
    """Whether all is well, the key is refused, nobody answers, or Ctrl-C ends it."""
    with trio.fail_after(DEADLINE_S):
        async with open_exchange(seed=1) as exchange:
            tokens = noting_tokens(exchange)
            private = await exchange.listen(door="private")
            service = await exchange.listen_rest()
            assert private.client_ssl_context is not None
            (authority,) = private.client_ssl_context.get_ca_certs(binary_form=True)
            ca = tmp_path / "authority.pem"
            ca.write_text(ssl.DER_cert_to_PEM_cert(authority))
            exchange.account.deposit("USD", Decimal(10))
            exchange.account.place("BTC/USD", "buy", Decimal(2), Decimal(50_000))
            there = ["--url", private.url, "--rest", service.url, "--ca", str(ca)]
            nowhere = ["--url", "wss://localhost:1/v2", "--rest", "https://localhost:1"]
            environment = {
                **os.environ,
                "KRAKEN_API_KEY": exchange.api_key,
                "KRAKEN_API_SECRET": exchange.api_secret,
            }
            text = ""

            async def run(code: int, *words: str, ctrl_c: bool = False, **changed: str) -> None:
                nonlocal text
                process = await trio.lowlevel.open_process(
                    [sys.executable, "-m", "kraken_trio", *words],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**environment, **changed},
                    cwd=tmp_path,
                )
                assert process.stdout is not None
                told = b""
                async for part in process.stdout:
                    told += part
                    if ctrl_c and b"all_confirmed" in told:
                        process.send_signal(signal.SIGINT)
                        ctrl_c = False
                assert await process.wait() == code, (words, told)
                text += told.decode()

            await run(0, "token", *there)
            await run(0, "token", "--check", "--json", *there)
            await run(0, "orders", "--once", *there)
            await run(0, "balances", "--json", "--count", "1", *there)
            await run(130, "orders", *there, ctrl_c=True)
            await run(2, "token", "--check", *nowhere)
            await run(2, "orders", "--attempts", "1", *nowhere)
            half = exchange.api_secret[:-3] + "!"
            await run(2, "token", *there, KRAKEN_API_SECRET=half)
            exchange.rest.refuse_next("EAPI:Invalid key")
            await run(1, "token", "--check", *there)
            exchange.rest.refuse_next("EGeneral:Permission denied")
            await run(2, "balances", *there)
            exchange.rest.status = 500
            await run(2, "token", "--check", *there)
            secrets = {exchange.api_key, exchange.api_secret, *tokens}
    assert len(tokens) >= 4
    assert "REFUSED" in text
    assert found(text, secrets) == []
