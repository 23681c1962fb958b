"""Every trade comes once and in order, or is counted in one gap, whatever history answers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.backfill import PAGE_ROWS, SLACK_NS, TradeLine
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp

BEGIN = 1_700_000_000 * 10**9
SECOND = 10**9
ONE = Decimal(1)


def at(number: int) -> Timestamp:
    """When the trade with this number was: one a second."""
    return Timestamp(BEGIN + number * SECOND)


def trade(number: int, *, time: Timestamp | None = None, **more: Any) -> Trade:
    """Give the trade with this number."""
    when = at(number) if time is None else time
    return Trade("BTC/USD", "buy", ONE, ONE, "limit", number, when, **more)


def live(*numbers: int, snapshot: bool = False) -> RecordsMessage:
    """Give a message of the stream."""
    trades = tuple(trade(number, snapshot=snapshot) for number in numbers)
    return RecordsMessage("trade", snapshot, trades, None, None)


def rows(*numbers: int) -> list[Trade]:
    """Give a page of history."""
    return [trade(number, backfilled=True) for number in numbers]


def gap(expected: int, received: int) -> Gap:
    """Give the gap before ``received``."""
    return Gap(
        "trade",
        "BTC/USD",
        GapReason.TRADE_ID,
        expected,
        received,
        received - expected,
        at(expected - 1),
        at(received),
    )


def shown(items: list[Trade | Gap]) -> list[object]:
    """Show trades as their numbers, negative for those that history brought."""
    return [
        item if isinstance(item, Gap) else -item.trade_id if item.backfilled else item.trade_id
        for item in items
    ]


def line(**settings: Any) -> TradeLine:
    """Give a line that is filled from history."""
    return TradeLine("BTC/USD", GapHandling(**{"backfill": True, **settings}))


def test_the_latest_trade_that_was_given_out_is_known() -> None:
    """Not one that waits."""
    line = TradeLine("BTC/USD", GapHandling(backfill=True))
    assert line.last is None
    line.accept(live(1, 2, 5))
    assert line.last == trade(2)


def test_order_is_left_alone() -> None:
    """What comes in order goes on at once, and nothing is asked."""
    trades = line()
    assert shown(trades.accept(live(7, 8, 9))) == [7, 8, 9]
    assert shown(trades.accept(live(8, 9, 10, snapshot=True))) == [10]
    assert (trades.holding, trades.missing, trades.since) == (False, 0, None)
    assert (trades.deadline, trades.repeats) == (math.inf, 2)
    assert trades.fill(rows(11, 12)) == []


def test_a_hole_is_filled_from_history() -> None:
    """What came behind it waits, history is asked from just before it, and each comes once."""
    trades = line()
    trades.accept(live(1, 2))
    assert trades.accept(live(6, 7)) == []
    assert (trades.holding, trades.missing, trades.since) == (True, 3, at(2) - SLACK_NS)
    assert trades.deadline == -math.inf
    assert trades.tick(5.0) == []
    assert trades.deadline == 35.0
    assert shown(trades.fill(rows(2, 3, 4, 5, 6, 7, 8))) == [-3, -4, -5, 6, 7]
    assert shown(trades.accept(live(8))) == [8]
    assert (trades.backfilled, trades.repeats, trades.holding) == (3, 0, False)


def test_a_page_after_the_other() -> None:
    """Each next question begins a little before the last row."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(10))
    assert shown(trades.fill(rows(1, 2, 3, 4))) == [-2, -3, -4]
    assert trades.since == at(4) - SLACK_NS
    assert shown(trades.fill(rows(4, 5, 6, 7))) == [-5, -6, -7]
    assert shown(trades.fill(rows(7, 8, 9))) == [-8, -9, 10]


def test_what_is_not_served_any_more_is_a_gap() -> None:
    """Each hole by itself, in its place, as soon as history has reached the trade behind it."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(20))
    assert shown(trades.fill(rows(5, 6, 9, 10))) == [gap(2, 5), -5, -6, gap(7, 9), -9, -10]
    assert trades.since == at(10) - SLACK_NS
    assert shown(trades.fill(rows(10, 15, 19))) == [gap(11, 15), -15, gap(16, 19), -19, 20]


def test_history_that_begins_behind_the_hole_has_nothing_of_it() -> None:
    """A page that begins later answers for all that is before it."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(5))
    assert shown(trades.fill(rows(100, 101))) == [gap(2, 5), 5]


def test_history_that_lags_is_asked_again() -> None:
    """As long as it has not reached the hole's end, what it does not have may come."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(5))
    for page in (rows(), rows(1), rows(1)):
        assert trades.fill(page) == []
        assert trades.since == at(1) - SLACK_NS
    assert shown(trades.fill(rows(1, 2, 3))) == [-2, -3]
    assert trades.fill(rows(3)) == []
    assert shown(trades.fill(rows(3, 4, 5))) == [-4, 5]


def test_a_second_hole_while_the_first_is_filled() -> None:
    """A page that was made before it says nothing about it."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(5, 6))
    trades.accept(live(10))
    assert (trades.missing, trades.since) == (6, at(1) - SLACK_NS)
    assert shown(trades.fill(rows(1, 2, 3, 4, 5, 6))) == [-2, -3, -4, 5, 6]
    assert (trades.missing, trades.since) == (3, at(6) - SLACK_NS)
    assert shown(trades.fill(rows(7, 9, 10, 11))) == [-7, gap(8, 9), -9, 10]


def test_a_page_of_one_moment_does_not_come_for_ever() -> None:
    """Where a whole page brings nothing new, the next one begins without the slack."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(5000))
    moment = at(2)
    page = [trade(2 + n, time=moment, backfilled=True) for n in range(PAGE_ROWS)]
    assert len(trades.fill(page)) == PAGE_ROWS
    assert trades.since == moment - SLACK_NS
    assert trades.fill(page) == []
    assert trades.since == moment
    more = [trade(2 + PAGE_ROWS, time=Timestamp(moment + 1), backfilled=True)]
    assert len(trades.fill(more)) == 1
    assert trades.since == moment + 1 - SLACK_NS


def test_time_runs_out() -> None:
    """The hole is given up, and what comes of it later is passed over."""
    trades = line(pending_timeout=3.0)
    trades.accept(live(1))
    trades.accept(live(5))
    trades.tick(10.0)
    assert shown(trades.fill(rows(2))) == [-2]
    assert trades.tick(12.9) == []
    assert shown(trades.tick(13.0)) == [gap(3, 5), 5]
    assert trades.fill(rows(3, 4)) == []
    assert (trades.since, trades.repeats, trades.backfilled) == (None, 0, 1)


def test_room_runs_out() -> None:
    """More than ``max_pending`` behind a hole are not held."""
    trades = line(max_pending=3)
    trades.accept(live(1))
    assert trades.accept(live(5, 6, 7)) == []
    assert shown(trades.accept(live(8))) == [gap(2, 5), 5, 6, 7, 8]


def test_there_may_be_no_history() -> None:
    """Then everything that is missing is given up at once."""
    trades = line()
    trades.accept(live(1))
    trades.accept(live(3, 5, 6))
    assert shown(trades.give_up()) == [gap(2, 3), 3, gap(4, 5), 5, 6]
    assert not trades.holding


def test_without_history_a_wide_gap_is_not_waited_for() -> None:
    """The policy to buffer waits for what comes in another order, up to ``max_gap``."""
    trades = TradeLine("BTC/USD", GapHandling(policy=GapPolicy.BUFFER, max_gap=10))
    assert shown(trades.accept(live(1, 3, 2, 5))) == [1, 2, 3]
    assert (trades.missing, trades.since) == (1, None)
    assert shown(trades.accept(live(4))) == [4, 5]
    assert shown(trades.accept(live(17))) == [gap(6, 17), 17]


def test_a_wide_gap_is_waited_for_with_history() -> None:
    """However wide it is: ``max_gap`` is for what no one can be asked for."""
    trades = line(max_gap=1)
    trades.accept(live(1))
    assert trades.accept(live(2**63 - 1)) == []
    assert trades.missing == 2**63 - 3
    assert shown(trades.give_up())[1] == 2**63 - 1


def test_a_pair_that_is_numbered_anew_goes_on() -> None:
    """A lower number with a later time is no repeat; what is between, nobody can know."""
    trades = line()
    trades.accept(live(100, 103))
    anew = trade(7, time=at(200))
    message = RecordsMessage("trade", False, (anew, trade(8, time=at(201))), None, None)  # noqa: FBT003 - a struct
    assert shown(trades.accept(message)) == [
        *(gap(101, 103), 103),
        Gap("trade", "BTC/USD", GapReason.TRADE_ID, 104, 7, None, at(103), at(200)),
        *(7, 8),
    ]
    trades.accept(RecordsMessage("trade", False, (trade(10, time=at(203)),), None, None))  # noqa: FBT003 - a struct
    assert trades.since == at(201) - SLACK_NS


@pytest.mark.parametrize("repeat", [trade(2), trade(3, time=at(2)), trade(2, snapshot=True)])
def test_a_repeat_is_counted(repeat: Trade) -> None:
    """It is no newer than what was there, or stands in a snapshot."""
    trades = line()
    trades.accept(live(1, 2, 3))
    assert trades.accept(RecordsMessage("trade", repeat.snapshot, (repeat,), None, None)) == []
    assert trades.repeats == 1


Step = tuple[str, Any]
"""What happens next: trades, a page, a tick, or the news that there is no history."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("jump"), st.integers(0, 8)),
        st.tuples(st.just("next"), st.integers(1, 5)),
        st.tuples(st.just("again"), st.integers(1, 30)),
        st.tuples(st.just("page"), st.tuples(st.integers(1, 6), st.sets(st.integers(0, 40)))),
        st.tuples(st.just("stray"), st.lists(st.integers(0, 60), max_size=8)),
        st.tuples(st.just("tick"), st.integers(0, 4)),
        st.tuples(st.just("none"), st.none()),
    ),
    max_size=40,
)


class Walk:
    """A line, and what came out of it."""

    def __init__(self, handling: GapHandling) -> None:
        """Begin with the trade number 1."""
        self.line = TradeLine("BTC/USD", handling)
        self.out: list[Trade | Gap] = []
        self.last = 1
        self.now = 0.0
        self.put = {1}
        self.out += self.line.accept(live(1))

    def step(self, kind: str, what: Any) -> None:
        """Let it happen."""
        out = self.out
        match kind:
            case "jump" | "next":
                first = self.last + 1 + (what if kind == "jump" else 0)
                self.last = first + (0 if kind == "jump" else what)
                self.put |= set(range(first, self.last + 1))
                out += self.line.accept(live(*range(first, self.last + 1)))
            case "again":
                first = max(1, self.last - what)
                self.put |= set(range(first, self.last + 1))
                out += self.line.accept(live(*range(first, self.last + 1), snapshot=True))
            case "page" if (since := self.line.since) is not None:
                count, withheld = what
                begin = (since - BEGIN) // SECOND + 1
                numbers = [n for n in range(begin, self.last + 3) if n not in withheld]
                out += self.line.fill(rows(*numbers[:count]))
            case "stray":
                out += self.line.fill(rows(*what))
            case "tick":
                self.now += what
                out += self.line.tick(self.now)
            case "none":
                out += self.line.give_up()


@given(STEPS, st.integers(1, 12), st.booleans(), st.sampled_from(GapPolicy))
def test_every_number_comes_once_or_is_in_one_gap(
    steps: list[Step], max_pending: int, backfill: bool, policy: GapPolicy
) -> None:
    """Whatever comes in whatever order, and whatever history says or does not say."""
    walk = Walk(
        GapHandling(
            policy=policy,
            backfill=backfill,
            max_pending=max_pending,
            max_gap=5,
            pending_timeout=3.0,
        )
    )
    for kind, what in steps:
        walk.step(kind, what)
        assert walk.line.holding is (walk.line.missing > 0)
    walk.out += walk.line.give_up()
    expected = 1
    for item in walk.out:
        if isinstance(item, Gap):
            assert (item.expected, item.reason) == (expected, GapReason.TRADE_ID)
            assert item.size is not None
            assert item.size > 0
            # Nothing that the stream brought is ever called missing, unless it came too late.
            expected += item.size
            assert item.received == expected
        else:
            assert item.trade_id == expected
            assert item.backfilled or item.trade_id in walk.put
            expected += 1
    assert expected == walk.last + 1
    assert walk.line.backfilled == sum(
        item.backfilled for item in walk.out if isinstance(item, Trade)
    )


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(2, 30),
    st.integers(0, 2**32),
)
def test_a_whole_history_leaves_no_gap(jumps: list[int], page: int, seed: int) -> None:
    """Whatever the holes and the size of the pages, in a bounded number of questions."""
    walk = Walk(GapHandling(backfill=True, max_pending=1000))
    asked = 0
    for jump in jumps:
        walk.step("jump", jump)
        if seed % 2:
            walk.step("page", (page, set()))
            asked += 1
        seed //= 2
    while walk.line.holding:
        walk.step("page", (page, set()))
        asked += 1
    assert shown(walk.out) == [
        number if number in walk.put else -number for number in range(1, walk.last + 1)
    ]
    assert asked <= len(jumps) + sum(jumps) / (page - 1) + len(jumps)
