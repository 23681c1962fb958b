"""The names of states and of what moves them. Which moves are legal stands in ``core.states``.

The values are the words that logs, metrics and events show.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp


class ConnectionState(enum.Enum):
    """Where a session with the exchange stands."""

    DISCONNECTED = "disconnected"
    """Never connected yet; it connects when it is first used."""
    CONNECTING = "connecting"
    """Name look-up, TCP, TLS and the WebSocket handshake."""
    AUTHENTICATING = "authenticating"
    """Connected, a token is being fetched."""
    SUBSCRIBING = "subscribing"
    """Connected, what is wanted has been asked for, answers are outstanding."""
    SUBSCRIBED = "subscribed"
    """All that is wanted is confirmed and live."""
    RESYNCING = "resyncing"
    """Connected; at least one symbol waits for a fresh snapshot. The others go on."""
    DEGRADED = "degraded"
    """No connection; another attempt is due."""
    CLOSED = "closed"
    """Over. ``connect()`` starts a new session."""


class SessionTrigger(enum.Enum):
    """What moves a session from one state to another."""

    CONNECT = "connect"
    """The user, or the first use of the session."""
    ESTABLISHED = "established"
    """The WebSocket is open, and no credentials are needed."""
    ESTABLISHED_PRIVATE = "established_private"
    """The WebSocket is open, and credentials are needed."""
    CONNECT_FAILED = "connection_failed"
    """Name look-up, TCP, TLS or the handshake failed."""
    CONNECT_TIMED_OUT = "timeout"
    """They took too long."""
    AUTH_ACCEPTED = "auth_accepted"
    """There is a token."""
    AUTH_REFUSED = "authentication_error"
    """The credentials are wrong."""
    AUTH_UNAVAILABLE = "auth_unavailable"
    """No token could be had for now."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name, not a secret
    """The exchange does not accept the token, or not any more; a fresh one is fetched."""
    LOST = "server_disconnect"
    """The exchange closed the connection, or it broke."""
    SILENT = "heartbeat_timeout"
    """Nothing came for too long, not even a pong."""
    CONFIRMED = "all_confirmed"
    """Every subscription that is wanted is confirmed, or none is wanted."""
    SYMBOL_ENDED = "symbol_ended"
    """A subscription was refused for good, or stayed unanswered through all its attempts."""
    UNANSWERED = "subscription_failed"
    """Not one outstanding subscription was answered in time."""
    GAP = "gap"
    """Something was lost, and a fresh snapshot is needed."""
    RESYNCED = "all_resynced"
    """The last symbol that waited has its snapshot."""
    RESYNC_UNANSWERED = "resync_failed"
    """Not one outstanding resync was answered in time."""
    RETRY = "retry"
    """The time for another attempt has come."""
    RETRIES_SPENT = "max_retries"
    """No attempt is left."""
    CLOSE = "user_requested"
    """The user leaves."""


class SubscriptionState(enum.Enum):
    """Where the subscription of one symbol stands."""

    IDLE = "idle"
    """Wanted; there is no connection to ask on."""
    REQUESTED = "requested"
    """Asked for, not answered yet."""
    ACKNOWLEDGED = "acknowledged"
    """Confirmed; its snapshot is outstanding."""
    LIVE = "live"
    """Confirmed, and complete."""
    RESYNCING = "resyncing"
    """Being left, to be asked for anew: its content cannot be trusted."""
    PROBING = "probing"
    """Silent for long; being left for a moment. Its content is believed until it is disproved."""
    PROBED = "probed"
    """Asked for anew after that: its next snapshot tells whether anything was missed."""
    UNSUBSCRIBING = "unsubscribing"
    """Not wanted any more; the answer to that is outstanding."""
    ENDED = "ended"
    """Over: left, refused, or given up."""


class SubscriptionTrigger(enum.Enum):
    """What moves the subscription of one symbol."""

    ONLINE = "online"
    """There is a connection to ask on."""
    OFFLINE = "offline"
    """The connection is gone."""
    ACKNOWLEDGED = "acknowledged"
    """The exchange confirmed it; a snapshot follows."""
    ACKNOWLEDGED_BARE = "acknowledged_bare"
    """The exchange confirmed it, and no snapshot need be waited for."""
    REFUSED = "refused"
    """The exchange refused it for good."""
    SNAPSHOT = "snapshot"
    """Its snapshot came."""
    LOST = "lost"
    """What it delivered has a hole, or does not verify."""
    PROBE = "probe"
    """It has been silent for long, and nobody knows whether the market is."""
    LEFT = "left"
    """The exchange confirmed that it was left."""
    TIMED_OUT = "timed_out"
    """What was outstanding did not come in time; attempts are left."""
    GAVE_UP = "gave_up"
    """What was outstanding did not come in time, and no attempt is left."""
    LEAVE = "leave"
    """Nobody wants it any more."""
    WANT = "want"
    """Somebody wants it again."""


class BookState(enum.Enum):
    """Whether a book may be believed."""

    AWAITING_SNAPSHOT = "awaiting_snapshot"
    """Empty; updates mean nothing yet."""
    LIVE = "live"
    """Every message up to now was verified."""
    RESYNCING = "resyncing"
    """It failed its checksum; its content is gone until the next snapshot."""
    CLOSED = "closed"
    """Over."""


class BookTrigger(enum.Enum):
    """What moves a book."""

    SNAPSHOT = "snapshot"
    """A snapshot came, and its checksum is right."""
    UPDATE = "update"
    """An update came, and the checksum after it is right."""
    MISMATCH = "mismatch"
    """A checksum is wrong."""
    INVALIDATE = "invalidate"
    """The connection is gone, or something else was lost."""
    CLOSE = "close"
    """Nobody wants it any more."""


class StateChange(Struct, frozen=True):
    """One transition of a session. Each has one cause, and each is an event."""

    session: str
    """``public``, ``private`` or ``level3``."""
    from_state: ConnectionState
    """Before."""
    to_state: ConnectionState
    """After; may be the same."""
    trigger: SessionTrigger
    """What caused it."""
    reason: str
    """The cause in words; empty where the trigger says all."""
    at: Timestamp
    """When."""


class Restored(Struct, frozen=True):
    """A session that had lost its connection has all that is wanted of it again.

    Every subscription is confirmed and complete, or has ended with its error meanwhile.
    """

    session: str
    """``public``, ``private`` or ``level3``; ``block 1`` and so on."""
    duration_s: float
    """From the loss until now, all attempts between included."""
    at: Timestamp
    """When."""
