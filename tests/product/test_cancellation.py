"""A cancellation at any moment leaves nothing behind, and the next feed works."""

from __future__ import annotations

import itertools

import pytest
import trio
import trio.testing

from kraken_trio import BookSnapshot, KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)
OURS = ("supervisor", "watchdog", "dispatcher", "subscription", "writer", "goodbye")


class CancelAtStep(trio.abc.Instrument):
    """Cancels a scope right before the n-th step of a task, or of any task of ours."""

    def __init__(self, steps: int) -> None:
        """Cancel before that many steps more."""
        self.steps = steps
        self.scope: trio.CancelScope | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - any task's
        """Count, and cancel."""
        if self.scope is None:
            return
        self.steps -= 1
        if self.steps == 0:
            self.scope.cancel()


def our_tasks() -> list[str]:
    """Give the names of all tasks that belong to a feed."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    found, tasks = [], [root]
    while tasks:
        task = tasks.pop()
        found.append(task.name)
        for nursery in task.child_nurseries:
            tasks += nursery.child_tasks
    return [name for name in found if name.startswith(OURS)]


async def use_a_feed(dial: object, *, connect_first: bool) -> None:
    """Open, subscribe, consume, leave."""
    async with open_kraken(CONFIG, dial=dial) as feed:  # type: ignore[arg-type]
        if connect_first:
            feed.connect()
        async with feed.book("BTC/USD") as book, feed.trades("BTC/USD", "NO/PE"):
            for _ in range(3):
                await book.receive()


def cancelled_at(step: int, *, connect_first: bool) -> bool:
    """Run a program in which a feed is cancelled at a step; say whether it still was running."""
    instrument = CancelAtStep(step)

    async def program() -> bool:
        async with open_exchange(seed=1, rate=100) as exchange:
            with trio.CancelScope() as scope:
                instrument.scope = scope
                await use_a_feed(exchange.dial, connect_first=connect_first)
            instrument.scope = None
            with trio.fail_after(5):
                await trio.sleep(3)
                assert our_tasks() == []
                assert not exchange.connections
                async with (
                    open_kraken(CONFIG, dial=exchange.dial) as feed,
                    feed.book("BTC/USD") as book,
                ):
                    assert isinstance(await book.receive(), BookSnapshot)
            return scope.cancelled_caught

    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(program, clock=clock, instruments=[instrument])


@pytest.mark.parametrize("connect_first", [False, True])
def test_a_cancellation_at_any_step_leaves_nothing(connect_first: bool) -> None:
    """Opening, subscribing, consuming, leaving: at every step of every task."""
    for step in itertools.count(1):
        if not cancelled_at(step, connect_first=connect_first):
            break
    assert step > 50
