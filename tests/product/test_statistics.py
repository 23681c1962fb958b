"""What a feed counts."""

from __future__ import annotations

import pytest
import trio

from kraken_trio import ConnectionState, KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange


@pytest.mark.parametrize("protocol", ["v2", "v1"])
async def test_the_counts_are_those_of_what_was_received(
    autojump_clock: trio.abc.Clock, protocol: str
) -> None:
    """Every record of a book is a verified message, but for a snapshot that has no checksum;
    everything received is a frame.
    """
    async with (
        open_exchange(seed=1, rate=100) as exchange,
        open_kraken(KrakenConfig(protocol=protocol, jitter=0.0), dial=exchange.dial) as feed,
    ):
        async with feed.book("BTC/USD") as book:
            received = 0
            while received < 100:
                received += len(await book.receive_batch())
            statistics = feed.statistics()
            (subscription,) = statistics.subscriptions
        assert statistics.states == {"public": ConnectionState.SUBSCRIBED}
        assert (statistics.faults, statistics.unknown, statistics.checksums_failed) == (0, 0, 0)
        assert statistics.checksums_ok == received - (protocol == "v1")
        assert statistics.frames >= received
        assert subscription.channel == book.channel
        assert subscription.live == ("BTC/USD",)
        assert subscription.records is not None
        assert subscription.records.received == received
        assert feed.statistics().subscriptions == ()
