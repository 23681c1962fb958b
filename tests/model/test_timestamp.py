"""A moment is an exact number of nanoseconds, and shows as RFC 3339."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.timestamp import Timestamp

NOON = 1_695_729_600_000_000_000  # 2023-09-26T12:00:00Z


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (NOON, "2023-09-26T12:00:00.000000Z"),
        (NOON + 123_456_000, "2023-09-26T12:00:00.123456Z"),
        (NOON + 123_456_789, "2023-09-26T12:00:00.123456789Z"),
        (NOON + 1, "2023-09-26T12:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-62_135_596_800_000_000_000, "0001-01-01T00:00:00.000000Z"),
        (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999999999Z"),
        (253_402_300_800_000_000_000, "253402300800000000000 ns"),
        (10**40, f"{10**40} ns"),
        (-(10**40), f"-{10**40} ns"),
    ],
)
def test_text(nanoseconds: int, text: str) -> None:
    """It shows six digits of a second, nine where needed, and its number beyond the calendar."""
    moment = Timestamp(nanoseconds)
    assert (str(moment), f"{moment}") == (text, text)
    assert repr(moment) == f"Timestamp({text})"


class Nowhere(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, moment: datetime | None) -> None:
        """None."""

    def dst(self, moment: datetime | None) -> None:
        """None."""

    def tzname(self, moment: datetime | None) -> None:
        """None."""


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_a_local_time_is_no_moment(zone: tzinfo | None) -> None:
    """A ``datetime`` without an offset is refused: it names no instant."""
    with pytest.raises(ValueError, match="has no time zone"):
        Timestamp.of(datetime(2023, 9, 26, tzinfo=zone))


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_datetimes_come_back(moment: datetime) -> None:
    """A ``datetime`` of any zone comes back in UTC, to the microsecond."""
    try:
        universal = moment.astimezone(UTC)
    except OverflowError:  # the first and the last day of the calendar
        return
    back = Timestamp.of(universal).datetime
    assert (back, back.tzinfo) == (universal, UTC)
    assert Timestamp.of(moment) == Timestamp.of(universal)


def test_datetime_cuts_nanoseconds_off() -> None:
    """What is below a microsecond is cut off downwards, never rounded up."""
    assert Timestamp(NOON + 1999).datetime == datetime(2023, 9, 26, 12, 0, 0, 1, UTC)
    assert Timestamp(-1).datetime == datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)


def test_zones_are_taken_into_account() -> None:
    """Noon in one zone is the same moment as two in another."""
    east = timezone(timedelta(hours=2))
    assert Timestamp.of(datetime(2023, 9, 26, 14, tzinfo=east)) == NOON


def test_it_is_a_number() -> None:
    """Differences and comparisons are those of integers; it is pickled as what it is."""
    moment = Timestamp(NOON)
    assert moment - Timestamp(NOON - 5) == 5
    assert moment > NOON - 1
    back = pickle.loads(pickle.dumps(moment))  # noqa: S301 - made right here
    assert (back, type(back)) == (moment, Timestamp)
