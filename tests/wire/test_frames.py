"""The frame splitter, fed whole, byte by byte and cut at random."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import EXCERPT_CHARACTERS, ProtocolError
from kraken_trio._internal.wire.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    INVALID_UTF8,
    MOST_AT_ONCE,
    PING,
    PONG,
    PROTOCOL_FAULT,
    TEXT,
    TOO_BIG,
    FrameSplitter,
    encode_frame,
)

HELLO = encode_frame(TEXT, b"hello")
MAX = 1000
"""The limit of the splitters under test."""


class Result:
    """All that a splitter gave."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.messages: list[bytes] = []
        self.control: list[bytes] = []
        self.fault: tuple[str, str, int | None] | None = None

    def drain(self, splitter: FrameSplitter) -> None:
        """Take what is there, messages first."""
        try:
            while messages := splitter.next_messages():
                self.messages += messages
        finally:
            while frame := splitter.take_control():
                self.control.append(frame)

    def seen(self) -> tuple[list[bytes], list[bytes], tuple[str, int | None] | None]:
        """Give what does not depend on how the bytes were cut."""
        # The excerpt does: of a long frame more is there to show when it came in one piece.
        fault = self.fault and (self.fault[0], self.fault[2])
        return self.messages, self.control, fault


def split(*pieces: bytes, max_message_bytes: int = MAX) -> Result:
    """Feed the pieces one by one to a new splitter, draining it after each."""
    splitter = FrameSplitter(max_message_bytes=max_message_bytes)
    result = Result()
    try:
        for piece in pieces:
            splitter.feed(piece)
            result.drain(splitter)
    except ProtocolError as error:
        result.fault = error.reason, error.excerpt, error.close_code
    return result


def bytewise(data: bytes) -> list[bytes]:
    """Cut into single bytes."""
    return [data[i : i + 1] for i in range(len(data))]


def every_way(data: bytes, *, max_message_bytes: int = MAX) -> Result:
    """Split the data whole; byte by byte and in two pieces give the same."""
    whole = split(data, max_message_bytes=max_message_bytes)
    cuts = [[data[:i], data[i:]] for i in range(min(len(data), 20))]
    for pieces in (bytewise(data), *cuts):
        assert split(*pieces, max_message_bytes=max_message_bytes).seen() == whole.seen()
    return whole


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 70000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_lengths(size: int, opcode: int) -> None:
    """Lengths of 7, 16 and 64 bits are understood at their borders."""
    payload = b"x" * size
    result = every_way(encode_frame(opcode, payload) + HELLO, max_message_bytes=70000)
    assert result.seen() == ([payload, b"hello"], [], None)


def test_kinds_of_input() -> None:
    """Bytes, bytearray and memoryview are taken; changing them later changes nothing."""
    splitter = FrameSplitter()
    data = bytearray(HELLO * 2)
    splitter.feed(data)
    splitter.feed(memoryview(data))
    splitter.feed(HELLO)
    data[:] = bytes(len(data))
    result = Result()
    result.drain(splitter)
    assert result.messages == [b"hello"] * 5


def test_feeding_nothing() -> None:
    """An empty piece changes nothing, between frames and inside one."""
    assert split(b"", HELLO[:1], b"", HELLO[1:4], b"", HELLO[4:], b"").messages == [b"hello"]


def test_feeding_without_taking() -> None:
    """Messages may be taken more slowly than bytes are fed; none is lost or reordered."""
    splitter = FrameSplitter()
    taken = []
    for number in range(100):
        splitter.feed(encode_frame(TEXT, b"%d" % number))
        if number % 3 == 0:
            taken += splitter.next_messages()
    taken += splitter.next_messages()
    assert taken == [b"%d" % number for number in range(100)]


def test_messages_outlive_their_buffer() -> None:
    """A message taken stays as it was, whatever is fed afterwards."""
    splitter = FrameSplitter()
    splitter.feed(HELLO + HELLO[:3])
    first = splitter.next_messages()
    assert splitter.next_messages() == []
    splitter.feed(HELLO[3:] + encode_frame(TEXT, b"x" * 5) * 100)
    assert splitter.next_messages() == [b"hello"] + [b"x" * 5] * 100
    assert first == [b"hello"]


def test_very_many_messages_come_in_several_goes() -> None:
    """However short frames are, who reads them is asked again and again, and gets each in order."""
    sent = [b"%d" % number for number in range(3 * MOST_AT_ONCE)]
    ping = encode_frame(PING, b"")
    splitter = FrameSplitter()
    splitter.feed(b"".join(encode_frame(TEXT, each) + ping * (len(each) % 2) for each in sent))
    taken: list[bytes] = []
    while messages := splitter.next_messages():
        assert len(messages) < 2 * MOST_AT_ONCE
        assert not taken or messages[0] == sent[len(taken)]
        taken += messages
    assert taken == sent
    assert len([*iter(splitter.take_control, b"")]) == sum(len(each) % 2 for each in sent)


@pytest.mark.parametrize("size", [100, 70_000, 2**17])
@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("step", [1, 7, 64 * 1024])
def test_text_is_judged_before_its_frame_is_whole(size: int, fragment: bool, step: int) -> None:
    """However it is cut up, and though it be a fragment: nothing more is waited for."""
    good = "€" * (size // 6)
    text = good.encode() + b"\xff" + b"x" * size
    frame = encode_frame(TEXT, b"\xe2", fin=False) if fragment else b""
    if fragment:
        text = b"\x82\xac" + text
    frame += encode_frame(CONTINUATION if fragment else TEXT, text)
    wrong = frame.index(b"\xff")
    splitter = FrameSplitter()
    with pytest.raises(ProtocolError, match="UTF-8") as caught:
        for at in range(0, wrong + 1, step):
            splitter.feed(frame[at : min(at + step, wrong + 1)])
            assert splitter.next_messages() == []
    assert caught.value.close_code == INVALID_UTF8


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_characters_may_be_cut_anywhere(step: int) -> None:
    """In frames, in fragments, and in what is read of both; binary is not looked at."""
    text = ("€ é " * 100).encode()
    stream = encode_frame(TEXT, text[:50], fin=False) + encode_frame(PING, b"\xff")
    stream += encode_frame(CONTINUATION, text[50:]) + encode_frame(TEXT, text)
    stream += encode_frame(BINARY, b"\xff" * 300) + encode_frame(TEXT, b"x")
    splitter, taken = FrameSplitter(), list[bytes]()
    for at in range(0, len(stream), step):
        splitter.feed(stream[at : at + step])
        taken += splitter.next_messages()
    assert taken == [text, text, b"\xff" * 300, b"x"]


def test_control_frames_alone_hold_nothing_up() -> None:
    """A message behind more control frames than are split in one go is given at once."""
    splitter = FrameSplitter()
    splitter.feed(encode_frame(PONG, b"") * (2 * MOST_AT_ONCE) + HELLO)
    assert splitter.next_messages() == [b"hello"]


@pytest.mark.parametrize(
    "text", ["plain", "é", "日本 €", "\N{PILE OF POO}", "\N{BYTE ORDER MARK}", "nul \0"]
)
def test_text(text: str) -> None:
    """Text in UTF-8 is given as it came, whole or in fragments of one byte each."""
    payload = text.encode()
    fragments = b"".join(
        encode_frame(CONTINUATION if i else TEXT, byte, fin=i == len(payload) - 1)
        for i, byte in enumerate(bytewise(payload))
    )
    result = every_way(encode_frame(TEXT, payload) + fragments)
    assert result.seen() == ([payload, payload], [], None)


def test_fragments_with_control_frames_between() -> None:
    """Fragments are joined; control frames amid them are passed on in their order."""
    ping, pong = encode_frame(PING, b"1"), encode_frame(PONG, b"x" * 125)
    result = every_way(
        encode_frame(TEXT, b"he", fin=False)
        + ping
        + encode_frame(CONTINUATION, b"", fin=False)
        + pong
        + encode_frame(CONTINUATION, b"llo")
        + encode_frame(BINARY, b"\xff", fin=False)
        + encode_frame(CONTINUATION, b"\x00")
        + ping
    )
    assert result.seen() == ([b"hello", b"\xff\x00"], [ping, pong, ping], None)


def test_binary_is_not_checked() -> None:
    """A binary message is given as it is, and the text after it is checked again."""
    result = every_way(encode_frame(BINARY, b"\xff") + encode_frame(TEXT, b"\xff"))
    assert result.messages == [b"\xff"]
    assert result.seen()[2] == ("text message is not UTF-8", INVALID_UTF8)


def test_control_frames_wait_for_the_messages_before_them() -> None:
    """None is there to be taken before the messages that stood in front of it."""
    pings = [encode_frame(PING, b"%d" % number) for number in range(3)]
    splitter = FrameSplitter()
    splitter.feed(pings[0] + HELLO + pings[1] + HELLO + pings[2] + HELLO[:3])
    assert splitter.take_control() == b""
    assert splitter.next_messages() == [b"hello", b"hello"]
    assert [*iter(splitter.take_control, b"")] == pings


def test_pings_are_dropped_while_closing() -> None:
    """Once our Close was sent pings are dropped, also those that wait; the rest is not."""
    ping, pong, close = encode_frame(PING, b""), encode_frame(PONG, b""), encode_frame(CLOSE, b"")
    splitter = FrameSplitter()
    splitter.feed(ping * 3 + pong + ping + close)
    assert splitter.next_messages() == []
    assert splitter.take_control() == ping
    assert [splitter.take_control(drop_pings=True) for _ in range(3)] == [pong, close, b""]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(HELLO, id="data"),
        pytest.param(encode_frame(PING, b""), id="ping"),
        pytest.param(encode_frame(CLOSE, b""), id="close"),
        pytest.param(b"\xff" * 20, id="rubbish"),
    ],
)
@pytest.mark.parametrize("payload", [b"", b"\x03", b"\x03\xe8bye"])
def test_close_ends_the_stream(after: bytes, payload: bytes) -> None:
    """What was sent before a Close is given, and nothing of what follows it, for ever."""
    close = encode_frame(CLOSE, payload)
    begun = encode_frame(TEXT, b"never whole", fin=False)
    result = every_way(HELLO + begun + close + after * 3)
    assert result.seen() == ([b"hello"], [close], None)


START = encode_frame(TEXT, b"a", fin=False)
FAULTS = [
    pytest.param(b"", b"\xc1\x00", "reserved bit", id="reserved-bit-1"),
    pytest.param(b"", b"\xa1\x00", "reserved bit", id="reserved-bit-2"),
    pytest.param(b"", b"\x91\x00", "reserved bit", id="reserved-bit-3"),
    pytest.param(b"", b"\xc9\x00", "reserved bit", id="reserved-bit-of-a-ping"),
    *(
        pytest.param(b"", bytes((0x80 | opcode, 0)), f"reserved opcode {opcode:#x}", id=str(opcode))
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    pytest.param(b"", b"\x81\x81\0\0\0\0x", "masked", id="masked"),
    pytest.param(b"", b"\x89\x80\0\0\0\0", "masked", id="masked-ping"),
    pytest.param(b"", b"\x09\x00", "fragmented control", id="fragmented-ping"),
    pytest.param(b"", b"\x08\x00", "fragmented control", id="fragmented-close"),
    pytest.param(b"", b"\x89\x7e\x00\x7e", "control frame above 125", id="ping-126"),
    pytest.param(b"", b"\x88\x7f" + bytes(8), "control frame above 125", id="close-64-bit"),
    pytest.param(START, HELLO, "inside a fragmented", id="text-inside"),
    pytest.param(START, START, "inside a fragmented", id="start-inside"),
    pytest.param(START, encode_frame(BINARY, b""), "inside a fragmented", id="binary-inside"),
    pytest.param(b"", encode_frame(CONTINUATION, b""), "continuation of no", id="continuation"),
    pytest.param(
        START + encode_frame(CONTINUATION, b"b"),
        encode_frame(CONTINUATION, b""),
        "continuation of no",
        id="continuation-after-the-last",
    ),
    pytest.param(b"", b"\x81\x7e\x00\x7d", "shortest form", id="16-bit-125"),
    pytest.param(b"", b"\x82\x7f" + (65535).to_bytes(8, "big"), "shortest", id="64-bit-65535"),
    pytest.param(b"", b"\x81\x7f\x80" + bytes(7), "highest bit", id="64-bit-sign"),
]


@pytest.mark.parametrize("before, faulty, reason", FAULTS)
def test_protocol_faults(before: bytes, faulty: bytes, reason: str) -> None:
    """Each broken rule of the framing is a fault with code 1002, after what came before it."""
    ping = encode_frame(PING, b"")
    result = every_way(HELLO + ping + before + faulty + HELLO)
    whole_before = [b"ab"] if len(before) > len(START) else []
    assert result.messages == [b"hello", *whole_before]
    assert result.control == [ping]
    assert result.fault is not None
    assert reason in result.fault[0]
    assert result.fault[1].startswith(faulty[:4].hex(" "))
    assert result.fault[2] == PROTOCOL_FAULT


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff", id="no-such-byte"),
        pytest.param("é".encode()[:1], id="cut"),
        pytest.param(b"\xc0\x80", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond-unicode"),
    ],
)
@pytest.mark.parametrize("fragmented", [False, True])
def test_text_not_utf8(payload: bytes, fragmented: bool) -> None:
    """Text that is not UTF-8 is a fault with code 1007, also across fragments."""
    if fragmented:
        frames = (
            encode_frame(TEXT, b"ok" + payload[:1], fin=False)
            + encode_frame(CONTINUATION, payload[1:], fin=False)
            + encode_frame(CONTINUATION, b"")
        )
    else:
        frames = encode_frame(TEXT, b"ok" + payload)
    result = every_way(HELLO + frames)
    assert result.seen() == ([b"hello"], [], ("text message is not UTF-8", INVALID_UTF8))


def test_a_fragment_not_utf8_is_refused_before_the_rest() -> None:
    """Nobody waits for the end of a message that is wrong already; a character may be cut."""
    splitter = FrameSplitter()
    splitter.feed(encode_frame(TEXT, b"ok \xe2\x82", fin=False))
    splitter.feed(encode_frame(CONTINUATION, b"\xac", fin=False))
    assert splitter.next_messages() == []
    splitter.feed(encode_frame(CONTINUATION, b"\xff", fin=False))
    with pytest.raises(ProtocolError) as caught:
        splitter.next_messages()
    assert caught.value.close_code == INVALID_UTF8


@pytest.mark.parametrize(
    "header, most",
    [
        pytest.param(b"\x81\x65", 100, id="7-bit"),
        pytest.param(b"\x81\x7e\x03\xe9", 1000, id="16-bit"),
        pytest.param(b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big"), 1000, id="64-bit"),
        pytest.param(b"\x01\x7e\x03\xe9", 1000, id="first-fragment"),
        pytest.param(
            encode_frame(TEXT, b"x" * 60, fin=False)
            + encode_frame(CONTINUATION, b"x" * 40, fin=False)
            + b"\x80\x01",
            100,
            id="sum-of-fragments",
        ),
    ],
)
def test_too_big(header: bytes, most: int) -> None:
    """A message above the limit is a fault with code 1009 as soon as its header is there."""
    result = every_way(HELLO + header, max_message_bytes=most)
    assert result.seen() == ([b"hello"], [], (f"message above {most} bytes", TOO_BIG))


def test_largest_allowed() -> None:
    """The limit itself is allowed, whole and in fragments, message after message."""
    half = b"x" * (MAX // 2)
    fragments = encode_frame(TEXT, half, fin=False) + encode_frame(CONTINUATION, half)
    whole = encode_frame(TEXT, half * 2)
    assert every_way(fragments + whole + fragments).seen() == ([half * 2] * 3, [], None)


def test_limit_is_not_for_control_frames() -> None:
    """A limit below 125 bytes does not concern control frames."""
    ping = encode_frame(PING, b"x" * 125)
    assert every_way(ping, max_message_bytes=10).seen() == ([], [ping], None)


def test_endless_empty_fragments_hold_nothing() -> None:
    """A stream of empty fragments does not grow what is held."""
    splitter = FrameSplitter()
    splitter.feed(encode_frame(TEXT, b"", fin=False))
    for _ in range(1000):
        splitter.feed(encode_frame(CONTINUATION, b"", fin=False) * 100)
        assert splitter.next_messages() == []
    held = len(splitter._chunk) + len(splitter._pending) + len(splitter._held)
    assert held <= 200
    assert not splitter._control


def test_dead_after_a_fault() -> None:
    """After a fault the same error comes again, and the control frames before it are kept."""
    ping = encode_frame(PING, b"")
    splitter = FrameSplitter()
    splitter.feed(ping + b"\xff\xff")
    errors = []
    for call in (splitter.next_messages, splitter.next_messages, lambda: splitter.feed(HELLO)):
        with pytest.raises(ProtocolError) as caught:
            call()
        errors.append(caught.value)
    assert errors[0] is errors[1] is errors[2]
    assert [splitter.take_control(), splitter.take_control()] == [ping, b""]


def test_excerpt_is_short() -> None:
    """The error shows the beginning of the faulty frame in hexadecimal, bounded."""
    result = split(HELLO + encode_frame(TEXT, b"\xff" * 500))
    assert result.fault is not None
    assert len(result.fault[1]) <= EXCERPT_CHARACTERS
    assert result.fault[1].startswith("81 7e 01 f4 ff ff")


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_long_frame_in_small_pieces_is_linear(step: int) -> None:
    """However small the pieces of a long frame are, its bytes are joined three times at most."""
    data = encode_frame(TEXT, b"x" * 2**17) + HELLO
    splitter = FrameSplitter()
    joined = 0
    sizes = []
    for at in range(0, len(data), step):
        splitter.feed(data[at : at + step])
        before = splitter._chunk
        sizes += [len(message) for message in splitter.next_messages()]
        if splitter._chunk is not before:
            joined += len(splitter._chunk)
    assert sizes == [2**17, 5]
    assert joined <= 3 * len(data)


def random_traffic(rng: random.Random) -> tuple[bytes, list[bytes], list[bytes]]:
    """Write legal traffic: whole and fragmented messages, control frames anywhere.

    Gives the bytes, the messages and the control frames in them.
    """
    data = b""
    messages = []
    controls = []
    for _ in range(rng.randrange(1, 12)):
        size = rng.choice((0, 1, 5, 125, 126, 200, 400))
        message = "".join(rng.choice("ab{}é日") for _ in range(size)).encode()
        messages.append(message)
        cuts = sorted(rng.randrange(size + 1) for _ in range(rng.choice((0, 0, 0, 1, 3))))
        borders = [0, *cuts, len(message)]
        opcode = rng.choice((TEXT, TEXT, BINARY))
        for i in range(len(cuts) + 1):
            if rng.random() < 0.3:
                payload = bytes(rng.randrange(256) for _ in range(rng.choice((0, 4, 125))))
                controls.append(encode_frame(rng.choice((PING, PONG)), payload))
                data += controls[-1]
            part = message[borders[i] : borders[i + 1]]
            data += encode_frame(CONTINUATION if i else opcode, part, fin=i == len(cuts))
    return data, messages, controls


@given(st.integers(min_value=0, max_value=2**32))
def test_cuts_change_nothing(seed: int) -> None:
    """Wherever legal traffic is cut, exactly what was put in comes out, and no fault."""
    rng = random.Random(seed)
    data, messages, controls = random_traffic(rng)
    at = 0
    pieces = []
    while at < len(data):
        size = rng.choice((1, 2, 3, 10, 100, 1000))
        pieces.append(data[at : at + size])
        at += size
    for way in (pieces, [data], bytewise(data)):
        assert split(*way, max_message_bytes=1200).seen() == (messages, controls, None)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_any_bytes(pieces: list[bytes]) -> None:
    """Whatever arrives, and however it is cut, the outcome is one, with at most one fault."""
    whole = split(b"".join(pieces))
    assert split(*pieces).seen() == whole.seen()
    assert whole.fault is None or whole.fault[2] in {PROTOCOL_FAULT, INVALID_UTF8, TOO_BIG}
