"""A thread that does one thing after another."""

from __future__ import annotations

import threading

import pytest
import trio
import trio.testing

from kraken_trio._internal.observe.scribe import Scribe


async def test_things_are_done_in_order_by_one_thread() -> None:
    """And what comes of each is given."""
    scribe = Scribe("test")
    first = await scribe.do(threading.get_ident)
    assert first != threading.get_ident()
    assert await scribe.do(threading.get_ident) == first
    assert await scribe.finish(10)


async def test_what_fails_is_raised_and_the_next_is_done() -> None:
    """Where it was waited for."""
    scribe = Scribe("test")

    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await scribe.do(fail)
    assert await scribe.do(lambda: 5) == 5
    assert await scribe.finish(10)


async def test_one_that_never_began_has_ended() -> None:
    """There is nothing to wait for."""
    assert await Scribe("test").finish(0)


async def test_a_disk_that_hangs_keeps_nobody() -> None:
    """Not a cancellation, and not the end; nor does it matter that the run is over by then."""
    scribe, go = Scribe("test"), threading.Event()
    with trio.CancelScope() as scope:
        scope.cancel()
        await scribe.do(go.wait)
    assert scope.cancelled_caught
    assert not await scribe.finish(0.01)
    go.set()
    assert await scribe.finish(10)


def test_a_run_that_is_over_is_not_told() -> None:
    """The thread goes on all the same."""
    scribe, go, done = Scribe("test"), threading.Event(), threading.Event()

    def work() -> None:
        go.wait()

    async def main() -> None:
        with trio.move_on_after(0):
            await scribe.do(work)

    trio.run(main)
    go.set()

    async def end() -> None:
        done.set()
        assert await scribe.finish(10)

    trio.run(end)
    assert done.is_set()
