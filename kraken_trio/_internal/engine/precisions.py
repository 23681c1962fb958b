"""How many decimals the prices and quantities of each pair have, as the exchange says it.

Knows what is possible, and keeps no more than there can be pairs; nothing of who needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeGuard

from kraken_trio._internal.core.digits import MOST_DECIMALS
from kraken_trio._internal.model.messages import Record
from kraken_trio._internal.model.reference import InstrumentPair

MOST_PAIRS: Final = 10_000
"""Of which it is kept: several times what the exchange lists."""
Precision = tuple[int, int]
"""Decimals of prices, and of quantities."""


class PairPrecisions:
    """Those of all pairs."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        """Know of none."""
        self._known: dict[str, Precision] = {}

    def get(self, symbol: str) -> Precision | None:
        """Give those of a pair, if they are known."""
        return self._known.get(symbol)

    def learn(self, records: Iterable[Record]) -> Iterator[tuple[str, Precision]]:
        """Keep what instruments say, and give it; of what is absurd, nothing."""
        for record in records:
            if not isinstance(record, InstrumentPair):
                continue
            symbol, price, qty = record.symbol, record.price_precision, record.qty_precision
            full = len(self._known) >= MOST_PAIRS and symbol not in self._known
            if _possible(price) and _possible(qty) and not full:
                self._known[symbol] = price, qty
                yield symbol, (price, qty)


def _possible(precision: int | None) -> TypeGuard[int]:
    return precision is not None and 0 <= precision <= MOST_DECIMALS
