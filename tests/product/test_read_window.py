"""The read window, in the live feed: what comes quickly is handed on together, and all of it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from kraken_trio import BookUpdate, KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange

BTC = "BTC/USD"


@pytest.mark.parametrize("window", [0.0, 0.5])
async def test_what_comes_quickly_is_read_together(
    autojump_clock: trio.testing.MockClock, window: float
) -> None:
    """With a window a consumer is woken once for many; without one, for each. None is missing."""
    config = KrakenConfig(read_window=window)
    moments: list[float] = []
    async with (
        open_exchange(seed=3, ledger=1000) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
        feed.book(BTC) as book,
    ):
        await book.receive()

        async def consume() -> None:
            async for item in book:
                assert isinstance(item, BookUpdate)
                moments.append(trio.current_time())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume)
            for _ in range(200):
                exchange.step()
                await trio.sleep(0.01)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        # Every frame of the book but the snapshot, which was received before.
        assert len(moments) == len(exchange.ledger.entries(connection=1, channel="book")) - 1
    # In two seconds, at even times.
    wakes = len(set(moments))
    assert wakes <= 2 / window + 2 if window else wakes == len(moments)
