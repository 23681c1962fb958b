"""How protocol v1 writes names, numbers and times: each as text.

Knows notations, and nothing of what they stand for; reads no clock.

Numbers and times are strings there, so no decoder of JSON looks at what is in them: all of that is
asked here. Two coins have their old codes, and two channels are spelt as one word.

Source: sections "Endpoints and session" and "Data arrays" of the WebSocket v1 documentation, and
captured traffic.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from kraken_trio._internal.model.channel import modern_symbol
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.numerals import bounded

_OLD_CODES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_CHANNELS = {"own_trades": "ownTrades", "open_orders": "openOrders"}
_CHANNELS = {old: name for name, old in _OLD_CHANNELS.items()}

_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9})[0-9]*)?")
_DIGITS = 9

symbol_of = lru_cache(maxsize=4096)(modern_symbol)
"""Give the pair's name of today, as ``modern_symbol``."""


def pair_of(symbol: str) -> str:
    """Give the pair's name on the wire: ``BTC/USD`` is ``XBT/USD``, ``DOGE/USD`` ``XDG/USD``."""
    return "/".join(_OLD_CODES.get(code, code) for code in symbol.split("/"))


def channel_of(name: str) -> tuple[str, int | None]:
    """Give the channel that a name on the wire stands for, and its depth or interval.

    ``book-10`` is a book of depth 10, ``ohlc-5`` candles of five minutes. A name that is not known
    is given as it is.
    """
    base, _, option = name.partition("-")
    if option.isdecimal() and option.isascii() and len(option) < _DIGITS:
        return base, int(option)
    return _CHANNELS.get(name, name), None


def name_of(channel: str) -> str:
    """Give what a subscription calls a channel."""
    return _OLD_CHANNELS.get(channel, channel)


def unsigned(text: str) -> Decimal:
    """Give a number that cannot be negative, with its very digits; as ``number`` otherwise."""
    if text.startswith("-"):
        raise ValueError("a price or quantity is negative")
    return number(text)


def number(text: str) -> Decimal:
    """Give a number with its very digits.

    ``ValueError`` for what is not written like one, ``ArithmeticError`` for too many digits.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("a number is not written like a number")
    return bounded(Decimal(text))


def moment(text: str) -> Timestamp:
    """Give the instant of so many seconds since the epoch; ``ValueError`` where it is not one.

    Digits below a nanosecond are cut off.
    """
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError("a time is not written as seconds")
    whole, fraction = match.groups()
    nanoseconds = int(whole) * NANOSECONDS
    if fraction:
        nanoseconds += int(fraction.ljust(_DIGITS, "0"))
    return Timestamp(nanoseconds)
