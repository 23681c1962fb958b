"""The last frames, as they came and went: a ring bounded by bytes, what a page is shown of it, and
a capture file made of it.

Knows the form of a capture's line, and nothing of what a frame says but where its channel stands.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

ROOM_BYTES: Final = 8 * 2**20
"""Of frames that are kept."""
FRAME_BYTES: Final = 200
"""What one takes beside its bytes, about: without it, empty ones would cost nothing."""
MOST_FRAMES: Final = 5_000
"""That are kept, however small."""
CUT_BYTES: Final = 4096
"""Of one that are shown."""
MOST_SHOWN: Final = 60
"""In one message."""
MOST_SHOWN_BYTES: Final = 64 * 1024
"""Of their texts in one message, but for the last one's."""
MOST_SEARCHED: Final = 1_000
"""Frames that one look goes through: under a flood the older ones of a moment are passed over."""

_CHANNEL: Final = re.compile(rb'"channel"\s*:\s*"([^"]{0,40})"')
_CHANNEL_WITHIN: Final = 4096
"""Bytes of a frame that its channel is looked for in; it stands at the beginning."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame."""

    n: int
    """Its number, from 1."""
    at_ns: int
    """When, in nanoseconds since the epoch."""
    session: str
    """On whose connection."""
    sent: bool
    """Whether it went out."""
    payload: bytes
    """Its bytes."""

    @property
    def channel(self) -> str:
        """What it is about; empty for what names no channel."""
        found = _CHANNEL.search(self.payload, 0, _CHANNEL_WITHIN)
        return found[1].decode("utf-8", "replace") if found else ""


class Filter(msgspec.Struct, frozen=True):
    """Which frames are wanted; None for all."""

    session: str | None = None
    """Of this session."""
    channel: str | None = None
    """Of this channel."""
    text: str | None = None
    """That have this in them, in any case of letters."""

    def lets(self, frame: Frame) -> bool:
        """Whether it is one of them."""
        return (
            (not self.session or frame.session == self.session)
            and (not self.channel or frame.channel == self.channel)
            and (not self.text or self.text.lower().encode() in frame.payload.lower())
        )


class Frames:
    """The last frames."""

    def __init__(self, room_bytes: int = ROOM_BYTES, most: int = MOST_FRAMES) -> None:
        """Keep so many bytes, and frames, at most."""
        self.total = 0
        """How many there were, ever."""
        self.received = 0
        """How many of them came in."""
        self.received_bytes: dict[str, int] = {}
        """What those had, by session."""
        self.last_ns: int | None = None
        """When the last one came in."""
        self._room = room_bytes
        self._most = most
        self._held = 0
        self._kept: deque[Frame] = deque()

    def add(self, session: str, payload: bytes, at_ns: int, *, sent: bool) -> None:
        """Keep one, and let the oldest go where there is no room."""
        self.total += 1
        if not sent:
            self.received += 1
            self.received_bytes[session] = self.received_bytes.get(session, 0) + len(payload)
            self.last_ns = at_ns
        self._kept.append(Frame(self.total, at_ns, session, sent, payload))
        self._held += FRAME_BYTES + len(payload)
        while self._held > self._room or len(self._kept) > self._most:
            self._held -= FRAME_BYTES + len(self._kept.popleft().payload)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def since(self, n: int, wanted: Filter) -> list[dict[str, Any]]:
        """The last of those after number ``n`` that are wanted, oldest first, for a page."""
        new = min(self.total - n, len(self._kept), MOST_SEARCHED)
        found: list[dict[str, Any]] = []
        size = 0
        for frame in islice(reversed(self._kept), max(new, 0)):
            if not wanted.lets(frame):
                continue
            size += min(len(frame.payload), CUT_BYTES)
            if found and size > MOST_SHOWN_BYTES:
                break
            found.append(_shown(frame))
            if len(found) == MOST_SHOWN:
                break
        found.reverse()
        return found

    def capture(self) -> Iterator[bytes]:
        """The lines of a capture file of all that is kept, with those of what went out."""
        for frame in tuple(self._kept):
            yield _line(frame)


def _shown(frame: Frame) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "n": frame.n,
        "time": frame.at_ns // 1_000_000,
        "session": frame.session,
        "direction": "out" if frame.sent else "in",
        "bytes": len(frame.payload),
        "text": frame.payload[:CUT_BYTES].decode("utf-8", "replace"),
    }
    if len(frame.payload) > CUT_BYTES:
        shown["cut"] = True
    return shown


def _line(frame: Frame) -> bytes:
    member = "sent" if frame.sent else "raw"
    try:
        what = {member: frame.payload.decode(), "session": frame.session}
    except UnicodeDecodeError:
        what = {"raw_base64": base64.b64encode(frame.payload).decode(), "session": frame.session}
    seconds, rest = divmod(frame.at_ns, 10**9)
    # Written by hand: a float would not hold the nanoseconds.
    return b'{"ts":%d.%09d,' % (seconds, rest) + msgspec.json.encode(what)[1:] + b"\n"
