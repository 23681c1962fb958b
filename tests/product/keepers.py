"""What consumers of a feed know from its records alone, held against the simulated exchange itself.

``Truth`` is what the exchange's market was, state by state; each keeper takes the records of one
subscription, and fails at the first that cannot be.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from decimal import Decimal
from typing import Final

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Execution,
    Gap,
    GapReason,
    Level3Order,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from kraken_trio.testing import Chaos, ChaosFault, Exchange

DEPTH: Final = 10
"""All of it is in the checksum: what is deeper would be verified only when it comes up."""
SYMBOLS: Final = ("BTC/USD", "ETH/USD")

Rows = tuple[tuple[int, int], ...]
State = tuple[Rows, Rows]
"""Bids and asks, best first: price and quantity in the pair's smallest steps, exact and quick."""
Whole = frozenset[tuple[str, Decimal, Decimal]]
"""Every order of a book: id, price and quantity."""


class Moments:
    """When something was how."""

    def __init__(self) -> None:
        """Nothing was any way yet."""
        self._last: object = None
        self._when: dict[object, list[int]] = {}

    def was(self, state: State | Whole, moment: int) -> None:
        """Note how it was at a moment, no earlier than the last."""
        if state != self._last:
            self._last = state
            self._when.setdefault(state, []).append(moment)

    def first_since(self, state: State | Whole, moment: int) -> int | None:
        """Give when it was so first, from some moment on; None for never.

        It was so from the moment noted until it was otherwise.
        """
        moments = self._when.get(state, [])
        place = bisect_left(moments, moment)
        return moments[place] if place < len(moments) else None


class Truth:
    """What the exchange's market was, state by state."""

    def __init__(self, exchange: Exchange, *, orders: bool = False) -> None:
        """Begin with how it is; where ``orders`` are wanted, with those of the first pair."""
        self.exchange = exchange
        self.steps = 0
        self.scales = {
            pair.symbol: (10**pair.price_precision, 10**pair.qty_precision)
            for pair in exchange.market.pairs
        }
        self.books = {symbol: Moments() for symbol in SYMBOLS}
        self.bests: dict[str, set[tuple[int, ...]]] = {symbol: set() for symbol in SYMBOLS}
        """The best bid and ask, each with its quantity, that a pair ever had."""
        self.orders = Moments()
        self._looks_at_orders = orders
        self._trades: dict[tuple[str, int], Trade] = {}
        self._look()

    def step(self, times: int) -> None:
        """Let the market go on, and remember every book there was."""
        for _ in range(times):
            self.exchange.step()
            self.steps += 1
            self._look()

    def _look(self) -> None:
        market = self.exchange.market
        for symbol, moments in self.books.items():
            state = market.book_steps(symbol, DEPTH)
            moments.was(state, self.steps)
            self.bests[symbol].add((*state[0][0], *state[1][0]))
        if self._looks_at_orders:
            # At every step: orders may be others where the levels are as they were.
            self.orders.was(self.all_orders(), self.steps)

    def all_orders(self) -> Whole:
        """Give those of the first pair, as they are."""
        book = self.exchange.market.level3(SYMBOLS[0], DEPTH)
        return whole((*book.bids, *book.asks))

    def trade(self, symbol: str, trade_id: int) -> Trade:
        """Give a trade as it was made."""
        if (symbol, trade_id) not in self._trades:
            last = self.last_trade(symbol)
            for trade in self.exchange.market.trades(symbol, latest=last - trade_id + 1):
                self._trades[symbol, trade.trade_id] = trade
        return self._trades[symbol, trade_id]

    def last_trade(self, symbol: str) -> int:
        """Give the number of the latest trade."""
        (trade,) = self.exchange.market.trades(symbol, latest=1)
        return trade.trade_id


def whole(orders: tuple[Level3Order, ...]) -> Whole:
    """Give all there is to say of orders, but for their times."""
    return frozenset((order.order_id, order.limit_price, order.order_qty) for order in orders)


class Books:
    """A consumer's own books, kept from the records alone, and held against the truth."""

    def __init__(self, truth: Truth, trouble: Chaos) -> None:
        """Nothing was received yet."""
        self.records = 0
        self.states: dict[str, State] = {}
        """How each of them is; of one that is not to be believed there is none."""
        self._truth = truth
        self._trouble = trouble
        self._begun: Counter[str] = Counter()
        self._sides: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        self._moments: Counter[str] = Counter()

    def take(self, item: object) -> None:
        """Take a record."""
        match item:
            case Gap(symbol=str(symbol)):
                assert not item.local
                self._sides.pop(symbol, None)
                self.states.pop(symbol, None)
            case BookSnapshot():
                assert item.symbol not in self._sides, f"a snapshot without a gap: {item}"
                self._sides[item.symbol] = {}, {}
                self._change(item)
            case BookUpdate():
                assert item.symbol in self._sides, f"an update without a snapshot: {item}"
                self._change(item)
            case _:
                raise AssertionError(f"no record of a book: {item!r}")

    def look(self, shown: BookSnapshot | None, symbol: str, *, drained: bool) -> None:
        """Hold what the feed shows against the truth, and, where all was received, against this."""
        if shown is None:
            # What was made whole while nobody looked is in no record yet, and the reverse.
            assert not drained or symbol not in self.states, "a book is kept that is not shown"
            return
        price_scale, qty_scale = self._truth.scales[symbol]
        bids, asks = (
            tuple((int(row.price * price_scale), int(row.qty * qty_scale)) for row in side)
            for side in (shown.bids, shown.asks)
        )
        since = self._begun[symbol] if self._is_reordered(symbol) else self._moments[symbol]
        was = self._truth.books[symbol].first_since((bids, asks), since)
        assert was is not None, f"{symbol} never was so, or not of late: {shown}"
        assert not drained or self.states.get(symbol) == (bids, asks), "not what was told"

    def begin_anew(self) -> None:
        """It is subscribed to once more."""
        self._sides.clear()
        self.states.clear()

    def _change(self, item: BookSnapshot | BookUpdate) -> None:
        """Take the levels in, and find the book that this makes among those that there were."""
        self.records += 1
        symbol = item.symbol
        price_scale, qty_scale = self._truth.scales[symbol]
        rows: list[Rows] = []
        for side, levels, best in zip(
            self._sides[symbol], (item.bids, item.asks), (max, min), strict=True
        ):
            for level in levels:
                price, qty = int(level.price * price_scale), int(level.qty * qty_scale)
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)
            prices = sorted(side, reverse=best is max)
            for price in prices[DEPTH:]:
                del side[price]
            rows.append(tuple((price, side[price]) for price in prices[:DEPTH]))
        state = self.states[symbol] = rows[0], rows[1]
        moments = self._truth.books[symbol]
        moment = moments.first_since(state, self._moments[symbol])
        if moment is None and self._is_reordered(symbol):
            moment = moments.first_since(state, self._begun[symbol])
        assert moment is not None, f"{symbol} never was so, or not of late: {item}"
        self._moments[symbol] = moment
        if isinstance(item, BookSnapshot):
            self._begun[symbol] = moment

    def _is_reordered(self, symbol: str) -> bool:
        """Whether updates of a book changed places."""
        return reordered(self._trouble, f"book {symbol} ")


def reordered(trouble: Chaos, about: str) -> bool:
    """Say whether messages about something changed places."""
    return any(
        mishap.fault is ChaosFault.REORDER and about in mishap.what for mishap in trouble.log
    )


class Tickers:
    """A consumer's tickers, held against the best levels that there were."""

    def __init__(self, truth: Truth) -> None:
        """Nothing was received yet."""
        self.records = 0
        self._truth = truth

    def take(self, item: object) -> None:
        """Take a record."""
        match item:
            case Gap():
                pass  # Each of them is a state, so nothing has to be made whole.
            case Ticker():
                self.records += 1
                price, qty = self._truth.scales[item.symbol]
                best = (item.bid * price, item.bid_qty * qty, item.ask * price, item.ask_qty * qty)
                assert tuple(map(int, best)) in self._truth.bests[item.symbol], item
            case _:
                raise AssertionError(f"no ticker: {item!r}")

    def begin_anew(self) -> None:
        """It is subscribed to once more."""


class Trades:
    """A consumer's trades, held against the exchange's own."""

    def __init__(self, truth: Truth) -> None:
        """Nothing was received yet."""
        self.records = 0
        self._truth = truth
        self._next: dict[str, int] = {}

    def next(self, symbol: str) -> int | None:
        """Give the number that is to come next; None where none ever came."""
        return self._next.get(symbol)

    def take(self, item: object) -> None:
        """Take a record."""
        self.records += 1
        match item:
            case Gap(symbol=str(symbol), reason=GapReason.TRADE_ID):
                assert item.expected is not None
                assert item.received is not None
                # A gap may come first: what was there when it was subscribed to counts, too.
                wanted = self._next.get(symbol, item.expected)
                assert item.expected == wanted, f"{item}, wanted {wanted}"
                assert item.size == item.received - item.expected
                assert item.size > 0
                self._next[symbol] = item.received
            case Gap(symbol=str(symbol), reason=GapReason.DISCONNECT):
                assert symbol not in self._next, f"{item} says nothing of numbers"
            case Gap(reason=GapReason.STALLED):
                assert not item.size
            case Trade():
                wanted = self._next.get(item.symbol, item.trade_id)
                assert item.trade_id == wanted, f"{item}, wanted {wanted}"
                self._next[item.symbol] = item.trade_id + 1
                made = self._truth.trade(item.symbol, item.trade_id)
                assert (made.side, made.price, made.qty) == (item.side, item.price, item.qty)
            case _:
                raise AssertionError(f"no record of a trade: {item!r}")

    def begin_anew(self) -> None:
        """It is subscribed to once more: what is missed between is nobody's to tell."""
        self._next.clear()


class Orders:
    """A consumer's own open orders, and the events of the account, held against the truth."""

    def __init__(self, truth: Truth) -> None:
        """Nothing was received yet."""
        self.records = 0
        self.open: dict[str, str] = {}
        self._truth = truth
        self._place = 0
        self._missing = True
        self._whole = False

    def take(self, item: object) -> None:
        """Take a record."""
        self.records += 1
        match item:
            case Gap():
                # What showed it comes behind it, and then a snapshot.
                self._missing, self._whole = True, False
            case Execution(snapshot=True):
                assert self._missing or not self._whole, f"a snapshot without a gap: {item}"
                if self._missing:
                    self.open.clear()
                self._missing, self._whole = False, False
                if item.exec_type != "trade":
                    self.open[item.order_id] = item.order_status
            case Execution():
                self._find(item)
                self._whole = not self._missing
                self.open[item.order_id] = item.order_status
                if item.exec_type in {"filled", "canceled"}:
                    del self.open[item.order_id]
            case _:
                raise AssertionError(f"no record of an order: {item!r}")

    def begin_anew(self) -> None:
        """It is subscribed to once more."""
        self._missing = True

    def _find(self, item: Execution) -> None:
        """Find it among what was reported: it is the next one, unless a snapshot came before."""
        made = self._truth.exchange.account.executions
        key = item.order_id, item.exec_type, item.exec_id
        for place in range(self._place, len(made)):
            if key == (made[place].order_id, made[place].exec_type, made[place].exec_id):
                assert place == self._place or not self._whole, f"{place - self._place} left out"
                self._place = place + 1
                return
        # Between a gap and its snapshot, what changed places with another one may come.
        assert self._missing, f"it came before, or was never reported: {item}"


class Level3Books:
    """A consumer's own book of orders, kept from the records alone, and held against the truth."""

    def __init__(self, truth: Truth, trouble: Chaos) -> None:
        """Nothing was received yet."""
        self.records = 0
        self.state: Whole | None = None
        """Every order in it; None while it is not to be believed."""
        self._truth = truth
        self._trouble = trouble
        self._sides: tuple[dict[str, Level3Order], dict[str, Level3Order]] | None = None
        self._moment = self._begun = 0

    def take(self, item: object) -> None:
        """Take a record."""
        self.records += 1
        match item:
            case Gap():
                self.begin_anew()
            case Level3Snapshot():
                assert self._sides is None, "a snapshot without a gap"
                self._sides = {}, {}
                self._change(item)
                self._begun = self._moment
            case Level3Update():
                assert self._sides is not None, "an update without a snapshot"
                self._change(item)
            case _:
                raise AssertionError(f"no record of a book of orders: {item!r}")

    def begin_anew(self) -> None:
        """It is subscribed to once more."""
        self._sides = self.state = None

    def _change(self, item: Level3Snapshot | Level3Update) -> None:
        """Take the orders in, and find the book that this makes among those that there were."""
        assert self._sides is not None
        for side, orders, best in zip(self._sides, (item.bids, item.asks), (max, min), strict=True):
            for order in orders:
                if order.event == "delete":
                    side.pop(order.order_id, None)
                else:
                    side[order.order_id] = order
            # What is pushed out of the depth is not mentioned.
            prices = sorted({order.limit_price for order in side.values()}, reverse=best is max)
            if len(prices) > DEPTH:
                kept = set(prices[:DEPTH])
                for order in [each for each in side.values() if each.limit_price not in kept]:
                    del side[order.order_id]
        bids, asks = self._sides
        self.state = whole((*bids.values(), *asks.values()))
        moments = self._truth.orders
        moment = moments.first_since(self.state, self._moment)
        if moment is None and reordered(self._trouble, "level3 "):
            moment = moments.first_since(self.state, self._begun)
        assert moment is not None, f"the orders never were so, or not of late: {item}"
        self._moment = moment
