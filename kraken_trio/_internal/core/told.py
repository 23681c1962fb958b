"""A buffer whose consumer is watched: what is taken is told, with the moment.

Made only where somebody wants to know, so that every other buffer is what it was and costs what it
did. Knows what counts as taken in time, and nothing of what is made of it.
"""

from __future__ import annotations

from collections.abc import Callable

from kraken_trio._internal.core.buffer import Buffer, Item, OnOverflow, SnapshotOf
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.timestamp import Timestamp

Taken = Callable[[Item, Timestamp], object]
"""Is told what was taken, and when. Must not raise, nor put anything here."""


class ToldBuffer(Buffer):
    """Tells of each record that came while its consumer was there, as it is taken.

    What the consumer is given for having come late is older than that, and would look as if it had
    waited here: it is not told.
    """

    __slots__ = ("_now", "_since", "_taken")

    def __init__(
        self,
        capacity: int,
        policy: DropPolicy,
        snapshot_of: SnapshotOf | None = None,
        on_overflow: OnOverflow | None = None,
        *,
        taken: Taken,
        now: Callable[[], Timestamp],
    ) -> None:
        """As ``Buffer``; ``now`` is the clock that records are stamped with."""
        super().__init__(capacity, policy, snapshot_of, on_overflow)
        self._taken = taken
        self._now = now
        self._since = now()

    def widen(self, places: int) -> None:
        """As ``Buffer``: so many old ones follow."""
        super().widen(places)
        self._since = self._now()

    def get(self) -> Item:
        """As ``Buffer``."""
        item = super().get()
        received_at = getattr(item, "received_at", None)
        if received_at is not None and received_at >= self._since:
            self._taken(item, self._now())
        return item
