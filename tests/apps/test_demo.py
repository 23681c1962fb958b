"""The demonstration, as a user would run it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.apps.conftest import Run, Start, Terminal

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def test_the_demo_shows_a_verified_feed(run: Run) -> None:
    """It connects over TLS, prints what happens, and ends with a summary that says ok."""
    done = run("demo", "--seconds", "1.2", "--symbols", "BTC/USD", "--symbols", "ETH/USD")
    assert (done.code, done.err) == (0, "")
    assert "simulated exchange at wss://" in done.out
    assert "connecting -> subscribing (established)" in done.out
    assert "BTC/USD" in done.out
    assert "ETH/USD" in done.out
    assert " 0 wrong" in done.out
    assert done.out.rstrip().endswith("ok")
    assert "\x1b" not in done.out


def test_any_pair_can_be_shown(run: Run) -> None:
    """Several in one option, also one that no exchange has."""
    done = run("demo", "--seconds", "1.2", "--symbols", "NEW/PAIR", "XBT/USD")
    assert done.code == 0
    assert "NEW/PAIR" in done.out
    assert "BTC/USD" in done.out


def test_with_chaos_it_shows_what_breaks_and_how_it_is_mended(run: Run) -> None:
    """A line for each, and in the end all is live again."""
    done = run("demo", "--chaos", "--seconds", "4", "--seed", "3", "--symbols", "BTC/USD")
    assert (done.code, done.err) == (0, "")
    for start in ("  broke   ", "  missed  ", "  mended  "):
        assert f"\n{start}" in done.out
    assert done.out.rstrip().endswith("all live again, ok")


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["--symbols", "NOPE"], "must be BASE/QUOTE, is 'NOPE'"),
        (["--seconds", "0"], "Must be above 0."),
        (["--seconds", "nan"], "Must be above 0."),
        (["--seconds", "long"], "long"),
        (["--seed", "x"], "x"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, words: list[str], complaint: str) -> None:
    """On standard error, with the code for it."""
    done = run("demo", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err


@pytest.mark.parametrize("lines", [1, 4, 7])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_and_quietly(
    start: Start, lines: int, number: signal.Signals
) -> None:
    """While it connects, or while it runs: no traceback; a summary if there is anything to sum."""
    process = start("demo", "--seconds", "60", env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (128 + number, "")
    if lines == 7:
        assert " 0 wrong" in out.splitlines()[-1]


def on_terminal(start: Start, terminal: Terminal, *words: str, **environ: str) -> Callable[[], int]:
    """Start the demo on a terminal; give what waits for its end and gives its exit code."""
    plain = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")
    }
    process = start(
        "demo",
        *words,
        stdin=terminal.theirs,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        env={**plain, "TERM": "xterm-256color", **environ},
    )
    os.close(terminal.theirs)

    def end() -> int:
        terminal.read()
        return process.wait(timeout=20)

    end.process = process  # type: ignore[attr-defined]
    return end


def test_chaos_on_a_terminal(start: Start, terminal: Callable[[int, int], Terminal]) -> None:
    """Lines above the table, which lives on, and the summary at the end."""
    screen = terminal(100, 24)
    end = on_terminal(start, screen, "--chaos", "--seconds", "4", "--seed", "3")
    assert end() == 0
    assert "broke   " in screen.seen
    assert "mended  " in screen.seen
    last = screen.seen.rpartition("\x1b[?25h")[2]
    assert last.rstrip().endswith("all live again, ok")


@pytest.mark.parametrize(
    "columns, there, left_out", [(80, ["spread", "verified"], []), (40, ["gaps"], ["spread"])]
)
def test_on_a_terminal_it_is_a_table_that_lives(
    start: Start,
    terminal: Callable[[int, int], Terminal],
    columns: int,
    there: list[str],
    left_out: list[str],
) -> None:
    """It is drawn over and over, fits, and stays when the summary follows."""
    screen = terminal(columns, 24)
    end = on_terminal(start, screen, "--seconds", "1.5")
    assert end() == 0
    assert screen.seen.count("subscribed, ") > 2
    assert "live" in screen.seen
    for word in there:
        assert word in screen.seen
    for word in left_out:
        assert word not in screen.seen
    last = screen.seen.rpartition("\x1b[?25h")[2]
    assert last.rstrip().endswith("0 faulty frames: ok")
    assert "\x1b[32m" in screen.seen


def test_no_color_is_honoured(start: Start, terminal: Callable[[int, int], Terminal]) -> None:
    """The table lives without any colour."""
    screen = terminal(80, 24)
    end = on_terminal(start, screen, "--seconds", "0.8", NO_COLOR="1")
    assert end() == 0
    assert "live" in screen.seen
    assert "\x1b[3" not in screen.seen


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    start: Start, terminal: Callable[[int, int], Terminal]
) -> None:
    """As a file does."""
    screen = terminal(80, 24)
    end = on_terminal(start, screen, "--seconds", "1.2", TERM="dumb")
    assert end() == 0
    assert "book updates" in screen.seen
    assert "\x1b" not in screen.seen


def test_ctrl_c_gives_the_terminal_back(
    start: Start, terminal: Callable[[int, int], Terminal]
) -> None:
    """The cursor is there again, the table stays, and the summary is under it."""
    screen = terminal(80, 24)
    end = on_terminal(start, screen, "--seconds", "inf")
    screen.read("live")
    end.process.send_signal(signal.SIGINT)  # type: ignore[attr-defined]
    assert end() == 130
    assert "Traceback" not in screen.seen
    assert screen.seen.count("\x1b[?25l") == screen.seen.count("\x1b[?25h") == 1
    assert "0 wrong" in screen.seen.rpartition("\x1b[?25h")[2]
