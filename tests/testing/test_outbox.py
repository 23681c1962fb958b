"""What waits to be sent is in order, bounded, and ends with a Close."""

from __future__ import annotations

import trio
import trio.testing

from kraken_trio._internal.testing.outbox import Outbox
from kraken_trio._internal.testing.packet import PACKET_BYTES, half, packet


def made(max_backlog: int = 10) -> tuple[Outbox, list[str]]:
    """Make one, and a list of why it was closed."""
    reasons: list[str] = []
    return Outbox(max_backlog, reasons.append), reasons


async def taken(outbox: Outbox) -> list[bytes]:
    """Take everything that comes before the Close."""
    frames: list[bytes] = []
    while (taken := await outbox.take()) is not None:
        assert taken.wire == packet(taken.frames).wire
        frames += taken.frames
    return frames


async def test_messages_come_in_order() -> None:
    """Messages are taken as they were put in, as many at once as there are; then the end."""
    outbox, reasons = made()
    outbox.put(b"one")
    outbox.tell("zwei \N{DEER}".encode(), "status")
    first = await outbox.take()
    assert first == packet((b"one", "zwei \N{DEER}".encode()))
    assert outbox.backlog == 2  # They are under way.
    await outbox.tell_in_turn(packet((b"\xff", b"4")))
    outbox.put(b"5")
    assert outbox.backlog == 5
    outbox.close(1000, "")
    assert reasons == ["closed with code 1000"]
    assert await taken(outbox) == [b"\xff", b"4", b"5"]
    assert outbox.backlog == 0


async def test_much_is_taken_piece_by_piece() -> None:
    """What waits is taken in pieces of some size; packets made before stay as they are."""
    outbox, _ = made(1000)
    frame = b"x" * (PACKET_BYTES // 10)
    for _ in range(25):
        outbox.put(frame)
    ready, broken = packet((b"a", b"b")), half(b"half")
    outbox.put_packet(ready)
    outbox.put_packet(broken)
    outbox.put(b"lost")
    sizes = [len(some.frames) for _ in range(3) if (some := await outbox.take())]
    assert sizes == [11, 11, 3]
    assert await outbox.take() is ready
    assert await outbox.take() is broken


async def test_it_can_be_held() -> None:
    """While it is held everything waits; released, it all comes at once, and a close releases."""
    outbox, _ = made()
    got: list[bytes] = []

    async def take() -> None:
        got.extend(await taken(outbox))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        outbox.hold()
        outbox.put(b"1")
        outbox.tell(b"2", "trade", "BTC/USD")
        await trio.testing.wait_all_tasks_blocked()
        assert (got, outbox.backlog) == ([], 2)
        outbox.release()
        await trio.testing.wait_all_tasks_blocked()
        assert outbox.backlog == 0
        outbox.hold()
        outbox.put(b"3")
        await trio.testing.wait_all_tasks_blocked()
        assert outbox.backlog == 1
        outbox.close(1000, "")
    assert got == [b"1", b"2", b"3"]


async def test_a_subscription_can_be_silenced() -> None:
    """What is told of a silent channel and symbol never comes; answers do."""
    outbox, _ = made()
    outbox.silent.add(("book", "BTC/USD"))
    outbox.tell(b"silent", "book", "BTC/USD")
    outbox.tell(b"other", "book", "ETH/USD")
    outbox.put(b"answer")
    outbox.close(1000, "")
    assert await taken(outbox) == [b"other", b"answer"]


async def test_nothing_comes_after_the_close() -> None:
    """Once it is to close, it takes nothing more, and the first reason stands."""
    outbox, reasons = made()
    outbox.put(b"before")
    outbox.close(4000, "enough")
    outbox.put(b"after")
    outbox.tell(b"after", "trade", "BTC/USD")
    await outbox.tell_in_turn(packet((b"after",)))
    outbox.close(1000, "again")
    assert outbox.closing == (4000, "enough")
    assert reasons == ["closed with code 4000: enough"]
    assert await taken(outbox) == [b"before"]


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
    """What waits when it is closed is still sent, however much it is."""
    outbox, _ = made(1)
    outbox.put(b"0")
    outbox.close(1000, "")
    assert outbox.closing == (1000, "")
    assert await taken(outbox) == [b"0"]


async def test_who_waits_for_room_gets_it() -> None:
    """A frame in turn waits until there is room, and is not one too many."""
    outbox, reasons = made(1)
    async with trio.open_nursery() as nursery:
        for frame in (b"0", b"1", b"2"):
            nursery.start_soon(outbox.tell_in_turn, packet((frame,)))
        await trio.testing.wait_all_tasks_blocked()
        got: set[bytes] = set()
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()
            some = await outbox.take()
            assert some is not None
            got.update(some.frames)
    assert got == {b"0", b"1", b"2"}
    assert reasons == []


async def test_who_waits_for_room_when_it_closes() -> None:
    """Who waits for room waits no longer once it is to close, and is not heard."""
    outbox, _ = made(1)
    outbox.put(b"0")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.tell_in_turn, packet((b"1",)))
        await trio.testing.wait_all_tasks_blocked()
        outbox.close(1000, "")
    assert await taken(outbox) == [b"0"]


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
        *(b"ETH/USD", b"BTC/USD", b"BTC/USD", b"BTC/USD"),
        *(b"changed", b"instruments", b"raw"),
    ]


async def test_it_knows_when_a_channel_spoke(autojump_clock: trio.testing.MockClock) -> None:
    """The time of the last frame of a channel is kept; answers do not count."""
    outbox, _ = made()
    await trio.sleep(5)
    outbox.tell(b"", "trade")
    await trio.sleep(1)
    outbox.put(b"")
    assert outbox.told_at == trio.current_time() - 1
    await outbox.tell_in_turn(packet((b"",)))
    assert outbox.told_at == trio.current_time()


async def test_another_protocol() -> None:
    """What is told in another protocol is altered before that, but for what is cut off."""
    outbox, _ = made()
    outbox.translate = lambda frame: (frame.upper(), b"!")
    outbox.put(b"one")
    for altered in ((b"other",), (b"tw",), ()):
        outbox.alter_next("status", None, lambda _, altered=altered: altered)  # type: ignore[misc]
        outbox.tell(b"twofold", "status")
    outbox.tell(b"three", "status")
    outbox.close(1000, "")
    assert await taken(outbox) == [b"ONE", b"!", b"OTHER", b"!", b"TW", b"", b"THREE", b"!"]
