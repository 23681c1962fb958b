"""What a frame means to those who run the conversation, beside the records it delivers.

The hot path gives none: a verified update of a book is a record, and that is all.
"""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import (
    BookMessage,
    Level3Message,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.reference import SystemStatus


class Replied(Struct, frozen=True):
    """A request was answered."""

    reply: Reply
    """The answer."""


class SnapshotSeen(Struct, frozen=True):
    """A subscription got its snapshot, and the snapshot holds."""

    part: Channel
    """Which."""


class DataLost(Struct, frozen=True):
    """A subscription has a hole."""

    part: Channel
    """Which."""
    gap: Gap
    """As it was delivered, in band."""


class Missed(Struct, frozen=True):
    """A probe showed that a subscription had missed something; its snapshot mends it."""

    part: Channel
    """Which."""
    gap: Gap
    """As it was delivered, in band."""


class Held(Struct, frozen=True):
    """Trades of a subscription are held back: ``engine.holding`` says what is to be done."""

    part: Channel
    """Which."""


class Faulted(Struct, frozen=True):
    """A frame could not be decoded. The next one goes on."""

    error: ProtocolError
    """How it breaks the protocol, with an excerpt."""


class Unfamiliar(Struct, frozen=True):
    """A frame of a kind that this version does not know."""

    unknown: Unknown
    """Its kind and name."""


class Unrouted(Struct, frozen=True):
    """Data of a subscription that is not open: in flight while it was left, or never asked for."""

    message: BookMessage | Level3Message | RecordsMessage
    """Undelivered; it can be given to ``Engine.route`` once its subscription is open."""


class StatusSeen(Struct, frozen=True):
    """The exchange said how it is."""

    status: SystemStatus
    """Its condition."""


Signal = (
    Replied | SnapshotSeen | DataLost | Missed | Held | Faulted | Unfamiliar | Unrouted | StatusSeen
)
"""What whoever runs the conversation has to know."""
