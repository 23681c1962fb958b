"""What became of a request whose answer never came."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.settlement import Settlement


def test_settlement() -> None:
    """It says what is known, and nothing of it can be changed."""
    made = Settlement(method="add_order", req_id=7, carried_out=None)
    assert (made.orders, made.open_orders, made.fills, made.answer) == ((), (), (), None)
    with pytest.raises(AttributeError):
        made.carried_out = True  # type: ignore[misc]
