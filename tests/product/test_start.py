"""Ctrl-C while the command line starts, which takes a while, is as quiet as it is later."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kraken_trio._internal.start import starts_command

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

SCRIPT = str(Path(sys.executable).with_name("kraken-trio"))
MOMENTS_MS = range(0, 601, 120)
"""After the start: from before the first line of ours, over all imports, to the command itself."""
AT_AN_IMPORT = """
import builtins, os, signal, sys
left, real = int(sys.argv.pop(1)), builtins.__import__
def count(*args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return real(*args, **kwargs)
import _kraken_trio
builtins.__import__ = count
_kraken_trio.main()
"""


def spoken(errors: str) -> str:
    """Leave out what a command says by itself."""
    return "\n".join(line for line in errors.splitlines() if "->" not in line)


@pytest.mark.parametrize("ms", MOMENTS_MS)
@pytest.mark.parametrize(
    "start", [[SCRIPT], [sys.executable, "-m", "kraken_trio"]], ids=["script", "module"]
)
def test_ctrl_c_at_any_moment_is_quiet(start: list[str], ms: int) -> None:
    """No traceback, and the exit code of an interrupt, which a shell makes of the signal, too."""
    if not Path(start[0]).exists():
        pytest.skip("the script is not installed here")
    words = ["watch", "BTC/USD", "--url", "ws://127.0.0.1:9/v2", "--attempts", "0"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*start, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(ms / 1000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if "Traceback" in err and "kraken_trio" not in err:
        pytest.skip("Python had not come to our first line yet")
    # Before it knows of signals at all, the system ends it.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, spoken(err)) == ("", "")


@pytest.mark.parametrize("imports", [1, 30, 300, 1000])
def test_ctrl_c_at_any_import_is_quiet(imports: int) -> None:
    """However deep in whatever module, of ours or of others."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", AT_AN_IMPORT, str(imports), "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_who_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    """As what a script starts in the background does."""
    program = (
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "import _kraken_trio; os.kill(os.getpid(), signal.SIGINT); _kraken_trio.main()"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout[:12]) == (0, "kraken-trio ")


@pytest.mark.parametrize(
    "program, argv, expected",
    [
        (["python", "-m", "kraken_trio", "demo"], ["-m", "demo"], True),
        (["python", "-X", "dev", "-m", "kraken_trio"], ["-m"], True),
        (["python", "-m", "other", "-m", "kraken_trio"], ["-m", "-m", "kraken_trio"], False),
        (["python", "-m", "kraken_trio"], ["/there/other.py"], False),
        (["python", "bot.py", "kraken_trio"], ["bot.py", "kraken_trio"], False),
        (["python", "-c", "import kraken_trio"], ["-c"], False),
        (["python"], [], False),
    ],
)
def test_only_the_command_line_is_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, program: list[str], argv: list[str], expected: bool
) -> None:
    """A program that imports the package keeps its Ctrl-C."""
    monkeypatch.setattr(sys, "orig_argv", program)
    monkeypatch.setattr(sys, "argv", argv)
    assert starts_command() is expected


def test_a_program_that_imports_the_package_keeps_its_ctrl_c() -> None:
    """It raises ``KeyboardInterrupt``, as ever."""
    program = (
        "import signal; import kraken_trio, kraken_trio.extended, kraken_trio.testing;"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603
