"""What a page may ask for, as it is written: decoded and checked, or refused in plain words.

Pure; knows the form of a request and nothing of what becomes of it.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

import msgspec

from kraken_trio._internal.apps.view.frames import Filter

INTERVALS: Final = (1, 5, 15, 30, 60, 240, 1440)
"""Minutes of a candle that may be looked at."""
MOST_BYTES: Final = 4096
"""Of one request."""

Symbol = Annotated[str, msgspec.Meta(max_length=32)]
Word = Annotated[str, msgspec.Meta(max_length=100)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Asked(msgspec.Struct, tag_field="type", kw_only=True, frozen=True):
    """Any request."""

    request: Number | None = None
    """What comes back with the answer."""


class Add(Asked, tag="add", frozen=True):
    """Show a pair."""

    symbol: Symbol


class Remove(Asked, tag="remove", frozen=True):
    """Show it no more."""

    symbol: Symbol


class Look(Asked, tag="look", frozen=True):
    """Look at a pair closely."""

    symbol: Symbol
    interval: int = 1


class Wanted(msgspec.Struct, frozen=True):
    """Which frames."""

    session: Word | None = None
    channel: Word | None = None
    text: Word | None = None


class ShowFrames(Asked, tag="frames", frozen=True):
    """Show frames, or no more."""

    on: bool
    filter: Wanted = Wanted()

    @property
    def wanted(self) -> Filter:
        """Which."""
        return Filter(self.filter.session, self.filter.channel, self.filter.text)


class AddAlert(Asked, tag="alert_add", frozen=True):
    """Say when a price is reached."""

    symbol: Symbol
    when: Literal["above", "below"]
    price: Annotated[str, msgspec.Meta(max_length=40)]


class RemoveAlert(Asked, tag="alert_remove", frozen=True):
    """Do not."""

    id: Number


class Break(Asked, tag="chaos", frozen=True):
    """Let something go wrong."""

    name: Word


Request = Add | Remove | Look | ShowFrames | AddAlert | RemoveAlert | Break

_DECODER: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)


class _Any(msgspec.Struct):
    request: Any = None


class Refusal(Exception):
    """What was asked for is not done."""

    def __init__(self, reason: str, request: int | None = None) -> None:
        """``reason`` is for whoever looks at the page."""
        super().__init__(reason)
        self.reason = reason
        """Why."""
        self.request = request
        """The number of the request, where it is known."""


def decode(text: str | bytes) -> Request:
    """Read a request. Raises ``Refusal`` for what is none."""
    if len(text) > MOST_BYTES:
        raise Refusal("That request is too long.")
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refusal(f"That request makes no sense: {error}", _number(text)) from None


def price(text: str) -> Decimal:
    """Read a price. Raises ``Refusal`` for what is none."""
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise Refusal("A price is a number, such as 62800.5.") from None
    if not found.is_finite() or not 0 < found < 10**15 or found != _rounded(found):
        raise Refusal("A price is above 0, below 10^15, with 18 decimals at most.")
    return found


_FINEST: Final = Decimal("1e-18")
_EXACT: Final = Context(prec=40)
"""Room for every price that is let in: the usual 28 digits are too few for 10 before the point."""


def _rounded(price: Decimal) -> Decimal:
    return price.quantize(_FINEST, context=_EXACT)


def _number(text: str | bytes) -> int | None:
    """The number of a request that is wrong otherwise; None where it has none."""
    try:
        number = msgspec.json.decode(text, type=_Any).request
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return number if type(number) is int and 0 <= number <= 2**53 else None
