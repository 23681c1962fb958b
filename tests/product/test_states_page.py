"""The page with the state diagrams is what the tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "draw_states.py"


def test_the_diagrams_agree_with_the_tables() -> None:
    """docs/states.md is what docs/draw_states.py draws today."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, "run: python docs/draw_states.py"
