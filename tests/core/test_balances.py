"""Balances are what the ledger comes to."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.core.balances import Balances
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Wallet
from kraken_trio._internal.model.timestamp import Timestamp


def wallet(balance: str, place: str = "main", kind: str = "spot") -> Wallet:
    """Give a wallet."""
    return Wallet(type=kind, id=place, balance=Decimal(balance))


def held(asset: str, balance: str, *wallets: Wallet) -> BalanceSnapshot:
    """Give what is held of an asset."""
    return BalanceSnapshot(
        asset=asset, balance=Decimal(balance), asset_class="currency", wallets=wallets
    )


def entry(asset: str, amount: str, balance: str, **members: Any) -> BalanceUpdate:
    """Give an entry of the ledger."""
    said: dict[str, Any] = {"wallet_type": "spot", "wallet_id": "main"}
    return BalanceUpdate(
        ledger_id="L",
        asset=asset,
        amount=Decimal(amount),
        balance=Decimal(balance),
        **(said | members),
    )


def test_a_snapshot_is_the_truth() -> None:
    """What it has not is not held; nor is what there is nothing of."""
    balances = Balances()
    balances.begin([held("BTC", "1"), held("USD", "5")])
    balances.begin([held("USD", "6"), held("ETH", "0.000")])
    assert (list(balances), len(balances)) == (["USD"], 1)
    assert balances.get("USD") == held("USD", "6")
    assert balances.get("BTC") is None


@pytest.mark.parametrize(
    "before, change, after",
    [
        # A wallet that is known, less the fee; another one; a first one; the last of one.
        ((wallet("5.00"),), ("-1.50", "3.25", {"fee": Decimal("0.25")}), (wallet("3.25"),)),
        (
            (wallet("5"),),
            ("2", "7", {"wallet_type": "earn", "wallet_id": "flex"}),
            (wallet("5"), wallet("2", "flex", "earn")),
        ),
        ((), ("2", "2", {}), (wallet("2"),)),
        (
            (wallet("5"), wallet("1", "flex", "earn")),
            ("-5", "1", {}),
            (wallet("1", "flex", "earn"),),
        ),
        # What does not add up is not shown.
        ((wallet("5"),), ("1", "9", {}), ()),
        ((), ("2", "441.9736", {}), ()),
    ],
)
def test_an_entry_changes_total_and_wallet(
    before: tuple[Wallet, ...], change: tuple[str, str, dict[str, Any]], after: tuple[Wallet, ...]
) -> None:
    """The total is what it says; the wallet is counted, and shown where that agrees."""
    balances = Balances()
    amount, total, members = change
    if before:
        balances.begin([held("USD", str(sum(each.balance for each in before)), *before)])
    balances.apply(entry("USD", amount, total, received_at=Timestamp(3), **members))
    now = balances.get("USD")
    assert now is not None
    assert (now.balance, now.wallets, now.received_at) == (Decimal(total), after, 3)
    assert now.asset_class == ("currency" if before else None)
    assert format(now.balance, "f") == total


def test_what_is_spent_is_gone() -> None:
    """As it will be from the next snapshot."""
    balances = Balances()
    balances.begin([held("USD", "5", wallet("5"))])
    balances.apply(entry("USD", "-5", "0.0000"))
    assert list(balances) == []


def test_the_context_of_a_program_rounds_nothing() -> None:
    """Whatever it is."""
    balances = Balances()
    with decimal.localcontext() as context:
        context.prec = 2
        balances.begin([held("USD", "1234.5678", wallet("1234.5678"))])
        balances.apply(entry("USD", "0.0001", "1234.5679", asset_class="equity"))
    assert balances.get("USD") == BalanceSnapshot(
        asset="USD",
        balance=Decimal("1234.5679"),
        asset_class="equity",
        wallets=(wallet("1234.5679"),),
    )
