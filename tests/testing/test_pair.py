"""One pair's market: its tickers are its book's and its candles are its trades'."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.model.channel import OHLC_INTERVALS
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import BookMessage, RecordsMessage
from kraken_trio._internal.model.records import Candle, Ticker, Trade
from kraken_trio._internal.testing.listing import USUAL_PAIRS, market_pairs
from kraken_trio._internal.testing.pair import TRADE_SNAPSHOT, MarketPair, PairMarket
from kraken_trio._internal.wire.decode import V2Decoder

START = 1_767_225_600 * 10**9
BTC = MarketPair(symbol="BTC/USD", price=Decimal("62800.0"), price_precision=1, qty_precision=8)
TINY = MarketPair(symbol="TINY/USD", price=Decimal(2), price_precision=0, qty_precision=10)


def made(pair: MarketPair) -> PairMarket:
    """Open the market of a pair."""
    return PairMarket(pair, random.Random(1), START)


def records(frame: bytes) -> Any:
    """Decode a frame of records."""
    message = V2Decoder().decode(frame, None)
    assert isinstance(message, RecordsMessage)
    return message.records


def plain(record: Any) -> Any:
    """Give a record of a snapshot as if it had come by itself."""
    return msgspec.structs.replace(record, snapshot=False)


def folded(trades: list[Trade], interval: int) -> dict[int, tuple[Decimal | int, ...]]:
    """Make candles of trades, by their begin, with the exchange's own fields."""
    length = interval * 60 * 10**9
    candles: dict[int, list[Trade]] = {}
    for trade in trades:
        candles.setdefault(trade.timestamp // length * length, []).append(trade)
    return {begin: summed(rows) for begin, rows in candles.items()}


def summed(rows: list[Trade]) -> tuple[Decimal | int, ...]:
    """Give open, high, low, close, vwap, count and volume of some trades."""
    prices = [row.price for row in rows]
    volume = sum((row.qty for row in rows), Decimal())
    vwap = sum((row.price * row.qty for row in rows), Decimal()) / volume
    vwap = vwap.quantize(prices[0], rounding=ROUND_HALF_UP)
    return prices[0], max(prices), min(prices), prices[-1], vwap, len(rows), volume


def shown(candle: Candle) -> tuple[Decimal | int, ...]:
    """Give the same of a candle."""
    return (
        *(candle.open, candle.high, candle.low, candle.close),
        *(candle.vwap, candle.trades, candle.volume),
    )


@pytest.mark.parametrize(
    "pair",
    [BTC, TINY, *USUAL_PAIRS[2:], *market_pairs(1500)[::150], *market_pairs(["PEPE/USD"])],
    ids=lambda pair: pair.symbol,
)
def test_all_channels_agree(pair: MarketPair) -> None:
    """Tickers show the book's best levels and the trades' figures, candles the trades' sums."""
    market = made(pair)
    decoder = V2Decoder()
    book = OrderBook(
        pair.symbol, 25, price_precision=pair.price_precision, qty_precision=pair.qty_precision
    )
    whole = decoder.decode(market.book_snapshot(25), None)
    assert isinstance(whole, BookMessage)
    book.apply(whole)
    trades = [plain(trade) for trade in records(market.trade_snapshot())]
    market.depths.add(25)
    market.triggers |= {"trades", "bbo"}
    market.intervals |= set(OHLC_INTERVALS)
    now = START
    seen: dict[str, int] = {}
    for number in range(600):
        now += 10**9 * (number % 3)
        for event in market.step(now):
            seen[event.channel] = seen.get(event.channel, 0) + 1
            assert event.topic[:2] == (event.channel, pair.symbol)
            message = decoder.decode(event.frame, None)
            if isinstance(message, BookMessage):
                book.apply(message)
                continue
            assert isinstance(message, RecordsMessage)
            for record in message.records:
                match record:
                    case Trade():
                        assert record.trade_id == trades[-1].trade_id + 1
                        trades.append(record)
                    case Candle():
                        begin = record.interval_begin
                        assert event.interval == record.interval
                        assert shown(record) == folded(trades, record.interval)[begin]
                    case Ticker():
                        check_ticker(record, book, trades)
    assert seen.keys() == {"book", "trade", "ticker", "ohlc"}
    assert market.trades() == tuple(trades)[-pair.kept_trades :]
    for interval in OHLC_INTERVALS:
        candles = market.candles(interval)
        assert [shown(candle) for candle in candles] == list(folded(trades, interval).values())[
            -len(candles) :
        ]
        snapshot = records(market.candle_frame("snapshot", interval))
        assert tuple(map(plain, snapshot)) == candles
    assert [plain(ticker) for ticker in records(market.ticker_frame("snapshot"))] == [
        market.ticker()
    ]
    check_ticker(market.ticker(), book, trades)
    told = market.book(25)
    assert (told.bids, told.asks) == (book.bids, book.asks)


def check_ticker(ticker: Ticker, book: OrderBook, trades: list[Trade]) -> None:
    """Compare a ticker with the book and the trades; none of these is a day old."""
    best_bid, best_ask = book.best_bid, book.best_ask
    assert best_bid is not None
    assert best_ask is not None
    assert (ticker.bid, ticker.bid_qty) == (best_bid.price, best_bid.qty)
    assert (ticker.ask, ticker.ask_qty) == (best_ask.price, best_ask.qty)
    first, high, low, last, vwap, count, volume = summed(trades)
    assert (ticker.last, ticker.high, ticker.low, ticker.vwap) == (last, high, low, vwap)
    assert (ticker.trades, ticker.volume) == (count, volume)
    assert ticker.change == last - first
    percent = (100 * ticker.change / first).quantize(Decimal("0.01"))
    assert abs(ticker.change_pct - percent) <= Decimal("0.01")


def test_a_trade_snapshot_has_the_latest() -> None:
    """However many trades are kept, a snapshot has the latest fifty."""
    market = made(BTC)
    for number in range(1000):
        market.step(START + number)
    ids = [trade.trade_id for trade in market.trades()]
    assert [trade.trade_id for trade in records(market.trade_snapshot())] == ids[-TRADE_SNAPSHOT:]
    assert len(ids) > TRADE_SNAPSHOT


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"price_precision": -1}, "price_precision: must be from 0 to 10, is -1"),
        ({"qty_precision": 11}, "qty_precision: must be from 0 to 10, is 11"),
        ({"price": Decimal("0.05")}, "price: must be two smallest steps of 1 decimals or more"),
        ({"price": Decimal("1.25")}, "price: must be two smallest steps of 1 decimals or more"),
        ({"price": Decimal("0.1")}, "price: must be two smallest steps of 1 decimals or more"),
        ({"symbol": "AB"}, "symbol: must be two assets with a slash between, is AB"),
        ({"symbol": "/B"}, "symbol: must be two assets"),
        ({"symbol": "A/B/C"}, "symbol: must be two assets"),
        ({"levels": 0}, "levels: must be more than 0, is 0"),
        ({"kept_trades": 49}, "kept_trades: must be 50 or more, is 49"),
        ({"activity": -1}, "activity: must be more than 0, is -1"),
        ({"largest_order": Decimal(0)}, "largest_order: must be more than 0, is 0"),
        ({"price": Decimal(-5)}, "price: must be two smallest steps of 1 decimals or more"),
    ],
)
def test_no_such_pair(changes: dict[str, Any], text: str) -> None:
    """A pair without a market is refused."""
    arguments: dict[str, Any] = {
        "symbol": "A/B",
        "price": Decimal(5),
        "price_precision": 1,
        "qty_precision": 8,
    }
    with pytest.raises(ConfigurationError, match=text):
        MarketPair(**(arguments | changes))


@pytest.mark.parametrize(
    "price, price_precision, qty_precision, most_lots",
    [
        ("62800.0", 1, 8, 159_235_668),
        ("0.000004123", 9, 8, 2_425_418_384_671_355_808),
        ("9420000", 0, 0, 99),
    ],
)
def test_the_largest_orders(
    price: str, price_precision: int, qty_precision: int, most_lots: int
) -> None:
    """The quantity of the largest orders follows from what they are worth."""
    pair = MarketPair(
        symbol="A/B",
        price=Decimal(price),
        price_precision=price_precision,
        qty_precision=qty_precision,
    )
    assert pair.most_lots == most_lots


def test_the_best_level_can_be_removed() -> None:
    """The best level goes, and the update has the one that slides into the window with it."""
    market = made(BTC)
    market.depths.add(10)
    best, second = market.book(25).asks[:2]
    slides_in = market.book(25).asks[10]
    (event,) = market.remove_best("ask", START + 1)
    message = V2Decoder().decode(event.frame, None)
    assert isinstance(message, BookMessage)
    assert [(level.price, level.qty) for level in message.asks] == [
        (best.price, 0),
        (slides_in.price, slides_in.qty),
    ]
    assert (message.bids, market.book(10).asks[0], event.at) == ((), second, START + 1)
