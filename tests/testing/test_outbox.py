"""What waits to be sent is in order, bounded, and ends with a Close."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from kraken_trio._internal.testing.outbox import Outbox, wrong_checksum

BOOK = b'{"channel":"book","data":[{"checksum":1348273380,"timestamp":"..."}]}'


def made(max_backlog: int = 10) -> tuple[Outbox, list[str]]:
    """Make one, and a list of why it was closed."""
    reasons: list[str] = []
    return Outbox(max_backlog, reasons.append), reasons


async def taken(outbox: Outbox) -> list[str | bytes]:
    """Take everything that comes before the Close."""
    messages = []
    while (message := await outbox.take()) is not None:
        messages.append(message)
    return messages


async def test_messages_come_in_order_as_text() -> None:
    """Messages are taken as they were put in, as text unless they are not UTF-8; then the end."""
    outbox, reasons = made()
    outbox.put(b"one")
    outbox.tell("zwei \N{DEER}".encode(), "status")
    await outbox.tell_in_turn(b"\xff")
    assert outbox.backlog == 3
    outbox.close(1000, "")
    assert reasons == ["closed with code 1000"]
    assert await taken(outbox) == ["one", "zwei \N{DEER}", b"\xff"]


async def test_nothing_comes_after_the_close() -> None:
    """Once it is to close, it takes nothing more, and the first reason stands."""
    outbox, reasons = made()
    outbox.put(b"before")
    outbox.close(4000, "enough")
    outbox.put(b"after")
    outbox.tell(b"after", "trade", "BTC/USD")
    await outbox.tell_in_turn(b"after")
    outbox.close(1000, "again")
    assert outbox.closing == (4000, "enough")
    assert reasons == ["closed with code 4000: enough"]
    assert await taken(outbox) == ["before"]


async def test_a_full_one_gives_up() -> None:
    """One message too many, and it closes at once, for that reason; what waits stays unsent."""
    outbox, reasons = made(3)
    for number in range(5):
        outbox.put(b"%d" % number)
    assert outbox.backlog == 3
    assert outbox.closing == (1008, "3 messages were not read in time")
    assert reasons == ["closed with code 1008: 3 messages were not read in time"]
    assert await outbox.take() is None


async def test_a_full_one_can_be_closed() -> None:
    """To close when there is no room for the Close, what waits is left unsent."""
    outbox, _ = made(1)
    outbox.put(b"0")
    outbox.close(1000, "")
    assert outbox.closing == (1000, "")
    assert await outbox.take() is None


async def test_who_waits_for_room_gets_it() -> None:
    """A frame in turn waits until there is room, and is not one too many."""
    outbox, reasons = made(1)
    async with trio.open_nursery() as nursery:
        for frame in (b"0", b"1", b"2"):
            nursery.start_soon(outbox.tell_in_turn, frame)
        await trio.testing.wait_all_tasks_blocked()
        assert {await outbox.take() for _ in range(3)} == {"0", "1", "2"}
    assert reasons == []


async def test_alterations() -> None:
    """The next frames of a channel and symbol are altered, each once, in the order of asking."""
    outbox, _ = made(20)
    outbox.alter_next("trade", "BTC/USD", lambda frame: (frame, frame))
    outbox.alter_next("trade", "BTC/USD", lambda _: ())
    outbox.alter_next("instrument", None, lambda _: (b"changed",))
    for symbol in ("ETH/USD", "BTC/USD", "BTC/USD", "BTC/USD"):
        outbox.tell(symbol.encode(), "trade", symbol)
    outbox.tell(b"instruments", "instrument")
    outbox.tell(b"instruments", "instrument")
    outbox.put(b"raw")
    outbox.close(1000, "")
    assert await taken(outbox) == [
        *("ETH/USD", "BTC/USD", "BTC/USD", "BTC/USD"),
        *("changed", "instruments", "raw"),
    ]


async def test_it_knows_when_a_channel_spoke(autojump_clock: trio.testing.MockClock) -> None:
    """The time of the last frame of a channel is kept; answers do not count."""
    outbox, _ = made()
    await trio.sleep(5)
    outbox.tell(b"", "trade")
    await trio.sleep(1)
    outbox.put(b"")
    assert outbox.told_at == trio.current_time() - 1
    await outbox.tell_in_turn(b"")
    assert outbox.told_at == trio.current_time()


@pytest.mark.parametrize(
    "frame, altered",
    [
        (BOOK, BOOK.replace(b"1348273380", b"1348273381")),
        (BOOK.replace(b"1348273380", b"4294967295"), BOOK.replace(b"1348273380", b"4294967294")),
        (b"{}", b"{}"),
    ],
)
def test_wrong_checksums(frame: bytes, altered: bytes) -> None:
    """A wrong checksum is another one of the same range, and nothing else is changed."""
    assert wrong_checksum(frame) == (altered,)
