"""Holdings keep a ledger, and are its sums."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Fee, Wallet
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.fills import Fill
from kraken_trio._internal.testing.holdings import Holdings
from kraken_trio._internal.testing.identifiers import Identifiers
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.terms import terms_of

AT = Timestamp(1_000_000)


def made() -> Holdings:
    """Make some of two assets."""
    return Holdings({"USD": 4, "BTC": 10}, Identifiers(random.Random(1)))


def test_entries() -> None:
    """An entry has the decimals of its asset; fee and amount change the balance, and it says so."""
    holdings = made()
    entry = holdings.enter(
        "USD", Decimal("-10.12345"), AT, kind="trade", ref_id="T1", fee=Decimal("0.04051")
    )
    assert entry == BalanceUpdate(
        ledger_id=entry.ledger_id,
        asset="USD",
        amount=Decimal("-10.1235"),
        balance=Decimal("-10.1640"),
        fee=Decimal("0.0405"),
        asset_class="currency",
        ref_id="T1",
        timestamp=AT,
        type="trade",
        wallet_type="spot",
        wallet_id="main",
    )
    assert holdings.ledger == [entry]
    assert holdings.in_wallet("USD") == holdings.balance("USD") == entry.balance
    assert str(holdings.in_wallet("BTC", "flex")) == "0E-10"
    assert holdings.precision("BTC") == 10


@pytest.mark.parametrize("side, signs", [("buy", (1, -1)), ("sell", (-1, 1))])
def test_settling(side: str, signs: tuple[int, int]) -> None:
    """A fill makes an entry for each asset, the fee beside the one that it is paid in."""
    (pair,) = market_pairs(["BTC/USD"])
    fill = Fill(
        exec_id="T1",
        trade_id=1,
        side="buy" if side == "buy" else "sell",
        qty=Decimal("0.5"),
        price=Decimal(100),
        cost=Decimal(50),
        fee=Fee("BTC", Decimal("0.1")),
        fee_usd=Decimal(0),
        maker=True,
    )
    base, quote = made().settle(terms_of(pair), fill, AT)
    assert (base.asset, base.amount, base.fee) == ("BTC", signs[0] * Decimal("0.5"), Decimal("0.1"))
    assert (quote.asset, quote.amount, quote.fee) == ("USD", Decimal(signs[1] * 50), Decimal(0))
    assert base.ref_id == quote.ref_id == "T1"
    assert {base.category, quote.category} == {"trade"}


def test_wallets() -> None:
    """What is held is shown by asset and wallet; wallets and assets without any are left out."""
    holdings = made()
    holdings.enter("USD", Decimal(1), AT, kind="deposit", ref_id="A")
    holdings.enter("BTC", Decimal(5), AT, kind="deposit", ref_id="A")
    left, came = holdings.transfer("BTC", Decimal(5), AT, source="main", target="bonded")
    assert (left.wallet_type, came.wallet_type, left.ref_id) == ("spot", "earn", came.ref_id)
    holdings.enter("USD", Decimal(-1), AT, kind="withdrawal", ref_id="A")
    five = Decimal("5.0000000000")
    assert holdings.balances() == {
        "BTC": BalanceSnapshot(
            asset="BTC",
            asset_class="currency",
            balance=five,
            wallets=(Wallet(type="earn", id="bonded", balance=five),),
        )
    }
    with pytest.raises(ConfigurationError, match="target"):
        holdings.transfer("BTC", five, AT, source="main", target="pocket")
    with pytest.raises(ConfigurationError, match="asset"):
        holdings.transfer("ETH", five, AT, source="main", target="flex")
    holdings.check_asset("BTC")


def test_coming_and_going() -> None:
    """Funds come and go, with a fee beside them or none; both have a cause of their own."""
    holdings = made()
    came = holdings.move("deposit", "USD", Decimal(5), AT, fee=None)
    went = holdings.move("withdrawal", "USD", Decimal(2), AT, fee=Decimal("0.5"))
    assert [(entry.amount, entry.fee, entry.balance) for entry in (came, went)] == [
        (Decimal(5), Decimal(0), Decimal(5)),
        (Decimal(-2), Decimal("0.5"), Decimal("2.5")),
    ]
    assert (came.category, went.category) == ("deposit", "withdrawal")
    assert came.ref_id != went.ref_id
    for asset, amount in (("ETH", Decimal(1)), ("USD", Decimal(-1)), ("USD", Decimal("0.00001"))):
        with pytest.raises(ConfigurationError):
            holdings.move("deposit", asset, amount, AT, fee=None)
