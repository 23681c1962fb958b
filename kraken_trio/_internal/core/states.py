"""Every legal transition of every machine. Nothing outside this file decides what is legal.

Theory of operation. Three kinds of machine run at once, and each knows only its own matter:

* The **session** is the connection to one host of the exchange. It knows whether there is a
  connection, whether what is wanted has been asked for, and whether something is being made
  whole again. It outlives connections.
* A **subscription** is the conversation about one symbol of one channel: asked for, confirmed,
  complete, being left. It outlives connections too. One of them starting anew never touches
  another.
* A **book** is one order book: empty, right, or not to be believed.

Two rules:

1. A machine changes its state only by a row of its table. A pair of state and trigger that has
   no row raises ``InvalidTransition`` and changes nothing: it is a bug of ours. What the
   exchange or the network may do at any moment must therefore have a row in every state where
   it can happen.
2. A remote input may cross our own decision on its way: a loss that is reported after we hung
   up, an answer to a question that we withdrew. Such rows are marked *late*: they are counted
   and have no effect. There is no ``if`` for them anywhere else.

A row names effects; it never has any. What changes the set of legal transitions is state;
attempts, delays, budgets and counters are policy and stand beside the machines. The diagrams
in the documentation are drawn from these tables.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from kraken_trio._internal.model.errors import InvalidTransition
from kraken_trio._internal.model.lifecycle import (
    BookState,
    BookTrigger,
    ConnectionState,
    SessionTrigger,
    SubscriptionState,
    SubscriptionTrigger,
)

S = TypeVar("S", bound=enum.Enum)
T = TypeVar("T", bound=enum.Enum)
E = TypeVar("E", bound=enum.Enum)


class SessionEffect(enum.Enum):
    """What a transition of a session asks for."""

    DIAL = "dial"
    """Make a connection."""
    FETCH_TOKEN = "fetch_token"  # noqa: S105 - a name, not a secret
    """Ask for a token."""
    SUBSCRIBE_ALL = "subscribe_all"
    """Ask for everything that is wanted."""
    RESYNC = "resync"
    """Ask for a fresh snapshot of what has the hole."""
    END_SUBSCRIPTION = "end_subscription"
    """Give the error to the subscription that it concerns; leave the others alone."""
    HANG_UP = "hang_up"
    """Close the connection, or stop making it."""
    INVALIDATE = "invalidate"
    """Believe no book any more; tell every subscription that the connection is gone."""
    SCHEDULE_RETRY = "schedule_retry"
    """Decide when to try again, or that there is no try left."""
    FAIL = "fail"
    """End the session with its error."""


class SubscriptionEffect(enum.Enum):
    """What a transition of a subscription asks for."""

    SUBSCRIBE = "subscribe"
    """Send the request."""
    UNSUBSCRIBE = "unsubscribe"
    """Send the request to leave."""
    DISCARD = "discard"
    """Forget its book and its numbers: nothing from before may be taken for new."""
    STALL = "stall"
    """Say that what was promised did not come."""
    DELIVER = "deliver"
    """It is complete: say so to whoever waits for it."""
    FAIL = "fail"
    """End it with its error."""


class BookEffect(enum.Enum):
    """What a transition of a book asks for."""

    CLEAR = "clear"
    """Drop every level."""


class Row(Struct, Generic[S, E], frozen=True):
    """Where a transition leads, and what it asks for."""

    to_state: S
    """The state after it."""
    effects: tuple[E, ...] = ()
    """What to do, in this order."""
    late: bool = False
    """Whether it only crossed a decision of ours: counted, and nothing more."""


class Machine(Generic[S, T, E]):
    """One table and the state it is in."""

    __slots__ = ("_name", "_table", "late", "state")

    def __init__(self, name: str, table: Mapping[tuple[S, T], Row[S, E]], start: S) -> None:
        """Start ``table`` in ``start``; ``name`` is for the error."""
        self._name = name
        self._table = table
        self.state = start
        """Where it stands."""
        self.late = 0
        """How many late inputs were ignored."""

    def fire(self, trigger: T) -> Row[S, E]:
        """Make the transition and give its row.

        Raises ``InvalidTransition``, and changes nothing, where the table has none.
        """
        row = self._table.get((self.state, trigger))
        if row is None:
            raise InvalidTransition(self._name, self.state.value, trigger.value)
        if row.late:
            self.late += 1
        self.state = row.to_state
        return row


def _late(states: Iterable[S], triggers: Iterable[T]) -> dict[tuple[S, T], Row[S, E]]:
    """Rows that ignore each of ``triggers`` in each of ``states``."""
    triggers = tuple(triggers)
    return {(state, trigger): Row(state, late=True) for state in states for trigger in triggers}


def _session() -> dict[tuple[ConnectionState, SessionTrigger], Row[ConnectionState, SessionEffect]]:
    s, t, e = ConnectionState, SessionTrigger, SessionEffect
    lost = Row(s.DEGRADED, (e.HANG_UP, e.INVALIDATE, e.SCHEDULE_RETRY))
    refused = Row(s.DEGRADED, (e.HANG_UP, e.SCHEDULE_RETRY))
    closed = Row(s.CLOSED, (e.HANG_UP, e.INVALIDATE))
    table = {
        (s.DISCONNECTED, t.CONNECT): Row(s.CONNECTING, (e.DIAL,)),
        (s.DISCONNECTED, t.CLOSE): Row(s.CLOSED),
        (s.CONNECTING, t.ESTABLISHED): Row(s.SUBSCRIBING, (e.SUBSCRIBE_ALL,)),
        (s.CONNECTING, t.ESTABLISHED_PRIVATE): Row(s.AUTHENTICATING, (e.FETCH_TOKEN,)),
        (s.CONNECTING, t.CONNECT_FAILED): refused,
        (s.CONNECTING, t.CONNECT_TIMED_OUT): refused,
        (s.AUTHENTICATING, t.AUTH_ACCEPTED): Row(s.SUBSCRIBING, (e.SUBSCRIBE_ALL,)),
        (s.AUTHENTICATING, t.AUTH_REFUSED): Row(s.CLOSED, (e.HANG_UP, e.INVALIDATE, e.FAIL)),
        (s.AUTHENTICATING, t.AUTH_UNAVAILABLE): refused,
        (s.SUBSCRIBING, t.CONFIRMED): Row(s.SUBSCRIBED),
        (s.SUBSCRIBING, t.UNANSWERED): lost,
        # While answers are outstanding, a symbol that resyncs is one more of them.
        (s.SUBSCRIBING, t.GAP): Row(s.SUBSCRIBING, (e.RESYNC,)),
        (s.SUBSCRIBED, t.GAP): Row(s.RESYNCING, (e.RESYNC,)),
        # Subscriptions made while all is well are outstanding too, and may stay unanswered.
        (s.SUBSCRIBED, t.UNANSWERED): lost,
        (s.RESYNCING, t.GAP): Row(s.RESYNCING, (e.RESYNC,)),
        (s.RESYNCING, t.RESYNCED): Row(s.SUBSCRIBED),
        (s.RESYNCING, t.RESYNC_UNANSWERED): lost,
        (s.DEGRADED, t.RETRY): Row(s.CONNECTING, (e.DIAL,)),
        (s.DEGRADED, t.RETRIES_SPENT): Row(s.CLOSED, (e.INVALIDATE, e.FAIL)),
        (s.DEGRADED, t.CLOSE): Row(s.CLOSED, (e.INVALIDATE,)),
        (s.CONNECTING, t.CLOSE): closed,
        (s.CLOSED, t.CONNECT): Row(s.CONNECTING, (e.DIAL,)),
        # Leaving twice is leaving once.
        (s.CLOSED, t.CLOSE): Row(s.CLOSED, late=True),
    }
    for state in (s.AUTHENTICATING, s.SUBSCRIBING, s.SUBSCRIBED, s.RESYNCING):
        table[state, t.LOST] = lost
        table[state, t.SILENT] = lost
        table[state, t.CLOSE] = closed
    for state in (s.SUBSCRIBING, s.SUBSCRIBED, s.RESYNCING):
        table[state, t.SYMBOL_ENDED] = Row(state, (e.END_SUBSCRIPTION,))
        # What lives goes on with the old token; what asks, waits for the fresh one.
        table[state, t.TOKEN_REFUSED] = Row(state, (e.FETCH_TOKEN,))
        table[state, t.AUTH_ACCEPTED] = Row(state)
        table[state, t.AUTH_REFUSED] = Row(s.CLOSED, (e.HANG_UP, e.INVALIDATE, e.FAIL))
        table[state, t.AUTH_UNAVAILABLE] = lost
    # We hung up, or gave up dialling, while these were on their way.
    remote = (
        t.ESTABLISHED,
        t.ESTABLISHED_PRIVATE,
        t.CONNECT_FAILED,
        t.CONNECT_TIMED_OUT,
        t.AUTH_ACCEPTED,
        t.AUTH_REFUSED,
        t.AUTH_UNAVAILABLE,
        t.TOKEN_REFUSED,
        t.LOST,
        t.CONFIRMED,
        t.SYMBOL_ENDED,
        t.GAP,
        t.RESYNCED,
        # Deadlines of ours, which may be noticed in the same moment.
        t.UNANSWERED,
        t.RESYNC_UNANSWERED,
    )
    # The end of the connection before, or what became of its token, may be reported when the next
    # is being made already.
    before = (t.LOST, t.AUTH_ACCEPTED, t.AUTH_REFUSED, t.AUTH_UNAVAILABLE)
    return table | _late((s.DEGRADED, s.CLOSED), remote) | _late((s.CONNECTING,), before)


def _subscription() -> dict[
    tuple[SubscriptionState, SubscriptionTrigger], Row[SubscriptionState, SubscriptionEffect]
]:
    s, t, e = SubscriptionState, SubscriptionTrigger, SubscriptionEffect
    again = Row(s.REQUESTED, (e.DISCARD, e.SUBSCRIBE))
    table = {
        (s.IDLE, t.ONLINE): Row(s.REQUESTED, (e.SUBSCRIBE,)),
        (s.IDLE, t.LEAVE): Row(s.ENDED),
        (s.REQUESTED, t.ACKNOWLEDGED): Row(s.ACKNOWLEDGED),
        (s.REQUESTED, t.ACKNOWLEDGED_BARE): Row(s.LIVE, (e.DELIVER,)),
        # Nothing promises that the confirmation overtakes the snapshot.
        (s.REQUESTED, t.SNAPSHOT): Row(s.LIVE, (e.DELIVER,)),
        (s.REQUESTED, t.TIMED_OUT): again,
        # A request that is never answered leaves nothing behind that could be left.
        (s.REQUESTED, t.LEAVE): Row(s.UNSUBSCRIBING, (e.UNSUBSCRIBE,)),
        (s.ACKNOWLEDGED, t.SNAPSHOT): Row(s.LIVE, (e.DELIVER,)),
        # A second subscribe would be refused as a repetition: leave first, then ask anew.
        (s.ACKNOWLEDGED, t.TIMED_OUT): Row(s.RESYNCING, (e.STALL, e.DISCARD, e.UNSUBSCRIBE)),
        (s.ACKNOWLEDGED, t.LOST): Row(s.RESYNCING, (e.DISCARD, e.UNSUBSCRIBE)),
        (s.LIVE, t.LOST): Row(s.RESYNCING, (e.DISCARD, e.UNSUBSCRIBE)),
        (s.LIVE, t.ACKNOWLEDGED): Row(s.LIVE, late=True),
        (s.LIVE, t.ACKNOWLEDGED_BARE): Row(s.LIVE, late=True),
        # A snapshot that was not asked for: the exchange says it anew, and that is all.
        (s.LIVE, t.SNAPSHOT): Row(s.LIVE),
        # Acknowledged and silent, or a quiet market: the snapshot of a new subscription tells.
        (s.LIVE, t.PROBE): Row(s.PROBING, (e.UNSUBSCRIBE,)),
        (s.PROBING, t.LEFT): Row(s.PROBED, (e.SUBSCRIBE,)),
        # It would not let us leave: then all is as it was, also for those who came meanwhile.
        (s.PROBING, t.REFUSED): Row(s.LIVE, (e.DELIVER,)),
        (s.PROBING, t.LOST): Row(s.RESYNCING, (e.DISCARD,)),
        (s.PROBING, t.LEAVE): Row(s.UNSUBSCRIBING, (e.DISCARD,)),
        (s.PROBED, t.ACKNOWLEDGED): Row(s.PROBED),
        (s.PROBED, t.ACKNOWLEDGED_BARE): Row(s.LIVE, (e.DELIVER,)),
        (s.PROBED, t.SNAPSHOT): Row(s.LIVE, (e.DELIVER,)),
        (s.PROBED, t.REFUSED): Row(s.ENDED, (e.STALL, e.DISCARD, e.FAIL)),
        (s.PROBED, t.LOST): Row(s.RESYNCING, (e.DISCARD, e.UNSUBSCRIBE)),
        (s.RESYNCING, t.LEFT): again,
        # It says it knows no such subscription: then there is nothing to leave.
        (s.RESYNCING, t.REFUSED): again,
        (s.RESYNCING, t.TIMED_OUT): again,
        # In flight when we asked to leave; the content is discarded already.
        (s.RESYNCING, t.LOST): Row(s.RESYNCING, late=True),
        (s.RESYNCING, t.SNAPSHOT): Row(s.RESYNCING, late=True),
        (s.RESYNCING, t.ACKNOWLEDGED): Row(s.RESYNCING, late=True),
        (s.RESYNCING, t.ACKNOWLEDGED_BARE): Row(s.RESYNCING, late=True),
        (s.UNSUBSCRIBING, t.LEFT): Row(s.ENDED),
        (s.UNSUBSCRIBING, t.REFUSED): Row(s.ENDED),
        (s.UNSUBSCRIBING, t.TIMED_OUT): Row(s.ENDED),
        (s.UNSUBSCRIBING, t.OFFLINE): Row(s.ENDED),
        # Wanted again while leaving: let it end on the wire first, then ask anew.
        (s.UNSUBSCRIBING, t.WANT): Row(s.RESYNCING, (e.DISCARD,)),
        (s.ENDED, t.WANT): Row(s.IDLE),
        (s.IDLE, t.OFFLINE): Row(s.IDLE, late=True),
        (s.ENDED, t.OFFLINE): Row(s.ENDED, late=True),
    }
    for state in (s.REQUESTED, s.ACKNOWLEDGED):
        table[state, t.REFUSED] = Row(s.ENDED, (e.DISCARD, e.FAIL))
    # A snapshot that overtook its confirmation, and does not verify: there is something to leave.
    table[s.REQUESTED, t.LOST] = Row(s.RESYNCING, (e.DISCARD, e.UNSUBSCRIBE))
    for state in (s.PROBING, s.PROBED):
        table[state, t.TIMED_OUT] = Row(s.RESYNCING, (e.STALL, e.DISCARD, e.UNSUBSCRIBE))
    for state in (s.REQUESTED, s.ACKNOWLEDGED, s.LIVE, s.RESYNCING, s.PROBING, s.PROBED):
        table[state, t.GAVE_UP] = Row(s.ENDED, (e.DISCARD, e.UNSUBSCRIBE, e.FAIL))
        table[state, t.OFFLINE] = Row(s.IDLE, (e.DISCARD,))
    for state in (s.ACKNOWLEDGED, s.LIVE, s.PROBED):
        table[state, t.LEAVE] = Row(s.UNSUBSCRIBING, (e.DISCARD, e.UNSUBSCRIBE))
    table[s.RESYNCING, t.LEAVE] = Row(s.UNSUBSCRIBING, (e.DISCARD,))
    remote = (t.ACKNOWLEDGED, t.ACKNOWLEDGED_BARE, t.REFUSED, t.SNAPSHOT, t.LOST, t.LEFT)
    unsubscribing = (t.ACKNOWLEDGED, t.ACKNOWLEDGED_BARE, t.SNAPSHOT, t.LOST)
    # After a refusal or a time-out was acted on, the answer may still come.
    return (
        table
        | _late((s.IDLE, s.ENDED), remote)
        | _late((s.UNSUBSCRIBING,), unsubscribing)
        | _late((s.UNSUBSCRIBING, s.ENDED), (t.LEAVE,))
        | _late((s.REQUESTED, s.PROBED), (t.LEFT,))
        | _late((s.PROBING,), (t.ACKNOWLEDGED, t.ACKNOWLEDGED_BARE, t.SNAPSHOT))
        | _late((s.ACKNOWLEDGED,), (t.ACKNOWLEDGED, t.ACKNOWLEDGED_BARE, t.LEFT))
        | _late((s.LIVE,), (t.REFUSED, t.LEFT))
    )


def _book() -> dict[tuple[BookState, BookTrigger], Row[BookState, BookEffect]]:
    s, t, e = BookState, BookTrigger, BookEffect
    table: dict[tuple[BookState, BookTrigger], Row[BookState, BookEffect]] = {
        (s.LIVE, t.UPDATE): Row(s.LIVE),
        (s.LIVE, t.MISMATCH): Row(s.RESYNCING, (e.CLEAR,)),
        (s.LIVE, t.INVALIDATE): Row(s.AWAITING_SNAPSHOT, (e.CLEAR,)),
        (s.AWAITING_SNAPSHOT, t.INVALIDATE): Row(s.AWAITING_SNAPSHOT),
        (s.RESYNCING, t.INVALIDATE): Row(s.AWAITING_SNAPSHOT, (e.CLEAR,)),
        (s.CLOSED, t.CLOSE): Row(s.CLOSED, late=True),
    }
    for state in (s.AWAITING_SNAPSHOT, s.LIVE, s.RESYNCING):
        table[state, t.SNAPSHOT] = Row(s.LIVE)
        table[state, t.CLOSE] = Row(s.CLOSED, (e.CLEAR,))
    for state in (s.AWAITING_SNAPSHOT, s.RESYNCING):
        # Only a snapshot is looked at here, so it is the snapshot that does not verify.
        table[state, t.MISMATCH] = Row(s.RESYNCING, (e.CLEAR,))
        # A change of a book that we do not have: the one we wait for will contain it.
        table[state, t.UPDATE] = Row(state, late=True)
    late: dict[tuple[BookState, BookTrigger], Row[BookState, BookEffect]] = _late(
        (s.CLOSED,), (t.SNAPSHOT, t.UPDATE, t.MISMATCH, t.INVALIDATE)
    )
    return table | late


SESSION = _session()
"""Of a session; it starts DISCONNECTED."""
SUBSCRIPTION = _subscription()
"""Of the subscription of one symbol; it starts IDLE."""
BOOK = _book()
"""Of one book; it starts AWAITING_SNAPSHOT."""
