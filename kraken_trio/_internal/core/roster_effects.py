"""What comes out of a roster, beside the requests: data only; ``roster`` decides.

Each is about one of the exchange's own subscriptions, and is carried out or passed on by whoever
runs the session, in the order given.
"""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.timestamp import Timestamp


class Discard(Struct, frozen=True):
    """Forget what one subscription delivered: its book and the numbers that begin anew."""

    part: Channel
    """Which."""


class Completed(Struct, frozen=True):
    """One subscription is confirmed and complete."""

    part: Channel
    """Which."""


class Ended(Struct, frozen=True):
    """One subscription is refused for good, or given up."""

    part: Channel
    """Which."""
    error: SubscriptionError
    """Why."""


class Watch(Struct, frozen=True):
    """One subscription has a nearer deadline than before; who sleeps to it must look again."""

    part: Channel
    """Which."""


class Mended(Struct, frozen=True):
    """One subscription that had lost something is whole again."""

    part: Channel
    """Which."""
    reason: GapReason
    """Of the first loss since it was whole."""
    duration_s: float
    """From that loss until now."""


class Stalled(Struct, frozen=True):
    """One subscription was confirmed, and what was promised did not come."""

    part: Channel
    """Which."""


class Probed(Struct, frozen=True):
    """One subscription was left to be asked for anew: its next snapshot shows whether anything
    was kept from us.
    """

    part: Channel
    """Which."""
    confirmed_at: Timestamp | None
    """When it had been confirmed, by the exchange's clock; None where that did not say."""
    left_at: Timestamp | None
    """When it was left; likewise."""


Effect = Discard | Completed | Ended | Watch | Mended | Stalled | Probed
