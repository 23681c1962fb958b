"""The page of what the Autobahn fuzzing server found, as ``nox -s autobahn`` wrote it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


def test_ours_fails_nothing() -> None:
    """No case of ours failed, neither in its message nor in its close; and all are counted."""
    text = PAGE.read_text(encoding="utf-8")
    (total,) = re.findall(r"^\|  \| all \| ([^|]+) \|", text, re.MULTILINE)
    ok, non_strict, informational, failed = map(int, total.split(","))
    assert failed == 0
    assert ok + non_strict + informational == 246
    ours = re.findall(r"^\| [\d.]+ \| ([^|]+), close ([^|]+) \|", text, re.MULTILINE)
    assert ours
    assert not [outcome for outcome in ours if "FAILED" in outcome]
