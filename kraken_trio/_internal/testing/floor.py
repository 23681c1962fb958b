"""Where an account's orders meet a market: they take from its books, and wait in them.

Knows prices and quantities on one side, ticks and lots on the other, and whom to tell what becomes
of a book; nothing of what an order is. One level is taken from at a time, so that whoever looks
between two of them sees each order, trade and book as it is.

Decided here, for no source says it: the index price is the middle of the book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.testing.amounts import product, ratio, total
from kraken_trio._internal.testing.frames import fixed
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.pair import MarketEvent, PairMarket

Side = Literal["buy", "sell"]


class Taken(Struct, frozen=True):
    """A trade that an order made by taking from a book."""

    price: Decimal
    """At which price."""
    qty: Decimal
    """How much."""
    trade_id: int
    """The number of the public trade."""


class Made(Struct, frozen=True):
    """A trade that an order made by waiting in a book."""

    order_id: str
    """Of the order."""
    price: Decimal
    """At which price."""
    qty: Decimal
    """How much."""
    trade_id: int
    """The number of the public trade."""


class Floor:
    """A market with an account in it: what its orders are judged by, and filled against."""

    def __init__(
        self,
        market: Market,
        tell: Callable[[Iterable[MarketEvent]], object],
        clock: Callable[[], int],
    ) -> None:
        """Deal in ``market``, by ``clock``; ``tell`` is given what is to be told of its books."""
        self._market = market
        self._tell = tell
        self._clock = clock

    @property
    def system(self) -> str:
        """The mode of the trading engine."""
        return self._market.system

    def status(self, symbol: str) -> str:
        """The status of a pair."""
        return self._market.status(symbol)

    def best(self, symbol: str, side: Side) -> Decimal:
        """What a taker pays who buys, or gets who sells."""
        pair = self._market.pair_market(symbol)
        where = pair.seeded.side(side, takes=True)
        return self._price(pair, where.sign * where.keys[0])

    def index(self, symbol: str) -> Decimal:
        """The index price."""
        pair = self._market.pair_market(symbol)
        both = total((self.best(symbol, "buy"), self.best(symbol, "sell")))
        return ratio(both, Decimal(2), pair.pair.price_precision)

    def last(self, symbol: str) -> Decimal:
        """The price of the latest trade."""
        pair = self._market.pair_market(symbol)
        return self._price(pair, pair.seeded.tape.trades[-1][1])

    def news(self) -> list[str]:
        """The pairs in which something was traded since somebody asked."""
        return [*self._market.traded]

    def range(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Between which prices was traded since this was asked; None where nothing was."""
        ticks = self._market.traded.pop(symbol, None)
        if ticks is None:
            return None
        pair = self._market.pair_market(symbol)
        low, high = (self._price(pair, each) for each in ticks)
        return low, high

    def there(self, symbol: str, side: Side, limit: Decimal | None, most: Decimal) -> Decimal:
        """How much an order could take at its limit or better; ``most`` is enough."""
        pair = self._market.pair_market(symbol)
        where = pair.seeded.side(side, takes=True)
        bound = None if limit is None else where.sign * self._ticks(pair, limit)
        wanted, lots = self._lots(pair, most), 0
        for key in where.keys:
            if lots >= wanted or (bound is not None and key > bound):
                break
            lots += where.lots[key]
        return self._qty(pair, min(lots, wanted))

    def worst(self, symbol: str, side: Side, qty: Decimal) -> Decimal:
        """The last price that an order of that quantity would come to."""
        pair = self._market.pair_market(symbol)
        where = pair.seeded.side(side, takes=True)
        wanted, key = self._lots(pair, qty), where.keys[0]
        for key in where.keys:
            wanted -= where.lots[key]
            if wanted <= 0:
                break
        return self._price(pair, where.sign * key)

    def in_the_way(self, symbol: str, side: Side) -> str | None:
        """The own order that would be taken next, if one would."""
        where = self._market.pair_market(symbol).seeded.side(side, takes=True)
        queue = where.queues.get(where.keys[0])
        return None if queue is None else queue[0][0]

    def take(self, symbol: str, side: Side, qty: Decimal, order_type: str) -> Taken | None:
        """Take from the best level, up to the first own order in it, and at most ``qty``.

        None where there is nothing: the last level of a side is left.
        """
        pair = self._market.pair_market(symbol)
        where = pair.seeded.side(side, takes=True)
        key = where.keys[0]
        lots = min(self._lots(pair, qty), where.free(key))
        if lots == where.lots[key] and len(where.keys) == 1:
            lots -= 1
        if lots <= 0:
            return None
        now = self._market.advance(self._clock())
        trades = []

        def change() -> list[tuple[str, int, int, str, int, int]]:
            trades.extend(pair.seeded.take(side, lots, now, order_type))
            return trades

        self._tell(pair.told(change))
        self._market.note_trades(symbol, trades)
        ((_, ticks, traded, _, trade_id, _),) = trades
        return Taken(self._price(pair, ticks), self._qty(pair, traded), trade_id)

    def rest(self, symbol: str, side: Side, price: Decimal, order_id: str, qty: Decimal) -> None:
        """Let an order join the queue at its price, which must not cross."""
        pair = self._market.pair_market(symbol)
        ticks, lots = self._ticks(pair, price), self._lots(pair, qty)
        now = self._market.advance(self._clock())
        self._tell(pair.told(lambda: pair.seeded.rest(side, ticks, order_id, lots, now)))

    def resize(self, symbol: str, side: Side, price: Decimal, order_id: str, qty: Decimal) -> None:
        """Give an order that waits another quantity, in its place; zero takes it away."""
        pair = self._market.pair_market(symbol)
        ticks, lots = self._ticks(pair, price), self._lots(pair, qty)
        now = self._market.advance(self._clock())
        self._tell(pair.told(lambda: pair.seeded.resize(side, ticks, order_id, lots, now)))

    def made(self, symbol: str) -> list[Made]:
        """What was traded of orders that wait, since this was asked."""
        pair = self._market.pair_market(symbol)
        fills = pair.seeded.named_fills
        made = [
            Made(name, self._price(pair, ticks), self._qty(pair, lots), trade_id)
            for name, ticks, lots, trade_id in fills
        ]
        fills.clear()
        return made

    @staticmethod
    def _price(pair: PairMarket, ticks: int) -> Decimal:
        return Decimal(fixed(ticks, pair.pair.price_precision))

    @staticmethod
    def _qty(pair: PairMarket, lots: int) -> Decimal:
        return Decimal(fixed(lots, pair.pair.qty_precision))

    @staticmethod
    def _ticks(pair: PairMarket, price: Decimal) -> int:
        return int(product(price, Decimal(10) ** pair.pair.price_precision))

    @staticmethod
    def _lots(pair: PairMarket, qty: Decimal) -> int:
        return int(product(qty, Decimal(10) ** pair.pair.qty_precision))
