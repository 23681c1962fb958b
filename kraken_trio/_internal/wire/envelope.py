"""What kind of frame it is: which channel speaks, or which method is answered.

Knows the outermost members of a frame and nothing inside them.

Real frames begin with their channel, so a guess from the first bytes is nearly always right;
and the type that a channel's frames are decoded to holds what the guess assumed, so a wrong
one fails there and costs time, never truth. Frames that begin otherwise (members in another
order, white space) are asked properly.

Source: sections "Responses" and "Channel messages" of the WebSocket v2 documentation, and
captured refusals, in all their shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.messages import Message
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.instants import Instants

Reader = Callable[[bytes, Timestamp | None], Message]
"""Decodes the frames of one kind: payload and time of receipt to the message. Raises what
``faults.FAULTS`` names."""

# With four characters of the name all channels differ.
PREFIX_BYTES = len('{"channel":"book')
"""How much of a frame the guess looks at."""


def prefix(channel: str) -> bytes:
    """Give what the frames of a channel begin with."""
    return f'{{"channel":"{channel}'.encode()[:PREFIX_BYTES]


class Unanswering(Struct, frozen=True, gc=False, kw_only=True):
    """Base of every channel's frame: what makes a frame an answer must not be in it."""

    method: None = None
    """Set in an answer."""
    error: None = None
    """Set in a refusal; private channels name their channel in it too."""
    bare_error: None = msgspec.field(default=None, name="Error")
    """Set in the refusal that says nothing else."""


class ChannelFrame(Unanswering, frozen=True, gc=False, kw_only=True):
    """Base of the frames that carry data."""

    type: Literal["snapshot", "update"]
    """Whether it is what was known before, or news."""


class Envelope(Struct, frozen=True, gc=False):
    """What tells a frame's kind. ``method`` counts first: a refusal may hold a channel too."""

    channel: str | None = None
    """Who speaks."""
    method: str | None = None
    """What is answered."""
    error: str | None = None
    """Why something was refused."""
    bare_error: str | None = msgspec.field(default=None, name="Error")
    """The same, in the one shape that has nothing else: ``{"Error":"Exceeded msg rate"}``."""

    @property
    def answers(self) -> bool:
        """Whether the frame answers a request, rather than carrying a channel's data."""
        return self.method is not None or self.error is not None or self.bare_error is not None


read_envelope: Callable[[bytes], Envelope] = msgspec.json.Decoder(Envelope).decode
"""Give a frame's envelope, whatever the order of its members."""

_CHANNEL = re.compile(rb'"channel"\s*:\s*"([a-z0-9]{1,20})"')
_SYMBOL = re.compile(rb'"symbol"\s*:\s*"([^"\\]{1,40})"')
_INTERVAL = re.compile(rb'"interval"\s*:\s*(\d{1,9})\b')


def guess_owner(frame: bytes) -> tuple[str, str | None, int | None] | None:
    """Whose data a frame that cannot be decoded held: channel, symbol, candle interval.

    It may be no JSON at all, so this is a search for the first of each, and a guess; None where
    there is no channel.
    """
    channel = _CHANNEL.search(frame)
    if channel is None:
        return None
    symbol, interval = _SYMBOL.search(frame), _INTERVAL.search(frame)
    return (
        channel[1].decode(),
        None if symbol is None else symbol[1].decode(errors="replace"),
        None if interval is None else int(interval[1]),
    )


FrameT = TypeVar("FrameT", bound=Struct)
"""Some kind of frame."""


def frame_decoder(frame: type[FrameT], instants: Instants) -> Callable[[bytes], FrameT]:
    """Make the decoder of one kind of frame, which reads times with ``instants``."""

    def read_time(_: type[Any], value: object) -> Timestamp:
        if not isinstance(value, str):
            raise TypeError("a time is not text")  # The decoder reports it as its own error.
        return instants.parse(value)

    return msgspec.json.Decoder(frame, dec_hook=read_time).decode
