"""The page of what the exchange refuses with is what the table says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "draw_errors.py"


def test_the_page_agrees_with_the_table() -> None:
    """docs/errors.md is what docs/draw_errors.py draws today."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, "run: python docs/draw_errors.py"
