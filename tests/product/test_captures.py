"""Real traffic: every frame decoded, every checksum right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraken_trio.extended import verify_capture

CHECKSUMS = {
    "v2-book-trade-btc-eth-d10-20260707": 2962,
    "v2-book-ethusd-d25-20260802": 1129,
    "v2-book-btcusd-d10-20230730-reserialised": 510,
    "v2-book-short-20260824": 4,
    "v2-book-doc-example": 1,
    "v2-level3-doc-example": 1,
    "v2-private-20260121": 0,
    "v2-public-mixed-2025-2026": 4,
    "v2-ohlc-btcusdt-20260910": 0,
}
"""How many there are in each file; all are right."""


@pytest.mark.parametrize("name, checksums", CHECKSUMS.items())
def test_real_traffic_verifies(captures: Path, name: str, checksums: int) -> None:
    """Every frame of a real session is decoded, and every book in it is right throughout."""
    result = verify_capture(captures / f"{name}.jsonl")
    assert result.faults == ()
    assert (result.undecoded, result.unknown, result.trade_gaps) == (0, 0, 0)
    assert sum(book.checksums_ok for book in result.books.values()) == checksums
    assert sum(book.snapshots + book.updates for book in result.books.values()) == checksums


def test_no_capture_is_left_out(captures: Path) -> None:
    """Each file of protocol v2 is among those verified."""
    assert {path.stem for path in captures.glob("v2-*.jsonl")} == set(CHECKSUMS)
