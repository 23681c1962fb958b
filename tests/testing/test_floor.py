"""Where an account's orders meet a market."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_trio._internal.testing.floor import Floor, Made
from kraken_trio.testing import Market, MarketEvent, MarketPair, market_pairs

D = Decimal
SYMBOL = "BTC/USD"


class There:
    """A market, and where orders meet it."""

    def __init__(self, *pairs: MarketPair) -> None:
        """Open it."""
        self.market = Market(pairs or market_pairs([SYMBOL]), seed=1, start=10**18)
        self.told: list[MarketEvent] = []
        self.market.watch(SYMBOL, 10)
        self.floor = Floor(self.market, self.told.extend, lambda: 10**18 + 10**9)


def test_quotes() -> None:
    """An order is judged by the market's best prices, its last one, statuses and mode."""
    there = There()
    floor, book = there.floor, there.market.book(SYMBOL, 10)
    assert floor.best(SYMBOL, "buy") == book.asks[0].price
    assert floor.best(SYMBOL, "sell") == book.bids[0].price
    assert floor.last(SYMBOL) == there.market.trades(SYMBOL)[-1].price
    assert book.bids[0].price <= floor.index(SYMBOL) <= book.asks[0].price
    there.market.change_pair(SYMBOL, "post_only")
    there.market.system = "cancel_only"
    assert (floor.status(SYMBOL), floor.system) == ("post_only", "cancel_only")


def test_how_far_an_order_would_come() -> None:
    """Level by level, to its limit."""
    there = There()
    floor, book = there.floor, there.market.book(SYMBOL, 10)
    two = book.asks[0].qty + book.asks[1].qty
    assert floor.there(SYMBOL, "buy", book.asks[1].price, D(10**6)) == two
    assert floor.there(SYMBOL, "buy", book.bids[0].price, D(10**6)) == 0
    assert floor.there(SYMBOL, "buy", None, D("0.00000001")) == D("0.00000001")
    assert floor.worst(SYMBOL, "buy", two) == book.asks[1].price
    assert floor.worst(SYMBOL, "sell", book.bids[0].qty + D("0.00000001")) == book.bids[1].price
    assert floor.worst(SYMBOL, "buy", D(10**9)) > book.asks[9].price


def test_taking_is_a_public_trade() -> None:
    """Of one level at a time; it is told at once, and remembered."""
    there = There()
    best = there.market.book(SYMBOL, 10).asks[0]
    taken = there.floor.take(SYMBOL, "buy", D(10**6), "market")
    assert taken is not None
    trade = there.market.trades(SYMBOL)[-1]
    assert (taken.price, taken.qty, taken.trade_id) == (best.price, best.qty, trade.trade_id)
    assert (trade.side, trade.ord_type, trade.timestamp) == ("buy", "market", 10**18 + 10**9)
    assert [event.channel for event in there.told] == ["book", "trade"]
    assert there.floor.news() == [SYMBOL]
    assert there.floor.range(SYMBOL) == (best.price, best.price)
    assert (there.floor.news(), there.floor.range(SYMBOL)) == ([], None)


def test_waiting_orders_are_taken_in_their_turn() -> None:
    """They stand in the way of their own account; what was traded of them is told once."""
    there = There()
    floor, best = there.floor, there.market.book(SYMBOL, 10).asks[0]
    assert floor.take(SYMBOL, "buy", best.qty, "limit")
    price = there.market.book(SYMBOL, 10).asks[0].price - D("0.1")
    floor.rest(SYMBOL, "sell", price, "OAAAAA", D(1))
    assert there.market.book(SYMBOL, 10).asks[0].price == price
    assert floor.in_the_way(SYMBOL, "buy") == "OAAAAA"
    assert floor.in_the_way(SYMBOL, "sell") is None
    assert floor.take(SYMBOL, "buy", D(1), "limit") is None
    floor.resize(SYMBOL, "sell", price, "OAAAAA", D("0.00000001"))
    while not (made := floor.made(SYMBOL)):
        there.market.step()
    assert [(each.order_id, each.price, each.qty) for each in made] == [
        ("OAAAAA", price, D("0.00000001"))
    ]
    assert made[0].trade_id in {trade.trade_id for trade in there.market.trades(SYMBOL)}
    assert isinstance(made[0], Made)
    assert floor.made(SYMBOL) == []


@pytest.mark.parametrize("levels", [1])
def test_the_last_level_is_left(levels: int) -> None:
    """Neither side of a book is ever empty."""
    (pair,) = market_pairs([SYMBOL])
    thin = MarketPair(
        symbol=SYMBOL,
        price=pair.price,
        price_precision=pair.price_precision,
        qty_precision=pair.qty_precision,
        levels=levels,
    )
    there = There(thin)
    while there.floor.take(SYMBOL, "buy", D(10**6), "market") is not None:
        pass
    (left,) = there.market.book(SYMBOL, 10).asks
    assert left.qty == D("0.00000001")
