"""Trades folded into candles."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio import Gap, GapReason, Timestamp, Trade
from kraken_trio._internal.core.folding import Bar, Folder, fold_candles, trade_vwap

S = 10**9


def trade(number: int, at_s: float, price: str = "1.0", qty: str = "1", pair: str = "A/B") -> Trade:
    """Give a trade."""
    at = Timestamp(int(at_s * S))
    return Trade(pair, "buy", Decimal(price), Decimal(qty), "limit", number, at)


def test_trades_of_an_interval_are_one_candle() -> None:
    """With the first, the highest, the lowest and the last price, and their average."""
    trades = [
        trade(1, 5, "9", "1"),
        trade(2, 10, "3.0", "2"),
        trade(3, 12, "5.0", "1"),
        trade(4, 14.9, "2.0", "1"),
        trade(5, 30, "4.0", "1"),
    ]
    first, second, third = fold_candles(trades, 5)
    assert (first.begin, first.end, first.trades, first.whole) == (5 * S, 10 * S, 1, False)
    assert second == Bar(
        symbol="A/B",
        begin=Timestamp(10 * S),
        end=Timestamp(15 * S),
        open=Decimal("3.0"),
        high=Decimal("5.0"),
        low=Decimal("2.0"),
        close=Decimal("2.0"),
        vwap=Decimal("3.25"),
        trades=3,
        volume=Decimal(4),
        whole=True,
    )
    assert (third.begin, third.trades, third.whole) == (30 * S, 1, False)  # Not over yet.


def test_pairs_are_apart() -> None:
    """Each has its own intervals."""
    bars = list(fold_candles([trade(1, 1), trade(7, 2, pair="C/D"), trade(2, 2)], 60))
    assert [(bar.symbol, bar.trades) for bar in bars] == [("A/B", 2), ("C/D", 1)]


def test_a_missing_trade_is_known() -> None:
    """By its number or by a gap: on both sides of it nothing is whole."""
    by_number = list(
        fold_candles([trade(1, 1), trade(2, 10), trade(4, 20), trade(5, 30), trade(6, 40)], 10)
    )
    assert [bar.whole for bar in by_number] == [False, False, False, True, False]
    for channel, symbol, whole in (
        ("book", "A/B", True),
        ("trade", None, True),
        ("trade", "C/D", True),
        ("trade", "A/B", False),
    ):
        folder = Folder(10)
        folder.add(trade(1, 1))
        folder.add(trade(2, 11))
        assert folder.add(Gap(channel, symbol, GapReason.DISCONNECT)) is None
        assert [bar.whole for bar in folder.running()] == [False]  # Not over yet.
        over = folder.add(trade(3, 21))
        assert over is not None
        assert over.whole is whole


def test_what_was_there_before_means_nothing() -> None:
    """A candle that is told the same again has it once, and is as whole as it was."""
    folder = Folder(10)
    for each in (trade(1, 1), trade(2, 11), trade(2, 11), trade(1, 1)):
        folder.add(each)
    (bar,) = folder.running()
    assert (bar.trades, bar.whole) == (1, False)  # Not over yet.
    over = folder.add(trade(3, 21))
    assert over is not None
    assert (over.trades, over.whole) == (1, True)


@pytest.mark.parametrize("late", [0, 1, 9])
def test_a_late_trade_is_in_no_candle(late: int) -> None:
    """The next in number, of a time that is over: it belongs to the candle before, which was told.
    The one that runs meanwhile is not whole by it; the one behind that is.
    """
    folder = Folder(10)
    for each in (trade(1, 1), trade(2, 11)):
        folder.add(each)
    assert folder.add(trade(3, late)) is None
    (bar,) = folder.running()
    assert bar.trades == 1
    over = folder.add(trade(4, 21))
    assert over is not None
    assert (over.begin, over.trades, over.whole) == (bar.begin, 1, False)
    after = folder.add(trade(5, 31))
    assert after is not None
    assert (after.trades, after.whole) == (1, True)


def test_trades_of_nothing_have_a_price() -> None:
    """The last one."""
    (bar,) = fold_candles([trade(1, 1, "2.0", "0")], 1)
    assert (bar.vwap, bar.volume) == (Decimal("2.0"), Decimal(0))


@pytest.mark.parametrize("interval", [0, -1, 1e-12])
def test_an_interval_takes_time(interval: float) -> None:
    """A nanosecond at least."""
    with pytest.raises(ValueError, match="interval_s"):
        Folder(interval)


def test_the_average_of_trades() -> None:
    """Weighed by their quantities; none of none."""
    assert trade_vwap([trade(1, 1, "1", "3"), trade(2, 1, "5", "1")]) == 2
    assert trade_vwap([]) is None
