"""However slow a consumer is, what it built from what it received is right, or says it is not.

The consumer here knows nothing but the documented rules: a snapshot begins a book, an update is
applied level by level and cut to the depth, a gap ends what is known until the next snapshot. It
checks every checksum itself.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Channel,
    DropPolicy,
    Gap,
    GapReason,
    KrakenConfig,
    Level,
    Ticker,
    Trade,
    open_kraken,
)
from kraken_trio._internal.core.buffer import Buffer
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.testing import USUAL_PAIRS, Exchange, Market, open_exchange

PAIRS = USUAL_PAIRS[:2]
SYMBOLS = tuple(pair.symbol for pair in PAIRS)
PRECISIONS = {pair.symbol: (pair.price_precision, pair.qty_precision) for pair in PAIRS}
POLICIES = [DropPolicy.OLDEST, DropPolicy.LATEST, DropPolicy.COALESCE]
START = 1_790_000_000_000_000_000
DEPTH = 25


class Reader:
    """Builds what it can from what it receives of one subscription, and believes nobody."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.books: dict[str, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = {}
        """Bids and asks of each pair; none while what is there may be wrong."""
        self.tickers: dict[str, Ticker] = {}
        """The last one of each pair; none while a newer one may be missing."""
        self.candles: dict[str, Candle] = {}
        """Likewise."""
        self.trades: dict[str, int] = {}
        """The number of the next trade of each pair."""
        self.sums = True
        """Whether checksums are those of protocol v2."""
        self.told: Counter[str] = Counter()
        """Records that overflows were said to have cost, by channel."""
        self.seen = 0
        """Records received that the exchange sent, one by one or merged."""

    def take(self, items: Iterable[Any]) -> None:
        """Receive some."""
        for item in items:
            self.seen += not (isinstance(item, Gap) or getattr(item, "local", False))
            match item:
                case Gap():
                    self._lose(item)
                case BookSnapshot(symbol=symbol):
                    self.books[symbol] = ({}, {})
                    self._apply(item)
                case BookUpdate():
                    self._apply(item)
                case Ticker(symbol=symbol):
                    self.tickers[symbol] = item
                case Candle(symbol=symbol):
                    self.candles[symbol] = item
                case Trade(symbol=symbol):
                    assert item.trade_id == self.trades.get(symbol, item.trade_id)
                    self.trades[symbol] = item.trade_id + 1

    def _lose(self, gap: Gap) -> None:
        assert gap.symbol is not None
        if gap.reason is GapReason.OVERFLOW:
            assert gap.size is None or gap.size > 0
            self.told[gap.channel] += gap.size or 0
        match gap.channel:
            case "book":
                self.books.pop(gap.symbol, None)
            case "ticker":
                self.tickers.pop(gap.symbol, None)
            case "ohlc":
                self.candles.pop(gap.symbol, None)
            case _ if gap.symbol in self.trades:
                assert gap.size is not None
                self.trades[gap.symbol] += gap.size

    def _apply(self, item: BookSnapshot | BookUpdate) -> None:
        # A book that is not known cannot be updated: a gap is followed by a snapshot.
        bids, asks = self.books[item.symbol]
        for side, changes, best in ((bids, item.bids, max), (asks, item.asks, min)):
            side.update(changes_of(changes))
            for price in [price for price, qty in side.items() if not qty]:
                del side[price]
            for price in sorted(side, reverse=best is max)[DEPTH:]:
                del side[price]
        assert not self.sums or checksum(item.symbol, bids, asks) == item.checksum


def changes_of(levels: tuple[Level, ...]) -> dict[Decimal, Decimal]:
    """Give levels by price, the last word of each."""
    return {level.price: level.qty for level in levels}


def checksum(symbol: str, bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]) -> int:
    """Give the exchange's CRC32 of the ten best levels of each side, by the letter."""
    rows = [*sorted(asks.items())[:10], *sorted(bids.items(), reverse=True)[:10]]
    price_digits, qty_digits = PRECISIONS[symbol]
    text = "".join(
        f"{number:.{digits}f}".replace(".", "").lstrip("0")
        for row in rows
        for number, digits in zip(row, (price_digits, qty_digits), strict=True)
    )
    return zlib.crc32(text.encode())


def check_books(reader: Reader, market: Market) -> None:
    """Every book that the reader believes in is the exchange's, to the last level."""
    for symbol, (bids, asks) in reader.books.items():
        book = market.book(symbol, DEPTH)
        assert (bids, asks) == (changes_of(book.bids), changes_of(book.asks))


def check_last_values(reader: Reader, market: Market) -> None:
    """Every ticker and candle that it believes to be the last one is."""
    for symbol, ticker in reader.tickers.items():
        assert (ticker.last, ticker.trades) == (
            market.ticker(symbol).last,
            market.ticker(symbol).trades,
        )
    for symbol, candle in reader.candles.items():
        last = market.candles(symbol, 1)[-1]
        assert (candle.interval_begin, candle.close) == (last.interval_begin, last.close)


def check_trades(reader: Reader, market: Market) -> None:
    """Every trade was given once, or is in a gap; the last one too."""
    for symbol, following in reader.trades.items():
        assert following == market.trades(symbol)[-1].trade_id + 1


# Through the engine and the buffers, without a wait


class Path:
    """A market, the engine that reads it, and one buffer and reader for each channel."""

    def __init__(self, seed: int, policy: DropPolicy, capacity: int) -> None:
        """Subscribe to everything, and read the first snapshots."""
        self.market = Market(PAIRS, seed=seed, start=START)
        self.engine = Engine(V2Decoder())
        self.lines: dict[str, tuple[Buffer, Reader]] = {}
        channels = (
            Channel.book(*SYMBOLS, depth=DEPTH),
            Channel.trades(*SYMBOLS, snapshot=True),
            Channel.ticker(*SYMBOLS),
            Channel.ohlc(*SYMBOLS),
        )
        for channel in channels:
            buffer = Buffer(capacity, policy, self.live_book)
            self.lines[channel.name] = buffer, Reader()
            for part in channel.parts():
                self.engine.open(part).join(buffer.put)
        for symbol in SYMBOLS:
            self.market.watch(symbol, DEPTH)
            self.market.watch_ticker(symbol, "trades")
            self.market.watch_candles(symbol, 1)
        self.connect()

    def live_book(self, channel: str, symbol: str) -> Any:
        """As a feed gives it."""
        route = self.engine.route(Channel.book(symbol, depth=DEPTH))
        assert channel == "book"
        assert isinstance(route, BookRoute)
        return route.book.snapshot()

    def connect(self) -> None:
        """The exchange tells how everything stands."""
        for symbol in SYMBOLS:
            for frame in (
                self.market.book_snapshot(symbol, DEPTH),
                self.market.trade_snapshot(symbol),
                self.market.ticker_snapshot(symbol),
                self.market.candle_snapshot(symbol, 1),
            ):
                self.engine.feed(frame, None)

    def step(self, count: int, *, heard: bool = True) -> None:
        """The market goes on; ``heard`` is false while there is no connection."""
        for _ in range(count):
            for event in self.market.step():
                if heard:
                    self.engine.feed(event.frame, None)

    def read(self, channel: str, limit: int) -> None:
        """One consumer takes something."""
        buffer, reader = self.lines[channel]
        reader.take(buffer.get_batch(limit))


LINES = st.sampled_from(["book", "trade", "ticker", "ohlc"])
PLANS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(1, 40)),
        st.tuples(st.just("read"), LINES, st.integers(1, 30)),
        st.tuples(st.just("read"), LINES, st.integers(1, 30)),
        st.tuples(st.just("cut"), st.integers(0, 10)),
    ),
    max_size=30,
)


@pytest.mark.parametrize("policy", POLICIES)
@given(seed=st.integers(0, 9), capacity=st.integers(1, 40), plan=PLANS)
def test_any_schedule_leaves_a_right_book_or_a_gap(
    policy: DropPolicy, seed: int, capacity: int, plan: list[tuple[Any, ...]]
) -> None:
    """At every record the checksum is right; in the end, when all is read, everything is."""
    path = Path(seed, policy, capacity)
    cuts = 0
    for step in plan:
        match step:
            case "step", int(count):
                path.step(count)
            case "read", str(channel), int(limit):
                path.read(channel, limit)
            case _, int(missed):
                cuts += 1
                path.engine.disconnect()
                path.step(missed, heard=False)
                path.connect()
    path.step(5)
    for channel, (buffer, reader) in path.lines.items():
        while buffer:
            path.read(channel, 1000)
        assert buffer.whole
        # Every record that was put is accounted for, one way.
        assert buffer.received == reader.seen + buffer.dropped + buffer.coalesced
        assert buffer.dropped == reader.told[channel] or cuts
        if channel == "trade":
            assert buffer.coalesced == 0
    check_books(path.lines["book"][1], path.market)
    check_trades(path.lines["trade"][1], path.market)
    for channel in ("ticker", "ohlc"):
        check_last_values(path.lines[channel][1], path.market)
    assert set(path.lines["book"][1].books) == set(SYMBOLS)
    if policy is DropPolicy.COALESCE and capacity >= len(SYMBOLS):
        # Elsewhere the last one may be what was dropped: then nothing is believed.
        assert set(path.lines["ticker"][1].tickers) == set(SYMBOLS)


# Through the live feed, over the simulated exchange


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(1, 60)),
        st.tuples(st.just("sleep"), st.sampled_from([0.001, 0.02, 0.5])),
        st.tuples(st.just("receive"), st.integers(1, 20)),
        st.tuples(st.just("batch"), st.integers(1, 30)),
        st.tuples(st.just("nowait"), st.integers(1, 30)),
        st.tuples(st.just("corrupt"), st.sampled_from(SYMBOLS)),
        st.tuples(st.just("cut"), st.just(0)),
    ),
    max_size=20,
)


async def receive_some(records: Any, how: str, count: int) -> list[Any]:
    """Take something in one of the ways there are; a little patience is enough."""
    got: list[Any] = []
    with trio.move_on_after(0.3):
        match how:
            case "receive":
                for _ in range(count):
                    got.append(await records.receive())  # noqa: PERF401 - kept when cancelled
            case "batch":
                got += await records.receive_batch(count)
            case _:
                try:
                    for _ in range(count):
                        got.append(records.receive_nowait())
                except trio.WouldBlock:
                    pass
    return got


async def play(
    exchange: Exchange, records: Any, reader: Reader, plan: list[tuple[str, Any]]
) -> None:
    """Let the market go on and the consumer read, by turns."""
    for action, detail in plan:
        match action:
            case "step":
                exchange.step(detail)
            case "sleep":
                await trio.sleep(detail)
            case "corrupt":
                for connection in exchange.connections:
                    connection.corrupt_next_book(detail)
            case "cut":
                for connection in exchange.connections:
                    connection.drop()
            case _:
                reader.take(await receive_some(records, action, detail))


async def drain(records: Any, reader: Reader) -> None:
    """Read until nothing more comes."""
    with trio.move_on_after(30) as patience:
        while True:
            reader.take(await records.receive_batch())
            patience.deadline = trio.current_time() + 30


@pytest.mark.parametrize("policy", POLICIES)
@given(
    seed=st.integers(0, 9),
    depth=st.integers(1, 40),
    limits=st.sampled_from([(0, 0.0), (0, 0.01), (300, 0.0), (300, 0.1)]),
    channel=st.sampled_from(
        [
            Channel.book(*SYMBOLS, depth=DEPTH),
            Channel.book(*SYMBOLS, depth=DEPTH),
            Channel.trades(*SYMBOLS),
            Channel.ticker(*SYMBOLS),
            Channel.ohlc(*SYMBOLS),
        ]
    ),
    protocol=st.sampled_from(["v2", "v1"]),
    plan=ACTIONS,
)
def test_any_consumer_of_a_live_feed_has_a_right_book_or_a_gap(  # noqa: PLR0917 - drawn by name
    policy: DropPolicy,
    seed: int,
    depth: int,
    limits: tuple[int, float],
    channel: Channel,
    protocol: str,
    plan: list[tuple[str, Any]],
) -> None:
    """With losses, resyncs and reconnects in between; and what was lost is counted."""
    if channel.name == "trade":
        protocol = "v2"  # What is missing of trades is judged by their numbers.
    config = KrakenConfig(
        protocol=protocol,
        endpoint=f"wss://exchange.test/{'v2' if protocol == 'v2' else ''}",
        jitter=0.0,
        drop_policy=policy,
        max_queue_depth=depth,
        max_messages_per_second=limits[0],
        coalesce_window=limits[1],
    )

    async def main() -> None:
        reader = Reader()
        reader.sums = protocol == "v2"
        market = Market(PAIRS, seed=seed, start=START)
        async with (
            open_exchange(market, seed=seed) as exchange,
            open_kraken(config, dial=exchange.dial) as feed,
            feed.subscribe(channel) as records,
        ):
            await play(exchange, records, reader, plan)
            await drain(records, reader)
            exchange.step(20)
            await drain(records, reader)
            check_books(reader, market)
            check_last_values(reader, market)
            check_trades(reader, market)
            if channel.name == "book":
                assert set(reader.books) == set(SYMBOLS)
            statistics = records.statistics().records
            assert statistics is not None
            assert statistics.received == reader.seen + statistics.dropped + statistics.coalesced
            assert feed.statistics().dropped == statistics.dropped
            assert feed.statistics().coalesced == statistics.coalesced
            assert statistics.coalesced == 0 or policy is DropPolicy.COALESCE
            assert statistics.coalesced == 0 or channel.name != "trade"

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
