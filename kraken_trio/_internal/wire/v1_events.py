"""The events of protocol v1: what its exchange says besides data, each an object.

Knows their names and members; nothing of which request is waiting for what. A refusal does not say
whether it is one of subscribing or of leaving: the number of the request does.

Source: sections "Events", "Trading events" and "Errors" of the WebSocket v1 documentation, and
captured traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.messages import (
    Heartbeat,
    Message,
    OrderResult,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.reference import Emergency, MaintenanceWindow, SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import frame_decoder
from kraken_trio._internal.wire.faults import words
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.refusals import refusal_of
from kraken_trio._internal.wire.v1_text import channel_of, symbol_of

_DONE = {"subscribed": "subscribe", "unsubscribed": "unsubscribe", "ok": ""}
"""What is confirmed. The last one is documented and was never seen: the number of the request says
what it means."""
_TRADING = {
    "addOrderStatus": "add_order",
    "amendOrderStatus": "amend_order",
    "cancelAllOrdersAfterStatus": "cancel_all_orders_after",
    "cancelAllStatus": "cancel_all",
    "cancelOrderStatus": "cancel_order",
    "editOrderStatus": "edit_order",
}
_NO_REASON = "no reason given"
_NAME_CHARACTERS = 64
_SWITCHED_OFF = "0"
_DIGITS = 20


class _Subscription(Struct, frozen=True, gc=False):
    name: str | None = None
    depth: int | None = None
    interval: int | None = None
    maxratecount: int | None = None


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """Whatever an event may hold."""

    event: str | None = None
    """Its name; None in the one refusal that has nothing else."""
    bare_error: str | None = msgspec.field(default=None, name="Error")
    """What that says."""
    error: str | None = msgspec.field(default=None, name="errorMessage")
    """Why something was refused."""
    status: str | None = None
    """What became of something; of the system, how it is."""
    req_id: int | str | None = msgspec.field(default=None, name="reqid")
    """Echo of the request's number."""
    channel_id: Raw = msgspec.field(default=Raw(), name="channelID")
    """Deprecated, and of any size: only ever compared."""
    channel: str | None = msgspec.field(default=None, name="channelName")
    """The channel's name in data."""
    pair: str | tuple[str, ...] | None = None
    """The pair that it is about; what is said of several is said of the whole request."""
    subscription: _Subscription | None = None
    """What was subscribed to."""
    connection_id: int | None = msgspec.field(default=None, name="connectionID")
    """Of a new connection."""
    version: str | None = None
    """Of the service."""
    upcoming_maintenance: tuple[MaintenanceWindow, ...] | None = None
    """Not documented, and sent."""
    emergency: tuple[Emergency, ...] | None = None
    """Likewise."""
    txid: str | tuple[str, ...] | None = None
    """Of an order."""
    original_txid: str | None = msgspec.field(default=None, name="originaltxid")
    """Of the order that was replaced."""
    amend_id: str | None = None
    """Of an amendment."""
    cl_ord_id: str | None = None
    """The client's name of the order."""
    count: int | None = None
    """How many orders were cancelled."""
    current_time: Timestamp | None = msgspec.field(default=None, name="currentTime")
    """The exchange's clock."""
    trigger_time: str | int | None = msgspec.field(default=None, name="triggerTime")
    """When the dead man's switch fires; ``"0"`` when it is off."""


class Events:
    """Reads events."""

    __slots__ = ("_instants", "decode")

    def __init__(self) -> None:
        """Build the decoder."""
        self._instants = Instants()
        self.decode = frame_decoder(Event, self._instants)
        """Give the members of a frame. Raises what ``faults.FAULTS`` names."""

    def message(self, event: Event, received_at: Timestamp | None) -> Message:
        """Give what an event says. Raises what ``faults.FAULTS`` names."""
        name = event.event
        if name is None:
            if event.bare_error is None:
                raise ValueError("neither an event nor data")
            return _refused(event, "", event.bare_error, received_at)
        if name in _TRADING:
            return self._traded(event, _TRADING[name], received_at)
        reader = _READERS.get(name)
        if reader is None:
            return Unknown("event", name[:_NAME_CHARACTERS], received_at)
        return reader(event, received_at)

    def _traded(self, event: Event, method: str, received_at: Timestamp | None) -> Reply:
        if event.status != "ok":
            return _refused(event, method, event.error, received_at)
        trigger = event.trigger_time
        if isinstance(trigger, int) and trigger:
            raise ValueError("a time is not text")
        ids: tuple[str | None, ...]
        ids = event.txid if isinstance(event.txid, tuple) else (event.txid,)
        named = event.cl_ord_id is not None or event.amend_id is not None or ids != (None,)
        return Reply(
            method=method,
            success=True,
            req_id=number_of(event),
            orders=tuple(
                OrderResult(
                    order_id=order_id,
                    original_order_id=event.original_txid,
                    amend_id=event.amend_id,
                    cl_ord_id=event.cl_ord_id,
                )
                for order_id in (ids if named else ())
            ),
            count=event.count,
            current_time=event.current_time,
            trigger_time=(
                self._instants.parse(trigger)
                if isinstance(trigger, str) and trigger != _SWITCHED_OFF
                else None
            ),
            received_at=received_at,
        )


def number_of(event: Event) -> int | None:
    """Give the number of the request; what is none of ours, such as text, is None."""
    if isinstance(event.req_id, str):
        text = event.req_id
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None
    return event.req_id


def key_of(event: Event) -> tuple[str, str | None, int | None] | None:
    """Give where the data of an acknowledged subscription belong, as ``Channel.key``."""
    if event.channel is None:
        return None
    channel, option = channel_of(event.channel)
    symbol = symbol_of(event.pair) if isinstance(event.pair, str) else None
    return channel, symbol, option if channel == "ohlc" else None


def _status(event: Event, received_at: Timestamp | None) -> RecordsMessage:
    if event.status is None:
        raise ValueError("the status of the system is missing")
    status = SystemStatus(
        system=event.status,
        connection_id=event.connection_id,
        version=event.version,
        upcoming_maintenance=event.upcoming_maintenance,
        emergency=event.emergency,
        received_at=received_at,
    )
    return RecordsMessage("status", False, (status,), None, received_at)  # noqa: FBT003 - a struct


def _subscribed(event: Event, received_at: Timestamp | None) -> Reply:
    method = _DONE.get(event.status or "")
    if method is None or event.error is not None:
        return _refused(event, "", event.error, received_at)
    about = event.subscription or _Subscription()
    return Reply(
        method=method,
        success=True,
        maxratecount=about.maxratecount,
        **_about(event),
        received_at=received_at,
    )


def _refused(event: Event, method: str, error: str | None, received_at: Timestamp | None) -> Reply:
    error = error or _NO_REASON
    return Reply(
        method=method,
        success=False,
        error=words(error),
        refusal=refusal_of(error),
        **_about(event),
        received_at=received_at,
    )


def _about(event: Event) -> dict[str, Any]:
    """What an answer is about: its number, channel and symbol. A symbol that is none is no news."""
    about, pair = event.subscription or _Subscription(), event.pair
    name = about.name if about.name is not None else event.channel
    return {
        "req_id": number_of(event),
        "channel": None if name is None else channel_of(name)[0],
        "symbol": symbol_of(pair) if isinstance(pair, str) and "/" in pair else None,
        "depth": about.depth,
        "interval": about.interval,
    }


def _heartbeat(_: Event, received_at: Timestamp | None) -> Heartbeat:
    return Heartbeat(received_at)


def _pong(event: Event, received_at: Timestamp | None) -> Reply:
    return Reply(method="pong", success=True, req_id=number_of(event), received_at=received_at)


def _error(event: Event, received_at: Timestamp | None) -> Reply:
    return _refused(event, "", event.error, received_at)


_READERS: dict[str, Callable[[Event, Timestamp | None], Message]] = {
    "error": _error,
    "heartbeat": _heartbeat,
    "pong": _pong,
    "subscriptionStatus": _subscribed,
    "systemStatus": _status,
}
