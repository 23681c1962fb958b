"""The seeded book keeps its promises: two sides that never cross, and updates that suffice."""

from __future__ import annotations

import random
import zlib
from typing import Literal

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, data, integers, lists, tuples

from kraken_trio._internal.testing.book import TRADES_BEFORE, SeededBook
from kraken_trio._internal.testing.side import Side

NOW = 1_767_225_600 * 10**9


def made(price: int = 628_000, *, seed: int = 1) -> SeededBook:
    """Make a book."""
    dice = random.Random(seed)
    return SeededBook(price, most_lots=10**9, levels=1500, kept_trades=10_000, dice=dice, now=NOW)


def test_a_side_is_sorted() -> None:
    """Levels stand best first whatever their order of coming; zero takes one away."""
    for sign, prices in ((1, [3, 5, 9]), (-1, [9, 5, 3])):
        side = Side(sign)
        for price in (5, 9, 3, 7):
            side.put(sign * price, price * 10)
        side.put(sign * 7, 0)
        assert side.rows(10) == [(price, price * 10) for price in prices]
        assert side.rows(1) == [(prices[0], prices[0] * 10)]


def test_an_update_tells_what_slid_in() -> None:
    """Right after a removal comes the level that moves into view; what fell out is not told."""
    side = Side(1, depths=(2, 9))
    for key in (1, 2, 3, 4):
        side.put(key, 10)
    side.changes.clear()
    side.put(1, 0)
    side.put(2, 20)
    assert side.update(2) == [(1, 0), (3, 10), (2, 20)]
    assert side.update(9) == [(1, 0), (2, 20)]
    side.changes.clear()
    side.put(1, 30)
    assert side.update(2) == [(1, 30)]
    side.changes.clear()
    side.put(4, 40)
    assert side.update(2) == []


@pytest.mark.parametrize("depth", [10, 25])
@pytest.mark.parametrize("each_level", [True, False])
def test_updates_do_for_every_client(depth: int, each_level: bool) -> None:
    """A client may truncate after each level, or after the message: real traffic does for both."""
    book = made()
    views = {side: dict(side.rows(depth)) for side in (book.bids, book.asks)}
    for number in range(2000):
        book.step(NOW + number)
        for side, view in views.items():
            for price, lots in side.update(depth):
                if lots:
                    view[price] = lots
                else:
                    del view[price]
                if each_level and len(view) > depth:
                    del view[max(view, key=side.sign.__mul__)]
            for price in sorted(view, key=side.sign.__mul__)[depth:]:
                del view[price]
            assert view == dict(side.rows(depth))


@pytest.mark.parametrize("price", [2, 3, 50, 628_000])
def test_a_book_is_never_empty_nor_crossed(price: int) -> None:
    """Whatever happens, there is a bid and an ask, prices are positive, and bids are lower."""
    book = made(price)
    for number in range(3000):
        book.step(NOW + number)
        ((bid, _),), ((ask, _),) = book.rows(1)
        assert bid < ask
        assert book.bids.rows(10**6)[-1][0] >= 1
    assert book.changed_at == NOW + 2999


def test_it_opens_with_trades() -> None:
    """Fifty trades were made before it opened, a second apart and numbered."""
    trades = list(made().tape.trades)
    assert [at for *_, at in trades] == [NOW - age * 10**9 for age in range(TRADES_BEFORE, 0, -1)]
    first = trades[0][4]
    assert [trade[4] for trade in trades] == list(range(first, first + TRADES_BEFORE))


def test_trades_go_on_the_tape() -> None:
    """What a step trades is on the tape, at that step's time."""
    book = made()
    traded = [trade for number in range(500) for trade in book.step(NOW + number)]
    assert traded == list(book.tape.trades)[TRADES_BEFORE:]
    assert len(traded) > 50


def test_the_checksum_is_of_ten_levels() -> None:
    """The checksum is the CRC-32 of digits: ten asks, ten bids, each price and quantity."""
    book = made()
    bids, asks = (list(rows) for rows in book.rows(10))
    text = "".join(f"{price}{qty}" for rows in (asks, bids) for price, qty in rows)
    assert book.checksum() == zlib.crc32(text.encode())


def test_what_is_not_allowed_does_not_happen() -> None:
    """Without trades nothing is traded; while orders may only go, levels do, and none comes."""
    book = made()
    for number in range(300):
        assert book.step(NOW + number, "no trades") == []
    assert any(change.lots for side in (book.bids, book.asks) for change in side.changes)
    for number in range(5000):
        count = len(book.bids.keys) + len(book.asks.keys)
        assert book.step(NOW + 300 + number, "cancels") == []
        changes = book.bids.changes + book.asks.changes
        assert not any(change.lots for change in changes)
        assert len(book.bids.keys) + len(book.asks.keys) == count - len(changes)
    assert (len(book.bids.keys), len(book.asks.keys)) == (1, 1)
    at = book.changed_at
    assert book.step(NOW + 10**6, "nothing") == []
    assert (book.changed_at, book.bids.changes, book.asks.changes) == (at, [], [])


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_the_best_level_can_be_removed(side: Literal["bid", "ask"]) -> None:
    """The best level of a side goes, and no other; the last one stays."""
    book = made()
    where = book.bids if side == "bid" else book.asks
    best = where.keys[:2]
    book.remove(side, NOW + 1)
    (change,) = where.changes
    assert (where.keys[0], change.key, change.lots) == (best[1], best[0], 0)
    assert not (book.asks if side == "bid" else book.bids).changes
    for number in range(len(where.keys) + 1):
        book.remove(side, NOW + number)
    assert (len(where.keys), where.changes) == (1, [])


@given(data())
def test_an_update_suffices(draw: DataObject) -> None:
    """Whatever changes, who applies an update and truncates has the window as it is."""
    key, lots = integers(1, 30), integers(0, 3)
    depth = draw.draw(integers(1, 12))
    side = Side(1, depths=(depth,))
    for at in draw.draw(lists(key, min_size=1, unique=True)):
        side.put(at, 5)
    held = {at: side.lots[at] for at in side.keys[:depth]}
    side.changes.clear()
    for at, new in draw.draw(lists(tuples(key, lots), max_size=8)):
        if new or (at in side.lots and len(side.keys) > 1):
            side.put(at, new)
    for at, new in side.update(depth):
        if new:
            held[at] = new
        else:
            del held[at]  # What is removed was there.
    held = {at: held[at] for at in sorted(held)[:depth]}
    assert held == {at: side.lots[at] for at in side.keys[:depth]}
