"""Doing things to an engine: told to its observers, then done."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kraken_trio import Channel, Gap, GapPolicy, GapReason, Timestamp, Trade
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.steps import (
    Broke,
    Closed,
    Confirmed,
    Discarded,
    Disconnected,
    Filled,
    GaveUp,
    HandedOn,
    HistoryRow,
    Opened,
    Probed,
    Stalled,
    Step,
    Ticked,
)
from kraken_trio._internal.wire.decode import V2Decoder

TRADES = Channel.trades("BTC/USD")
TICKER = Channel.ticker("BTC/USD")
WAITING = GapHandling(policy=GapPolicy.BUFFER, pending_timeout=30)


class Watcher(Observer):
    """Notes steps."""

    def __init__(self) -> None:
        """None yet."""
        self.steps: list[tuple[str, Step]] = []

    def stepped(self, session: str, step: Step) -> None:
        """Note it."""
        self.steps.append((session, step))


@pytest.fixture
def watcher() -> Watcher:
    """Give who is told."""
    return Watcher()


@pytest.fixture
def items() -> list[Item]:
    """Give what is delivered."""
    return []


@pytest.fixture
def engine(watcher: Watcher, items: list[Item]) -> Engine:
    """Give an engine that is watched."""
    engine = Engine(V2Decoder(), session="here", hooks=Hooks(own=[watcher]))
    engine.attach(items.append)
    return engine


def trade(number: int) -> bytes:
    """Give a frame of one trade."""
    row = {"symbol": "BTC/USD", "side": "buy", "price": 1.5, "qty": 2, "ord_type": "limit"}
    row |= {"trade_id": number, "timestamp": "2026-01-02T03:04:05.000000Z"}
    return json.dumps({"channel": "trade", "type": "update", "data": [row]}).encode()


def row(number: int) -> HistoryRow:
    """Give one trade of history."""
    return HistoryRow.of(
        Trade(
            "BTC/USD", "buy", Decimal("1.5"), Decimal(2), "limit", number, Timestamp(1), None,
            backfilled=True,
        )
    )  # fmt: skip


def numbers(items: list[Item]) -> list[int]:
    """Give the numbers of the trades that were delivered."""
    return [item.trade_id for item in items if isinstance(item, Trade)]


def test_steps_are_told_before_they_are_done(engine: Engine, watcher: Watcher) -> None:
    """With the session, in order; what there is no route of means nothing."""
    steps: list[Step] = [
        Confirmed(TRADES),
        Opened(TRADES, GapHandling()),
        Confirmed(TRADES),
        Ticked(TRADES, 1.0),
        Closed(TRADES),
        Closed(TRADES),
    ]
    for step in steps:
        perform(engine, step)
    assert watcher.steps == [("here", step) for step in steps]
    assert engine.route(TRADES) is None


def test_a_route_is_confirmed_discarded_and_probed(engine: Engine) -> None:
    """As the conversation has it."""
    perform(engine, Opened(TICKER, GapHandling()))
    route = engine.route(TICKER)
    assert route is not None
    perform(engine, Confirmed(TICKER))
    assert route.confirmed
    perform(engine, Probed(TICKER, 5, None))
    assert route.probe == Probe(Timestamp(5), None)
    perform(engine, Discarded(TICKER))
    assert route.probe is None


def test_silence_and_a_lost_connection_are_gaps(engine: Engine, items: list[Item]) -> None:
    """In band."""
    perform(engine, Opened(TRADES, GapHandling()))
    perform(engine, Stalled(TRADES))
    perform(engine, Confirmed(TRADES))
    perform(engine, Disconnected())
    assert [item.reason for item in items if isinstance(item, Gap)] == [
        GapReason.STALLED,
        GapReason.DISCONNECT,
    ]


def test_trades_that_are_held_back_come_out_as_they_did(engine: Engine, items: list[Item]) -> None:
    """A page fills the hole, and what is in line is handed on."""
    perform(engine, Opened(TRADES, WAITING))
    engine.feed(trade(1), None)
    engine.feed(trade(4), None)
    perform(engine, Ticked(TRADES, 1.0))
    assert numbers(items) == [1]
    perform(engine, Filled(TRADES, (row(2), row(3))))
    perform(engine, HandedOn(TRADES, 2))
    assert numbers(items) == [1, 2, 3]
    perform(engine, HandedOn(TRADES, 2))
    assert numbers(items) == [1, 2, 3, 4]


def test_what_is_given_up_is_a_gap(engine: Engine, items: list[Item]) -> None:
    """And the later ones follow it."""
    perform(engine, Opened(TRADES, WAITING))
    engine.feed(trade(1), None)
    engine.feed(trade(4), None)
    perform(engine, GaveUp(TRADES))
    perform(engine, HandedOn(TRADES, 5))
    assert numbers(items) == [1, 4]
    assert [item.size for item in items if isinstance(item, Gap)] == [2]


def test_a_broken_framing_is_told_and_changes_nothing(
    engine: Engine, items: list[Item], watcher: Watcher
) -> None:
    """What it costs, the end of the connection tells."""
    step = Broke("reserved bit", b"\xc1\x00")
    perform(engine, step)
    assert items == []
    assert watcher.steps == [(engine.session, step)]
