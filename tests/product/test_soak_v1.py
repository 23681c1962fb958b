"""Protocol v1 under trouble, seed by seed: nothing is lost silently that it can tell of.

As ``test_soak``, with what the old protocol has: a book is the market's, or is not shown; after a
gap comes a snapshot; and each trade comes once and in order, or stands behind a gap. What a trade
without a number cannot show, a message that never came or came twice, is not done to trades here.
"""

from __future__ import annotations

import random
from typing import Any, Final

import pytest
import trio
import trio.testing

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    ConnectionState,
    Gap,
    KrakenConfig,
    Trade,
    open_kraken,
)
from kraken_trio.testing import Exchange, open_exchange

SYMBOLS: Final = ("BTC/USD", "ETH/USD", "DOGE/USD")
DEPTH: Final = 25
TROUBLES: Final = 12


class Keeper:
    """What a program knows that believes what it is told."""

    def __init__(self) -> None:
        """Know nothing."""
        self.books: dict[str, tuple[dict[Any, Any], dict[Any, Any]]] = {}
        self.updates = 0
        self.gaps = 0

    def take(self, item: Any) -> None:
        """Take what came of a book."""
        match item:
            case Gap(symbol=str(symbol)):
                self.gaps += 1
                self.books.pop(symbol, None)
            case BookSnapshot(symbol=symbol):
                self.books[symbol] = ({}, {})
                self._apply(item)
            case BookUpdate():
                self.updates += 1
                self._apply(item)

    def _apply(self, item: BookSnapshot | BookUpdate) -> None:
        # A KeyError is an update after a gap, without a snapshot between them.
        bids, asks = self.books[item.symbol]
        for side, levels, best in ((bids, item.bids, max), (asks, item.asks, min)):
            side.update({level.price: level.qty for level in levels})
            for price in [price for price, qty in side.items() if not qty]:
                del side[price]
            for price in sorted(side, reverse=best is max)[DEPTH:]:
                del side[price]
        shown = (item.best_bid, item.best_ask)
        assert [level and level.price for level in shown] == [
            max(bids, default=None),
            min(asks, default=None),
        ]


def make_trouble(exchange: Exchange, dice: random.Random) -> None:
    """Let something go wrong."""
    if not exchange.connections:
        return
    peer, symbol = exchange.connections[0], dice.choice(SYMBOLS)
    match dice.randrange(9):
        case 0:
            peer.corrupt_next_book(symbol)
        case 1:
            peer.corrupt_next_quantity("book", symbol)
        case 2:
            peer.drop_next("book", symbol)
        case 3:
            peer.repeat_next("book", symbol)
        case 4:
            peer.truncate_next(dice.choice(["book", "trade"]), symbol)
        case 5:
            peer.drop()
        case 6:
            peer.close(dice.choice([1000, 1001, 1011]))
        case 7:
            peer.mute()
        case _:
            peer.send_proxy_notice()


def check_trades(items: list[Any], there: tuple[Trade, ...]) -> None:
    """Each trade of the market is there in its order, or a gap stands where some are not."""
    at: int | None = None
    gap = False
    said = [_said(each) for each in there]
    for item in items:
        if isinstance(item, Gap):
            gap = True
            continue
        if at is None or gap:
            at = said.index(_said(item), at or 0)
        else:
            assert said[at] == _said(item), "a trade is missing, and no gap tells it"
        at, gap = at + 1, False
    assert at is not None
    assert at == len(said) or gap


def _said(trade: Trade) -> tuple[object, ...]:
    return trade.side, trade.price, trade.qty, trade.ord_type, trade.timestamp


async def soak(seed: int) -> None:
    """Let trouble come for some minutes, and look at what a program knows then."""
    dice = random.Random(seed)
    config = KrakenConfig(protocol="v1", jitter=0.0, max_queue_depth=100_000, timeout=5.0)
    keeper = Keeper()
    traded: list[Any] = []
    async with (
        open_exchange(seed=seed, rate=40) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
        feed.book(*SYMBOLS, depth=DEPTH) as books,
        feed.trades(*SYMBOLS) as trades,
        trio.open_nursery() as nursery,
    ):

        async def read() -> None:
            async for item in books:
                keeper.take(item)

        async def listen() -> None:
            async for item in trades:
                traded.append(item)  # noqa: PERF401 - it never ends

        nursery.start_soon(read)
        nursery.start_soon(listen)
        for _ in range(TROUBLES):
            await trio.sleep(dice.uniform(0.5, 8))
            make_trouble(exchange, dice)
        await trio.sleep(40)
        with trio.fail_after(120):
            await feed.wait_state(ConnectionState.SUBSCRIBED)
        exchange.step(0)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
        for symbol in SYMBOLS:
            mine, theirs = feed.order_book(symbol), exchange.market.book(symbol, DEPTH)
            assert mine is not None
            kept = keeper.books[symbol]
            assert dict(kept[0]) == {level.price: level.qty for level in mine.bids}
            assert dict(kept[1]) == {level.price: level.qty for level in mine.asks}
            # Those of v1 have a time besides, so they are no equals of the market's own.
            for ours, there in ((mine.bids, theirs.bids), (mine.asks, theirs.asks)):
                assert [(each.price, each.qty) for each in ours] == [
                    (each.price, each.qty) for each in there
                ]
            check_trades(
                [item for item in traded if item.symbol == symbol], exchange.market.trades(symbol)
            )
        assert keeper.updates > 100
        assert keeper.gaps
        assert feed.statistics().unrouted == 0


@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_it_is_told(seed: int) -> None:
    """The invariants hold for every seed."""
    trio.run(soak, seed, clock=trio.testing.MockClock(autojump_threshold=0))
