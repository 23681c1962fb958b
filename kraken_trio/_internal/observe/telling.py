"""What a recorder tells of itself. Data only."""

from __future__ import annotations

from msgspec import Struct


class RecordingStopped(Struct, frozen=True):
    """Nothing is recorded any more, for now: the feed goes on, and so do attempts to record."""

    path: str
    """The part that could not be written."""
    reason: str
    """Why, in the words of the system."""
    lost: int
    """Lines that were lost with it; those to come are counted when it resumes."""


class RecordingResumed(Struct, frozen=True):
    """There is room again, and a new part has begun."""

    path: str
    """The new part."""
    lost: int
    """Lines that are missing before it, all in all."""


class RecorderStatistics(Struct, frozen=True, kw_only=True):
    """A recorder at one moment."""

    frames: int
    """Frames that were written."""
    steps: int
    """Steps that were written."""
    lost: int
    """Lines that were not: there was no room for them, in memory or on the disk."""
    waiting_bytes: int
    """What frames that wait to be written take."""
    parts: tuple[str, ...]
    """The files, in order."""
    stopped: str | None
    """Why nothing is recorded at present; None where all is well."""
