"""The example that plots what was exported."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from kraken_trio.extended import export_capture

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [
    pytest.mark.extra("export"),  # noqa: S610 - a mark of pytest, no query of Django
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("matplotlib", "pandas")),
        reason="the group plot is not installed",
    ),
]


def test_it_draws_a_picture(tmp_path: Path) -> None:
    """Of a recording, by way of its tables."""
    capture, picture = tmp_path / "capture.jsonl", tmp_path / "plot.png"
    said = ""
    for words in (
        [EXAMPLES / "generate_capture.py", capture, "--frames", 500],
        [EXAMPLES / "plot_export.py", tmp_path / "tables", picture],
    ):
        if capture.exists():
            export_capture(capture, to=tmp_path / "tables")
        said = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, *map(str, words)],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
    assert "states of the book" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
