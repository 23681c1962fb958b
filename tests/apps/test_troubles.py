"""What may be broken by hand."""

from __future__ import annotations

import pytest

from kraken_trio._internal.apps.troubles import TROUBLES
from kraken_trio.testing import ChaosFault

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def test_every_button_says_what_it_does() -> None:
    """By the name of its fault, once; a sentence each."""
    assert all(ChaosFault(name) is trouble.fault for name, trouble in TROUBLES.items())
    labels = [trouble.label for trouble in TROUBLES.values()]
    assert len(set(labels)) == len(labels)
    assert all(trouble.help.endswith(".") for trouble in TROUBLES.values())


def test_what_the_newcomer_needs_is_there() -> None:
    """A cut, a wrong checksum, a loss, a silence."""
    faults = (
        ChaosFault.CLOSE_1006,
        ChaosFault.CORRUPT_CHECKSUM,
        ChaosFault.DROP,
        ChaosFault.STALL,
    )
    assert {fault.value for fault in faults} <= set(TROUBLES)


def test_nothing_private_is_offered() -> None:
    """There is no token here that could be refused."""
    assert ChaosFault.AUTH_REFUSAL.value not in TROUBLES
