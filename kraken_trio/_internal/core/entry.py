"""One of the exchange's subscriptions, as a roster keeps it: what is wanted, by how many.

Knows what stands beside its machine, and which wishes one subscription can serve together.
"""

from __future__ import annotations

import msgspec

from kraken_trio._internal.core.subscription import Subscription
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.timestamp import Timestamp

Key = tuple[str, str | None, int | None]
"""What the exchange's data say of where they belong: channel, symbol, candle interval."""


class Entry:
    """One subscription, as the exchange knows it."""

    __slots__ = ("confirmed_at", "lost", "machine", "mending", "part", "seen", "users")

    def __init__(self, part: Channel, machine: Subscription) -> None:
        """Start unwanted."""
        self.part: Channel = part
        """What it is about."""
        self.machine: Subscription = machine
        """How far the conversation has got."""
        self.users: int = 0
        """How many want it."""
        self.mending: bool = False
        """Whether it had a hole, and is not whole again."""
        self.lost: tuple[GapReason, float] | None = None
        """Why it was first not whole since it was, and when; None while nothing is missing."""
        self.seen: bool = False
        """Whether it was complete once: then what it missed since can be found in a snapshot."""
        self.confirmed_at: Timestamp | None = None
        """When it was confirmed last, by the exchange's clock."""


def clash(there: Channel, wanted: Channel) -> str | None:
    """Why two wishes are not one subscription, if they are not."""
    if there != msgspec.structs.replace(wanted, snapshot=there.snapshot):
        return f"is subscribed to as {there}; the exchange has one of them on a connection"
    # One that came with a snapshot serves those too who want none, but not the other way round.
    if wanted.snapshot and not there.snapshot:
        return "is subscribed to without its snapshot; ask for that with the first subscription"
    return None
