"""What is said of observers."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kraken_trio._internal.model.alert import ObserverFailed, ObserverSlow
from kraken_trio._internal.shell.overseer import Overseer


def test_it_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """Also where nobody listens yet."""
    told: list[Any] = []
    overseer = Overseer()
    failed = ObserverFailed("Watching", "gap", ZeroDivisionError("mine"))
    slow = ObserverSlow("Watching", "frame_received", 0.5, 0.75)
    overseer.report(failed)
    overseer.publish = told.append
    overseer.report(slow)
    overseer.tell(failed)
    assert told == [slow, failed]
    first, second = caplog.messages
    assert first.startswith("observer_failed: Watching is told nothing more: its gap raised Zero")
    assert second.startswith("observer_slow: Watching holds up the data: its frame_received took")
    assert [line.levelno for line in caplog.records] == [logging.ERROR, logging.WARNING]
