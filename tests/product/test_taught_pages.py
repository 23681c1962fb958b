"""Every program of tutorial, how-tos and explanations runs, and says what it is shown to say.

A block of Python is a whole program, or a file of tests; a block of text right behind it is its
output, to the letter. After a change that is wanted: ``python tests/product/test_taught_pages.py
--write``.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for folder in ("tutorial", "howto", "explanation")
    for page in (PROJECT / "docs" / folder).glob("*.md")
)
PROGRAM = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<out>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
DIALOGUE = re.compile(r"^```\{doctest\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOCKETS = re.compile(r"\.listen\(|serve_")
EXTRAS = {"serve_metrics": "metrics", "client_ssl_context": "testing"}
"""What a program says that needs an extra, and that."""
PATIENCE_S = 120
PROGRAMS = [
    pytest.param(
        found["code"],
        found["out"],
        id=f"{page.parent.name}/{page.stem}-{number}",
        marks=[pytest.mark.extra(extra) for word, extra in EXTRAS.items() if word in found["code"]],  # noqa: S610 - a mark of pytest
    )
    for page in PAGES
    for number, found in enumerate(PROGRAM.finditer(page.read_text(encoding="utf-8")), 1)
]


def run(code: str) -> str:
    """Run a program as its reader would, but that Trio's clock jumps: what it says."""
    body, _, last = code.rstrip().rpartition("\n")
    if last == "trio.run(main)":
        names: dict[str, Any] = {"__name__": "__main__"}
        # With real sockets time must not jump: whoever waits for one does wait.
        clock = None if SOCKETS.search(code) else trio.testing.MockClock(autojump_threshold=0)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(body, "page", "exec"), names)  # noqa: S102 - our own words
            trio.run(names["main"], clock=clock)
        return out.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test_bot.py"
        path.write_text(code, encoding="utf-8")
        tests = "async def test_" in code
        words = ["-m", "pytest", "-q", "-o", "trio_mode=true", "-p", "no:cacheprovider"]
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-W", "error", *(words if tests else []), path.name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return "" if tests else done.stdout


@pytest.mark.parametrize("code, out", PROGRAMS)
def test_programs_say_what_is_shown(code: str, out: str | None) -> None:
    """Each ends well; and where its output is shown, that is it."""
    said = run(code)
    assert out is None or said == out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_dialogues_are_what_python_says(page: Path) -> None:
    """What is shown as a dialogue with Python is one."""
    text = "\n".join(DIALOGUE.findall(page.read_text(encoding="utf-8")))
    dialogue = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    failures = io.StringIO()
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
        dialogue, out=failures.write
    )
    assert not failed, failures.getvalue()


def write(page: Path) -> None:
    """Put what each program says today in its place."""

    def said(found: re.Match[str]) -> str:
        if found["out"] is None:
            return found[0]
        return f"```python\n{found['code']}```\n\n```text\n{run(found['code'])}```"

    text = page.read_text(encoding="utf-8")
    page.write_text(PROGRAM.sub(said, text), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] != ["--write"]:
        sys.exit(f"usage: {sys.argv[0]} --write [PAGE...]")
    for each in PAGES if len(sys.argv) == len(["name", "--write"]) else map(Path, sys.argv[2:]):
        write(each)
