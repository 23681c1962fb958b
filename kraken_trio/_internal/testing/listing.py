"""Pairs to make a market of: some that are known, and as many made-up ones as are wanted.

Knows names, prices and precisions such as the exchange has, and what is likely for a pair that
nobody knows; nothing of books.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.pair import MAX_PRECISION, MarketPair

_KNOWN: dict[str, tuple[str, int]] = {
    # The price, with as many decimals as prices have, and the decimals of quantities.
    "BTC/USD": ("62800.0", 8),
    "ETH/USD": ("1770.00", 8),
    "SOL/USD": ("78.50", 8),
    "XRP/USD": ("1.33000", 8),
    "DOGE/USD": ("0.0912000", 8),
    "BTC/EUR": ("57900.0", 8),
    "ETH/EUR": ("1631.50", 8),
    "ETH/BTC": ("0.02818", 8),
    "BTC/USDT": ("62810.5", 8),
    "USDT/USD": ("0.99960", 8),
    "USDC/USD": ("1.0000", 8),
    "EUR/USD": ("1.08500", 8),
    "GBP/USD": ("1.27130", 8),
    "PEPE/USD": ("0.000004123", 8),
    "SHIB/USD": ("0.00000812", 5),
    "BONK/USD": ("0.00001234", 5),
    "BTC/JPY": ("9420000", 8),
    "LTC/USD": ("72.14", 8),
    "ADA/USD": ("0.412600", 8),
    "LINK/USD": ("13.12345", 8),
    "DOT/USD": ("4.1234", 8),
    "AVAX/USD": ("21.34", 8),
    "TRX/USD": ("0.123456", 8),
    "MATIC/USD": ("0.5660", 8),
    "MATIC/GBP": ("0.4456", 8),
    "VET/USDT": ("0.023450", 5),
    "XRP/EUR": ("1.22650", 8),
    "SOL/EUR": ("72.35", 8),
    "XRP/BTC": ("0.00002118", 8),
    "TSLAx/USD": ("402.15", 8),
    "AAPLx/USD": ("231.40", 8),
}
_QUOTES = {
    # What is quoted in it, out of a hundred, and what a hundred thousand dollars are in it.
    "USD": (45, Decimal(100_000)),
    "EUR": (30, Decimal(100_000)),
    "USDT": (10, Decimal(100_000)),
    "GBP": (7, Decimal(100_000)),
    "BTC": (5, Decimal(2)),
    "ETH": (3, Decimal(50)),
}
_WORTH = {"JPY": Decimal(10_000_000)} | {quote: worth for quote, (_, worth) in _QUOTES.items()}
_DIGITS = (4, 6)  # Of prices.
_MAGNITUDES = range(-8, _DIGITS[0])  # Of prices: from 0.00000001 to 9,999, which has no decimals.
_COMMON_QTY_PRECISION = 8
_DEEPEST, _THINNEST = 1500, 60  # Levels a side.
_MOST_TRADES, _FEWEST_TRADES = 10_000, 100  # That are remembered.
_RANKS_AS_DEEP = 8  # So many pairs after the first, and a book has half of its levels.


def market_pairs(wanted: int | Iterable[str], *, seed: int = 0) -> tuple[MarketPair, ...]:
    """Give so many pairs for a ``Market``, or those of these symbols.

    Known pairs have the precisions that the exchange has for them, and a price of some day; a
    number begins with the usual ones. Of any other, ``seed`` and its symbol decide: price and
    precisions are likely ones, from 0 to 10 decimals. The first pairs have the deepest books and
    most of the traffic, as on the exchange; the later ones have thin books, that cost little.
    More pairs are the same pairs, and more; a symbol by itself is one pair.

    Raises ``ConfigurationError`` for a number below 1, and for what is no symbol.
    """
    if isinstance(wanted, str):
        symbols = [wanted]
    elif isinstance(wanted, int):
        if wanted < 1:
            raise ConfigurationError(
                field="wanted", rule=f"must be 1 or more, is {wanted}", mend="Ask for one"
            )
        symbols = [*islice(_names(seed), wanted)]
    else:
        symbols = [*wanted]
    return tuple(_pair(symbol, rank, seed) for rank, symbol in enumerate(symbols))


def _names(seed: int) -> Iterator[str]:
    """Give symbols for ever, each once. Tokenised assets are left to those who ask for them."""
    known = [symbol for symbol in _KNOWN if not is_tokenized(symbol)]
    yield from known
    dice = random.Random(f"{seed}/names")  # noqa: S311 - chance that is meant to be foreseen
    taken = {symbol.partition("/")[0] for symbol in known} | _WORTH.keys()
    while True:
        base = "".join(dice.choice(letters) for letters in ("BDFGKLMNPRSTVZ", "AEIOU") * 2)
        base += dice.choice(("", "", "X", "N", "S"))
        if base in taken:
            continue
        taken.add(base)
        weights = [share for share, _ in _QUOTES.values()]
        for quote in sorted(set(dice.choices([*_QUOTES], weights, k=dice.randint(1, 4)))):
            yield f"{base}/{quote}"


def is_tokenized(symbol: str) -> bool:
    """Say whether a pair is of a tokenised share, such as ``TSLAx/USD``."""
    base = symbol.partition("/")[0]
    return base.endswith("x") and base[:-1].isupper()


def _pair(symbol: str, rank: int, seed: int) -> MarketPair:
    """Make a pair; ``rank`` counts those that are bigger."""
    quote = symbol.partition("/")[2]
    known = _KNOWN.get(symbol)
    if known is None:
        price, qty_precision = _likely(symbol, seed)
    else:
        price, qty_precision = Decimal(known[0]), known[1]
    return MarketPair(
        symbol=symbol,
        price=price,
        price_precision=-int(price.as_tuple().exponent),
        qty_precision=qty_precision,
        largest_order=_WORTH.get(quote, Decimal(100_000)),
        levels=max(_THINNEST, _DEEPEST // (1 + max(0, rank - 4) // _RANKS_AS_DEEP)),
        activity=1 + 1000 // (3 + rank),
        kept_trades=max(_FEWEST_TRADES, _MOST_TRADES // (1 + rank)),
    )


def _likely(symbol: str, seed: int) -> tuple[Decimal, int]:
    """Give a price of a few digits, from very small to large, and the decimals of quantities."""
    dice = random.Random(f"{seed}/{symbol}")  # noqa: S311 - as above
    digits = dice.randint(*_DIGITS)
    precision = digits - 1 - dice.choice(_MAGNITUDES)
    ticks = dice.randrange(10 ** (digits - 1), 10**digits)
    if precision > MAX_PRECISION:
        ticks //= 10 ** (precision - MAX_PRECISION)
        precision = MAX_PRECISION
    usual = dice.random() < 0.7  # noqa: PLR2004 - most pairs
    qty_precision = _COMMON_QTY_PRECISION if usual else dice.randint(0, MAX_PRECISION)
    return Decimal((0, tuple(map(int, str(ticks))), -precision)), qty_precision


USUAL_PAIRS = tuple(
    MarketPair(
        symbol=symbol,
        price=Decimal(price),
        price_precision=len(price.partition(".")[2]),
        qty_precision=qty_precision,
    )
    for symbol, (price, qty_precision) in [*_KNOWN.items()][:5]
)
"""Some pairs to make a market of, with precisions such as the exchange has for them."""
