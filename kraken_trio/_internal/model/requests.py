"""What can be asked of the exchange: subscriptions, pings, and everything about orders.

A request holds no token and no ``req_id``: the encoder is given both, so that nothing that is
logged or shown can give a token away. What is left at None is not sent, and the exchange's own
default counts. Only the types of values are checked here, when the request is made; what the
exchange demands of their combinations it says itself.

Numbers are ``Decimal``: a float raises ``ConfigurationError``, for it is not the number that
was written. Times are ``Timestamp``. Deprecated parameters (``no_mpp``, ``stop_price``,
``trigger``) have no field.

Source: the methods' pages of the WebSocket v2 documentation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp

# In all, and after the point: what the decoders take too. Before the point one less, because
# whole numbers are sent with a zero after it.
_MAX_DIGITS = 40

_DECIMALS = frozenset(
    {
        "cash_order_qty",
        "display_qty",
        "limit_price",
        "order_qty",
        "price",
        "trigger_price",
    }
)
_TIMES = frozenset({"deadline", "effective_time", "expire_time"})


def _bounded(number: Decimal) -> bool:
    """Whether a number is finite and not absurd: writing ``1e1000000`` out takes a megabyte."""
    _, digits, exponent = number.as_tuple()
    return (
        isinstance(exponent, int)  # A letter for NaN and infinities.
        and exponent >= -_MAX_DIGITS
        and number.adjusted() < _MAX_DIGITS - 1
        and len(digits) <= _MAX_DIGITS
    )


def _check_value(field: str, value: object) -> None:
    """Raise ``ConfigurationError`` for a value of the wrong type. Shows none: it may be secret."""
    kind = f"is of type {type(value).__name__}"
    if field in _DECIMALS:
        if not isinstance(value, Decimal):
            raise ConfigurationError(
                field, f"must be a Decimal, {kind}", 'Write it like Decimal("0.1")'
            )
        if not _bounded(value):
            raise ConfigurationError(
                field,
                f"must be finite and have at most {_MAX_DIGITS} digits",
                "Round it to what the pair allows",
            )
    elif field in _TIMES:
        if not isinstance(value, Timestamp):
            raise ConfigurationError(
                field, f"must be a Timestamp, {kind}", "Make it with Timestamp.of(a datetime)"
            )
    elif any(isinstance(part, float) for part in (value if isinstance(value, tuple) else (value,))):
        raise ConfigurationError(field, "must hold no float", "Write it as its type says")


class _Checked(
    Struct, frozen=True, kw_only=True, repr_omit_defaults=True, forbid_unknown_fields=True
):
    """Base of what holds numbers: checks the type of each when it is made.

    Unknown members are refused where one is read from the wire, as the exchange does.
    """

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value is not None:
                _check_value(field, value)


class TriggerParams(_Checked, frozen=True, kw_only=True):
    """What sets off a stop, take-profit or trailing order."""

    price: Decimal
    """The price, or the distance to it, which may be negative. Trailing orders: a positive
    distance."""
    reference: Literal["last", "index"] | None = None
    """Which price is watched; ``last`` where it is left out."""
    price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``price``: as it is (the default), in percent, in quote currency."""


class Conditional(_Checked, frozen=True, kw_only=True):
    """The opposite order that each fill places, of the fill's size."""

    order_type: str
    """``limit``, ``stop-loss``, ``stop-loss-limit``, ``take-profit``, ``take-profit-limit``,
    ``trailing-stop`` or ``trailing-stop-limit``."""
    limit_price: Decimal | None = None
    """Its limit, or the distance to it."""
    limit_price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``limit_price``."""
    trigger_price: Decimal | None = None
    """What sets it off, or the distance to it."""
    trigger_price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``trigger_price``."""


class _Order(_Checked, frozen=True, kw_only=True):
    """What is said of an order, alone or in a batch."""

    order_type: str
    """``limit``, ``market``, ``iceberg``, ``stop-loss``, ``stop-loss-limit``,
    ``take-profit``, ``take-profit-limit``, ``trailing-stop``, ``trailing-stop-limit`` or
    ``settle-position``."""
    side: Literal["buy", "sell"]
    """Which way."""
    order_qty: Decimal | None = None
    """How much, base currency; not with ``cash_order_qty``."""
    cash_order_qty: Decimal | None = None
    """How much, quote currency; market buys without margin only."""
    limit_price: Decimal | None = None
    """The limit, or the distance to it."""
    limit_price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``limit_price``; ``trailing-stop-limit`` only."""
    triggers: TriggerParams | None = None
    """What sets it off."""
    time_in_force: Literal["gtc", "gtd", "ioc", "fok"] | None = None
    """Until cancelled (the default), until ``expire_time``, at once or never, whole or never."""
    margin: bool | None = None
    """On margin, with the pair's highest leverage."""
    post_only: bool | None = None
    """Refuse to take liquidity."""
    reduce_only: bool | None = None
    """Only reduce a position."""
    effective_time: Timestamp | None = None
    """When it becomes live. Sent in whole seconds, the rest cut off."""
    expire_time: Timestamp | None = None
    """When it expires, with ``gtd``. Sent in whole seconds, the rest cut off."""
    cl_ord_id: str | None = None
    """The client's name for it: a UUID, or up to 18 ASCII characters; unique among open
    orders. Not with ``order_userref``."""
    order_userref: int | None = None
    """The client's number for it; need not be unique."""
    conditional: Conditional | None = None
    """The order that each fill places."""
    display_qty: Decimal | None = None
    """Shown of an iceberg order at a time, base currency."""
    fee_preference: Literal["base", "quote"] | None = None
    """The currency to pay fees in."""
    stp_type: Literal["cancel_newest", "cancel_oldest", "cancel_both"] | None = None
    """What to do when it would trade with an own order."""
    sender_sub_id: str | None = None
    """For institutions: which of their clients."""


class BatchOrder(_Order, frozen=True, kw_only=True):
    """One order of a batch. The batch has the symbol, and decides about the deadline."""


class AddOrder(_Order, frozen=True, kw_only=True):
    """Place an order."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    symbol: str
    """Such as ``BTC/USD``."""
    deadline: Timestamp | None = None
    """It is not matched after this: 500 ms to 60 s from now. Sent in milliseconds."""
    validate: bool | None = None
    """Only check it, place nothing."""


class BatchAdd(_Checked, frozen=True, kw_only=True):
    """Place 2 to 15 orders of one symbol."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    symbol: str
    """Such as ``BTC/USD``."""
    orders: tuple[BatchOrder, ...]
    """The orders; their results come in this order."""
    deadline: Timestamp | None = None
    """They are not matched after this: 500 ms to 60 s from now. Sent in milliseconds."""
    validate: bool | None = None
    """Only check them, place nothing."""


class AmendOrder(_Checked, frozen=True, kw_only=True):
    """Change an order in place. Name it by ``order_id`` or by ``cl_ord_id``."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    order_id: str | None = None
    """The exchange's name of the order."""
    cl_ord_id: str | None = None
    """The client's name of the order."""
    order_qty: Decimal | None = None
    """The new total quantity, what is filled included."""
    limit_price: Decimal | None = None
    """The new limit, or the distance to it."""
    limit_price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``limit_price``; ``trailing-stop-limit`` only."""
    post_only: bool | None = None
    """Refuse a new price that would take liquidity."""
    trigger_price: Decimal | None = None
    """What sets it off now."""
    trigger_price_type: Literal["static", "pct", "quote"] | None = None
    """How to read ``trigger_price``."""
    display_qty: Decimal | None = None
    """Shown of an iceberg order at a time."""
    deadline: Timestamp | None = None
    """The change is not made after this: 500 ms to 60 s from now. Sent in milliseconds."""
    symbol: str | None = None
    """Needed for pairs that are not crypto."""


class EditOrder(_Checked, frozen=True, kw_only=True):
    """Cancel an order and place another. ``AmendOrder`` keeps the name and the place."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    order_id: str
    """The exchange's name of the order to replace."""
    symbol: str
    """Such as ``BTC/USD``."""
    order_qty: Decimal | None = None
    """The new quantity."""
    limit_price: Decimal | None = None
    """The new limit, or the distance to it."""
    display_qty: Decimal | None = None
    """Shown of an iceberg order at a time."""
    fee_preference: Literal["base", "quote"] | None = None
    """The currency to pay fees in."""
    post_only: bool | None = None
    """Refuse to take liquidity."""
    reduce_only: bool | None = None
    """Only reduce a position."""
    triggers: TriggerParams | None = None
    """What sets it off."""
    order_userref: int | None = None
    """The client's number for the new order."""
    deadline: Timestamp | None = None
    """It is not matched after this: 500 ms to 60 s from now. Sent in milliseconds."""
    validate: bool | None = None
    """Only check it, change nothing."""


class CancelOrder(_Checked, frozen=True, kw_only=True):
    """Cancel orders by any of their names. Each is answered for itself."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    order_id: tuple[str, ...] = ()
    """The exchange's names."""
    cl_ord_id: tuple[str, ...] = ()
    """The client's names."""
    order_userref: tuple[int, ...] = ()
    """The client's numbers."""


class BatchCancel(_Checked, frozen=True, kw_only=True):
    """Cancel 2 to 50 orders; answered once, with their count."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    orders: tuple[str, ...] = ()
    """The exchange's names, or the client's numbers as text."""
    cl_ord_id: tuple[str, ...] = ()
    """The client's names."""


class CancelAll(_Checked, frozen=True, kw_only=True):
    """Cancel every open order of the account."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""


class CancelAllOrdersAfter(_Checked, frozen=True, kw_only=True):
    """The dead man's switch: cancel all unless this is sent again in time."""

    private: ClassVar[bool] = True
    """Whether it needs a token."""
    timeout_s: int = msgspec.field(name="timeout")
    """Seconds, below 86400; 0 switches it off."""


class Subscribe(Struct, frozen=True):
    """Start a channel; each symbol is answered for itself."""

    channel: Channel
    """What to subscribe to."""

    @property
    def private(self) -> bool:
        """Whether it needs a token."""
        return self.channel.private


class Unsubscribe(Struct, frozen=True):
    """End a channel; each symbol is answered for itself."""

    channel: Channel
    """What was subscribed to."""

    @property
    def private(self) -> bool:
        """Whether it needs a token."""
        return self.channel.private


class Ping(Struct, frozen=True):
    """Ask for a sign of life."""

    private: ClassVar[bool] = False
    """Whether it needs a token."""


Request = (
    Subscribe
    | Unsubscribe
    | Ping
    | AddOrder
    | AmendOrder
    | EditOrder
    | CancelOrder
    | CancelAll
    | CancelAllOrdersAfter
    | BatchAdd
    | BatchCancel
)
"""Whatever can be asked."""
