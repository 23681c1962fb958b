"""The records of the order-by-order book are frozen, exact and readable."""

from __future__ import annotations

import pickle
from decimal import Decimal

import msgspec
import pytest

from kraken_trio._internal.model.level3 import (
    Level3Order,
    Level3Snapshot,
    Level3Update,
    QueuePosition,
)
from kraken_trio._internal.model.timestamp import Timestamp

T = Timestamp(1_695_729_600_000_000_001)
NOON = "2023-09-26T12:00:00.000000001Z"
RESTING = Level3Order("OFVLAA-HRSSP-BK75KB", Decimal("44939.5"), Decimal("0.00000010"), T)
ADDED = msgspec.structs.replace(RESTING, order_id="O2", event="add")
RECORDS: list[tuple[msgspec.Struct, str]] = [
    (RESTING, f"Level3Order(resting OFVLAA-HRSSP-BK75KB 0.00000010 @ 44939.5; {NOON})"),
    (ADDED, f"Level3Order(add O2 0.00000010 @ 44939.5; {NOON})"),
    (
        Level3Snapshot("BTC/USD", 10, (RESTING,), (), 7),
        "Level3Snapshot(BTC/USD depth 10: 1 bid orders, 0 ask orders; None)",
    ),
    (
        Level3Update("BTC/USD", (), (ADDED,), 7, T),
        (
            "Level3Update(BTC/USD: bids [], asks [Level3Order(add O2 0.00000010 @ 44939.5; "
            f"{NOON})]; {NOON})"
        ),
    ),
]


@pytest.mark.parametrize("record, text", RECORDS)
def test_text(record: msgspec.Struct, text: str) -> None:
    """It shows what happened to which order, with every digit and never an exponent."""
    assert repr(record) == text


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_frozen_and_portable(record: msgspec.Struct) -> None:
    """No field can be changed; a pickled record is equal."""
    for field in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, field, None)
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - made right here


def test_a_place_in_a_queue_says_where_it_is() -> None:
    """Which order, at which level, behind how much."""
    order = Level3Order("O1", Decimal("9.5"), Decimal("0.25"), Timestamp(0))
    place = QueuePosition(
        order=order,
        side="bid",
        level=2,
        orders_ahead=3,
        qty_ahead=Decimal("1E-7"),
        orders_behind=1,
        qty_behind=Decimal(1),
    )
    assert repr(place) == ("QueuePosition(bid O1 @ 9.5, level 2: 3 orders with 0.0000001 ahead)")
