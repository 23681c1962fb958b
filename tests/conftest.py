"""What every test may use: the folders of real traffic, where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow shared machine is not a failure, and a test must not depend on luck: the default
# profile draws the same examples every time; "explore" looks for new ones.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def captures() -> Path:
    """Give the folder of captured traffic, or skip: it is not part of the project."""
    folder = os.environ.get("KRAKEN_TRIO_CAPTURES")
    if not folder:
        pytest.skip("KRAKEN_TRIO_CAPTURES names no folder of captured traffic")
    path = Path(folder).resolve()
    assert path.is_dir(), f"KRAKEN_TRIO_CAPTURES names {path}, which is no folder"
    return path


@pytest.fixture(scope="session")
def examples(captures: Path) -> Path:
    """Give the folder of protocol examples that stands beside the captures, or skip."""
    path = captures.parent / "protocol" / "examples"
    if not path.is_dir():
        pytest.skip(f"no protocol examples at {path}")
    return path
