"""The arrows of the picture, held to the tables that decide."""

from __future__ import annotations

import pytest

from kraken_trio._internal.apps.view.machine import EDGES, drawn
from kraken_trio._internal.core.states import SESSION

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def test_the_arrows_are_those_of_the_table() -> None:
    """Every transition from one state to another, each once, and no other."""
    table = {
        (state, trigger, row.to_state)
        for (state, trigger), row in SESSION.items()
        if row.to_state is not state
    }
    assert set(EDGES) == table
    assert len(EDGES) == len(table)


def test_it_is_drawn_in_words() -> None:
    """States are named once, arrows by what they join."""
    picture = drawn()
    assert picture["states"][0] == "disconnected"
    assert ["degraded", "retry", "connecting"] in picture["edges"]
    assert {name for a, _, b in picture["edges"] for name in (a, b)} == set(picture["states"])
