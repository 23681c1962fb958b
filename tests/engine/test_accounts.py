"""What one private subscription says is added up once, for all that live on it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.engine.accounts import (
    BalancesSource,
    ExecutionsSource,
    FillsSource,
    News,
    Source,
)
from kraken_trio._internal.engine.signals import DataLost, Signal, SnapshotSeen
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.orders import Order
from kraken_trio._internal.model.timestamp import Timestamp


class Ear:
    """Lives on a source, and writes down what it is given."""

    def __init__(self, source: Source, part: Channel, *, deaf: bool = False) -> None:
        """Hear of all, but where ``deaf`` of no gaps."""
        self.part = part
        self.heard: list[Any] = []
        self._deaf = deaf
        source.listeners.append(self)

    def lose(self, gap: Gap) -> Gap | None:
        """Note a gap."""
        self.heard.append(gap)
        return None if self._deaf else gap

    def hear(self, news: News) -> Sequence[Signal]:
        """Note news."""
        self.heard.append(news)
        return ()


def report(name: str, exec_type: str = "new", **members: Any) -> Execution:
    """Give a report on an order."""
    return Execution(
        **({"order_id": name, "exec_type": exec_type, "order_status": "new"} | members)
    )


def fill(name: str, order: str = "A", at: int = 1) -> Execution:
    """Give a fill."""
    return report(
        order,
        "trade",
        exec_id=name,
        last_qty=Decimal(1),
        last_price=Decimal(9),
        timestamp=Timestamp(at),
    )


def message(channel: str, sequence: int, *records: Any) -> RecordsMessage:
    """Give a message; the first one is the snapshot."""
    return RecordsMessage(
        channel=channel,
        snapshot=sequence == 1,
        records=records,
        sequence=sequence,
        received_at=Timestamp(sequence),
    )


def test_a_message_is_added_up_once_for_all() -> None:
    """Each hears of the same orders and fills; one of them speaks for all."""
    source = ExecutionsSource(Channel.executions())
    first, second = Ear(source, Channel.own_trades()), Ear(source, Channel.executions())
    signals = source.take(message("executions", 1, report("A"), fill("T1")))
    assert signals == [SnapshotSeen(first.part)]
    source.take(message("executions", 2, fill("T1"), fill("T2")))
    assert first.heard == second.heard
    begin, more = first.heard
    assert [order.order_id for order in begin.orders] == ["A"]
    assert [trade.exec_id for trade in begin.trades] == ["T1"]
    # The old fill is reported once more, and counted once.
    assert [order.cum_qty for order in more.orders] == [None, 1]
    assert [trade.exec_id for trade in more.trades] == ["T2"]


def test_a_repeated_message_is_nobodys_news() -> None:
    """A snapshot that comes a second time would undo what came since."""
    source = ExecutionsSource(Channel.executions())
    ear = Ear(source, Channel.executions())
    source.take(message("executions", 1))
    source.take(message("executions", 2, report("A")))
    heard = list(ear.heard)
    assert source.take(message("executions", 1)) == ()
    assert ear.heard == heard
    assert [order.order_id for order in source.orders.open] == ["A"]


@pytest.mark.parametrize("deaf", [True, False])
def test_a_missing_number_is_told_before_what_showed_it(*, deaf: bool) -> None:
    """From then on the table is not believed, until a snapshot came."""
    source = ExecutionsSource(Channel.executions())
    ear = Ear(source, Channel.executions(), deaf=deaf)
    assert (source.live, source.begun) == (False, False)
    source.take(message("executions", 1))
    assert (source.live, source.begun) == (True, True)
    (lost,) = source.take(message("executions", 3, report("A")))
    assert isinstance(lost, DataLost)
    assert (lost.part, lost.gap.reason, lost.gap.size) == (ear.part, GapReason.SEQUENCE, 1)
    assert ear.heard[1] == lost.gap
    assert (source.live, source.begun, source.fills.losing) == (False, True, True)
    source.restart()
    assert not source.begun
    source.take(message("executions", 1, report("B")))
    assert (source.live, source.begun, source.fills.losing) == (True, True, False)
    assert [(each.order_id, each.order_status) for each in ear.heard[-1].orders] == [
        ("A", "gone"),
        ("B", "new"),
    ]


def test_orders_that_came_and_were_filled_unseen_are_known_by_their_fills() -> None:
    """Before the first snapshot they are nobody's news but of who waits; later they are news."""
    source = ExecutionsSource(Channel.executions())
    ear = Ear(source, Channel.executions())
    told: list[Any] = []
    source.watchers = [lambda order: told.append((order.order_id, order.order_status))]  # type: ignore[union-attr]
    source.take(message("executions", 1, report("A"), fill("T1", "B"), fill("T2", "A", 2)))
    source.restart()
    source.take(message("executions", 1, report("A"), fill("T3", "C", 3)))
    first, second = ear.heard
    assert [each.order_id for each in first.past] == ["B"]
    assert [each.order_id for each in first.orders] == ["A"]
    assert [each.order_id for each in second.orders] == ["C", "A"]
    assert second.past == ()
    assert told == [("B", "gone"), ("A", "new"), ("C", "gone"), ("A", "new")]
    assert list(source.orders) == ["A", "B", "C"]


def test_watchers_are_told_each_order_and_the_end() -> None:
    """One may leave while it is told something; then the others are told all the same."""
    source = ExecutionsSource(Channel.executions())
    Ear(source, Channel.executions())
    told: list[Any] = []

    def once(news: Order | SubscriptionError) -> None:
        told.append(("once", getattr(news, "order_id", None)))
        source.watchers = [each for each in source.watchers if each is not once]

    source.watchers = [once, lambda news: told.append(getattr(news, "order_id", news))]
    source.take(message("executions", 1, report("A"), report("B")))
    assert told == [("once", "A"), "A", "B"]
    source.end()
    error = told[-1]
    assert isinstance(error, SubscriptionError)
    assert (error.channel, source.live, source.begun) == ("executions", False, False)


@pytest.mark.parametrize(
    "wire, whole, shareable",
    [
        (Channel.executions(), True, True),
        (Channel.executions(snap_trades=False), True, True),
        (Channel(name="executions"), True, True),
        (Channel.executions(snap_orders=False), False, False),
        (Channel.executions(order_status=False), False, False),
        (Channel.executions(users="all"), False, True),
        (Channel.executions(snap_orders=False, snap_trades=False), False, True),
    ],
)
def test_only_what_is_told_all_can_be_right(wire: Channel, *, whole: bool, shareable: bool) -> None:
    """Of options by which the exchange leaves something out there is no live table."""
    source = ExecutionsSource(wire)
    Ear(source, wire)
    source.take(message("executions", 1, report("A"), fill("T")))
    assert (source.whole, source.shareable, source.live) == (whole, shareable, whole)


@pytest.mark.parametrize("snap_orders", [True, False])
def test_open_orders_of_a_snapshot_are_all_whatever_else_is_left_out(*, snap_orders: bool) -> None:
    """So those that it has not are over; without them it says nothing of that."""
    source = ExecutionsSource(Channel.executions(snap_orders=snap_orders, order_status=False))
    Ear(source, source.wire)
    source.take(message("executions", 1))
    source.take(message("executions", 2, report("A")))
    source.restart()
    source.take(message("executions", 1))
    order = source.orders.get("A")
    assert order is not None
    assert (order.order_status, source.live) == ("gone" if snap_orders else "new", False)


@pytest.mark.parametrize("snap_trades", [True, False])
def test_what_a_snapshot_would_hold_now(*, snap_trades: bool) -> None:
    """Open orders, oldest first; then fills, latest first, where they were asked for."""
    source = ExecutionsSource(Channel.executions(snap_trades=snap_trades))
    Ear(source, source.wire)
    source.take(message("executions", 1, report("A"), report("B")))
    over = report("A", "canceled", order_status="canceled")
    source.take(message("executions", 2, fill("T1"), fill("T2", "B", 2), over))
    shown = list(source.recall())
    assert all(each.snapshot for each in shown)
    about = [(each.order_id, each.exec_type, each.exec_id) for each in shown]
    fills = [("B", "trade", "T2"), ("A", "trade", "T1")] if snap_trades else []
    assert about == [("B", "new", None), *fills]


def test_balances() -> None:
    """All that is held, then the entries of the ledger."""
    source = BalancesSource(Channel.balances())
    Ear(source, source.wire)
    held = BalanceSnapshot(asset="USD", balance=Decimal(5))
    stray: Any = held
    source.take(message("balances", 1, held))
    entry = BalanceUpdate(ledger_id="L", asset="USD", amount=Decimal(2), balance=Decimal(7))
    source.take(message("balances", 2, entry, stray))
    (now,) = source.recall()
    assert now == BalanceSnapshot(asset="USD", balance=Decimal(7))
    assert source.live
    assert not BalancesSource(Channel.balances(snapshot=False)).whole
    assert BalancesSource(Channel.balances(users="all")).shareable


def test_balances_of_several_accounts_are_not_added_up() -> None:
    """They would be taken for one; the entries are delivered all the same."""
    source = BalancesSource(Channel.balances(users="all"))
    ear = Ear(source, source.wire)
    for sequence, user in enumerate(("a", "b"), 2):
        held = Decimal(sequence)
        entry = BalanceUpdate(ledger_id=user, asset="USD", amount=held, balance=held, user=user)
        source.take(message("balances", sequence, entry))
    assert [len(news.message.records) for news in ear.heard if isinstance(news, News)] == [1, 1]
    assert (len(source.balances), source.live) == (0, False)


def test_fills_that_say_too_little_are_no_records() -> None:
    """Neither in a snapshot nor as news; their orders hear of them."""
    source = ExecutionsSource(Channel.executions())
    ear = Ear(source, source.wire)
    bare = [report("A", "trade", exec_id=name, last_qty=Decimal(1)) for name in ("T1", "T2")]
    source.take(message("executions", 1, bare[0]))
    source.take(message("executions", 2, bare[1]))
    assert [len(news.trades) for news in ear.heard] == [0, 0]
    assert [order.cum_qty for order in ear.heard[1].orders] == [2]


def test_fills_of_a_channel_of_their_own() -> None:
    """Each is news once; a snapshot after a loss tells what was missed, and whether that is all."""
    source = FillsSource(Channel.own_trades())
    ear = Ear(source, source.wire)
    first, second, third = (fill(f"T{at}", at=at) for at in (1, 2, 3))
    source.take(message("own_trades", 1, first))
    source.take(message("own_trades", 2, second))
    source.take(message("own_trades", 3, second))
    assert [[each.exec_id for each in news.trades] for news in ear.heard] == [["T1"], ["T2"], []]
    recalled = list(source.recall())
    assert [(each.exec_id, each.snapshot) for each in recalled] == [("T2", True), ("T1", True)]
    source.lose()
    source.restart()
    source.take(message("own_trades", 1, third, second, first))
    news = ear.heard[-1]
    assert [each.exec_id for each in news.trades] == ["T3"]
    assert (news.reaches_back, list(news.shown)) == (True, ["T1", "T2", "T3"])
