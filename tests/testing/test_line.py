"""A line passes everything on, until it goes mute."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from kraken_trio._internal.testing.line import Line, SharedLine
from kraken_trio._internal.testing.memory import CAPACITY, memory_streams


async def test_it_is_a_stream() -> None:
    """Trio's own checks of what a stream must do hold for two lines, too."""

    async def made() -> tuple[Line, Line]:
        one, other = memory_streams()
        return Line(one), Line(other)

    async def clogged() -> tuple[Line, Line]:
        one, other = await made()
        await one.send_all(bytes(CAPACITY))
        await other.send_all(bytes(CAPACITY))
        return one, other

    await trio.testing.check_two_way_stream(made, clogged)


async def test_a_mute_line_keeps_up_appearances() -> None:
    """A mute line takes what is sent and tells nobody, and hears nothing but the end."""
    ours, theirs = memory_streams()
    line = Line(ours)
    line.muted = True
    await line.send_all(bytes(10 * CAPACITY))
    with trio.move_on_after(0) as scope:
        await theirs.receive_some()
    assert scope.cancelled_caught
    async with trio.open_nursery() as nursery:
        await nursery.start(_expect_the_end, line)
        await theirs.send_all(b"hello?")
        await trio.testing.wait_all_tasks_blocked()
        assert not line.ended.is_set()
        await theirs.aclose()
    assert line.ended.is_set()


async def _expect_the_end(line: Line, task_status: trio.TaskStatus[None]) -> None:
    task_status.started()
    assert await line.receive_some() == b""


async def test_the_end_is_noticed() -> None:
    """A line has ended once there is nothing more to receive, it was closed, or it broke."""
    ours, theirs = memory_streams()
    line = Line(ours)
    await theirs.send_all(b"last")
    await theirs.aclose()
    assert await line.receive_some(100) == b"last"
    assert not line.ended.is_set()
    assert await line.receive_some(100) == b""
    assert line.ended.is_set()

    line = Line(memory_streams()[0])
    await line.aclose()
    assert line.ended.is_set()

    ours, theirs = memory_streams()
    line = Line(ours)
    await theirs.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await line.send_all(b"too late")
    assert line.ended.is_set()

    ours, _ = memory_streams()
    line = Line(ours)
    await ours.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await line.receive_some()
    assert line.ended.is_set()


async def test_on_a_shared_line_each_has_its_turn() -> None:
    """Tasks that send at the same time do not mix what they say; a mute line takes it all."""
    ours, theirs = memory_streams()
    line = SharedLine(ours)
    got = b""
    async with trio.open_nursery() as nursery:
        for letter in (b"a", b"b", b"c"):
            nursery.start_soon(line.send_all, letter * 2 * CAPACITY)
        while len(got) < 6 * CAPACITY:
            got += await theirs.receive_some()
    assert len(set(got[: 2 * CAPACITY])) == len(set(got[-2 * CAPACITY :])) == 1
    line.muted = True
    await line.send_all(b"unheard")
    await line.aclose()
    assert await theirs.receive_some() == b""
