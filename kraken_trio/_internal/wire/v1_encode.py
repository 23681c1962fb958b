"""Requests to the bytes that are sent by protocol v1.

Knows how the exchange wants each written, and puts a token into no request that takes none; keeps
no token and gives out no number. Orders are not placed by it.

Source: section "Events" of the WebSocket v1 documentation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import Ping, Request, Subscribe, Unsubscribe
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.traits import V1
from kraken_trio._internal.wire.encode import MAX_REQ_ID
from kraken_trio._internal.wire.v1_text import name_of, pair_of

_EVENTS: dict[type, str] = {Subscribe: "subscribe", Unsubscribe: "unsubscribe"}


def encode_request_v1(
    request: Request, *, req_id: int | None = None, token: Secret | None = None
) -> bytes:
    """Write a request, as ``encode_request`` does.

    ``ConfigurationError`` also for one about orders.
    """
    members: dict[str, Any]
    if isinstance(request, Ping):
        members = {"event": "ping"}
    elif isinstance(request, Subscribe | Unsubscribe):
        members = _subscription(_EVENTS[type(request)], request.channel)
    else:
        raise V1.no_orders()
    if token is not None and request.private:
        members["subscription"]["token"] = token.reveal()
    if req_id is not None:
        if not 0 <= req_id <= MAX_REQ_ID:
            raise ConfigurationError(
                "req_id", f"must be from 0 to {MAX_REQ_ID}, is {req_id}", "Count from 0 again"
            )
        members["reqid"] = req_id
    return msgspec.json.encode(members)


def _subscription(event: str, channel: Channel) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name_of(channel.name)}
    members: dict[str, Any] = {"event": event}
    if channel.symbols:
        members["pair"] = [pair_of(symbol) for symbol in channel.symbols]
    for option in ("depth", "interval"):
        value = getattr(channel, option)
        if value is not None:
            about[option] = value
    return members | {"subscription": about}
