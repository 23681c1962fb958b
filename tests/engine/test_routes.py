"""Each route: what it delivers, what it signals, what it forgets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.signals import DataLost, Missed, SnapshotSeen
from kraken_trio._internal.model.account import BalanceSnapshot
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import (
    Candle,
    Level,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentPair
from kraken_trio._internal.model.timestamp import Timestamp

NOW = Timestamp(1_000)
LATER = Timestamp(2_000)
BID = Level(Decimal("1.5"), Decimal("2.00"))


def opened(part: Channel) -> tuple[Any, list[Any]]:
    """Give a route, and the list that is its one sink."""
    route, got = make_route(part, GapHandling()), list[Any]()
    route.join(got.append)
    return route, got


def message(channel: str, *records: Any, **more: Any) -> RecordsMessage:
    """Give a message of records."""
    settings = {"snapshot": False, "sequence": None, "received_at": NOW} | more
    return RecordsMessage(channel=channel, records=records, **settings)


def ticker(bid: str) -> Ticker:
    """Give a ticker with this best bid."""
    one = Decimal(1)
    rest = (one, one, one, one, one, one, one, one, one, one)
    return Ticker("BTC/USD", Decimal(bid), *rest, timestamp=NOW, received_at=LATER)


def trade(number: int) -> Trade:
    """Give the trade with this number."""
    one = Decimal(1)
    return Trade("BTC/USD", "buy", one, one, "limit", number, Timestamp(number), NOW)


def test_records_without_numbers_are_handed_on_as_they_are() -> None:
    """A ticker goes to every sink, in the order in which they joined."""
    route, got = opened(Channel.ticker("BTC/USD"))
    route.join(got.append)
    assert list(route.take(message("ticker", ticker("1.5")))) == []
    assert got == [ticker("1.5")] * 2


@pytest.mark.parametrize(
    "part", [Channel.instrument(), Channel.ticker("BTC/USD"), Channel.trades("BTC/USD")]
)
def test_a_snapshot_is_signalled(part: Channel) -> None:
    """Somebody may wait for it, to be complete or to be told that it still is."""
    route, _ = opened(part)
    assert list(route.take(message(part.name, snapshot=True))) == [SnapshotSeen(part)]


def test_a_disconnect_is_told_once_and_only_if_something_came() -> None:
    """A quiet route has lost nothing; another says since when it knows nothing."""
    route, got = opened(Channel.ticker("BTC/USD"))
    assert route.disconnect() is None
    route.take(message("ticker", ticker("1.5")))
    gap = route.disconnect()
    assert gap == Gap("ticker", "BTC/USD", GapReason.DISCONNECT, from_time=NOW)
    assert got[-1] is gap
    assert route.disconnect() is None


def test_a_channel_without_symbols_says_so_in_its_gap() -> None:
    """The gap of the instruments names no symbol."""
    route, _ = opened(Channel.instrument())
    route.take(message("instrument"))
    assert route.disconnect() == Gap("instrument", None, GapReason.DISCONNECT, from_time=NOW)


def test_a_gap_stands_before_the_trade_that_showed_it() -> None:
    """Missing trades are a gap in band, and a signal."""
    route, got = opened(Channel.trades("BTC/USD"))
    assert list(route.take(message("trade", trade(1)))) == []
    signals = route.take(message("trade", trade(4)))
    assert [type(item) for item in got] == [Trade, Gap, Trade]
    assert (got[1].expected, got[1].received, got[1].size) == (2, 4, 2)
    assert list(signals) == [DataLost(route.part, got[1])]


def test_trades_tell_themselves_what_a_disconnect_cost() -> None:
    """No gap at the disconnect: the next trade's number says exactly what was missed."""
    route, got = opened(Channel.trades("BTC/USD"))
    route.take(message("trade", trade(1)))
    assert route.disconnect() is None
    route.take(message("trade", trade(1), trade(2), snapshot=True))
    route.take(message("trade", trade(5)))
    assert [type(item) for item in got] == [Trade, Trade, Gap, Trade]


def test_where_nothing_had_come_yet_a_disconnect_is_told() -> None:
    """Trades that were confirmed may have been made meanwhile, and no number would show it."""
    route, got = opened(Channel.trades("BTC/USD"))
    assert route.disconnect() is None
    route.confirmed = True
    assert route.disconnect() == Gap("trade", "BTC/USD", GapReason.DISCONNECT)
    assert not route.confirmed
    # The snapshot that shows what a disconnect cost is old where nothing was seen before it.
    route.take(message("trade", trade(4), trade(5), snapshot=True))
    route.take(message("trade", trade(7)))
    assert [type(item) for item in got] == [Gap, Gap, Trade]
    assert (got[1].expected, got[1].received) == (6, 7)
    route.confirmed = True
    assert route.disconnect() is None


def test_private_channels_are_numbered_anew_after_a_disconnect() -> None:
    """Their numbers begin with 1 again and tell nothing, so the disconnect itself is the gap."""
    route, got = opened(Channel.balances())
    held = BalanceSnapshot(asset="BTC", balance=Decimal(1))
    first = message("balances", held, snapshot=True, sequence=1)
    assert list(route.take(first)) == [SnapshotSeen(route.part)]
    assert route.disconnect() == Gap("balances", None, GapReason.DISCONNECT, from_time=NOW)
    assert list(route.take(first)) == [SnapshotSeen(route.part)]
    assert [type(item) for item in got] == [BalanceSnapshot, Gap, BalanceSnapshot]


def test_a_private_channel_may_miss_something_before_its_first_message() -> None:
    """One without a snapshot is quiet until something happens, and that may be while it is gone."""
    route, got = opened(Channel.executions(users="all"))
    assert route.disconnect() is None
    route.confirmed = True
    assert route.disconnect() == Gap("executions", None, GapReason.DISCONNECT)
    assert not route.confirmed
    assert [type(item) for item in got] == [Gap]


def test_a_loss_and_a_snapshot_are_both_signalled() -> None:
    """A snapshot that is not the first message of its subscription shows a loss."""
    route, got = opened(Channel.balances())
    signals = route.take(message("balances", snapshot=True, sequence=3))
    assert list(signals) == [DataLost(route.part, got[0]), SnapshotSeen(route.part)]


def test_one_who_joins_late_is_given_what_a_snapshot_would_hold() -> None:
    """As the exchange would begin with it, if it were asked now."""
    route, early = opened(Channel.trades("BTC/USD", snapshot=True))
    route.take(message("trade", trade(1), trade(2), snapshot=True))
    route.take(message("trade", trade(2), trade(3), trade(5)))
    late = list(route.recall())
    assert [replace(i, snapshot=False) if isinstance(i, Trade) else i for i in late] == early
    assert [type(item) for item in late] == [Trade, Trade, Trade, Gap, Trade]
    assert all(item.snapshot for item in late if isinstance(item, Trade))


@pytest.mark.parametrize(
    "part", [Channel.trades("BTC/USD"), Channel.ticker("BTC/USD", snapshot=False)]
)
def test_where_no_snapshot_was_asked_for_none_is_given(part: Channel) -> None:
    """What is known then is no snapshot, and costs nothing."""
    route, _ = opened(part)
    route.take(message(part.name, trade(1) if part.name == "trade" else ticker("1.5")))
    assert list(route.recall()) == []
    route.disconnect()
    assert list(route.recall()) == []


def test_what_is_believed_no_more_is_given_to_nobody() -> None:
    """After a disconnect the last ticker is old; past trades stay true."""
    quote, _ = opened(Channel.ticker("BTC/USD"))
    past, _ = opened(Channel.trades("BTC/USD", snapshot=True))
    quote.take(message("ticker", ticker("1.5")))
    past.take(message("trade", trade(1), snapshot=True))
    for route in (quote, past):
        route.disconnect()
    assert (list(quote.recall()), len(list(past.recall()))) == ([], 1)


def test_one_who_joined_twice_leaves_once() -> None:
    """Each joining has its own leaving."""
    route, got = opened(Channel.ticker("BTC/USD"))
    route.join(got.append)
    route.leave(got.append)
    route.take(message("ticker", ticker("1.5")))
    assert len(got) == 1


def probed(route: Any, left_at: int = 10_000, confirmed_at: int | None = None) -> int:
    """Let a route be probed; give what it had heard before."""
    since = None if confirmed_at is None else Timestamp(confirmed_at)
    route.probe = Probe(since, Timestamp(left_at))
    return int(route.heard)


def test_a_long_candle_that_is_kept_from_us_is_told() -> None:
    """It does not say when it changed; once that may be an accident, and no more than once."""
    route, got = opened(Channel.ohlc("BTC/USD"))
    begin, one = Timestamp(0), Decimal(1)
    for count in (1, 2, 3):
        candle = Candle("BTC/USD", 1, begin, one, one, one, one, one, count, one)
        route.take(message("ohlc", candle, snapshot=True))
        probed(route)
    gaps = [item for item in got if isinstance(item, Gap)]
    assert [(gap.reason, gap.size) for gap in gaps] == [(GapReason.STALLED, 0)]
    assert [item.trades for item in got if isinstance(item, Candle)] == [1, 2, 3]


def test_trades_that_a_probe_brings_come_late_and_once() -> None:
    """The gap says so, and that none is missing; one of a quiet pair brings nothing."""
    route, got = opened(Channel.trades("BTC/USD"))
    route.take(message("trade", trade(1), trade(2)))
    heard = probed(route)
    signals = list(route.take(message("trade", trade(2), trade(3), snapshot=True)))
    gap = Gap("trade", "BTC/USD", GapReason.STALLED, None, None, 0, NOW, Timestamp(3))
    seen = SnapshotSeen(route.part)
    assert signals == [Missed(route.part, gap), seen]
    assert got == [trade(1), trade(2), gap, trade(3)]
    probed(route)
    assert list(route.take(message("trade", trade(3), snapshot=True))) == [seen]
    assert (len(got), route.heard) == (4, heard)


def test_trades_from_when_we_were_not_there_are_no_stall() -> None:
    """They come all the same."""
    route, got = opened(Channel.trades("BTC/USD"))
    route.take(message("trade", trade(1)))
    probed(route, left_at=1)
    signals = route.take(message("trade", trade(1), trade(2), snapshot=True))
    assert list(signals) == [SnapshotSeen(route.part)]
    assert got == [trade(1), trade(2)]


@pytest.mark.parametrize(
    "snapshot, confirmed_at, numbers",
    [(False, 2, [3]), (False, None, []), (True, None, [1, 2, 3])],
)
def test_trades_that_never_came_were_missed_since_they_were_promised(
    snapshot: bool,
    confirmed_at: int | None,
    numbers: list[int],
) -> None:
    """One who asked for the past missed all of it; one who did not, what came since."""
    route, got = opened(Channel.trades("BTC/USD", snapshot=snapshot))
    probed(route, confirmed_at=confirmed_at)
    route.take(message("trade", *map(trade, (1, 2, 3)), snapshot=True))
    assert [item.trade_id for item in got if isinstance(item, Trade)] == numbers
    assert [type(item) for item in got][:1] == ([Gap] if numbers else [])


def test_what_a_probe_shows_of_the_past_is_known_from_then_on() -> None:
    """One who asked for no past is never given it, whatever connections break; and what is missed
    behind it is known to the number.
    """
    route, got = opened(Channel.trades("BTC/USD"))
    route.confirmed = True
    probed(route, confirmed_at=2)
    route.take(message("trade", trade(1), trade(2), snapshot=True))
    assert (got, route.disconnect()) == ([], None)
    route.take(message("trade", trade(2), snapshot=True))
    route.take(message("trade", trade(4)))
    assert got == [
        Gap("trade", "BTC/USD", GapReason.TRADE_ID, 3, 4, 1, Timestamp(2), Timestamp(4)),
        trade(4),
    ]


def test_where_a_probe_shows_no_past_nobody_knows_what_was_missed() -> None:
    """All that it shows is news: there may have been more."""
    route, got = opened(Channel.trades("BTC/USD"))
    probed(route, confirmed_at=1)
    route.take(message("trade", trade(2), snapshot=True))
    assert got == [
        Gap("trade", "BTC/USD", GapReason.STALLED, to_time=Timestamp(2)),
        trade(2),
    ]


def test_instruments_are_compared_one_by_one() -> None:
    """A change of one of them that was not told is a stall."""
    route, got = opened(Channel.instrument())
    pairs = [InstrumentPair(symbol="BTC/USD", status=status) for status in ("online", "delisted")]
    route.take(message("instrument", pairs[0], snapshot=True))
    signals: Any = ()
    for pair in pairs:
        probed(route)
        signals = route.take(message("instrument", pair, snapshot=True))
    assert got == [pairs[0], Gap("instrument", None, GapReason.STALLED, from_time=NOW), pairs[1]]
    assert list(signals) == [Missed(route.part, got[1]), SnapshotSeen(route.part)]
    unkept, rest = opened(Channel(name="instrument", snapshot=False))
    probed(unkept)
    seen = SnapshotSeen(unkept.part)
    assert list(unkept.take(message("instrument", pairs[1], snapshot=True))) == [seen]
    assert rest == []


@pytest.mark.parametrize(
    "part", [Channel.book("BTC/USD"), Channel.ticker("BTC/USD"), Channel.trades("BTC/USD")]
)
def test_what_is_discarded_is_not_compared_any_more(part: Channel) -> None:
    """What comes next is the beginning."""
    route, _ = opened(part)
    probed(route)
    route.discard()
    assert route.probe is None


def test_what_does_not_come_is_told() -> None:
    """With the moment up to which all was well, if there was one."""
    route, got = opened(Channel.ticker("BTC/USD"))
    assert route.stall() == got[0] == Gap("ticker", "BTC/USD", GapReason.STALLED)
    route.take(message("ticker", ticker("1.5")))
    assert route.stall().from_time == NOW
