"""The market says what a faithful exchange would, to a client that knows only the rules."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from kraken_trio._internal.model.channel import LEVEL3_DEPTHS
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import BookMessage, RecordsMessage
from kraken_trio._internal.testing.listing import USUAL_PAIRS, market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.pair import MarketEvent, MarketPair
from kraken_trio._internal.wire.decode import V2Decoder

START = 1_767_225_600 * 10**9
BTC = MarketPair(symbol="BTC/USD", price=Decimal("62800.0"), price_precision=1, qty_precision=8)
PEPE = MarketPair(
    symbol="PEPE/EUR", price=Decimal("0.0000012345"), price_precision=10, qty_precision=0
)
TINY = MarketPair(symbol="TINY/USD", price=Decimal(2), price_precision=0, qty_precision=10)
DEPTHS = (10, 25, 1000)


def decoded(frame: bytes) -> Any:
    """Decode a frame, with every number as the text that the wire shows."""
    return json.loads(frame, parse_float=str, parse_int=str)


class Client:
    """A book kept by the rules of the documentation, from the texts of numbers alone."""

    def __init__(self, depth: int) -> None:
        """Know nothing yet."""
        self.depth = depth
        self.sides: dict[str, dict[str, str]] = {}

    def take(self, frame: bytes) -> Any:
        """Apply a message, truncate, and check; give its data."""
        message = decoded(frame)
        (data,) = message["data"]
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        for name, side in self.sides.items():
            for level in data[name]:
                if Decimal(level["qty"]):
                    side[level["price"]] = level["qty"]
                else:
                    del side[level["price"]]  # what is removed was there
            for price in self.best(name)[self.depth :]:
                del side[price]
        assert int(data["checksum"]) == self.checksum()
        return data

    def best(self, name: str) -> list[str]:
        """Prices of a side, best first."""
        return sorted(self.sides[name], key=Decimal, reverse=name == "bids")

    def checksum(self) -> int:
        """As the documentation says: asks, then bids, without point and leading zeros."""
        texts = [
            text.replace(".", "").lstrip("0")
            for name in ("asks", "bids")
            for price in self.best(name)[:10]
            for text in (price, self.sides[name][price])
        ]
        return zlib.crc32("".join(texts).encode())


def market(*pairs: MarketPair, seed: int = 1) -> Market:
    """Open one."""
    return Market(pairs, seed=seed, start=START)


def steps(market: Market, count: int) -> Iterator[MarketEvent]:
    """Give the events of some steps."""
    for _ in range(count):
        yield from market.step()


@pytest.mark.parametrize("pair", [BTC, PEPE, TINY], ids=lambda pair: pair.symbol)
@pytest.mark.parametrize("seed", range(3))
def test_a_client_stays_right(pair: MarketPair, seed: int) -> None:
    """A client that knows the rules has the right book after each message, at every depth."""
    peer = market(pair, seed=seed)
    clients = {depth: Client(depth) for depth in DEPTHS}
    for depth, client in clients.items():
        peer.watch(pair.symbol, depth)
        client.take(peer.book_snapshot(pair.symbol, depth))
    for event in steps(peer, 300):
        if event.depth is not None:
            clients[event.depth].take(event.frame)
    for depth, client in clients.items():
        late = Client(depth)
        late.take(peer.book_snapshot(pair.symbol, depth))
        assert late.sides == client.sides
        assert Decimal(client.best("bids")[0]) < Decimal(client.best("asks")[0])


def test_habits_of_the_wire() -> None:
    """Updates show what real ones do: removals with refill, repeats, idle and unsorted sides."""
    peer = market(BTC)
    peer.watch("BTC/USD", 10)
    client = Client(10)
    client.take(peer.book_snapshot("BTC/USD", 10))
    seen: Counter[str] = Counter()
    for event in steps(peer, 3000):
        if event.channel != "book":
            continue
        held = {name: set(side) for name, side in client.sides.items()}
        data = client.take(event.frame)
        for name in ("bids", "asks"):
            prices = [level["price"] for level in data[name]]
            ordered = sorted(prices, key=Decimal)
            seen["idle"] += not prices
            seen["repeated"] += len(prices) > len(set(prices))
            seen["unsorted"] += prices not in (ordered, ordered[::-1])
            removed = {level["price"] for level in data[name] if not Decimal(level["qty"])}
            gone = held[name] - set(client.sides[name])
            seen["removed"] += bool(removed)
            seen["pushed out"] += bool(gone - removed)
            # The window stays full: what slides in comes in the very message of the removal.
            assert len(client.sides[name]) == 10
    assert min(seen.values()) > 20, seen
    assert set(seen) == {"idle", "repeated", "unsorted", "removed", "pushed out"}


def test_numbers_are_padded_to_the_precision() -> None:
    """Every price and quantity has the decimals of its pair, zeros and removals too."""
    peer = market(BTC, PEPE, TINY)
    for symbol in peer.symbols:
        peer.watch(symbol, 10)
    places = {pair.symbol: (pair.price_precision, pair.qty_precision) for pair in (BTC, PEPE, TINY)}
    for event in steps(peer, 300):
        (first, *_) = data = decoded(event.frame)["data"]
        rows = data if event.channel == "trade" else first["bids"] + first["asks"]
        for row in rows:
            decimals = tuple(len(row[name].partition(".")[2]) for name in ("price", "qty"))
            assert decimals == places[event.symbol]


def test_trades() -> None:
    """Trades are numbered without a gap, are of one taker per message, and begin with a snapshot
    of 50.
    """
    peer = market(BTC)
    snapshot = decoded(peer.trade_snapshot("BTC/USD"))
    trades = snapshot["data"]
    assert (snapshot["channel"], snapshot["type"], len(trades)) == ("trade", "snapshot", 50)
    for event in steps(peer, 2000):
        assert (event.channel, event.depth) == ("trade", None)
        message = decoded(event.frame)
        assert message["type"] == "update"
        assert len({(t["side"], t["ord_type"], t["timestamp"]) for t in message["data"]}) == 1
        trades += message["data"]
    assert len(trades) > 150
    for earlier, later in pairwise(trades):
        assert int(later["trade_id"]) == int(earlier["trade_id"]) + 1
        assert later["timestamp"] >= earlier["timestamp"]
    assert {t["side"] for t in trades} == {"buy", "sell"}
    assert {t["ord_type"] for t in trades} == {"limit", "market"}
    assert decoded(peer.trade_snapshot("BTC/USD"))["data"] == trades[-50:]


def test_trades_come_out_of_the_book() -> None:
    """What is traded leaves the book: the quantity at its price shrinks by just as much."""
    peer = market(BTC)
    peer.watch("BTC/USD", 25)
    client = Client(25)
    client.take(peer.book_snapshot("BTC/USD", 25))
    found = 0
    for _ in range(2000):
        before = {name: dict(side) for name, side in client.sides.items()}
        frames = {event.channel: event.frame for event in peer.step()}
        data = client.take(frames["book"]) if "book" in frames else {"bids": [], "asks": []}
        for trade in decoded(frames["trade"])["data"] if "trade" in frames else ():
            name = "asks" if trade["side"] == "buy" else "bids"
            # A level that came and went within the step does not show.
            shown = [row["qty"] for row in data[name] if row["price"] == trade["price"]]
            was = before[name].get(trade["price"], "0")
            drops = {Decimal(a) - Decimal(b) for a, b in pairwise([was, *shown])}
            assert not shown or Decimal(trade["qty"]) in drops
            found += bool(shown)
    assert found > 100


def test_time_goes_on_by_itself() -> None:
    """Each step is a little later than the one before, and its frames carry that moment."""
    peer = market(BTC)
    assert peer.now == START
    peer.watch("BTC/USD", 1000)
    for _ in range(200):
        before = peer.now
        events = peer.step()
        assert 100_000 <= peer.now - before < 20_000_000
        for event in events:
            (first, *_) = decoded(event.frame)["data"]
            assert first["timestamp"] == str(event.at) == str(peer.now)


def test_snapshot_carries_the_time_of_the_last_change() -> None:
    """A snapshot is as old as the last change of its book, not as the moment when it is sent."""
    peer = market(BTC, PEPE)
    peer.watch("BTC/USD", 1000)
    changed = str(peer.now)
    for _ in range(50):
        for event in peer.step():
            if event.symbol == "BTC/USD":
                changed = str(event.at)
    assert decoded(peer.book_snapshot("BTC/USD", 10))["data"][0]["timestamp"] == changed


def test_the_same_seed_gives_the_same_market() -> None:
    """Frames depend on pairs, seed and start alone, to the byte, and not on who watches."""
    one, two, other = market(BTC, TINY), market(BTC, TINY), market(BTC, TINY, seed=2)
    for peer in (one, two, other):
        peer.watch("BTC/USD", 25)
    two.watch("TINY/USD", 1000)
    frames = [event.frame for event in steps(one, 500)]
    assert frames == [
        event.frame
        for event in steps(two, 500)
        if (event.symbol, event.depth) != ("TINY/USD", 1000)
    ]
    assert frames != [event.frame for event in steps(other, 500)]


def test_only_what_is_watched_is_told() -> None:
    """A book gives updates for the depths that are watched, while they are."""
    peer = market(BTC, PEPE)
    assert {event.channel for event in steps(peer, 100)} <= {"trade"}
    for depth in (25, 10):
        peer.watch("BTC/USD", depth)
    books = {(e.symbol, e.depth) for e in steps(peer, 100) if e.channel == "book"}
    assert books == {("BTC/USD", 10), ("BTC/USD", 25)}
    peer.unwatch("BTC/USD", 10)
    peer.unwatch("BTC/USD", 500)
    assert {e.depth for e in steps(peer, 100) if e.channel == "book"} == {25}


def test_a_thin_book() -> None:
    """At the lowest price there is one bid; the book is thin, and never empty nor below zero."""
    peer = market(TINY)
    client = Client(10)
    client.take(peer.book_snapshot("TINY/USD", 10))
    assert client.best("bids") == ["1"]
    peer.watch("TINY/USD", 10)
    for event in steps(peer, 2000):
        if event.channel == "book":
            client.take(event.frame)
        assert client.best("asks")
        assert Decimal(client.best("bids")[-1]) >= 1


def test_no_such_market() -> None:
    """A market has at least one pair, and each once; only these have books, of known depths."""
    with pytest.raises(ConfigurationError, match="at least one pair"):
        market()
    with pytest.raises(ConfigurationError, match="BTC/USD twice"):
        market(BTC, BTC)
    peer = market(BTC, PEPE)
    assert peer.symbols == ("BTC/USD", "PEPE/EUR")
    for told in (peer.trade_snapshot, peer.ticker_snapshot, peer.trades, peer.ticker):
        with pytest.raises(ConfigurationError, match="one of BTC/USD, PEPE/EUR, is XBT/USD"):
            told("XBT/USD")
    for call in (peer.watch, peer.unwatch, peer.book_snapshot, peer.book):
        with pytest.raises(ConfigurationError, match="one of 10, 25, 100, 500, 1000, is 5"):
            call("BTC/USD", 5)
    for candles in (peer.watch_candles, peer.unwatch_candles, peer.candle_snapshot):
        with pytest.raises(ConfigurationError, match=r"interval: must be one of 1, 5, .*, is 2"):
            candles("BTC/USD", 2)
    for watch in (peer.watch_ticker, peer.unwatch_ticker):
        with pytest.raises(ConfigurationError, match="one of trades, bbo, is always"):
            watch("BTC/USD", "always")  # type: ignore[arg-type]


def test_time_may_be_told() -> None:
    """A step happens when it is told to, but time never goes back; the rest stays as it is."""
    by_itself, told = market(BTC), market(BTC)
    for peer in (by_itself, told):
        peer.watch("BTC/USD", 10)
    for number in range(1, 101):
        at = START + number * 10**9
        events = told.step(at)
        wanted = [_untimed(event.frame) for event in by_itself.step()]
        assert [_untimed(event.frame) for event in events] == wanted
        assert told.now == at
        assert {event.at for event in events} <= {at}
    told.step(START)
    assert told.now == START + 100 * 10**9


def _untimed(frame: bytes) -> Any:
    return [
        {name: value for name, value in row.items() if name != "timestamp"}
        for row in decoded(frame)["data"]
    ]


def test_tickers_and_candles_come_to_those_who_watch() -> None:
    """Each trigger and interval is told apart, only while watched, after the trades."""
    peer = market(BTC, PEPE)
    assert {event.channel for event in steps(peer, 200)} == {"trade"}
    peer.watch_ticker("BTC/USD", "trades")
    peer.watch_ticker("BTC/USD", "bbo")
    peer.watch_candles("BTC/USD", 5)
    peer.watch_candles("PEPE/EUR", 1440)
    events = list(steps(peer, 1000))
    assert {event.topic for event in events} == {
        ("trade", "BTC/USD", None),
        ("trade", "PEPE/EUR", None),
        ("ticker", "BTC/USD", "trades"),
        ("ticker", "BTC/USD", "bbo"),
        ("ohlc", "BTC/USD", 5),
        ("ohlc", "PEPE/EUR", 1440),
    }
    counts = Counter((event.topic[0], event.topic[2], event.symbol) for event in events)
    assert counts["ticker", "trades", "BTC/USD"] == counts["trade", None, "BTC/USD"]
    assert counts["ohlc", 5, "BTC/USD"] == counts["trade", None, "BTC/USD"]
    assert counts["ticker", "bbo", "BTC/USD"] > counts["ticker", "trades", "BTC/USD"]
    peer.unwatch_ticker("BTC/USD", "bbo")
    peer.unwatch_candles("BTC/USD", 5)
    left = {event.topic for event in steps(peer, 300)}
    assert ("ticker", "BTC/USD", "bbo") not in left
    assert ("ohlc", "BTC/USD", 5) not in left
    assert ("ticker", "BTC/USD", "trades") in left


def test_snapshots_are_there_at_any_time() -> None:
    """Tickers, candles and instruments can be had as they stand, without being watched."""
    peer = market(BTC, PEPE)
    assert decoded(peer.ticker_snapshot("PEPE/EUR"))["type"] == "snapshot"
    candles = decoded(peer.candle_snapshot("BTC/USD", 15))["data"]
    assert {row["interval"] for row in candles} == {"15"}
    instruments = decoded(peer.instrument_snapshot())["data"]
    assert [row["symbol"] for row in instruments["pairs"]] == ["BTC/USD", "PEPE/EUR"]
    assert {row["id"] for row in instruments["assets"]} == {"BTC", "USD", "PEPE", "EUR"}


def test_records_are_what_the_frames_say() -> None:
    """Book, trades, ticker and candles as records hold the very numbers of their frames."""
    peer = market(PEPE)
    for _ in range(300):
        peer.step()
    frames: tuple[tuple[bytes, tuple[Any, ...]], ...] = (
        (peer.ticker_snapshot("PEPE/EUR"), (peer.ticker("PEPE/EUR"),)),
        (peer.trade_snapshot("PEPE/EUR"), peer.trades("PEPE/EUR")[-50:]),
        (peer.candle_snapshot("PEPE/EUR", 1), peer.candles("PEPE/EUR", 1)),
    )
    for frame, records in frames:
        message = V2Decoder().decode(frame, None)
        assert isinstance(message, RecordsMessage)
        assert [msgspec.structs.replace(r, snapshot=False) for r in message.records] == [*records]
    message = V2Decoder().decode(peer.book_snapshot("PEPE/EUR", 25), None)
    assert isinstance(message, BookMessage)
    book = peer.book("PEPE/EUR", 25)
    for name in ("bids", "asks", "checksum", "timestamp"):
        assert getattr(book, name) == getattr(message, name)


def test_looks_that_cost_little_say_the_same() -> None:
    """A book in its smallest steps, and the latest of the trades alone."""
    pairs = market_pairs(2)
    market = Market(pairs, seed=3, start=10**18)
    for _ in range(300):
        market.step()
    for pair in pairs:
        book = market.book(pair.symbol, 25)
        price, qty = 10**pair.price_precision, 10**pair.qty_precision
        assert market.book_steps(pair.symbol, 25) == tuple(
            tuple((level.price * price, level.qty * qty) for level in side)
            for side in (book.bids, book.asks)
        )
        made = market.trades(pair.symbol)
        for latest in (0, 1, 7, len(made), 10**6):
            assert market.trades(pair.symbol, latest) == made[len(made) - min(latest, len(made)) :]


def test_the_usual_pairs() -> None:
    """A market that is told no pairs has some that are known."""
    assert Market(seed=1, start=START).symbols[:2] == ("BTC/USD", "ETH/USD")


@pytest.mark.parametrize("by", ["system", "status"])
@pytest.mark.parametrize(
    "mode, channels, additions",
    [
        ("maintenance", set(), False),
        ("cancel_only", {"book"}, False),
        ("post_only", {"book"}, True),
        ("online", {"book", "trade"}, True),
        ("half_open", {"book", "trade"}, True),
    ],
)
def test_modes(by: str, mode: str, channels: set[str], additions: bool) -> None:
    """What may happen follows from the mode of the engine or of the pair, and books stay right."""
    peer = market(BTC)
    peer.watch("BTC/USD", 1000)
    client = Client(1000)
    client.take(peer.book_snapshot("BTC/USD", 1000))
    if by == "system":
        peer.system = mode
    else:
        changed = decoded(peer.change_pair("BTC/USD", mode))["data"]
        assert [pair["status"] for pair in changed["pairs"]] == [mode]
    events = list(steps(peer, 300))
    assert {event.channel for event in events} == channels
    held = {name: len(client.sides[name]) for name in client.sides}
    for event in events:
        if event.channel == "book":
            client.take(event.frame)
    assert peer.now > START
    assert additions or all(len(client.sides[name]) <= held[name] for name in held)
    late = Client(1000)
    late.take(peer.book_snapshot("BTC/USD", 1000))
    assert late.sides == client.sides


def test_the_stricter_mode_counts() -> None:
    """A pair that is online is traded no more than the engine trades, and the reverse."""
    peer = market(BTC)
    peer.system = "post_only"
    peer.change_pair("BTC/USD", "cancel_only")
    peer.watch("BTC/USD", 1000)
    rows = [
        level
        for event in steps(peer, 200)
        for name in ("bids", "asks")
        for level in decoded(event.frame)["data"][0][name]
    ]
    assert rows
    assert not any(
        Decimal(row["qty"])
        for event in steps(peer, 200)
        for name in ("bids", "asks")
        for row in decoded(event.frame)["data"][0][name][:1]
    )


def test_the_best_level_can_be_removed() -> None:
    """The removal comes with the level that slides into the window."""
    peer = market(BTC)
    peer.watch("BTC/USD", 10)
    client = Client(10)
    client.take(peer.book_snapshot("BTC/USD", 10))
    best = client.best("asks")[0]
    (event,) = peer.remove_best("BTC/USD", "ask")
    rows = client.take(event.frame)["asks"]
    assert (rows[0]["price"], rows[0]["qty"]) == (best, "0.00000000")
    assert rows[1]["price"] == client.best("asks")[-1]
    assert (len(rows), event.at) == (2, START)


def test_assets_change_on_command() -> None:
    """An asset gets another status."""
    changed = decoded(market(BTC).change_asset("USD", "disabled"))["data"]
    assert [(asset["id"], asset["status"]) for asset in changed["assets"]] == [("USD", "disabled")]


def test_times_are_those_that_the_wire_has() -> None:
    """Whole microseconds: what a client reads is what the market says, to the digit."""
    market = Market(USUAL_PAIRS[:1], seed=1, start=1_767_225_600_000_000_999)
    assert market.now == 1_767_225_600_000_000_000
    market.step(1_767_225_600_500_499_999)
    assert market.now == 1_767_225_600_500_499_000
    assert market.trades("BTC/USD")[-1].timestamp % 1000 == 0


def test_pairs_and_statuses() -> None:
    """What it was opened with is known, and how each pair stands."""
    market = Market([BTC, PEPE], seed=1, start=START)
    market.change_pair("PEPE/EUR", "post_only")
    assert market.pairs == (BTC, PEPE)
    assert [market.status(symbol) for symbol in market.symbols] == ["online", "post_only"]
    with pytest.raises(ConfigurationError, match="symbol"):
        market.status("XBT/USD")


@pytest.mark.parametrize("depth", LEVEL3_DEPTHS)
def test_orders_add_up_to_the_book(depth: int) -> None:
    """At any moment the orders at each price are what the public book shows there."""
    made = Market(seed=1, start=START)
    made.watch_level3("BTC/USD", depth)
    for _ in range(5):
        orders, book = made.level3("BTC/USD", depth), made.book("BTC/USD", 1000)
        for queued, levels in ((orders.bids, book.bids), (orders.asks, book.asks)):
            sums: dict[Decimal, Decimal] = {}
            for order in queued:
                sums[order.limit_price] = sums.get(order.limit_price, Decimal()) + order.order_qty
            assert list(sums.items()) == [(level.price, level.qty) for level in levels[:depth]]
        for _ in range(200):
            made.step()


def test_orders_change_nothing_about_the_market() -> None:
    """Whoever watches orders, all other frames are the same, and orders come of the seed."""

    def run(*, orders: bool) -> tuple[list[bytes], list[bytes]]:
        made = Market(seed=1, start=START)
        made.watch("BTC/USD", 100)
        if orders:
            made.watch_level3("BTC/USD", 10)
        events = [event for _ in range(500) for event in made.step()]
        events += made.remove_best("BTC/USD", "bid")
        made.unwatch_level3("BTC/USD", 10)
        assert not any(event.channel == "level3" for _ in range(500) for event in made.step())
        return (
            [event.frame for event in events if event.channel != "level3"],
            [event.frame for event in events if event.topic == ("level3", "BTC/USD", 10)],
        )

    others, frames = run(orders=True)
    assert run(orders=True) == (others, frames)
    assert run(orders=False) == (others, [])
    assert len(frames) > 30
    assert b'"delete"' in frames[-1]


def test_orders_are_made_for_who_wants_them() -> None:
    """A market of which nobody wants the orders has none."""
    made = Market(seed=1, start=START)
    made.level3_snapshot("BTC/USD", 10)
    has = {name: pair._level3 is not None for name, pair in made._pairs.items()}
    assert [name for name, orders in has.items() if orders] == ["BTC/USD"]
