"""How users trade, watch and compute, as type checkers see it. Nobody runs this."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
# pyright: reportUnusedExpression=false

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

import trio

from kraken_trio import (
    BookSnapshot,
    Complaint,
    Execution,
    Feed,
    InstrumentPair,
    KrakenConfig,
    OrderRejected,
    OutcomeUnknown,
    Trade,
    open_kraken,
)
from kraken_trio.extended import (
    AddOrder,
    Bar,
    Cost,
    Dial,
    Folder,
    Latency,
    LatencyStatistics,
    Observer,
    OrderResult,
    Recorder,
    Rest,
    RestResponse,
    Rung,
    Settlement,
    TcpDial,
    Verification,
    depth_ladder,
    explain,
    fold_candles,
    imbalance,
    market_order,
    microprice,
    open_recorder,
    verify_capture,
)
from kraken_trio.testing import Exchange, chaos, open_exchange


async def trading(feed: Feed) -> None:
    """An order, its answer, and what is not known."""
    async with feed.trading() as trading, trading.dead_man_switch(60) as switch:
        assert_type(switch.left_s, float)
        order = AddOrder(
            order_type="limit",
            side="buy",
            symbol="BTC/USD",
            order_qty=Decimal("0.1"),
            limit_price=trading.round_price("BTC/USD", Decimal(60_000), "buy"),
        )
        assert_type(trading.pair("BTC/USD"), InstrumentPair)
        try:
            placed = await trading.add_order(order, deadline_s=5)
            assert_type(placed, OrderResult)
            assert_type(placed.order_id, str | None)
        except OutcomeUnknown as unknown:
            assert_type(await trading.settle(unknown, within_s=10), Settlement)
        except OrderRejected as rejected:
            assert_type(rejected.complaint, Complaint)
        assert_type(trading.orders, dict[str, Execution])
        assert_type(await trading.cancel_all(), int)
        # A float is no price; that the library refuses it is another matter.
        AddOrder(
            order_type="limit",
            side="buy",
            symbol="BTC/USD",
            order_qty=0.1,  # type: ignore[arg-type]
        )
        AddOrder(
            order_type="limit",
            side="bye",  # type: ignore[arg-type]
            symbol="BTC/USD",
        )


def computing(book: BookSnapshot, trades: list[Trade]) -> None:
    """Analytics are exact."""
    assert_type(depth_ladder(book, "bids"), tuple[Rung, ...])
    assert_type(microprice(book), Decimal | None)
    assert_type(imbalance(book, 5), Decimal | None)
    assert_type(market_order(book, "buy", Decimal(1)), Cost)
    for bar in fold_candles(trades, 60):
        assert_type(bar, Bar)
    assert_type(Folder(60).add(trades[0]), Bar | None)
    assert_type(verify_capture("capture.jsonl"), Verification)
    assert_type(explain("EService:Busy"), Complaint)
    market_order(book, "buy", 1.0)  # type: ignore[arg-type]


class Counting(Observer):
    """An observer of one's own has the hooks that it wants."""

    def __init__(self) -> None:
        self.frames = 0

    def frame_received(self, session: str, payload: bytes | memoryview, at: object) -> None:
        self.frames += len(payload)


async def refuse(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
    """A function may be a ``Dial``."""
    raise OSError(host, port, tls)


async def sockets() -> None:
    """What plugs into the feed."""
    dial: Dial = TcpDial()
    own: Dial = refuse
    latency = Latency()
    async with (
        open_recorder("capture.jsonl") as recorder,
        open_kraken(KrakenConfig(), dial=dial, observers=[recorder, latency, Counting()]),
    ):
        assert_type(recorder, Recorder)
        assert_type(latency.statistics(), LatencyStatistics)
    open_kraken(dial=own)
    open_kraken(dial=open)  # type: ignore[arg-type]
    open_kraken(observers=[KrakenConfig()])  # type: ignore[list-item]


async def testing() -> None:
    """The exchange, without the exchange."""
    async with open_exchange(seed=7, rate=10) as exchange, chaos(exchange, faults=["ban"]) as bad:
        assert_type(exchange, Exchange)
        rest: Rest = exchange.rest
        answer = await rest("POST", "/0/private/GetWebSocketsToken", headers={}, body=b"")
        assert_type(answer, RestResponse)
        bad.inflict("half_open")
        open_kraken(dial=exchange.dial, rest=exchange.rest)
        open_kraken(dial=bad.dial)
