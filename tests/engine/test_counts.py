"""What a route counts that is told of its session as a whole."""

from __future__ import annotations

import pytest

from kraken_trio import Channel, GapPolicy
from kraken_trio._internal.engine.counts import counted
from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.model.gap import GapHandling

BOOK = {"checksums_ok", "checksums_failed"}


@pytest.mark.parametrize(
    "channel, policy, names",
    [
        (Channel.book("BTC/USD"), GapPolicy.RESYNC, BOOK),
        (Channel.level3("BTC/USD"), GapPolicy.RESYNC, BOOK),
        (Channel.trades("BTC/USD"), GapPolicy.RESYNC, {"trades_repeated"}),
        (
            Channel.trades("BTC/USD"),
            GapPolicy.BUFFER,
            {"trades_repeated", "trades_backfilled"},
        ),
        (Channel.ohlc("BTC/USD"), GapPolicy.RESYNC, set()),
        (Channel.ticker("BTC/USD"), GapPolicy.RESYNC, set()),
    ],
)
def test_each_counts_what_it_can(channel: Channel, policy: GapPolicy, names: set[str]) -> None:
    """Nothing has happened yet."""
    (part,) = channel.parts()
    assert counted(make_route(part, GapHandling(policy=policy))) == dict.fromkeys(names, 0)
