"""What a recorder tells of itself; ``test_recorder`` has it tell."""

from __future__ import annotations

import pytest

from kraken_trio.extended import RecordingResumed, RecordingStopped


@pytest.mark.parametrize(
    "told", [RecordingStopped("rec.jsonl", "full", 3), RecordingResumed("rec.0002.jsonl", 5)]
)
def test_what_is_told_stays_as_it_is(told: RecordingStopped | RecordingResumed) -> None:
    """It says where, and how much is lost."""
    with pytest.raises(AttributeError):
        told.lost = 0  # type: ignore[misc]
    assert told.path.startswith("rec.")
