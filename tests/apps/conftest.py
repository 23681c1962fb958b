"""What the tests of the commands share: ways to run one, each with a deadline, and an exchange."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import ssl
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio

from kraken_trio.testing import Exchange, open_exchange

DEADLINE_S = 60.0
"""For anything at all: the machine may be slow, but nothing may hang."""


class Done(NamedTuple):
    """What became of a command."""

    code: int
    """Its exit code."""
    out: str
    """Standard output."""
    err: str
    """Standard error."""


Run = Callable[..., Done]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs a command in this process."""
    from kraken_trio._internal.apps.cli import run as run_words  # noqa: PLC0415 - an extra

    def give_up(*_: object) -> None:
        raise TimeoutError(f"it took more than {DEADLINE_S:g} s")

    def command(*words: object) -> Done:
        before = signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, DEADLINE_S)
        try:
            code = run_words([str(word) for word in words])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return Done(code, *capfd.readouterr())

    return command


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts a command as a program of its own; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def program(*words: str | bytes, **options: Any) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "encoding": "utf-8",
        }
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "kraken_trio", *words], **{**settings, **options}
        )
        started.append(process)
        return process

    yield program
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def program(start: Start) -> Run:
    """Give a function that runs a command as a program of its own, to its end."""

    def command(*words: str | bytes, **options: Any) -> Done:
        process = start(*words, **options)
        out, err = process.communicate(timeout=DEADLINE_S)
        return Done(process.returncode, out or "", err or "")

    return command


class Place(NamedTuple):
    """Where a simulated exchange is."""

    exchange: Exchange
    """Itself."""
    url: str
    """Where it listens, with TLS."""
    ca: Path
    """Who signed its certificate."""


Listening = Callable[..., AbstractAsyncContextManager[Place]]


@pytest.fixture
def listening(tmp_path: Path) -> Listening:
    """Give a function that opens an exchange with TLS."""

    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Place]:
        with trio.fail_after(DEADLINE_S):
            async with open_exchange(**{"seed": 1, "rate": 200, **options}) as exchange:
                address = await exchange.listen()
                assert address.client_ssl_context is not None
                (authority,) = address.client_ssl_context.get_ca_certs(binary_form=True)
                file = tmp_path / "authority.pem"
                file.write_text(ssl.DER_cert_to_PEM_cert(authority))
                yield Place(exchange, address.url, file)

    return opened


class AccountPlace(NamedTuple):
    """Where a simulated account is."""

    exchange: Exchange
    """Itself."""
    options: dict[str, Any]
    """What leads there."""


Reaching = Callable[..., AbstractAsyncContextManager[AccountPlace]]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reaching:
    """Give a function that opens an account with TLS; its key is in the environment."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def opened() -> AsyncIterator[AccountPlace]:
        with trio.fail_after(60):
            async with open_exchange(seed=1) as exchange:
                private = await exchange.listen(door="private")
                service = await exchange.listen_rest()
                assert private.client_ssl_context is not None
                (authority,) = private.client_ssl_context.get_ca_certs(binary_form=True)
                file = tmp_path / "authority.pem"
                file.write_text(ssl.DER_cert_to_PEM_cert(authority))
                monkeypatch.setenv("KRAKEN_API_KEY", exchange.api_key)
                monkeypatch.setenv("KRAKEN_API_SECRET", exchange.api_secret)
                exchange.account.deposit("USD", Decimal(1000))
                yield AccountPlace(exchange, {"url": private.url, "rest": service.url, "ca": file})

    return opened


class Terminal:
    """A terminal of some size, for a program to run on."""

    def __init__(self, columns: int, rows: int) -> None:
        """Make one."""
        self.ours, self.theirs = pty.openpty()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)
        self.seen = ""
        """All that was written on it so far."""

    def read(self, until: str | None = None) -> str:
        """Give all that was written on it up to some words, or to the end of the program."""
        end = time.monotonic() + DEADLINE_S
        while until is None or until not in self.seen:
            assert select.select([self.ours], [], [], end - time.monotonic())[0], self.seen
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # As Linux says that nobody writes any more.
                data = b""
            if not data:
                assert until is None, self.seen
                break
            self.seen += data.decode()
        return self.seen


@pytest.fixture
def terminal() -> Iterator[Callable[[int, int], Terminal]]:
    """Give a function that makes a terminal."""
    made: list[Terminal] = []

    def make(columns: int = 80, rows: int = 24) -> Terminal:
        made.append(Terminal(columns, rows))
        return made[-1]

    yield make
    for one in made:
        os.close(one.ours)
