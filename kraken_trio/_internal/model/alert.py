"""What an operator is told beside the data: of observers, of latencies, of clocks. Data only.

Each is an event: it stands in ``events()`` and goes to callbacks, and the log has a line of it.
"""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp

BACK_NS: Final = 250_000_000
"""How much less than no time a way may seem to take: a program that was held up between two looks
at a clock sees some, and half of it is far from a skew of a second."""


class ObserverFailed(Struct, frozen=True):
    """An observer raised. It is told nothing more, by no hook; the feed goes on."""

    observer: str
    """Its class; with a number, where there are several of one class."""
    hook: str
    """Which hook raised, such as ``gap``."""
    exception: Exception
    """What it raised."""


class ObserverSlow(Struct, frozen=True):
    """An observer holds up the data: hooks run on their way. Told once of each."""

    observer: str
    """Its class; with a number, where there are several of one class."""
    hook: str
    """Which hook it was in, such as ``frame_received``."""
    took_s: float
    """What that one call took."""
    spent_s: float
    """What all its hooks took in the second up to now, or in that call."""


class LatencyStage(enum.Enum):
    """A part of the way of a record."""

    NETWORK = "network"
    """From the exchange's own time of it to its receipt: with the error of both clocks."""
    PROCESSING = "processing"
    """From its receipt to the consumer's hand: decoding, verifying, and what it waited."""
    TOTAL = "total"
    """The whole: from the exchange's own time of it to the consumer's hand."""


class LatencyAlert(Struct, frozen=True):
    """A record took longer than it may. Of each stage no more often than once in a while."""

    stage: LatencyStage
    """Where."""
    channel: str
    """The channel it came by; of PROCESSING and TOTAL that of the consumer, or ``events`` or
    ``callbacks``."""
    symbol: str | None
    """Such as ``BTC/USD``."""
    took_s: float
    """How long it took."""
    threshold_s: float
    """How long it may."""
    exceeded: int
    """How many did since the last alert of this stage, this one included."""
    at: Timestamp
    """When."""


class ClockSkew(Struct, frozen=True):
    """The exchange's clock and this machine's differ by more than a second, or do no longer.

    Told once, and once when it is over. Latencies from the exchange's times are wrong by as much.
    """

    session: str
    """Whose round trip showed it."""
    offset_s: float
    """How far the exchange's clock is ahead of this machine's; negative where it is behind."""
    uncertainty_s: float
    """By how much that may be wrong: half of the round trip."""
    over: bool
    """Whether it is over."""
    at: Timestamp
    """When, by this machine's clock."""


class RoundTrip(Struct, frozen=True, kw_only=True):
    """A request and the first answer to it: a ping, a subscription, an order."""

    method: str
    """Such as ``ping``, ``subscribe`` or ``add_order``."""
    req_id: int | None
    """The request's number, if it had one."""
    success: bool
    """Whether it was accepted."""
    error: str | None
    """Why not, in the exchange's words."""
    sent_at: Timestamp
    """When it was sent, by this machine's clock."""
    time_in: Timestamp | None
    """When the exchange read it, by its clock."""
    time_out: Timestamp | None
    """When the exchange answered, by its clock."""
    received_at: Timestamp
    """When the answer was read, by this machine's clock."""

    @property
    def duration_ns(self) -> int:
        """On the way, there and back; what the exchange took for it is not in it, if known."""
        return max(0, self._way_ns)

    @property
    def offset_ns(self) -> int | None:
        """How far the exchange's clock is ahead, if the way back is as long as that there.

        Right to half of ``duration_ns``, whatever the ways are. The estimate of NTP (RFC 5905).
        None where the exchange does not say, and where a clock was set back on the way: there an
        answer came before its request, and half of what that is off by would be taken for sure.
        """
        if self.time_in is None or self.time_out is None or self._way_ns < -BACK_NS:
            return None
        return ((self.time_in - self.sent_at) + (self.time_out - self.received_at)) // 2

    @property
    def _way_ns(self) -> int:
        """What the clocks make of the way; below nothing where one of them was set back."""
        whole = self.received_at - self.sent_at
        if self.time_in is None or self.time_out is None:
            return whole
        return whole - (self.time_out - self.time_in)


Alert = ObserverFailed | ObserverSlow | LatencyAlert | ClockSkew
"""All of them that are events."""
