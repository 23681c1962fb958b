"""Failures, had once more."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest
from msgspec.structs import replace

from kraken_trio import (
    BookSnapshot,
    Channel,
    Gap,
    GapReason,
    Heartbeat,
    Level,
    ProtocolError,
    Timestamp,
    Trade,
)
from kraken_trio._internal.engine.incident import (
    CHECKSUM,
    GAPS,
    PROTOCOL,
    BookFound,
    IncidentReport,
    explained,
    matches,
    reproduce,
)
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import Broke, Opened
from kraken_trio._internal.model.traits import V2
from kraken_trio._internal.wire.anchors import snapshot_frame, trade_frame
from kraken_trio._internal.wire.capture import CapturedFrame, CapturedNote, format_line, read_lines
from kraken_trio._internal.wire.recording import header_line, step_line

AT = Timestamp(1_500_000_000_000_001_000)
BOOK, TRADES = Channel.book("BTC/USD"), Channel.trades("BTC/USD")
ASK, BID = Level(Decimal("2.0"), Decimal("1.50")), Level(Decimal("1.0"), Decimal("0.10"))
SNAPSHOT = BookSnapshot("BTC/USD", 10, (BID,), (ASK,), crc32(b"201501010"), AT)
WRONG = IncidentReport(
    kind=CHECKSUM,
    at=5,
    session="public",
    channel="book",
    symbol="BTC/USD",
    reason="it is wrong",
    expected=1,
    computed=2,
    text="3",
    line=4,
    frames=2,
    gaps=["Gap(x)"],
    states=[{"session": "s", "from_state": "a", "to_state": "b", "trigger": "c"}],
)
UPDATE = json.dumps(
    {
        "channel": "book",
        "type": "update",
        "data": [{"symbol": "BTC/USD", "bids": [{"price": 1.0, "qty": 0.2}], "asks": []}],
    }
).replace('"asks": []', '"asks": [], "checksum": %d, "timestamp": "2026-01-02T03:04:05Z"')


def trade(number: int) -> Trade:
    """Give a trade."""
    return Trade("BTC/USD", "buy", Decimal("1.50"), Decimal("0.0000001"), "limit", number, AT)


def frame(payload: bytes) -> bytes:
    """Give the line of a frame."""
    return format_line(payload, 1, session="public")


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    """Give what makes lines of a recording that begins with an open channel."""

    def made(channel: Channel, *frames: bytes) -> list[CapturedFrame | CapturedNote]:
        (part,) = channel.parts()
        opened = step_line("public", Opened(part, GapHandling()), 1)
        path = tmp_path / "frames.jsonl"
        path.write_bytes(b"".join([header_line(None, 1), opened, *map(frame, frames)]))
        return list(read_lines(path))

    return made


def test_a_checksum_fails_at_the_same_line(lines: Any) -> None:
    """With the book before and after, and the text that nobody could see."""
    again = reproduce(WRONG, lines(BOOK, snapshot_frame(SNAPSHOT, V2), (UPDATE % 7).encode()))
    assert (again.line, again.expected) == (4, 7)
    assert again.computed == crc32((again.text or "").encode())
    assert again.before == BookFound([("1.0", "0.10")], [("2.0", "1.50")])
    assert again.after == BookFound([("1.0", "0.2")], [("2.0", "1.50")])


def test_what_passes_does_not_fail(lines: Any) -> None:
    """There is no line then; nor where the lines end before."""
    found = lines(BOOK, snapshot_frame(SNAPSHOT, V2), b'{"channel":"heartbeat"}')
    again = reproduce(WRONG, found)
    assert (again.line, again.after) == (None, None)
    assert again.before is not None
    assert reproduce(WRONG, found[:3]).line is None


def test_a_frame_that_cannot_be_understood(lines: Any) -> None:
    """Fails by itself."""
    told = replace(WRONG, kind=PROTOCOL, channel=None, symbol=None)
    again = reproduce(told, lines(BOOK, snapshot_frame(SNAPSHOT, V2), b"["))
    assert again.line == 4
    assert "Expected `object`" in (again.reason or "")
    assert again.before is None


def test_a_burst_ends_with_its_last_gap(lines: Any) -> None:
    """The number before it stands in the first line."""
    told = replace(WRONG, kind=GAPS, channel="trade")
    again = reproduce(told, lines(TRADES, trade_frame(trade(5)), trade_frame(trade(9))))
    assert (again.line, again.before) == (4, None)
    assert "3 missing" in (again.reason or "")


def test_a_burst_may_end_with_a_book(lines: Any) -> None:
    """Which is shown as it was before."""
    told = replace(WRONG, kind=GAPS)
    torn = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":'
    again = reproduce(told, lines(BOOK, snapshot_frame(SNAPSHOT, V2), torn))
    assert again.line == 4
    assert again.before is not None


def failing(lines: Any, *kinds: str) -> Any:
    """Give lines of frames, of which each is sound, or is one that cannot be understood."""
    frames = {"sound": b'{"channel":"heartbeat"}', "wrong": b"["}
    return lines(BOOK, snapshot_frame(SNAPSHOT, V2), *(frames[kind] for kind in kinds))


@pytest.mark.parametrize(
    "kinds, earlier, judged_from, same",
    [
        (["sound", "sound", "wrong"], [], 1, True),
        (["wrong", "sound", "wrong"], [4], 1, True),
        (["wrong", "sound", "wrong"], [], 1, False),  # It fails sooner than it did.
        (["wrong", "sound", "wrong"], [], 5, True),  # Nobody knew how things stood then.
        (["sound", "sound", "wrong"], [4], 1, False),  # Something is mended that was wrong.
        (["wrong", "wrong", "wrong"], [4], 1, False),
        (["wrong", "sound", "wrong"], None, 1, True),  # It cannot be had again.
        (["sound", "sound", "sound"], [], 1, False),
        (["sound", "wrong", "sound"], [5], 1, False),
    ],
)
def test_it_fails_with_the_same_line_and_no_other(
    lines: Any, kinds: list[str], earlier: list[int] | None, judged_from: int, same: bool
) -> None:
    """What failed before must, once more; what did not must not."""
    told = replace(WRONG, kind=PROTOCOL, channel=None, symbol=None, text=None, line=6)
    again = reproduce(
        replace(told, earlier=earlier, judged_from=judged_from), failing(lines, *kinds)
    )
    assert again.same is same
    assert (again.line == 6) is (kinds[-1] == "wrong")
    found = [4 + at for at, kind in enumerate(kinds[:2]) if kind == "wrong"]
    assert again.earlier == [line for line in found if line >= judged_from]


def test_another_text_is_not_the_same(lines: Any) -> None:
    """Though it is the same line."""
    found = lines(BOOK, snapshot_frame(SNAPSHOT, V2), (UPDATE % 7).encode())
    assert not reproduce(WRONG, found).same
    assert reproduce(replace(WRONG, text="201501020"), found).same
    assert reproduce(replace(WRONG, text=None), found).same


@pytest.mark.parametrize(
    "piece, line", [(b"\xc1\x00", 4), (b"\x83\x00", None), (b"\x81\x00", None), (None, None)]
)
def test_a_broken_framing_breaks_again(lines: Any, piece: bytes | None, line: int | None) -> None:
    """With the same fault; what has another, or none, is not it."""
    reason = "reserved bit set, though no extension was agreed on"
    told = replace(WRONG, kind=PROTOCOL, channel=None, symbol=None, framing=True, reason=reason)
    found = lines(BOOK, snapshot_frame(SNAPSHOT, V2), b'{"channel":"heartbeat"}')
    if piece is not None:
        step = msgspec.json.encode(Broke(reason, piece))
        found[-1] = CapturedNote(4, 1, "public", step, None)
    again = reproduce(told, found)
    assert again.line == line
    assert again.same is (line is not None)
    assert (reason in (again.reason or "")) is (line is not None)
    assert "The framing was broken, which ended the connection." in explained(told)


@pytest.mark.parametrize(
    "kind, item, same",
    [
        (PROTOCOL, ProtocolError("x"), True),
        (CHECKSUM, ProtocolError("x"), False),
        (CHECKSUM, Gap("book", "BTC/USD", GapReason.CHECKSUM), True),
        (CHECKSUM, Gap("book", "ETH/USD", GapReason.CHECKSUM), False),
        (CHECKSUM, Gap("book", "BTC/USD", GapReason.DISCONNECT), False),
        (GAPS, Gap("book", "BTC/USD", GapReason.CHECKSUM), True),
        (GAPS, Gap("book", "BTC/USD", GapReason.DISCONNECT), True),
        (GAPS, Gap("book", "ETH/USD", GapReason.DISCONNECT), False),
        (GAPS, Heartbeat(), False),
    ],
)
def test_what_is_the_same(kind: str, item: Any, same: bool) -> None:
    """Of the same kind, about the same."""
    assert matches(replace(WRONG, kind=kind), "public", item) is same
    assert matches(replace(WRONG, kind=kind), "private", item) is False


@pytest.mark.parametrize(
    "kind, words",
    [
        (CHECKSUM, "The exchange said 1; the book had 2."),
        (PROTOCOL, "A frame could not be understood."),
        (GAPS, "Gap followed gap: 1 in a short while, the last in book BTC/USD."),
    ],
)
def test_it_is_said_in_words(kind: str, words: str) -> None:
    """With where it stands, the gaps and the transitions."""
    said = list(explained(replace(WRONG, kind=kind)))
    assert words in said
    assert "  gap: Gap(x)" in said
    assert "  s: a -> b (c)" in said
    assert not [line for line in said if "did not fit" in line]
    crowded = explained(replace(WRONG, kind=kind, books_left_out=3))
    assert "3 books did not fit, and begin with their next snapshot." in crowded
