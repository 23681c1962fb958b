"""The life of one order as the exchange really told it, replayed: what is shown of it is so."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from kraken_trio import Channel, Gap
from kraken_trio._internal.engine.account_routes import AccountRoute
from kraken_trio._internal.engine.accounts import BalancesSource, ExecutionsSource
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.signals import DataLost
from kraken_trio._internal.wire.decode import V2Decoder

CAPTURE = "v2-private-20260121.jsonl"
NAME = "OVN7VD-7VYHS-APBKHA"


def replayed(captures: Path, *, leaving_out: int | None = None) -> tuple[Engine, dict[str, Any]]:
    """Play the capture to all that can be made of it; give what each was given, and signals."""
    engine = Engine(V2Decoder(), session="private")
    given: dict[str, Any] = {"signals": []}
    parts = (Channel.executions(), Channel.open_orders(), Channel.own_trades(), Channel.balances())
    for part in parts:
        engine.open(part).join(given.setdefault(part.name, []).append)
    for line in (captures / CAPTURE).read_text().splitlines():
        raw = json.loads(line)["raw"]
        frame = json.loads(raw)
        executions = frame.get("channel") == "executions" and "sequence" in frame
        if not (executions and frame["sequence"] == leaving_out):
            given["signals"] += engine.feed(raw.encode(), None)
    return engine, given


def source(engine: Engine, part: Channel) -> Any:
    """Give what is known of the account."""
    route = engine.route(part)
    assert isinstance(route, AccountRoute)
    return route.source


def test_the_life_of_an_order(captures: Path) -> None:
    """Accepted, live, amended twice, cancelled; all but the first report without its symbol."""
    engine, given = replayed(captures)
    lives = given["open_orders"]
    assert [each.order_id for each in lives] == [NAME] * 5
    assert [each.exec_type for each in lives] == [
        "pending_new",
        "new",
        "amended",
        "amended",
        "canceled",
    ]
    assert [each.order_status for each in lives] == ["pending_new", "new", "new", "new", "canceled"]
    assert {(each.symbol, each.side, each.cl_ord_id) for each in lives} == {
        ("BTC/USDT", "buy", "b17c7bb34d000200")
    }
    prices = [each.limit_price for each in lives]
    assert list(map(str, prices)) == ["80000.0", "80000.0", "81818.0", "81818.0", "81818.0"]
    qtys = [each.order_qty for each in lives]
    assert list(map(str, qtys)) == ["0.00010000"] * 3 + ["0.00005000"] * 2
    last = lives[-1]
    assert (last.open, last.reason, last.amended) == (False, "User requested", True)
    assert [each.symbol for each in given["executions"]] == ["BTC/USDT", *[None] * 4]
    assert given["own_trades"] == []
    kept = source(engine, Channel.executions())
    assert isinstance(kept, ExecutionsSource)
    assert (kept.live, kept.orders.open, kept.orders.get(NAME)) == (True, (), last)


def test_what_is_held(captures: Path) -> None:
    """As the snapshot said."""
    engine, given = replayed(captures)
    kept = source(engine, Channel.balances())
    assert isinstance(kept, BalancesSource)
    held = kept.balances.get("USDT")
    assert held is not None
    assert (str(held.balance), held.wallets[0].balance) == ("100.00000000", Decimal(100))
    assert given["balances"] == [held]


def test_a_report_that_is_missing(captures: Path) -> None:
    """Is told where it is missing, and the table says that it is not to be believed."""
    engine, given = replayed(captures, leaving_out=4)
    gaps = [each for each in given["open_orders"] if isinstance(each, Gap)]
    assert [(gap.expected, gap.received, gap.size) for gap in gaps] == [(4, 5, 1)]
    assert sum(isinstance(signal, DataLost) for signal in given["signals"]) == 1
    assert not source(engine, Channel.executions()).live
