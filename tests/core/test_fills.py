"""Fills come once and in order, and it is known whether one may be missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.fills import NAMES_KEPT, SNAPSHOT_FILLS, Fills, own_trade
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.orders import Order
from kraken_trio._internal.model.timestamp import Timestamp


def fill(number: int, **members: Any) -> Execution:
    """Give the fill with this number, which happened at that time."""
    said: dict[str, Any] = {
        "order_id": "O",
        "exec_type": "trade",
        "order_status": "filled",
        "exec_id": f"T{number}",
        "last_qty": Decimal(number),
        "last_price": Decimal(9),
        "timestamp": Timestamp(number),
    }
    return Execution(**(said | members))


def snapshot(*numbers: int) -> list[Execution]:
    """Give these fills as a snapshot does: latest first, fifty at most."""
    return [fill(number) for number in reversed(numbers)][:SNAPSHOT_FILLS]


def these(*values: Any) -> tuple[Any, ...]:
    """Give values, to be compared at once."""
    return values


def names(fills: list[Execution]) -> list[int]:
    """Give their numbers."""
    return [int((each.exec_id or "")[1:]) for each in fills]


def test_a_fill_is_news_once() -> None:
    """It may stand in a snapshot and be told right after it."""
    fills = Fills()
    assert fills.begin(snapshot(1, 2)) == ([fill(1), fill(2)], True)
    assert not fills.add(fill(2))
    assert fills.add(fill(3))
    assert [names([each]) for each in fills.latest] == [[1], [2], [3]]


def test_fills_of_one_moment_keep_their_order() -> None:
    """A snapshot shows the latest first, so those of one moment are turned around."""
    at = Timestamp(5)
    shown = [fill(3, timestamp=at), fill(2, timestamp=at), fill(1)]
    assert names(Fills().begin(shown)[0]) == [1, 2, 3]
    assert names(Fills().begin([fill(2, timestamp=None), fill(1, timestamp=None)])[0]) == [1, 2]


def test_what_came_meanwhile_is_put_in_its_place() -> None:
    """Behind what was missed, for whoever is given the latest fills later."""
    fills = Fills()
    fills.begin(snapshot(1, 2))
    fills.lose()
    fills.add(fill(4))
    fills.begin(snapshot(2, 3, 4))
    assert names(list(fills.latest)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "before, during, now, news, whole",
    [
        # Nothing happened; something did; and what came in between is no proof.
        ([1, 2], [], [1, 2], [], True),
        ([1, 2], [], [1, 2, 3], [3], True),
        ([1, 2], [4], [2, 3, 4], [3], True),
        ([1, 2], [4], [3, 4], [3], False),
        ([1], [], list(range(2, 60)), list(range(10, 60)), False),
        ([1], [], [], [], False),
        # Where there never was one, the snapshot has all of them, unless it is full.
        ([], [], [1, 2], [1, 2], True),
        ([], [], list(range(49)), list(range(49)), True),
        ([], [], list(range(50)), list(range(50)), False),
    ],
)
def test_whether_a_snapshot_reaches_back(
    before: list[int], during: list[int], now: list[int], news: list[int], *, whole: bool
) -> None:
    """It does where one of its fills was seen before something was missed."""
    fills = Fills()
    fills.begin(snapshot(*before))
    fills.lose()
    fills.lose()
    assert fills.losing
    for number in during:
        fills.add(fill(number))
    found, reaches = fills.begin(snapshot(*now))
    assert (names(found), reaches, fills.losing) == (news, whole, False)


def test_the_first_snapshot_is_the_beginning() -> None:
    """What was lost before it is nobody's."""
    fills = Fills()
    fills.lose()
    assert fills.begin(snapshot(*range(50)))[1]


def test_names_are_bounded() -> None:
    """And so are the fills that are kept."""
    fills = Fills()
    for number in range(NAMES_KEPT + 1):
        assert fills.add(fill(number))
    assert fills.add(fill(0))
    assert not fills.add(fill(5))
    assert len(fills.latest) == SNAPSHOT_FILLS


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(0, 200))
def test_each_comes_once_or_a_gap_is_known(parts: list[int], first: int) -> None:
    """Over any number of losses, of whatever length."""
    fills, seen, last = Fills(), list[int](), first
    fills.begin(snapshot(*range(first)))
    seen += range(max(0, first - SNAPSHOT_FILLS), first)
    for length in parts:
        fills.lose()
        last += length * 3
        news, whole = fills.begin(snapshot(*range(last)))
        expected = seen[-1] + 1 if seen else 0
        if whole:
            assert names(news) == list(range(expected, last))
        else:
            assert last - expected >= SNAPSHOT_FILLS
        seen += names(news)
        assert fills.add(fill(last))
        seen.append(last)
        last += 1
    assert seen == sorted(set(seen))


def test_a_fill_as_a_record_of_its_own() -> None:
    """What it does not say is its order's; what it says stands."""
    order = Order(
        order_id="O",
        order_status="new",
        exec_type="new",
        symbol="BTC/USD",
        side="sell",
        order_type="limit",
        cl_ord_id="mine",
    )
    trade = own_trade(fill(1, side="buy", trade_id=7), order)
    assert trade is not None
    assert (trade.symbol, trade.side, trade.order_type) == ("BTC/USD", "buy", "limit")
    assert these(trade.cl_ord_id, trade.trade_id, trade.qty, trade.price) == ("mine", 7, 1, 9)
    alone = own_trade(fill(1))
    assert alone is not None
    assert (alone.symbol, alone.exec_id, alone.order_id) == (None, "T1", "O")
    said = fill(
        2, symbol="A/B", side="buy", order_type="market", cl_ord_id="yours", order_userref=1
    )
    assert own_trade(said, order) == own_trade(said)


def test_what_is_said_of_a_fill_alone() -> None:
    """All that is said of its margin and its position, and a partner's name of it, stays."""
    said = {
        "margin": True,
        "margin_borrow": True,
        "margin_cost": Decimal("1.5"),
        "position_id": "P",
        "ext_exec_id": "E",
    }
    trade = own_trade(fill(1, **said))
    assert {name: getattr(trade, name) for name in said} == said


@pytest.mark.parametrize("member", ["exec_id", "last_qty", "last_price"])
def test_what_says_too_little_is_no_record(member: str) -> None:
    """A fill without a name, a quantity or a price."""
    assert own_trade(fill(1, **{member: None})) is None


def test_it_is_known_whether_a_snapshot_was_seen() -> None:
    """Though it had no fills."""
    fills = Fills()
    assert not fills.begun
    fills.begin([])
    assert fills.begun
