"""What is known of what was asked, and what the answers say of the clocks."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.alert import ClockSkew, RoundTrip
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.answers import MOST_ASKED, REMEMBERED, Answers, Skew


def at(seconds: float) -> Timestamp:
    """Give a moment."""
    return Timestamp(int(seconds * NANOSECONDS))


def pong(in_s: float, received_s: float, *, ahead_s: float = 0.0) -> Reply:
    """The answer to a ping, of an exchange that takes no time for it."""
    moment = at(in_s + ahead_s)
    return Reply(
        method="pong",
        success=True,
        time_in=moment,
        time_out=moment,
        received_at=at(received_s),
    )


class Answered(Observer):
    """Remembers what was answered."""

    def __init__(self) -> None:
        """Nothing was."""
        self.trips: list[tuple[str, RoundTrip]] = []

    def answered(self, session: str, trip: RoundTrip) -> None:
        """Remember it."""
        self.trips.append((session, trip))


def test_a_request_is_answered_once() -> None:
    """By its number; of several answers the first counts, and of strangers none."""
    seen = Answered()
    answers = Answers("public", hooks=Hooks(own=[seen]), skew=Skew(print))
    answers.sent(7, at(1))
    reply = Reply(
        method="subscribe",
        success=False,
        error="no",
        req_id=7,
        time_in=at(1.01),
        time_out=at(1.03),
        received_at=at(1.05),
    )
    for _ in range(2):
        answers.replied(reply)
    answers.replied(Reply(method="subscribe", success=True, received_at=at(2)))
    ((session, trip),) = seen.trips
    assert (session, trip.method, trip.req_id) == ("public", "subscribe", 7)
    assert (trip.success, trip.error, trip.sent_at) == (False, "no", at(1))
    assert answers.round_trip_s == pytest.approx(0.03)
    assert answers.clock_offset_s == pytest.approx(-0.005)


def test_what_has_no_answer_yet_is_known() -> None:
    """Since when, until it has one."""
    answers = Answers("trading", hooks=Hooks(), skew=Skew(print))
    answers.sent(7, at(1))
    assert (answers.sent_at(7), answers.sent_at(8)) == (at(1), None)
    answers.replied(Reply(method="x", success=True, req_id=7, received_at=at(2)))
    assert answers.sent_at(7) is None


def test_a_ping_needs_no_number() -> None:
    """It may be refused by its own name, and may have a number."""
    seen = Answered()
    answers = Answers("public", hooks=Hooks(own=[seen]), skew=Skew(print))
    answers.sent(None, at(1))
    answers.replied(pong(1, 1))
    answers.sent(None, at(2))
    answers.replied(Reply(method="ping", success=False, error="no", received_at=at(2)))
    answers.sent(3, at(3))
    answers.replied(Reply(method="pong", success=True, req_id=3, received_at=at(3)))
    assert [trip.method for _, trip in seen.trips] == ["ping", "ping", "ping"]
    assert [trip.success for _, trip in seen.trips] == [True, False, True]


def test_what_is_remembered_is_bounded() -> None:
    """Requests that nobody answers; and those of another connection are forgotten."""
    seen = Answered()
    answers = Answers("public", hooks=Hooks(own=[seen]), skew=Skew(print))
    for number in range(MOST_ASKED + 1):
        answers.sent(number, at(1))
    for number in (MOST_ASKED, MOST_ASKED - 1):
        answers.replied(Reply(method="x", success=True, req_id=number, received_at=at(1)))
    assert [trip.req_id for _, trip in seen.trips] == [MOST_ASKED - 1]
    answers.begin()
    answers.replied(Reply(method="x", success=True, req_id=0, received_at=at(1)))
    answers.sent(0, at(1))
    answers.replied(Reply(method="x", success=True, req_id=0))  # read by nobody knows when
    assert len(seen.trips) == 1


def test_the_fastest_of_the_last_is_believed() -> None:
    """A slow way shows little; what is long ago is forgotten."""
    answers = Answers("public", hooks=Hooks(), skew=Skew(print))
    assert answers.clock_offset_s is None
    assert answers.exchange_time(Timestamp(7)) is None
    ways = [(0.1, 0.5), (0.01, 0.01), *[(0.5, 0.1)] * (REMEMBERED - 1)]  # none contradicts another
    for there, back in ways:
        answers.sent(None, at(0))
        answers.replied(pong(there, there + back, ahead_s=0.25))
    assert answers.clock_offset_s == pytest.approx(0.25)
    assert answers.exchange_time(Timestamp(7)) == 7 + 250_000_000
    answers.sent(None, at(0))
    answers.replied(pong(0.5, 0.6, ahead_s=0.25))
    assert answers.clock_offset_s == pytest.approx(0.45)
    assert answers.round_trip_s == pytest.approx(0.6)


def test_when_a_clock_is_set_the_past_is_forgotten() -> None:
    """What contradicts a fresh round trip was true before; what only seems to is believed."""
    answers = Answers("public", hooks=Hooks(), skew=Skew(print))
    for there, ahead in ((0.01, 0.25), (0.05, 0.26), (0.05, 60.0)):
        answers.sent(None, at(0))
        answers.replied(pong(there, 2 * there, ahead_s=ahead))
        assert answers.clock_offset_s == pytest.approx(0.25 if ahead < 1 else 60)


@pytest.mark.parametrize("which", ["ours", "the exchange's"])
def test_a_clock_that_is_set_back_on_the_way_shows_nothing(which: str) -> None:
    """The answer came before the request, or took less time than the exchange had it: no estimate,
    no skew, and of a way that took less than nothing no duration.
    """
    told: list[Any] = []
    answers = Answers("public", hooks=Hooks(), skew=Skew(told.append))
    answers.sent(None, at(100))
    answers.replied(pong(100.01, 100.02))
    answers.sent(1, at(130))
    time_in, received_at = (130.01, 120.02) if which == "ours" else (120.01, 130.02)
    answers.replied(
        Reply(
            method="pong",
            success=True,
            req_id=1,
            time_in=at(time_in),
            time_out=at(130.01),
            received_at=at(received_at),
        )
    )
    assert told == []
    assert answers.clock_offset_s == pytest.approx(0)
    assert answers.round_trip_s == pytest.approx(0.02 if which == "ours" else 0)
    for moment in (150, 180):  # From then on it is wrong, and by all of it.
        answers.sent(None, at(moment))
        answers.replied(pong(moment + 0.01, moment + 0.02, ahead_s=10))
    (skew,) = told
    assert skew.offset_s == answers.clock_offset_s == pytest.approx(10)


@pytest.mark.parametrize("ahead_s", [1.2, -30.0])
def test_a_skew_is_said_once(ahead_s: float, caplog: pytest.LogCaptureFixture) -> None:
    """For all sessions of a feed, until it is over; that is said too."""
    caplog.set_level(logging.INFO)
    told: list[Any] = []
    skew = Skew(told.append)
    sessions = [Answers(name, hooks=Hooks(), skew=skew) for name in ("public", "private")]
    for moment, ahead in enumerate((0.9, ahead_s, ahead_s, 0.999, 0.0)):
        for answers in sessions:
            answers.sent(None, at(moment))
            answers.replied(pong(moment + 0.01, moment + 0.02, ahead_s=ahead))
    first, last = told
    assert isinstance(first, ClockSkew)
    assert (first.session, first.over, last.over) == ("public", False, True)
    assert first.offset_s == pytest.approx(ahead_s)
    assert first.uncertainty_s == pytest.approx(0.01)
    assert [(line.levelno, vars(line)["event"]) for line in caplog.records] == [
        (logging.WARNING, "clock_skew"),
        (logging.INFO, "clock_skew_over"),
    ]


def test_a_slow_network_is_not_taken_for_a_skew() -> None:
    """Ten seconds on the way back would look like five of the clock."""
    told: list[Any] = []
    answers = Answers("public", hooks=Hooks(), skew=Skew(told.append))
    answers.sent(None, at(0))
    answers.replied(pong(0, 10))
    assert not told
