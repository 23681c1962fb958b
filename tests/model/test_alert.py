"""What a round trip says of the way and of the clocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.alert import BACK_NS, RoundTrip
from kraken_trio._internal.model.timestamp import Timestamp

times = st.integers(0, 10**12)


def trip(sent: int, time_in: int | None, time_out: int | None, received: int) -> RoundTrip:
    """Give one of these four times."""
    return RoundTrip(
        method="ping",
        req_id=None,
        success=True,
        error=None,
        sent_at=Timestamp(sent),
        time_in=None if time_in is None else Timestamp(time_in),
        time_out=None if time_out is None else Timestamp(time_out),
        received_at=Timestamp(received),
    )


@given(there=times, busy=times, back=times, ahead=st.integers(-(10**12), 10**12))
def test_the_offset_is_right_to_half_of_the_way(
    there: int, busy: int, back: int, ahead: int
) -> None:
    """Whatever the two ways take, and however long the exchange is busy."""
    sent = 10**15
    arrived = sent + there + ahead
    made = trip(sent, arrived, arrived + busy, sent + there + busy + back)
    assert made.duration_ns == there + back
    assert made.offset_ns is not None
    assert abs(made.offset_ns - ahead) <= made.duration_ns // 2 + 1


def test_without_the_exchange_s_times_the_whole_is_known_alone() -> None:
    """Nor is a trip shorter than nothing, when a clock was set in between."""
    assert (trip(10, None, 5, 30).duration_ns, trip(10, 5, None, 30).offset_ns) == (20, None)
    assert trip(10, 20, 40, 11).offset_ns == 19  # What is stamped by the read is not exact.
    assert trip(10**9, 1, 2, 10**9 - BACK_NS + 1).offset_ns is not None
    assert trip(10**9, 1, 2, 10**9 - BACK_NS).offset_ns is None
    assert (trip(10, None, None, 5).duration_ns, trip(10, 20, 40, 11).duration_ns) == (0, 0)
