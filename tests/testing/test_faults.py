"""Each fault is in one place of a frame, and the rest is right."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from kraken_trio._internal.testing.faults import (
    doubled,
    dropped,
    not_utf8,
    repeated_price,
    skewed,
    truncated,
    unknown_member,
    unknown_value,
    unsorted_adds,
    unsorted_levels,
    wrong_checked_quantity,
    wrong_checksum,
    wrong_number,
    wrong_quantity,
    wrong_symbol,
)
from kraken_trio._internal.testing.frames import (
    book_frame,
    heartbeat_frame,
    status_frame,
    success_frame,
)
from kraken_trio._internal.testing.instrument import Instruments
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.market import Market

BOOK = b'{"channel":"book","data":[{"checksum":1348273380,"timestamp":"..."}]}'
BOTH = book_frame(
    "update",
    "A/B",
    bids=[(105, 5), (104, 0), (99, 5), (99, 7)],
    asks=[(106, 1)],
    precisions=(1, 1),
    checksum=5,
    at=0,
)


ADD = b'{"event":"add","order_id":"%b","limit_price":1.0}'
MODIFY, DELETE = ADD.replace(b"add", b"modify"), ADD.replace(b"add", b"delete")
ORDERS = b'{"channel":"level3","data":[{"checksum":5,"bids":[%b],"asks":[%b]}]}'


def only(frames: Iterable[bytes]) -> bytes:
    """Give the one frame that is sent."""
    (frame,) = frames
    return frame


def levels(frame: bytes, side: str) -> list[tuple[str, str]]:
    """Give the levels of a side, as their texts."""
    (row,) = json.loads(frame, parse_float=str, parse_int=str)["data"]
    return [(level["price"], level["qty"]) for level in row[side]]


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


def test_lost_and_repeated() -> None:
    """A frame comes not at all, or twice."""
    assert dropped(BOOK) == ()
    assert doubled(BOOK) == (BOOK, BOOK)


@pytest.mark.parametrize("which", range(60))
@pytest.mark.parametrize("channel", ["book", "level3"])
def test_wrong_quantities_that_are_checked(channel: str, which: int) -> None:
    """They are of the ten best levels a side, of which the checksum is made."""
    market = Market(seed=1, start=0)
    price, qty = ("limit_price", "order_qty") if channel == "level3" else ("price", "qty")
    frame = (
        market.level3_snapshot("BTC/USD", 100)
        if channel == "level3"
        else market.book_snapshot("BTC/USD", 100)
    )
    was, altered = (
        json.loads(text, parse_float=str)["data"][0]
        for text in (frame, only(wrong_checked_quantity(frame, which)))
    )
    (side,) = (name for name in ("bids", "asks") if was[name] != altered[name])
    (place,) = (at for at, row in enumerate(was[side]) if row != altered[side][at])
    assert was[side][place] | {qty: ""} == altered[side][place] | {qty: ""}
    prices = list(dict.fromkeys(row[price] for row in was[side]))
    assert was[side][place][price] in prices[:10]
    assert only(wrong_checked_quantity(heartbeat_frame())) == heartbeat_frame()


@pytest.mark.parametrize("which", range(6))
def test_wrong_quantities(which: int) -> None:
    """One digit of one quantity is another one; after the last comes the first again."""
    altered = only(wrong_quantity(BOTH, which))
    (place,) = (at for at, byte in enumerate(BOTH) if altered[at] != byte)
    assert len(altered) == len(BOTH)
    assert BOTH[:place].count(b'"qty":') == which % 5 + 1
    assert json.loads(altered)
    orders = b'{"order_qty":0.10,"x":[{"order_qty":5}]}'
    assert only(wrong_quantity(orders)) == orders.replace(b"0.10", b"0.11")
    assert only(wrong_quantity(heartbeat_frame())) == heartbeat_frame()


def test_halves() -> None:
    """Of a frame its first half, and the longer one."""
    assert truncated(b"12345") == (b"123",)


def test_what_is_not_utf8() -> None:
    """As long as before, and no text."""
    altered = only(not_utf8(BOTH))
    assert len(altered) == len(BOTH)
    with pytest.raises(UnicodeDecodeError):
        altered.decode()


def test_wrong_answers() -> None:
    """Another number, another symbol; where there is none of it, nothing is changed."""
    answer = success_frame("subscribe", {"symbol": "BTC/USD"}, 0, req_id=7)
    assert json.loads(only(wrong_number(answer)))["req_id"] == 1_000_007
    assert json.loads(only(wrong_symbol(answer)))["result"]["symbol"] == "UNHEARD/OF"
    assert only(wrong_number(heartbeat_frame())) == heartbeat_frame()
    assert only(wrong_symbol(heartbeat_frame())) == heartbeat_frame()


def test_wrong_clocks() -> None:
    """Times are off by whole seconds, with the digits that they had; candles begin as before."""
    frame = (
        b'{"time_in":"2026-02-28T23:59:59.123456Z","data":[{"timestamp":"2026-01-01T00:00:00Z",'
        b'"interval_begin":"2026-01-01T00:00:00.000000000Z"}]}'
    )
    assert only(skewed(frame, 1)) == frame.replace(
        b"2026-02-28T23:59:59.1", b"2026-03-01T00:00:00.1"
    ).replace(b'00:00:00Z"', b'00:00:01Z"')
    assert only(skewed(only(skewed(frame, -3600)), 3600)) == frame


def test_levels_in_no_order() -> None:
    """Prices are in no order, those that come twice keep theirs, and all else stays."""
    altered = only(unsorted_levels(BOTH))
    assert levels(altered, "bids") == [
        ("10.4", "0.0"),
        ("9.9", "0.5"),
        ("9.9", "0.7"),
        ("10.5", "0.5"),
    ]
    assert levels(altered, "asks") == levels(BOTH, "asks")
    assert len(altered) == len(BOTH)
    for frame in (heartbeat_frame(), b"no JSON"):
        assert unsorted_levels(frame) == repeated_price(frame) == (frame,)


def test_prices_twice() -> None:
    """The first price of a side comes twice, with another quantity first, never with zero."""
    altered = only(repeated_price(BOTH))
    assert levels(altered, "bids") == [("10.5", "0.1"), *levels(BOTH, "bids")]
    assert levels(altered, "asks") == [("10.6", "0.2"), ("10.6", "0.1")]
    removal = book_frame(
        "update", "A/B", bids=[(1, 0)], asks=[], precisions=(0, 0), checksum=5, at=0
    )
    assert levels(only(repeated_price(removal)), "bids") == [("1", "1"), ("1", "0")]


def frames() -> list[bytes]:
    """Give one of each channel."""
    market = Market(seed=1, start=0)
    return [
        BOTH,
        market.trade_snapshot("BTC/USD"),
        market.ticker_snapshot("BTC/USD"),
        market.candle_snapshot("BTC/USD", 5),
        Instruments(market_pairs(2)).snapshot(),
        Instruments(market_pairs(2)).change_pair("BTC/USD", "online"),
        status_frame(),
    ]


@pytest.mark.parametrize("frame", frames(), ids=lambda frame: json.loads(frame)["channel"])
def test_unknown_members(frame: bytes) -> None:
    """The message and its data have one member more, and are the same without it."""
    message: Any = json.loads(only(unknown_member(frame)))
    data = message["data"][0] if isinstance(message["data"], list) else message["data"]
    for members in (message, data):
        assert members.pop("unheard_of") == {"of": [1, None]}
    assert message == json.loads(frame)


def test_an_unknown_member_of_little() -> None:
    """A message without data has one, too; a text that is no JSON stays."""
    assert json.loads(only(unknown_member(heartbeat_frame()))).keys() == {"channel", "unheard_of"}
    assert unknown_member(b"no JSON") == (b"no JSON",)


@pytest.mark.parametrize(
    "frame, member",
    list(
        zip(
            frames(),
            ["type", "ord_type", "type", "type", "status", "status", "system"],
            strict=True,
        )
    ),
)
def test_unknown_values(frame: bytes, member: str) -> None:
    """One value is one that nobody knows, of the member that there are such values of."""
    altered = only(unknown_value(frame))
    assert altered.count(b'"unheard_of"') == 1
    assert f'"{member}":"unheard_of"'.encode() in altered
    assert json.loads(altered).keys() == json.loads(frame).keys()


def test_no_place_for_an_unknown_value() -> None:
    """A message without such a member stays as it is."""
    assert unknown_value(heartbeat_frame()) == (heartbeat_frame(),)


def test_unsorted_adds() -> None:
    """Orders that are added one after the other are turned round, and nothing else is."""
    adds = [ADD % name for name in (b"A", b"B", b"C", b"D")]
    modify, delete = MODIFY % b"B", DELETE % b"X"
    bids = b",".join([delete, adds[0], adds[1], adds[2], modify, adds[3]])
    turned = b",".join([delete, adds[2], adds[1], adds[0], modify, adds[3]])
    frame = ORDERS % (bids, b",".join(adds))
    assert unsorted_adds(frame) == (ORDERS % (turned, b",".join(adds[::-1])),)
    for plain in (ORDERS % (b"", adds[0]), BOOK, BOTH, ORDERS % (delete, b"")):
        assert unsorted_adds(plain) == (plain,)
