"""The command ``exchange``: a simulated exchange that any client can use."""

from __future__ import annotations

import fcntl
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import trio

from kraken_trio import (
    BalanceSnapshot,
    BookSnapshot,
    Gap,
    KrakenConfig,
    SubscriptionError,
    Trade,
    open_kraken,
)
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio.extended import HttpRest, TcpDial

if TYPE_CHECKING:
    from tests.apps.conftest import Run, Start

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

SNAPSHOT = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":1.5,'
    '"qty":2.00}],"asks":[],"checksum":1139169561}]}'
)
TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,'
    '"qty":1.0,"ord_type":"limit","trade_id":1,"timestamp":"2026-07-07T23:00:04.005636Z"}]}'
)


class Running(NamedTuple):
    """The command, as it runs."""

    process: subprocess.Popen[str]
    """Itself."""
    url: str
    """What it printed."""
    told: list[str]
    """What it said on standard error up to there."""

    async def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send it a signal; give its exit code, and what it still said."""
        self.process.send_signal(number)
        _, err = await trio.to_thread.run_sync(self.process.communicate, abandon_on_cancel=True)
        return self.process.returncode, err


@asynccontextmanager
async def running(start: Start, *words: str, told: int) -> AsyncIterator[Running]:
    """Run the command; it says so many lines on standard error before anybody came."""
    process = start("exchange", *words)
    assert process.stdout is not None
    assert process.stderr is not None
    with trio.fail_after(60):
        url = await trio.to_thread.run_sync(process.stdout.readline, abandon_on_cancel=True)
        lines = [
            await trio.to_thread.run_sync(process.stderr.readline, abandon_on_cancel=True)
            for _ in range(told)
        ]
        yield Running(process, url.strip(), [line.strip() for line in lines])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_client_that_trusts_it_is_served(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """Its URL is on standard output; who came and went is on standard error."""
    ca = tmp_path / "ca.pem"
    words = ["--ca-file", str(ca), "--symbols", "BTC/USD", "NEW/PAIR", "--seed", "3", "--rate", "9"]
    async with running(start, *words, told=2) as exchange:
        assert exchange.told == [
            "a made-up market of BTC/USD NEW/PAIR: 9 steps a second, seed 3",
            f"clients have to trust the certificate in {ca}",
        ]
        config = KrakenConfig(endpoint=exchange.url)
        async with (
            open_kraken(config, dial=TcpDial(trusting(ca))) as feed,
            feed.book("NEW/PAIR") as book,
        ):
            assert isinstance(await book.receive(), BookSnapshot)
            assert not isinstance(await book.receive(), Gap)
            assert exchange.process.stderr is not None
            read = exchange.process.stderr.readline
            heard = [await trio.to_thread.run_sync(read, abandon_on_cancel=True) for _ in range(2)]
        assert heard == ["client 1 came\n", "client 1 wants book 10 NEW/PAIR\n"]
        code, err = await exchange.end(number)
    assert code == 128 + number
    assert "Traceback" not in err
    assert ca.exists()
    assert b"PRIVATE" not in ca.read_bytes()


async def test_the_port_is_as_wanted_and_the_other_things_as_usual(start: Start) -> None:
    """A file of its own for the certificate, which is gone at the end."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with running(start, "--port", str(port), told=2) as exchange:
        assert exchange.url == f"wss://localhost:{port}/v2"
        ca = Path(exchange.told[1].rpartition(" in ")[2])
        assert "BTC/USD ETH/USD SOL/USD XRP/USD DOGE/USD: 200 steps" in exchange.told[0]
        assert len(trusting(ca).get_ca_certs()) == 1
        code, _ = await exchange.end()
    assert code == 130
    assert not await trio.Path(ca.parent).exists()


async def test_without_tls_any_client_can_come(start: Start) -> None:
    """Also one that has nothing but sockets; garbage ends its own connection alone."""
    async with running(start, "--no-tls", told=1) as exchange:
        assert exchange.url.startswith("ws://localhost:")
        port = int(exchange.url.partition("localhost:")[2].partition("/")[0])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 4")
        async with (
            open_kraken(KrakenConfig(endpoint=exchange.url)) as feed,
            feed.trades("BTC/USD", snapshot=True) as trades,
        ):
            assert isinstance(await trades.receive(), Trade)
        code, err = await exchange.end()
    assert (code, "Traceback" in err) == (130, False)


@pytest.mark.parametrize("played", [False, True])
async def test_its_other_hosts_are_open_on_demand(
    start: Start,
    tmp_path: Path,
    played: bool,
) -> None:
    """A program sees the account with what stands on standard output, and nothing more."""
    ca = tmp_path / "ca.pem"
    words = ["--ca-file", str(ca), "--private"]
    if played:
        path = tmp_path / "capture.jsonl"
        frame = {
            "channel": "balances",
            "type": "snapshot",
            "data": [{"asset": "BTC", "asset_class": "currency", "balance": 1.5, "wallets": []}],
            "sequence": 1,
        }
        path.write_text(json.dumps({"ts": None, "raw": json.dumps(frame)}) + "\n")
        words += ["--capture", str(path)]
    async with running(start, *words, told=2) as exchange:
        assert exchange.process.stdout is not None
        read = exchange.process.stdout.readline
        lines = [await trio.to_thread.run_sync(read, abandon_on_cancel=True) for _ in range(5)]
        environ = dict(line.strip().split("=", 1) for line in lines)
        rest = HttpRest(environ.pop("KRAKEN_REST"), ssl_context=trusting(ca))
        config = KrakenConfig.from_env(None, environ, endpoint=exchange.url)
        async with (
            open_kraken(config, dial=TcpDial(trusting(ca)), rest=rest) as feed,
            feed.balances() as balances,
        ):
            assert isinstance(await balances.receive(), BalanceSnapshot)
        code, err = await exchange.end()
    assert (code, "Traceback" in err) == (130, False)


@pytest.mark.parametrize("hello", [b"GET / HTTP/1.1\r\n\r\n", b"", None])
async def test_who_does_not_trust_it_or_speaks_no_tls_disturbs_nobody(
    start: Start, hello: bytes | None
) -> None:
    """It is told of, and the next client is served."""
    async with running(start, told=2) as exchange:
        ca = Path(exchange.told[1].rpartition(" in ")[2])
        port = int(exchange.url.partition("localhost:")[2].partition("/")[0])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            if hello is None:
                secured = trio.SSLStream(
                    stream, ssl.create_default_context(), server_hostname="localhost"
                )
                with pytest.raises(trio.BrokenResourceError):
                    await secured.do_handshake()
            else:
                await stream.send_all(hello)
        config = KrakenConfig(endpoint=exchange.url)
        async with (
            open_kraken(config, dial=TcpDial(trusting(ca))) as feed,
            feed.book("BTC/USD", "NO/PE"),
        ):
            pass
        code, err = await exchange.end()
    assert code == 130
    assert "client 1 did not agree on TLS: " in err
    assert "client 2 is refused NO/PE (Currency pair not supported NO/PE)\n" in err


async def test_a_capture_is_played(start: Start, tmp_path: Path) -> None:
    """To each client that has subscribed to all of it."""
    path = tmp_path / "capture.jsonl"
    path.write_text(f"{SNAPSHOT}\n{TRADE}\n")
    async with running(start, "--no-tls", "--capture", str(path), told=1) as exchange:
        offers = "book 10 BTC/USD, trade BTC/USD"
        assert exchange.told == [f"it plays {path} to who is subscribed to all of: {offers}"]
        async with (
            open_kraken(KrakenConfig(endpoint=exchange.url)) as feed,
            feed.trades("BTC/USD") as trades,
            feed.book("BTC/USD") as book,
        ):
            assert isinstance(await book.receive(), BookSnapshot)
            assert isinstance(await trades.receive(), Trade)
        code, _ = await exchange.end()
    assert code == 130


async def test_nobody_has_to_read_what_it_tells(start: Start) -> None:
    """It serves on when the pipe is full, and when that is broken."""
    async with running(start, "--no-tls", told=1) as exchange:
        assert exchange.process.stderr is not None
        if sys.platform == "linux":  # Elsewhere it is not full so soon.
            fcntl.fcntl(exchange.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        async with open_kraken(KrakenConfig(endpoint=exchange.url)) as feed:
            for _ in range(40):
                with pytest.raises(SubscriptionError):
                    async with feed.ticker(f"NO/PE{'E' * 100}"):
                        pass
            async with feed.ticker("BTC/USD") as ticker:
                await ticker.receive()
            exchange.process.stderr.close()
            with pytest.raises(SubscriptionError):
                async with feed.ticker("NO/PE"):
                    pass
            async with feed.ticker("ETH/USD") as ticker:
                await ticker.receive()
        exchange.process.send_signal(signal.SIGTERM)
        code = await trio.to_thread.run_sync(exchange.process.wait, abandon_on_cancel=True)
    assert code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["--symbols", "NOPE"], "must be BASE/QUOTE"),
        (["--rate", "-1"], "Must be 0 or more."),
        (["--rate", "inf"], "Must be 0 or more."),
        (["--port", "-1"], "Must be from 0 to 65535."),
        (["--port", "70000"], "Must be from 0 to 65535."),
        (["--no-tls", "--ca-file", "x.pem"], "has no sense with --no-tls"),
        (["--capture", "/nowhere/x.jsonl"], "No such file"),
        (["--capture", "x.jsonl", "--rate", "5"], "was given with symbols, rate or seed"),
        (["--ca-file", "/nowhere/x.pem"], "No such file"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, words: list[str], complaint: str) -> None:
    """On standard error, with the code for it."""
    done = run("exchange", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err


def test_a_port_that_is_taken_is_told(run: Run) -> None:
    """With the code for what could not be done."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("exchange", "--port", taken.getsockname()[1])
    assert (done.code, done.out) == (2, "")
    assert "in use" in done.err


async def test_many_channels_are_counted(start: Start) -> None:
    """A line never grows without end."""
    symbols = [f"A{number}/USD" for number in range(30)]
    async with running(start, "--no-tls", "--rate", "0", "--symbols", *symbols, told=1) as exchange:
        assert "A4/USD and 25 more: 0 steps" in exchange.told[0]
        async with (
            open_kraken(KrakenConfig(endpoint=exchange.url)) as feed,
            feed.trades(*symbols),
        ):
            assert exchange.process.stderr is not None
            read = exchange.process.stderr.readline
            heard = [await trio.to_thread.run_sync(read, abandon_on_cancel=True) for _ in range(2)]
            assert heard[1].endswith(" more\n")
        await exchange.end()
