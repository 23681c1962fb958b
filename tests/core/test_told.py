"""What of a buffer is told as it is taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.told import ToldBuffer
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp


def trade(number: int, received_at: int | None) -> Trade:
    """Give a trade."""
    one, at = Decimal(1), Timestamp(0)
    stamp = None if received_at is None else Timestamp(received_at)
    return Trade("BTC/USD", "buy", one, one, "limit", number, at, stamp)


def test_what_came_in_time_is_told_as_it_is_taken() -> None:
    """Older records were waiting elsewhere; gaps and records without a time are none."""
    now = [10]
    told: list[Any] = []
    buffer = ToldBuffer(
        10,
        DropPolicy.OLDEST,
        taken=lambda item, at: told.append((item, at)),
        now=lambda: Timestamp(now[0]),
    )
    fresh = trade(2, 10)
    items: list[Item] = [
        trade(1, 9),
        fresh,
        Gap("trade", "BTC/USD", GapReason.TRADE_ID),
        trade(3, None),
    ]
    for item in items:
        buffer.put(item)
    now[0] = 25
    assert buffer.get_batch(10) == items
    assert told == [(fresh, 25)]


def test_what_one_is_given_who_joins_late_is_not() -> None:
    """It was received before, and did not wait here."""
    told: list[Any] = []
    now = [10]
    buffer = ToldBuffer(
        1,
        DropPolicy.OLDEST,
        taken=lambda item, _: told.append(item),
        now=lambda: Timestamp(now[0]),
    )
    now[0] = 20
    buffer.widen(1)
    for item in (trade(1, 15), trade(2, 20)):
        buffer.put(item)
    assert [buffer.get(), buffer.get()] == [trade(1, 15), trade(2, 20)]
    assert (told, buffer.capacity) == ([trade(2, 20)], 2)
