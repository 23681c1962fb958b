"""A failed callback is told with its name, what it was called with and what it raised."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.callback import CallbackError


def test_callback_error() -> None:
    """It says who failed, at what and how, and nothing of it can be changed."""
    failure = ValueError("no")
    error = CallbackError("show", 5, failure)
    assert (error.callback, error.item, error.exception) == ("show", 5, failure)
    assert repr(error) == "CallbackError(callback='show', item=5, exception=ValueError('no'))"
    with pytest.raises(AttributeError):
        error.item = 6  # type: ignore[misc]
