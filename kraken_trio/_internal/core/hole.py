"""What is missing in one place: records that were dropped, and gaps that lost their own place.

Knows how they become one gap. Imports nothing but the vocabulary.
"""

from __future__ import annotations

import msgspec

from kraken_trio._internal.model.gap import Gap, GapReason


class Hole:
    """What is missing in one place, of one symbol of one channel."""

    __slots__ = ("_gap", "_records", "key", "placed")

    def __init__(self, key: tuple[str, str | None]) -> None:
        """Start with nothing missing; ``key`` is a channel and a symbol."""
        self.key = key
        """Whose it is."""
        self.placed = False
        """Whether the consumer will come to it."""
        self._records = 0
        # A gap that somebody put, and that lost its own place to this hole.
        self._gap: Gap | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is missing yet."""
        return not self._records and self._gap is None

    def lose(self) -> int:
        """Add a record; give how many there are now."""
        self._records += 1
        return self._records

    def absorb(self, gap: Gap) -> None:
        """Add a gap that stood here, or would stand right beside."""
        old = self._gap
        if old is None:
            self._gap = gap
            return
        size = None if old.size is None or gap.size is None else old.size + gap.size
        self._gap = msgspec.structs.replace(
            old, received=gap.received, size=size, to_time=gap.to_time
        )

    def gap(self) -> Gap:
        """As one gap: of unknown size where a part of it is, and as it was put where it is all."""
        gap, size = self._gap, self._records
        if gap is None:
            return Gap(*self.key, GapReason.OVERFLOW, size=size)
        if not size:
            return gap
        return Gap(
            *self.key, GapReason.OVERFLOW, size=None if gap.size is None else gap.size + size
        )
