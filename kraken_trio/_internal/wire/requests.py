"""The bytes of a request back to what is asked: what an exchange has to do.

Knows how requests are written, and is as strict about it as the exchange: no unknown parameter,
no number in quotes. Reasons are in its words where they are known. Nothing that connects to the
real one needs this module; the simulated one does, and so does the proof that what is encoded
is what was meant.

Source: as ``encode``; captured refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.requests import Ping, Request, Subscribe, Unsubscribe
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.encode import METHODS
from kraken_trio._internal.wire.faults import FAULTS, protocol_error
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.numerals import decimal_members

_TYPES: dict[str, type[Request]] = {method: kind for kind, method in METHODS.items()}

# What the exchange takes where a subscription does not say.
_DEPTHS = {"book": 10, "level3": 10}
_INTERVALS = {"ohlc": 1}
_EVENT_TRIGGERS: dict[str, Literal["trades", "bbo"]] = {"ticker": "trades"}
_WITHOUT_SNAPSHOT = "trade"


class RequestFrame(Struct, frozen=True):
    """A request as it came in, its parameters not looked at yet."""

    method: str | None
    """The method; None where the request names none."""
    params: dict[str, Any]
    """The parameters without the token: numbers are ``int`` or ``Decimal``, lists ``list``."""
    req_id: int | None
    """Its number, to be echoed."""
    token: Secret | None
    """The token, where it has one."""
    bare: bool
    """Whether it has no ``params`` at all."""


class DecodedRequest(Struct, frozen=True):
    """A request, and what came with it."""

    request: Request
    """What is asked."""
    req_id: int | None
    """Its number, to be echoed."""
    token: Secret | None
    """The token, where it has one."""


class _Frame(Struct, frozen=True):
    method: str | None = None
    params: dict[str, Any] | None = None
    req_id: int | None = None


class _ChannelParams(Struct, frozen=True, forbid_unknown_fields=True):
    channel: str
    symbol: tuple[str, ...] = ()
    depth: int | None = None
    interval: int | None = None
    event_trigger: Literal["trades", "bbo"] | None = None
    snapshot: bool | None = None
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    order_status: bool | None = None
    ratecounter: bool | None = None
    rebased: bool | None = None
    users: str | None = None
    include_tokenized_assets: bool | None = None
    execution_venue: str | None = None


_decode_frame: Callable[[bytes], _Frame]
_decode_frame = msgspec.json.Decoder(_Frame, float_hook=Decimal).decode


def read_request(payload: bytes) -> RequestFrame:
    """Give the outside of a request: enough to refuse it under its number.

    Raises ``ProtocolError`` for what is no JSON object of the right shape.
    """
    try:
        frame = _decode_frame(payload)
        params = dict(frame.params or {})
        token = params.pop("token", None)
        if token is not None and not isinstance(token, str):
            raise ValueError("Token field must be a string")
    except FAULTS as fault:
        raise protocol_error(fault, payload) from None
    return RequestFrame(
        method=frame.method,
        params=params,
        req_id=frame.req_id,
        token=None if token is None else Secret(token),
        bare=frame.params is None,
    )


def decode_request(payload: bytes) -> DecodedRequest:
    """Give what is asked.

    ``Unsubscribe`` holds a whole ``Channel``, of which only name and symbols are sure: what it
    does not say has its default. Symbols are given as ``Channel`` names them; as they were
    sent they stand in ``read_request``.

    Raises ``ProtocolError`` for a method or parameter that does not exist, and for a value of
    the wrong type.
    """
    frame = read_request(payload)
    try:
        request = _request(frame)
    except FAULTS as fault:
        raise protocol_error(fault, payload) from None
    return DecodedRequest(request, frame.req_id, frame.token)


def _request(frame: RequestFrame) -> Request:
    kind = _TYPES.get(frame.method or "")
    if kind is None or frame.method is None:
        raise ValueError("Method(s) not found")
    if kind is Ping:
        _check_names(("params",) if not frame.bare else (), (), frame.method)
        return Ping()
    if kind is Subscribe or kind is Unsubscribe:
        _check_names(frame.params, _ChannelParams.__struct_encode_fields__, frame.method)
        return kind(_channel(msgspec.convert(frame.params, _ChannelParams)))
    _check_names(frame.params, kind.__struct_encode_fields__, frame.method)
    _check_unquoted(frame.params, decimal_members(kind))
    request: Request = msgspec.convert(frame.params, kind, dec_hook=_read_time)
    return request


def _check_names(names: Collection[str], known: tuple[str, ...], method: str) -> None:
    for name in names:
        if name not in known:
            spoken = method.replace("_", " ")
            raise ValueError(f"Unsupported field: '{name}' for the given msg type: {spoken}")


def _check_unquoted(value: object, numbers: set[str]) -> None:
    """Refuse a number in quotes, which the conversion would take."""
    if isinstance(value, list):
        for part in value:
            _check_unquoted(part, numbers)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in numbers and isinstance(part, str):
                raise ValueError(f"{name.capitalize()} field must be a number_float")
            _check_unquoted(part, numbers)


def _read_time(_: type[Any], value: object) -> Timestamp:
    if not isinstance(value, str):
        raise TypeError("a time is not text")
    return Instants().parse(value)


def _channel(params: _ChannelParams) -> Channel:
    name = params.channel
    if name == "spread":
        raise ValueError("Unsupported event")  # A channel of ours, not of the exchange.
    return Channel(
        name=name,
        symbols=params.symbol,
        depth=params.depth or _DEPTHS.get(name),
        interval=params.interval or _INTERVALS.get(name),
        event_trigger=params.event_trigger or _EVENT_TRIGGERS.get(name),
        snapshot=name != _WITHOUT_SNAPSHOT if params.snapshot is None else params.snapshot,
        snap_orders=params.snap_orders,
        snap_trades=params.snap_trades,
        order_status=params.order_status,
        ratecounter=params.ratecounter,
        rebased=params.rebased,
        users=params.users,
        include_tokenized_assets=params.include_tokenized_assets,
        execution_venue=params.execution_venue,
    )
