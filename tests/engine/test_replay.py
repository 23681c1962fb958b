"""Recordings through the engine once more."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from kraken_trio import (
    BookSnapshot,
    Channel,
    Gap,
    GapReason,
    KrakenConfig,
    ProtocolError,
    Spread,
    Timestamp,
    Trade,
)
from kraken_trio._internal.engine.replay import ReplayedItem, replay_capture
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import Closed, Confirmed, Disconnected, Opened
from kraken_trio._internal.wire.capture import CaptureError, format_line
from kraken_trio._internal.wire.recording import header_line, lost_line, step_line

TRADES, SPREAD = Channel.trades("BTC/USD"), Channel.spread("BTC/USD")
HEADER = header_line(KrakenConfig(), 1)
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.5,"bid_qty":1.0,'
    b'"ask":1.6,"ask_qty":1.0,"last":1.5,"volume":9.0,"vwap":1.5,"low":1.4,"high":1.7,'
    b'"change":-0.1,"change_pct":-0.02}]}'
)


def trade(number: int, symbol: str = "BTC/USD") -> bytes:
    """Give a frame of one trade."""
    row = {"symbol": symbol, "side": "buy", "price": 1.5, "qty": 2, "ord_type": "limit"}
    row |= {"trade_id": number, "timestamp": "2026-01-02T03:04:05.000000Z"}
    return json.dumps({"channel": "trade", "type": "update", "data": [row]}).encode()


def opened(channel: Channel, session: str = "public") -> bytes:
    """Give the line that a channel of one symbol is open."""
    (part,) = channel.parts()
    return step_line(session, Opened(part, GapHandling()), 2)


def got(frame: bytes, at: int | None = 3, session: str | None = "public") -> bytes:
    """Give the line of a frame that came."""
    return format_line(frame, at, session=session)


@pytest.fixture
def replayed(tmp_path: Path) -> Any:
    """Give a function that replays parts of these lines."""

    def run(*parts: Iterable[bytes], **options: Any) -> list[ReplayedItem]:
        paths = []
        for number, lines in enumerate(parts):
            path = tmp_path / f"{number}.jsonl"
            path.write_bytes(b"".join(lines))
            paths.append(path)
        return list(replay_capture(*paths, **options))

    return run


def items(found: list[ReplayedItem]) -> list[Any]:
    """Give what was delivered."""
    return [each.item for each in found]


def test_steps_decide_what_frames_mean(replayed: Any) -> None:
    """A ticker that was asked for as a spread is one; the line, the session and the time stand."""
    found = replayed([HEADER, opened(SPREAD), got(TICKER, 7)])
    ((path, line, session, item),) = [(e.path, e.line, e.session, e.item) for e in found]
    assert (Path(path).name, line, session) == ("0.jsonl", 3, "public")
    assert isinstance(item, Spread)
    assert item.received_at == Timestamp(7)


def test_what_is_not_open_is_not_delivered(replayed: Any) -> None:
    """In a recording of our own."""
    (part,) = TRADES.parts()
    lines = [HEADER, opened(TRADES), got(trade(1)), step_line("public", Closed(part), 4)]
    assert len(replayed([*lines, got(trade(2))])) == 1


def test_requests_are_passed_over(replayed: Any) -> None:
    """They did not come."""
    assert replayed([HEADER, format_line(b"{}", 1, session="public", sent=True)]) == []


def test_sessions_are_apart(replayed: Any) -> None:
    """What one loses, the others do not."""
    (part,) = TRADES.parts()
    lines = [HEADER, opened(TRADES), opened(TRADES, "block 1")]
    lines += [step_line("public", Confirmed(part), 3), step_line("public", Disconnected(), 4)]
    lines += [got(trade(1), session="block 1")]
    found = replayed(lines)
    assert [(each.session, type(each.item)) for each in found] == [
        ("public", Gap),
        ("block 1", Trade),
    ]


def test_parts_are_one_recording(replayed: Any) -> None:
    """The second part says what is open, which is open already."""
    first = [HEADER, opened(TRADES), got(trade(1))]
    second = [header_line(None, 5, part=2), opened(TRADES), got(trade(3))]
    found = items(replayed(first, second))
    assert [type(each) for each in found] == [Trade, Gap, Trade]
    alone = items(replayed(second, on_damage=lambda _: None))
    assert [type(each) for each in alone] == [Trade]


def test_a_part_without_what_came_before_it_says_so(replayed: Any) -> None:
    """It is replayed all the same; alone, too, for it may be all that there is."""
    parts = [[header_line(None, 1, part=part), opened(SPREAD), got(TICKER)] for part in (2, 3)]
    for given in (parts[:1], parts):
        told: list[CaptureError] = []
        found = items(replayed(*given, on_damage=told.append))
        assert [type(each) for each in found] == [Spread]  # The second says the same as the first.
        (error,) = told
        assert "it begins with part 2: what came before it is missing" in str(error)
        assert error.line == 1
    with pytest.raises(CaptureError, match="begins with part 2"):
        replayed(*parts)


@pytest.mark.parametrize("order", [(1, 3), (1, 2, 1, 2, 4), (1, 2, 3, 2)])
def test_a_part_that_is_missing_or_swapped_is_damage(replayed: Any, order: tuple[int, ...]) -> None:
    """Nothing before it is believed, and without ``on_damage`` it is raised."""
    parts = [[header_line(None, 1, part=part), opened(SPREAD), got(TICKER)] for part in order]
    told: list[CaptureError] = []
    found = items(replayed(*parts, on_damage=told.append))
    assert [error.line for error in told] == [1]
    assert f"part {order[-1]} does not follow part {order[-2]}" in str(told[0])
    assert [gap.reason for gap in found if isinstance(gap, Gap)] == [GapReason.DISCONNECT]
    with pytest.raises(CaptureError, match="does not follow"):
        replayed(*parts)


def test_another_run_begins_with_nothing(replayed: Any) -> None:
    """What one knew, the next one does not: its first trade follows none."""
    first = [HEADER, opened(TRADES), got(trade(1))]
    second = [HEADER, opened(TRADES), got(trade(9))]
    assert [type(each) for each in items(replayed(first, second))] == [Trade, Trade]


def test_where_lines_are_missing_nothing_before_is_believed(replayed: Any) -> None:
    """As if the connection had been lost."""
    (part,) = SPREAD.parts()
    lines = [HEADER, opened(SPREAD), got(TICKER), lost_line(9, 4), got(TICKER)]
    found = items(replayed(lines))
    assert [type(each) for each in found] == [Spread, Gap, Spread]
    assert found[1].reason is GapReason.DISCONNECT
    assert part.symbols == (found[1].symbol,)


def test_a_faulty_frame_is_an_item(replayed: Any) -> None:
    """In recordings of our own and in those of others."""
    for lines in ([HEADER, opened(TRADES), got(b"[")], [got(b"[", None, None)]):
        (item,) = items(replayed(lines))
        assert isinstance(item, ProtocolError)


def test_captures_of_others_are_opened_as_they_come(replayed: Any) -> None:
    """Once for what was learnt of their digits, then for good."""
    data = {
        "symbol": "BTC/USD",
        "bids": [{"price": 4, "qty": 1}],
        "asks": [],
        "checksum": crc32(b"40010000"),
    }
    later = {**data, "bids": [{"price": 4.001, "qty": 0.0001}], "checksum": crc32(b"4001140010000")}
    later["bids"] = [{"price": 4.001, "qty": 1.0001}]
    later["checksum"] = crc32(b"400110001" + b"400010000")
    data["checksum"] = crc32(b"400010000")
    frames = [
        json.dumps({"channel": "book", "type": kind, "data": [row]}).encode()
        for kind, row in (("snapshot", data), ("update", later))
    ]
    found = items(replayed([got(frame, None, None) for frame in frames]))
    assert isinstance(found[0], BookSnapshot)
    assert found[0].bids[0].price == Decimal(4)
    assert found[0].received_at is None
    assert not any(isinstance(each, Gap) for each in found)


def test_the_same_comes_twice(replayed: Any) -> None:
    """There is no clock, and no chance."""
    lines = [HEADER, opened(TRADES), *[got(trade(n)) for n in (1, 2, 5, 6, 6)]]
    assert replayed(lines) == replayed(lines)


@pytest.mark.parametrize(
    "line",
    [
        b'{"ts": 1, "kraken_trio": {"format": 99}}\n',
        b'{"ts": 1, "session": "public", "step": {"step": "danced"}}\n',
        b'{"ts": 1, "raw": \n',
    ],
)
def test_damage_is_told_and_the_next_line_goes_on(replayed: Any, line: bytes) -> None:
    """Or raised, where nobody wants to be told."""
    lines = [HEADER, line, opened(TRADES), got(trade(1))]
    told: list[CaptureError] = []
    assert len(replayed(lines, on_damage=told.append)) == 1
    assert [error.line for error in told] == [2]
    with pytest.raises(CaptureError):
        replayed(lines)


def test_data_of_nothing_that_can_be_subscribed_to_are_damage(replayed: Any) -> None:
    """In captures of others."""
    told: list[CaptureError] = []
    replayed([got(trade(1, "XBT/USD"), None, None)], on_damage=told.append)
    assert [error.line for error in told] == [1]


def test_progress_is_told(replayed: Any) -> None:
    """In bytes."""
    told: list[int] = []
    replayed([HEADER, opened(TRADES), *[got(trade(n)) for n in range(3000)]], progress=told.append)
    assert told


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """So nothing is learnt of it beforehand."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(got(trade(1), None, None)))
    writer.start()
    found = list(replay_capture(path))
    writer.join()
    assert [type(each.item) for each in found] == [Trade]
