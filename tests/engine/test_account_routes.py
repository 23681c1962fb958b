"""What each channel of an account is given, and how it tells a loss."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.engine.account_routes import AccountRoute, account_route, in_line
from kraken_trio._internal.engine.accounts import News
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.engine.signals import DataLost, Missed, SnapshotSeen
from kraken_trio._internal.model.account import BalanceSnapshot, Execution
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.orders import Order, OwnTrade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1

USUAL = GapHandling()


class Desk:
    """The three routes of executions, and what each gave."""

    def __init__(self, handling: GapHandling = USUAL) -> None:
        """Open them."""
        self.routes: dict[str, AccountRoute] = {}
        self.given: dict[str, list[Any]] = {}
        for part in (Channel.executions(), Channel.open_orders(), Channel.own_trades()):
            self.open(part, handling)

    def open(self, part: Channel, handling: GapHandling = USUAL) -> list[Any]:
        """Open a route beside those that are there, with a sink that joined late."""
        route = account_route(part, handling, self.routes.values())
        self.routes[part.name] = route
        given = self.given[part.name] = list(route.recall())
        route.join(given.append)
        return given

    def say(self, sequence: int, *records: Any) -> list[Any]:
        """Take a message; give the signals."""
        message = RecordsMessage(
            channel="executions",
            snapshot=sequence == 1,
            records=records,
            sequence=sequence,
            received_at=Timestamp(sequence),
        )
        return list(next(iter(self.routes.values())).take(message))

    def cut(self) -> list[Gap | None]:
        """Lose the connection; give the gaps."""
        return [route.disconnect() for route in self.routes.values()]

    def take(self, name: str) -> list[Any]:
        """Give what one of them gave since the last time."""
        given, self.given[name][:] = list(self.given[name]), []
        return given


def report(name: str, **members: Any) -> Execution:
    """Give a report."""
    return Execution(**({"order_id": name, "exec_type": "new", "order_status": "new"} | members))


def fill(number: int, order: str = "A") -> Execution:
    """Give the fill with this number."""
    return report(
        order,
        exec_type="trade",
        exec_id=f"T{number}",
        last_qty=Decimal(1),
        last_price=Decimal(9),
        timestamp=Timestamp(number),
    )


def shown(items: list[Any]) -> list[Any]:
    """Give the items in short."""
    return [
        f"{item.channel} {item.reason.value}"
        if isinstance(item, Gap)
        else f"{item.order_id} {item.order_status}"
        if isinstance(item, Order)
        else item.exec_id
        if isinstance(item, OwnTrade)
        else item
        for item in items
    ]


def test_each_is_given_its_own() -> None:
    """Reports as they are; orders as they stand; fills."""
    desk = Desk()
    first, traded = report("A"), fill(1)
    over = report("A", exec_type="canceled", order_status="canceled")
    assert desk.say(1, first) == [SnapshotSeen(Channel.executions())]
    desk.say(2, traded)
    desk.say(3, over)
    assert desk.given["executions"] == [first, traded, over]
    assert shown(desk.given["open_orders"]) == ["A new", "A new", "A canceled"]
    assert [order.cum_qty for order in desk.given["open_orders"]] == [None, 1, 1]
    assert shown(desk.given["own_trades"]) == ["T1"]
    assert [route.messages for route in desk.routes.values()] == [3, 3, 3]


def test_after_a_cut_each_is_made_whole() -> None:
    """Reports and orders after a gap; fills without one, for none is missing."""
    desk = Desk()
    desk.say(1, report("A"), report("B"), fill(1))
    for name in desk.given:
        desk.take(name)
    gaps = desk.cut()
    assert shown([gap for gap in gaps if gap]) == [
        "executions disconnect",
        "open_orders disconnect",
    ]
    assert all(gap.from_time == 1 for gap in gaps if gap)
    assert desk.cut() == [None, None, None]
    for route in desk.routes.values():
        route.discard()
    desk.say(1, report("B"), fill(2, "B"), fill(1))
    assert len(desk.take("executions")) == 4
    assert shown(desk.take("open_orders")) == ["open_orders disconnect", "A gone", "B new"]
    assert shown(desk.take("own_trades")) == ["T2"]


def test_fills_wait_for_the_snapshot_that_tells_what_was_missed() -> None:
    """Or one that was missed would come after a later one."""
    desk = Desk()
    desk.say(1, fill(1))
    (lost,) = desk.say(3, fill(3))
    assert isinstance(lost, DataLost)
    assert (lost.part, lost.gap.channel) == (Channel.executions(), "executions")
    desk.say(4, fill(4))
    assert shown(desk.take("own_trades")) == ["T1"]
    assert shown(desk.take("open_orders"))[-3:] == ["open_orders sequence", "A new", "A new"]
    for route in desk.routes.values():
        route.discard()
    signals = desk.say(1, fill(4), fill(3), fill(2), fill(1))
    assert signals == [SnapshotSeen(Channel.executions())]
    assert shown(desk.take("own_trades")) == ["T2", "T3", "T4"]
    desk.say(2, fill(5))
    assert shown(desk.take("own_trades")) == ["T5"]


def test_fills_that_a_snapshot_does_not_reach_back_to_are_a_gap() -> None:
    """Told where they are missing, and signalled, for nobody else noticed."""
    desk = Desk()
    desk.say(1, fill(1))
    desk.take("own_trades")
    desk.cut()
    signals = desk.say(1, *map(fill, range(60, 10, -1)))
    gap, *fills = desk.take("own_trades")
    assert gap == Gap(
        "own_trades",
        None,
        GapReason.DISCONNECT,
        from_time=Timestamp(1),
        to_time=Timestamp(11),
    )
    assert shown(fills) == [f"T{number}" for number in range(11, 61)]
    assert Missed(Channel.own_trades(), gap) in signals
    desk.cut()
    (seen, missed) = desk.say(1)
    assert isinstance(seen, SnapshotSeen)
    assert isinstance(missed, Missed)
    assert missed.gap.to_time == Timestamp(1)


def test_where_losses_are_ignored_fills_do_not_wait() -> None:
    """No snapshot will come for a missing number; for a lost connection one will."""
    desk = Desk(GapHandling(policy=GapPolicy.IGNORE))
    desk.say(1, fill(1))
    desk.say(3, fill(3))
    assert shown(desk.take("own_trades")) == ["T1", "own_trades sequence", "T3"]
    desk.cut()
    assert desk.take("own_trades") == []


def test_one_who_joins_late_begins_with_what_is_so() -> None:
    """As the exchange would begin; while a snapshot is awaited with nothing, but for fills."""
    desk = Desk()
    desk.say(1, report("A"), fill(1))
    desk.say(2, report("B"))
    assert [each.order_id for each in desk.open(Channel.executions())] == ["A", "B", "A"]
    assert all(each.snapshot for each in desk.given["executions"])
    assert shown(desk.open(Channel.open_orders())) == ["A new", "B new"]
    assert all(each.snapshot for each in desk.given["open_orders"])
    assert shown(desk.open(Channel.own_trades())) == ["T1"]
    assert desk.given["own_trades"][0].snapshot
    desk.cut()
    assert desk.open(Channel.executions()) == []
    assert desk.open(Channel.open_orders()) == []
    assert shown(desk.open(Channel.own_trades())) == ["T1"]
    desk.say(1, report("B"), *map(fill, range(60, 10, -1)))
    assert shown(desk.given["own_trades"])[:3] == ["T1", "own_trades disconnect", "T11"]
    assert shown(desk.given["open_orders"])[-1] == "B new"


def test_what_began_late_shares_what_is_known() -> None:
    """The numbers of messages too: no gap is seen where none is."""
    desk = Desk()
    desk.say(1, report("A"))
    sources = {id(route.source) for route in desk.routes.values()}
    other = account_route(Channel.balances(), USUAL, desk.routes.values())
    assert len(sources) == 1
    assert id(other.source) not in sources
    plain = account_route(Channel.own_trades(), USUAL, [Route(Channel.instrument(), USUAL), other])
    assert id(plain.source) not in sources
    assert plain.source.wire == Channel.executions()
    desk.routes.pop("executions").close()
    assert desk.say(2, report("B")) == []
    again = account_route(Channel.executions(), USUAL, desk.routes.values())
    assert id(again.source) in sources


def test_what_the_last_one_leaves_is_over() -> None:
    """Nothing is live of what nobody listens to."""
    desk = Desk()
    desk.say(1, report("A"))
    source = desk.routes["executions"].source
    for route in desk.routes.values():
        assert source.live
        route.close()
    assert not source.live


def test_before_anything_came() -> None:
    """A lost connection is a gap where it was confirmed; a lost frame tells itself."""
    route = account_route(Channel.balances(), USUAL, ())
    given: list[Any] = []
    route.join(given.append)
    assert route.disconnect() is None
    assert route.lose_frame(Timestamp(1)) is None
    route.confirmed = True
    assert route.disconnect() == Gap("balances", None, GapReason.DISCONNECT)
    assert not route.confirmed
    message = RecordsMessage(
        channel="balances",
        snapshot=True,
        records=(BalanceSnapshot(asset="BTC", balance=Decimal(1)),),
        sequence=1,
        received_at=None,
    )
    route.take(message)
    assert given[1:] == [*message.records]
    assert [each.asset for each in route.recall()] == ["BTC"]  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [{"users": "all"}, {"order_status": False}])
def test_what_is_not_told_whole_is_not_recalled(options: dict[str, Any]) -> None:
    """Nobody could be given it as what is so."""
    part = Channel.executions(**options)
    route = account_route(part, USUAL, ())
    route.take(
        RecordsMessage(
            channel="executions",
            snapshot=True,
            records=(report("A"),),
            sequence=1,
            received_at=None,
        )
    )
    assert route.recall() == ()


@pytest.mark.parametrize(
    "waiting, shown, news, reaches_back, line",
    [
        # All that was missed is shown, in its place; also what is of one moment.
        ("| 3 5", "1 2 3 4 5", "2 4", True, "2 3 4 5"),
        ("| 2", "3 4", "3 4", True, "2 3 4"),
        # It begins with what came right behind the last, or with what nobody knows.
        ("| 3 4 5", "4 5 6", "6", False, "| 3 4 5 6"),
        ("| 3 4 5", "6 7", "6 7", False, "| 3 4 5 | 6 7"),
        ("| 3 | 5", "5 6", "6", False, "| 3 | 5 6"),
        ("| 3 | 6", "5 6", "5", False, "| 3 | 5 6"),
        ("| 3 5", "4 5", "4", False, "| 3 | 4 5"),
        ("| 5 | 7", "5 6 7", "6", False, "| 5 6 7"),
        ("|", "", "", False, "|"),
        # Should one ever be shown that is older than one that is not: nothing is left out.
        ("| 5 6 7", "5 7", "", False, "| 6 5 7"),
    ],
)
def test_what_waited_is_put_in_line(
    waiting: str, shown: str, news: str, line: str, *, reaches_back: bool
) -> None:
    """Each fill once, and a gap wherever one may be missing."""

    def trade(number: str) -> OwnTrade:
        return OwnTrade(
            exec_id=number,
            order_id="O",
            qty=Decimal(1),
            price=Decimal(1),
            timestamp=Timestamp(int(number)),
        )

    gap = Gap("own_trades", None, GapReason.DISCONNECT)
    items = [gap if each == "|" else trade(each) for each in waiting.split()]
    message = RecordsMessage("executions", True, (), 1, Timestamp(99))  # noqa: FBT003 - a struct
    told = News(message, (), [*map(trade, news.split())], shown.split(), reaches_back)
    put = in_line(items, told)
    assert " ".join("|" if isinstance(each, Gap) else each.exec_id for each in put) == line
    for each, after in zip(put, [*put[1:], None], strict=True):
        if isinstance(each, Gap):
            assert each.to_time == getattr(after, "timestamp", 99)


def test_a_second_loss_while_the_first_is_mended() -> None:
    """Both are told, where fills are between them that the snapshot does not show."""
    desk = Desk()
    desk.say(1, fill(1))
    desk.say(3, fill(3))
    desk.say(5, fill(5))
    desk.say(7)
    desk.cut()
    desk.take("own_trades")
    desk.say(1, *map(fill, range(80, 30, -1)))
    assert shown(desk.take("own_trades"))[:6] == [
        "own_trades sequence",
        "T3",
        "own_trades sequence",
        "T5",
        "own_trades sequence",
        "T31",
    ]


def test_fills_wait_whatever_a_subscription_is_begun_anew_for() -> None:
    """A snapshot that did not come, or that is wanted once more; only what is missing is told."""
    desk = Desk()
    route = desk.routes["own_trades"]
    route.discard()
    desk.say(1, fill(1))
    desk.take("own_trades")
    for begin, last in ((route.discard, 3), (route.stall, 4)):
        begin()
        route.discard()
        assert desk.take("own_trades") == []
        desk.say(1, *map(fill, range(last, 0, -1)))
        assert shown(desk.take("own_trades"))[-1:] == [f"T{last}"]
    assert route.stall() == Gap("own_trades", None, GapReason.STALLED, from_time=Timestamp(1))
    route.discard()
    desk.say(1, *map(fill, range(90, 40, -1)))
    assert shown(desk.take("own_trades"))[:2] == ["own_trades stalled", "T41"]


def test_what_is_asked_for_anew_begins_anew() -> None:
    """A probe's snapshot is told like any other, for its numbers begin again; nothing is lost."""
    desk = Desk()
    desk.say(1, report("A"), fill(1))
    desk.say(2, report("B"))
    desk.take("executions")
    desk.take("own_trades")
    route = desk.routes["executions"]
    route.begin_probe(Probe(None, None))
    lives = [route.source.live]
    desk.say(1, report("B"), fill(2), fill(1))
    assert [*lives, route.source.live] == [False, True]
    assert not [item for item in desk.take("executions") if isinstance(item, Gap)]
    assert shown(desk.take("own_trades")) == ["T2"]


@pytest.mark.parametrize("name", ["own_trades", "open_orders"])
def test_a_channel_of_its_own_begins_with_any_number(name: str) -> None:
    """Where nobody says that numbers begin with 1, a snapshot is the beginning, and no loss."""
    route = account_route(Channel(name=name), USUAL, (), V1)

    def say(sequence: int) -> list[Any]:
        message = RecordsMessage(name, sequence == 2, (), sequence, Timestamp(sequence))
        return list(route.take(message))

    assert say(2) == [SnapshotSeen(Channel(name=name))]
    assert say(3) == []
    (lost,) = say(5)
    assert isinstance(lost, DataLost)
