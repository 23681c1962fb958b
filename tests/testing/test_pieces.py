"""Bytes of a server are taken apart and put together as RFC 6455 has it."""

from __future__ import annotations

import random

import pytest

from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.testing.pieces import (
    STATUSES,
    close_frame,
    header_bytes,
    in_fragments,
    in_pieces,
    refused_answer,
    take_frame,
)
from kraken_trio._internal.wire.frames import TEXT, FrameSplitter, encode_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_frames_are_taken_when_they_are_whole(size: int) -> None:
    """And not a byte earlier; what follows stays. The header is as long as the RFC says."""
    frame = encode_frame(TEXT, b"x" * size)
    assert header_bytes(frame[1]) == len(frame) - size
    data = bytearray()
    for byte in frame[:12]:
        assert take_frame(data) is None
        data.append(byte)
    if len(frame) > 12:
        data += frame[12:-1]
        assert take_frame(data) is None
        data += frame[-1:]
    data += b"\x81"
    assert take_frame(data) == frame
    assert data == b"\x81"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("retry_after_s", [None, 7])
def test_answers_that_say_no(status: int, retry_after_s: int | None) -> None:
    """With a status, and when to come back where that is told; and nothing behind them."""
    head, _, body = refused_answer(Refusal(status, retry_after_s)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert (b"Retry-After: 7" in head) == (retry_after_s is not None)
    assert body == b""


def test_a_close() -> None:
    """Its code stands first, then the reason."""
    assert close_frame(1012, b"why") == b"\x88\x05" + (1012).to_bytes(2, "big") + b"why"


@pytest.mark.parametrize("seed", range(10))
def test_pieces_and_fragments_are_the_same_message(seed: int) -> None:
    """Whatever they are cut into."""
    dice = random.Random(seed)
    message = bytes(dice.choices(b"abc", k=300))
    pieces = list(in_pieces(encode_frame(TEXT, message), dice))
    assert len(pieces) > 1
    for wire in (b"".join(pieces), in_fragments(message, dice)):
        splitter = FrameSplitter()
        splitter.feed(wire)
        assert splitter.next_messages() == [message]
