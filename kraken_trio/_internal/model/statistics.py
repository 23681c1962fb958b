"""What can be counted of a feed, at one moment. Data only.

Every figure is a plain number or text, so that whoever shows them, a page for Prometheus or a
panel, needs nothing of the rooms that count.
"""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState, SessionTrigger


class ChannelStatistics(Struct, frozen=True):
    """A channel at one moment; the counters count since it was made."""

    buffered: int
    """Entries that wait to be received."""
    capacity: int
    """Entries that it has room for."""
    received: int
    """Records put, whatever became of them; a gap is not one."""
    dropped: int
    """Records lost for want of room, each of them counted in a gap."""
    coalesced: int
    """Records merged into another one, so that nothing is lost."""
    overflows: int
    """Holes that the dropped ones left, each of them one gap."""
    high_water: int
    """The most entries that ever waited."""
    waiting: int
    """Tasks that wait to receive."""
    taken: int = 0
    """Records that were received by the consumer; a merged one is one."""


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


class SessionStatistics(Struct, frozen=True, kw_only=True):
    """One session at one moment; the counters count since it began."""

    name: str
    """``public``, ``private`` or ``level3``; ``trading`` for that of orders; ``block 1`` and so on
    for that of one subscription alone. Those that are over are counted together: ``ended`` those of
    single subscriptions, ``ended trading`` those of orders."""
    state: ConnectionState
    """Where it stands."""
    attempts: int
    """Connections that were tried."""
    failures: int
    """Attempts that came to nothing: refused, too slow, or not allowed by the budget."""
    connections: int
    """Connections that were opened."""
    reconnections: int
    """Those among them that took the place of one before."""
    transitions: dict[SessionTrigger, int]
    """Transitions, by what caused them."""
    frames: int
    """Data frames received."""
    faults: int
    """Frames that could not be decoded."""
    unknown: int
    """Frames of a kind that this version does not know."""
    unrouted: int
    """Messages with data that nobody is subscribed to."""
    heartbeats: int
    """Heartbeats received."""
    subscription_failures: int
    """Symbols whose subscription ended with an error."""
    round_trip_s: float | None
    """How long the last request that was answered took on the way, there and back, without the
    time that the exchange had it; None before one was."""
    clock_offset_s: float | None
    """How far the exchange's clock is ahead of this machine's, estimated from the fastest of the
    last round trips: right to half of ``round_trip_s``."""


class PartStatistics(Struct, frozen=True, kw_only=True):
    """One symbol of one channel, in all sessions; the counters count since the feed was opened."""

    channel: str
    """Such as ``book``."""
    symbol: str | None
    """Such as ``BTC/USD``; None for a channel without symbols."""
    messages: int
    """Messages that were received for it."""
    checksums_ok: int
    """Those of a book that verified."""
    checksums_failed: int
    """Those of a book that did not."""
    gaps: dict[GapReason, int]
    """Holes, by their evidence. ``OVERFLOW`` counts those of slow consumers."""
    resyncs: int
    """How often it was whole again after a hole."""


class BookStatistics(Struct, frozen=True, kw_only=True):
    """One live book at one moment; the counters count since it was subscribed to."""

    session: str
    """Which delivers it."""
    channel: str
    """``book`` or ``level3``."""
    symbol: str
    """Such as ``BTC/USD``."""
    state: BookState
    """Whether it may be believed."""
    depth: int
    """Levels a side that were asked for."""
    snapshots: int
    """Snapshots that were checked."""
    updates: int
    """Updates that were checked."""
    ignored: int
    """Messages that meant nothing, as those before the first snapshot."""
    checksums_failed: int
    """Messages that did not verify."""


class ConsumerStatistics(Struct, frozen=True, kw_only=True):
    """All consumers of one kind at one moment; the counters count those too that have left."""

    kind: str
    """The channel that they are subscribed to; ``events`` for streams of events, ``callbacks`` for
    the queue of callbacks."""
    consumers: int
    """How many there are now."""
    buffered: int
    """Entries that wait."""
    capacity: int
    """Entries that there is room for."""
    received: int
    """Records put, whatever became of them."""
    processed: int
    """Those that were taken."""
    dropped: int
    """Those that were lost for want of room."""
    coalesced: int
    """Those that were merged into another one."""
    overflows: int
    """Holes that the dropped ones left."""


class RequestStatistics(Struct, frozen=True, kw_only=True):
    """The requests about orders by one method at one moment; the counters count since the feed was
    opened, over all blocks of trading.

    Each request is in one of ``waiting``, ``accepted``, ``rejected``, ``unknown`` and ``not_sent``.
    """

    method: str
    """Such as ``add_order``."""
    asked: int
    """All of them."""
    waiting: int
    """Those that have not ended: they wait to be sent, or for their answer."""
    accepted: int
    """Those that the exchange said yes to."""
    rejected: int
    """Those that it said no to: ``OrderRejected``."""
    unknown: int
    """Those of which nobody knew what became of them, settled since or not: ``OutcomeUnknown``."""
    not_sent: int
    """Those that were not sent: ``RequestNotSent``."""
    settled: int
    """Those that were unknown, and were settled."""
    unsettled: int
    """Those that are unknown still. Of a block of trading that was left, that is for good."""


class ObserverStatistics(Struct, frozen=True, kw_only=True):
    """One observer at one moment."""

    name: str
    """Its class; with a number, where there are several of one class."""
    disabled: bool
    """Whether one of its hooks raised: it is told nothing more."""
    calls: int
    """Hooks that were called."""
    spent_s: float
    """What they took, all together."""
    slowest_s: float
    """What the slowest took."""


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
    sessions: tuple[SessionStatistics, ...]
    """All sessions, in the order in which they began; those that are over, as one, last."""
    parts: tuple[PartStatistics, ...]
    """All symbols of all channels that anything was ever received for, or lost."""
    books: tuple[BookStatistics, ...]
    """All books that are subscribed to."""
    consumers: tuple[ConsumerStatistics, ...]
    """All consumers, by their kind."""
    requests: tuple[RequestStatistics, ...]
    """The requests about orders, by their methods: all that there are."""
    observers: tuple[ObserverStatistics, ...]
    """All observers, in the order in which they were given."""
