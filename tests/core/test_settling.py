"""What executions show of a request that was never answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.core.errands import Errand
from kraken_trio._internal.core.lives import Lives
from kraken_trio._internal.core.settling import settlement
from kraken_trio._internal.model.account import Execution, Triggers
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
)

D = Decimal
ADD: dict[str, Any] = {"side": "buy", "order_type": "limit", "order_qty": D(1)}
BEFORE, SENT, AFTER = 1.0, 2.0, 3.0


def seen(*orders: tuple[str, float, bool, dict[str, Any]]) -> Lives:
    """Give what is known: each order's name, when it was seen, whether it is open, and more."""
    lives = Lives()
    for order_id, at, is_open, members in orders:
        status = "new" if is_open else "canceled"
        report = Execution(order_id=order_id, exec_type=status, order_status=status, **members)
        lives.take(report, at)
    return lives


def settled(request: Any, lives: Lives, late: Reply | None = None) -> Any:
    """Settle a request that was sent."""
    errand = Errand(7, request, frozenset())
    errand.sent_at, errand.late = SENT, late
    return settlement(errand, lives, "it")


MINE, NUMBERED = {"cl_ord_id": "mine"}, {"order_userref": 5}
PRICED = {"limit_price": D(9), "order_qty": D(1), "triggers": Triggers(price=D(4))}
EDIT = EditOrder(order_id="A", symbol="BTC/USD", order_userref=5)
BATCH = BatchAdd(
    symbol="BTC/USD",
    orders=(BatchOrder(cl_ord_id="mine", **ADD), BatchOrder(cl_ord_id="yours", **ADD)),
)


@pytest.mark.parametrize(
    "request_, orders, done, found",
    [
        (AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD), [], False, ""),
        (
            AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD),
            [("A", AFTER, True, MINE)],
            True,
            "A",
        ),
        (
            AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD),
            [("A", BEFORE, False, MINE), ("B", AFTER, False, MINE)],
            True,
            "B",
        ),
        (
            AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD),
            [("A", BEFORE, False, MINE)],
            False,
            "",
        ),
        (
            AddOrder(symbol="BTC/USD", order_userref=5, **ADD),
            [("A", AFTER, True, NUMBERED), ("B", AFTER, True, {})],
            True,
            "A",
        ),
        (AddOrder(symbol="BTC/USD", **ADD), [("A", AFTER, True, {})], False, ""),
        (
            AddOrder(symbol="BTC/USD", order_userref=5, **ADD),
            [("A", AFTER, True, {"cl_ord_id": "5"})],
            False,
            "",
        ),
        (BATCH, [("A", AFTER, True, MINE)], None, "A"),
        (BATCH, [], False, ""),
        (BATCH, [("A", AFTER, True, MINE), ("B", AFTER, True, {"cl_ord_id": "yours"})], True, "AB"),
        (AmendOrder(order_id="A", limit_price=D(9)), [("A", BEFORE, True, PRICED)], True, "A"),
        (
            AmendOrder(cl_ord_id="mine", order_qty=D(2)),
            [("A", BEFORE, True, PRICED | MINE)],
            False,
            "A",
        ),
        (AmendOrder(order_id="A", trigger_price=D(4)), [("A", BEFORE, True, PRICED)], True, "A"),
        (AmendOrder(order_id="A", trigger_price=D(4)), [("A", BEFORE, True, {})], False, "A"),
        (AmendOrder(order_id="A", limit_price=D(9)), [("A", BEFORE, False, PRICED)], None, "A"),
        (AmendOrder(order_id="A", limit_price=D(9)), [], None, ""),
        (AmendOrder(order_id="A", trigger_price_type="pct"), [("A", BEFORE, True, {})], None, "A"),
        (EDIT, [("A", BEFORE, True, {})], False, "A"),
        (EDIT, [("A", BEFORE, False, {}), ("B", AFTER, True, NUMBERED)], True, "AB"),
        (EDIT, [("B", AFTER, False, NUMBERED)], True, "B"),
        (EDIT, [("A", BEFORE, False, {}), ("B", BEFORE, True, NUMBERED)], False, "A"),
        (EDIT, [("A", BEFORE, False, {}), ("B", AFTER, True, {"ord_ref_id": "A"})], False, "A"),
        (EDIT, [("A", AFTER, False, NUMBERED)], False, "A"),
        (EDIT, [], False, ""),
        (EditOrder(order_id="A", symbol="BTC/USD"), [("A", BEFORE, True, {})], False, "A"),
        (EditOrder(order_id="A", symbol="BTC/USD"), [("A", BEFORE, False, {})], None, "A"),
        (EditOrder(order_id="A", symbol="BTC/USD"), [], None, ""),
        (CancelOrder(order_id=("A",)), [("A", BEFORE, True, {})], False, "A"),
        (CancelOrder(order_id=("A",)), [("A", BEFORE, False, {})], True, "A"),
        (CancelOrder(order_id=("A",)), [], True, ""),
        (CancelOrder(cl_ord_id=("mine",)), [("A", BEFORE, True, MINE)], False, "A"),
        (CancelOrder(order_userref=(5,)), [("A", BEFORE, True, NUMBERED)], False, "A"),
        (BatchCancel(orders=("A", "5")), [("A", BEFORE, False, NUMBERED)], True, "A"),
        (
            BatchCancel(orders=("A",), cl_ord_id=("mine",)),
            [("A", BEFORE, True, {}), ("B", BEFORE, False, MINE)],
            None,
            "AB",
        ),
        (BatchCancel(orders=("A", "B")), [], True, ""),
        (CancelAll(), [("A", BEFORE, True, {}), ("B", AFTER, True, {})], False, "A"),
        (CancelAll(), [("A", BEFORE, False, {}), ("B", AFTER, True, {})], True, ""),
        (CancelAllOrdersAfter(timeout_s=0), [("A", BEFORE, True, {})], None, ""),
    ],
)
def test_what_each_request_did(
    request_: Any, orders: list[Any], done: bool | None, found: str
) -> None:
    """Seen by the orders that it would have made, changed or taken away."""
    made = settled(request_, seen(*orders))
    assert (made.carried_out, [each.order_id for each in made.orders]) == (done, [*found])
    assert (made.method, made.req_id, made.answer) == ("it", 7, None)
    is_open = {order_id for order_id, _, is_open, _ in orders if is_open}
    assert set(made.open_orders) == is_open & {*found}


@pytest.mark.parametrize(
    "error, answer", [(None, ""), ("EOrder:Unknown order", "EOrder:Unknown order")]
)
def test_an_answer_that_came_late_counts(error: str | None, answer: str) -> None:
    """Whatever executions show."""
    late = Reply(method="it", success=error is None, error=error)
    made = settled(AmendOrder(order_id="A", limit_price=D(9)), seen(), late)
    assert (made.carried_out, made.answer) == (error is None, answer)


def test_its_fills_are_shown() -> None:
    """Oldest first, those of a snapshot too."""
    lives = Lives()
    for exec_id in ("T1", "T2"):
        report = Execution(
            order_id="A",
            exec_type="trade",
            order_status="filled",
            exec_id=exec_id,
            cl_ord_id="mine",
            snapshot=True,
        )
        lives.take(report, AFTER)
    made = settled(AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD), lives)
    assert (made.carried_out, made.open_orders) == (True, ())
    assert [fill.exec_id for fill in made.fills] == ["T1", "T2"]


@pytest.mark.parametrize("sent_at, done", [(SENT, None), (9.5, False)])
@pytest.mark.parametrize(
    "request_", [AddOrder(symbol="BTC/USD", cl_ord_id="mine", **ADD), BATCH, EDIT]
)
def test_what_may_be_in_fills_that_were_missed(
    request_: Any, sent_at: float, done: bool | None
) -> None:
    """Nobody can say that it never was; of what was asked later it can be said."""
    lives = Lives()
    lives.blind_until = 9.0
    errand = Errand(7, request_, frozenset())
    errand.sent_at = sent_at
    assert settlement(errand, lives, "it").carried_out is done
