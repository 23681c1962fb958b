"""A cancellation at any moment leaves nothing behind, and the next feed works."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio import BookSnapshot, ConnectionState, Gap, KrakenConfig, open_kraken
from kraken_trio.extended import Dial, TcpDial
from kraken_trio.testing import Exchange, open_exchange

CONFIGS = {
    "v2": KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0),
    "v1": KrakenConfig(endpoint="wss://exchange.test/", protocol="v1", jitter=0.0),
}


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


Play = Callable[[], Awaitable[None]]
Scene = Callable[[Exchange, Dial, KrakenConfig], Awaitable[None]]


async def subscribing(exchange: Exchange, dial: Dial, config: KrakenConfig) -> None:
    """Open, subscribe, consume, leave."""
    async with (
        open_kraken(config, dial=dial) as feed,
        feed.book("BTC/USD") as book,
        feed.trades("BTC/USD", "NO/PE"),
    ):
        for _ in range(3):
            await book.receive()


async def connecting(exchange: Exchange, dial: Dial, config: KrakenConfig) -> None:
    """The same on a connection that is being made already, and is ended by hand."""
    async with open_kraken(config, dial=dial) as feed:
        feed.connect()
        async with feed.book("BTC/USD") as book, feed.events() as events:
            await book.receive()
            await events.receive()
        feed.disconnect()


async def resyncing(exchange: Exchange, dial: Dial, config: KrakenConfig) -> None:
    """A wrong checksum, and the snapshot that mends it."""
    async with open_kraken(config, dial=dial) as feed, feed.book("BTC/USD") as book:
        await book.receive()
        exchange.connections[-1].corrupt_next_book("BTC/USD")
        while not isinstance(await book.receive(), Gap):
            pass
        assert isinstance(await book.receive(), BookSnapshot)


async def reconnecting(exchange: Exchange, dial: Dial, config: KrakenConfig) -> None:
    """A cut connection, and all that comes back on the next."""
    async with (
        open_kraken(config, dial=dial) as feed,
        feed.book("BTC/USD", "ETH/USD") as books,
        feed.spread("BTC/USD"),
    ):
        await books.receive()
        exchange.connections[-1].drop()
        while not isinstance(await books.receive(), Gap):
            pass
        await feed.wait_state(ConnectionState.SUBSCRIBED)


SCENES = [subscribing, connecting, resyncing, reconnecting]


async def cancelled(instrument: CancelAtStep, step: int, exchange: Exchange, scene: Play) -> bool:
    """Play a scene that is cancelled at a step; say whether it still was playing."""
    with trio.fail_after(10):
        with trio.CancelScope() as scope:
            instrument.steps = step
            instrument.scope = scope
            await scene()
        instrument.scope = None
        while exchange.connections:  # noqa: ASYNC110 - the exchange has no event for that
            await trio.sleep(0.01)
    return scope.cancelled_caught


def in_memory(scene: Scene, step: int, config: KrakenConfig) -> bool:
    """Play a scene in memory, and then another one of the same exchange, which is not cancelled."""
    instrument = CancelAtStep(step)

    async def program() -> bool:
        async with open_exchange(seed=1, rate=100) as exchange:
            play = partial(scene, exchange, exchange.dial, config)
            in_time = await cancelled(instrument, step, exchange, play)
            if in_time:
                with trio.fail_after(10):
                    await subscribing(exchange, exchange.dial, config)
        return in_time

    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(program, clock=clock, instruments=[instrument])


@pytest.mark.parametrize("protocol, apart", [("v2", 1), ("v1", 7)])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_cancellation_at_any_step_leaves_nothing(scene: Scene, protocol: str, apart: int) -> None:
    """At every step of every task: no connection remains, and the next feed works. At every seventh
    by protocol v1, which has the same tasks.
    """
    for step in itertools.count(1, apart):
        if not in_memory(scene, step, CONFIGS[protocol]):
            break
    assert step > 50


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_cancellation_leaves_no_socket(scene: Scene, count_sockets: Callable[[], Any]) -> None:
    """The same over TLS on real sockets, at every fifth step, with one exchange for all."""
    instrument = CancelAtStep(0)

    async def program() -> int:
        async with open_exchange(seed=1, rate=1000) as exchange:
            address = await exchange.listen()
            config = KrakenConfig(endpoint=address.url, initial_delay=0.001, budget=10_000)
            sockets = count_sockets()
            play = partial(scene, exchange, TcpDial(address.client_ssl_context), config)
            for step in itertools.count(1, 5):
                in_time = await cancelled(instrument, step, exchange, play)
                assert sockets.open() == 0
                if not in_time:
                    return step
        raise AssertionError

    assert trio.run(program, instruments=[instrument]) > 50
