"""Messages are framed as a server frames them, and read back by a library that is not ours."""

from __future__ import annotations

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from kraken_trio._internal.testing.packet import PACKET_BYTES, half, header, packet, packets

LENGTHS = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


def read(wire: bytes) -> list[str | bytes]:
    """Read frames as a client does."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(wire)
    found: list[str | bytes] = []
    whole: str | bytes | None = None
    for event in client.events():
        assert isinstance(event, (TextMessage, BytesMessage))
        part = event.data if isinstance(event.data, str) else bytes(event.data)
        whole = part if whole is None else whole + part  # type: ignore[operator]
        if event.message_finished:
            found.append(whole)
            whole = None
    assert whole is None
    return found


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("letter", [b"x", b"\xff"])
def test_lengths(letter: bytes, length: int) -> None:
    """Every length is told in the shortest way, of text and of what is none."""
    frame = letter * length
    wire = header(frame) + frame
    assert read(wire) == [frame if letter == b"\xff" and length else frame.decode()]
    assert len(header(frame)) == (2 if length < 126 else 4 if length < 65_536 else 10)


def test_text_beyond_ascii() -> None:
    """What is UTF-8 is text."""
    frame = "zwei \N{DEER}".encode() * 40
    assert read(packet((frame, b"one")).wire) == [frame.decode(), "one"]


def test_packets_are_of_bounded_size() -> None:
    """Many messages make several packets, which hold them all, in order; none make none."""
    frames = [b"%05d" % number * 100 for number in range(1000)]
    made = list(packets(frames))
    assert [frame for one in made for frame in one.frames] == frames
    assert all(PACKET_BYTES <= sum(map(len, one.frames)) < PACKET_BYTES + 500 for one in made[:-1])
    assert [text for one in made for text in read(one.wire)] == [f.decode() for f in frames]
    assert not any(one.cut for one in made)
    assert list(packets(())) == []


@pytest.mark.parametrize("frame", [b"x", b'{"channel":"heartbeat"}', b"x" * 300])
def test_half_a_message(frame: bytes) -> None:
    """Half a message is its header and less than all that it says, and is followed by a cut."""
    part = half(frame)
    assert (part.frames, part.cut) == ((), True)
    assert part.wire == (header(frame) + frame)[: len(header(frame)) + len(frame) // 2]
