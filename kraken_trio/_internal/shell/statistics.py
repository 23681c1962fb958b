"""What can be counted of a feed, at one moment. Data only."""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import ConnectionState
from kraken_trio._internal.shell.channel import ChannelStatistics


class SubscriptionStatistics(Struct, frozen=True):
    """One subscription at one moment."""

    channel: Channel
    """What it asked for."""
    active: bool
    """Whether all that is left of it is confirmed and complete."""
    live: tuple[str, ...]
    """Symbols that are confirmed and complete; empty for a channel without symbols."""
    refused: tuple[str, ...]
    """Symbols that ended with an error."""
    records: ChannelStatistics | None
    """Its channel; None where it has none."""


class FeedStatistics(Struct, frozen=True, kw_only=True):
    """A feed at one moment; the counters count since it was opened."""

    states: dict[str, ConnectionState]
    """Each session, by its name."""
    frames: int
    """Data frames received."""
    faults: int
    """Frames that could not be decoded."""
    unknown: int
    """Frames of a kind that this version does not know."""
    unrouted: int
    """Messages with data that nobody is subscribed to: in flight while it was left."""
    heartbeats: int
    """Heartbeats received."""
    checksums_ok: int
    """Book messages that verified."""
    checksums_failed: int
    """Book messages that did not."""
    gaps: dict[GapReason, int]
    """Holes, by their evidence, once for each channel and symbol. ``OVERFLOW`` counts those that
    slow consumers of subscriptions were told of; see ``overflows``."""
    resyncs: int
    """How often a subscription was whole again after a hole."""
    connections: int
    """Connections that were opened."""
    trades_repeated: int
    """Trades that were dropped because they were there before: the end of what was received
    stands in the snapshot after a reconnect once more."""
    trades_backfilled: int
    """Trades that were missed, and fetched over REST."""
    dropped: int
    """Records that consumers lost for want of room: those of subscriptions, of event streams and
    of callbacks, those that have left too. Each of them is counted in a gap."""
    coalesced: int
    """Records that were merged into others for them, so that nothing is lost."""
    overflows: int
    """Gaps that the dropped ones were told in, or will be."""
    subscriptions: tuple[SubscriptionStatistics, ...]
    """All subscriptions, in the order in which they were entered."""
    streams: tuple[ChannelStatistics, ...]
    """All event streams, in the order in which they were opened."""
    callbacks: ChannelStatistics
    """The queue of callbacks."""
