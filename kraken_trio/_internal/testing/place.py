"""Which of the exchange's three hosts serves what, and how the others refuse it.

Knows hosts, and the channels and methods of each; nothing of how a client gets to one.

Source: sections "Endpoints" and "Errors" of the WebSocket v2 documentation. Not settled there, and
decided here: the host of ``level3`` refuses what belongs to another one as the other two do, and
``level3`` is market data to the private host and private to the public one.
"""

from __future__ import annotations

from typing import Literal, get_args

from kraken_trio._internal.model.config import LEVEL3_ENDPOINT, PRIVATE_ENDPOINT
from kraken_trio._internal.model.endpoint import parse_endpoint

Door = Literal["public", "private", "level3"]
"""A way into the exchange: what one of its hosts serves."""
DOORS: tuple[Door, ...] = get_args(Door)
"""All there are."""

PRIVATE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
PUBLIC = "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"

TRADING = frozenset(
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
"""The methods that trade."""
_HOSTS: dict[str, Door] = {
    parse_endpoint(PRIVATE_ENDPOINT).host: "private",
    parse_endpoint(LEVEL3_ENDPOINT).host: "level3",
}
_CHANNELS: dict[str, Door] = {
    "executions": "private",
    "balances": "private",
    "own_trades": "private",
    "open_orders": "private",
    "level3": "level3",
}
"""Where the channels are that are not public."""


def door_at(host: str) -> Door:
    """Give the door that the real exchange has at a host: the public one at any unknown host."""
    return _HOSTS.get(host.lower(), "public")


def door_of(channel: str) -> Door:
    """Give the door at which a channel is to be had."""
    return _CHANNELS.get(channel, "public")


def needs_token(channel: str) -> bool:
    """Say whether a channel is for those alone who show a token."""
    return channel in _CHANNELS


def displaced(channel: str, door: Door) -> str | None:
    """Say how a door refuses a channel that is to be had at another one; None where it is here."""
    if door_of(channel) == door:
        return None
    if door == "public":
        return PRIVATE
    return PRIVATE if door_of(channel) == "private" else PUBLIC
