"""A check, step by step: each fault is found for what it is, with what to do about it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio_websocket

from kraken_trio import (
    Channel,
    ConnectionFailed,
    ConnectionLost,
    KrakenConfig,
    KrakenError,
    ProtocolError,
    RetriesExhausted,
    UpgradeRefused,
)
from kraken_trio._internal.apps.checkup import STEPS, Checkup, why_it_ended
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.doctor import doctor
from kraken_trio._internal.apps.probes import target_of
from kraken_trio.testing import Market, open_exchange, status_frame

if TYPE_CHECKING:
    from tests.apps.conftest import Listening

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

Capture = pytest.CaptureFixture[str]


def outcomes(out: str) -> list[str]:
    """Give what each step came to."""
    found = [
        line.split()[1] for line in out.splitlines() if line.split()[:1] in [[s] for s in STEPS]
    ]
    assert len(found) == len(STEPS), out
    return found


async def test_all_is_well(listening: Listening, capsys: Capture) -> None:
    """Seven steps, each with its time; and nothing on standard error."""
    async with listening() as place:
        code = await doctor(url=place.url, ca=place.ca)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert outcomes(out) == ["ok"] * 7
    assert out.splitlines()[0] == place.url
    assert all(" ms  " in line for line in out.splitlines()[1:])
    assert "the checksum is right" in out


async def test_a_certificate_that_nobody_knows(listening: Listening, capsys: Capture) -> None:
    """What needs TLS is not tried."""
    async with listening() as place:
        assert await doctor(url=place.url) == 1
    out, _ = capsys.readouterr()
    assert outcomes(out) == ["ok", "ok", "FAILED", "not", "not", "not", "not"]
    assert "the certificate is not accepted" in out
    assert "--ca" in out


async def test_a_port_where_nobody_listens(capsys: Capture) -> None:
    """Nothing behind it is tried."""
    assert await doctor(url="ws://127.0.0.1:9/v2") == 1
    out, _ = capsys.readouterr()
    assert outcomes(out) == ["ok", "FAILED", "not", "not", "not", "not", "not"]


async def test_a_name_that_nobody_knows(capsys: Capture) -> None:
    """Nothing at all is tried behind it."""
    with trio.fail_after(60):
        assert await doctor(url="wss://nobody.invalid/v2") == 1
    out, _ = capsys.readouterr()
    assert outcomes(out)[0] == "FAILED"
    assert outcomes(out)[1:] == ["not"] * 6


@asynccontextmanager
async def plain(**options: Any) -> AsyncIterator[tuple[Any, str]]:
    """Open an exchange without TLS; give it, and its URL."""
    with trio.fail_after(60):
        async with open_exchange(**{"seed": 1, "rate": 100, **options}) as exchange:
            yield exchange, (await exchange.listen(tls=False)).url


@pytest.mark.parametrize(
    "status, mend",
    [(403, "is barred"), (429, "wait ten minutes"), (503, "cannot serve now"), (418, "a proxy")],
)
async def test_a_host_that_refuses_a_websocket(capsys: Capture, status: int, mend: str) -> None:
    """Each status has its own advice."""
    async with plain() as (exchange, url):
        exchange.upgrade_status = status
        assert await doctor(url=url) == 1
    out, _ = capsys.readouterr()
    assert outcomes(out) == ["ok", "ok", "none", "FAILED", "not", "not", "not"]
    assert f"HTTP status {status}" in out
    assert mend in " ".join(out.split())


async def test_a_wrong_path(capsys: Capture) -> None:
    """The advice names the right one."""
    async with plain() as (_, url):
        assert await doctor(url=url.replace("/v2", "/v9")) == 1
    out, _ = capsys.readouterr()
    assert "HTTP status 404" in out
    assert "protocol v2 is at /v2" in out


async def test_a_pair_that_is_not_there(capsys: Capture) -> None:
    """The words are the exchange's; the clock is compared all the same."""
    async with plain() as (_, url):
        assert await doctor(url=url, symbol="NO/PE") == 1
    out, _ = capsys.readouterr()
    assert outcomes(out)[3:] == ["ok", "ok", "FAILED", "ok"]
    assert "Currency pair not supported NO/PE" in out
    assert "--symbol" in out


async def test_a_pair_that_is_never_answered(capsys: Capture) -> None:
    """Without any answer nobody knows what time it is there."""
    async with plain() as (exchange, url):
        exchange.refusals["BTC/USD"] = None
        assert await doctor(url=url, timeout=0.5) == 1
    out, _ = capsys.readouterr()
    assert outcomes(out)[3:] == ["ok", "ok", "FAILED", "unknown"]
    assert "no snapshot came within 0.5 s" in out


async def test_a_book_that_is_always_wrong(capsys: Capture) -> None:
    """It is said how many there were; no other advice matters then."""
    async with plain(rate=0) as (exchange, url), trio.open_nursery() as nursery:

        async def spoil() -> None:
            while not exchange.connections:
                await trio.lowlevel.checkpoint()
            for _ in range(50):
                exchange.connections[0].corrupt_next_book("BTC/USD")

        nursery.start_soon(spoil)
        assert await doctor(url=url, timeout=1) == 1
    out, _ = capsys.readouterr()
    assert outcomes(out)[3:] == ["ok", "ok", "FAILED", "ok"]
    assert "checksums were wrong" in out
    assert "report it" in out


@pytest.mark.parametrize(
    "off_s, words", [(30, "behind"), (-30, "ahead"), (0, None)], ids=["behind", "ahead", "right"]
)
async def test_a_clock_that_is_wrong(capsys: Capture, off_s: int, words: str | None) -> None:
    """By how much, and on which side of the exchange's."""
    market = Market(seed=1, start=time.time_ns() + off_s * 10**9)
    async with plain(market=market, rate=0) as (_, url):
        code = await doctor(url=url)
    out, _ = capsys.readouterr()
    assert outcomes(out)[:6] == ["ok", "ok", "none", "ok", "ok", "ok"]
    if words is None:
        assert (code, outcomes(out)[6]) == (0, "ok")
    else:
        assert (code, outcomes(out)[6]) == (1, "FAILED")
        assert words in out
        assert "NTP" in out


@asynccontextmanager
async def websocket(*frames: bytes, hang_up: bool = False) -> AsyncIterator[str]:
    """Serve WebSockets that say this and nothing else; give the URL."""

    async def talk(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        for frame in frames:
            await connection.send_message(frame.decode())
        if hang_up:
            await connection.aclose(1013, "\x1btry later")
        else:
            await trio.sleep_forever()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(trio_websocket.serve_websocket, talk, "127.0.0.1", 0, None)
            yield f"ws://127.0.0.1:{server.port}/v2"
            nursery.cancel_scope.cancel()


async def test_an_exchange_that_does_not_say_how_it_is(capsys: Capture) -> None:
    """Silence is a fault of its own."""
    async with websocket() as url:
        assert await doctor(url=url, timeout=0.3) == 1
    out, _ = capsys.readouterr()
    assert outcomes(out)[3:] == ["ok", "FAILED", "FAILED", "unknown"]
    assert "did not say how it is within 0.3 s" in out


async def test_an_exchange_in_maintenance(capsys: Capture) -> None:
    """That is what it says."""
    async with websocket(b'{"channel":"heartbeat"}', status_frame(system="maintenance")) as url:
        assert await doctor(url=url, timeout=0.3) == 1
    assert "the exchange is in maintenance" in capsys.readouterr().out


async def test_a_host_that_hangs_up(capsys: Capture) -> None:
    """In whatever step that is; its words move no cursor."""
    async with websocket(hang_up=True) as url:
        assert await doctor(url=url, timeout=10) == 1
    out, _ = capsys.readouterr()
    assert out.count("FAILED") == 1
    assert "close code 1013" in out
    assert "\x1b" not in out


async def test_a_port_that_is_no_websocket(capsys: Capture) -> None:
    """Whatever it says instead."""

    async def speak(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(b"220 mail.test ESMTP\r\n")
        await stream.aclose()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            await nursery.start(trio.serve_listeners, speak, listeners)
            port = listeners[0].socket.getsockname()[1]
            assert await doctor(url=f"ws://127.0.0.1:{port}/v2") == 1
            nursery.cancel_scope.cancel()
    out, _ = capsys.readouterr()
    assert outcomes(out)[3:] == ["FAILED", "not", "not", "not"]
    assert "that of a WebSocket server" in out


async def test_a_host_that_says_nothing_at_all(capsys: Capture) -> None:
    """No step waits for ever."""
    with trio.fail_after(60):
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            port = listener.socket.getsockname()[1]
            assert await doctor(url=f"ws://127.0.0.1:{port}/v2", timeout=0.3) == 1
            assert await doctor(url=f"wss://127.0.0.1:{port}/v2", timeout=0.3) == 1
    out, _ = capsys.readouterr()
    assert "no answer came to the request for a WebSocket within 0.3 s" in out
    assert "the handshake was not finished within 0.3 s" in out


@pytest.mark.parametrize("columns", [80, 40, 10])
async def test_advice_is_wrapped_where_it_fits(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Under its step, however narrow the terminal is."""
    monkeypatch.setenv("COLUMNS", str(columns))
    await doctor(url="ws://127.0.0.1:9/v2")
    out, _ = capsys.readouterr()
    advice = [line for line in out.splitlines() if line.startswith(" " * 10)]
    assert " ".join(" ".join(advice).split()).startswith("Check the port; a firewall")
    assert max(map(len, advice)) <= max(columns, 35)


@pytest.mark.parametrize(
    "error, words",
    [
        (UpgradeRefused(502), "status page"),
        (ConnectionLost(None), "Try again"),
        (ConnectionFailed("not HTTP"), "WebSocket server"),
        (ProtocolError("a masked frame"), "WebSocket server"),
    ],
)
def test_what_the_end_of_a_feed_means(error: KrakenError, words: str) -> None:
    """By its cause, where it has one."""
    assert words in why_it_ended(error).mend
    exhausted = RetriesExhausted(1)
    exhausted.__cause__ = error
    assert why_it_ended(exhausted).words == str(error)


async def test_a_checkup_can_be_taken_without_a_command(
    listening: Listening, capsys: Capture
) -> None:
    """It tells whether anything failed."""
    async with listening() as place:
        config = KrakenConfig(endpoint=place.url, max_attempts=1)
        checkup = Checkup(config, Channel.book("ETH/USD"), 10.0)
        await checkup.run(target_of(place.url, trusting(place.ca)))
    assert not checkup.failed
    assert "ETH/USD bid" in capsys.readouterr().out
