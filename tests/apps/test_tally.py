"""What was seen of a pair, added up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio import BookSnapshot, BookUpdate, Feed, Gap, GapReason, Level, Timestamp, Trade
from kraken_trio._internal.apps.tally import Tally, price

BID, ASK = Level(Decimal("1.50"), Decimal(1)), Level(Decimal("1.75"), Decimal(1))


class StillFeed:
    """A feed whose book stands still."""

    def __init__(self, best: tuple[Level | None, Level | None] | None) -> None:
        """With these best levels."""
        self.best = best

    def best_bid_ask(self, symbol: str) -> tuple[Level | None, Level | None] | None:  # noqa: ARG002
        """Give them."""
        return self.best


def look(tally: Tally, best: tuple[Level | None, Level | None] | None, now: float) -> None:
    """Look at such a feed."""
    feed: Any = StillFeed(best)
    assert hasattr(Feed, "best_bid_ask")
    tally.look(feed, now)


def update() -> BookUpdate:
    """Give an update."""
    return BookUpdate("A/B", (), (), BID, ASK, 0)


def test_records_and_gaps_are_counted_apart() -> None:
    """Each for itself, wrong checksums among the gaps."""
    tally = Tally("A/B")
    for item in (
        BookSnapshot("A/B", 10, (BID,), (ASK,), 0),
        update(),
        Trade("A/B", "buy", Decimal("1.60"), Decimal(1), "limit", 1, Timestamp(0)),
        Gap("book", "A/B", GapReason.CHECKSUM),
        Gap("trade", "A/B", GapReason.DISCONNECT),
    ):
        tally.add(item)
    assert (tally.updates, tally.trades, tally.gaps, tally.wrong) == (2, 1, 2, 1)
    assert tally.last == Decimal("1.60")


def test_how_the_book_stands() -> None:
    """Waiting, live, resyncing; without a spread where a side is empty or it is not live."""
    tally = Tally("A/B")
    look(tally, None, 0.0)
    assert (tally.book, tally.spread) == ("waiting", None)
    tally.add(update())
    look(tally, (BID, ASK), 0.1)
    assert (tally.book, tally.spread) == ("live", Decimal("0.25"))
    look(tally, (None, ASK), 0.2)
    assert (tally.book, tally.spread) == ("live", None)
    look(tally, None, 0.3)
    assert (tally.book, tally.bid, tally.spread) == ("resync", None, None)


def test_the_rate_is_that_of_late() -> None:
    """What is more than two seconds old does not count."""
    tally = Tally("A/B")
    look(tally, None, 0.0)
    assert tally.rate == 0.0
    for second in range(1, 5):
        for _ in range(10 * second):
            tally.add(update())
        look(tally, None, float(second))
    assert tally.rate == pytest.approx((30 + 40) / 2)


def test_a_price_or_a_dash() -> None:
    """Of a number, of a level, of nothing."""
    assert [price(Decimal("1E-7")), price(BID), price(None)] == ["0.0000001", "1.50", "-"]
