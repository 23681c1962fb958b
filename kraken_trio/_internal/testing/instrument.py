"""What the exchange lists: assets and pairs, as the ``instrument`` channel shows them.

Knows every member of both, what is likely where a market does not say, and what changed; nothing
of books. Increments are the one kind of number that the exchange has printed both ways: written
out, and as ``1e-08``.

Source: section "instrument" of the WebSocket v2 documentation, and captured traffic for order of
members and digits. What is not known there, and decided here: the class of tokenised assets, and
the figures of margin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.frames import fixed
from kraken_trio._internal.testing.listing import is_tokenized
from kraken_trio._internal.testing.pair import MarketPair

PAIR_STATUSES = (
    "online",
    "cancel_only",
    "post_only",
    "limit_only",
    "reduce_only",
    "maintenance",
    "delisted",
    "work_in_progress",
)
"""What the status of a pair can be, as documented."""
ASSET_STATUSES = (
    "enabled",
    "disabled",
    "depositonly",
    "withdrawalonly",
    "fundingtemporarilydisabled",
    "workinprogress",
)
"""What the status of an asset can be, as documented."""

_FIAT = frozenset({"USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD"})
_STABLE = frozenset({"USDT", "USDC", "DAI"})
_ON_MARGIN = frozenset({"BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LINK", "DOT", "LTC"})
_LEAST_ORDERS = 20_000  # So much smaller than the largest is the smallest order: five dollars.
_LEAST_COSTS = 200_000  # As above: half a dollar.
_MOST_WRITTEN_OUT = 4  # Decimals of an increment; smaller ones have an exponent, if any has.

Members = dict[str, object]
"""Of an asset or a pair: a ``Decimal`` is shown with its digits, an ``_Increment`` as chosen."""


class _Increment(int):
    """One step of a number with so many decimals."""


class Instruments:
    """All assets and pairs, as they stand."""

    def __init__(self, pairs: Iterable[MarketPair]) -> None:
        """List ``pairs``, all of them online, and what they are pairs of."""
        self._pairs: dict[str, Members] = {}
        self._assets: dict[str, Members] = {}
        for pair in pairs:
            members = pair_members(pair)
            self._pairs[pair.symbol] = members
            for name in ("base", "quote"):
                asset = str(members[name])
                self._assets.setdefault(asset, asset_members(asset))

    @property
    def assets(self) -> tuple[str, ...]:
        """The codes of all assets."""
        return tuple(self._assets)

    def status(self, symbol: str) -> str:
        """The status of a pair."""
        return str(self._pairs[symbol]["status"])

    def snapshot(self, *, tokenized: bool = False, exponents: bool = True) -> bytes:
        """The frame of all of them; those of tokenised shares only where they are wanted.

        With ``exponents``, small increments are shown like ``1e-08``.
        """
        pairs = [
            members
            for symbol, members in self._pairs.items()
            if tokenized or not is_tokenized(symbol)
        ]
        shown = {str(members[name]) for members in pairs for name in ("base", "quote")}
        assets = [members for asset, members in self._assets.items() if asset in shown]
        return _frame("snapshot", assets, pairs, exponents=exponents)

    def change_pair(self, symbol: str, status: str, *, exponents: bool = True) -> bytes:
        """Give a pair another status, any one; give the frame of the change."""
        members = self._changed(self._pairs, "symbol", symbol, status)
        return _frame("update", [], [members], exponents=exponents)

    def change_asset(self, asset: str, status: str) -> bytes:
        """Give an asset another status, any one; give the frame of the change."""
        members = self._changed(self._assets, "asset", asset, status)
        return _frame("update", [members], [], exponents=False)

    def _changed(self, entries: dict[str, Members], field: str, name: str, status: str) -> Members:
        if name not in entries:
            raise ConfigurationError(
                field=field, rule=f"must be listed, {name} is not", mend="Choose a listed one"
            )
        entries[name]["status"] = status
        return entries[name]


def asset_members(asset: str) -> Members:
    """Give the members of an asset, in the order of the exchange."""
    fiat, tokenized = asset in _FIAT, is_tokenized(asset)
    precision, display = (4, 2) if fiat else (8, 4) if asset in _STABLE else (10, 5)
    borrowable = fiat or asset in _STABLE or asset in _ON_MARGIN
    members: Members = {
        "id": asset,
        "status": "enabled",
        "precision": precision,
        "precision_display": display,
        "borrowable": borrowable,
        "collateral_value": Decimal("1.000" if borrowable else "0.000"),
        "class": "tokenized_asset" if tokenized else "currency",
    }
    if borrowable:
        members["margin_rate"] = Decimal("0.025000" if fiat else "0.020000")
    if tokenized:
        members["multiplier"] = Decimal("1.0000000000")
    return members


def pair_members(pair: MarketPair) -> Members:
    """Give the members of a pair, in the order of the exchange."""
    base, _, quote = pair.symbol.partition("/")
    marginable = base in _ON_MARGIN
    members: Members = {
        "symbol": pair.symbol,
        "base": base,
        "quote": quote,
        "status": "online",
        "qty_precision": pair.qty_precision,
        "qty_increment": _Increment(pair.qty_precision),
        "price_precision": pair.price_precision,
        "cost_precision": 5 if quote in _FIAT or quote in _STABLE else 10,
        "marginable": marginable,
        "has_index": marginable,
        "ws_display_price_precision": pair.price_precision,
        "cost_min": Decimal(pair.largest_order) / _LEAST_COSTS,
    }
    if marginable:
        members["margin_initial"] = Decimal("0.20")
        members["position_limit_long"] = 250
        members["position_limit_short"] = 200
    members["tick_size"] = members["price_increment"] = _Increment(pair.price_precision)
    members["qty_min"] = Decimal(fixed(_least_lots(pair), pair.qty_precision))
    return members


def _least_lots(pair: MarketPair) -> int:
    """Give the smallest order's quantity, of one digit."""
    worth = Fraction(pair.largest_order) / _LEAST_ORDERS
    lots = str(int(worth / Fraction(pair.price) * 10**pair.qty_precision))
    return max(1, int(lots[0].ljust(len(lots), "0")))


def _frame(kind: str, assets: list[Members], pairs: list[Members], *, exponents: bool) -> bytes:
    shown_assets, shown_pairs = (
        ",".join(_shown(members, exponents=exponents) for members in entries)
        for entries in (assets, pairs)
    )
    data = f'{{"assets":[{shown_assets}],"pairs":[{shown_pairs}]}}'
    return f'{{"channel":"instrument","type":"{kind}","data":{data}}}'.encode()


def _shown(members: Members, *, exponents: bool) -> str:
    texts = (
        f'"{name}":{_number(value, exponents=exponents)}'
        if isinstance(value, (Decimal, _Increment))
        else f'"{name}":{json.dumps(value)}'
        for name, value in members.items()
    )
    return "{" + ",".join(texts) + "}"


def _number(value: Decimal | _Increment, *, exponents: bool) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if exponents and value > _MOST_WRITTEN_OUT:
        return f"1e-{int(value):02d}"
    return fixed(1, value)
