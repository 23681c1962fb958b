"""The capture file format."""

from __future__ import annotations

import copy
import decimal
import gzip
import json
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import EXCERPT_CHARACTERS, ProtocolError
from kraken_trio._internal.wire.capture import (
    PROGRESS_LINES,
    CapturedFrame,
    CapturedNote,
    CaptureError,
    format_line,
    read_capture,
    read_lines,
)

HEARTBEAT = b'{"channel":"heartbeat"}'
RECORD = b'{"ts": 1785644622.1786726, "raw": "{\\"channel\\":\\"heartbeat\\"}"}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a path to write a capture to."""
    return tmp_path / "frames.jsonl"


def read(file: Path, content: bytes) -> list[tuple[int, int | None, bytes]]:
    """Write a capture and read all of it."""
    file.write_bytes(content)
    return [(frame.line, frame.received_ns, frame.payload) for frame in read_capture(file)]


def read_until_error(
    file: Path, content: bytes, **options: Any
) -> tuple[list[CapturedFrame], CaptureError]:
    """Write a capture, and give what was read before its error, and the error."""
    file.write_bytes(content)
    frames = []
    with pytest.raises(CaptureError) as caught:
        for frame in read_capture(file, **options):
            frames.append(frame)  # noqa: PERF402 - the frames before the error are wanted
    assert isinstance(caught.value, ProtocolError)
    assert caught.value.path == str(file)
    assert str(caught.value).startswith(f"{file}, line {caught.value.line}: ")
    return frames, caught.value


def test_records_and_plain_lines(file: Path) -> None:
    """Records, plain frames of both protocols and text that is no JSON stand in one file."""
    content = b"\n".join(
        [
            RECORD,
            b'{"ts": null, "raw": "[1,\\"\\u00e9\\"]", "direction": "in"}',
            b'{"raw": ""}',
            b"",
            b" \t\r",
            HEARTBEAT + b"\r",
            b'[336,{"a":[["1","2"]]},"ticker"]',
            b"CloudFlare WebSocket proxy restarting",
            b"{oops",
            b'{"raw": 7, "ts": "no"}',
            b'"raw"',
            b'  {"ts": 1, "raw": "x"}  ',
            HEARTBEAT,
        ]
    )
    assert read(file, content) == [
        (1, 1785644622_178672600, HEARTBEAT),
        (2, None, '[1,"é"]'.encode()),
        (3, None, b""),
        (6, None, HEARTBEAT),
        (7, None, b'[336,{"a":[["1","2"]]},"ticker"]'),
        (8, None, b"CloudFlare WebSocket proxy restarting"),
        (9, None, b"{oops"),
        (10, None, b'{"raw": 7, "ts": "no"}'),
        (11, None, b'"raw"'),
        (12, 1_000_000_000, b"x"),
        (13, None, HEARTBEAT),
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n\n"])
def test_nothing(file: Path, content: bytes) -> None:
    """A file without frames is read as one, and is no error."""
    assert read(file, content) == []


@pytest.mark.parametrize(
    "ts, nanoseconds",
    [
        ("0", 0),
        ("-0", 0),
        ("1618678132.8258188", 1618678132_825818800),
        ("1785644622.178672601", 1785644622_178672601),
        ("1.9999999999", 1_999999999),
        ("1." + "9" * 60, 1_999999999),
        ("5e-05", 50_000),
        ("1.7E9", 1_700_000_000_000_000_000),
        ("1e-999999999999", 0),
        ("9999999999.999999999", 9_999_999_999_999_999_999),
    ],
)
def test_time_is_exact(file: Path, ts: str, nanoseconds: int) -> None:
    """Nanoseconds come from the digits, whatever the caller's decimal context is."""
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        assert read(file, b'{"ts": %b, "raw": "x"}' % ts.encode()) == [(1, nanoseconds, b"x")]


@pytest.mark.parametrize(
    "ts",
    [
        "-1",
        "1e10",
        "1e999999999999",
        "1785644622178",
        '"1785644622.1"',
        '"NaN"',
        "true",
        "{}",
    ],
)
def test_wrong_time_is_refused(file: Path, ts: str) -> None:
    """A time that is not in seconds since the epoch is an error, not a wrong time."""
    frames, error = read_until_error(file, RECORD + b'\n{"ts": %b, "raw": "x"}' % ts.encode())
    assert [frame.payload for frame in frames] == [HEARTBEAT]
    assert error.line == 2
    assert '"ts"' in error.reason


@pytest.mark.parametrize("cut", range(1, len(RECORD)))
def test_record_cut_off(file: Path, cut: int) -> None:
    """A record cut off anywhere is an error that names its line; those before it are given."""
    frames, error = read_until_error(file, RECORD + b"\n\n" + RECORD[:cut])
    assert [frame.line for frame in frames] == [1]
    assert error.line == 3
    assert error.excerpt == RECORD[:cut].decode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(RECORD[:40] + RECORD, id="recorder-restarted"),
        pytest.param(RECORD + RECORD, id="two-in-one"),
        pytest.param(HEARTBEAT[:-4], id="plain-frame-cut"),
        pytest.param(b' { "ts": 1', id="blanks"),
        pytest.param(b'{"ts": 1, "raw": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"ts": 1, "raw": "\\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(b'{"ts": 01, "raw": "x"}', id="not-json"),
        pytest.param(b'{"ts": 1, "raw_base64": "*"}', id="not-base64"),
    ],
)
def test_damaged_line(file: Path, line: bytes) -> None:
    """A line that begins as an object and is not one is an error, also amid the file."""
    frames, error = read_until_error(file, RECORD + b"\n" + line + b"\n" + RECORD + b"\n")
    assert [frame.line for frame in frames] == [1]
    assert error.line == 2


def read_with_damage(
    file: Path, content: bytes, **options: Any
) -> tuple[list[int], list[CaptureError]]:
    """Write a capture, and give the lines of its frames, and its errors."""
    file.write_bytes(content)
    errors: list[CaptureError] = []
    frames = read_capture(file, on_damage=errors.append, **options)
    return [frame.line for frame in frames], errors


def test_reading_goes_on_after_damage(file: Path) -> None:
    """Who asks for it is told of each damaged line in its place, and gets all that is whole."""
    content = b"\n".join(
        [RECORD, RECORD[:20], RECORD, b'{"ts": -1, "raw": "x"}', b"", HEARTBEAT, RECORD[:30]]
    )
    lines, errors = read_with_damage(file, content)
    assert lines == [1, 3, 6]
    assert [error.line for error in errors] == [2, 4, 7]
    assert {error.path for error in errors} == {str(file)}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reading_goes_on_behind_a_line_that_is_too_long(file: Path, pack: type[bytes]) -> None:
    """All of such a line is one error, however long it is, and also where it is the last."""
    long = b'{"a": "' + b"x" * 5000
    content = b"\n".join([RECORD, long, RECORD, long])
    lines, errors = read_with_damage(file, pack(content), max_line_bytes=len(RECORD) + 1)
    assert lines == [1, 3]
    assert [error.line for error in errors] == [2, 4]
    assert all("longer than" in error.reason for error in errors)


def test_damaged_gzip_is_the_end(file: Path) -> None:
    """Nothing behind the damage of a compressed stream can be read: it is told once."""
    lines, errors = read_with_damage(file, gzip.compress(RECORD + b"\n" + RECORD)[:-4])
    assert (lines, [error.line for error in errors]) == ([1], [2])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("line", [RECORD, HEARTBEAT])
def test_byte_order_mark(file: Path, pack: type[bytes], line: bytes) -> None:
    """A mark at the beginning is skipped, and one alone is an empty file."""
    assert [frame[2] for frame in read(file, pack(b"\xef\xbb\xbf" + line))] == [HEARTBEAT]
    assert read(file, pack(b"\xef\xbb\xbf")) == []


def repickled(error: CaptureError) -> object:
    """Send an error to another process and back."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, repickled])
def test_errors_can_be_copied_and_pickled(again: Any) -> None:
    """Whoever reads files in other processes gets the error back as it was."""
    error = CaptureError("cut off", "{", path="frames.jsonl", line=7)
    error.add_note("by hand")
    other = again(error)
    assert type(other) is CaptureError
    assert str(other) == str(error) == "frames.jsonl, line 7: cut off (in '{')"
    assert (other.path, other.line, other.__notes__) == ("frames.jsonl", 7, ["by hand"])


def test_excerpt_is_short_and_printable(file: Path) -> None:
    """The error shows the beginning of the line, bounded, with nothing that moves a cursor."""
    _, error = read_until_error(file, b'{"\x1b[2J\xff' + b"x " * 1000)
    assert len(error.excerpt) == EXCERPT_CHARACTERS
    assert error.excerpt.isprintable()
    assert error.excerpt.startswith('{".[2J')


def test_excerpt_shows_no_token(file: Path) -> None:
    """A token in a line that is damaged is masked, as in every other error."""
    _, error = read_until_error(file, b'{"token":"SECRET", oops')
    assert "SECRET" not in str(error)


def test_deep_line_is_for_the_decoder(file: Path) -> None:
    """A plain frame nested too deeply to be looked through is handed on as it is."""
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read(file, deep) == [(1, None, deep)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_line_length_is_bounded(file: Path, pack: type[bytes]) -> None:
    """A line longer than the bound is an error, however small the file is when compressed."""
    bound = len(RECORD) + 1
    line = RECORD + b"\n"
    frames, error = read_until_error(
        file, pack(line + RECORD + b" \n" + line), max_line_bytes=bound
    )
    assert [frame.line for frame in frames] == [1]
    assert error.line == 2
    assert str(bound) in error.reason


def test_gzip_by_its_first_bytes(file: Path) -> None:
    """A compressed file is known by its content, also when it was written in several parts."""
    line = RECORD + b"\n"
    assert [frame[0] for frame in read(file, gzip.compress(line) + gzip.compress(line * 2))] == [
        1,
        2,
        3,
    ]


def test_name_does_not_make_gzip(tmp_path: Path) -> None:
    """A plain file is read as one, though it is called .gz."""
    assert [frame[2] for frame in read(tmp_path / "frames.gz", RECORD)] == [HEARTBEAT]


def test_gzip_cut_off(file: Path) -> None:
    """A compressed file cut off gives every whole line that its bytes hold, then the error."""
    lines = [format_line(b"%d %d" % (i, i * 7919 % 10007), i) for i in range(20_000)]
    packed = gzip.compress(b"".join(lines), mtime=0)
    frames, error = read_until_error(file, packed[: len(packed) // 2])
    assert 5_000 < len(frames) < 15_000
    assert b"".join(format_line(frame.payload, frame.received_ns) for frame in frames) == b"".join(
        lines[: len(frames)]
    )
    assert error.line == len(frames) + 1


@pytest.mark.parametrize("cut", [2, 5, 11])
def test_gzip_cut_at_once(file: Path, cut: int) -> None:
    """A compressed file cut off before its first line is an error of line 1."""
    frames, error = read_until_error(file, gzip.compress(RECORD)[:cut])
    assert (frames, error.line) == ([], 1)


@pytest.mark.parametrize("at", [-8, -4])
def test_gzip_wrong_sum(file: Path, at: int) -> None:
    """A compressed file with a wrong checksum or length is an error after its last line."""
    packed = bytearray(gzip.compress((RECORD + b"\n") * 3))
    packed[at] ^= 1
    frames, error = read_until_error(file, bytes(packed))
    assert (len(frames), error.line) == (3, 4)


def test_gzip_damaged(file: Path) -> None:
    """Compressed data that cannot be inflated is an error."""
    packed = bytearray(gzip.compress(RECORD + b"\n"))
    packed[10] |= 0b110  # The block type that does not exist (RFC 1951 section 3.2.3).
    frames, error = read_until_error(file, bytes(packed))
    assert (frames, error.line) == ([], 1)


def test_no_gzip_after_all(file: Path) -> None:
    """A file that only begins like gzip cannot be read at all: an OSError that names it."""
    file.write_bytes(b"\x1f\x8b\x09" + b"x" * 40)
    with pytest.raises(OSError, match=file.name):
        next(read_capture(file))


def test_no_file(tmp_path: Path) -> None:
    """A file that is missing, and a folder, are an OSError."""
    with pytest.raises(FileNotFoundError):
        next(read_capture(tmp_path / "absent.jsonl"))
    with pytest.raises(OSError, match=tmp_path.name):
        next(read_capture(os.fspath(tmp_path)))


@given(
    st.lists(
        st.tuples(
            st.binary() | st.text().map(str.encode),
            st.none() | st.integers(min_value=0, max_value=10**19 - 1),
        )
    ),
    st.booleans(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    frames: list[tuple[bytes, int | None]],
    packed: bool,
) -> None:
    """Whatever is written is read back exactly, text or not, one line each."""
    content = b"".join(format_line(*frame) for frame in frames)
    assert content.count(b"\n") == len(frames)
    path = tmp_path_factory.getbasetemp() / "round-trip"
    assert read(path, gzip.compress(content) if packed else content) == [
        (line, received_ns, payload) for line, (payload, received_ns) in enumerate(frames, 1)
    ]


@pytest.mark.parametrize(
    "payload, received_ns, line",
    [
        (HEARTBEAT, 7, b'{"ts": 0.000000007, "raw": "{\\"channel\\":\\"heartbeat\\"}"}\n'),
        ("é\n".encode(), None, '{"ts": null, "raw": "é\\n"}\n'.encode()),
        (b"\xff", 1_500_000_000, b'{"ts": 1.500000000, "raw_base64": "/w=="}\n'),
    ],
)
def test_line_as_written(payload: bytes, received_ns: int | None, line: bytes) -> None:
    """A record is one line of JSON; a payload that is not UTF-8 stands in it as base64."""
    assert format_line(payload, received_ns) == line


def test_real_captures(captures: Path) -> None:
    """Every line of every capture of real traffic is a record, read as json reads it."""
    files = sorted(captures.glob("*.jsonl"))
    assert files
    for file in files:
        records = [
            json.loads(line, parse_float=decimal.Decimal) for line in file.read_bytes().splitlines()
        ]
        assert [(frame.received_ns, frame.payload) for frame in read_capture(file)] == [
            (record["ts"] and int(record["ts"] * 10**9), record["raw"].encode())
            for record in records
        ]


def test_protocol_examples(examples: Path) -> None:
    """Every line of the protocol's examples is a plain frame, given as it stands."""
    files = sorted(examples.glob("v*.jsonl"))
    assert files
    for file in files:
        assert [frame.payload for frame in read_capture(file)] == file.read_bytes().splitlines()


@pytest.mark.parametrize("packed", [False, True])
def test_the_progress_is_told_in_bytes_of_the_file(file: Path, packed: bool) -> None:
    """Now and then, as it grows; of a compressed file in compressed bytes."""
    content = (HEARTBEAT + b"\n") * (3 * PROGRESS_LINES)
    data = gzip.compress(content) if packed else content
    file.write_bytes(data)
    told: list[int] = []
    assert len(list(read_capture(file, progress=told.append))) == 3 * PROGRESS_LINES
    assert len(told) == 3
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] <= len(data)
    if not packed:
        assert told[0] < told[1] < told[2]


def test_a_pipe_does_not_know_how_far_it_is(tmp_path: Path) -> None:
    """It is read all the same."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (HEARTBEAT + b"\n") * (2 * PROGRESS_LINES)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    told: list[int] = []
    assert len(list(read_capture(pipe, progress=told.append))) == 2 * PROGRESS_LINES
    writer.join()
    assert told == []


def test_recordings_tell_sessions_requests_and_notes_apart(file: Path) -> None:
    """What went out, and what is no frame, is for those alone who ask for it."""
    lines = [
        b'{"ts": 1, "kraken_trio": {"format": 1}}\n',
        format_line(HEARTBEAT, 2_000_000_000, session="public"),
        format_line(b'{"method":"ping"}', 3_000_000_000, session="private", sent=True),
        b'{"ts": null, "session": "public", "step": {"step": "disconnected"}}\n',
        b'{"ts": 4, "session": 7, "raw": "x"}\n',
        b'{"step": null, "kraken_trio": null}\n',
    ]
    file.write_bytes(b"".join(lines))
    assert list(read_lines(file)) == [
        CapturedNote(1, 1_000_000_000, None, None, b'{"format": 1}'),
        CapturedFrame(2, 2_000_000_000, HEARTBEAT, "public"),
        CapturedFrame(3, 3_000_000_000, b'{"method":"ping"}', "private", sent=True),
        CapturedNote(4, None, "public", b'{"step": "disconnected"}', None),
        CapturedFrame(5, 4_000_000_000, b"x", None),
        CapturedFrame(6, None, lines[-1].rstrip()),
    ]
    assert [frame.line for frame in read_capture(file)] == [2, 5, 6]
