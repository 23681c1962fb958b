"""What is filled in where a program left it open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio import RequestNotSent, Timestamp
from kraken_trio._internal.model.messages import OrderResult, Reply
from kraken_trio._internal.model.requests import CancelAll
from kraken_trio._internal.shell.preparing import (
    dated,
    named,
    names_of,
    numbered,
    result,
    results,
    stamped,
)
from kraken_trio.extended import AddOrder, AmendOrder, BatchOrder, EditOrder

ORDER = BatchOrder(side="buy", order_type="market", order_qty=Decimal(1))
AMEND = AmendOrder(order_id="A")


def test_named() -> None:
    """An order without name and number; no other. A number of 0 is none."""
    members: dict[str, Any]
    for members in ({}, {"order_userref": 0}):
        made = named(replace(ORDER, **members), lambda: "new")
        assert (made.cl_ord_id, made.order_userref, names_of(made)) == ("new", None, ["new"])
    for members, name in (({"cl_ord_id": "mine"}, "mine"), ({"order_userref": 7}, "7")):
        order = AddOrder(
            symbol="BTC/USD", side="buy", order_type="market", order_qty=Decimal(1), **members
        )
        assert (named(order, lambda: "new"), names_of(order)) == (order, [name])


def test_numbered() -> None:
    """What an edit makes has a number, the program's or one of its own."""
    edit = EditOrder(order_id="A", symbol="BTC/USD")
    assert numbered(edit, lambda: 9).order_userref == 9
    assert numbered(replace(edit, order_userref=0), lambda: 9).order_userref == 9
    assert numbered(replace(edit, order_userref=5), lambda: 9).order_userref == 5


def test_dated() -> None:
    """So many seconds from now, or not at all."""
    now = Timestamp(10**18)
    assert dated(AMEND, None, lambda: now) == AMEND
    assert dated(AMEND, 1.5, lambda: now).deadline == 10**18 + 1_500_000_000
    for deadline_s in (0.4, 60.1, float("nan")):
        with pytest.raises(RequestNotSent, match=r"0\.5 to 60 seconds"):
            dated(AMEND, deadline_s, lambda: now)


def test_stamped() -> None:
    """What makes or changes an order, unless it has a deadline or nobody knows the time."""
    now = Timestamp(10**18)
    assert stamped(AMEND, now) == replace(AMEND, deadline=Timestamp(10**18 + 5 * 10**9))
    own = replace(AMEND, deadline=Timestamp(7))
    assert (stamped(own, now), stamped(AMEND, None)) == (own, AMEND)
    assert stamped(CancelAll(), now) == CancelAll()


def test_result() -> None:
    """What the exchange says comes first, then what it was asked by."""
    bare = Reply(method="amend_order", success=True, warnings=("old",))
    assert result(bare, order_id="A") == OrderResult(order_id="A", warnings=("old",))
    told = Reply(method="amend_order", success=True, orders=(OrderResult(order_id="B"),))
    assert result(told, order_id="A", cl_ord_id="mine") == OrderResult(
        order_id="B", cl_ord_id="mine"
    )


def rows(*members: dict[str, Any]) -> Reply:
    """Make the answer to a batch."""
    return Reply(
        method="batch_add", success=True, orders=tuple(OrderResult(**each) for each in members)
    )


def test_results() -> None:
    """Each in the place of its order: by name or number, else in the order of the answer."""
    orders = [
        replace(ORDER, cl_ord_id="a"),
        replace(ORDER, order_userref=5),
        replace(ORDER, cl_ord_id="b"),
    ]
    b, five, a = {"cl_ord_id": "b", "error": "no"}, {"order_userref": 5}, {"order_id": "A"}
    found = results(rows(b, five | {"order_id": "F"}, a), orders)
    assert [(each.order_id, each.cl_ord_id, each.order_userref) for each in found] == [
        ("A", "a", None),
        ("F", None, 5),
        (None, "b", None),
    ]
    assert [each.error for each in found] == [None, None, "no"]
    twice = [replace(ORDER, order_userref=5), replace(ORDER, order_userref=5)]
    found = results(rows(five | {"order_id": "A"}, five | {"order_id": "B"}), twice)
    assert [each.order_id for each in found] == ["A", "B"]
    short = rows(a)
    assert results(short, orders) == short.orders
