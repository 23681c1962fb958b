"""A file of traffic is read for what one must subscribe to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kraken_trio._internal.model.steps import Disconnected
from kraken_trio._internal.testing.place import DOORS
from kraken_trio._internal.testing.script import Offer, Script, read_acts, read_script
from kraken_trio._internal.wire.capture import CaptureError, format_line
from kraken_trio._internal.wire.recording import header_line, step_line

STATUS = b'{"channel":"status","type":"update","data":[{"system":"online"}]}'
HEARTBEAT = b'{"channel":"heartbeat"}'
ACK = (
    b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,'
    b'"symbol":"BTC/USD","warnings":["old"]},"success":true}'
)
TRADE = b'{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","price":1.50}]}'
Write = Callable[..., Script]


@pytest.fixture
def script(tmp_path: Path) -> Write:
    """Give what writes frames to a file and reads that."""

    def write(*frames: bytes) -> Script:
        path = tmp_path / "capture.jsonl"
        path.write_bytes(b"".join(format_line(frame, None) for frame in frames))
        return read_script(path)

    return write


def book(kind: str, bids: int, asks: int) -> bytes:
    """Make a frame of a book with that many levels a side."""
    sides = {
        name: [{"price": price, "qty": 1} for price in range(1, count + 1)]
        for name, count in (("bids", bids), ("asks", asks))
    }
    data = [{"symbol": "BTC/USD", **sides}]
    return json.dumps({"channel": "book", "type": kind, "data": data}).encode()


def test_frames_are_sorted(script: Write) -> None:
    """Statuses at the beginning greet, answers are known, the rest stays in order."""
    frames = [STATUS, STATUS, ACK, TRADE, STATUS, b"proxy restarting", b"[1]", b'{"Error":"x"}']
    read = script(*frames)
    assert read.greeting == (STATUS, STATUS)
    assert read.frames == tuple(frames[2:])
    assert read.answers == {0, 5}
    assert read.without_answers() == tuple(frames[3:-1])
    assert read.offers.keys() == {("book", "BTC/USD", None), ("trade", "ETH/USD", None)}


def test_nothing_is_nothing(script: Write) -> None:
    """An empty file, and one of heartbeats, offer nothing."""
    assert script() == Script((), (), frozenset(), {}, ())
    assert script(HEARTBEAT, b"", b'{"channel":["book"]}', b'{"channel":"new"}').offers == {}


def test_an_acknowledgement_says_it_all(script: Write) -> None:
    """The depth, and what else was acknowledged, is taken from the answer where there is one."""
    offer = script(ACK, book("snapshot", 5, 5)).offers["book", "BTC/USD", None]
    assert offer.depth == 25
    assert offer.result["warnings"] == ["old"]
    refused = ACK.replace(b'"subscribe"', b'"unsubscribe"')
    assert script(refused, b'{"method":"subscribe","error":"x"}').offers == {}


@pytest.mark.parametrize(
    "bids, asks, depth",
    [(10, 10, 10), (3, 11, 25), (25, 1, 25), (26, 1, 100), (1, 101, 500), (900, 0, 1000)],
)
def test_the_depth_is_that_of_the_snapshot(script: Write, bids: int, asks: int, depth: int) -> None:
    """Without an answer the depth is the smallest that holds the larger side of the snapshot."""
    read = script(book("snapshot", bids, asks), book("update", 500, 500), book("snapshot", 1, 1))
    assert read.offers["book", "BTC/USD", None].depth == depth


@pytest.mark.parametrize(
    "frame",
    [
        book("update", 20, 1),
        b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD"}]}',
        b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[1],"asks":[]}]}',
    ],
)
def test_the_depth_may_stay_unknown(script: Write, frame: bytes) -> None:
    """Neither an update nor a snapshot of a strange shape tells the depth."""
    assert script(frame).offers["book", "BTC/USD", None].depth is None


def test_a_book_that_is_too_deep(script: Write) -> None:
    """A snapshot with more levels than there are depths is of the greatest."""
    assert script(book("snapshot", 1001, 0)).offers["book", "BTC/USD", None].depth == 1000


def test_orders_are_counted_by_price(script: Write) -> None:
    """The depth of a book of orders counts prices."""
    orders = [{"limit_price": price // 3, "order_qty": 1} for price in range(30)]
    data = [{"symbol": "BTC/USD", "bids": orders, "asks": []}]
    frame = json.dumps({"channel": "level3", "type": "snapshot", "data": data}).encode()
    assert script(frame).offers["level3", "BTC/USD", None].depth == 10


def test_candles_are_told_apart(script: Write) -> None:
    """Candles of each interval are an offer of their own."""
    frames = (
        b'{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","interval":%d}]}' % minutes
        for minutes in (1, 5)
    )
    assert script(*frames).offers.keys() == {("ohlc", "BTC/USD", 1), ("ohlc", "BTC/USD", 5)}


def test_channels_without_symbols(script: Write) -> None:
    """What is not subscribed to by symbol has none, even where its rows do."""
    read = script(
        b'{"channel":"executions","type":"update","data":[{"symbol":"BTC/USD"}],"sequence":2}',
        b'{"channel":"executions","type":"snapshot","data":[],"sequence":1}',
        b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[]}}',
        b'{"channel":"ticker","type":"update","data":[]}',
        b'{"channel":"ticker","type":"update","data":{}}',
        b'{"channel":"ticker","type":"update","data":[{}, 5]}',
    )
    assert read.offers.keys() == {("executions", None, None), ("instrument", None, None)}


PRIVATE = (
    b'{"method":"subscribe","result":{"channel":"executions","maxratecount":125},"success":true}',
    b'{"channel":"executions","error":"ESession:Invalid session","method":"subscribe"}',
    b'{"channel":"executions","type":"snapshot","data":[],"sequence":1}',
    b'{"method":"batch_add","result":[{"order_id":"O"}],"success":true}',
    b'{"method":"add_order","error":"EOrder:Insufficient funds","success":false}',
)
LEVEL3 = (
    b'{"channel":"level3","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[]}]}',
    b'{"method":"subscribe","result":{"channel":"level3","symbol":"BTC/USD"},"success":true}',
)
EVERYWHERE = (
    HEARTBEAT,
    STATUS,
    b'{"error":"Currency pair not supported X/Y","method":"subscribe","symbol":"X/Y"}',
    b'{"channel":"new"}',
    b"no JSON",
)


def test_each_door_has_its_part(script: Write) -> None:
    """A file of several hosts is taken apart; what belongs to none of them belongs to all."""
    whole = script(STATUS, TRADE, *PRIVATE, *LEVEL3, *EVERYWHERE, ACK)
    public, private, level3 = (whole.at(door) for door in DOORS)
    assert public.frames == (TRADE, *EVERYWHERE, ACK)
    assert private.frames == (*PRIVATE, *EVERYWHERE)
    assert level3.frames == (*LEVEL3, *EVERYWHERE)
    assert private.without_answers() == (PRIVATE[2], HEARTBEAT, STATUS, *EVERYWHERE[3:])
    assert public.offers.keys() == {("book", "BTC/USD", None), ("trade", "ETH/USD", None)}
    assert private.offers == {
        ("executions", None, None): Offer(None, whole.offers["executions", None, None].result)
    }
    assert level3.offers.keys() == {("level3", "BTC/USD", None)}
    for part in (public, private, level3):
        assert part.greeting == (STATUS,)
        assert len(part.doors) == len(part.frames)


def test_a_door_without_anything(script: Write) -> None:
    """Where there is nothing to subscribe to, there is only the greeting; unless nowhere is."""
    whole = script(STATUS, TRADE, HEARTBEAT)
    assert whole.at("private") == Script((STATUS,), (), frozenset(), {}, ())
    nothing = script(STATUS, HEARTBEAT)
    assert nothing.at("level3") == nothing.at("public") == nothing


def test_a_damaged_file(tmp_path: Path) -> None:
    """A file that is damaged is refused as a whole."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(format_line(STATUS, None) + b'{"raw": "cut of')
    with pytest.raises(CaptureError):
        read_script(path)


def recorded(tmp_path: Path, *lines: bytes) -> Path:
    """Write lines of a recording to a file."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
    path.write_bytes(b"".join([header_line(None, 1), *lines]))
    return path


def line(session: str, *frames: bytes) -> bytes:
    """Give lines of frames of a session."""
    return b"".join(format_line(frame, 1, session=session) for frame in frames)


def lost(session: str) -> bytes:
    """Give the line of a lost connection."""
    return step_line(session, Disconnected(), 1)


EXECUTIONS = PRIVATE[2]


def test_each_session_is_played_at_its_door_act_by_act(tmp_path: Path) -> None:
    """Over all parts; with each connection's own greeting, and with all that is to be subscribed to
    in every act. What was under way when one was lost belongs to it, but for books.
    """
    first = recorded(
        tmp_path,
        line("public", STATUS, ACK, TRADE),
        line("private", STATUS, EXECUTIONS),
        line("public", HEARTBEAT),
        lost("public"),
        line("public", TRADE, book("update", 1, 1)),
    )
    second = recorded(
        tmp_path,
        line("public", STATUS, book("snapshot", 25, 1)),
        line("private", HEARTBEAT),
        line("level3", STATUS, LEVEL3[0]),
        lost("level3"),
        lost("level3"),
        lost("public"),
    )
    acts = read_acts(first, second)
    both, after = acts["public"]
    assert both.greeting == after.greeting == (STATUS,)
    assert both.frames == (ACK, TRADE, HEARTBEAT, TRADE)
    assert after.frames == (book("snapshot", 25, 1),)
    assert both.offers == after.offers
    assert both.offers.keys() == {("book", "BTC/USD", None), ("trade", "ETH/USD", None)}
    assert both.offers["book", "BTC/USD", None].depth == 25
    assert both.offers["book", "BTC/USD", None].result["warnings"] == ["old"]
    ((private,), (level3,)) = acts["private"], acts["level3"]
    assert (private.greeting, private.frames) == ((STATUS,), (EXECUTIONS, HEARTBEAT))
    assert level3.frames == (LEVEL3[0],)
    assert read_script(first, second).frames[:2] == (ACK, TRADE)


def test_what_several_sessions_had_at_one_door_is_played_once(tmp_path: Path) -> None:
    """As the first had it; greetings, heartbeats and losses are those of the door's own session."""
    path = recorded(
        tmp_path,
        line("public", STATUS),
        line("block 1", STATUS, TRADE, HEARTBEAT),
        line("public", TRADE, book("snapshot", 1, 1)),
        line("trading", STATUS, EXECUTIONS),
        line("private", EXECUTIONS, PRIVATE[4]),
        lost("block 1"),
        line("block 1", STATUS, TRADE),
    )
    acts = read_acts(path)
    (public,) = acts["public"]
    assert (public.greeting, public.frames) == ((STATUS,), (TRADE, book("snapshot", 1, 1), TRADE))
    (private,) = acts["private"]
    assert private.frames == (EXECUTIONS, PRIVATE[4])
    assert acts["level3"][0].frames == ()


def test_a_capture_of_others_has_one_act(tmp_path: Path) -> None:
    """At each door, as ever."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(b"".join(format_line(frame, None) for frame in (STATUS, TRADE, EXECUTIONS)))
    whole = read_script(path)
    assert read_acts(path) == {door: (whole.at(door),) for door in DOORS}
