"""What is known of one's own orders, from reports that show little each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.core import lives as module
from kraken_trio._internal.core.lives import Lives
from kraken_trio._internal.model.account import Execution


def report(
    kind: str, status: str | None = None, *, order_id: str = "A", **members: Any
) -> Execution:
    """Give a report of an order."""
    return Execution(order_id=order_id, exec_type=kind, order_status=status or kind, **members)


PENDING = report(
    "pending_new", symbol="BTC/USD", side="buy", cl_ord_id="mine", order_qty=Decimal(2)
)


def test_sparse_reports_make_one_order() -> None:
    """What one of them showed is known as long as the order is."""
    lives = Lives()
    lives.take(PENDING, 1.0)
    lives.take(report("new"), 2.0)
    fill = report(
        "trade",
        "partially_filled",
        exec_id="T",
        last_qty=Decimal(1),
        cum_qty=Decimal(1),
    )
    lives.take(fill, 3.0)
    lives.take(fill, 3.5)
    lives.take(report("amended", "partially_filled", order_qty=Decimal(1), reason="User"), 4.0)
    (life,) = lives
    assert (life.known.symbol, life.known.cl_ord_id, life.known.order_qty) == (
        "BTC/USD",
        "mine",
        Decimal(1),
    )
    assert (life.known.last_qty, life.known.exec_id, life.known.cum_qty) == (None, None, Decimal(1))
    assert (list(life.fills), life.open, life.seen_at, life.known.reason) == (
        ["T"],
        True,
        1.0,
        "User",
    )
    lives.take(report("filled"), 5.0)
    assert (list(lives.open), lives.get("A"), life.open) == ([], life, False)
    assert (lives.named("mine"), lives.named("A"), lives.named("nobody")) == ([life], [life], [])


def test_an_order_that_a_snapshot_leaves_out_is_not_open() -> None:
    """Between a loss and the end of the snapshot nothing is sure."""
    lives = Lives()
    lives.complete(2.0)
    for order_id in "AB":
        lives.take(report("new", order_id=order_id), 1.0)
    lives.lose(1.5)
    assert (lives.whole, [life.doubtful for life in lives]) == (False, [True, True])
    assert lives.lost_at == 1.5
    lives.take(report("new", order_id="A", snapshot=True), 2.0, age_s=10.0)
    assert [life.doubtful for life in lives] == [False, True]
    lives.complete(2.0)
    assert (lives.whole, [life.known.order_id for life in lives.open]) == (True, ["A"])
    life = lives.get("B")
    assert life is not None
    assert (life.open, life.doubtful) == (False, False)


def test_a_fill_of_a_snapshot_says_nothing_of_its_order() -> None:
    """All of them say that it is filled, though it may be open."""
    lives = Lives()
    fill = report("trade", "filled", exec_id="T", cl_ord_id="mine", snapshot=True)
    lives.take(fill, 1.0)
    assert list(lives.open) == []
    lives.take(report("new", "partially_filled", snapshot=True), 1.0, age_s=3.0)
    (life,) = lives.open
    lives.lose(1.5)
    lives.take(fill, 2.0)
    assert (life.doubtful, life.open) == (True, True)
    lives.complete(2.0)
    assert (life.open, list(life.fills)) == (False, ["T"])


@pytest.mark.parametrize("age_s, born_at", [(0.0, 100.0), (40.0, 60.0), (-3.0, 100.0)])
def test_how_old_an_order_is(age_s: float, born_at: float) -> None:
    """As its first report says; a clock that is slow makes nobody older."""
    lives = Lives()
    lives.take(PENDING, 100.0, age_s)
    assert next(lives.open).born_at == born_at


def test_a_name_that_was_used_again_is_that_of_the_open_one_first() -> None:
    """Names of the client's are unique among open orders alone."""
    lives = Lives()
    for order_id in "AB":
        lives.take(report("new", order_id=order_id, cl_ord_id="mine"), 1.0)
        if order_id == "A":
            lives.take(report("canceled", order_id="A"), 1.0)
    assert [life.known.order_id for life in lives.named("mine")] == ["B", "A"]


def test_of_those_that_are_over_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing grows for ever; one that is told of again is the latest."""
    monkeypatch.setattr(module, "CLOSED_KEPT", 2)
    lives = Lives()
    for order_id in "ABACD":
        lives.take(report("canceled", order_id=order_id), 1.0)
    assert [life.known.order_id for life in lives] == ["C", "D"]
    lives.take(report("trade", "filled", order_id="C"), 2.0)
    assert [life.known.order_id for life in lives] == ["D", "C"]


def test_a_number_of_the_client_s_is_a_name_too() -> None:
    """Of all orders that have it, the open ones first; 0 is none, and takes none away."""
    lives = Lives()
    for order_id, number in (("A", 5), ("B", 5), ("C", 0)):
        lives.take(report("new", order_id=order_id, order_userref=number), 1.0)
    lives.take(report("trade", "partially_filled", order_id="A", order_userref=5), 1.5)
    lives.take(report("canceled", order_id="A", order_userref=0), 2.0)
    assert [life.known.order_id for life in lives.called("5")] == ["B", "A"]
    assert (lives.called("0"), lives.named("5")) == ([], [])
    assert [life.known.order_id for life in lives.called("C")] == ["C"]
    lives.take(report("new", order_id="D", cl_ord_id="D"), 1.0)
    assert [life.known.order_id for life in lives.called("D")] == ["D"]


def test_names_are_forgotten_with_their_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they do not grow for ever either."""
    monkeypatch.setattr(module, "CLOSED_KEPT", 1)
    lives = Lives()
    for order_id in "ABC":
        members: dict[str, Any] = {"cl_ord_id": "mine"} if order_id != "C" else {"order_userref": 5}
        lives.take(report("canceled", order_id=order_id, **members), 1.0)
    assert (lives.named("mine"), len(lives.called("5"))) == ([], 1)
    assert list(lives._named) == ["5"]


@pytest.mark.parametrize(
    "shown, known, blind", [(49, False, None), (50, False, 9.0), (50, True, None)]
)
def test_fills_beyond_those_of_a_snapshot(shown: int, known: bool, blind: float | None) -> None:
    """Where none of as many as there can be was known before, there may have been more."""
    lives = Lives()
    lives.complete(1.0)
    if known:
        lives.take(report("trade", "filled", order_id="O7", exec_id="T7"), 2.0)
    lives.lose(1.5)
    for number in range(shown):
        fill = report("trade", "filled", order_id=f"O{number}", exec_id=f"T{number}", snapshot=True)
        lives.take(fill, 8.0)
    lives.complete(9.0)
    assert lives.blind_until == blind
    lives.complete(10.0)
    assert lives.blind_until == blind
