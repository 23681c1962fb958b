"""Iterating over records alone: which items are data of the exchange, and which only tell of it.

Knows nothing of where the items come from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, Self, TypeVar, get_args

import trio

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.errors import ProtocolError, RequestError, SubscriptionError
from kraken_trio._internal.model.gap import Gap, Resync
from kraken_trio._internal.model.lifecycle import Restored, StateChange
from kraken_trio._internal.model.pressure import HighWater

NOTICES: Final = frozenset(
    {
        Gap,
        Resync,
        Restored,
        StateChange,
        HighWater,
        ProtocolError,
        SubscriptionError,
        RequestError,
        CallbackError,
    }
)
"""What is told, and is no data."""
RECORDS: Final = frozenset(get_args(Item)) - NOTICES
"""Data of the exchange."""

R = TypeVar("R")


class Records(AsyncIterator[R]):
    """The records of a channel. No generator: one that is left early would have to be closed."""

    __slots__ = ("_channel",)

    def __init__(self, channel: trio.abc.ReceiveChannel[Any]) -> None:
        """Iterate over ``channel``, which stays what it is: what one loop leaves is there."""
        self._channel = channel

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> R:
        """Give the next record; ends and raises as the channel does."""
        try:
            while True:
                item = await self._channel.receive()
                if type(item) in RECORDS:
                    record: R = item
                    return record
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
