"""The route of trades that wait: what it delivers when, and what it says of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.core.backfill import PAGE_ROWS
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.holding import AT_ONCE, HoldingRoute, holds_back
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.routes import TrackedRoute
from kraken_trio._internal.engine.signals import DataLost, Held, Missed, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode import V2Decoder

PART = Channel.trades("BTC/USD", snapshot=True)
HELD = Held(PART)
SEEN = SnapshotSeen(PART)


def trade(number: int, *, backfilled: bool = False, snapshot: bool = False) -> Trade:
    """Give the trade with this number."""
    one = Decimal(1)
    when = Timestamp(number * 10**9)
    return Trade(
        *("BTC/USD", "buy", one, one, "limit", number, when),
        snapshot=snapshot,
        backfilled=backfilled,
    )


def live(*numbers: int, snapshot: bool = False) -> RecordsMessage:
    """Give a message of the stream."""
    trades = tuple(trade(number, snapshot=snapshot) for number in numbers)
    return RecordsMessage("trade", snapshot, trades, None, None)


def rows(*numbers: int) -> list[Trade]:
    """Give a page of history."""
    return [trade(number, backfilled=True) for number in numbers]


def opened(**settings: Any) -> tuple[HoldingRoute, list[Any]]:
    """Give a route, and the list that is its one sink: numbers, and gaps."""
    route, got = HoldingRoute(PART, GapHandling(**{"backfill": True, **settings})), list[Any]()

    def sink(item: Any) -> None:
        got.append(item.trade_id if isinstance(item, Trade) else item)

    route.join(sink)
    return route, got


def test_what_is_next_goes_on_at_once() -> None:
    """A snapshot too, and that one came is all that is signalled."""
    route, got = opened()
    assert list(route.take(live(*range(1, AT_ONCE + 1), snapshot=True))) == [SEEN]
    assert list(route.take(live(51, 52))) == []
    assert got == list(range(1, 53))
    assert not route.holding


def test_what_is_held_is_signalled_and_handed_on_later() -> None:
    """As long as anything is held back, each message says so."""
    route, got = opened()
    route.take(live(1))
    assert list(route.take(live(4))) == [HELD]
    assert list(route.take(live(5))) == [HELD]
    route.fill(rows(2, 3))
    assert (route.ready, got, route.holding) == (4, [1], True)
    assert list(route.take(live(6))) == [HELD]
    assert list(route.hand_on()) == []
    assert got == [1, 2]
    assert list(route.hand_on(10)) == []
    assert (got, route.ready, route.holding) == ([1, 2, 3, 4, 5, 6], 0, False)
    assert list(route.hand_on()) == []


def test_a_gap_is_signalled_when_it_is_delivered() -> None:
    """By time, by history, or because there is none."""
    route, got = opened()
    route.take(live(1, 3))
    route.tick(0.0)
    route.tick(29.0)
    assert route.ready == 0
    route.tick(30.0)
    assert route.ready == 2
    (lost,) = route.hand_on(2)
    assert isinstance(lost, DataLost)
    assert (lost.part, lost.gap) == (PART, got[1])
    route.take(live(6))
    route.give_up()
    route.hand_on(2)
    assert [item.size if isinstance(item, Gap) else item for item in got] == [1, 1, 3, 2, 6]


def test_what_is_filled_in_the_stream_goes_on_with_it() -> None:
    """A few that were held go on with the message that filled the hole; many do not."""
    route, got = opened(policy=GapPolicy.BUFFER, backfill=False)
    route.take(live(1, 3))
    assert list(route.take(live(2))) == []
    assert got == [1, 2, 3]
    route.take(live(*range(5, 5 + AT_ONCE)))
    assert list(route.take(live(4))) == [HELD]
    assert (got[-1], route.ready) == (3, AT_ONCE + 1)


def test_memory_has_an_end() -> None:
    """What nobody hands on is delivered at last, whatever becomes of it there."""
    route, got = opened(max_pending=10)
    route.take(live(1))
    route.take(live(3))
    route.fill(rows(2))
    for number in range(4, 4 + 10 + PAGE_ROWS):
        assert list(route.take(live(number))) == [HELD]
    assert route.ready == 10 + PAGE_ROWS
    assert got == [1, 2, 3]


def test_numbers_go_on_whatever_happens_to_connections() -> None:
    """A disconnect is no loss yet; what was held is still there."""
    route, got = opened()
    route.take(live(1, 3))
    assert route.disconnect() is None
    route.discard()
    route.take(live(2, 3, 4, snapshot=True))
    route.hand_on(10)
    assert got == [1, 2, 3, 4]
    assert route.line.repeats == 1


def test_where_nothing_had_come_yet_a_disconnect_is_told() -> None:
    """Trades that were confirmed may have been made meanwhile, and no number would show it."""
    route, got = opened()
    assert route.disconnect() is None
    route.confirmed = True
    gap = route.disconnect()
    assert gap == Gap("trade", "BTC/USD", GapReason.DISCONNECT)
    assert got == [gap]
    route.confirmed = True
    route.take(live(1))
    assert route.disconnect() is None
    assert not route.confirmed


def test_what_was_there_before_the_first_is_old() -> None:
    """A snapshot that nobody asked for is news from what was seen on; even one with a hole."""
    route, got = HoldingRoute(Channel.trades("BTC/USD"), GapHandling(backfill=True)), list[Any]()
    route.join(got.append)
    seen = SnapshotSeen(route.part)
    assert list(route.take(live(1, 2, 5, snapshot=True))) == [seen]
    assert (got, route.holding) == ([], False)
    assert list(route.take(live(5, 6))) == []
    assert list(route.take(live(6, 7, snapshot=True))) == [seen]
    assert [item.trade_id for item in got] == [6, 7]
    assert list(route.take(live(9))) == [Held(route.part)]


def test_a_frame_that_cannot_be_decoded_is_no_loss_yet() -> None:
    """The next trade tells what is missing, and what can be fetched is fetched."""
    route, got = opened()
    route.take(live(1))
    assert route.lose_frame(Timestamp(2)) is None
    assert got == [1]


def test_one_who_joins_late_finds_what_was_delivered() -> None:
    """Not what waits: that comes, in its place, to all of them."""
    route, got = opened()
    route.take(live(1, 3, snapshot=True))
    late = list[Any](route.recall())
    assert late == [trade(1, snapshot=True)]
    route.join(late.append)
    route.fill(rows(2))
    route.hand_on(10)
    assert late[1:] == [
        trade(2, backfilled=True),
        trade(3, snapshot=True),
    ]
    assert got == [1, 2, 3]


def test_where_no_snapshot_was_asked_for_nothing_is_kept() -> None:
    """Nobody who joins can be given one."""
    route = HoldingRoute(Channel.trades("BTC/USD"), GapHandling(backfill=True))
    route.take(live(1, 2))
    assert list(route.recall()) == []


def test_a_probe_brings_what_was_kept_from_us() -> None:
    """Late, and told so; a hole in it waits as any other. One of a quiet pair brings nothing."""
    route, got = opened()
    route.take(live(1, 2))
    heard = route.heard
    signals: list[Any] = []
    for _ in range(2):
        route.probe = Probe(left_at=Timestamp(9 * 10**9))
        signals = list(route.take(live(1, 2, 3, snapshot=True)))
    gap = got[2]
    assert (gap.reason, gap.size, got) == (GapReason.STALLED, 0, [1, 2, gap, 3])
    assert (signals, route.heard) == ([SEEN], heard)
    route.probe = Probe()
    signals = list(route.take(live(5, 6, snapshot=True)))
    assert [type(signal) for signal in signals] == [Missed, Held, SnapshotSeen]
    route.fill(rows(3, 4, 5))
    route.hand_on(9)
    assert got[-3:] == [4, 5, 6]


def test_closing_forgets_what_waits() -> None:
    """And says so to whoever sees to it."""
    route, _ = opened()
    route.close()
    assert route.closed
    route, _ = opened()
    route.take(live(1, 3))
    route.fill(rows(2))
    told: list[bool] = []
    route.on_close = lambda: told.append(route.closed)
    route.close()
    assert (told, route.ready) == ([True], 0)


@pytest.mark.parametrize(
    "part, handling, held",
    [
        (PART, GapHandling(), False),
        (PART, GapHandling(policy=GapPolicy.IGNORE), False),
        (PART, GapHandling(policy=GapPolicy.BUFFER), True),
        (PART, GapHandling(backfill=True), True),
        (PART, GapHandling(backfill=True, policy=GapPolicy.IGNORE), True),
        (Channel.book("BTC/USD"), GapHandling(policy=GapPolicy.BUFFER), False),
        (Channel.ohlc("BTC/USD"), GapHandling(backfill=True), False),
    ],
)
def test_trades_alone_wait(part: Channel, handling: GapHandling, held: bool) -> None:
    """Where the policy is to buffer, or what is missing is fetched."""
    assert holds_back(part, handling) is held
    assert isinstance(Engine(V2Decoder()).open(part, handling), HoldingRoute) is held


def test_an_engine_tells_and_counts() -> None:
    """Of a gap that a route gives by itself too; the counts outlive their routes."""
    seen: list[Gap] = []

    class Seen(Observer):
        def gap(self, session: str, gap: Gap) -> None:
            assert session == "public"
            seen.append(gap)

    engine = Engine(V2Decoder(), hooks=Hooks(own=[Seen()]))
    route = engine.open(PART, GapHandling(backfill=True))
    other = engine.open(Channel.trades("ETH/USD"))
    assert isinstance(route, HoldingRoute)
    assert isinstance(other, TrackedRoute)
    assert list(engine.take(live(1, 5))) == [HELD]
    engine.take(live(1))
    route.fill(rows(3))
    route.give_up()
    assert len(engine.note(route.hand_on(10))) == 2
    assert [(gap.expected, gap.received, gap.reason) for gap in seen] == [
        (2, 3, GapReason.TRADE_ID),
        (4, 5, GapReason.TRADE_ID),
    ]
    other.take(live(1, 2))
    other.take(live(1, 2))
    assert (engine.trades_repeated, engine.trades_backfilled) == (3, 1)
    engine.close(PART)
    engine.close(other.part)
    assert (engine.trades_repeated, engine.trades_backfilled) == (3, 1)


def test_candles_are_not_counted_as_trades() -> None:
    """Nor is what has no numbers."""
    engine = Engine(V2Decoder())
    engine.open(Channel.ohlc("BTC/USD"))
    engine.open(Channel.ticker("BTC/USD"))
    assert (engine.trades_repeated, engine.trades_backfilled) == (0, 0)
