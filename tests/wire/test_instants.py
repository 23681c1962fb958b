"""Times on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.instants import (
    MOST_SECONDS,
    Instants,
    milliseconds_text,
    seconds_text,
)

SECOND = 1_786_923_425 * NANOSECONDS  # 2026-08-16T23:37:05Z

TIMES = [
    ("2026-08-16T23:37:05Z", 0),
    ("2026-08-16T23:37:05", 0),
    ("2026-08-16T23:37:05.399046Z", 399_046_000),
    ("2026-08-16T23:37:05.399046", 399_046_000),
    ("2026-08-16T23:37:05.4614262Z", 461_426_200),
    ("2026-08-16T23:37:05.461426256Z", 461_426_256),
    ("2026-08-16T23:37:05.4614262569Z", 461_426_256),
    ("2026-08-16T23:37:05.999999999999999Z", 999_999_999),
    ("2026-08-16T23:37:05.1Z", 100_000_000),
    ("2026-08-16T23:37:05.050Z", 50_000_000),
    ("2026-08-16t23:37:05.000001z", 1000),
    ("2026-08-16T23:37:05.5+00:00", 500_000_000),
    ("2026-08-16T23:37:05-00:00", 0),
    ("2026-08-17T01:07:05.000000+01:30", 0),
    ("2026-08-16T18:37:05-05:00", 0),
]
WRONG = [
    "",
    "Z",
    "0",
    "now",
    "2026-08-16",
    "2026-08-16 23:37:05Z",
    "2026-08-16T23:37Z",
    "2026-08-16T23:37:05.Z",
    "2026-08-16T23:37:05.39904_Z",
    "2026-08-16T23:37:05.+99046Z",
    "2026-08-16T23:37:05.-99046Z",
    "2026-08-16T23:37:05. 99046Z",
    "2026-08-16T23:37:05.\u0663\u0669\u0669\u0660\u0664\u0666Z",
    "2026-08-16T23:37:05.399046X",
    "2026-08-16T23:37:05.399046ZZ",
    "2026-08-16T23:37:05.399046256X",
    "2026-08-16T23:37:05.399046+0000",
    "2026-08-16T23:37:05+24:00",
    "2026-08-16T23:37:05+00:60",
    "\uff12026-08-16T23:37:05Z",
    "2026-13-16T23:37:05Z",
    "2026-02-29T23:37:05Z",
    "2026-08-16T24:37:05Z",
    "2026-08-16T23:60:05Z",
    "2026-08-16T23:37:60Z",
    "0000-08-16T23:37:05Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "12026-08-16T23:37:05Z",
]


@pytest.mark.parametrize("text, nanoseconds", TIMES)
def test_time_is_read(text: str, nanoseconds: int) -> None:
    """A time is read with any number of digits, in any zone; one without a zone is UTC."""
    found = Instants().parse(text)
    assert found == SECOND + nanoseconds
    assert type(found) is Timestamp


@pytest.mark.parametrize("text", WRONG)
def test_wrong_time_is_refused(text: str) -> None:
    """What is not RFC 3339, or does not exist, is refused, whatever was read before."""
    instants = Instants()
    for _ in range(2):
        with pytest.raises(ValueError, match="a time"):
            instants.parse(text)
        instants.parse("2026-08-16T23:37:05.399046Z")


@given(st.lists(st.sampled_from([text for text, _ in TIMES]), max_size=8))
def test_memory_changes_nothing(texts: list[str]) -> None:
    """What was read before has no influence on what is read."""
    instants = Instants()
    assert [instants.parse(text) for text in texts] == [Instants().parse(text) for text in texts]


def test_memory_is_bounded() -> None:
    """However many seconds are read, some are remembered, and all are read right."""
    instants = Instants()
    for second in range(3 * MOST_SECONDS):
        moment = Timestamp(SECOND + second * NANOSECONDS)
        text = seconds_text(moment).replace("Z", ".5Z")
        assert instants.parse(text) == instants.parse(text) == moment + NANOSECONDS // 2
    assert len(instants._seconds) <= MOST_SECONDS


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - UTC is added
    st.lists(st.integers(0, 999_999_999), min_size=1, max_size=3),
    st.integers(0, 12),
)
def test_every_instant_is_read(moment: datetime, fractions: list[int], digits: int) -> None:
    """Each nanosecond of four-digit years is read, cut off after the digits that are there."""
    instants = Instants()
    whole = moment.replace(microsecond=0)
    begin = Timestamp.of(whole.replace(tzinfo=UTC))
    for fraction in fractions:
        shown = f"{fraction:09}"[:digits].ljust(min(digits, 12), "7")
        text = f"{whole.isoformat()}{'.' if digits else ''}{shown}Z"
        assert instants.parse(text) == begin + int(f"{shown[:9]:0<9}")


@pytest.mark.parametrize(
    "nanoseconds, seconds, milliseconds",
    [
        (0, "2026-08-16T23:37:05Z", "2026-08-16T23:37:05.000Z"),
        (50_000_000, "2026-08-16T23:37:05Z", "2026-08-16T23:37:05.050Z"),
        (999_999_999, "2026-08-16T23:37:05Z", "2026-08-16T23:37:05.999Z"),
    ],
)
def test_time_is_written(nanoseconds: int, seconds: str, milliseconds: str) -> None:
    """A time is written with the digits that are wanted; what is below is cut off."""
    moment = Timestamp(SECOND + nanoseconds)
    assert seconds_text(moment) == seconds
    assert milliseconds_text(moment) == milliseconds
