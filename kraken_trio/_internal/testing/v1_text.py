"""How the simulated exchange writes names, numbers and times where it speaks protocol v1.

Knows texts alone. Never imports a decoder or an encoder of the library: a mistake made twice would
not be seen.

Source: sections "Endpoints and session" and "Data arrays" of the WebSocket v1 documentation, and
captured traffic: prices have five decimals at least, whatever their pair's precision, and
quantities eight.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

PRICE_DECIMALS, QTY_DECIMALS = 5, 8
_CODES = (("BTC", "XBT"), ("DOGE", "XDG"))
_FRACTION = 6


def pair_text(symbol: str) -> str:
    """The pair's name on the wire."""
    return _renamed(symbol, dict(_CODES))


def symbol_text(pair: str) -> str:
    """The pair's name of today; what is none stays what it is."""
    return _renamed(pair, {old: new for new, old in _CODES})


def _renamed(name: str, codes: Mapping[str, str]) -> str:
    return "/".join(codes.get(code, code) for code in name.split("/"))


def price_text(value: Decimal | int | None) -> str:
    """A price, with five decimals or more."""
    return _padded(value, PRICE_DECIMALS)


def qty_text(value: Decimal | int | None) -> str:
    """A quantity, with eight decimals or more."""
    return _padded(value, QTY_DECIMALS)


def _padded(value: Decimal | int | None, decimals: int) -> str:
    text = format(Decimal(value or 0), "f")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}"


def digits(text: str) -> str:
    """What a number is in a checksum."""
    return text.replace(".", "").lstrip("0")


def seconds_text(moment: str) -> str:
    """A time of protocol v2 as seconds since the epoch, with six decimals."""
    whole, _, rest = moment.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return f"{seconds}.{rest[:_FRACTION].ljust(_FRACTION, '0')}"


def loads(frame: bytes) -> Any:
    """Read a frame of ours, with the digits of its numbers; ``ValueError`` where it is none."""
    return json.loads(frame, parse_float=Decimal)


def dump(value: object, *, sort_keys: bool = False) -> bytes:
    """Print what holds no number but whole ones."""
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys).encode()
