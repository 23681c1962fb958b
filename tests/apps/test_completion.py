"""Completion is installed for the shell that is meant, and touches nothing else."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cyclopts.completion.detect import ShellDetectionError

from kraken_trio._internal.apps import completion

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

COMMANDS = ("demo", "watch", "verify", "exchange", "doctor")


@pytest.mark.parametrize(
    "shell, mark", [("bash", "complete "), ("zsh", "#compdef"), ("fish", "-c")]
)
def test_completion_is_installed_for_each_shell(
    run: Run, tmp_path: Path, shell: str, mark: str
) -> None:
    """The script knows the commands and their options; what is left to do is said."""
    file = tmp_path / "completion"
    done = run("--install-completion", "--shell", shell, "--output", file)
    assert done.code == 0
    assert done.out.startswith(f"Completion for {shell} is in {file}\nShells read it once this ")
    script = file.read_text(encoding="utf-8")
    assert mark in script
    for word in (*COMMANDS, "kraken-trio", "capture", "interval"):
        assert word in script


def test_completion_leaves_the_files_of_its_user_alone(program: Run, tmp_path: Path) -> None:
    """It has a file of its own, where bash looks for such."""
    (tmp_path / ".bashrc").write_text("mine\n")
    done = program(
        "--install-completion", "--shell", "bash", env={**os.environ, "HOME": str(tmp_path)}
    )
    assert done.code == 0
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {".bashrc", ".local/share/bash-completion/completions/kraken-trio"}
    assert (tmp_path / ".bashrc").read_text() == "mine\n"


def test_bash_understands_the_completion(run: Run, tmp_path: Path) -> None:
    """It parses, and offers what begins with what was typed."""
    file = tmp_path / "completion"
    run("--install-completion", "--shell", "bash", "--output", file)
    ask = (
        f'. "{file}"; COMP_WORDS=(kraken-trio wa); COMP_CWORD=1; COMP_LINE="kraken-trio wa"; '
        "COMP_POINT=${#COMP_LINE}; "
        'eval "$(complete -p kraken-trio | sed "s/.*-F \\([^ ]*\\).*/\\1/")"; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            ["bash", "--norc", "-c", ask],  # noqa: S607 - whichever there is
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("no bash here")
    assert done.stdout.split() == ["watch"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_that_calls_is_known(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    """Its script is where it looks for such, and what is left to do is said."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ZSH", "ZSH_CUSTOM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(completion, "detect_shell", lambda: shell)
    done = run("--install-completion")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Completion for {shell} is in {tmp_path}/.")
    assert len(done.out.splitlines()) > 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    "found, words",
    [
        (
            ShellDetectionError(),
            "shell: cannot be told from here. Name one with --shell: bash, zsh",
        ),
        (
            "powershell",
            "shell: is powershell, which is not known here. Name one with --shell: bash",
        ),
    ],
)
def test_a_shell_that_is_not_known_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, found: str | Exception, words: str
) -> None:
    """With the code for what cannot be done."""

    def detect() -> str:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(completion, "detect_shell", detect)
    done = run("--install-completion")
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_only_known_shells_are_offered(run: Run) -> None:
    """Whatever else the library below knows."""
    said = " ".join(run("--install-completion", "--help").out.split())
    # In any order: to ``typing``, the library's own list of them is the same literal.
    found = re.search(r"\[choices: ([a-z, ]+)\]", said)
    assert found
    assert sorted(found[1].split(", ")) == ["bash", "fish", "zsh"]
    assert run("--install-completion", "--shell", "powershell").code == 2


def test_a_script_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    """With the code for it."""
    (tmp_path / "file").touch()
    done = run("--install-completion", "--shell", "bash", "-o", tmp_path / "file" / "script")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("kraken-trio: ")
