"""The demonstration, as a user would run it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from kraken_trio._internal.apps.cli import app

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def run(*words: str) -> int:
    """Run a command, and give its exit code."""
    with pytest.raises(SystemExit) as stop:
        app(words)
    return int(stop.value.code or 0)


def test_the_demo_shows_a_verified_feed(capsys: pytest.CaptureFixture[str]) -> None:
    """It connects over TLS, prints what happens, and ends with a summary that says ok."""
    assert run("demo", "--seconds", "1.2", "--symbols", "BTC/USD", "--symbols", "ETH/USD") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "simulated exchange at wss://" in out
    assert "connecting -> subscribing (established)" in out
    assert "BTC/USD" in out
    assert "ETH/USD" in out
    assert " 0 wrong" in out
    assert out.rstrip().endswith("ok")


def test_a_pair_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be shown is said on standard error, with the code for it."""
    assert run("demo", "--seconds", "1", "--symbols", "NO/PE") == 2
    out, err = capsys.readouterr()
    assert "Currency pair not supported NO/PE" in err
    assert "ok" not in out.splitlines()[-1]


@pytest.mark.parametrize("lines", [1, 4])
def test_ctrl_c_ends_it_at_once_and_quietly(lines: int) -> None:
    """While it connects, or while it runs: no traceback, and the exit code of an interrupt."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "kraken_trio", "demo", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
