"""What of a flood of lines is written to a log."""

from __future__ import annotations

import logging

import pytest

from kraken_trio._internal.shell.ration import LINES, WHILE_S, Ration

LOG = logging.getLogger("kraken_trio.test")


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        """At nothing."""
        self.now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_so_many_lines_of_a_kind_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """What is too much is counted, and told before the next line that is written."""
    clock = Clock()
    ration = Ration(LOG, clock)
    for number in range(LINES + 5):
        ration.write(logging.WARNING, "gap", "%s: %d", "public", number)
    assert caplog.messages == [f"gap: public: {number}" for number in range(LINES)]
    caplog.clear()
    clock.now = WHILE_S
    for number in range(2):
        ration.write(logging.WARNING, "gap", "%d", number)
    assert caplog.messages == ["left_out: 5 more of gap", "gap: 0", "gap: 1"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_kinds_are_counted_apart(caplog: pytest.LogCaptureFixture) -> None:
    """A flood of one keeps no line of another from the log."""
    ration = Ration(LOG, Clock())
    for _ in range(LINES + 1):
        ration.write(logging.WARNING, "fault", "again")
    ration.write(logging.WARNING, "gap", "once")
    assert caplog.messages[-1] == "gap: once"


def test_at_the_end_the_rest_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Of each kind that has one, and once."""
    ration = Ration(LOG, Clock())
    ration.write(logging.WARNING, "gap", "once")
    for _ in range(LINES + 3):
        ration.write(logging.WARNING, "fault", "again")
    caplog.clear()
    ration.close()
    ration.close()
    assert caplog.messages == ["left_out: 3 more of fault"]


def test_a_percent_sign_is_one(caplog: pytest.LogCaptureFixture) -> None:
    """What a stranger said is shown, and never taken for a format."""
    Ration(LOG, Clock()).write(logging.WARNING, "fault", "%s", "100 %s %d")
    assert caplog.messages == ["fault: 100 %s %d"]
