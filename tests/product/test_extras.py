"""Each extra is used by the script that sees what it can do alone, and that script works."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.product.extra_alone import USES

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


def test_each_extra_is_used() -> None:
    """A new one needs its use."""
    assert USES.keys() - {"core"} == EXTRAS.keys() - {"full"}


@pytest.mark.long  # Where only the environment is another, the session does it better.
@pytest.mark.extra("full")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("extra", USES)
def test_it_can_be_used(extra: str) -> None:
    """Among all others, here; alone, in the session of that name."""
    script = ROOT / "tests" / "product" / "extra_alone.py"
    ran = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, str(script), extra, "--among-others"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
