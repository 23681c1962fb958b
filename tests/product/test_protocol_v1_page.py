"""What the page about protocol v1 says of channels and fields is so."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_trio import Timestamp
from kraken_trio._internal.core.fills import own_trade
from kraken_trio._internal.core.orders import Orders
from kraken_trio._internal.model import orders as orders_module
from kraken_trio._internal.model import records
from kraken_trio._internal.model.traits import V1, V2
from kraken_trio._internal.wire.v1_decode import V1Decoder

PAGE = (Path(__file__).parents[2] / "docs" / "protocol-v1.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """Give the cells of the table with this head."""
    table = PAGE[PAGE.index(head) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_channels() -> None:
    """Each channel is said to be where it is."""
    table = {name: (old, new) for name, old, new in rows("| channel | v1 | v2 |")}
    assert set(table) == V1.channels | V2.channels
    for name, (old, new) in table.items():
        assert (old != "no") is (name in V1.channels)
        assert (new != "no") is (name in V2.channels)


DAY = ["1", "2"]
LEVEL = ["5.10", "1.00", "7.0"]
FULL: dict[str, Any] = {
    "Ticker": [
        5,
        {"a": ["2", 1, "1.0"], "b": ["1", 1, "1.0"], "c": DAY, "t": [1, 2]}
        | dict.fromkeys("hlopv", DAY),
        "ticker",
        "XBT/USD",
    ],
    "Trade": [5, [["1", "1", "1.5", "b", "l", "x"]], "trade", "XBT/USD"],
    "Spread": [5, ["1", "2", "3.5", "4", "5"], "spread", "XBT/USD"],
    "Candle": [5, ["1.0", "60.0", *"111111", 1], "ohlc-1", "XBT/USD"],
    "BookSnapshot": [5, {"as": [LEVEL], "bs": [LEVEL]}, "book-10", "XBT/USD"],
    "SystemStatus": {
        "connectionID": 7,
        "event": "systemStatus",
        "status": "online",
        "version": "1.9.1",
        "upcoming_maintenance": [],
        "emergency": [],
    },
    "Order": [
        [
            {
                "O1": {
                    "status": "open",
                    **dict.fromkeys(
                        ("refid", "cl_ord_id", "ext_ord_id", "sender_sub_id", "cancel_reason"), "x"
                    ),
                    **dict.fromkeys(("opentm", "starttm", "expiretm", "lastupdated"), "7.5"),
                    **dict.fromkeys(("vol", "vol_exec", "cost", "fee", "avg_price"), "1.5"),
                    **dict.fromkeys(("display_volume", "display_volume_remain"), "1.5"),
                    "stopprice": "5.0",
                    "limitprice": "5.0",
                    "userref": 3,
                    "oflags": "fciq,post,viqc",
                    "misc": "",
                    "timeinforce": "GTC",
                    "amended": True,
                    "contingent": {"ordertype": "stop-loss-limit", "price": "1", "price2": "2"},
                    "descr": {
                        "pair": "XBT/USD",
                        "position": "P1",
                        "type": "buy",
                        "ordertype": "stop-loss-limit",
                        "price": "5.0",
                        "price2": "6.0",
                        "leverage": "5:1",
                        "order": "buy it",
                    },
                }
            },
            {"O1": {"vol": "1.5", "oflags": "post", "cancel_reason": "x"}},
        ],
        "openOrders",
        {"sequence": 2},
    ],
    "OwnTrade": [
        [
            {
                "T1": {
                    **dict.fromkeys(("ordertxid", "postxid", "cl_ord_id", "ext_exec_id"), "x"),
                    **dict.fromkeys(("price", "cost", "fee", "vol", "margin"), "1.5"),
                    "margin_borrow": True,
                    "ordertype": "limit",
                    "pair": "XBT/USD",
                    "time": "7.5",
                    "type": "buy",
                    "userref": 3,
                }
            }
        ],
        "ownTrades",
        {"sequence": 2},
    ],
}
"""Of each record, a frame with every member that there is."""


def told(kind: str) -> Any:
    """What comes of the frame of a record."""
    message: Any = V1Decoder().decode(json.dumps(FULL[kind]).encode(), Timestamp(1))
    if kind == "BookSnapshot":
        return message
    if kind == "Order":
        orders = Orders()
        return [orders.apply(report) for report in message.records][-1]
    return own_trade(message.records[0]) if kind == "OwnTrade" else message.records[0]


def unsaid(record: Any) -> set[str]:
    """The fields of a record that are None, and those of the records in it."""
    found: set[str] = set()
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if value is None:
            found.add(name)
        elif hasattr(value, "__struct_fields__") and name not in ("contingent", "triggers"):
            found |= unsaid(value)
    return found


def columns() -> dict[str, tuple[set[str], set[str]]]:
    """By record, the fields that are said to be None in v1, and in v2."""
    return {
        name.strip("`"): (set(_names(old)), set(_names(new)))
        for name, old, new in rows("| record | `None` in v1")
    }


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize("kind", FULL)
def test_what_v1_knows_less(kind: str) -> None:
    """Told all that there is to tell, a record lacks just what the table says."""
    assert unsaid(told(kind)) == columns().get(kind, (set(), set()))[0]


def test_what_v1_knows_less_of_a_fee() -> None:
    """In what a fee was paid is not told."""
    assert columns()["Fee"] == (unsaid(told("OwnTrade").fees[0]), set())


def alone() -> Iterator[tuple[str, str]]:
    """Give each field that is said, where it is, to be in protocol v1 alone; and its record."""
    for module in (records, orders_module):
        for node in ast.parse(inspect.getsource(module)).body:
            if not isinstance(node, ast.ClassDef):
                continue
            for field, doc in itertools.pairwise(node.body):
                if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr):
                    text = " ".join(ast.unparse(doc).split())
                    if "protocol v1 alone" in text:
                        assert isinstance(field.target, ast.Name)
                        yield node.name, field.target.id


def test_what_v1_knows_more() -> None:
    """What a field says of itself, that it is in v1 alone, the table says too."""
    table = {(name, field) for name, (_, new) in columns().items() for field in new}
    assert table == set(alone())
    for kind, field in table:
        assert getattr(told(kind), field) is not None


def test_each_channel_says_what_shows_a_loss() -> None:
    """None of those that there are is left out."""
    named = ", ".join(row[0] for row in rows("| channel | evidence in v1 |")).split(", ")
    assert set(named) == V1.channels
