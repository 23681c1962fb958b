"""One subscription in the roster, and which wishes it serves."""

from __future__ import annotations

from random import Random

import pytest

from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.core.entry import Entry, clash
from kraken_trio._internal.core.subscription import Subscription
from kraken_trio._internal.model.channel import Channel


def test_an_entry_starts_unwanted_and_whole() -> None:
    """Nobody wants it, nothing was seen of it, nothing is lost."""
    backoff = Backoff(initial=1.0, maximum=2.0, multiplier=2.0, jitter=0.0, random=Random(0))
    part = Channel.book("BTC/USD")
    entry = Entry(part, Subscription(part, timeout_s=10.0, backoff=backoff))
    assert (entry.users, entry.seen, entry.mending) == (0, False, False)
    assert (entry.lost, entry.confirmed_at) == (None, None)


@pytest.mark.parametrize(
    "there, wanted, words",
    [
        (Channel.book("BTC/USD"), Channel.book("BTC/USD"), None),
        (Channel.book("BTC/USD"), Channel.book("BTC/USD", depth=25), "has one of them"),
        (Channel.trades("BTC/USD", snapshot=True), Channel.trades("BTC/USD"), None),
        (Channel.trades("BTC/USD"), Channel.trades("BTC/USD", snapshot=True), "without its"),
    ],
)
def test_two_wishes_are_one_subscription_or_clash(
    there: Channel, wanted: Channel, words: str | None
) -> None:
    """Whether one came with a snapshot is all in which they may differ, and one way only."""
    found = clash(there, wanted)
    assert found is None if words is None else words in str(found)
