"""Each subscription to an account has its own choice of reports, and its own numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.account_feed import AccountFeed
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.ratecount import RateCounter

NOW = 1_767_225_600 * 10**9
D = Decimal


class Scene:
    """An account, and what its subscribers hear."""

    def __init__(self, **options: Any) -> None:
        """Open one for a subscription to executions, unless told otherwise."""
        self.account = Account(clock=lambda: NOW)
        self.counter = RateCounter("starter")
        part = Part(**({"channel": "executions", "symbol": None} | options))
        self.feed = AccountFeed(part, self.account, self.counter)
        self.account.listen(lambda record: self._keep(self.feed.update(record)))
        self.heard: list[Any] = []

    def _keep(self, frame: bytes | None) -> None:
        if frame is not None:
            self.heard.append(json.loads(frame))

    def snapshot(self) -> Any:
        """Give what it begins with."""
        frame = self.feed.snapshot()
        return None if frame is None else json.loads(frame)

    def trade(self, count: int = 1) -> None:
        """Place an order and fill it, some times."""
        for _ in range(count):
            name = self.place()
            self.account.fill(name, D(1))
            self.account.fill(name)

    def place(self) -> str:
        """Place an order, and give its name."""
        self.account.place("BTC/USD", "buy", D(2), D(100))
        return [*self.account.orders][-1]


def kinds(messages: list[Any]) -> list[str]:
    """Give the events in messages."""
    return [row["exec_type"] for message in messages for row in message["data"]]


def test_all_events() -> None:
    """All that becomes of an order is told, one event a message, numbered from the snapshot on."""
    scene = Scene()
    assert scene.snapshot() == {
        "channel": "executions",
        "type": "snapshot",
        "data": [],
        "sequence": 1,
    }
    scene.account.deposit("USD", D(100))
    scene.trade()
    assert kinds(scene.heard) == ["pending_new", "new", "trade", "trade", "filled"]
    assert [message["sequence"] for message in scene.heard] == [2, 3, 4, 5, 6]


def test_main_events() -> None:
    """With ``order_status`` off, the main events alone are told; nothing else has a number."""
    scene = Scene(order_status=False)
    scene.snapshot()
    scene.trade()
    scene.account.cancel(scene.place())
    scene.account.expire(scene.place())
    assert kinds(scene.heard) == ["new", "filled", "new", "canceled", "new", "expired"]
    assert [message["sequence"] for message in scene.heard] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "options, orders, fills",
    [
        ({}, 2, 50),
        ({"snap_trades": False}, 2, 0),
        ({"snap_orders": False}, 0, 50),
    ],
)
def test_snapshots(options: dict[str, Any], orders: int, fills: int) -> None:
    """A snapshot has the open orders and the latest 50 fills, in one message, as was asked."""
    scene = Scene(**options)
    scene.trade(30)
    names = [scene.place(), scene.place()]
    message = scene.snapshot()
    rows = message["data"]
    assert [row["order_id"] for row in rows[:orders]] == names[:orders]
    assert {row["exec_type"] for row in rows[orders:]} == ({"trade"} if fills else set())
    assert {row["order_status"] for row in rows[orders:]} <= {"filled"}
    assert not any("cum_qty" in row for row in rows[orders:])
    assert len(rows) == orders + fills
    assert [row.get("trade_id", 0) for row in rows[orders:]] == sorted(
        (row["trade_id"] for row in rows[orders:]), reverse=True
    )


@pytest.mark.parametrize(
    "options",
    [
        {"snapshot": False},
        {"users": "all"},
        {"snap_orders": False, "snap_trades": False},
        {"channel": "balances", "snapshot": False},
        {"channel": "balances", "users": "all"},
    ],
)
def test_no_snapshot(options: dict[str, Any]) -> None:
    """Where no snapshot is wanted there is none, and the first update has the number 1."""
    scene = Scene(**options)
    assert scene.snapshot() is None
    scene.trade()
    assert [message["sequence"] for message in scene.heard][:2] == [1, 2]


def test_balances() -> None:
    """Balances begin with what is held; each entry of the ledger is a message, two a trade."""
    scene = Scene(channel="balances")
    scene.account.deposit("USD", D(1000))
    scene.feed = AccountFeed(scene.feed.part, scene.account, scene.counter)
    held = scene.snapshot()
    assert [(row["asset"], row["balance"]) for row in held["data"]] == [("USD", 1000)]
    scene.heard.clear()
    scene.trade()
    assert [(m["sequence"], m["data"][0]["asset"]) for m in scene.heard] == [
        (2, "BTC"),
        (3, "USD"),
        (4, "BTC"),
        (5, "USD"),
    ]


def test_the_rate_counter() -> None:
    """Where it is asked for, each report has the counter of its pair, rounded up."""
    scene = Scene(ratecounter=True)
    name = scene.place()
    scene.counter.charge("BTC/USD", 7, NOW)
    scene.counter.charge("ETH/USD", 9, NOW)
    scene.account.cancel(name)
    assert scene.heard[-1]["data"][0]["ratecount"] == 7
    scene.place()
    assert scene.snapshot()["data"][0]["ratecount"] == 7


def test_the_channels_of_protocol_v1() -> None:
    """Own trades are fills alone, open orders all that becomes of orders; each has its numbers."""
    fills, orders = Scene(channel="own_trades"), Scene(channel="open_orders")
    for scene in (fills, orders):
        scene.trade()
        assert all(each["channel"] == scene.feed.part.channel for each in scene.heard)
        assert [each["sequence"] for each in scene.heard] == list(range(1, len(scene.heard) + 1))
    kinds = [[each["data"][0]["exec_type"] for each in scene.heard] for scene in (fills, orders)]
    assert kinds == [["trade", "trade"], ["pending_new", "new", "trade", "trade", "filled"]]
    fills.place()
    orders.place()
    assert [row["exec_type"] for row in fills.snapshot()["data"]] == ["trade", "trade"]
    assert [row["order_status"] for row in orders.snapshot()["data"]] == ["new"]
