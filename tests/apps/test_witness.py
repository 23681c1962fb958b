"""What is seen of the exchange's clock, and of wrong checksums."""

from __future__ import annotations

import json

import pytest

from kraken_trio import Gap, GapReason, Timestamp
from kraken_trio._internal.apps.witness import Witness

SECOND = 10**9
START = 1_783_465_204 * SECOND


def answer(came_ms: float, went_ms: float, **members: object) -> bytes:
    """Give an answer that says when its request came in, and when it went out."""
    times = {
        name: str(Timestamp(START + int(ms * 10**6)))
        for name, ms in (("time_in", came_ms), ("time_out", went_ms))
    }
    return json.dumps({"method": "subscribe", "req_id": 1, **times, **members}).encode()


def heard(frame: bytes) -> tuple[float, float] | None:
    """Give what is known after a request at 0 ms and an answer at 30 ms."""
    witness = Witness()
    witness.frame_sent("public", b'{"method":"subscribe","req_id":1}', Timestamp(START))
    witness.frame_received("public", memoryview(frame), Timestamp(START + 30 * 10**6))
    return witness.skew


@pytest.mark.parametrize(
    "came_ms, went_ms, ahead_s, unsure_s",
    [
        (15, 15, 0.0, 0.015),
        (10, 20, 0.0, 0.010),
        (5015, 5015, 5.0, 0.015),
        (-4985, -4985, -5.0, 0.015),
        (0, 40, 0.005, 0.0),  # Longer inside than outside: clocks are not that exact.
    ],
)
def test_the_clocks_are_compared_as_ntp_does_it(
    came_ms: float, went_ms: float, ahead_s: float, unsure_s: float
) -> None:
    """Half of what the way there and the way back differ by; half of the way is the doubt."""
    assert heard(answer(came_ms, went_ms)) == pytest.approx((ahead_s, unsure_s))


@pytest.mark.parametrize(
    "frame",
    [
        b'{"channel":"heartbeat"}',
        b'{"time_in":',
        b'["time_in"]',
        b'{"time_in":null,"time_out":null,"req_id":1}',
        b'{"time_in":"soon","time_out":"later","req_id":1}',
        answer(1, 2, req_id=2),
        answer(1, 2, time_out="2026-07-07T23:00:04"),
        b'"time_in"' + b"x" * 10_000,
    ],
)
def test_what_says_nothing_of_the_time_is_let_pass(frame: bytes) -> None:
    """Whatever it is instead."""
    assert heard(frame) is None


def test_wrong_checksums_are_counted() -> None:
    """And no other gaps."""
    witness = Witness()
    for reason in (GapReason.CHECKSUM, GapReason.DISCONNECT, GapReason.CHECKSUM):
        witness.gap("public", Gap("book", "BTC/USD", reason))
    assert witness.wrong_checksums == 2
