"""What a test can see of a client, and do to it."""

from __future__ import annotations

import trio

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.conversation import Conversation, Part, usual_result
from kraken_trio._internal.testing.line import Line
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.testing.outbox import Outbox


class Listing:
    """Lists everything."""

    channels = frozenset({"trade", "book"})
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
        self.conversation = Conversation(Listing(), several_intervals=True)
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
