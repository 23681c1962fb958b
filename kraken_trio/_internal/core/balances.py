"""What is held, asset by asset, folded from the entries of the ledger.

Knows how an entry changes a balance, and when nobody can tell any more in which wallet it is.
Reads no clock, never raises, and imports nothing but the vocabulary.

The total is what the entry says it is. Of wallets an entry names one, and says by how much that
changed: the amount, less the fee beside it. Where the wallets that were known then do not add up
to the total, they are not shown: they come back with the next snapshot. An asset of which nothing
is left is no part of it, as it is no part of a snapshot.

Source: section "balances" of the WebSocket v2 documentation, which says of ``balance`` that it is
the account's total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import reduce
from typing import Final

from kraken_trio._internal.core.digits import EXACT
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Wallet

_ZERO: Final = Decimal(0)


class Balances:
    """All that is held."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Hold nothing."""
        self._held: dict[str, BalanceSnapshot] = {}

    def __len__(self) -> int:
        """Of how many assets there is something."""
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        """These assets."""
        return iter(self._held)

    def get(self, asset: str) -> BalanceSnapshot | None:
        """What is held of an asset, if anything is."""
        return self._held.get(asset)

    def begin(self, held: Iterable[BalanceSnapshot]) -> None:
        """Take a snapshot for the truth."""
        self._held = {each.asset: each for each in held if each.balance}

    def apply(self, entry: BalanceUpdate) -> None:
        """Change what an entry of the ledger changes."""
        known = self._held.pop(entry.asset, None)
        if not entry.balance:
            return
        self._held[entry.asset] = BalanceSnapshot(
            asset=entry.asset,
            balance=entry.balance,
            asset_class=entry.asset_class or (None if known is None else known.asset_class),
            wallets=_wallets(known.wallets if known else (), entry),
            received_at=entry.received_at,
        )


def _wallets(known: tuple[Wallet, ...], entry: BalanceUpdate) -> tuple[Wallet, ...]:
    """The wallets after an entry; none where they do not add up."""
    where = entry.wallet_type, entry.wallet_id
    before = next((each.balance for each in known if (each.type, each.id) == where), _ZERO)
    after = EXACT.subtract(EXACT.add(before, entry.amount), entry.fee or _ZERO)
    changed = Wallet(type=entry.wallet_type, id=entry.wallet_id, balance=after)
    found = any((each.type, each.id) == where for each in known)
    wallets = [changed if (each.type, each.id) == where else each for each in known]
    if not found:
        wallets.append(changed)
    sum_of_all = reduce(EXACT.add, (each.balance for each in wallets), _ZERO)
    if sum_of_all != entry.balance:
        return ()
    return tuple(each for each in wallets if each.balance)
