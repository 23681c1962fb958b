"""What the exchange answers to one client, and what that client is subscribed to then.

Knows requests, refusals in the exchange's own words and shapes, and what may be asked twice;
nothing of what the channels then carry. Waits for nothing and reads no clock.

Source: sections "Envelopes", "Private channels" and "Errors" of the WebSocket v2 documentation, and
captured refusals. Not settled there, and decided here: what is no request at all is refused like in
protocol v1, under no number; where a client unsubscribes, only the interval of candles must be the
one it subscribed to; and a token is looked at before everything else that is private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.frames import failure_frame, pong_frame, success_frame
from kraken_trio._internal.testing.limits import Level3Limits
from kraken_trio._internal.testing.part import (
    STRANGE_FIELD,
    Key,
    Part,
    Refused,
    channel_of,
    named,
    parts_of,
)
from kraken_trio._internal.testing.place import (
    PRIVATE,
    TRADING,
    Door,
    displaced,
    needs_token,
)
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.tokens import INVALID_SESSION
from kraken_trio._internal.wire.requests import RequestFrame, read_request

MALFORMED = "Malformed request"
NO_METHOD = "Method(s) not found"
NO_TOKEN = "Token(s) not found"  # noqa: S105 - words of the exchange
TOO_FAST = "Exceeded msg rate"
ALREADY = "Already subscribed"
ABSENT = "Subscription Not Found"
UNKNOWN_PAIR = "Currency pair not supported {}"
NO_PAIR = "Currency pair not in ISO 4217-A3 format {}"


class Listing(Protocol):
    """What can be asked for."""

    @property
    def refusals(self) -> Mapping[str, str | None]:
        """What is refused, and how: symbols, channels that have none, and methods that trade.

        None stands for no answer.
        """
        ...

    def refusal(self, part: Part) -> str | None:
        """Say why it cannot be had, or None where it can."""
        ...

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that its acknowledgement holds."""
        ...

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:
        """Do what a method of trading asks, and give the answers; ``Refused`` where it cannot be.

        It came ``now``, with a token that is good.
        """
        ...

    def session_refusal(self, token: Secret) -> str | None:
        """Say why this token is no good, or None where it is."""
        ...

    def hold_session(self, token: Secret) -> None:
        """Note a subscription that was made with it."""
        ...

    def release_session(self, token: Secret) -> None:
        """Note its end."""
        ...


class Answer(Struct, frozen=True):
    """What follows from one request."""

    frames: tuple[bytes, ...] = ()
    """To be sent, in this order."""
    begun: tuple[Part, ...] = ()
    """New subscriptions: their snapshots come after the frames."""
    ended: tuple[Part, ...] = ()
    """Subscriptions that are none any more."""


class Conversation:
    """One client's requests and what they made of it."""

    def __init__(
        self,
        listing: Listing,
        *,
        door: Door = "public",
        rules: ExchangeRules | None = None,
        distrusts: Callable[[str], bool] | None = None,
    ) -> None:
        """Begin without subscriptions, with a client that came through ``door``.

        ``distrusts`` is asked, with the channel, whether a token is refused that would be good.
        """
        rules = rules or ExchangeRules()
        self.old: bool = False
        """Whether the client speaks protocol v1, which has channels of its own."""
        self._listing = listing
        self._door = door
        self._distrusts = distrusts
        self._several_intervals = rules.several_intervals
        self._level3 = Level3Limits(rules)
        self._subscriptions: dict[Key, Part] = {}
        self._tokens: dict[Key, Secret] = {}

    @property
    def subscriptions(self) -> tuple[Part, ...]:
        """What the client is subscribed to, in the order of asking."""
        return tuple(self._subscriptions.values())

    def hear(self, payload: bytes, now: int, *, too_fast: bool = False) -> Answer:
        """Take a request that came at ``now``, nanoseconds since the epoch.

        One that came ``too_fast`` after others is refused for that.
        """
        try:
            frame = read_request(payload)
        except ProtocolError:
            return Answer((failure_frame(None, MALFORMED, now),))
        if too_fast:
            return Answer((failure_frame(frame.method, TOO_FAST, now, req_id=frame.req_id),))
        try:
            return self._answer(frame, now)
        except Refused as refused:
            return Answer((_whole_failure(frame, refused, now),))

    def leave(self) -> None:
        """End: the client is gone. What it was subscribed to is still known."""
        for token in self._tokens.values():
            self._listing.release_session(token)
        self._tokens.clear()

    def _answer(self, frame: RequestFrame, now: int) -> Answer:
        match frame.method:
            case "subscribe":
                return self._subscribe(frame, now)
            case "unsubscribe":
                return self._unsubscribe(frame, now)
            case "ping" if frame.bare:
                return Answer((pong_frame(now, req_id=frame.req_id),))
            case "ping":
                raise Refused(STRANGE_FIELD.format("params", "ping"))
            case str(method) if method in TRADING:
                return self._trade(frame, method, now)
            case _:
                return Answer((failure_frame(None, NO_METHOD, now, req_id=frame.req_id),))

    def _trade(self, frame: RequestFrame, method: str, now: int) -> Answer:
        if self._door != "private":
            raise Refused(PRIVATE)
        self._check_token(frame)
        refusals = self._listing.refusals
        if method in refusals:
            error = refusals[method]
            if error is None:
                return Answer()
            raise Refused(error)
        return Answer(tuple(self._listing.trade(frame, now)))

    def _subscribe(self, frame: RequestFrame, now: int) -> Answer:
        refusals = self._listing.refusals
        frames: list[bytes] = []
        begun: list[Part] = []
        for part in self._parts(frame):
            about = part.symbol or part.channel
            if about in refusals and refusals[about] is None:
                continue
            error = refusals.get(about) or self._error(part)
            limited = None if error else self._limited(part, now)
            if limited is not None:
                frames.append(_whole_failure(frame, limited, now))
            elif error is None:
                self._hold(self._key(part), part, frame.token)
                begun.append(part)
                result = self._listing.result(part)
                frames.append(success_frame("subscribe", result, now, req_id=frame.req_id))
            else:
                frames.append(_failure(frame, part, error, now))
        return Answer(tuple(frames), tuple(begun))

    def _error(self, part: Part) -> str | None:
        """Say why there is no new subscription to it, or None where there is one."""
        if part.symbol is not None and "/" not in part.symbol:
            return NO_PAIR.format(part.symbol)
        already = ALREADY if self._key(part) in self._subscriptions else None
        return self._listing.refusal(part) or already

    def _limited(self, part: Part, now: int) -> Refused | None:
        """Give the refusal of one symbol too many of ``level3``, which is not shown as one."""
        if part.channel != "level3" or part.symbol is None or part.depth is None:
            return None
        held = len(self._subscriptions)
        error = self._level3.refusal(part.symbol, part.depth, now, held=held)
        return None if error is None else Refused(error, channel=part.channel, status=True)

    def _unsubscribe(self, frame: RequestFrame, now: int) -> Answer:
        frames: list[bytes] = []
        ended: list[Part] = []
        for part in self._parts(frame):
            there = self._release(self._key(part))
            if there is None:
                frames.append(_failure(frame, part, ABSENT, now))
            else:
                ended.append(there)
                result = named(there)
                frames.append(success_frame("unsubscribe", result, now, req_id=frame.req_id))
        return Answer(tuple(frames), ended=tuple(ended))

    def _key(self, part: Part) -> Key:
        return part.channel, part.symbol, part.interval if self._several_intervals else None

    def _hold(self, key: Key, part: Part, token: Secret | None) -> None:
        """Note a new subscription, and the token that it was made with where it needs one."""
        self._subscriptions[key] = part
        if token is not None and needs_token(part.channel):
            self._tokens[key] = token
            self._listing.hold_session(token)

    def _release(self, key: Key) -> Part | None:
        """Note the end of a subscription, if there is one."""
        token = self._tokens.pop(key, None)
        if token is not None:
            self._listing.release_session(token)
        return self._subscriptions.pop(key, None)

    def _parts(self, frame: RequestFrame) -> Iterator[Part]:
        """Give what is asked for, symbol by symbol; refuses what cannot be asked here."""
        channel = channel_of(frame, old=self.old)
        error = displaced(channel, self._door)
        if error is not None:
            raise Refused(error)
        if needs_token(channel):
            self._check_token(frame, channel)
        return parts_of(frame, old=self.old)

    def _check_token(self, frame: RequestFrame, channel: str | None = None) -> None:
        """Refuse what is private without a good token."""
        if frame.token is None:
            raise Refused(NO_TOKEN)
        error = self._listing.session_refusal(frame.token)
        if error is None and channel and self._distrusts and self._distrusts(channel):
            error = INVALID_SESSION
        if error is not None:
            raise Refused(error, channel=channel, status=True)


def _failure(frame: RequestFrame, part: Part, error: str, now: int) -> bytes:
    """Refuse one part of a request."""
    return failure_frame(frame.method, error, now, req_id=frame.req_id, symbol=part.symbol)


def _whole_failure(frame: RequestFrame, refused: Refused, now: int) -> bytes:
    """Refuse a request as a whole."""
    return failure_frame(
        frame.method,
        refused.error,
        now,
        req_id=frame.req_id,
        channel=refused.channel,
        status=refused.status,
    )
