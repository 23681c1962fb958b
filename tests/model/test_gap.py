"""A gap says where it is, why, and how much is missing."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.timestamp import Timestamp


@pytest.mark.parametrize(
    "gap, text",
    [
        (
            Gap("trade", "BTC/USD", GapReason.TRADE_ID, expected=5, received=8, size=3),
            "Gap(trade BTC/USD trade_id: expected 5, received 8, 3 missing)",
        ),
        (
            Gap("book", "BTC/USD", GapReason.CHECKSUM, expected=0, received=1),
            "Gap(book BTC/USD checksum: expected 0, received 1)",
        ),
        (
            Gap("book", "BTC/USD", GapReason.OVERFLOW, size=12),
            "Gap(book BTC/USD overflow, 12 missing)",
        ),
        (
            Gap("book", "BTC/USD", GapReason.OVERFLOW, size=12, local=True),
            "Gap(book BTC/USD overflow, 12 missing for one consumer)",
        ),
        (
            Gap("book", "BTC/USD", GapReason.OVERFLOW, local=True),
            "Gap(book BTC/USD overflow for one consumer)",
        ),
        (Gap("executions", None, GapReason.DISCONNECT), "Gap(executions disconnect)"),
    ],
)
def test_text(gap: Gap, text: str) -> None:
    """It shows the channel, the symbol, the evidence and the numbers that there are."""
    assert repr(gap) == text


def test_frozen() -> None:
    """What was lost stays lost: nothing can be changed afterwards."""
    gap = Gap("book", None, GapReason.STALLED)
    with pytest.raises(AttributeError):
        gap.size = 1  # type: ignore[misc]
    assert hash(gap) == hash(Gap("book", None, GapReason.STALLED))


def test_resync() -> None:
    """A resync names the gap that it ends, and how long it took."""
    resync = Resync("book", "BTC/USD", GapReason.CHECKSUM, 0.25, Timestamp(5))
    assert (resync.reason, resync.duration_s, resync.at) == (GapReason.CHECKSUM, 0.25, 5)
    with pytest.raises(AttributeError):
        resync.duration_s = 0.0  # type: ignore[misc]
