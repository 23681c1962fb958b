"""What the snapshot of a probe says: quiet, kept from us, or from when we were not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.engine.probe import (
    Probe,
    begun_at,
    mostly_other,
    newer,
    over_at,
    same_book,
    same_ticker,
    stalled,
)
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.records import BookSnapshot, Candle, Level, Ticker, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

ONE, TWO = Decimal(1), Decimal(2)
MINUTE = 60 * NANOSECONDS


def trade(number: int) -> Trade:
    """Give the trade with this number, one a minute."""
    return Trade("BTC/USD", "buy", ONE, ONE, "limit", number, Timestamp(number * MINUTE))


def candle(minute: int, **more: Any) -> Candle:
    """Give the candle of this minute."""
    begin = Timestamp(minute * MINUTE)
    return replace(Candle("BTC/USD", 1, begin, ONE, ONE, ONE, ONE, ONE, 1, ONE), **more)


@pytest.mark.parametrize(
    "probe, at, verdict",
    [
        (Probe(left_at=Timestamp(5)), Timestamp(5), GapReason.STALLED),
        (Probe(left_at=Timestamp(5)), Timestamp(6), GapReason.DISCONNECT),
        (Probe(left_at=Timestamp(5)), None, GapReason.STALLED),
        (Probe(), Timestamp(6), GapReason.STALLED),
    ],
)
def test_what_happened_after_we_left_was_not_kept_from_us(
    probe: Probe, at: Timestamp | None, verdict: GapReason
) -> None:
    """Where the times are not known, the worse is told."""
    assert probe.verdict(at) is verdict


@pytest.mark.parametrize(
    "held, gone, other",
    [(10, 0, False), (10, 5, False), (10, 6, True), (3, 3, False), (4, 4, True), (0, 0, False)],
)
def test_what_takes_most_of_a_book_took_more_than_a_moment(
    held: int, gone: int, *, other: bool
) -> None:
    """A few levels may go at once; what came instead does not matter."""
    levels = [Level(Decimal(price), ONE) for price in range(1, held + 1)]
    left = (*levels[gone:], Level(Decimal(100), ONE), Level(Decimal(101), ONE))
    before = BookSnapshot("BTC/USD", 10, tuple(levels[:2]), tuple(levels[2:]), 0)
    assert mostly_other(before, replace(before, bids=left[:3], asks=left[3:])) == other


def test_what_happened_before_it_was_confirmed_is_none_of_ours() -> None:
    """And where that moment is not known, nothing is claimed."""
    probe = Probe(confirmed_at=Timestamp(5))
    assert [probe.since_confirmed(Timestamp(at)) for at in (5, 6)] == [False, True]
    assert not Probe().since_confirmed(Timestamp(6))


def test_books_are_compared_level_by_level() -> None:
    """Both sides count, and nothing else."""
    level = Level(ONE, TWO)
    book = BookSnapshot("BTC/USD", 10, (level,), (level,), 7, None, None)
    assert same_book(book, replace(book, checksum=8, timestamp=Timestamp(1)))
    assert not same_book(book, replace(book, bids=()))
    assert not same_book(book, replace(book, asks=(Level(ONE, ONE),)))


@pytest.mark.parametrize("field", ["bid", "bid_qty", "ask", "ask_qty", "last", "volume"])
def test_tickers_are_compared_by_what_makes_one_come(field: str) -> None:
    """The last price, or the best levels; the rest changes with the clock."""
    one = Ticker("BTC/USD", *(ONE,) * 11, timestamp=None)
    other = replace(one, **{field: TWO})
    assert same_ticker(one, other, by_trades=True) == (field != "last")
    assert same_ticker(one, other, by_trades=False) == (field in ("last", "volume"))


def test_news_are_what_comes_after_the_last() -> None:
    """Of trades by number, of candles by time, and the running one where it has changed."""
    trades = [trade(number) for number in (1, 2, 3)]
    assert newer(trades, trade(2)) == [trade(3)]
    assert newer(trades, None) == trades
    more = candle(2, trades=2)
    assert newer([candle(1), candle(2), candle(3)], candle(2)) == [candle(3)]
    assert newer([candle(1), more], candle(2)) == [more]


@pytest.mark.parametrize("field", ["trades", "volume", "close"])
def test_a_candle_has_changed_with_any_trade(field: str) -> None:
    """Each leaves its mark in one of these."""
    assert newer([candle(1, **{field: 3})], candle(1))


def test_only_what_was_over_when_we_left_was_kept_from_us() -> None:
    """Of a running candle nobody knows when it changed."""
    probe = Probe(left_at=Timestamp(2 * MINUTE))
    assert stalled(probe, [trade(2), trade(3)])
    assert not stalled(probe, [trade(3)])
    assert stalled(probe, [candle(1)])
    assert not stalled(probe, [candle(2)])
    assert not stalled(probe, [])
    assert (begun_at(candle(1)), over_at(candle(1))) == (MINUTE, 2 * MINUTE)
    assert begun_at(trade(1)) == over_at(trade(1)) == MINUTE
