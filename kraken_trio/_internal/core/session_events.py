"""What goes into a session, and what comes out of it. Data only; ``session`` decides.

An input is something that happened. An effect is something to be done by whoever runs the
session, in the order given. Tests are written in these words: this goes in, that comes out.
"""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConnectionFailed,
    KrakenError,
    RequestError,
    SubscriptionError,
)
from kraken_trio._internal.model.lifecycle import StateChange


class Connect(Struct, frozen=True):
    """The user, or the first subscription, wants a connection."""


class Established(Struct, frozen=True):
    """The WebSocket is open."""


class ConnectFailed(Struct, frozen=True):
    """Look-up, TCP, TLS or the handshake failed."""

    error: ConnectionFailed
    """How."""
    retry_after_s: float = 0.0
    """What the host asked to wait."""
    counted: bool = True
    """False where the host said that it is not our fault (503)."""


class Authenticated(Struct, frozen=True):
    """There is a token."""


class AuthRefused(Struct, frozen=True):
    """The credentials are wrong, and will be wrong again."""

    error: AuthenticationError
    """In the exchange's words."""


class AuthUnavailable(Struct, frozen=True):
    """No token could be had for now."""

    error: KrakenError
    """Why."""
    retry_after_s: float = 0.0
    """What the host asked to wait."""
    counted: bool = True
    """False where the host said that it is not our fault (503)."""


class TokenRefused(Struct, frozen=True):
    """The exchange does not accept the token, or not any more."""

    reason: str
    """In its words."""


class Lost(Struct, frozen=True):
    """The connection is gone, or has to go because the peer broke the protocol."""

    error: KrakenError
    """``ConnectionLost`` with its code, or a ``ProtocolError``."""


class Confirmed(Struct, frozen=True):
    """Every subscription that is wanted is confirmed and complete, or none is wanted."""


class SymbolEnded(Struct, frozen=True):
    """One subscription is refused for good, or given up."""

    part: Channel
    """Which, with its one symbol."""
    error: SubscriptionError
    """Why."""


class Unanswered(Struct, frozen=True):
    """Not one outstanding subscription was answered in time."""


class GapFound(Struct, frozen=True):
    """One subscription has a hole that only a fresh snapshot mends."""

    part: Channel
    """Which, with its one symbol."""


class Resynced(Struct, frozen=True):
    """The last subscription that had a hole is whole again."""


class ResyncUnanswered(Struct, frozen=True):
    """Not one outstanding resync was answered in time."""


class Close(Struct, frozen=True):
    """The user leaves."""


Input = (
    Connect
    | Established
    | ConnectFailed
    | Authenticated
    | AuthRefused
    | AuthUnavailable
    | TokenRefused
    | Lost
    | Confirmed
    | SymbolEnded
    | Unanswered
    | GapFound
    | Resynced
    | ResyncUnanswered
    | Close
)


class Dial(Struct, frozen=True):
    """Make a connection."""

    attempt: int
    """Counts from 1 since the session was last stable."""


class FetchToken(Struct, frozen=True):
    """Ask for a token."""


class SubscribeAll(Struct, frozen=True):
    """Ask for everything that is wanted."""


class Resync(Struct, frozen=True):
    """Ask for a fresh snapshot."""

    part: Channel
    """Of this."""


class EndSubscription(Struct, frozen=True):
    """Give the error to the subscription that it concerns."""

    part: Channel
    """Which."""
    error: SubscriptionError
    """Why."""


class HangUp(Struct, frozen=True):
    """Close the connection, or stop making it. There may be none left."""


class Invalidate(Struct, frozen=True):
    """Believe no book any more; tell every subscription that the connection is gone."""


class RetryIn(Struct, frozen=True):
    """Another attempt follows; for whoever reports it. ``deadline`` holds the moment."""

    delay_s: float
    """How long until then."""
    cause: KrakenError
    """What made it necessary."""


class Fail(Struct, frozen=True):
    """End the session with this error."""

    error: KrakenError
    """To be raised to the user."""


class Probe(Struct, frozen=True):
    """Send a ping."""


class WarnStale(Struct, frozen=True):
    """Say that nothing came for long."""

    silent_s: float
    """How long."""


class Restored(Struct, frozen=True):
    """Say that after a loss all that is wanted is there again."""

    duration_s: float
    """From the loss until now."""


class Stray(Struct, frozen=True):
    """Tell of a refusal that answers none of our requests, or none that it names."""

    error: RequestError
    """In the exchange's words."""


class Changed(Struct, frozen=True):
    """Publish a transition."""

    change: StateChange
    """Which."""


Effect = (
    Dial
    | FetchToken
    | SubscribeAll
    | Resync
    | EndSubscription
    | HangUp
    | Invalidate
    | RetryIn
    | Fail
    | Probe
    | WarnStale
    | Restored
    | Stray
    | Changed
)
