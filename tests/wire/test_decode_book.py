"""The frames of ``book`` and ``level3``."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio._internal.model.level3 import Level3Order
from kraken_trio._internal.model.messages import BookMessage, Level3Message, Message
from kraken_trio._internal.model.records import Level
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode_book import book_readers
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.instants import Instants

AT = Timestamp(42)
UPDATE = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":['
    b'{"price":62806.0,"qty":0.00000000},{"price":62808.0,"qty":0.79607759}],'
    b'"checksum":4294967295,"timestamp":"1970-01-01T00:00:01.000002Z"}]}'
)
SNAPSHOT = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"MATIC/USD",'
    b'"bids":[{"price":0.5660,"qty":18097.15470000}],"asks":[],"checksum":0}]}'
)
QUOTED = SNAPSHOT.replace(b"0.5660", b'"0.5660"').replace(b"18097.15470000", b'"18097.15470000"')
LEVEL3_SNAPSHOT = (
    b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","checksum":1063832831,'
    b'"bids":[{"order_id":"OTCFZG","limit_price":44939.0,"order_qty":0.10000000,'
    b'"timestamp":"1970-01-01T00:00:01.000000003Z"}],"asks":[]}]}'
)
LEVEL3_UPDATE = (
    b'{"channel":"level3","type":"update","data":[{"checksum":4239577768,"symbol":"BTC/USD",'
    b'"timestamp":"1970-01-01T00:00:02.000000004Z","bids":[],"asks":[{"event":"delete",'
    b'"order_id":"OOZP53","limit_price":75623.0,"order_qty":0.99200222,'
    b'"timestamp":"1970-01-01T00:00:02.000000004Z"}]}]}'
)


def read(payload: bytes) -> Message:
    """Read a frame of the channel that it says, with a new reader."""
    channel = "level3" if b'"level3"' in payload else "book"
    return book_readers(Instants())[channel](payload, AT)


def test_book_update() -> None:
    """An update gives the levels in the order of the wire, with its time and checksum."""
    levels = (
        Level(Decimal("62806.0"), Decimal("0E-8")),
        Level(Decimal("62808.0"), Decimal("0.79607759")),
    )
    time = Timestamp(1_000_002_000)
    assert read(UPDATE) == BookMessage("BTC/USD", False, (), levels, 4294967295, time, AT)  # noqa: FBT003


def test_book_snapshot() -> None:
    """A snapshot may lack its time; digits stay as they were."""
    message = read(SNAPSHOT)
    assert isinstance(message, BookMessage)
    assert message.snapshot
    assert message.timestamp is None
    assert format(message.bids[0].price, "f") == "0.5660"
    assert format(message.bids[0].qty, "f") == "18097.15470000"


def test_quoted_numbers_are_numbers() -> None:
    """Numbers in quotes, as the documentation prints some, are the same numbers."""
    assert read(QUOTED) == read(SNAPSHOT)


def test_unknown_members_are_ignored() -> None:
    """Members that were added since change nothing, whatever they hold."""
    more = SNAPSHOT.replace(b'"bids"', b'"received_at":"x","new":{"price":"NaN "},"bids"')
    with pytest.raises(FAULTS):
        read(more)  # A member called price with an odd number: careful rather than generous.
    assert read(more.replace(b"NaN ", b"5")) == read(SNAPSHOT)


@pytest.mark.parametrize(
    "old, new",
    [
        (b"0.5660", b"-0.5660"),
        (b"0.5660", b"-0.0"),
        (b"0.5660", b"1e1000000"),
        (b"0.5660", b"1e99999999999999999999"),
        (b"0.5660", b"0." + b"1" * 41),
        (b"0.5660", b"1" * 10_000),
        (b"0.5660", b'"NaN"'),
        (b"0.5660", b'"sNaN"'),
        (b"0.5660", b'"Infinity"'),
        (b"0.5660", b'"1_0"'),
        (b"0.5660", b'" 1 "'),
        (b"0.5660", b'"-1"'),
        (b'"price":0.5660', b'"pr\\u0069ce":"Infinity"'),
        (b"0.5660", b"null"),
        (b"0.5660", b"true"),
        (b"18097.15470000", b"-1"),
        (b"18097.15470000", b"0e-41"),
        (b"18097.15470000", b'"NaN"'),
        (b"18097.15470000", b"[]"),
        (b'"checksum":0', b'"checksum":-1'),
        (b'"checksum":0', b'"checksum":4294967296'),
        (b'"checksum":0', b'"checksum":"0"'),
        (b'"checksum":0', b'"checksum":0.0'),
        (b',"checksum":0', b""),
        (b'"symbol":"MATIC/USD",', b""),
        (b',"asks":[]', b""),
        (b'"asks":[]', b'"asks":{}'),
        (b'"checksum":0', b'"checksum":0,"timestamp":"soon"'),
        (b'"checksum":0', b'"checksum":0,"timestamp":5'),
        (b"snapshot", b"resnapshot"),
        (b'"type":"snapshot",', b""),
        (b"[{", b"[{},{"),
        (b'"data":[', b'"data":[],"more":['),
    ],
)
def test_bad_book_is_refused(old: bytes, new: bytes) -> None:
    """A book with an absurd number, a wrong type, or not exactly one element, is refused."""
    assert SNAPSHOT.count(old) >= 1
    with pytest.raises(FAULTS):
        read(SNAPSHOT.replace(old, new, 1))


@pytest.mark.parametrize(
    "frame, row, most, what",
    [
        (SNAPSHOT, b'{"price":0.5660,"qty":18097.15470000}', 20_000, "levels"),
        (LEVEL3_SNAPSHOT, LEVEL3_SNAPSHOT.partition(b"[{")[2].partition(b"[")[2], 50_000, "orders"),
    ],
    ids=["book", "level3"],
)
def test_more_than_any_book_has(frame: bytes, row: bytes, most: int, what: str) -> None:
    """The levels or orders of one frame are bounded, both sides together."""
    row = row.partition(b"]")[0]
    full = frame.replace(row, b",".join([row] * most))
    message = read(full)
    assert isinstance(message, BookMessage | Level3Message)
    assert len(message.bids) == most
    with pytest.raises(ValueError, match=f"more {what} than any book has"):
        read(full.replace(b'"asks":[]', b'"asks":[%s]' % row))


def test_missing_member_is_not_made_up_by_a_quoted_number() -> None:
    """Quotes that a missing time does not need do not hide numbers in quotes."""
    bare = UPDATE.replace(b',"timestamp":"1970-01-01T00:00:01.000002Z"', b"")
    odd = bare.replace(b"62806.0", b'"6_2"').replace(b"62808.0", b'"6_3"')
    assert odd.count(b'"') == UPDATE.count(b'"')
    read(bare)
    with pytest.raises(FAULTS):
        read(odd)


def test_level3_snapshot() -> None:
    """A snapshot holds resting orders; it may lack its time."""
    order = Level3Order(
        "OTCFZG", Decimal("44939.0"), Decimal("0.10000000"), Timestamp(1_000_000_003)
    )
    expected = Level3Message("BTC/USD", True, (order,), (), 1063832831, None, AT)  # noqa: FBT003
    assert read(LEVEL3_SNAPSHOT) == expected


def test_level3_update() -> None:
    """An update holds events, with nanoseconds."""
    time = Timestamp(2_000_000_004)
    order = Level3Order("OOZP53", Decimal("75623.0"), Decimal("0.99200222"), time, "delete")
    expected = Level3Message("BTC/USD", False, (), (order,), 4239577768, time, AT)  # noqa: FBT003
    assert read(LEVEL3_UPDATE) == expected


def test_level3_quoted() -> None:
    """Numbers in quotes are the same numbers."""
    quoted = LEVEL3_UPDATE.replace(b"75623.0", b'"75623.0"')
    assert read(quoted) == read(LEVEL3_UPDATE)


@pytest.mark.parametrize(
    "old, new",
    [
        (b"75623.0", b"-75623.0"),
        (b"75623.0", b'"7_5"'),
        (b"75623.0", b'"NaN"'),
        (b"0.99200222", b"1e40"),
        (b'"event":"delete",', b""),
        (b"delete", b"move"),
        (b'"type":"update"', b'"type":"snapshot"'),
        (b'"timestamp":"1970-01-01T00:00:02.000000004Z"}]', b'"timestamp":1}]'),
        (b'"order_id":"OOZP53",', b""),
    ],
)
def test_bad_level3_is_refused(old: bytes, new: bytes) -> None:
    """An order with an absurd number, or without its event, is refused."""
    assert LEVEL3_UPDATE.count(old) == 1
    with pytest.raises(FAULTS):
        read(LEVEL3_UPDATE.replace(old, new))
