"""How far a command is; ``test_verify`` has it on a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kraken_trio._internal.apps.progress import progress_of

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def test_where_nobody_looks_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the file looked at."""
    monkeypatch.setattr(os, "isatty", lambda _: False)
    with progress_of(tmp_path / "nothing") as progress:
        assert progress is None
