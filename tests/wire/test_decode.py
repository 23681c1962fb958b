"""The decoder of protocol v2: whatever comes in, a message or a ``ProtocolError`` comes out."""

from __future__ import annotations

import contextlib
import decimal
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import EXCERPT_CHARACTERS, ProtocolError
from kraken_trio._internal.model.messages import (
    BookMessage,
    Heartbeat,
    Level3Message,
    Message,
    RecordsMessage,
    Refusal,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode import V2Decoder

AT = Timestamp(42)
BOOK = (
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":'
    '[{"price":62803.8,"qty":0.95536410},{"price":62806.4,"qty":0.00000000}],'
    '"checksum":441069893,"timestamp":"2026-08-16T23:37:05.399046Z"}]}'
)
FRAMES: dict[str, type[Message]] = {
    BOOK: BookMessage,
    '{"channel":"heartbeat"}': Heartbeat,
    '{"channel":"level3","type":"update","data":[{"checksum":1,"symbol":"BTC/USD","timestamp":'
    '"2026-09-15T23:41:47.461426256Z","bids":[],"asks":[{"event":"delete","order_id":"O",'
    '"limit_price":75623.0,"order_qty":0.9,"timestamp":"2026-09-15T23:41:47.461426256Z"}]}]}': (
        Level3Message
    ),
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.5,'
    '"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,"vwap":84174.6,'
    '"low":83163.6,"high":85247.4,"change":-429.3,"change_pct":-0.51,"trades":135262,'
    '"timestamp":"2026-09-25T17:48:26.844359Z"}]}': RecordsMessage,
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,'
    '"qty":0.00044780,"ord_type":"limit","trade_id":109116693,"timestamp":'
    '"2026-09-25T17:48:26.844359Z"}]}': RecordsMessage,
    '{"channel":"ohlc","type":"update","timestamp":"2026-09-25T17:48:26.844359566Z","data":'
    '[{"symbol":"BTC/USD","open":1.5,"high":1.5,"low":1.5,"close":1.5,"trades":33,'
    '"volume":0.2,"vwap":1.5,"interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1,'
    '"timestamp":"2026-09-25T17:49:00.000000Z"}]}': RecordsMessage,
    '{"channel":"instrument","type":"update","data":{"assets":[{"id":"USD","precision":4}],'
    '"pairs":[{"symbol":"EUR/USD","qty_increment":1e-08,"price_precision":5}]}}': RecordsMessage,
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
    '"api_version":"v2","connection_id":18125794168470749634}]}': RecordsMessage,
    '{"channel":"executions","type":"update","data":[{"order_id":"O","exec_type":"canceled",'
    '"order_status":"canceled","cum_qty":0.00000000,"cancel_reason":"User requested",'
    '"fees":[{"asset":"USD","qty":0.1}]}],"sequence":6}': RecordsMessage,
    '{"channel":"balances","type":"snapshot","data":[{"asset":"USD","balance":160.2400,"wallets":'
    '[{"type":"spot","id":"main","balance":1.30}]}],"sequence":1}': RecordsMessage,
    '{"method":"subscribe","req_id":7,"result":{"channel":"book","depth":10,"snapshot":true,'
    '"symbol":"BTC/USD"},"success":true,"time_in":"2026-08-16T23:37:04.334090Z"}': Reply,
    '{"channel":"executions","error":"ESession:Invalid session","method":"subscribe",'
    '"status":"error","success":false}': Reply,
    '{"method":"batch_add","result":[{"order_id":"O1"},{"order_id":"O2"}],"success":true}': Reply,
}


MESSAGES = {frame: V2Decoder().decode(frame.encode(), AT) for frame in FRAMES}
"""What each says to a decoder that read nothing before."""
DECODER = V2Decoder()
"""To try out what cannot be decoded: it keeps nothing that matters."""


class Token(str):
    """A number as it was written."""

    __slots__ = ()


def respelt(value: Any, draw: st.DrawFn, added: str = "") -> str:
    """Write JSON with its members in another order, white space everywhere, and one more member."""
    blank = draw(st.sampled_from(["", " ", "\n\t", "\r "]))
    match value:
        case Token():
            return f"{blank}{value}{blank}"
        case dict():
            names = draw(st.permutations(list(value)))
            members = [f"{json.dumps(n)}{blank}:{respelt(value[n], draw, added)}" for n in names]
            if added:
                members.insert(draw(st.integers(0, len(members))), added)
            return f"{blank}{{{blank}{f',{blank}'.join(members)}}}"
        case list():
            return f"[{','.join(respelt(part, draw, added) for part in value)}]{blank}"
        case _:
            return json.dumps(value) + blank


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Give a frame, and another that says the same."""
    frame = draw(st.sampled_from(list(FRAMES)))
    added = draw(st.sampled_from(["", '"new_member":{"a":[null,"x",[{}]]}', '"newer":-1e3']))
    value = json.loads(frame, parse_float=Token, parse_int=Token)
    return frame, respelt(value, draw, added)


@pytest.mark.parametrize("frame", FRAMES)
def test_frame_is_decoded(frame: str) -> None:
    """Each kind of frame gives its kind of message, whatever holds its bytes."""
    message = MESSAGES[frame]
    assert type(message) is FRAMES[frame]
    assert message.received_at == AT
    assert DECODER.decode(memoryview(frame.encode()), AT) == message


@given(spellings())
def test_spelling_changes_nothing(pair: tuple[str, str]) -> None:
    """Members in another order, unknown ones and white space make no difference."""
    frame, other = pair
    assert DECODER.decode(other.encode(), AT) == MESSAGES[frame]


@given(st.lists(st.sampled_from(list(FRAMES)), min_size=1, max_size=8))
def test_frames_do_not_depend_on_each_other(frames: list[str]) -> None:
    """What was decoded before has no influence."""
    decoder = V2Decoder()
    for frame in frames:
        assert decoder.decode(frame.encode(), AT) == MESSAGES[frame]


def test_digits_are_kept() -> None:
    """A number has the very digits of the wire, whatever a program does with its own decimals."""
    careless = decimal.Context(prec=2, Emax=5, Emin=-5, traps=[])
    with decimal.localcontext(careless):
        message = V2Decoder().decode(BOOK.encode(), None)
    assert isinstance(message, BookMessage)
    assert [format(level.qty, "f") for level in message.asks] == ["0.95536410", "0.00000000"]


@pytest.mark.parametrize(
    "payload, message",
    [
        (b'{"channel":"gossip","data":[]}', Unknown("channel", "gossip", AT)),
        (b'{"channel":"booking","type":"update","data":1}', Unknown("channel", "booking", AT)),
        (b'{"method":"dance","success":true}', Unknown("method", "dance", AT)),
        (b'{"method":"%s"}' % (b"x" * 1000), Unknown("method", "x" * 64, AT)),
        (b'{"channel":"%s"}' % (b"x" * 1000), Unknown("channel", "x" * 64, AT)),
        (
            b'{"Error":"Exceeded msg rate"}',
            Reply(
                method="",
                success=False,
                error="Exceeded msg rate",
                refusal=Refusal.TRANSIENT,
                received_at=AT,
            ),
        ),
        (
            b'{"error":"Method(s) not found","success":false}',
            Reply(
                method="",
                success=False,
                error="Method(s) not found",
                refusal=Refusal.FINAL,
                received_at=AT,
            ),
        ),
        (
            b'{"channel":"book","type":"update","data":[],"method":"pong"}',
            Reply(method="pong", success=True, channel="book", received_at=AT),
        ),
    ],
)
def test_unusual_frame(payload: bytes, message: Message) -> None:
    """What is unknown is named, and a method counts before a channel."""
    assert V2Decoder().decode(payload, AT) == message


@pytest.mark.parametrize(
    "payload, reason",
    [
        (b"", "truncated"),
        (b"CloudFlare WebSocket proxy restarting", "JSON is malformed"),
        (BOOK[:-1].encode(), "truncated"),
        (BOOK.encode() + b"x", "trailing"),
        (b"\xef\xbb\xbf{}", "JSON is malformed"),
        (b'"channel"', "Expected `object`"),
        (BOOK.replace('"data"', '"new":"\xff","data"').encode("latin-1"), "not UTF-8"),
        (b'{"channel":"heartbeat","new":"\xed\xa0\x80"}', "not UTF-8"),
        (b"[]", "Expected `object`"),
        (b"{}", "neither a channel nor an answer"),
        (b'{"channel":5}', "Expected `str"),
        (b'{"channel":"book"}', "missing required field `type`"),
        (b'{"channel":"\xff"}', "not UTF-8"),
        (b'{"channel":"book","type":"update","data":%s}' % (b"[" * 100_000), "nested too deeply"),
        (b'{"channel":"heartbeat","new":%s}' % (b'{"a":' * 100_000), "nested too deeply"),
        (BOOK.replace("[]", "[{}]").encode(), "missing required field `price`"),
        (BOOK.replace("62803.8", "1e1000000").encode(), "more than 40 digits"),
        (BOOK.replace("62803.8", "true").encode(), "Expected `decimal`"),
        (BOOK.replace("62803.8", '"1_0"').encode(), "quoted number"),
        (BOOK.replace("62803.8", "-1").encode(), "negative"),
        (BOOK.replace("23:37", "24:37").encode(), "a time"),
        (b'{"method":"add_order","success":true,"error":"x"}', "both success and error"),
    ],
)
def test_bad_frame(payload: bytes, reason: str) -> None:
    """A bad frame says what is wrong with it, and shows its beginning."""
    with pytest.raises(ProtocolError) as caught:
        V2Decoder().decode(payload, AT)
    assert reason in caught.value.reason
    assert len(caught.value.reason) <= EXCERPT_CHARACTERS
    shown = payload[:EXCERPT_CHARACTERS].decode(errors="replace").replace("\ufeff", ".")
    assert caught.value.excerpt == shown
    assert caught.value.close_code is None


def test_any_character_may_stand_in_a_frame() -> None:
    """A frame may say things in any script, in members unknown too."""
    frame = BOOK.replace('"data"', '"new":"\N{SNOWMAN}","data"')
    assert DECODER.decode(frame.encode(), AT) == MESSAGES[BOOK]


def test_token_is_not_shown() -> None:
    """An error shows no token, should a frame ever hold one."""
    with pytest.raises(ProtocolError) as caught:
        V2Decoder().decode(b'{"channel":7,"token":"G38a1tGFzqGiUCmnegBcm8d4nfP3"}', AT)
    assert "G38a1" not in repr(caught.value) + str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    """Of arbitrary bytes nothing but a message or a ``ProtocolError`` comes."""
    with contextlib.suppress(ProtocolError):
        V2Decoder().decode(payload, AT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=4), parts, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(list(FRAMES)), st.data())
def test_any_value_in_any_place(frame: str, data: st.DataObject) -> None:
    """With any value in the place of any other, only a message or a ``ProtocolError`` comes."""
    value = json.loads(frame)
    place, key = value, data.draw(st.sampled_from(list(value)))
    while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
    place[key] = data.draw(JSON)
    with contextlib.suppress(ProtocolError):
        V2Decoder().decode(json.dumps(value).encode(), AT)


@given(
    st.sampled_from(list(FRAMES)),
    st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=3)), min_size=1, max_size=3),
)
def test_damaged_frame(frame: str, damages: list[tuple[int, bytes]]) -> None:
    """Of a frame with some bytes replaced only a message or a ``ProtocolError`` comes."""
    payload = bytearray(frame.encode())
    for at, new in damages:
        start = at % len(payload) if payload else 0
        payload[start : start + 2] = new
    with contextlib.suppress(ProtocolError):
        V2Decoder().decode(bytes(payload), AT)


def test_whose_a_refused_frame_was() -> None:
    """As well as can be told, of bytes and of a view of them."""
    frame = b'{"channel":"book","data":[{"symbol":"BTC/USD","bids":[{'
    with pytest.raises(ProtocolError):
        V2Decoder().decode(frame, None)
    assert V2Decoder().owner(frame) == ("book", "BTC/USD", None)
    assert V2Decoder().owner(memoryview(frame)) == ("book", "BTC/USD", None)
