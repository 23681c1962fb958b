"""What the exchange answers to one client, and what that client is subscribed to then.

Knows requests, refusals in the exchange's own words and shapes, and what may be asked twice;
nothing of what the channels then carry. Waits for nothing and reads no clock.

Source: sections "Envelopes", "Public channels", "Private channels" and "Errors" of the
WebSocket v2 documentation, and captured refusals. Not settled there, and decided here: a wrong
parameter is refused once for the whole request; what is no request at all is refused like in
protocol v1, under no number; and where a client unsubscribes, only the interval of candles must
be the one it subscribed to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, Protocol, cast

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    EVENT_TRIGGERS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
    Channel,
)
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.testing.frames import failure_frame, pong_frame, success_frame
from kraken_trio._internal.testing.pair import Topic
from kraken_trio._internal.wire.requests import RequestFrame, read_request

MALFORMED = "Malformed request"
NO_METHOD = "Method(s) not found"
NO_TOKEN = "Token(s) not found"  # noqa: S105 - words of the exchange
UNSUPPORTED = "Unsupported event"
TOO_FAST = "Exceeded msg rate"
ALREADY = "Already subscribed"
ABSENT = "Subscription Not Found"
UNKNOWN_PAIR = "Currency pair not supported {}"
NO_PAIR = "Currency pair not in ISO 4217-A3 format {}"
WRONG_DEPTH = "Subscription depth not supported"
WRONG_INTERVAL = "Subscription ohlc interval not supported"
PRIVATE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
PUBLIC = "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
STRANGE_FIELD = "Unsupported field: '{}' for the given msg type: {}"

_TRADING = frozenset(
    {
        "add_order",
        "amend_order",
        "batch_add",
        "batch_cancel",
        "cancel_all",
        "cancel_all_orders_after",
        "cancel_order",
        "edit_order",
    }
)
BY_SYMBOL = frozenset({"ticker", "book", "trade", "ohlc", "level3"})
"""The channels that are subscribed to symbol by symbol."""
_PRIVATE = frozenset({"level3", "executions", "balances"})
_OPTIONS: dict[str, dict[str, object]] = {
    "ticker": {"event_trigger": "trades", "snapshot": True},
    "book": {"depth": 10, "snapshot": True},
    "trade": {"snapshot": False},
    "ohlc": {"interval": 1, "snapshot": True},
    "instrument": {
        "snapshot": True,
        "include_tokenized_assets": False,
        "execution_venue": "international",
    },
    "level3": {"depth": 10, "snapshot": True},
    "executions": {
        "snapshot": True,
        "snap_orders": True,
        "snap_trades": True,
        "order_status": True,
        "ratecounter": False,
        "rebased": True,
        "users": "",
    },
    "balances": {"snapshot": True, "rebased": True, "users": ""},
}
"""The parameters of each channel besides its symbols, and what counts where one is left out."""
CHANNELS = frozenset(_OPTIONS)
"""The channels that can be subscribed to, public and private."""
_WARNINGS = {
    "instrument": ["tick_size is deprecated, use price_increment"],
    "ohlc": ["timestamp is deprecated, use interval_begin"],
}

TOKENIZED = "tokenized"
"""In the topic of instruments, that those of tokenised shares are wanted, too."""

Key = tuple[str, str | None, int | None]
"""What a connection may be subscribed to once: channel, symbol, and the interval of candles."""


class Part(Struct, frozen=True):
    """What a request asks for one symbol, or for the channels that have none."""

    channel: str
    """Its name on the wire."""
    symbol: str | None
    """As it was sent."""
    depth: int | None = None
    """Levels a side, where the channel has them."""
    interval: int | None = None
    """Minutes, where the channel has them."""
    event_trigger: Literal["trades", "bbo"] | None = None
    """Of a ticker."""
    snapshot: bool = True
    """Whether to begin with what is known."""
    include_tokenized_assets: bool = False
    """Whether instruments are to be those of tokenised shares, too."""

    @property
    def topic(self) -> Topic:
        """What the frames that it asks for are about."""
        if self.include_tokenized_assets:
            return self.channel, self.symbol, TOKENIZED
        return self.channel, self.symbol, self.depth or self.interval or self.event_trigger

    def as_channel(self) -> Channel:
        """The same in the words of the library."""
        options: dict[str, Any] = {"snapshot": self.snapshot}
        if self.channel in ("book", "level3", "executions"):
            options = {}  # To the library their snapshot is no option.
        if self.include_tokenized_assets:
            options["include_tokenized_assets"] = True
        return Channel(
            name=self.channel,
            symbols=() if self.symbol is None else (self.symbol,),
            depth=self.depth,
            interval=self.interval,
            event_trigger=self.event_trigger,
            **options,
        )


class Listing(Protocol):
    """What can be subscribed to."""

    @property
    def channels(self) -> Collection[str]:
        """The channels there are, public or private or both."""
        ...

    @property
    def refusals(self) -> Mapping[str, str | None]:
        """Symbols (or channels that have none) that are refused, and how; None for no answer."""
        ...

    def refusal(self, part: Part) -> str | None:
        """Say why it cannot be had, or None where it can."""
        ...

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that its acknowledgement holds."""
        ...


class Answer(Struct, frozen=True):
    """What follows from one request."""

    frames: tuple[bytes, ...] = ()
    """To be sent, in this order."""
    begun: tuple[Part, ...] = ()
    """New subscriptions: their snapshots come after the frames."""
    ended: tuple[Part, ...] = ()
    """Subscriptions that are none any more."""


class _Refused(Exception):
    """The whole request is refused, in these words."""


class Conversation:
    """One client's requests and what they made of it."""

    def __init__(self, listing: Listing, *, several_intervals: bool) -> None:
        """Begin without subscriptions.

        ``several_intervals`` where a pair's candles of different intervals may be had together.
        """
        self._listing = listing
        self._several_intervals = several_intervals
        self._subscriptions: dict[Key, Part] = {}

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
        except _Refused as refused:
            text = str(refused)
            return Answer((failure_frame(frame.method, text, now, req_id=frame.req_id),))

    def _answer(self, frame: RequestFrame, now: int) -> Answer:
        match frame.method:
            case "subscribe":
                return self._subscribe(frame, now)
            case "unsubscribe":
                return self._unsubscribe(frame, now)
            case "ping" if frame.bare:
                return Answer((pong_frame(now, req_id=frame.req_id),))
            case "ping":
                raise _Refused(STRANGE_FIELD.format("params", "ping"))
            case str(method) if method in _TRADING:
                raise _Refused(PRIVATE)
            case _:
                return Answer((failure_frame(None, NO_METHOD, now, req_id=frame.req_id),))

    def _subscribe(self, frame: RequestFrame, now: int) -> Answer:
        refusals = self._listing.refusals
        frames: list[bytes] = []
        begun: list[Part] = []
        for part in self._parts(frame):
            about = part.symbol or part.channel
            if about in refusals and refusals[about] is None:
                continue
            error = refusals.get(about) or self._error(part)
            if error is None:
                self._subscriptions[self._key(part)] = part
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

    def _unsubscribe(self, frame: RequestFrame, now: int) -> Answer:
        frames: list[bytes] = []
        ended: list[Part] = []
        for part in self._parts(frame):
            there = self._subscriptions.pop(self._key(part), None)
            if there is None:
                frames.append(_failure(frame, part, ABSENT, now))
            else:
                ended.append(there)
                result = _named(there)
                frames.append(success_frame("unsubscribe", result, now, req_id=frame.req_id))
        return Answer(tuple(frames), ended=tuple(ended))

    def _key(self, part: Part) -> Key:
        return part.channel, part.symbol, part.interval if self._several_intervals else None

    def _parts(self, frame: RequestFrame) -> Iterator[Part]:
        """Give what is asked for, symbol by symbol; refuses what cannot be asked."""
        params = dict(frame.params)
        channel = params.pop("channel", None)
        if not isinstance(channel, str) or channel not in _OPTIONS:
            raise _Refused(UNSUPPORTED)
        self._check_place(frame, channel)
        symbols: Any = [None]
        if channel in BY_SYMBOL:
            symbols = params.pop("symbol", None)
            if not isinstance(symbols, list) or not symbols:
                raise _Refused(UNSUPPORTED)
            if not all(isinstance(symbol, str) for symbol in symbols):
                raise _Refused(UNSUPPORTED)
        options = _OPTIONS[channel]
        for name, value in params.items():
            if name not in options:
                raise _Refused(STRANGE_FIELD.format(name, frame.method))
            _check_value(channel, name, value)
        chosen = {name: params.get(name, default) for name, default in options.items()}
        fields = {name: chosen[name] for name in Part.__struct_fields__ if name in chosen}
        return (Part(channel, symbol, **cast("Any", fields)) for symbol in symbols)

    def _check_place(self, frame: RequestFrame, channel: str) -> None:
        """Refuse what belongs to another host, and what is private without a token."""
        there = self._listing.channels
        if channel in _PRIVATE:
            if channel not in there:
                raise _Refused(PRIVATE)
            if frame.token is None:
                raise _Refused(NO_TOKEN)
        elif _PRIVATE.issuperset(there):
            raise _Refused(PUBLIC)


def _failure(frame: RequestFrame, part: Part, error: str, now: int) -> bytes:
    """Refuse one part of a request."""
    return failure_frame(frame.method, error, now, req_id=frame.req_id, symbol=part.symbol)


def usual_result(part: Part) -> Mapping[str, object]:
    """Give the result that the exchange acknowledges a subscription with."""
    result = _named(part) | {"snapshot": part.snapshot}
    if part.channel in _WARNINGS:
        result["warnings"] = _WARNINGS[part.channel]
    return result


def _named(part: Part) -> dict[str, object]:
    """Give what names a subscription, in an acknowledgement."""
    members = {name: value for name, value in msgspec.structs.asdict(part).items() if value}
    for option in ("snapshot", "include_tokenized_assets"):
        members.pop(option, None)
    return members


def _check_value(channel: str, name: str, value: object) -> None:
    """Refuse a value that the parameter cannot have."""
    match name:
        case "depth":
            depths = LEVEL3_DEPTHS if channel == "level3" else BOOK_DEPTHS
            if type(value) is not int or value not in depths:
                raise _Refused(WRONG_DEPTH)
        case "interval":
            if type(value) is not int or value not in OHLC_INTERVALS:
                raise _Refused(WRONG_INTERVAL)
        case "event_trigger":
            if value not in EVENT_TRIGGERS:
                raise _Refused(UNSUPPORTED)
        case _:
            if type(value) is not type(_OPTIONS[channel][name]):
                raise _Refused(UNSUPPORTED)
