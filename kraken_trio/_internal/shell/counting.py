"""Taking stock of a feed: everything that is counted anywhere in it, in one frozen record.

Whoever does something counts it for himself, in a plain number; nothing is added up before
somebody asks. Knows where all of it is to be found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, get_args

from kraken_trio._internal.core.errands import OrderRequest
from kraken_trio._internal.engine.hooks import Watcher
from kraken_trio._internal.engine.tally import Counts, Part, add_counts, book_statistics
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger
from kraken_trio._internal.model.statistics import (
    ChannelStatistics,
    ConsumerStatistics,
    FeedStatistics,
    PartStatistics,
    RequestStatistics,
    SessionStatistics,
)
from kraken_trio._internal.shell.answers import Answers
from kraken_trio._internal.shell.backlog import Totals
from kraken_trio._internal.shell.losses import Losses
from kraken_trio._internal.shell.session import Session
from kraken_trio._internal.wire.encode import METHODS

ENDED: Final = "ended"
"""What all sessions of single subscriptions are called together that are over."""
EVENTS, CALLBACKS = "events", "callbacks"
"""The kinds of consumers that are subscribed to no channel."""
ORDER_METHODS: Final = tuple(METHODS[kind] for kind in get_args(OrderRequest))
"""All by which something is asked about orders."""
_ENDS: Final = ("accepted", "rejected", "unknown", "not_sent")
"""How a request ends."""
_FAILED: Final = (SessionTrigger.CONNECT_FAILED, SessionTrigger.CONNECT_TIMED_OUT)
_OF_PARTS: Final = ("checksums_ok", "checksums_failed", "trades_repeated", "trades_backfilled")
_SUMMED: Final = ("frames", "faults", "unknown", "unrouted", "heartbeats", "connections")


class Past:
    """What was counted in sessions that are over."""

    __slots__ = ("_ended", "parts")

    def __init__(self) -> None:
        """None is."""
        # By what they are called together: their counts, and their transitions.
        self._ended: dict[str, tuple[Counter[str], Counter[SessionTrigger]]] = {}
        self.parts: dict[Part, Counts] = {}
        """What was counted of each channel and symbol in them."""

    def add(self, session: Session, name: str = ENDED) -> None:
        """One is over; ``name`` is what all of its kind are called then, together."""
        counts, transitions = self._ended.setdefault(name, (Counter(), Counter()))
        counts.update(_counts(session))
        transitions.update(session.transitions)
        for part, more in session.engine.counts().items():
            add_counts(self.parts, part, more)

    def statistics(self) -> tuple[SessionStatistics, ...]:
        """One for all of each kind; none where there is none."""
        return tuple(
            _session(name, ConnectionState.CLOSED, counts, transitions)
            for name, (counts, transitions) in self._ended.items()
        )


class Requests:
    """What became of requests about orders: asked, ended in one of four ways, and settled."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """Nothing was asked."""
        self._counts = {method: Counter[str]() for method in ORDER_METHODS}

    def count(self, method: str, what: str) -> None:
        """One more; ``what`` is a field of ``RequestStatistics``."""
        self._counts[method][what] += 1

    def statistics(self) -> Iterator[RequestStatistics]:
        """One for each method."""
        for method, counts in self._counts.items():
            ended = {name: counts[name] for name in _ENDS}
            yield RequestStatistics(
                method=method,
                asked=counts["asked"],
                waiting=counts["asked"] - sum(ended.values()),
                **ended,
                settled=counts["settled"],
                unsettled=counts["unknown"] - counts["settled"],
            )


def take_stock(
    *,
    sessions: Mapping[str, Session],
    past: Past,
    left: Mapping[str, Totals],
    streams: Iterable[ChannelStatistics],
    callbacks: ChannelStatistics,
    losses: Losses,
    requests: Requests,
    watched: Iterable[Watcher],
) -> FeedStatistics:
    """Everything, at this moment. ``left`` is what became of consumers that have left."""
    parts = {part: dict(counts) for part, counts in past.parts.items()}
    for session in sessions.values():
        for part, more in session.engine.counts().items():
            add_counts(parts, part, more)
    here = (*(_living(session) for session in sessions.values()), *past.statistics())
    summed = {name: sum(getattr(each, name) for each in here) for name in _SUMMED}
    of_parts = {name: sum(counts.get(name, 0) for counts in parts.values()) for name in _OF_PARTS}
    streams = tuple(streams)
    consumers = tuple(_consumers(sessions.values(), left, streams, callbacks))
    return FeedStatistics(
        states={name: session.supervisor.state for name, session in sessions.items()},
        **summed,
        **of_parts,
        gaps=dict(losses.gaps),
        resyncs=losses.resyncs,
        dropped=sum(each.dropped for each in consumers),
        coalesced=sum(each.coalesced for each in consumers),
        overflows=sum(each.overflows for each in consumers),
        subscriptions=tuple(
            subscription.statistics()
            for session in sessions.values()
            for subscription in session.sharing
        ),
        streams=streams,
        callbacks=callbacks,
        sessions=here,
        parts=tuple(_parts(parts, losses)),
        books=tuple(
            book
            for session in sessions.values()
            for book in book_statistics(session.name, session.engine.routes())
        ),
        consumers=consumers,
        requests=tuple(requests.statistics()),
        observers=tuple(each.statistics() for each in watched),
    )


def _living(session: Session) -> SessionStatistics:
    """One session as it stands."""
    supervisor = session.supervisor
    counts, answers = _counts(session), supervisor.answers
    return _session(session.name, supervisor.state, counts, session.transitions, answers)


def _session(
    name: str,
    state: ConnectionState,
    counts: Mapping[str, int],
    transitions: Counter[SessionTrigger],
    answers: Answers | None = None,
) -> SessionStatistics:
    return SessionStatistics(
        name=name,
        state=state,
        failures=sum(transitions[trigger] for trigger in _FAILED),
        transitions=dict(transitions),
        round_trip_s=None if answers is None else answers.round_trip_s,
        clock_offset_s=None if answers is None else answers.clock_offset_s,
        **counts,
    )


def _counts(session: Session) -> dict[str, int]:
    """What a session counts, by the names of ``SessionStatistics``."""
    engine, supervisor = session.engine, session.supervisor
    return {
        "attempts": supervisor.attempts,
        "connections": supervisor.connections,
        "reconnections": max(0, supervisor.connections - 1),
        "frames": engine.frames,
        "faults": engine.faults,
        "unknown": engine.unknown,
        "unrouted": engine.unrouted,
        "heartbeats": engine.heartbeats,
        "subscription_failures": session.failed,
    }


def _parts(parts: Mapping[Part, Counts], losses: Losses) -> Iterable[PartStatistics]:
    """One for each symbol of each channel of which anything is known."""
    nothing: Counts = {}
    for part in dict.fromkeys((*parts, *losses.gaps_of, *losses.resyncs_of)):
        counts = parts.get(part, nothing)
        yield PartStatistics(
            channel=part[0],
            symbol=part[1],
            messages=counts.get("messages", 0),
            checksums_ok=counts.get("checksums_ok", 0),
            checksums_failed=counts.get("checksums_failed", 0),
            gaps=dict(losses.gaps_of.get(part, ())),
            resyncs=losses.resyncs_of.get(part, 0),
        )


def _consumers(
    sessions: Iterable[Session],
    left: Mapping[str, Totals],
    streams: Sequence[ChannelStatistics],
    callbacks: ChannelStatistics,
) -> Iterable[ConsumerStatistics]:
    """All consumers, by their kind."""
    here: dict[str, list[ChannelStatistics]] = {}
    for session in sessions:
        for subscription in session.sharing:
            records = subscription.records_channel
            # One may be closed before its subscription is left, and has left already.
            if records is not None and not records.closed:
                kind = subscription.channel.name
                here.setdefault(kind, []).append(records.statistics())
    here[EVENTS] = list(streams)
    here[CALLBACKS] = [callbacks]
    for kind in dict.fromkeys((*here, *left)):
        channels = here.get(kind, [])
        totals = left.get(kind, Totals()).plus(channels)
        yield ConsumerStatistics(
            kind=kind,
            consumers=len(channels),
            buffered=sum(each.buffered for each in channels),
            capacity=sum(each.capacity for each in channels),
            received=totals.received,
            processed=totals.taken,
            dropped=totals.dropped,
            coalesced=totals.coalesced,
            overflows=totals.overflows,
        )
