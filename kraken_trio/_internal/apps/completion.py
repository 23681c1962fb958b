"""Completion of the command line in a shell: writes the script for it, and says what is left to do.

Cyclopts knows the scripts, where each shell looks for such, and which shell called; which shells
are meant, and how it ends, is said here. A file that a user wrote is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, cast, get_args

from cyclopts import App, Parameter
from cyclopts.completion.detect import ShellDetectionError, detect_shell

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.ending import WELL
from kraken_trio._internal.apps.text import shown

Shell = Literal["bash", "zsh", "fish"]
"""A shell whose completion is known here; cyclopts may know others."""

_USUAL: Final[dict[Shell, str]] = {
    "bash": "New shells read it, where the package bash-completion is installed.",
    "zsh": (
        "Shells read it once this stands in ~/.zshrc, if it does not yet:\n"
        "  fpath=({folder} $fpath); autoload -Uz compinit && compinit"
    ),
    "fish": "New shells read it.",
}
_ELSEWHERE: Final[dict[Shell, str]] = {
    "bash": "Shells read it once this stands in ~/.bashrc:\n  source {file}",
    "zsh": (
        "Shells read it once this stands in ~/.zshrc, and its name begins with _:\n"
        "  fpath=({folder} $fpath); autoload -Uz compinit && compinit"
    ),
    "fish": "Shells read it once this stands in ~/.config/fish/config.fish:\n  source {file}",
}


def completion_of(app: App) -> Callable[..., int]:
    """Give the command that installs the completion of ``app``."""

    def install(
        *,
        shell: Shell | None = None,
        output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    ) -> int:
        """Install completion for bash, zsh or fish, and say what is left to do.

        The script is written to where that shell looks for such, or to --output. No file of
        yours is changed.

        Exit code 0: it is written; 2: it could not be, or the shell cannot be told.

        For example::

            kraken-trio --install-completion
            kraken-trio --install-completion --shell zsh --output ~/.zfunc/_kraken-trio

        Parameters
        ----------
        shell
            Which shell; the one that calls, unless it is named.
        output
            Where to write the script.
        """
        shell = _calling() if shell is None else shell
        path = app.install_completion(shell=shell, output=output, add_to_startup=False)
        print(f"Completion for {shell} is in {shown(str(path))}")
        words = _USUAL if output is None else _ELSEWHERE
        print(words[shell].format(file=path, folder=path.parent))
        return WELL

    return install


def _calling() -> Shell:
    """The shell that called. Raises ``ConfigurationError`` where it is none of those known."""
    try:
        found: str = detect_shell()
    except ShellDetectionError:
        found = ""
    if found not in get_args(Shell):
        raise ConfigurationError(
            field="shell",
            rule=f"is {found}, which is not known here" if found else "cannot be told from here",
            mend=f"Name one with --shell: {', '.join(get_args(Shell))}",
        )
    return cast("Shell", found)
