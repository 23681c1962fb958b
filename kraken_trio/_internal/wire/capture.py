r"""Capture files: received frames, one a line, as they are stored and read again.

Knows the file format and nothing of what a frame says; never imports a decoder of frames,
reads no clock and holds one line at a time.

A line is a JSON object, ``{"ts": 1785644622.178672600, "raw": "{\"channel\":…}"}``:

* ``ts``: when the frame was received, in seconds since the epoch, or null where that is not
  known. The digits count: nanoseconds are taken from them, never from a float.
* ``raw``: the frame's text. A payload that is not UTF-8 (no text frame is) stands as base64
  in ``raw_base64`` instead, because JSON can hold it in no other way that every reader
  gives back unchanged.
* Other members are ignored, blank lines skipped.

A recording of our own has more (``recording`` writes and reads it):

* ``session``: on whose connection, where a feed had several.
* ``sent`` in the place of ``raw``: a frame that went out.
* ``step`` or ``kraken_trio`` in the place of both: what was done beside the frames, and what is to
  be known of the recording. These are no frames, and told to those alone who ask for them.

Every other line is a frame itself, as another tool stored it: an object with neither member,
an array (protocol v1), or text that is no JSON at all, which the exchange does send. Only a
line that begins as a JSON object and is not one is damage: half a record is not a frame.
A file compressed with gzip is known by its first bytes, whatever its name, and a byte order mark
at the beginning is no part of the first line.
"""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, Context
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import attrs
import msgspec

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.wire.faults import excerpt

PROGRESS_LINES = 1000
"""How many lines are read between two words about the progress."""
MAX_LINE_BYTES = 64 * 2**20
"""Four times the largest message that is received; JSON text escaped again at most doubles."""

_GZIP_MAGIC = b"\x1f\x8b"
_OBJECT_BEGUN = re.compile(rb'\s*\{\s*("|$)')
_MAX_SECONDS = 10**10  # The year 2286; a count of milliseconds, or finer, lies beyond it.
# Its own context: the precision and the traps of the caller's have no say in a file's meaning.
_DIGITS = Context(prec=40, rounding=ROUND_DOWN, traps=[])


@attrs.define(slots=False, eq=False)
class CaptureError(ProtocolError):
    """A line of a capture file is cut off or damaged; the lines around it may be whole.

    A file that cannot be read at all, because it is missing, is a folder, is forbidden or only
    begins like gzip, is an ``OSError`` instead.
    """

    path: str = attrs.field(kw_only=True)
    """The file, as it was named."""
    line: int = attrs.field(kw_only=True)
    """The number of the line, from 1; in a compressed file, of the line once uncompressed."""

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {super().__str__()}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle with the two that an exception's own way passes by position."""
        made = partial(type(self), path=self.path, line=self.line)
        return made, (self.reason, self.excerpt, self.close_code), self.__dict__


class CapturedFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame out of a capture file."""

    line: int
    """The number of its line, from 1."""
    received_ns: int | None
    """When it was received, in nanoseconds since the epoch; None where the file does not say."""
    payload: bytes
    """The frame's payload, byte for byte."""
    session: str | None = None
    """On whose connection; None where the file does not say."""
    sent: bool = False
    """Whether it went out."""


class CapturedNote(msgspec.Struct, frozen=True, gc=False):
    """A line of a recording that is no frame."""

    line: int
    """The number of its line, from 1."""
    noted_ns: int | None
    """When it was written, in nanoseconds since the epoch; None where the file does not say."""
    session: str | None
    """Which session it is about; None for all."""
    step: bytes | None
    """As JSON, what was done beside the frames."""
    about: bytes | None
    """As JSON, what is to be known of the recording."""


class _Line(msgspec.Struct, gc=False):
    raw: Any = None
    raw_base64: bytes | None = None
    ts: msgspec.Raw = msgspec.Raw(b"null")
    session: Any = None
    sent: Any = None
    step: msgspec.Raw = msgspec.Raw(b"null")
    kraken_trio: msgspec.Raw = msgspec.Raw(b"null")


_decode_line = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.encode


def _refuse(error: CaptureError) -> NoReturn:
    raise error


def read_capture(
    path: str | os.PathLike[str],
    *,
    max_line_bytes: int = MAX_LINE_BYTES,
    on_damage: Callable[[CaptureError], None] = _refuse,
    progress: Callable[[int], object] | None = None,
) -> Iterator[CapturedFrame]:
    """Give the frames of a capture file that came in, in order; otherwise as ``read_lines``."""
    lines = read_lines(path, max_line_bytes=max_line_bytes, on_damage=on_damage, progress=progress)
    for line in lines:
        if type(line) is CapturedFrame and not line.sent:
            yield line


def read_lines(
    path: str | os.PathLike[str],
    *,
    max_line_bytes: int = MAX_LINE_BYTES,
    on_damage: Callable[[CaptureError], None] = _refuse,
    progress: Callable[[int], object] | None = None,
) -> Iterator[CapturedFrame | CapturedNote]:
    """Give all that a capture file holds in order, reading it as it is asked for.

    ``progress`` is told now and then how many bytes of the file were read, compressed as they
    are; of a pipe, which does not know, never.

    A line that is cut off, damaged, or longer than ``max_line_bytes`` is told to ``on_damage``
    in its place, and the next line goes on; without one the error is raised. A compressed stream
    that is cut off or damaged is told the same way, and is the end. Raises ``OSError`` where the
    file cannot be read at all.
    """
    name = os.fspath(path)
    number = 0
    with Path(name).open("rb") as file:
        packed = file.peek(2)[:2] == _GZIP_MAGIC
        # The standard module, though zlib-ng inflates faster: at the end of a stream cut short
        # this one gives every line that was still whole, zlib-ng's drops its last buffer.
        readline = gzip.GzipFile(fileobj=file).readline if packed else file.readline
        while True:
            number += 1
            if progress is not None and number % PROGRESS_LINES == 0 and file.seekable():
                progress(file.tell())
            try:
                text = _next_line(readline, max_line_bytes)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                if number == 1 and isinstance(error, gzip.BadGzipFile):
                    raise gzip.BadGzipFile(f"{name}: {error}") from error
                reason = f"compressed data cut off or damaged: {error}"
                on_damage(CaptureError(reason, path=name, line=number))
                return
            if not text:
                return
            try:
                frame = _read_line(text, number, max_line_bytes)
            except ValueError as error:
                on_damage(CaptureError(str(error), excerpt(text), path=name, line=number))
            else:
                if frame is not None:
                    yield frame


def format_line(
    payload: bytes, received_ns: int | None, *, session: str | None = None, sent: bool = False
) -> bytes:
    """Write a frame as the line, its end included, that ``read_lines`` reads back exactly.

    ``received_ns`` counts nanoseconds since the epoch, from 0 up to the year 2286. One that was
    ``sent`` is UTF-8.
    """
    whose = b"" if session is None else b'"session": %b, ' % _encode(session)
    try:
        member = (b'"sent": ' if sent else b'"raw": ') + _encode(payload.decode())
    except UnicodeDecodeError:
        member = b'"raw_base64": ' + _encode(payload)
    return b'{"ts": %b, %b%b}\n' % (format_time(received_ns), whose, member)


def format_time(at_ns: int | None) -> bytes:
    """Write a time as seconds since the epoch, with all nine digits; null for None."""
    return b"null" if at_ns is None else b"%d.%09d" % divmod(at_ns, NANOSECONDS)


def _next_line(readline: Callable[[int], bytes], most: int) -> bytes:
    """Give the next line; of one that has more than ``most`` bytes, the first ``most + 1``."""
    text = readline(most + 1)
    rest = text
    while len(text) > most and rest and not rest.endswith(b"\n"):
        rest = readline(most)
    return text


def _read_line(text: bytes, number: int, most: int) -> CapturedFrame | CapturedNote | None:
    """Give what one line holds, None of a blank one; ``ValueError`` for a damaged one."""
    if len(text) > most:
        raise ValueError(f"longer than {most} bytes")
    if number == 1:
        text = text.removeprefix(codecs.BOM_UTF8)
    if not text or text.isspace():
        return None
    if text.lstrip().startswith(b"{"):
        try:
            line = _decode_line(text)
        except RecursionError:
            pass  # Whole or not, it is no record of ours; the decoder of frames will judge it.
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if _OBJECT_BEGUN.match(text):
                raise ValueError(f"JSON object cut off or damaged: {error}") from None
        else:
            ours = _taken(line, number)
            if ours is not None:
                return ours
    return CapturedFrame(number, None, text.rstrip(b"\r\n"))


def _taken(line: _Line, number: int) -> CapturedFrame | CapturedNote | None:
    """Give what a record of a capture file holds; None where it is none, but a frame itself."""
    session = line.session if isinstance(line.session, str) else None
    payload = line.raw.encode() if isinstance(line.raw, str) else line.raw_base64
    if payload is not None:
        return CapturedFrame(number, _nanoseconds(line.ts), payload, session)
    if isinstance(line.sent, str):
        return CapturedFrame(number, _nanoseconds(line.ts), line.sent.encode(), session, sent=True)
    step, about = (
        None if raw == b"null" else raw for raw in map(bytes, (line.step, line.kraken_trio))
    )
    if step is None and about is None:
        return None
    return CapturedNote(number, _nanoseconds(line.ts), session, step, about)


def _nanoseconds(ts: msgspec.Raw) -> int | None:
    """Give the nanoseconds that the digits of ``ts`` say; what is finer is cut off."""
    text = str(ts, "utf-8")
    if text == "null":
        return None
    seconds = _DIGITS.create_decimal(text)  # What is no number becomes NaN.
    if not (seconds.is_finite() and 0 <= seconds < _MAX_SECONDS):
        raise ValueError('"ts" is neither null nor a number of seconds since the epoch')
    return int(seconds.scaleb(9, _DIGITS))
