"""One pair: exact digits, bounded memory, nothing made up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from kraken_trio import Level, Timestamp
from kraken_trio._internal.apps.view.pair import (
    CANDLES,
    LEVELS,
    POINT_MS,
    POINTS,
    TAPE,
    Pair,
    ladder,
    plain,
)

if TYPE_CHECKING:
    from tests.apps.view.conftest import Made

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.fixture
def pair() -> Pair:
    """Give a pair of which nothing is known."""
    return Pair("BTC/USD", 0)


def test_what_nobody_told_is_not_made_up(pair: Pair) -> None:
    """A card of nothing has no number on it."""
    card = pair.card(None, None)
    assert card.pop("direction") == 0
    assert card.pop("spark") == []
    assert set(card.values()) == {None}


def test_numbers_keep_all_their_digits(pair: Pair, made: type[Made]) -> None:
    """Trailing zeros, and small ones without an exponent."""
    pair.add(made.ticker("10.50"), 1)
    card = pair.card("online", None)
    assert (card["last"], card["volume"], card["change_pct"]) == ("10.50", "0.00000100", "1.00")
    assert (card["bid"], card["ask"], card["spread"]) == ("9.9", "10.1", "0.2")
    assert (card["status"], card["updated"]) == ("online", 1)
    assert plain(None) is None


def test_the_live_book_is_newer_than_the_ticker(pair: Pair, made: type[Made]) -> None:
    """Where one side of it is empty, the ticker's stays."""
    pair.add(made.ticker(), 1)
    card = pair.card(None, (Level(Decimal("9.95"), Decimal(1)), None))
    assert (card["bid"], card["ask"], card["spread"]) == ("9.95", "10.1", "0.15")


def test_the_last_price_is_the_last_trade(pair: Pair, made: type[Made]) -> None:
    """The ticker gives it until there is one; up and down are told, and kept while it stands."""
    pair.add(made.ticker("9.0"), 1)
    assert (pair.last, pair.direction) == (Decimal("9.0"), 0)
    for price, direction in (("10.0", 1), ("10.0", 1), ("9.5", -1), ("9.50", -1)):
        pair.add(made.trade(1, price), 2)
        assert (pair.last, pair.direction) == (Decimal(price), direction)
    pair.add(made.ticker("8.0"), 3)
    assert pair.last == Decimal("9.5")


def test_the_card_changes_when_something_came(pair: Pair, made: type[Made]) -> None:
    """Not with a book, or a candle, which are shown elsewhere."""
    versions = []
    for record in (made.ticker(), made.trade(1), made.book("1"), made.candle(0), "what else"):
        pair.add(record, 0)
        versions.append(pair.version)
    assert versions == [1, 2, 2, 2, 2]


def test_the_line_has_a_point_for_some_time(pair: Pair, made: type[Made]) -> None:
    """The last price of it; live trades by this machine's clock, old ones by their own."""
    pair.add(made.trade(1, "1.0", at_ms=1_000, snapshot=True), 90_000)
    pair.add(made.trade(2, "2.0", at_ms=5 * POINT_MS, snapshot=True), 90_000)
    skewed = 3_600_000
    pair.add(made.trade(3, "3.0", at_ms=skewed), 90_000)
    pair.add(made.trade(4, "4.0", at_ms=skewed), 90_500)
    pair.add(made.trade(5, "5.0", at_ms=skewed, backfilled=True), 90_600)
    assert pair.card(None, None)["spark"] == [[0, "1.0"], [10_000, "2.0"], [90_000, "5.0"]]


def test_what_is_kept_is_bounded(pair: Pair, made: type[Made]) -> None:
    """Trades, points and candles."""
    for number in range(TAPE + 50):
        pair.add(made.trade(number), number * POINT_MS)
    for number in range(CANDLES + 50):
        pair.add(made.candle(number * 60_000), 0)
    assert len(pair.tape) == TAPE
    assert len(pair.card(None, None)["spark"]) == POINTS
    candles = pair.candles[1].since(0)
    assert (len(candles), candles[0]["t"]) == (CANDLES, 50 * 60_000)


def test_trades_are_given_once(pair: Pair, made: type[Made]) -> None:
    """Newest last; only those that are kept, and as many as are wanted."""
    for number in range(10):
        pair.add(made.trade(number, at_ms=number), 0)
    found = pair.trades_since(7, 50)
    assert [each["id"] for each in found] == [7, 8, 9]
    assert found[-1] == {
        "id": 9,
        "time": 9,
        "side": "buy",
        "price": "10.0",
        "qty": "1.00000000",
        "type": "limit",
    }
    assert [each["id"] for each in pair.trades_since(0, 2)] == [8, 9]
    assert pair.trades_since(10, 50) == []


def test_candles_are_given_when_they_change(pair: Pair, made: type[Made]) -> None:
    """Each by its beginning, oldest first."""
    for begin in (60_000, 0):
        pair.add(made.candle(begin), 0)
    candles = pair.candles[1]
    seen = candles.version
    assert [each["t"] for each in candles.since(0)] == [0, 60_000]
    assert candles.since(seen) == []
    pair.add(made.candle(60_000, "10.7"), 0)
    (changed,) = candles.since(seen)
    assert changed == {
        "t": 60_000,
        "o": "10.7",
        "h": "11",
        "l": "9",
        "c": "10.7",
        "v": "0.5",
        "n": 3,
    }


def test_a_ladder_shows_what_is_verified(made: type[Made]) -> None:
    """Best first, with what lies between; so many levels at most."""
    prices = [str(100 - number) for number in range(40)]
    shown = ladder(made.book(*prices, asks=("100.5", "101")), "synchronised", 7, 1)
    assert len(shown["bids"]) == LEVELS
    assert shown["bids"][0] == ["100", "1.0"]
    assert (shown["mid"], shown["spread"]) == ("100.25", "0.5")
    assert (shown["verified"], shown["mismatches"], shown["time"]) == (7, 1, 5000)
    assert shown["imbalance"] == "0.6667"


def test_a_ladder_of_nothing_is_empty(made: type[Made]) -> None:
    """While a book may not be believed, and with an empty side."""
    assert ladder(None, "waiting", 0, 0) == {
        "bids": [],
        "asks": [],
        "verified": 0,
        "mismatches": 0,
        "state": "waiting",
        "time": None,
        "mid": None,
        "spread": None,
        "imbalance": None,
    }
    assert ladder(made.book("1"), "synchronised", 0, 0)["mid"] is None


def test_times_are_milliseconds(made: type[Made]) -> None:
    """Whole ones."""
    assert type(made.candle(5).interval_begin) is Timestamp
    pair = Pair("BTC/USD", 0)
    pair.add(made.candle(5), 0)
    assert pair.candles[1].since(0)[0]["t"] == 5
