"""Environments for the rivals: what is measured beside ours, and never mixed with it.

    python benchmarks/rivals.py FOLDER

Makes them there, one for each that gets in the way of another; one that is there already is kept.
``nox -s bench`` does this, and tells the benchmarks where they are by ``KRAKEN_TRIO_RIVALS``; they
ask ``python_of("transports")`` for the Python to run a script with, and leave out who has none.

Versions are those of the group ``rivals`` in ``pyproject.toml``. What needs a newer Python than
ours gets one if one is found; then ours is installed for that Python too, so that clients are
compared, and not interpreters.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

FOLDER = "KRAKEN_TRIO_RIVALS"
"""The variable that names the folder of the environments."""
OURS_NEWER = "kraken_trio"
"""The environment that has ours, for the Python that some rivals need."""
PACKAGES = {
    "transports": ("aiohttp", "msgspec", "picows", "uvloop", "websockets"),
    "ccxt": ("ccxt",),
    "python-kraken-sdk": ("python-kraken-sdk",),
    "cryptofeed": ("cryptofeed",),
    "nautilus_trader": ("nautilus_trader",),
}
"""What each environment has."""
NEWER = (3, 13)
"""The Python that cryptofeed 3 needs at least."""
NEED_NEWER = ("cryptofeed", "nautilus_trader", OURS_NEWER)
ROOT = Path(__file__).parents[1]
INSTALL_TIMEOUT_S = 600

_STAMP = "installed"


def python_of(name: str) -> Path | None:
    """Give the Python of an environment; None where it is not installed."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    home = Path(folder).resolve() / name
    return _python_in(home) if (home / _STAMP).exists() else None


def versions(*names: str) -> dict[str, str]:
    """Give the versions of what is installed in these environments.

    With no names it is all of them, and the newer Python that some of them have.
    """
    found: dict[str, str] = {}
    for name in names or PACKAGES:
        python = python_of(name)
        if python:
            stamp = python.parents[1] / _STAMP
            pinned = (line.partition("==") for line in stamp.read_text("utf-8").splitlines()[1:])
            found |= {package: version for package, _, version in pinned}
    newer = python_of(OURS_NEWER)
    if newer and not names:
        asked = [str(newer), "-c", "import platform; print(platform.python_version())"]
        ran = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603
        found["the newer Python"] = ran.stdout.strip()
    return found


def _python_in(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def requirements(name: str, pyproject: str) -> list[str]:
    """Give what is installed into an environment, in pip's words."""
    if name == OURS_NEWER:
        return [f"{ROOT}[testing]"]
    groups = tomllib.loads(pyproject)["dependency-groups"]
    pinned = {
        line.partition("==")[0]: line
        for group in ("rivals", "foreign")
        for line in groups[group]
        if isinstance(line, str)
    }
    return [pinned[package] for package in PACKAGES[name]]


def newer_python() -> str | None:
    """Find a Python of the version that some need: this one, one on the path, one of pyenv's."""
    if sys.version_info >= NEWER:
        return sys.executable
    wanted = "{}.{}".format(*NEWER)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which(f"python{wanted}")
    found = [on_path] if on_path else []
    for candidate in (*found, *map(str, sorted(pyenv.glob(f"{wanted}.*/bin/python")))):
        # A shim may be on the path that leads nowhere, so it is asked.
        asked = subprocess.run(  # noqa: S603 - what the machine has
            [candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and asked.stdout.strip() == wanted:
            return candidate
    return None


def make(name: str, home: Path) -> str | None:
    """Make an environment, unless it is there; say what went wrong."""
    wanted = requirements(name, (ROOT / "pyproject.toml").read_text("utf-8"))
    base = newer_python() if name in NEED_NEWER else sys.executable
    if base is None:
        return "there is no Python {}.{} here".format(*NEWER)
    stamp, content = home / _STAMP, "\n".join([base, *wanted])
    there = stamp.exists() and stamp.read_text("utf-8") == content
    if there and name != OURS_NEWER:  # Ours may have changed under the same name.
        return None
    commands = [[base, "-m", "venv", "--clear", str(home)]] if not there else []
    commands.append([str(_python_in(home)), "-m", "pip", "install", "-q", *wanted])
    try:
        for command in commands:
            subprocess.run(  # noqa: S603 - our own words
                command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
            )
    except (OSError, subprocess.SubprocessError) as error:
        stamp.unlink(missing_ok=True)
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        return re.sub(r"\s+", " ", said[-1])
    stamp.write_text(content, "utf-8")
    return None


def main() -> None:
    """Make all of them; one that cannot be made is left out with a word."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):  # noqa: PLR2004 - one word after ours
        sys.exit(__doc__)
    for name in (*PACKAGES, OURS_NEWER):
        problem = make(name, Path(sys.argv[1]).resolve() / name)
        print(f"{name}: {f'left out: {problem}' if problem else 'ready'}", flush=True)


if __name__ == "__main__":
    main()
