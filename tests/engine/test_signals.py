"""The signals: data, and nothing but data."""

from __future__ import annotations

from typing import get_args

import pytest

from kraken_trio._internal.engine import signals


@pytest.mark.parametrize("signal", get_args(signals.Signal))
def test_each_signal_is_frozen_and_says_what_it_means(signal: type) -> None:
    """A signal cannot be changed on its way, and is documented."""
    assert signal.__doc__
    assert signal.__struct_config__.frozen  # type: ignore[attr-defined]
