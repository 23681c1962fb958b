"""The precision of one pair, and the digits of its numbers in a checksum.

Knows numbers; what they are numbers of, and what they are summed up for, is ``checksum``'s.
Imports nothing of the project.

Live traffic pads every number to the precision of its pair, and a checksum is made of those
digits, without the point and without leading zeros. Recordings that went through a float printer
lost the trailing zeros. So a number stands in the text as the count of steps of its pair that it
is: with one decimal 4.0 is 40 steps of 0.1, and so is 4. Where nobody has told the precision, it
is the most digits that a number had.

Source: docs.kraken.com, the checksum guides of WebSocket v2.
"""

from __future__ import annotations

from decimal import Context, Decimal

MOST_DECIMALS = 40
"""The decoders refuse numbers with more digits on either side of the point."""

# The longest number is 80 digits of the smallest steps, so nothing is ever cut. It traps nothing,
# whatever the user's defaults are: a number that no decoder lets pass ends as a wrong checksum.
steps = Context(prec=2 * MOST_DECIMALS, traps=[]).divide_int
"""``steps(number, step)``: how many whole steps a number is. Its ``str()`` is plain digits."""

EXACT = Context(prec=200, traps=[])
"""For sums and differences of what decoders let pass: whatever the user's defaults are, nothing is
rounded."""


def decimals(number: Decimal) -> int:
    """How many digits a number has behind the point, trailing zeros too."""
    return len(format(number, "f").partition(".")[2])


def told_precision(price: int, qty: int) -> tuple[int, int]:
    """Give both; ``ValueError`` for a precision that no number on the wire can have."""
    for precision in (price, qty):
        if not 0 <= precision <= MOST_DECIMALS:
            msg = f"a precision is 0 to {MOST_DECIMALS} decimals, not {precision}"
            raise ValueError(msg)
    return price, qty


class Digits:
    """The precision of one pair, and with it the text of its numbers in a checksum."""

    __slots__ = ("price_precision", "price_step", "qty_precision", "qty_step")

    price_precision: int
    """Decimals of its prices."""
    price_step: Decimal
    """The smallest price that they can print."""
    qty_precision: int
    """Decimals of its quantities."""
    qty_step: Decimal
    """The smallest quantity that they can print."""

    def __init__(self, price_precision: int, qty_precision: int) -> None:
        """Start with what is known: 0 where nothing is. ``ValueError`` below 0 or above 40."""
        self.set(*told_precision(price_precision, qty_precision))

    def set(self, price_precision: int, qty_precision: int) -> None:
        """Use these precisions from now on."""
        self.price_precision = price_precision
        self.price_step = Decimal((0, (1,), -price_precision))
        self.qty_precision = qty_precision
        self.qty_step = Decimal((0, (1,), -qty_precision))

    def extend(self, price_precision: int, qty_precision: int) -> bool:
        """Raise what is lower than these to these; say whether anything was."""
        if price_precision <= self.price_precision and qty_precision <= self.qty_precision:
            return False
        self.set(max(price_precision, self.price_precision), max(qty_precision, self.qty_precision))
        return True

    def learn(self, price: Decimal, qty: Decimal) -> bool:
        """Raise the precisions to the digits of two numbers; say whether anything rose."""
        if price.same_quantum(self.price_step) and qty.same_quantum(self.qty_step):
            return False
        return self.extend(decimals(price), decimals(qty))

    def text(self, price: Decimal, qty: Decimal) -> str:
        """What a price and a quantity are in the text: digits alone."""
        return f"{steps(price, self.price_step)!s}{steps(qty, self.qty_step)!s}"
