"""The three sockets in the wall: Dial, Observer, Rest. All that is optional plugs in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from kraken_trio._internal.model.alert import Alert, RoundTrip
from kraken_trio._internal.model.errors import OutcomeUnknown, ProtocolError, SubscriptionError
from kraken_trio._internal.model.gap import Gap, Resync
from kraken_trio._internal.model.lifecycle import Restored, StateChange
from kraken_trio._internal.model.steps import Step
from kraken_trio._internal.model.timestamp import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import trio


class Dial(Protocol):
    """Makes the byte stream to a host; TLS, where it is wanted, is already on.

    Faults and in-memory peers are put in here, so they work on the very bytes.
    """

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect. Raises ``OSError`` or ``trio.BrokenResourceError`` when that fails.

        A cancellation leaves no socket behind.
        """
        ...


class RestResponse(Struct, frozen=True):
    """What a REST call answered, whatever its status."""

    status: int
    """HTTP status."""
    headers: tuple[tuple[str, str], ...]
    """As sent; names in lower case."""
    body: bytes
    """Undecoded."""

    def __repr__(self) -> str:
        """The status and the size: a body may hold a token, a header a cookie."""
        return f"RestResponse({self.status}, {len(self.body)} bytes)"


class Rest(Protocol):
    """Makes one REST call: tokens and history need it."""

    async def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Send one request and give its answer.

        ``path`` holds the query, if there is one. Raises ``ConnectionFailed`` where no answer
        came. A cancellation leaves no connection behind.
        """
        ...


class Observer:
    """Watches a feed. Override what is of interest; hooks left alone cost nothing.

    Hooks run synchronously on the path of the data, so they must be quick: one that is not is told
    of, as ``ObserverSlow``. One that raises is told of as ``ObserverFailed``; that observer is told
    nothing more, and the feed and the other observers go on.
    """

    def opened(self, publish: Callable[[Alert], None]) -> None:
        """It watches a feed from now on. What ``publish`` is given is an event of that feed."""

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """One data frame's payload came in, not decoded yet. Copy it to keep it."""

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """One request goes out. Where it holds a token, asterisks stand for that."""

    def stepped(self, session: str, step: Step) -> None:
        """Something is about to be done to what delivers, beside the frames: with these, all that
        is delivered can be had once more.
        """

    def answered(self, session: str, trip: RoundTrip) -> None:
        """A request was answered for the first time: a ping, a subscription, an order.

        In a copy of the context (``contextvars``) of the task that waits for the answer; an empty
        one where none does, as for all but orders.
        """

    def unanswered(
        self, session: str, error: OutcomeUnknown, sent_at: Timestamp, at: Timestamp
    ) -> None:
        """A request about orders was sent, and its answer is waited for no longer. One that comes
        all the same is ``answered``. In a copy of the context of the task that waited.
        """

    def record_received(self, session: str, record: object) -> None:
        """A record was decoded and verified; those who consume it are given it next."""

    def record_taken(self, consumer: str, record: object, at: Timestamp) -> None:
        """A consumer took a record: of a subscription to the channel ``consumer``, of ``events`` or
        of ``callbacks``. What it is given for having joined late is not told.
        """

    def fault(self, session: str, error: ProtocolError) -> None:
        """A frame broke the protocol; the next one goes on."""

    def gap(self, session: str, gap: Gap) -> None:
        """Something was lost; ``gap.local`` where only one slow consumer lost it."""

    def resync(self, session: str, resync: Resync) -> None:
        """A subscription is whole again."""

    def restored(self, restored: Restored) -> None:
        """A session has all again that it lost with its connection."""

    def state_changed(self, change: StateChange) -> None:
        """A session went from one state to another."""

    def subscription_failed(self, session: str, error: SubscriptionError) -> None:
        """The subscription of one symbol ended with an error."""
