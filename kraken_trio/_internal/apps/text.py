"""What is printed of a text that others wrote, and of a number: safe, short, exact.

What a file or an exchange says was written by others: none of it reaches a terminal before it is
printable and short.
"""

from __future__ import annotations

from decimal import Decimal

_MOST_CHARACTERS = 200
_HEAD, _TAIL = 120, 77


def shown(text: str) -> str:
    """A text that others wrote: without what moves a cursor, and its middle left out if long."""
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_HEAD]}...{text[-_TAIL:]}"
    return "".join(c if c.isprintable() else "?" for c in text)


def digits(number: Decimal) -> str:
    """The digits of the wire: ``str()`` would print small quantities as ``1.0E-7``."""
    return format(number, "f")
