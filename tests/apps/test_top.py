"""The command ``top``, on terminals and without one."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.apps.conftest import Run, Start, Terminal

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

GIVEN_BACK = "\x1b[?1049l"
DEADLINE_S = 60.0
BOUND_S = 10.0
"""For an end, on a machine that is slow."""


class Session:
    """``top`` on a terminal."""

    def __init__(
        self, terminal: Terminal, process: subprocess.Popen[str], before: list[Any]
    ) -> None:
        """It runs."""
        self.terminal = terminal
        self.process = process
        self.before = before

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.terminal.ours, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.terminal.ours, termios.TIOCSWINSZ, size)

    def see(self, *words: str, most: tuple[int, int] | None = None) -> str:
        """Wait until a screen has all of these on it, drawn from now on; give it.

        ``most`` is how many columns and rows it has at the most: what was drawn before the terminal
        became smaller may still be on its way.
        """
        self.terminal.seen = ""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            self.terminal.read("\x1b[H")
            drawn, _, self.terminal.seen = self.terminal.seen.rpartition("\x1b[H")
            for screen in drawn.split("\x1b[H"):
                plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen)
                if all(word in plain for word in words) and fits(plain, most):
                    return plain
        raise AssertionError(words)

    def end(self) -> int:
        """Wait for the end, and give the exit code; the terminal is as it was."""
        began = time.monotonic()
        over = False
        while not over:
            over = self.process.poll() is not None
            while select.select([self.terminal.ours], [], [], 0.05)[0]:
                self.terminal.seen += os.read(self.terminal.ours, 65536).decode()
            assert time.monotonic() - began < BOUND_S
        return self.process.wait(timeout=30)


def fits(screen: str, most: tuple[int, int] | None) -> bool:
    """Whether a screen has so many columns and rows at the most."""
    if most is None:
        return True
    lines = screen.splitlines()
    return len(lines) <= most[1] and all(len(line) <= most[0] for line in lines)


def unread(session: Session) -> int:
    """Give how many bytes wait on our end of the terminal."""
    found = fcntl.ioctl(session.terminal.ours, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(found, sys.byteorder)


@pytest.fixture
def on_terminal(
    start: Start, terminal: Callable[[int, int], Terminal]
) -> Iterator[Callable[..., Session]]:
    """Give a function that starts it on a terminal."""
    theirs: list[tuple[int, list[Any]]] = []

    def begin(*words: str, columns: int = 110, rows: int = 40) -> Session:
        screen = terminal(columns, rows)
        before = termios.tcgetattr(screen.theirs)
        theirs.append((screen.theirs, before))
        plain = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        process = start(
            "top",
            *words,
            stdin=screen.theirs,
            stdout=screen.theirs,
            stderr=screen.theirs,
            env={**plain, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        )
        return Session(screen, process, before)

    yield begin
    for file, before in theirs:
        assert termios.tcgetattr(file) == before, "the terminal was not given back as it was"
        os.close(file)


def test_it_shows_all_that_there_is_and_ends_with_a_key(
    on_terminal: Callable[..., Session],
) -> None:
    """Pairs, a book, trades, the session; q ends it well."""
    session = on_terminal("--demo")
    shown = session.see("BTC/USD book: synchronised", "SOL/USD", "trades", "subscribed since")
    assert "Simulation" in shown
    assert "healthy" in shown or "degraded" in shown
    session.type(b"q")
    assert session.end() == 0
    assert session.terminal.seen.endswith(GIVEN_BACK) or GIVEN_BACK in session.terminal.seen


def test_keys_choose_a_pair_and_pause(on_terminal: Callable[..., Session]) -> None:
    """Tab, arrows, numbers; a picture that is paused says so, and another pair can be seen."""
    session = on_terminal("--demo", "BTC/USD", "ETH/USD", "XRP/USD")
    session.see("1> ", "BTC/USD book: synchronised")
    for keys, pair in (
        (b"\t", "ETH/USD"),
        (b"\x1b[A", "BTC/USD"),
        (b"\x1b[D", "XRP/USD"),
        (b"2", "ETH/USD"),
        (b"9", "ETH/USD"),
    ):
        session.type(keys)
        session.see(f"{pair} book: synchronised")
    session.type(b"p")
    session.see("PAUSED", "ETH/USD book")
    session.type(b"1")
    session.see("PAUSED", "BTC/USD book")
    session.type(b"pq")
    assert session.end() == 0


def test_it_survives_every_size(on_terminal: Callable[..., Session]) -> None:
    """Larger, smaller, none; what is drawn then is drawn for it."""
    session = on_terminal("--demo", "BTC/USD")
    session.see("BTC/USD book: synchronised", "trades")
    session.resize(60, 12)
    shown = session.see("BTC/USD", "subscribed since", most=(60, 12))
    assert "book:" not in shown or "trades" not in shown
    # A terminal that does not say how large it is, is taken for a usual one.
    for columns, rows, words, most in (
        (1, 1, "…", (1, 1)),
        (300, 100, "p: pause", None),
        (20, 3, "tab, arrows", (20, 3)),
        (0, 0, "p: pause", None),
    ):
        session.resize(columns, rows)
        session.see(words, most=most)
    session.resize(110, 40)
    session.see("BTC/USD book: synchronised", "trades", "p: pause")
    session.type(b"q")
    assert session.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_terminal_back(
    on_terminal: Callable[..., Session], number: signal.Signals
) -> None:
    """As Ctrl-C does; without a word."""
    session = on_terminal("--demo")
    session.see("BTC/USD book")
    session.process.send_signal(number)
    assert session.end() == 128 + number
    assert GIVEN_BACK in session.terminal.seen
    assert "Traceback" not in session.terminal.seen


def test_it_ends_though_the_terminal_takes_nothing(
    on_terminal: Callable[..., Session],
) -> None:
    """A signal is enough: what waits to be shown is dropped."""
    session = on_terminal("--demo", columns=250, rows=100)
    session.see("BTC/USD book")
    # Until it is full: nobody reads what is drawn on it.
    end = time.monotonic() + DEADLINE_S
    waiting = -1
    while waiting != (waiting := unread(session)):
        assert time.monotonic() < end
        time.sleep(1.0)
    session.process.send_signal(signal.SIGINT)
    assert session.process.wait(timeout=BOUND_S) == 128 + signal.SIGINT


@pytest.mark.parametrize("drawn", [False, True])
def test_it_ends_though_the_terminal_is_stopped(
    on_terminal: Callable[..., Session], drawn: bool
) -> None:
    """Where nothing can be dropped, what draws waits until the program has ended; from its first
    picture on.
    """
    session = on_terminal("--demo")
    if drawn:
        session.see("BTC/USD book")
    termios.tcflow(session.terminal.theirs, termios.TCOOFF)
    end = time.monotonic() + DEADLINE_S
    while termios.tcgetattr(session.terminal.theirs) == session.before:  # It draws after that.
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(1.0)  # Until it waits: nobody can see that from here.
    session.process.send_signal(signal.SIGINT)
    try:
        assert session.process.wait(timeout=BOUND_S) == 128 + signal.SIGINT
    finally:
        termios.tcflow(session.terminal.theirs, termios.TCOON)


def test_a_pair_that_is_refused_is_told_in_the_end(
    on_terminal: Callable[..., Session], start: Start
) -> None:
    """The others are shown; without any, the screen still is."""
    exchange = start("exchange", "--no-tls", "--port", "0")
    assert exchange.stdout is not None
    url = re.search(r"ws://[^\s,]+", exchange.stdout.readline())
    assert url
    session = on_terminal("NO/NO", "BTC/USD", "--url", url[0])
    session.see("1>  BTC/USD", "BTC/USD book: synchronised", "Not Kraken")
    session.type(b"q")
    assert session.end() == 0
    assert "NO/NO was refused: Currency pair not supported NO/NO" in session.terminal.seen


def test_without_a_terminal_there_are_lines(run: Run) -> None:
    """A line a second for each pair, what happened, and how it is."""
    done = run("top", "--demo", "--seconds", "2.5", "BTC/USD", "ETH/USD")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("Simulation: wss://")
    assert "  state: public: subscribing to subscribed" in lines
    assert re.search(r"  ETH/USD: last \d+\.\d\d, change_pct -?[\d.]+, bid [\d.]+", done.out)
    assert re.search(r"^  (healthy|degraded): ", done.out, re.MULTILINE)
    assert "\x1b" not in done.out


def test_nobody_who_reads_ends_it(start: Start) -> None:
    """As with every program."""
    process = start("top", "--demo", env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 141


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["what"], "BASE/QUOTE"),
        (["--url", "http://x"], "wss://"),
        (["--seconds", "0"], "above 0"),
        (["A/B", "C/D", "E/F", "G/H", "I/J", "K/L"], "5 at most"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, words: list[str], complaint: str) -> None:
    """On standard error, with the code for it."""
    done = run("top", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err
