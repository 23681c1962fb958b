"""How users read a market, as type checkers see it. Nobody runs this: mypy and pyright check it.

Each ``assert_type`` is a promise, and each ``type: ignore`` a mistake that checkers must find: one
that they do not is an error, too (``warn_unused_ignores``).
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
# pyright: reportUnusedExpression=false

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import assert_never, assert_type

import trio

from kraken_trio import (
    BalanceSnapshot,
    BookSnapshot,
    BookUpdate,
    Candle,
    Channel,
    ConnectionState,
    DropPolicy,
    Execution,
    Feed,
    FeedStatistics,
    Gap,
    GapReason,
    InstrumentAsset,
    InstrumentPair,
    KrakenConfig,
    KrakenError,
    Level,
    Level3Snapshot,
    Level3Update,
    Order,
    OwnTrade,
    QueuePosition,
    Registration,
    SubscriptionError,
    Ticker,
    Timestamp,
    Trade,
    open_kraken,
)


async def books(feed: Feed) -> None:
    """A book is snapshots, updates and gaps, and nothing else."""
    async with feed.book("BTC/USD", "ETH/USD", depth=100) as book:
        assert_type(await book.receive(), BookSnapshot | BookUpdate | Gap)
        assert_type(await book.receive_batch(10), list[BookSnapshot | BookUpdate | Gap])
        async for item in book:
            match item:
                case Gap(reason=reason):
                    assert_type(reason, GapReason)
                case BookSnapshot():
                    assert_type(item.bids, tuple[Level, ...])
                case BookUpdate():
                    assert_type(item.best_bid, Level | None)
                case _:
                    assert_never(item)
    best = feed.best_bid_ask("BTC/USD")
    if best is not None and best[0] is not None:
        assert_type(best[0].price, Decimal)
        assert_type(best[0].qty * 2, Decimal)
    assert_type(feed.order_book("BTC/USD"), BookSnapshot | None)
    book.receive().price  # type: ignore[attr-defined] # it is to be awaited
    feed.book("BTC/USD", depth="100")  # type: ignore[arg-type]
    feed.book(("BTC/USD",))  # type: ignore[arg-type] # symbols are given one by one


async def records(feed: Feed) -> None:
    """Without its gaps a stream is of records alone."""
    async with feed.trades("BTC/USD") as trades:
        async for item in trades:
            assert_type(item, Trade | Gap)
            item.price  # type: ignore[union-attr] # whoever forgets the gap is told
        async for trade in trades.records():
            assert_type(trade, Trade)
            assert_type(trade.price, Decimal)
            assert_type(trade.timestamp, Timestamp)
            assert_type(trade.received_at, Timestamp | None)
            trade.price = Decimal(1)  # type: ignore[misc] # records are frozen
    async with feed.ticker("BTC/USD", event_trigger="bbo") as tickers:
        assert_type(await tickers.receive(), Ticker | Gap)
    async with feed.ohlc("BTC/USD", interval=5) as candles:
        assert_type(await candles.receive(), Candle | Gap)
    async with feed.level3("BTC/USD") as orders:
        assert_type(await orders.receive(), Level3Snapshot | Level3Update | Gap)
    async with feed.instrument() as instruments:
        assert_type(await instruments.receive(), InstrumentAsset | InstrumentPair | Gap)
    feed.ticker("BTC/USD", event_trigger="trade")  # type: ignore[arg-type]


async def account(feed: Feed) -> None:
    """One's own orders, fills and balances."""
    async with feed.executions() as executions, feed.open_orders() as orders:
        assert_type(await executions.receive(), Execution | Gap)
        assert_type(await orders.receive(), Order | Gap)
    async with feed.own_trades() as fills, feed.balances():
        assert_type(await fills.receive(), OwnTrade | Gap)
    assert_type(feed.orders.open, tuple[Order, ...])
    assert_type(feed.orders["O"], Order)
    assert_type(feed.balances["BTC"].balance, Decimal)
    table: Mapping[str, BalanceSnapshot] = feed.balances
    assert_type(table.get("BTC"), BalanceSnapshot | None)
    assert_type(await feed.wait_order("O", "filled"), Order)
    assert_type(feed.queue_position("BTC/USD", "O"), QueuePosition | None)


def callbacks(feed: Feed) -> None:
    """A callback is given what it asked for."""

    def on_ticker(ticker: Ticker) -> None:
        assert_type(ticker.bid, Decimal)

    async def on_gap(gap: Gap) -> None:
        await trio.sleep(1)

    assert_type(feed.on(Ticker, on_ticker), Registration)
    feed.on(Gap, on_gap).remove()
    feed.on(Trade, lambda trade: assert_type(trade, Trade))
    feed.on(Trade, on_ticker)  # type: ignore[arg-type] # of tickers it knows nothing


async def everything() -> None:
    """The door, settings, events, and what goes wrong."""
    config = KrakenConfig(timeout=5, drop_policy="coalesce", max_attempts=None)
    assert_type(config.drop_policy, DropPolicy)
    assert_type(config.replace(timeout=3), KrakenConfig)
    assert_type(KrakenConfig.from_env(), KrakenConfig)
    KrakenConfig(time_out=5)  # type: ignore[call-arg]
    config.timeout = 3  # type: ignore[misc] # settings are frozen
    try:
        async with open_kraken(config, callback_errors="isolate") as feed:
            assert_type(feed, Feed)
            assert_type(feed.state, ConnectionState)
            await feed.wait_state(ConnectionState.SUBSCRIBED)
            async with feed.subscribe(
                Channel.book("BTC/USD", depth=10), drop_policy=DropPolicy.BLOCK
            ):
                assert_type(feed.active_subscriptions, tuple[Channel, ...])
            async with feed.events() as events:
                async for event in events:
                    if isinstance(event, SubscriptionError):
                        assert_type(event.symbol, str | None)
            assert_type(feed.statistics(), FeedStatistics)
            assert_type(feed.statistics().gaps, dict[GapReason, int])
    except KrakenError as error:
        assert_type(error.retryable, bool)
    open_kraken(config, callback_errors="ignore")  # type: ignore[arg-type]
