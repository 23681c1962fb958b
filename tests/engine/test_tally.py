"""What routes counted, added up."""

from __future__ import annotations

import pytest

from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.tally import Tally, book_statistics, counted
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling, GapPolicy
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.model.messages import RecordsMessage

PARTS = [
    Channel.book("BTC/USD"),
    Channel.trades("BTC/USD"),
    Channel.ticker("ETH/USD"),
    Channel.instrument(),
]
USUAL = GapHandling()


def test_closed_ones_are_not_forgotten() -> None:
    """Of each channel and symbol, and of all together."""
    tally = Tally()
    for _ in range(2):
        for part in PARTS:
            route = make_route(part, USUAL)
            route.messages = 3
            tally.add(route)
    line = make_route(PARTS[1], GapHandling(backfill=True))
    line.messages = 1
    counts = tally.parts([line])
    assert {part: figures["messages"] for part, figures in counts.items()} == {
        ("book", "BTC/USD"): 0,
        ("trade", "BTC/USD"): 7,
        ("ticker", "ETH/USD"): 6,
        ("instrument", None): 6,
    }
    assert counts["trade", "BTC/USD"]["trades_backfilled"] == 0
    assert tally.parts([])["trade", "BTC/USD"]["messages"] == 6
    assert tally.total([line], "messages") == 19
    assert tally.total([line], "checksums_ok") == 0


def test_books_are_shown_as_they_stand() -> None:
    """Nothing else is a book."""
    routes = [make_route(part, USUAL) for part in PARTS]
    routes[2].take(RecordsMessage("ticker", False, (), None, None))  # noqa: FBT003 - a struct
    (book,) = book_statistics("public", routes)
    assert (book.session, book.channel, book.symbol) == ("public", "book", "BTC/USD")
    assert (book.state, book.depth, book.updates) == (BookState.AWAITING_SNAPSHOT, 10, 0)


IN_A_BOOK = {"checksums_ok", "checksums_failed"}


@pytest.mark.parametrize(
    "channel, policy, names",
    [
        (Channel.book("BTC/USD"), GapPolicy.RESYNC, IN_A_BOOK),
        (Channel.level3("BTC/USD"), GapPolicy.RESYNC, IN_A_BOOK),
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
    assert counted(make_route(part, GapHandling(policy=policy))) == dict.fromkeys(
        {"messages", *names}, 0
    )
