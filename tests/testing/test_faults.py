"""Each fault is in one place of a frame, and the rest is right."""

from __future__ import annotations

import pytest

from kraken_trio._internal.testing.faults import wrong_checksum

BOOK = b'{"channel":"book","data":[{"checksum":1348273380,"timestamp":"..."}]}'


@pytest.mark.parametrize(
    "frame, altered",
    [
        (BOOK, BOOK.replace(b"1348273380", b"1348273381")),
        (BOOK.replace(b"1348273380", b"4294967295"), BOOK.replace(b"1348273380", b"4294967294")),
        (b"{}", b"{}"),
    ],
)
def test_wrong_checksums(frame: bytes, altered: bytes) -> None:
    """A wrong checksum is another one of the same range, and nothing else is changed."""
    assert wrong_checksum(frame) == (altered,)
