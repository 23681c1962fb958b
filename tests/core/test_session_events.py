"""The words of a session: data, and nothing but data."""

from __future__ import annotations

from typing import get_args

import pytest

from kraken_trio._internal.core import session_events


@pytest.mark.parametrize(
    "word", [*get_args(session_events.Input), *get_args(session_events.Effect)]
)
def test_each_word_is_frozen_and_says_what_it_means(word: type) -> None:
    """Inputs and effects cannot be changed on their way, and are documented to the field."""
    assert word.__doc__
    assert word.__struct_config__.frozen  # type: ignore[attr-defined]


def test_inputs_and_effects_are_told_apart() -> None:
    """Nothing is both."""
    assert not set(get_args(session_events.Input)) & set(get_args(session_events.Effect))
