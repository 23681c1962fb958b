"""Every error that the library raises by its own decision.

::

    KrakenError
    ├─ ConfigurationError          wrong before anything ran
    ├─ ConnectionFailed
    │  ├─ ConnectTimeout
    │  ├─ UpgradeRefused
    │  ├─ ConnectionLost
    │  └─ RetriesExhausted
    ├─ ProtocolError               the exchange, or a file, broke the rules
    ├─ SubscriptionError
    ├─ AuthenticationError         never retried
    ├─ OrderEnded                  what was waited for of an order cannot come any more
    ├─ RequestError
    │  ├─ OrderRejected
    │  ├─ OutcomeUnknown
    │  ├─ RequestNotSent
    │  └─ SwitchLapsed
    └─ InvalidTransition           a bug of this library

A closed channel and the end of a feed keep trio's own errors (``ClosedResourceError``,
``EndOfChannel``). What was said stands in attributes; the text is composed from them and
never holds a key, a secret or a token. ``ProtocolError`` and ``SubscriptionError`` also
travel as events, uncaught by anybody, when nothing had to end because of them.
"""

from __future__ import annotations

import attrs

from kraken_trio._internal.model.complaints import Complaint, doubtful, explain

_CHANGING = frozenset({"add_order", "batch_add", "amend_order", "edit_order"})
"""Methods by which an order is made or changed."""
EXCERPT_CHARACTERS = 120
"""How much of a faulty frame an error may carry: enough to know it, too little for a flood."""


class KrakenError(Exception):
    """Base of every error of this library. Catch it to catch them all."""

    retryable: bool = False
    """Whether the same call may succeed later with nothing changed."""


@attrs.define(slots=False, eq=False)
class ConfigurationError(KrakenError):
    """A setting is wrong; raised before anything ran. Not about what the exchange refuses:
    that is ``SubscriptionError`` or ``RequestError``.
    """

    field: str
    """The setting's name."""
    rule: str
    """What a value must satisfy, and how this one does not."""
    mend: str
    """What to do about it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}. {self.mend}"


class ConnectionFailed(KrakenError):
    """No connection could be made, or one broke. The four below say which."""

    retryable = True


@attrs.define(slots=False, eq=False)
class ConnectTimeout(ConnectionFailed):
    """The connection was not established in time. Not for a connection that fell silent later:
    that is ``ConnectionLost``.
    """

    host: str
    """Where to."""
    timeout_s: float
    """How long was waited, in seconds."""

    def __str__(self) -> str:
        return f"no connection to {self.host} within {self.timeout_s:g} s"


@attrs.define(slots=False, eq=False)
class UpgradeRefused(ConnectionFailed):
    """The host answered, but with an HTTP status instead of opening a WebSocket: 403 or 429 where
    it bars the address, 5xx where it cannot serve.
    """

    status: int
    """HTTP status; never 101."""
    retry_after_s: float | None = None
    """How long it asked to wait, in seconds; None where it did not say."""

    def __str__(self) -> str:
        after = "" if self.retry_after_s is None else f"; it asks to wait {self.retry_after_s:g} s"
        return f"the host refused a WebSocket with HTTP status {self.status}{after}"


@attrs.define(slots=False, eq=False)
class ConnectionLost(ConnectionFailed):
    """An established connection ended without our asking for it."""

    code: int | None
    """The close code (RFC 6455 section 7.4), or None when the peer sent no close frame."""
    reason: str = ""
    """What the peer said, or what was noticed."""

    def __str__(self) -> str:
        code = "no close code" if self.code is None else f"close code {self.code}"
        return f"connection lost ({code})" + (f": {self.reason}" if self.reason else "")


@attrs.define(slots=False, eq=False)
class RetriesExhausted(ConnectionFailed):
    """Every attempt to reconnect failed. Its ``__cause__`` is the last failure."""

    attempts: int
    """How many were made."""

    retryable = False

    def __str__(self) -> str:
        return f"gave up after {self.attempts} attempts to connect"


@attrs.define(slots=False, eq=False)
class ProtocolError(KrakenError):
    """What arrived breaks the protocol: a WebSocket rule, JSON, or the shape of a message.

    Raised by the decoders. The live feed goes on with the next frame and shows the error as
    an event; only a fault of the WebSocket framing itself ends a connection.
    """

    reason: str
    """Which rule was broken."""
    excerpt: str = ""
    """The beginning of the frame, at most ``EXCERPT_CHARACTERS`` characters, made printable."""
    close_code: int | None = None
    """The code to close the connection with (RFC 6455 section 7.4.1), where it must be closed."""

    def __str__(self) -> str:
        return self.reason + (f" (in {self.excerpt!r})" if self.excerpt else "")


class Said:
    """Of an error that carries words of the exchange in ``reason``: what they mean."""

    reason: str

    @property
    def complaint(self) -> Complaint:
        """What the words mean: category, severity, and what to do. Words that are not the
        exchange's, or not known, have no advice and are not ``known``.
        """
        return explain(self.reason)


@attrs.define(slots=False, eq=False)
class SubscriptionError(Said, KrakenError):
    """One subscription could not be made or kept. Carries which, and the exchange's own words."""

    reason: str
    """What the exchange, or the local check, said."""
    channel: str | None = None
    """The channel's name, where it is known."""
    symbol: str | None = None
    """The symbol, where the refusal concerns one."""
    attempts: int = 1
    """How often it was asked for before it was given up."""

    def __attrs_post_init__(self) -> None:
        """The words say whether it passes."""
        self.retryable: bool = self.complaint.retryable

    def __str__(self) -> str:
        about = " ".join(part for part in (self.channel, self.symbol) if part)
        often = f", in {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{about}: {self.reason}{often}" if about else f"{self.reason}{often}"


@attrs.define(slots=False, eq=False)
class AuthenticationError(Said, KrakenError):
    """The exchange refused the credentials. Never retried: a storm of refusals locks a key out."""

    reason: str
    """The exchange's own words."""
    mend: str = ""
    """What to do about it; empty where nobody knows."""

    def __str__(self) -> str:
        return f"credentials refused: {self.reason}" + (f". {self.mend}" if self.mend else "")


@attrs.define(slots=False, eq=False)
class OrderEnded(KrakenError):
    """An order ended otherwise than was waited for. Not a refusal of the exchange's: that is
    ``OrderRejected``.
    """

    order_id: str
    """Which."""
    order_status: str
    """How it ended; ``gone`` where nobody can tell."""
    wanted: str
    """The status that was waited for."""

    def __str__(self) -> str:
        return f"order {self.order_id} is {self.order_status}, and will not be {self.wanted}"


@attrs.define(slots=False, eq=False)
class RequestError(Said, KrakenError):
    """A request was answered with an error. For subscriptions see ``SubscriptionError``."""

    method: str
    """The request's method, such as ``ping`` or ``add_order``."""
    reason: str
    """The exchange's own words, or what happened to the request."""
    req_id: int | None = None
    """The request's number, where it had one."""

    def __attrs_post_init__(self) -> None:
        """The words say whether it passes."""
        self.retryable: bool = self.complaint.retryable

    def __str__(self) -> str:
        return f"{self.method}: {self.reason}"


class OrderRejected(RequestError):
    """The exchange said no to an order. Where it said nothing, see ``OutcomeUnknown``."""

    def __attrs_post_init__(self) -> None:
        """What may have made or changed an order all the same must not be asked again."""
        super().__attrs_post_init__()
        if self.method in _CHANGING and doubtful(self.reason):
            self.retryable = False


@attrs.define(slots=False, eq=False)
class OutcomeUnknown(RequestError):
    """The answer to a request never came: it may or may not have been carried out.

    A timeout is never a rejection. Settle it from executions before asking again. Where nothing
    was sent at all, that is known: see ``RequestNotSent``.
    """

    names: tuple[str, ...] = ()
    """The orders that it was about: the exchange's names of them, and the client's."""

    def __attrs_post_init__(self) -> None:
        """Whatever the words say, what may have been done must not be asked again."""
        self.retryable = False


@attrs.define(slots=False, eq=False)
class RequestNotSent(RequestError):
    """Nothing was sent, so nothing was done: what is asked for cannot be right, or there was no
    connection to send it on. What the exchange refused is ``OrderRejected``.
    """

    field: str = ""
    """The parameter that is wrong; empty where it is none."""
    mend: str = ""
    """What to do about it; empty where nobody knows."""

    def __str__(self) -> str:
        about = f"{self.method}: {self.field}" if self.field else self.method
        return f"{about}: {self.reason}" + (f". {self.mend}" if self.mend else "")


class SwitchLapsed(RequestError):
    """A dead man's switch could not be renewed in time: the exchange has cancelled all orders, or
    is about to.
    """


@attrs.define(slots=False, eq=False)
class InvalidTransition(KrakenError):
    """A state machine was given a trigger that its table does not have. Nothing was changed."""

    machine: str
    """Which machine: ``session``, ``subscription`` or ``book``."""
    state: str
    """The state it was in, and still is."""
    trigger: str
    """The trigger it does not know there."""

    def __str__(self) -> str:
        return f"{self.machine}: no transition from {self.state} by {self.trigger}"


def request_error(method: str, reason: str, req_id: int | None = None) -> RequestError:
    """The error that a refused request becomes, of the class that its words say."""
    kinds: dict[str, type[RequestError]] = {
        "OrderRejected": OrderRejected,
        "OutcomeUnknown": OutcomeUnknown,
    }
    kind = kinds.get(explain(reason).kind, RequestError)
    if method in _CHANGING and doubtful(reason):
        kind = OutcomeUnknown
    return kind(method, reason, req_id)
