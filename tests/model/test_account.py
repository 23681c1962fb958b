"""The records of one's own account."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import Struct

from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Contingent,
    Execution,
    Fee,
    Triggers,
    Wallet,
)
from kraken_trio._internal.model.timestamp import Timestamp

AT = Timestamp(1_695_378_785_709_993_000)
NEW = Execution(order_id="OK4GJX", exec_type="new", order_status="new", timestamp=AT)
FILL = Execution(
    order_id="OK4GJX",
    exec_type="trade",
    order_status="partially_filled",
    timestamp=AT,
    symbol="BTC/USD",
    side="sell",
    last_qty=Decimal("0.00000010"),
    last_price=Decimal("26599.9"),
    fees=(Fee("USD", Decimal("0E-8")),),
)
HELD = BalanceSnapshot(
    asset="BTC",
    balance=Decimal("0E-10"),
    wallets=(Wallet(type="spot", id="main", balance=Decimal("0E-10")),),
)
ENTRY = BalanceUpdate(
    ledger_id="ADKKFF",
    asset="BTC",
    amount=Decimal("1E-8"),
    balance=Decimal("0.02"),
    type="deposit",
    timestamp=AT,
)


@pytest.mark.parametrize(
    "record, shown",
    [
        (NEW, "Execution(new OK4GJX, now new; 2023-09-22T10:33:05.709993Z)"),
        (
            FILL,
            (
                "Execution(trade OK4GJX sell BTC/USD 0.00000010 @ 26599.9, now partially_filled; "
                "2023-09-22T10:33:05.709993Z)"
            ),
        ),
        (FILL.fees[0], "Fee(0.00000000 USD)"),
        (HELD, "BalanceSnapshot(BTC 0.0000000000)"),
        (HELD.wallets[0], "Wallet(spot main 0.0000000000)"),
        (
            ENTRY,
            "BalanceUpdate(BTC +0.00000001 by deposit, now 0.02; 2023-09-22T10:33:05.709993Z)",
        ),
    ],
)
def test_repr(record: Struct, shown: str) -> None:
    """A record shows what matters, with numbers in fixed-point."""
    assert repr(record) == shown


@pytest.mark.parametrize(
    "record", [NEW, FILL, FILL.fees[0], HELD, HELD.wallets[0], ENTRY, Triggers(), Contingent()]
)
def test_frozen(record: Struct) -> None:
    """No record can be changed."""
    name = record.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(record, name, None)


def test_what_is_held_is_a_snapshot() -> None:
    """Of the two records of balances one is always a snapshot, the other never."""
    assert HELD.snapshot
    assert not ENTRY.snapshot
