"""What was lost, and what was done about it. Nothing is lost without one of these."""

from __future__ import annotations

import enum

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp


class GapPolicy(enum.Enum):
    """What happens when something was lost."""

    RESYNC = "resync"
    """A fresh snapshot is fetched."""
    IGNORE = "ignore"
    """The loss is told and counted, and the stream goes on."""
    BUFFER = "buffer"
    """What came too early waits for what is missing, and a gap says what stayed away. That is for
    trades, which are numbered; for every other channel it means the same as ``RESYNC``."""


class GapHandling(Struct, frozen=True, kw_only=True):
    """What one subscription does about its losses. Those who share it handle them alike."""

    policy: GapPolicy = GapPolicy.RESYNC
    """What happens first."""
    max_gap: int = 100
    """The widest gap that ``GapPolicy.BUFFER`` waits to see filled."""
    max_pending: int = 1000
    """Records that are held back meanwhile, at most; with ``backfill`` too."""
    pending_timeout: float = 30.0
    """How long, in seconds; with ``backfill`` too."""
    backfill: bool = False
    """Whether missed trades are fetched over REST, whatever the policy and however many they are.
    Other channels have nothing to fetch."""


class GapReason(enum.Enum):
    """The evidence of a loss."""

    CHECKSUM = "checksum"
    """A book does not have the checksum that the exchange says it has."""
    TRADE_ID = "trade_id"
    """Trade numbers, which are consecutive, jumped."""
    SEQUENCE = "sequence"
    """The message counter of a private subscription jumped."""
    CANDLE = "candle"
    """Intervals are missing. A quiet interval has no candle, so this is evidence, not proof."""
    OVERFLOW = "overflow"
    """The consumer was too slow, and its buffer dropped records."""
    DISCONNECT = "disconnect"
    """The connection was gone, or for a moment the subscription; what happened meanwhile is
    unknown."""
    UNDECODABLE = "undecodable"
    """A frame of this subscription could not be decoded."""
    STALLED = "stalled"
    """The subscription is confirmed, the connection lives, and what there was did not come."""


class Gap(Struct, frozen=True):
    """A hole in what one subscription delivered. Stands in band, where the hole is."""

    channel: str
    """Such as ``book``."""
    symbol: str | None
    """Such as ``BTC/USD``; None for a channel without symbols."""
    reason: GapReason
    """The evidence."""
    expected: int | None = None
    """What should have come: a trade number, a sequence number, a checksum, the start of an
    interval in nanoseconds."""
    received: int | None = None
    """What came instead."""
    size: int | None = None
    """How many are missing: ``received - expected`` for numbers that count, dropped records for
    an overflow; None where nobody can know."""
    from_time: Timestamp | None = None
    """The last moment before the hole that is known to be good."""
    to_time: Timestamp | None = None
    """The first moment after it."""
    local: bool = False
    """True where the hole is that of one slow consumer, told to everybody in ``events()`` and to
    callbacks: in this stream nothing is missing."""

    def __repr__(self) -> str:
        """Where, why, and how much."""
        whose = " for one consumer" if self.local else ""
        size = whose if self.size is None else f", {self.size} missing{whose}"
        numbers = (
            "" if self.expected is None else f": expected {self.expected}, received {self.received}"
        )
        where = self.channel if self.symbol is None else f"{self.channel} {self.symbol}"
        return f"Gap({where} {self.reason.value}{numbers}{size})"


class Resync(Struct, frozen=True):
    """A subscription is whole again after a gap."""

    channel: str
    """Such as ``book``."""
    symbol: str | None
    """Such as ``BTC/USD``."""
    reason: GapReason
    """Of the first gap since it was whole."""
    duration_s: float
    """From that gap to the new snapshot, in seconds."""
    at: Timestamp
    """When it was whole again."""
