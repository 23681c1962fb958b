"""The command line as a whole: its commands, its version, its completion, and how it complains."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from kraken_trio.__main__ import main

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

COMMANDS = ("demo", "watch", "orders", "balances", "token", "verify", "exchange", "doctor")


def test_the_version_says_what_it_runs_on(run: Run) -> None:
    """For those who report a fault."""
    done = run("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"kraken-trio {metadata.version('kraken-trio')} (Python 3.")
    assert f"trio {metadata.version('trio')}" in done.out


@pytest.mark.parametrize(
    "words, complaint, command",
    [
        (["nope"], "nope", ""),
        (["--nope"], "--nope", ""),
        (["demo", "--nope"], "--nope", "demo "),
        (["demo", "extra"], "extra", "demo "),
        (["watch", "--count", "many"], "many", "watch "),
        (["watch", "--count", "0"], "Must be above 0.", "watch "),
        (["verify"], "FILE", "verify "),
        (["--install-completion", "--shell", "nope"], "nope", "--install-completion "),
        (["\x1b[2J"], "?[2J", ""),
        (["demo", "--\x1b[2J"], "?[2J", "demo "),
    ],
)
def test_what_is_not_understood_is_told(
    run: Run, words: list[str], complaint: str, command: str
) -> None:
    """On standard error, with the help to look at, that of the command; exit code 2; printable."""
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err
    assert f"  kraken-trio {command}--help  shows" in done.err
    assert done.err.replace("\n", "").isprintable()
    assert "Traceback" not in done.err


def test_the_module_runs_the_command_line(program: Run) -> None:
    """``python -m kraken_trio`` is the command."""
    assert program("--version").out.startswith("kraken-trio ")


def test_an_output_that_was_closed_before_is_no_reason_to_fail() -> None:
    """Whoever closed it does not want to see it."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m kraken_trio --version >&- 2>&-']
    )
    assert process.wait(timeout=60) == 0


def test_without_its_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing package is named, with the line that installs it."""
    monkeypatch.delitem(sys.modules, "kraken_trio._internal.apps.cli", raising=False)
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert 'cyclopts: install it with  pip install "kraken-trio[cli]"' in err
    assert len(err.splitlines()) == 1


def test_a_module_of_ours_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is sent to install what cannot be installed."""
    monkeypatch.setitem(sys.modules, "kraken_trio._internal.apps.cli", None)
    with pytest.raises(ModuleNotFoundError, match=r"kraken_trio\._internal\.apps\.cli"):
        main()


def test_help_needs_neither_the_simulated_exchange_nor_its_certificates() -> None:
    """A command line that starts slowly is not used."""
    code = (
        "import sys; from kraken_trio._internal.apps.cli import run; run(['--help']);"
        "print([n for n in ('trustme', 'cryptography', 'kraken_trio.testing', 'rich.live') "
        "if n in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
