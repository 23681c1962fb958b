"""A book as it is told by protocol v1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

from kraken_trio._internal.testing.v1_book import OldBook

FIRST, SECOND = "2026-08-16T23:37:05.000000Z", "2026-08-16T23:37:06.000000Z"
AT, LATER = "1786923425.000000", "1786923426.000000"


def row(
    bids: dict[str, str], asks: dict[str, str], text: str = "", at: str = SECOND
) -> dict[str, Any]:
    """Give what a frame of v2 says, with the checksum of ``text``."""
    sides = [
        [{"price": Decimal(price), "qty": Decimal(qty)} for price, qty in side.items()]
        for side in (bids, asks)
    ]
    return {
        "bids": sides[0],
        "asks": sides[1],
        "checksum": crc32(text.encode()),
        "timestamp": at,
    }


def begun(depth: int = 2) -> OldBook:
    """Give a book with two levels a side."""
    book = OldBook(depth)
    book.snapshot(row({"5.0": "1.0", "4.0": "2.0"}, {"6.0": "1.0", "7.0": "2.0"}, at=FIRST))
    return book


def test_a_snapshot() -> None:
    """A snapshot has both sides, padded, and no checksum."""
    (payload,) = OldBook(10).snapshot(row({"5.0": "1.0"}, {"6.0": "2.5"}, at=FIRST))
    assert payload == {
        "as": [["6.00000", "2.50000000", AT]],
        "bs": [["5.00000", "1.00000000", AT]],
    }


def test_one_side_changes() -> None:
    """An update of one side is one object; its checksum is that of the padded texts."""
    (payload,) = begun().update(row({"5.0": "3.0"}, {}, "601070205030" + "4020"))
    right = "600000100000000" + "700000200000000" + "500000300000000" + "400000200000000"
    assert payload == {
        "b": [["5.00000", "3.00000000", LATER]],
        "c": str(crc32(right.encode())),
    }


def test_both_sides_change() -> None:
    """Where both sides change there are two objects, and the last one has the checksum."""
    asks, bids = begun().update(row({"5.0": "3.0"}, {"6.0": "4.0"}, "60407020" + "50304020"))
    assert list(asks) == ["a"]
    assert list(bids) == ["b", "c"]


def test_what_slides_in() -> None:
    """A level that was beyond the window is said once more, with a time that it had before."""
    book = begun()
    (asks,) = book.update(row({}, {"6.0": "0.0", "8.0": "1.0"}, "70208010" + "50104020"))
    assert asks["a"] == [
        ["6.00000", "0.00000000", LATER],
        ["8.00000", "1.00000000", AT, "r"],
    ]
    (bids,) = book.update(row({"5.0": "0.0", "3.0": "1.0"}, {}, "70208010" + "40203010"))
    assert bids["b"] == [
        ["5.00000", "0.00000000", LATER],
        ["3.00000", "1.00000000", LATER, "r"],
    ]
    right = "700000200000000" + "800000100000000" + "400000200000000" + "300000100000000"
    assert bids["c"] == str(crc32(right.encode()))


def test_what_falls_out_of_the_window() -> None:
    """A book keeps no more than its depth, as its client does."""
    (asks,) = begun().update(row({}, {"5.5": "1.0"}, "55106010" + "50104020"))
    right = "550000100000000" + "600000100000000" + "500000100000000" + "400000200000000"
    assert asks["c"] == str(crc32(right.encode()))
    assert asks["a"] == [["5.50000", "1.00000000", LATER]]


def test_a_wrong_checksum_stays_wrong() -> None:
    """What is wrong in a frame of v2 is wrong in what becomes of it."""
    right, wrong = "601070205030" + "4020", "60"
    (one,) = begun().update(row({"5.0": "3.0"}, {}, right))
    (other,) = begun().update(row({"5.0": "3.0"}, {}, wrong))
    assert one["c"] != other["c"]


def test_an_update_of_nothing() -> None:
    """An update without a change has its checksum all the same."""
    (payload,) = begun().update(row({}, {}, "60107020" + "50104020"))
    assert list(payload) == ["a", "c"]


def test_a_pair_without_decimals() -> None:
    """Numbers without decimals are padded, too."""
    book = OldBook(10)
    whole = {"bids": [{"price": 5, "qty": 1}], "asks": [], "checksum": crc32(b"52")}
    book.snapshot({**whole, "timestamp": FIRST})
    changed = {**whole, "bids": [{"price": 5, "qty": 2}], "timestamp": SECOND}
    (payload,) = book.update(changed)
    assert payload["b"] == [["5.00000", "2.00000000", LATER]]
    assert payload["c"] == str(crc32(b"500000" + b"200000000"))
