"""What a feed counts."""

from __future__ import annotations

import trio

from kraken_trio import ConnectionState, KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


async def test_the_counts_are_those_of_what_was_received(autojump_clock: trio.abc.Clock) -> None:
    """Every record of a book is a verified message; everything received is a frame."""
    async with (
        open_exchange(seed=1, rate=100) as exchange,
        open_kraken(CONFIG, dial=exchange.dial) as feed,
    ):
        async with feed.book("BTC/USD") as book:
            received = 0
            while received < 100:
                received += len(await book.receive_batch())
            statistics = feed.statistics()
            (subscription,) = statistics.subscriptions
        assert statistics.states == {"public": ConnectionState.SUBSCRIBED}
        assert (statistics.faults, statistics.unknown, statistics.checksums_failed) == (0, 0, 0)
        assert statistics.checksums_ok == received
        assert statistics.frames >= received
        assert subscription.channel == book.channel
        assert subscription.live == ("BTC/USD",)
        assert subscription.records is not None
        assert subscription.records.received == received
        assert feed.statistics().subscriptions == ()
