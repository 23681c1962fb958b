"""Names such as the exchange gives to orders, fills, amendments and ledger entries.

Knows their shape; chance is passed in.

Source: section "Data conventions" of the WebSocket v2 documentation, and captured traffic. That
the names of ledger entries begin with an L is not documented.
"""

from __future__ import annotations

import random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SHAPE = (6, 5, 6)
_LONG_SHAPE = (8, 5, 6)


class Identifiers:
    """Gives names, each once, all from one seed."""

    def __init__(self, dice: random.Random) -> None:
        """Give none yet; ``dice`` decide about them."""
        self._dice = dice
        self._given: set[str] = set()

    def order(self) -> str:
        """Of an order, like ``OK4GJX-KSTLS-7DZZO5``."""
        return self._next("O", _SHAPE)

    def trade(self) -> str:
        """Of a fill or an amendment, like ``TGBB7L-HT5LX-J3BZ4A``."""
        return self._next("T", _SHAPE)

    def entry(self) -> str:
        """Of an entry in the ledger, like ``LDKKFF-WEA5A-CNUBHG``."""
        return self._next("L", _SHAPE)

    def transfer(self) -> str:
        """Of what moves funds without a trade, like ``AGBWUJRU-LAREZ-W3UFAN``."""
        return self._next("A", _LONG_SHAPE)

    def _next(self, first: str, shape: tuple[int, ...]) -> str:
        while True:
            letters = first + "".join(self._dice.choices(_LETTERS, k=sum(shape) - 1))
            parts: list[str] = []
            for length in shape:
                parts.append(letters[:length])
                letters = letters[length:]
            name = "-".join(parts)
            if name not in self._given:
                self._given.add(name)
                return name
