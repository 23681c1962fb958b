"""The command, as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from kraken_trio._internal.apps.dashboard.command import address

if TYPE_CHECKING:
    from tests.apps.conftest import Run, Start

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BOUND_S = 10.0
"""For an end, on a machine that is slow."""


def where(process: subprocess.Popen[str]) -> str:
    """Read the first line, which says where it is."""
    assert process.stdout is not None
    found = re.fullmatch(r"dashboard at (http://127\.0\.0\.1:\d+/)\n", process.stdout.readline())
    assert found
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(start: Start, number: signal.Signals) -> None:
    """It says where it is and what it shows, at once; it ends at once, and quietly."""
    process = start("dashboard", "NEW/PAIR", "--demo", "--port", "0")
    url = where(process)
    assert process.stdout is not None
    assert process.stdout.readline().endswith(", the market is made up\n")
    assert httpx2.get(url).status_code == 200
    info = httpx2.get(f"{url}api/info").json()
    assert info["source"]["kind"] == "simulation"
    with httpx2.stream("GET", f"{url}api/capture"):
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < BOUND_S
    assert (process.returncode, out, err) == (128 + number, "", "")


def test_it_ends_when_it_was_asked_to(run: Run) -> None:
    """Without an error."""
    done = run("dashboard", "--demo", "--port", "0", "--seconds", "0.5")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("dashboard at http://127.0.0.1:")


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["BTC"], "BASE/QUOTE"),
        (["A/B", "C/D", "E/F", "G/H", "I/J", "K/L"], "must be 5 at most, are 6"),
        (["--port", "70000"], "65535"),
        (["--url", "http://x", "--port", "0"], "wss://"),
        (["--demo", "--host", "192.0.2.1", "--port", "0"], "192.0.2.1, port 0"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, words: list[str], complaint: str) -> None:
    """On standard error, with the code for it."""
    done = run("dashboard", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err
    assert done.err


def test_without_its_extra_it_says_what_to_install() -> None:
    """And not a line of Python."""
    block = "import sys; sys.modules['anycorn'] = None; "
    block += "from kraken_trio._internal.apps.cli import run; sys.exit(run(['dashboard']))"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", block],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 2
    assert 'pip install "kraken-trio[dashboard]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "host, url",
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("::1", "http://[::1]:80/"),
        ("0.0.0.0", "http://localhost:80/"),  # noqa: S104 - what is printed of it
        ("desk.example", "http://desk.example:80/"),
    ],
)
def test_an_address_leads_there(host: str, url: str) -> None:
    """From a browser on this machine."""
    assert address(host, 80) == url
