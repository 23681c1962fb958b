"""Requests to the bytes that are sent.

Knows how the exchange wants each parameter written, and puts a token into no request that takes
none; keeps no token and gives out no ``req_id``.

Source: section "Requests" and the methods' and channels' pages of the WebSocket v2
documentation. Its servers refuse unknown parameters, numbers in quotes, and a ``ping`` with
``params``; so only what is set is sent, and a number always as a ``number_float``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.instants import milliseconds_text, seconds_text
from kraken_trio._internal.wire.numerals import number_text

MAX_REQ_ID = 2**31 - 1
"""Of a ``req_id``: examples use more, but one integrator was told to stay within 32 bits."""

METHODS: dict[type[Request], str] = {
    AddOrder: "add_order",
    AmendOrder: "amend_order",
    BatchAdd: "batch_add",
    BatchCancel: "batch_cancel",
    CancelAll: "cancel_all",
    CancelAllOrdersAfter: "cancel_all_orders_after",
    CancelOrder: "cancel_order",
    EditOrder: "edit_order",
    Ping: "ping",
    Subscribe: "subscribe",
    Unsubscribe: "unsubscribe",
}
"""The method of each type of request."""

# What an unsubscription names too: what tells two subscriptions of a channel apart.
_DISTINCTIONS = ("depth", "interval", "event_trigger")
_OPTIONS = (
    "snapshot",
    "snap_orders",
    "snap_trades",
    "order_status",
    "ratecounter",
    "rebased",
    "users",
    "include_tokenized_assets",
    "execution_venue",
)
_IN_MILLISECONDS = "deadline"  # The other times are in whole seconds.


def encode_request(
    request: Request, *, req_id: int | None = None, token: Secret | None = None
) -> bytes:
    """Write a request.

    ``req_id`` is echoed in the answers; ``ConfigurationError`` for one that is not from 0 to
    ``MAX_REQ_ID``. ``token`` is put into private requests, and kept out of all others.
    """
    members: dict[str, Any] = {"method": METHODS[type(request)]}
    match request:
        case Ping():
            pass
        case Subscribe(channel):
            members["params"] = _channel_params(channel, (*_DISTINCTIONS, *_OPTIONS))
        case Unsubscribe(channel):
            members["params"] = _channel_params(channel, _DISTINCTIONS)
        case _:
            members["params"] = _params(request)
    if token is not None and request.private:
        members["params"]["token"] = token.reveal()
    if req_id is not None:
        if not 0 <= req_id <= MAX_REQ_ID:
            raise ConfigurationError(
                "req_id", f"must be from 0 to {MAX_REQ_ID}, is {req_id}", "Count from 0 again"
            )
        members["req_id"] = req_id
    return msgspec.json.encode(members)


def _channel_params(channel: Channel, options: tuple[str, ...]) -> dict[str, Any]:
    params: dict[str, Any] = {"channel": channel.name}
    if channel.symbols:
        params["symbol"] = channel.symbols
    for name in options:
        value = getattr(channel, name)
        if value is not None:
            params[name] = value
    if channel.name == "spread":
        # No channel of the exchange: a ticker that comes with each change of the best levels.
        params |= {"channel": "ticker", "event_trigger": "bbo"}
    elif channel.name == "executions":
        params.pop("snapshot", None)  # Deprecated there; snap_orders and snap_trades say it.
    return params


def _params(request: Struct) -> dict[str, Any]:
    """Give what is set of a request, or of a part of one, by its names on the wire."""
    params = {}
    names = zip(request.__struct_fields__, request.__struct_encode_fields__, strict=True)
    for name, wire_name in names:
        value = getattr(request, name)
        match value:
            case None | ():
                continue
            case Decimal():
                value = Raw(number_text(value))
            case Timestamp():
                write = milliseconds_text if name == _IN_MILLISECONDS else seconds_text
                value = write(value)
            case Struct():
                value = _params(value)
            case (Struct(), *_):
                value = [_params(part) for part in value]
        params[wire_name] = value
    return params
