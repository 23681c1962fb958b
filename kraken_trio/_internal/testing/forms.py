"""What a request that trades says, or why the exchange does not read it.

Knows the parameters of each method, their types, and the exchange's words for what is wrong with
them; nothing of accounts. Shares no code with the library's own writer of requests but the types
of what is asked.

Source: sections "Trading methods" and "Errors" of the WebSocket v2 documentation, and captured
refusals. Not settled there, and decided here: what is missing or of the wrong type, and is no
number, is refused as ``EGeneral:Invalid arguments``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.part import STRANGE_FIELD, Refused
from kraken_trio._internal.wire.requests import RequestFrame

INVALID = "EGeneral:Invalid arguments"
NO_NUMBER = "{} field must be a number_float"

Form = (
    AddOrder
    | AmendOrder
    | BatchAdd
    | BatchCancel
    | CancelAll
    | CancelAllOrdersAfter
    | CancelOrder
    | EditOrder
)
"""What a request that trades may ask."""

FORMS: Mapping[str, type[Form]] = {
    "add_order": AddOrder,
    "amend_order": AmendOrder,
    "batch_add": BatchAdd,
    "batch_cancel": BatchCancel,
    "cancel_all": CancelAll,
    "cancel_all_orders_after": CancelAllOrdersAfter,
    "cancel_order": CancelOrder,
    "edit_order": EditOrder,
}
"""By method."""

_NUMBERS = frozenset(
    {
        "cash_order_qty",
        "display_qty",
        "limit_price",
        "order_qty",
        "price",
        "trigger_price",
    }
)
_UNREADABLE = (
    ConfigurationError,  # What the types of requests refuse.
    OverflowError,  # A time before the year 1, or after 9999.
    RecursionError,  # Nested too deeply.
    ValueError,
    msgspec.MsgspecError,
)
_IGNORED = frozenset({"no_mpp"})  # Deprecated: accepted, and without effect.


def read_form(frame: RequestFrame) -> Form:
    """Give what is asked; ``Refused`` where it cannot be read. The method is one of ``FORMS``."""
    method = frame.method or ""
    kind = FORMS[method]
    params = {name: value for name, value in frame.params.items() if name not in _IGNORED}
    for name in params:
        if name not in kind.__struct_encode_fields__:
            raise Refused(STRANGE_FIELD.format(name, method.replace("_", " ")))
    try:
        _check_numbers(params)
        form: Form = msgspec.convert(params, kind, dec_hook=_read_time)
    except _UNREADABLE as error:
        raise Refused(INVALID) from error
    return form


def _check_numbers(value: object) -> None:
    """Refuse what stands in the place of a number and is none, however deep."""
    if isinstance(value, list):
        for part in value:
            _check_numbers(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            number = type(part) is int or isinstance(part, Decimal)
            if name in _NUMBERS and not number:
                raise Refused(NO_NUMBER.format(name.capitalize()))
            _check_numbers(part)


def _read_time(_kind: type[Any], value: object) -> Timestamp:
    """Read a time; ``ValueError`` for what is none, ``OverflowError`` beyond the calendar."""
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError("a time has no zone")
    return Timestamp.of(moment.astimezone(UTC))
