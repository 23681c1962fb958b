"""The decoder of protocol v1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.messages import (
    BookMessage,
    Heartbeat,
    Message,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1
from kraken_trio._internal.wire import v1_decode
from kraken_trio._internal.wire.v1_decode import V1Decoder

AT = Timestamp(42)
CANDLE = ["1.0", "60.0", "1", "1", "1", "1", "1", "1", 1]
SPREAD = [5, ["1", "2", "3.5", "4", "5"], "spread", "XBT/USD"]
TICKER = {
    "a": ["2", 1, "1.0"],
    "b": ["1", 1, "1.0"],
    "c": ["1", "1"],
    "h": ["1", "1"],
    "l": ["1", "1"],
    "o": ["1", "1"],
    "p": ["1", "1"],
    "t": [1, 1],
    "v": ["1", "1"],
}


def read(decoder: V1Decoder, frame: object) -> Message:
    """Read one frame."""
    return decoder.decode(json.dumps(frame).encode(), AT)


def confirm(
    decoder: V1Decoder, name: str, pair: str | None = "XBT/USD", number: object = 5
) -> None:
    """Let a subscription be confirmed."""
    event = {
        "channelID": number,
        "channelName": name,
        "event": "subscriptionStatus",
        "pair": pair,
        "status": "subscribed",
    }
    message = read(decoder, event)
    assert isinstance(message, Reply)
    assert message.success


def test_traits() -> None:
    """It says which protocol it is."""
    assert V1Decoder.traits is V1


@pytest.mark.parametrize(
    "name, payload, key",
    [
        ("ticker", TICKER, "ticker"),
        ("ohlc-1", CANDLE, "ohlc"),
        ("spread", SPREAD[1], "spread"),
        ("trade", [["1", "1", "1.5", "b", "l", ""]], "trade"),
    ],
)
def test_public_data(name: str, payload: object, key: str) -> None:
    """Data name their channel and pair at the end; white space and memory views are the same."""
    frame = f' [ 5 , {json.dumps(payload)} , "{name}" , "XBT/USD" ] '.encode()
    message = V1Decoder().decode(memoryview(frame), AT)
    assert isinstance(message, RecordsMessage)
    assert (message.channel, message.snapshot, message.sequence) == (key, False, None)
    assert message.received_at == AT
    (record,) = message.records
    assert record.symbol == "BTC/USD"  # type: ignore[union-attr]


def test_books() -> None:
    """A book's message has four elements, or five."""
    decoder = V1Decoder()
    low = ["5.10", "1.00", "7.0"]
    one = read(decoder, [336, {"a": [low], "c": "1"}, "book-10", "XBT/USD"])
    two = read(decoder, [336, {"a": [low]}, {"b": [low], "c": "2"}, "book-10", "XBT/USD"])
    assert isinstance(one, BookMessage)
    assert isinstance(two, BookMessage)
    assert (one.checksum, two.checksum) == (1, 2)
    assert (one.bids, len(two.bids)) == ((), 1)


@pytest.mark.parametrize(
    "name, payload",
    [("ticker", TICKER), ("ohlc-1", CANDLE)],
)
def test_the_first_after_a_confirmation(name: str, payload: object) -> None:
    """The first data of a subscription tell how things stand, and are marked; the next are not."""
    decoder, frame = V1Decoder(), [5, payload, name, "XBT/USD"]
    confirm(decoder, name, "XBT/EUR")
    confirm(decoder, name)
    confirm(decoder, name)
    marks = []
    for _ in range(2):
        message = read(decoder, frame)
        assert isinstance(message, RecordsMessage)
        marks.append((message.snapshot, message.records[0].snapshot))  # type: ignore[union-attr]
    assert marks == [(True, True), (False, False)]


@pytest.mark.parametrize("name", ["spread", "trade"])
def test_what_has_no_beginning(name: str) -> None:
    """Of spreads and trades nothing says how things stand."""
    decoder = V1Decoder()
    confirm(decoder, name)
    payload: Any = SPREAD[1] if name == "spread" else []
    message = read(decoder, [5, payload, name, "XBT/USD"])
    assert isinstance(message, RecordsMessage)
    assert not message.snapshot


def test_another_connection() -> None:
    """What was confirmed on a connection means nothing on the next."""
    decoder = V1Decoder()
    confirm(decoder, "ticker")
    status = {"event": "systemStatus", "status": "online"}
    read(decoder, status)
    assert decoder.owner(b"[5,{") == ("ticker", "BTC/USD", None)
    read(decoder, {**status, "connectionID": 7})
    message = read(decoder, [5, TICKER, "ticker", "XBT/USD"])
    assert isinstance(message, RecordsMessage)
    assert not message.snapshot
    assert decoder.owner(b"[5,{") is None


def test_private_data() -> None:
    """Private data have a number; the first after a confirmation, or of all, are the beginning."""
    decoder = V1Decoder()
    marks = []
    for sequence in (1, 2):
        message = read(decoder, [[], "openOrders", {"sequence": sequence}])
        assert isinstance(message, RecordsMessage)
        assert message.sequence == sequence
        assert message.channel == "open_orders"
        marks.append(message.snapshot)
    confirm(decoder, "ownTrades", None)
    message = read(decoder, [[], "ownTrades", {"sequence": 7}])
    assert isinstance(message, RecordsMessage)
    assert [*marks, message.snapshot] == [True, False, True]


@pytest.mark.parametrize(
    "sequence, rows, begins",
    [
        (1, [{"A": {"status": "closed"}}], True),
        (2, [], True),
        (2, [{"A": {"status": "open", "descr": {}}}], True),
        (2, [{"A": {"status": "open"}}], False),
        (2, [{"A": {"status": "open", "descr": {}}}, {"B": {"vol_exec": "1.0"}}], False),
        (2, [{"A": {"status": "pending", "descr": {}}}], False),
    ],
)
def test_news_of_orders_are_no_beginning(sequence: int, rows: Any, begins: bool) -> None:
    """Where the beginning is missing, what comes instead is not taken for all that is open."""
    decoder = V1Decoder()
    confirm(decoder, "openOrders", None)
    message = read(decoder, [rows, "openOrders", {"sequence": sequence}])
    assert isinstance(message, RecordsMessage)
    assert message.snapshot is begins
    assert {record.snapshot for record in message.records} <= {begins}  # type: ignore[union-attr]
    message = read(decoder, [[], "openOrders", {"sequence": sequence + 1}])
    assert isinstance(message, RecordsMessage)
    assert not message.snapshot


@pytest.mark.parametrize(
    "frame, name",
    [
        ([5, {}, "weather-5", "XBT/USD"], "weather"),
        ([[], "balances", {"sequence": 1}], "balances"),
    ],
)
def test_unknown_channels(frame: list[object], name: str) -> None:
    """A channel that is not known is told, and no fault."""
    message = read(V1Decoder(), frame)
    assert isinstance(message, Unknown)
    assert message.kind == "channel"
    assert message.name.startswith(name)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[",
        b"[]",
        b"[1,2]",
        b'[1,2,"XBT/USD"]',
        b'[1,{},{},"ticker","XBT/USD"]',
        b'[1,[],"spread","XBTUSD"]',
        b'[1,[],7,"XBT/USD"]',
        b'[[],[],"openOrders",{"sequence":1}]',
        b'[[],"openOrders",{"sequence":-1}]',
        b'[[],"openOrders",{"sequence":9223372036854775808}]',
        b'[[],"openOrders",{}]',
        b"{}",
        b'"text"',
        b"CloudFlare WebSocket proxy restarting",
        b'{"event":"heartbeat","x":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_faults(frame: bytes) -> None:
    """A bad frame raises ``ProtocolError`` with its beginning, and nothing else."""
    with pytest.raises(ProtocolError):
        V1Decoder().decode(frame, AT)


@given(st.binary(max_size=200))
def test_anything(frame: bytes) -> None:
    """Whatever comes, it is a message or a ``ProtocolError``."""
    decoder = V1Decoder()
    try:
        decoder.decode(frame, AT)
    except ProtocolError:
        decoder.owner(frame)


def test_other_characters() -> None:
    """What is not ASCII, and UTF-8, is as good as any."""
    assert V1Decoder().decode('{"event":"heartbeat","x":"é"}'.encode(), AT) == Heartbeat(AT)


@pytest.mark.parametrize(
    "frame, key",
    [
        (b'[5,["x"],"spread","XBT/USD"]', ("spread", "BTC/USD", None)),
        (b'[5,["x","ohlc-5","XBT/USD"]', ("ohlc", "BTC/USD", 5)),
        (b'[5,["x"],"book-10","XBT/USD"]', ("book", "BTC/USD", None)),
        (b'[[x],"ownTrades",{"sequence":1}]', ("own_trades", None, None)),
        (b'[5,["a","b"],"spread","XBT/USD"', ("spread", "BTC/USD", None)),
        (b'[9,{"a":[', ("trade", "BTC/USD", None)),
        (b"[8,{", None),
        (b'[9,["ab","cd"', ("trade", "BTC/USD", None)),
        (b"\xff", None),
        (b'[5,"a","\xff/\xff"]', None),
    ],
)
def test_whose_a_faulty_frame_was(frame: bytes, key: object) -> None:
    """The end says whose it was; of what is cut off, the number of its channel does."""
    decoder = V1Decoder()
    confirm(decoder, "trade", number=9)
    assert decoder.owner(frame) == key


def test_numbers_of_channels_of_any_size() -> None:
    """The number of a channel may be of any size; one that is none is not kept."""
    decoder = V1Decoder()
    confirm(decoder, "trade", number=10**40)
    assert decoder.owner(b"[%d,[" % 10**40) == ("trade", "BTC/USD", None)
    confirm(decoder, "trade", number="x")
    confirm(decoder, "trade", number=None)
    read(decoder, {"event": "subscriptionStatus", "status": "subscribed"})
    assert decoder.owner(b"[1,[") is None


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is confirmed, no more is remembered than an exchange can have."""
    monkeypatch.setattr(v1_decode, "MOST_REMEMBERED", 2)
    decoder = V1Decoder()
    for number in range(4):
        confirm(decoder, "ticker", f"A{number}/USD", number)
    assert decoder.owner(b"[1,[") == ("ticker", "A1/USD", None)
    assert decoder.owner(b"[3,[") is None
    read(decoder, [0, TICKER, "ticker", "A0/USD"])
    confirm(decoder, "ticker", "A5/USD", 5)
    assert decoder.owner(b"[5,[") is None


def test_captures(captures: Path) -> None:
    """Every line of every capture of this protocol is decoded, and known."""
    files = sorted(captures.glob("v1-*.jsonl"))
    assert len(files) == 6
    lines = 0
    for file in files:
        decoder = V1Decoder()
        for line in file.read_text().splitlines():
            message = decoder.decode(json.loads(line)["raw"].encode(), AT)
            assert not isinstance(message, Unknown)
            lines += 1
    assert lines == 4321 + 49 + 60 + 13 + 6 + 36
