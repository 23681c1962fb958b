"""How numbers stand on the wire: which are refused, and how ours are written.

Knows bounds and notations, and nothing of what a number means; never rounds, and imports no
decoder of messages.

JSON itself keeps NaN and infinities out, but not ``1e1000000`` or ten thousand digits, which
freeze whoever scales them. And the decoder takes numbers in quotes too, which are welcome (the
documentation prints some), but takes whatever ``Decimal()`` takes: ``"NaN"``, ``" 1 "``,
``"1_0"``, digits of other scripts. So two things are asked of what was decoded: that each
``Decimal`` is finite and of 40 digits at most, and, where there are quotes that a frame of its
kind does not need, that quoted numbers look like JSON numbers. The second is asked of the
text, by the names of the members; a name spelt with escapes evades it, which lets odd
spellings of a number pass, but no number out of bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Clamped, Context, Decimal, InvalidOperation, Overflow, Rounded, Underflow

import msgspec
from msgspec import Struct

MAX_DIGITS = 40
"""Of a number: in all, before the point, and after it. The records rely on it to be exact;
the exchange itself needs 20 at most."""

# A context of its own: nobody's precision or traps have a say. Emin and the precision together
# allow exponents from -40 on (the smallest is Emin - prec + 1).
_BOUNDS = Context(
    prec=MAX_DIGITS,
    Emax=MAX_DIGITS - 1,
    Emin=-1,
    traps=[Clamped, InvalidOperation, Overflow, Rounded, Underflow],
)

bounded: Callable[[Decimal], Decimal] = _BOUNDS.plus
"""Give a number with at most ``MAX_DIGITS`` digits unchanged; raise ``ArithmeticError`` for
another. By far the cheapest way to ask; but it lets NaN and infinities pass."""

_PLAIN = frozenset({type(None), str, int, bool})

JSON_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
"""How a number is written (RFC 8259 section 6), as a pattern."""


def check_number(number: Decimal) -> None:
    """Raise ``ValueError`` for what is not finite, ``ArithmeticError`` for too many digits."""
    if not number.is_finite():
        raise ValueError("a number is not finite")
    bounded(number)


def check_unsigned(numbers: Iterable[Decimal]) -> None:
    """As ``check_number`` for each; ``ValueError`` for one with a minus sign too."""
    for number in numbers:
        if number.is_signed() or not number.is_finite():
            raise ValueError("a price or quantity is negative or not finite")
        bounded(number)


def check_record(record: Struct) -> None:
    """As ``check_number`` for each number in a record and its parts."""
    for value in msgspec.structs.astuple(record):
        kind = type(value)
        if kind is Decimal:
            check_number(value)
        elif kind in _PLAIN:
            continue  # Asked early, because most members of a long record are absent.
        elif isinstance(value, Struct):
            check_record(value)
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, Struct):
                    check_record(part)


def quotes_rule(frame: type[Struct]) -> Callable[[bytes], None]:
    """Make the check of quoted numbers for the frames that decode to ``frame``.

    It raises ``ValueError`` where a member that is a ``Decimal`` there has its number in
    quotes, and not written as JSON would. It goes by the name alone, so a member that is not
    known, deeper down, must not use such a name for other text.
    """
    names = b"|".join(sorted(name.encode() for name in decimal_members(frame)))
    odd = re.compile(rb'"(?:%s)"\s*:\s*"(?!%s")' % (names, JSON_NUMBER)).search

    def check(payload: bytes) -> None:
        if odd(payload):
            raise ValueError("a quoted number is not written like a number")

    return check


def decimal_members(kind: type[Struct]) -> set[str]:
    """Give the names, as on the wire, of all ``Decimal`` members of a type and its parts."""
    found: set[str] = set()

    def visit(info: msgspec.inspect.Type) -> bool:
        """Collect from the parts; give whether ``info`` itself may be a number."""
        match info:
            case msgspec.inspect.StructType(fields=fields):
                found.update(field.encode_name for field in fields if visit(field.type))
            case msgspec.inspect.UnionType(types=kinds):
                numbers = [visit(each) for each in kinds]  # Visits each; any() would stop.
                return any(numbers)
            case msgspec.inspect.VarTupleType(item_type=item):
                visit(item)
            case msgspec.inspect.TupleType(item_types=items):
                for item in items:
                    visit(item)
        return isinstance(info, msgspec.inspect.DecimalType)

    visit(msgspec.inspect.type_info(kind))
    return found


def number_text(number: Decimal) -> bytes:
    """Write a number for a request: fixed-point, every digit, and always with a point.

    The exchange wants a ``number_float``: ``28440.0``, not ``28440``, never ``1E-7``.
    """
    text = format(number, "f")
    return (text if "." in text else text + ".0").encode()
