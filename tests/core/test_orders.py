"""Orders are what their reports come to, however sparse these are."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.orders import ENDED_KEPT, Orders, described, is_fill
from kraken_trio._internal.model.account import Execution, Triggers
from kraken_trio._internal.model.orders import Order
from kraken_trio._internal.model.timestamp import Timestamp


def report(exec_type: str, status: str, name: str = "O", **members: Any) -> Execution:
    """Give a report."""
    return Execution(order_id=name, exec_type=exec_type, order_status=status, **members)


def placed(name: str = "O", **members: Any) -> Execution:
    """Give the first report on an order, the only one that says what it is."""
    about: dict[str, Any] = {
        "symbol": "BTC/USD",
        "side": "buy",
        "order_qty": Decimal(3),
        "limit_price": Decimal(9),
        "cl_ord_id": "mine",
    }
    return report("pending_new", "pending_new", name, **(about | members))


def fill(name: str, qty: int, order: str = "O", **members: Any) -> Execution:
    """Give a fill."""
    said: dict[str, Any] = {"exec_id": name, "last_qty": Decimal(qty), "cost": Decimal(9 * qty)}
    return report("trade", "partially_filled", order, **(said | members))


def these(*values: Any) -> tuple[Any, ...]:
    """Give values, to be compared at once."""
    return values


def summary(order: Order | None) -> tuple[object, ...]:
    """Give what matters most."""
    assert order is not None
    return order.order_status, order.symbol, order.cum_qty, order.limit_price, order.open


def test_a_life_told_in_sparse_reports() -> None:
    """What one report says stays until another one says otherwise."""
    orders = Orders()
    steps = [
        (placed(), ("pending_new", "BTC/USD", None, 9, True)),
        (report("new", "new"), ("new", "BTC/USD", None, 9, True)),
        (
            report("amended", "new", limit_price=Decimal(8), amended=True, reason="User requested"),
            ("new", "BTC/USD", None, 8, True),
        ),
        (
            fill("T1", 1, cum_qty=Decimal(1), cum_cost=Decimal(9)),
            ("partially_filled", "BTC/USD", 1, 8, True),
        ),
        (report("iceberg_refill", "partially_filled", display_qty_remain=Decimal(1)), None),
        (report("restated", "partially_filled", order_qty=Decimal(2)), None),
        (report("status", "partially_filled"), None),
        (
            fill("T2", 1, cum_qty=Decimal(2), cum_cost=Decimal(18)),
            ("partially_filled", "BTC/USD", 2, 8, True),
        ),
        (
            report("filled", "filled", cum_qty=Decimal(2), avg_price=Decimal(9)),
            ("filled", "BTC/USD", 2, 8, False),
        ),
    ]
    for each, expected in steps:
        after = orders.apply(each)
        assert orders.get("O") is after
        assert expected is None or summary(after) == expected
    (order,) = map(orders.get, orders)
    assert order is not None
    assert these(order.cl_ord_id, order.order_qty, order.avg_price) == ("mine", 2, 9)
    assert these(order.reason, order.amended, order.display_qty_remain) == (
        None,
        True,
        1,
    )
    assert (orders.open, list(orders), len(orders)) == ((), ["O"], 1)


@pytest.mark.parametrize("end", ["filled", "canceled", "expired"])
def test_nothing_comes_back_from_its_end(end: str) -> None:
    """What is said later of an order that ended is added, and it stays what it is."""
    orders = Orders()
    orders.apply(report(end, end))
    orders.apply(report("restated", "new", reason="late"))
    order = orders.get("O")
    assert order is not None
    assert (order.order_status, order.reason, orders.open) == (end, "late", ())
    other = orders.apply(report("canceled", "canceled"))
    assert other.order_status == "canceled"


def test_an_order_of_which_little_is_known() -> None:
    """One whose beginning was not seen is there as far as it is told."""
    order = Orders().apply(report("canceled", "canceled", cum_qty=Decimal(0)))
    assert these(order.symbol, order.side, order.cum_qty) == (None, None, 0)


def test_what_sets_an_order_off_is_laid_over_too() -> None:
    """A report on a trigger says only what has changed of it."""
    orders = Orders()
    orders.apply(
        placed(triggers=Triggers(price=Decimal(5), reference="last", status="untriggered"))
    )
    orders.apply(report("new", "new"))
    order = orders.apply(report("status", "new", triggers=Triggers(status="triggered")))
    assert order.triggers == Triggers(price=Decimal(5), reference="last", status="triggered")
    fresh = Orders().apply(report("status", "new", triggers=Triggers(status="triggered")))
    assert fresh.triggers == Triggers(status="triggered")


def test_fills_that_do_not_say_what_they_add_up_to_are_added_up() -> None:
    """Each once: exactly, whatever the context of the program."""
    orders = Orders()
    orders.apply(placed())
    with decimal.localcontext() as context:
        context.prec = 1
        orders.apply(fill("T1", 10))
        order = orders.apply(fill("T2", 7, last_price=Decimal(9)))
        assert these(order.cum_qty, order.cum_cost, order.avg_price) == (17, 153, None)
        assert orders.apply(fill("T2", 7), counted=True).cum_qty == Decimal(17)
    assert is_fill(fill("T", 1))
    assert not is_fill(report("trade", "filled", last_qty=Decimal(1)))
    assert not is_fill(report("trade", "filled", exec_id="T"))


def test_a_snapshot_is_the_truth() -> None:
    """What it has is open as it says; what it has not has ended, and how is told if it is known."""
    orders = Orders()
    for name in ("stays", "filled", "partly", "unknown", "cash", "ended"):
        orders.apply(placed(name, order_qty=None if name == "cash" else Decimal(3)))
    orders.apply(fill("T1", 1, "filled", cum_qty=Decimal(1), cum_cost=Decimal(9)))
    orders.apply(report("canceled", "canceled", "ended"))
    now = [placed("stays", limit_price=Decimal(7)), placed("new one")]
    missed = [fill("T2", 2, "filled"), fill("T3", 2, "partly"), fill("T4", 1, "stays")]
    ended, still_open, unseen = orders.begin(now, missed)
    assert unseen == []
    assert [these(each.order_id, each.order_status, each.cum_qty) for each in ended] == [
        ("filled", "filled", 3),
        ("partly", "gone", 2),
        ("unknown", "gone", None),
        ("cash", "gone", None),
    ]
    assert all(each.missed and each.snapshot and each.symbol == "BTC/USD" for each in ended)
    assert [these(each.order_id, each.limit_price) for each in still_open] == [
        ("stays", 7),
        ("new one", 9),
    ]
    assert all(each.snapshot and not each.missed for each in still_open)
    assert list(orders) == ["stays", "new one", "ended", "filled", "partly", "unknown", "cash"]
    assert orders.open == tuple(still_open)


@pytest.mark.parametrize(
    "reports, missed, filled",
    [
        # Fills that a report has counted are not counted again.
        ([("T1", 1, 1), (None, 5, 5)], [("T2", 2, 2), ("T3", 2, 3), ("T4", 1, 6)], 6),
        # Of one moment there may be several: what all known fills come to is known, too.
        ([("T1", 1, 1), ("T3", 3, 2)], [("T2", 1, 1), ("T4", 2, 2)], 5),
        ([("T1", 1, 1)], [], 1),
    ],
)
def test_what_was_filled_meanwhile_is_counted_once(
    reports: list[tuple[str | None, int, int]], missed: list[tuple[str, int, int]], filled: int
) -> None:
    """Whether the fills that were missed came before the last report or after it."""
    orders = Orders()
    orders.apply(placed(order_qty=Decimal(9)))
    for name, cum, at in reports:
        said: dict[str, Any] = {"cum_qty": Decimal(cum), "timestamp": Timestamp(at)}
        orders.apply(fill(name, 1, **said) if name else report("amended", "new", **said))
    fills = [fill(name, qty, timestamp=Timestamp(at)) for name, qty, at in missed]
    (ended,), *_ = orders.begin([], fills)
    assert ended.cum_qty == Decimal(filled)


@pytest.mark.parametrize(
    "fills, status, qty",
    [
        ([("T1", 1, {}), ("T2", 2, {})], "gone", 3),
        ([("T1", 1, {"order_qty": Decimal(3)}), ("T2", 2, {})], "filled", 3),
        ([("T1", 1, {"order_qty": Decimal(3)})], "gone", 1),
        ([("T2", 2, {"order_qty": Decimal(3), "cum_qty": Decimal(3)})], "filled", 3),
    ],
)
def test_an_order_that_only_its_fills_show_has_ended(
    fills: list[tuple[str, int, dict[str, Any]]], status: str, qty: int
) -> None:
    """Filled where they say how much was ordered, and otherwise in a way nobody can tell."""
    orders = Orders()
    about = {"symbol": "BTC/USD"}
    missed = [fill(name, part, **about, **more) for name, part, more in fills]
    ended, still_open, (order,) = orders.begin([], missed)
    assert (ended, still_open, orders.get("O")) == ([], [], order)
    assert summary(order) == (status, "BTC/USD", qty, None, False)
    assert order.missed
    assert order.snapshot
    # What is open, or known, is none of these.
    assert orders.begin([placed("P")], [fill("T8", 1, "P"), fill("T9", 1)])[2] == []
    assert orders.get("O") is order


def test_what_seemed_gone_may_be_heard_of_again() -> None:
    """In reports, which then say how it is, or in the next snapshot."""
    orders = Orders()
    for name in ("A", "B"):
        orders.apply(placed(name))
    orders.begin([], [])
    again = orders.apply(report("new", "new", "A"))
    assert (again.open, again.missed, again.snapshot) == (True, False, False)
    assert orders.open == (again,)
    assert orders.begin([placed("A"), placed("B")], [])[0] == []
    assert [each.order_id for each in orders.open] == ["A", "B"]


def test_an_order_that_a_snapshot_says_is_over_is_over() -> None:
    """Should one ever hold such an order, it is not open."""
    orders = Orders()
    orders.apply(placed())
    assert orders.begin([report("filled", "filled")], []) == ([], [], [])
    assert orders.open == ()


def test_of_those_that_ended_the_latest_are_remembered() -> None:
    """So that what is kept is bounded."""
    orders = Orders()
    for number in range(ENDED_KEPT + 10):
        orders.apply(report("canceled", "canceled", f"O{number}"))
    assert len(orders) == ENDED_KEPT
    assert orders.get("O9") is None
    assert orders.get("O10") is not None


@pytest.mark.parametrize("status, kind", [("pending_new", "pending_new"), ("new", "new")])
def test_an_order_as_a_snapshot_would_show_it(status: str, kind: str) -> None:
    """All that is known of it, as one report."""
    orders = Orders()
    orders.apply(placed(triggers=Triggers(price=Decimal(1)), received_at=Timestamp(1)))
    shown = described(orders.apply(report("status", status, timestamp=Timestamp(7))))
    assert shown == Execution(
        order_id="O",
        exec_type=kind,
        order_status=status,
        symbol="BTC/USD",
        side="buy",
        order_qty=Decimal(3),
        limit_price=Decimal(9),
        cl_ord_id="mine",
        triggers=Triggers(price=Decimal(1)),
        timestamp=Timestamp(7),
        received_at=Timestamp(1),
        snapshot=True,
    )


NAMES = st.sampled_from(["A", "B", "C", "D"])
STEPS = st.lists(st.tuples(NAMES, st.integers(1, 9), st.booleans()), max_size=30)


@given(STEPS, STEPS)
def test_to_begin_in_the_middle_is_to_go_on(before: list[Any], after: list[Any]) -> None:
    """Whoever is given the open orders as they stand ends with the same as who saw everything."""
    whole, late, known = Orders(), Orders(), set[str]()

    def live(orders: list[Orders], steps: list[Any]) -> None:
        for name, qty, over in steps:
            number = f"{name}{len(known)}" if name in known and whole.get(name) is None else name
            fresh = number not in known
            known.add(number)
            was = whole.get(number)
            if was is not None and not was.open:
                continue
            for each in orders:
                if fresh:
                    each.apply(placed(number))
                each.apply(report("amended", "new", number, order_qty=Decimal(qty)))
                if over:
                    each.apply(report("canceled", "canceled", number))

    live([whole], before)
    late.begin([described(order) for order in whole.open], [])
    live([whole, late], after)
    assert [described(order) for order in late.open] == [described(order) for order in whole.open]
