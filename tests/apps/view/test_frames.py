"""The ring of frames: bounded, searched, and written as a capture."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kraken_trio._internal.apps.view.frames import (
    CUT_BYTES,
    FRAME_BYTES,
    MOST_SHOWN,
    MOST_SHOWN_BYTES,
    Filter,
    Frames,
)
from kraken_trio.extended import verify_capture

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

ALL = Filter()
TRADE = b'{"channel":"trade","type":"update","data":[]}'
BOOK = b'{"channel": "book","type":"update","data":[]}'


def filled(*payloads: bytes, **options: int) -> Frames:
    """Give a ring that these came into, a second apart."""
    frames = Frames(**options)
    for number, payload in enumerate(payloads, 1):
        frames.add("public", payload, number * 10**9, sent=False)
    return frames


def test_it_holds_no_more_bytes_than_it_may() -> None:
    """The oldest go; what was counted stays counted."""
    frames = filled(*[b"x" * 100] * 50, room_bytes=10 * (FRAME_BYTES + 100))
    assert (len(frames), frames.total, frames.received_bytes) == (10, 50, {"public": 5000})
    assert [item["n"] for item in frames.since(0, ALL)] == list(range(41, 51))
    frames.add("public", b"y" * 100_000, 0, sent=False)
    assert len(frames) == 0


def test_it_holds_no_more_frames_than_it_may() -> None:
    """However small they are."""
    assert len(filled(*[b""] * 50, most=7)) == 7


def test_what_came_since_is_given_once() -> None:
    """By number, oldest first; nothing for one that is up to date, or ahead."""
    frames = filled(b"a", b"b", b"c")
    assert [item["text"] for item in frames.since(1, ALL)] == ["b", "c"]
    assert frames.since(3, ALL) == frames.since(9, ALL) == []


@pytest.mark.parametrize(
    "wanted, found",
    [
        (Filter(session="private"), ["[3]"]),
        (Filter(channel="book"), [BOOK.decode()]),
        (Filter(text="TRADE"), [TRADE.decode()]),
        (Filter(session="public", channel="trade", text="book"), []),
        (Filter(session="", channel="", text=""), [TRADE.decode(), BOOK.decode(), "[3]"]),
    ],
)
def test_some_are_wanted_and_others_not(wanted: Filter, found: list[str]) -> None:
    """By session, by channel, by what is in them; an empty word is none."""
    frames = filled(TRADE, BOOK)
    frames.add("private", b"[3]", 0, sent=False)
    assert [item["text"] for item in frames.since(0, wanted)] == found


def test_a_message_is_bounded_whatever_came() -> None:
    """By frames, and by bytes; one alone is always shown, and cut."""
    assert len(filled(*[b"{}"] * 500).since(0, ALL)) == MOST_SHOWN
    large = filled(*[b"x" * 10_000] * 100).since(0, ALL)
    assert sum(len(item["text"]) for item in large) <= MOST_SHOWN_BYTES
    assert {(len(item["text"]), item["bytes"], item["cut"]) for item in large} == {
        (CUT_BYTES, 10_000, True)
    }
    assert large[-1]["n"] == 100


def test_what_is_no_text_is_shown_all_the_same() -> None:
    """With marks where it is not."""
    (item,) = filled(b"a\xff").since(0, ALL)
    assert (item["text"], item["direction"], item["time"]) == ("a�", "in", 1000)
    assert "cut" not in item


def test_what_comes_in_is_counted_apart() -> None:
    """What goes out is in the ring, and in no count of what comes in."""
    frames = filled(b"abc", b"de")
    frames.add("public", b"out", 5, sent=True)
    assert frames.received_bytes == {"public": 5}
    assert (frames.last_ns, frames.total, frames.received) == (2 * 10**9, 3, 2)
    assert frames.since(2, ALL)[0]["direction"] == "out"


def test_the_capture_is_read_by_the_verifier(tmp_path: Path) -> None:
    """Every line to the nanosecond, also one that is no UTF-8; what went out is known as that."""
    frames = filled(TRADE, b'{"channel":"heartbeat"}', b'"\xff"')
    frames.add("public", b'{"method":"ping"}', 7, sent=True)
    path = tmp_path / "last.jsonl"
    path.write_bytes(b"".join(frames.capture()))
    lines = path.read_bytes().splitlines()
    assert lines[0].startswith(b'{"ts":1.000000000,"raw":')
    assert msgspec.json.decode(lines[3])["sent"] == '{"method":"ping"}'
    found = verify_capture(path)
    assert (found.frames, found.undecoded) == (3, 1)
