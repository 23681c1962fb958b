"""What kind of frame it is."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import (
    PREFIX_BYTES,
    ChannelFrame,
    Envelope,
    frame_decoder,
    guess_owner,
    prefix,
    read_envelope,
)
from kraken_trio._internal.wire.instants import Instants

CHANNELS = (
    "balances",
    "book",
    "executions",
    "heartbeat",
    "instrument",
    "level3",
    "ohlc",
    "status",
    "ticker",
    "trade",
)


class Frame(ChannelFrame, frozen=True, kw_only=True):
    """A frame with a time in it."""

    channel: Literal["book"]
    at: Timestamp | None = None


def test_prefixes_differ() -> None:
    """A frame's first bytes tell all channels apart."""
    assert len({prefix(channel) for channel in CHANNELS}) == len(CHANNELS)
    assert {len(prefix(channel)) for channel in CHANNELS} == {PREFIX_BYTES}


@pytest.mark.parametrize(
    "payload, envelope, answers",
    [
        (b'{"channel":"heartbeat"}', Envelope(channel="heartbeat"), False),
        (b' { "data":[{}] , "channel" : "book"}', Envelope(channel="book"), False),
        (b'{"method":"pong"}', Envelope(method="pong"), True),
        (
            b'{"channel":"executions","error":"ESession:Invalid session","method":"subscribe"}',
            Envelope("executions", "subscribe", "ESession:Invalid session"),
            True,
        ),
        (b'{"error":"Method(s) not found"}', Envelope(error="Method(s) not found"), True),
        (b'{"Error":"Exceeded msg rate"}', Envelope(bare_error="Exceeded msg rate"), True),
        (b"{}", Envelope(), False),
    ],
)
def test_envelope(payload: bytes, envelope: Envelope, answers: bool) -> None:
    """A frame's kind is found in whatever order its members stand."""
    found = read_envelope(payload)
    assert found == envelope
    assert found.answers is answers


@pytest.mark.parametrize("member", ['"method":"m"', '"error":"e"', '"Error":"e"'])
def test_answer_is_no_channel_frame(member: str) -> None:
    """What makes a frame an answer is refused by the decoder of a channel's frames."""
    decode = frame_decoder(Frame, Instants())
    decode(b'{"channel":"book","type":"update","method":null,"error":null}')
    with pytest.raises(msgspec.ValidationError):
        decode(f'{{"channel":"book","type":"update",{member}}}'.encode())


def test_frame_of_another_channel_is_refused() -> None:
    """A guess that was wrong is noticed."""
    with pytest.raises(msgspec.ValidationError):
        frame_decoder(Frame, Instants())(b'{"channel":"booking","type":"update"}')


def test_times_are_read() -> None:
    """A decoder reads times, and tells where a wrong one stands."""
    decode = frame_decoder(Frame, Instants())
    frame = decode(b'{"channel":"book","type":"update","at":"1970-01-01T00:00:01.000000002Z"}')
    assert frame.at == 1_000_000_002
    for wrong in (b'"tomorrow"', b"5", b"[]"):
        with pytest.raises(msgspec.ValidationError, match=r"\$\.at"):
            decode(b'{"channel":"book","type":"update","at":%s}' % wrong)


@pytest.mark.parametrize(
    "frame, owner",
    [
        (
            b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[}',
            ("book", "BTC/USD", None),
        ),
        (b'{ "data":[{"interval" : 5,"symbol":"A/B"}],"channel" :"ohlc"', ("ohlc", "A/B", 5)),
        (b'{"channel":"instrument","data":', ("instrument", None, None)),
        (b'{"channel":"ticker","data":[{"symbol":"\xff/USD"}]}', ("ticker", "\ufffd/USD", None)),
        (b'{"method":"pong"', None),
        (b"\x00\xff", None),
    ],
)
def test_whose_a_broken_frame_was_is_guessed(
    frame: bytes, owner: tuple[str, str | None, int | None] | None
) -> None:
    """By the first of each name in it, whatever else is wrong with it."""
    assert guess_owner(frame) == owner
