"""Iterating over records alone: what is left out, and how it ends."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import trio

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.pressure import HighWater
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.records import NOTICES, RECORDS, Records

CHANGE = StateChange(
    "public",
    ConnectionState.DISCONNECTED,
    ConnectionState.CONNECTING,
    SessionTrigger.CONNECT,
    "",
    Timestamp(1),
)


def test_every_kind_of_item_is_one_or_the_other() -> None:
    """What is new in the union has to be put on one side."""
    assert set(get_args(Item)) == NOTICES | RECORDS
    assert not NOTICES & RECORDS
    assert {kind.__name__ for kind in NOTICES} == {
        "Gap",
        "Resync",
        "Restored",
        "StateChange",
        "HighWater",
        "ProtocolError",
        "SubscriptionError",
        "RequestError",
        "CallbackError",
    }


async def test_only_records_are_given() -> None:
    """Notices in between are passed over; the end of the channel is the end."""
    send, receive = trio.open_memory_channel[Any](9)
    for item in (
        Gap("book", "A", GapReason.OVERFLOW, size=1),
        Heartbeat(Timestamp(1)),
        HighWater("events", (), 8, 10, Timestamp(1)),
        CHANGE,
        Heartbeat(Timestamp(2)),
    ):
        send.send_nowait(item)
    send.close()
    got = [item async for item in Records[Any](receive)]
    assert got == [Heartbeat(Timestamp(1)), Heartbeat(Timestamp(2))]


async def test_what_the_channel_raises_is_raised() -> None:
    """Only its end ends the loop."""
    _, receive = trio.open_memory_channel[Any](1)
    receive.close()
    with pytest.raises(trio.ClosedResourceError):
        await anext(Records[Any](receive))
