"""Candles and the figures of a day are what the trades add up to."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from kraken_trio._internal.model.channel import OHLC_INTERVALS
from kraken_trio._internal.testing.frames import TradeRow
from kraken_trio._internal.testing.tape import CANDLE_SNAPSHOT, Day, Tape, rounded

KEPT = 500
MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE
START = 20_000 * DAY


def made(*trades: tuple[int, int, int]) -> Tape:
    """Make a tape of trades, each a time after the start, a price and a quantity."""
    tape = Tape(KEPT)
    for number, (at, price, qty) in enumerate(trades):
        tape.add(("buy", price, qty, "limit", number, START + at))
    return tape


@pytest.mark.parametrize("interval", OHLC_INTERVALS)
def test_candles_fold_the_trades(interval: int) -> None:
    """A candle has the first, highest, lowest and last price of its interval, and the sums."""
    dice = random.Random(interval)
    length = interval * MINUTE
    trades = sorted(
        (dice.randrange(5 * length), dice.randrange(1, 100), dice.randrange(1, 100))
        for _ in range(60)
    )
    wanted = []
    for begin in sorted({(START + at) // length * length for at, _, _ in trades}):
        rows = [(p, q) for at, p, q in trades if begin <= START + at < begin + length]
        prices = [price for price, _ in rows]
        volume = sum(qty for _, qty in rows)
        vwap = Fraction(sum(price * qty for price, qty in rows), volume)
        wanted.append(
            (
                *(begin, prices[0], max(prices), min(prices), prices[-1]),
                *(len(rows), volume, int(vwap + Fraction(1, 2))),
            )
        )
    candles = made(*trades).candles(interval, CANDLE_SNAPSHOT)
    assert [tuple(candle) for candle in candles] == wanted
    assert made(*trades).candles(interval, 1) == candles[-1:]


def test_intervals_without_trades_have_no_candle() -> None:
    """Between two candles, others may be missing; of a long row, the latest are given."""
    tape = made(*((2 * number * MINUTE, 5, 1) for number in range(40)))
    begins = [candle.begin for candle in tape.candles(1, CANDLE_SNAPSHOT)]
    assert begins == [START + 2 * number * MINUTE for number in range(28, 40)]


def test_a_day_is_what_was_traded_in_it() -> None:
    """What is older than 24 hours counts no more; the first price left is what it changed from."""
    tape = made((0, 1, 100), (2 * MINUTE, 200, 1), (DAY // 2, 150, 2), (DAY, 210, 1))
    assert tape.day(START + DAY) == Day(
        volume=4, vwap=178, low=150, high=210, change=10, change_pct=500, trades=3
    )
    assert tape.day(START + DAY // 2).low == 1


def test_a_day_without_trades() -> None:
    """After a day of silence the last price stands for all of them, and nothing changed."""
    tape = made((0, 7, 3))
    assert tape.day(START + DAY) == Day(0, 7, 7, 7, 0, 0, 0)


def test_the_latest_trades_are_kept() -> None:
    """The tape ends where it was written last, and its beginning is dropped when it grows long."""
    tape = made(*((number, 5, 1) for number in range(KEPT + 5)))
    assert len(tape.trades) == KEPT
    latest: list[TradeRow] = tape.latest(2)
    assert [trade[4] for trade in latest] == [KEPT + 3, KEPT + 4]


@pytest.mark.parametrize(
    "dividend, divisor, quotient",
    [(0, 3, 0), (1, 3, 0), (2, 3, 1), (1, 2, 1), (-1, 2, 0), (-2, 3, -1), (7, 1, 7)],
)
def test_quotients_are_rounded_to_the_nearest(dividend: int, divisor: int, quotient: int) -> None:
    """A quotient is the nearest whole number, the higher one of two that are as near."""
    assert rounded(dividend, divisor) == quotient
