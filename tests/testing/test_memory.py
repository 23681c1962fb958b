"""A stream in memory behaves as trio's streams do, and as a socket with a buffer does."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from kraken_trio._internal.testing.memory import CAPACITY, MemoryStream, memory_streams


async def made() -> tuple[MemoryStream, MemoryStream]:
    """Make two ends."""
    return memory_streams()


async def clogged() -> tuple[MemoryStream, MemoryStream]:
    """Make two ends with no room left, either way."""
    one, other = memory_streams()
    await one.send_all(bytes(CAPACITY))
    await other.send_all(bytes(CAPACITY))
    return one, other


async def test_it_is_a_stream() -> None:
    """Trio's own checks of what a stream must do hold, for conflicts, closing and cancelling."""
    await trio.testing.check_two_way_stream(made, clogged)


async def test_bytes_come_in_order() -> None:
    """What is sent is received, in as many pieces as one likes, and at the end there is nothing."""
    one, other = memory_streams()
    await one.send_all(b"abc")
    await one.send_all(b"")
    await one.send_all(bytearray(b"def"))
    assert await other.receive_some(2) == b"ab"
    assert await other.receive_some() == b"cdef"
    await one.send_all(memoryview(b"g"))
    await one.aclose()
    assert await other.receive_some(5) == b"g"
    assert await other.receive_some(5) == b""


async def test_a_slow_reader_holds_up_the_sender() -> None:
    """Past its capacity a sender waits for the reader; all of it arrives."""
    one, other = memory_streams()
    sent = bytes(range(256)) * (CAPACITY // 64)
    got = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.send_all, sent)
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        while len(got) < len(sent):
            got += await other.receive_some(10_000)
    assert bytes(got) == sent


async def test_a_send_that_was_cancelled_may_be_followed() -> None:
    """After a cancelled send some of it has arrived, and the next one follows it."""
    one, other = memory_streams()
    with trio.move_on_after(0) as scope:
        await one.send_all(bytes(CAPACITY + 1))
    assert scope.cancelled_caught
    await one.send_all(b"a")
    assert await other.receive_some() == b"a"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.send_all, bytes(CAPACITY + 5))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert len(await other.receive_some()) == CAPACITY
    await one.send_all(b"b")
    assert await other.receive_some() == b"b"


async def test_sizes_are_checked() -> None:
    """Nothing cannot be asked for."""
    with pytest.raises(ValueError, match="1 or more"):
        await memory_streams()[0].receive_some(0)
