"""Analytics of a live feed, held against the exchange's own figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
import trio

from kraken_trio import Candle, Gap, KrakenConfig, Trade, open_kraken
from kraken_trio.extended import Bar, Folder, depth_ladder, market_order
from kraken_trio.testing import open_exchange


@pytest.mark.parametrize("minutes", [1, 5])
async def test_folded_candles_are_those_of_the_exchange(
    autojump_clock: trio.abc.Clock, minutes: int
) -> None:
    """Of every interval that was seen whole: each price, the volume, how many, and the average."""
    theirs: dict[int, Candle] = {}
    ours: dict[int, Bar] = {}
    folder = Folder(60 * minutes)
    async with (
        open_exchange(seed=9, rate=20) as exchange,
        open_kraken(KrakenConfig(buffer_size=10**6), dial=exchange.dial) as feed,
        feed.ohlc("BTC/USD", interval=minutes),
        feed.trades("BTC/USD"),
        feed.events() as events,
    ):
        await trio.sleep(60 * minutes * 4)
        for item in await events.receive_batch():
            if isinstance(item, Candle):
                theirs[item.interval_begin] = item
            elif isinstance(item, Trade | Gap):
                bar = folder.add(item)
                if bar is not None and bar.whole:
                    ours[bar.begin] = bar
    assert len(ours) >= 2
    for begin, bar in ours.items():
        candle = theirs[begin]
        assert (bar.open, bar.high, bar.low, bar.close) == (
            candle.open,
            candle.high,
            candle.low,
            candle.close,
        )
        assert (bar.volume, bar.trades, bar.end) == (
            candle.volume,
            candle.trades,
            candle.interval_end,
        )
        step = Decimal(1).scaleb(candle.vwap.as_tuple().exponent)  # type: ignore[arg-type]
        assert abs(bar.vwap.quantize(step, ROUND_HALF_UP) - candle.vwap) <= step


async def test_a_live_book_says_what_an_order_costs(autojump_clock: trio.abc.Clock) -> None:
    """As far as the ladder reaches."""
    async with (
        open_exchange(seed=9, rate=20) as exchange,
        open_kraken(KrakenConfig(), dial=exchange.dial) as feed,
        feed.book("BTC/USD", depth=25),
    ):
        await trio.sleep(5)
        book = feed.order_book("BTC/USD")
        assert book is not None
        ladder = depth_ladder(book, "asks")
        for rung in ladder:
            cost = market_order(book, "buy", rung.total_qty)
            assert (cost.cost, cost.worst, cost.complete) == (rung.total_cost, rung.price, True)
