"""What the simulated account holds, asset by asset and wallet by wallet, and how it came to that.

Knows balances and the ledger, and that they agree: each balance is the sum of its entries. Knows
nothing of orders.

Source: section "balances" of the WebSocket v2 documentation, and captured traffic for decimals.
Not settled there, and decided here: what moves between wallets makes two entries that share their
cause, and have no category.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Wallet
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.amounts import difference, nothing, rounded, total
from kraken_trio._internal.testing.commands import check_amount
from kraken_trio._internal.testing.fills import Fill
from kraken_trio._internal.testing.identifiers import Identifiers
from kraken_trio._internal.testing.terms import PairTerms

MAIN = "main"
"""The wallet that is traded from; all others are for earning."""
EARNING = frozenset({"flex", "bonded", "flexible", "liquid", "locked", "closed"})
"""The other wallets."""
ASSET_CLASS = "currency"
"""Of every asset, whatever ``instrument`` says."""


class Holdings:
    """Balances and their ledger."""

    def __init__(self, precisions: Mapping[str, int], names: Identifiers) -> None:
        """Hold nothing. ``precisions`` are the decimals of each asset that there may be."""
        self.ledger: list[BalanceUpdate] = []
        """All entries, oldest first."""
        self._precisions = precisions
        self._names = names
        self._wallets: dict[str, dict[str, Decimal]] = {}

    def check_asset(self, asset: str) -> None:
        """Raise ``ConfigurationError`` for an asset that no pair of the market has."""
        if asset not in self._precisions:
            raise ConfigurationError(
                field="asset", rule=f"must be listed, {asset} is not", mend="Choose a listed one"
            )

    def precision(self, asset: str) -> int:
        """How many decimals its balance has."""
        return self._precisions[asset]

    def balance(self, asset: str) -> Decimal:
        """What is held of it in all wallets."""
        held = self._wallets.get(asset, {}).values()
        return total((nothing(self._precisions[asset]), *held))

    def in_wallet(self, asset: str, wallet_id: str = MAIN) -> Decimal:
        """What is held of it in one wallet."""
        return self._wallets.get(asset, {}).get(wallet_id, nothing(self._precisions[asset]))

    def balances(self) -> dict[str, BalanceSnapshot]:
        """All that is held, by asset, in alphabetical order; what is none of is left out."""
        return {
            asset: BalanceSnapshot(
                asset=asset,
                asset_class=ASSET_CLASS,
                balance=self.balance(asset),
                wallets=tuple(
                    Wallet(type=_type(wallet_id), id=wallet_id, balance=balance)
                    for wallet_id, balance in self._wallets[asset].items()
                    if balance
                ),
            )
            for asset in sorted(self._wallets)
            if any(self._wallets[asset].values())
        }

    def enter(
        self,
        asset: str,
        amount: Decimal,
        now: Timestamp,
        *,
        kind: str,
        ref_id: str,
        category: str | None = None,
        subtype: str | None = None,
        fee: Decimal | None = None,
        wallet_id: str = MAIN,
    ) -> BalanceUpdate:
        """Make an entry: the balance changes by ``amount``, and by the fee beside it."""
        places = self._precisions[asset]
        amount = rounded(amount, places)
        fee = nothing(places) if fee is None else rounded(fee, places)
        change = difference(amount, fee)
        wallets = self._wallets.setdefault(asset, {})
        wallets[wallet_id] = total((wallets.get(wallet_id, nothing(places)), change))
        entry = BalanceUpdate(
            ledger_id=self._names.entry(),
            ref_id=ref_id,
            timestamp=now,
            type=kind,
            subtype=subtype,
            asset=asset,
            asset_class=ASSET_CLASS,
            category=category,
            wallet_type=_type(wallet_id),
            wallet_id=wallet_id,
            amount=amount,
            fee=fee,
            balance=self.balance(asset),
        )
        self.ledger.append(entry)
        return entry

    def settle(
        self, terms: PairTerms, fill: Fill, now: Timestamp
    ) -> tuple[BalanceUpdate, BalanceUpdate]:
        """Enter what a fill did: what the base asset did first, then the quote asset."""
        buys = fill.side == "buy"
        base, quote = (
            self.enter(
                asset,
                amount if gets else amount.copy_negate(),
                now,
                kind="trade",
                category="trade",
                ref_id=fill.exec_id,
                fee=fill.fee.qty if fill.fee.asset == asset else None,
            )
            for asset, amount, gets in (
                (terms.base, fill.qty, buys),
                (terms.quote, fill.cost, not buys),
            )
        )
        return base, quote

    def move(
        self,
        kind: Literal["deposit", "withdrawal"],
        asset: str,
        amount: Decimal,
        now: Timestamp,
        *,
        fee: Decimal | None,
    ) -> BalanceUpdate:
        """Bring some of it in, or take it out."""
        self.check_asset(asset)
        places = self._precisions[asset]
        amount = check_amount("amount", amount, places)
        return self.enter(
            asset,
            amount if kind == "deposit" else amount.copy_negate(),
            now,
            kind=kind,
            category=kind,
            ref_id=self._names.transfer(),
            fee=None if fee is None else check_amount("fee", fee, places),
        )

    def transfer(
        self, asset: str, amount: Decimal, now: Timestamp, *, source: str, target: str
    ) -> tuple[BalanceUpdate, BalanceUpdate]:
        """Move some of it from one wallet to another; give both entries."""
        if not {source, target} <= EARNING | {MAIN} or source == target:
            raise ConfigurationError(
                field="target",
                rule=f"must be another wallet than {source}, and one that there is, is {target}",
                mend=f"Choose among {MAIN}, {', '.join(sorted(EARNING))}",
            )
        self.check_asset(asset)
        amount = check_amount("amount", amount, self._precisions[asset])
        ref_id = self._names.transfer()
        here, there = _place(source), _place(target)
        entries = (
            (source, amount.copy_negate(), f"{here}to{there}"),
            (target, amount, f"{there}from{here}"),
        )
        left, came = (
            self.enter(
                asset,
                change,
                now,
                kind="transfer",
                subtype=subtype,
                ref_id=ref_id,
                wallet_id=wallet_id,
            )
            for wallet_id, change, subtype in entries
        )
        return left, came


def _type(wallet_id: str) -> str:
    return "spot" if wallet_id == MAIN else "earn"


def _place(wallet_id: str) -> str:
    """Give what subtypes call a wallet."""
    return "spot" if wallet_id == MAIN else "staking"
