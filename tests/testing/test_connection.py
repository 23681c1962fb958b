"""What a test can see of a client, and do to it."""

from __future__ import annotations

import pytest
import trio

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.testing import faults, frames
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.conversation import Conversation
from kraken_trio._internal.testing.line import Line
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.testing.outbox import Alteration, Outbox
from kraken_trio._internal.testing.packet import half
from kraken_trio._internal.testing.part import Part, usual_result
from tests.testing.conftest import Sessions


class Listing(Sessions):
    """Lists everything."""

    refusals: dict[str, str | None] = {}  # noqa: RUF012 - nobody puts anything in
    result = staticmethod(usual_result)

    def refusal(self, part: Part) -> None:
        """Refuse nothing."""


class Parts:
    """A connection and what it is made of."""

    def __init__(self) -> None:
        """Make it."""
        self.line = Line(memory_streams()[0])
        self.outbox = Outbox(10, self.end)
        self.conversation = Conversation(Listing())
        self.scope = trio.CancelScope()
        self.connection = ExchangeConnection(
            1,
            line=self.line,
            outbox=self.outbox,
            conversation=self.conversation,
            scope=self.scope,
        )

    def end(self, why: str) -> None:
        """Note why it closed."""
        self.connection.ended = why

    async def sent(self) -> list[bytes]:
        """Take what waits to be sent."""
        taken = await self.outbox.take()
        assert taken is not None
        return list(taken.frames)


async def test_its_subscriptions_are_channels() -> None:
    """What it is subscribed to is shown in the library's words, symbol by symbol."""
    parts = Parts()
    assert parts.connection.subscriptions == ()
    request = (
        b'{"method":"subscribe","params":'
        b'{"channel":"book","symbol":["BTC/USD","ETH/USD"],"depth":25}}'
    )
    parts.conversation.hear(request, 0)
    assert parts.connection.subscriptions == Channel.book("BTC/USD", "ETH/USD", depth=25).parts()


async def test_anything_can_be_sent() -> None:
    """Text, and bytes that are text or are not, are sent as they are."""
    parts = Parts()
    for frame in ("CloudFlare WebSocket proxy restarting", b'{"a":1}', b"\xff"):
        parts.connection.send_raw(frame)
    assert parts.connection.backlog == 3
    assert await parts.sent() == [
        *(b"CloudFlare WebSocket proxy restarting", b'{"a":1}', b"\xff"),
    ]


async def test_frames_can_be_altered() -> None:
    """The next frame of a book is given a wrong checksum; any other is altered as told."""
    parts = Parts()
    connection, outbox = parts.connection, parts.outbox
    connection.corrupt_next_book("BTC/USD")
    connection.alter_next("trade", "BTC/USD", lambda _: ())
    for _ in range(2):
        outbox.tell(b'{"checksum":6}', "book", "BTC/USD")
    outbox.tell(b"a trade", "trade", "BTC/USD")
    connection.close(4001, "so long")
    assert await parts.sent() == [b'{"checksum":7}', b'{"checksum":6}']
    assert await outbox.take() is None
    assert outbox.closing == (4001, "so long")
    assert connection.ended == "closed with code 4001: so long"


@pytest.mark.parametrize(
    "fault, about, alter",
    [
        ("drop_next", ("trade", "BTC/USD"), faults.dropped),
        ("repeat_next", ("trade", "BTC/USD"), faults.doubled),
        ("corrupt_next_book", ("BTC/USD",), faults.wrong_checksum),
        ("corrupt_next_quantity", ("book", "BTC/USD"), faults.wrong_quantity),
        ("truncate_next", ("trade", "BTC/USD"), faults.truncated),
        ("unsort_next_book", ("BTC/USD",), faults.unsorted_levels),
        ("repeat_price_in_next_book", ("BTC/USD",), faults.repeated_price),
        ("corrupt_next_level3", ("BTC/USD",), faults.wrong_checksum),
        ("unsort_next_level3", ("BTC/USD",), faults.unsorted_adds),
        ("add_unknown_member", ("instrument", None), faults.unknown_member),
        ("use_unknown_value", ("instrument", None), faults.unknown_value),
    ],
)
async def test_faults_by_name(fault: str, about: tuple[str | None, ...], alter: Alteration) -> None:
    """Each fault that is asked for is that of the next frame of its channel and symbol."""
    parts = Parts()
    frame = (
        b'{"channel":"book","type":"update","data":[{"bids":[{"price":3,"qty":5},'
        b'{"price":2,"qty":5},{"price":1,"qty":5}],"asks":[],"checksum":5,'
        b'"more":[{"event":"add","order_id":"A"},{"event":"add","order_id":"B"}]}]}'
    )
    getattr(parts.connection, fault)(*about)
    book = "level3" if fault.endswith("level3") else "book"
    channel, symbol = about if len(about) == 2 else (book, about[0])
    assert channel is not None
    parts.outbox.tell(frame, channel, symbol)
    parts.outbox.tell(frame, channel, symbol)
    assert list(alter(frame)) != [frame]
    assert await parts.sent() == [*alter(frame), frame]


async def test_messages_by_name() -> None:
    """What a client should survive can be sent at any time."""
    parts = Parts()
    parts.connection.send_rate_refusal()
    parts.connection.send_proxy_notice()
    parts.connection.send_unknown_channel()
    assert await parts.sent() == [frames.rate_frame(), frames.proxy_frame(), frames.unknown_frame()]


async def test_it_can_be_silenced_and_held() -> None:
    """One subscription can fall silent for good, and everything can be made to wait."""
    parts = Parts()
    parts.connection.silence("book", "BTC/USD")
    parts.outbox.tell(b"book", "book", "BTC/USD")
    parts.outbox.tell(b"trade", "trade", "BTC/USD")
    parts.connection.hold()
    with trio.move_on_after(0):
        await parts.outbox.take()
    assert parts.connection.backlog == 1
    parts.connection.release()
    assert await parts.sent() == [b"trade"]


async def test_who_was_silenced_can_speak_again() -> None:
    """As well as one that was stalled until it is subscribed to anew."""
    parts = Parts()
    for quieten in (parts.connection.silence, parts.connection.stall):
        quieten("book", "BTC/USD")
        parts.outbox.tell(b"kept", "book", "BTC/USD")
        parts.connection.speak("book", "BTC/USD")
        parts.outbox.tell(b"told", "book", "BTC/USD")
    assert await parts.sent() == [b"told", b"told"]


async def test_it_can_be_cut_in_a_frame() -> None:
    """A heartbeat, or another frame, is sent in half, to be followed by a cut."""
    parts = Parts()
    parts.connection.cut_in_frame()
    parts.connection.hold()
    parts.connection.cut_in_frame(b"another")
    taken = [await parts.outbox.take() for _ in range(2)]
    assert taken == [half(b'{"channel":"heartbeat"}'), half(b"another")]


async def test_it_can_be_cut_or_muted() -> None:
    """Dropping cancels what serves it, muting keeps the line; the first reason stands."""
    parts = Parts()
    parts.connection.mute()
    assert parts.line.muted
    assert (parts.scope.cancel_called, parts.connection.ended) == (False, None)
    parts.connection.drop()
    assert (parts.scope.cancel_called, parts.connection.ended) == (True, "dropped")
    parts.connection.ended = "for another reason"
    parts.connection.drop()
    assert parts.connection.ended == "for another reason"
