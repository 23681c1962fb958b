"""What is told of a consumer that falls behind, before anything is lost. Data only."""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp


class HighWater(Struct, frozen=True):
    """More than 80 % of a buffer is taken: soon its drop policy decides what is lost, or with
    Block that reading waits.

    Told once; of the same buffer not again before it was less than half full.
    """

    channel: str
    """What waits in it: a channel such as ``book``; ``events`` for a stream of events,
    ``callbacks`` for the queue of callbacks."""
    symbols: tuple[str, ...]
    """Pairs of the subscription; empty where there are none."""
    buffered: int
    """Entries that wait."""
    capacity: int
    """Entries that there is room for."""
    at: Timestamp
    """When."""
