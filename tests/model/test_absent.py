"""What a field may be that only one protocol has."""

from __future__ import annotations

from decimal import Decimal
from typing import get_type_hints

import msgspec
import pytest

from kraken_trio._internal.model.absent import Absent
from kraken_trio._internal.model.records import Trade


class Row(msgspec.Struct):
    """Something with such a field."""

    price: Decimal | Absent


def test_none_is_decoded_and_nothing_else_is_let_through() -> None:
    """To a decoder the field is what it says or None, and not anything."""
    assert msgspec.json.decode(b'{"price":null}', type=Row).price is None
    assert msgspec.json.decode(b'{"price":1.50}', type=Row).price == Decimal("1.5")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"price":[]}', type=Row)


def test_records_say_it() -> None:
    """The number of a trade may be missing, and is no text."""
    assert get_type_hints(Trade)["trade_id"] == int | None
