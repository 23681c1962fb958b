"""What a request to subscribe asks for: each symbol of it with its options, or what is wrong.

Knows the channels' parameters, what counts where one is left out, and how acknowledgements name a
subscription; nothing of who asks. Waits for nothing.

Source: sections "Public channels", "level3", "Private channels" and "Errors" of the WebSocket v2
documentation, and captured acknowledgements. Not settled there, and decided here: a wrong parameter
is refused once for the whole request; and ``snap_trades`` is on unless it is turned off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from msgspec import Struct

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    EVENT_TRIGGERS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
    Channel,
)
from kraken_trio._internal.testing.pair import Topic
from kraken_trio._internal.wire.requests import RequestFrame

UNSUPPORTED = "Unsupported event"
WRONG_DEPTH = "Subscription depth not supported"
WRONG_INTERVAL = "Subscription ohlc interval not supported"
STRANGE_FIELD = "Unsupported field: '{}' for the given msg type: {}"

BY_SYMBOL = frozenset({"ticker", "spread", "book", "trade", "ohlc", "level3"})
"""The channels that are subscribed to symbol by symbol."""
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
_OLD_OPTIONS: dict[str, dict[str, object]] = {
    "spread": {},
    "own_trades": {"snapshot": True},
    "open_orders": {"snapshot": True, "ratecounter": False},
}
"""Those that protocol v1 alone has."""
_ALL_OPTIONS = _OPTIONS | _OLD_OPTIONS
_WARNINGS = {
    "instrument": ["tick_size is deprecated, use price_increment"],
    "ohlc": ["timestamp is deprecated, use interval_begin"],
    "executions": [
        "cancel_reason is deprecated, use reason",
        "stop_price is deprecated, use triggers.price",
        "trigger is deprecated use triggers.reference",
        "triggered_price is deprecated use triggers.last_price",
    ],
}

TOKENIZED = "tokenized"
"""In the topic of instruments, that those of tokenised shares are wanted, too."""

Key = tuple[str, str | None, int | None]
"""What a connection may be subscribed to once: channel, symbol, and the interval of candles."""


class Refused(Exception):
    """A whole request is refused, in these words."""

    def __init__(self, error: str, *, channel: str | None = None, status: bool = False) -> None:
        """Say why; ``channel`` and ``status`` are what some refusals show besides."""
        super().__init__(error)
        self.error = error
        """In words of the exchange."""
        self.channel = channel
        """The channel that its frame names; None where it names none."""
        self.status = status
        """Whether its frame has ``"status":"error"``."""


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
    snap_orders: bool = True
    """Whether executions are to begin with the open orders."""
    snap_trades: bool = True
    """Whether they are to begin with the latest fills."""
    order_status: bool = True
    """Whether they are to tell of all that becomes of an order, or of the main things."""
    ratecounter: bool = False
    """Whether they are to tell of the rate counter."""
    users: str = ""
    """``all`` where sub-accounts are wanted, too."""
    depth_named: bool = True
    """Whether the request named the depth."""

    @property
    def topic(self) -> Topic:
        """What the frames that it asks for are about."""
        if self.include_tokenized_assets:
            return self.channel, self.symbol, TOKENIZED
        return self.channel, self.symbol, self.depth or self.interval or self.event_trigger

    def as_channel(self) -> Channel:
        """The same in the words of the library."""
        options: dict[str, Any] = {"snapshot": self.snapshot}
        if self.channel in ("book", "level3", *_OLD_OPTIONS):
            options = {}  # To the library their snapshot is no option.
        elif self.channel == "executions":
            options = {
                "snap_orders": self.snap_orders,
                "snap_trades": self.snap_trades,
                "order_status": None if self.order_status else False,
                "ratecounter": self.ratecounter or None,
            }
        if self.include_tokenized_assets:
            options["include_tokenized_assets"] = True
        if self.users == "all":
            options["users"] = "all"
        return Channel(
            name=self.channel,
            symbols=() if self.symbol is None else (self.symbol,),
            depth=self.depth,
            interval=self.interval,
            event_trigger=self.event_trigger,
            **options,
        )


def channel_of(frame: RequestFrame, *, old: bool = False) -> str:
    """Give the channel that a request is about; ``Refused`` where there is no such one.

    Those of protocol v1 are there where it is spoken: ``old``.
    """
    channel = frame.params.get("channel")
    if not isinstance(channel, str) or channel not in (_ALL_OPTIONS if old else _OPTIONS):
        raise Refused(UNSUPPORTED)
    return channel


def parts_of(frame: RequestFrame, *, old: bool = False) -> Iterator[Part]:
    """Give what is asked for, symbol by symbol; ``Refused`` where it cannot be asked."""
    channel = channel_of(frame, old=old)
    params = {name: value for name, value in frame.params.items() if name != "channel"}
    symbols: Any = [None]
    if channel in BY_SYMBOL:
        symbols = params.pop("symbol", None)
        if not isinstance(symbols, list) or not symbols:
            raise Refused(UNSUPPORTED)
        if not all(isinstance(symbol, str) for symbol in symbols):
            raise Refused(UNSUPPORTED)
    options = _ALL_OPTIONS[channel]
    for name, value in params.items():
        if name not in options:
            raise Refused(STRANGE_FIELD.format(name, frame.method))
        _check_value(channel, name, value)
    chosen: dict[str, Any] = {**options, **params, "depth_named": "depth" in params}
    if channel == "spread":
        chosen["snapshot"] = False
    fields = {name: chosen[name] for name in Part.__struct_fields__ if name in chosen}
    return (Part(channel, symbol, **cast("Any", fields)) for symbol in symbols)


def usual_result(part: Part) -> Mapping[str, object]:
    """Give the result that the exchange acknowledges a subscription with."""
    result = named(part) | {"snapshot": part.snapshot}
    if part.channel == "executions":
        result |= {"snap_orders": part.snap_orders, "snap_trades": part.snap_trades}
    if part.channel in _WARNINGS:
        result["warnings"] = _WARNINGS[part.channel]
    return result


def named(part: Part) -> dict[str, object]:
    """Give what names a subscription, in an acknowledgement.

    The depth of a book stands there always, that of ``level3`` only where it was asked for.
    """
    shows_depth = part.channel != "level3" or part.depth_named
    members = {
        "channel": part.channel,
        "depth": part.depth if shows_depth else None,
        "event_trigger": part.event_trigger,
        "interval": part.interval,
        "symbol": part.symbol,
    }
    return {name: value for name, value in members.items() if value is not None}


def _check_value(channel: str, name: str, value: object) -> None:
    """Refuse a value that the parameter cannot have."""
    match name:
        case "depth":
            depths = LEVEL3_DEPTHS if channel == "level3" else BOOK_DEPTHS
            if type(value) is not int or value not in depths:
                raise Refused(WRONG_DEPTH)
        case "interval":
            if type(value) is not int or value not in OHLC_INTERVALS:
                raise Refused(WRONG_INTERVAL)
        case "event_trigger":
            if value not in EVENT_TRIGGERS:
                raise Refused(UNSUPPORTED)
        case _:
            if type(value) is not type(_ALL_OPTIONS[channel][name]):
                raise Refused(UNSUPPORTED)
