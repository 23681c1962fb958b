"""How a connection ends on the wire."""

from __future__ import annotations

import pytest

from kraken_trio import ConnectionLost, ProtocolError
from kraken_trio._internal.wire.ends import NO_STATUS, fault_of, lost_by, piece_of
from kraken_trio._internal.wire.frames import (
    INVALID_UTF8,
    PING,
    PROTOCOL_FAULT,
    TEXT,
    TOO_BIG,
    Broken,
    FrameSplitter,
    encode_frame,
)


def broken_by(data: bytes, step: int) -> tuple[Broken, ProtocolError]:
    """Split something in pieces of so many bytes; give what broke the framing, and how."""
    splitter = FrameSplitter()
    try:
        for at in range(0, len(data), step):
            splitter.feed(data[at : at + step])
            while splitter.next_messages():
                pass
    except ProtocolError as fault:
        assert splitter.broken is not None
        return splitter.broken, fault
    raise AssertionError("it broke nothing")


def plainly(text: bytes) -> bytes:
    """Show it as it is."""
    return text


HELLO = encode_frame(TEXT, b"hello")
BEGUN = (
    encode_frame(TEXT, b"be", fin=False) + encode_frame(PING, b"") + encode_frame(0, b"", fin=False)
)


@pytest.mark.parametrize("step", [1, 2, 5, 10**6])
@pytest.mark.parametrize(
    "before, faulty, said",
    [
        (b"", b"\xc1\x02hi", b"\xc1\x02hi"),
        (b"", b"\x83\x00", b"\x83\x00"),
        (b"", b"\x80\x00", b"\x80\x00"),
        (BEGUN, b"\x81\x01x", b"\x01\x02be\x81\x01x"),
        (BEGUN, b"\x00\x01\xff", b"\x01\x02be\x00\x01\xff"),
        (b"", b"\x01\x01\xff", b"\x01\x01\xff"),
        (b"", b"\x81\x7e\x00\x80" + b"x" * 127 + b"\xff", None),
        (encode_frame(TEXT, b"\xc3", fin=False), b"\x80\x02xy", b"\x01\x01\xc3\x80\x02xy"),
        (b"", b"\x81\x7f\x00\x00\x00\x00\x7f\x00\x00\x00", None),
        (BEGUN, b"\x80\x7f\x00\x00\x00\x00\x00\xff\xff\xff", None),
    ],
)
def test_what_broke_the_framing_breaks_it_again(
    before: bytes, faulty: bytes, said: bytes | None, step: int
) -> None:
    """In the same way, with what it came in the middle of, however it came; nothing is kept that
    came behind.
    """
    broken, fault = broken_by(HELLO + before + faulty + HELLO, step)
    piece = piece_of(broken, plainly)
    again = fault_of(piece)
    assert again is not None
    assert (again.reason, again.close_code) == (fault.reason, fault.close_code)
    assert again.excerpt[:5] == fault.excerpt[:5]
    if fault.close_code != TOO_BIG:  # Of which it would be a part.
        assert not piece.endswith(HELLO)
    if said is not None and step > len(HELLO + before + faulty):
        assert piece == said


def test_too_large_is_too_large_again_by_all_its_fragments() -> None:
    """What came of them is kept."""
    half = b"x" * (8 * 2**20 + 1)
    broken, fault = broken_by(encode_frame(TEXT, half, fin=False) + encode_frame(0, half), 2**20)
    again = fault_of(piece_of(broken, plainly))
    assert again is not None
    assert again.reason == fault.reason == "message above 16777216 bytes"


def test_a_secret_is_not_kept_though_it_is_cut_in_two() -> None:
    """Only the heads are, then."""

    def shown(text: bytes) -> bytes:
        return text.replace(b"secret", b"****")

    fragments = encode_frame(TEXT, b'{"a":"sec', fin=False) + encode_frame(TEXT, b'ret"}')
    broken, fault = broken_by(fragments, 10**6)
    piece = piece_of(broken, shown)
    assert piece == b"\x01\x00\x81\x05"
    again = fault_of(piece)
    assert again is not None
    assert again.reason == fault.reason
    hidden, _ = broken_by(b"\x81\x85\x01\x02\x03\x04rgapfs", 10**6)
    assert piece_of(hidden, shown) == b"\x81\x85"
    assert piece_of(Broken(0, b"", b"\xc1"), shown) == b"\xc1"


def test_what_breaks_nothing() -> None:
    """Has no fault: whole messages, a control frame, and a Close as it should be."""
    for piece in (b"", HELLO, encode_frame(PING, b"x"), b"\x88\x02\x03\xe8"):
        assert fault_of(piece) is None
    assert fault_of(b"\x88\x01\x03") is not None


@pytest.mark.parametrize(
    "payload, code, reason",
    [(b"", NO_STATUS, ""), (b"\x03\xe9bye", 1001, "bye"), (b"\x03\xf6", 1014, "")],
)
def test_a_close(payload: bytes, code: int, reason: str) -> None:
    """Says why, if it does."""
    lost = lost_by(payload)
    assert isinstance(lost, ConnectionLost)
    assert (lost.code, lost.reason) == (code, reason)


@pytest.mark.parametrize(
    "payload, code",
    [(b"\x03", PROTOCOL_FAULT), (b"\x03\xed", PROTOCOL_FAULT), (b"\x03\xe8\xff", INVALID_UTF8)],
)
def test_a_malformed_close(payload: bytes, code: int) -> None:
    """Is a fault, with the code that names it."""
    with pytest.raises(ProtocolError, match="close frame") as caught:
        lost_by(payload)
    assert caught.value.close_code == code
