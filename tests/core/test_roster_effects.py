"""What a roster asks for is data."""

from __future__ import annotations

from typing import get_args

import pytest

from kraken_trio._internal.core import roster_effects


@pytest.mark.parametrize("kind", get_args(roster_effects.Effect))
def test_an_effect_is_data_that_cannot_be_changed(kind: type) -> None:
    """Equal ones are the same, and each says which subscription it is about."""
    fields = kind.__struct_fields__  # type: ignore[attr-defined]
    assert fields[0] == "part"
    one, other = kind(*fields), kind(*fields)
    assert (one, hash(one)) == (other, hash(other))
    with pytest.raises(AttributeError):
        one.part = None
