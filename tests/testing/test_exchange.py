"""Clients of the simulated exchange are told the truth, whatever they subscribe to."""

from __future__ import annotations

import json
import signal
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, open_websocket_url

from kraken_trio import open_kraken
from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.model.channel import BOOK_DEPTHS, LEVEL3_DEPTHS, OHLC_INTERVALS, Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import (
    BookMessage,
    Heartbeat,
    Level3Message,
    RecordsMessage,
    Reply,
)
from kraken_trio._internal.model.records import Candle, Ticker, Trade
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair
from kraken_trio._internal.model.requests import Subscribe
from kraken_trio._internal.testing.exchange import Exchange, open_exchange
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.sign import decode_secret, sign

if TYPE_CHECKING:
    from tests.testing.conftest import Client, Connect

START = 1_767_225_600 * 10**9
PRECISIONS = {"BTC/USD": (1, 8), "ETH/USD": (2, 8)}


def market(seed: int = 1) -> Market:
    """Make one whose times are known."""
    return Market(seed=seed, start=START)


class Listener:
    """What a faultless client makes of what it is told, with the library's own parts."""

    def __init__(self) -> None:
        """Know nothing."""
        self._decode = V2Decoder().decode
        self.books: dict[tuple[str, int], OrderBook] = {}
        self.trades: dict[str, list[Trade]] = {}
        self.tickers: dict[str, list[Ticker]] = {}
        self.candles: dict[tuple[str, int], list[Candle]] = {}
        self.instruments: list[InstrumentAsset | InstrumentPair] = []
        self.replies: list[Reply] = []
        self.heartbeats = 0

    def hear(self, frame: bytes, depth: int = 10) -> None:
        """Take a frame; that of a book is one of ``depth``."""
        match self._decode(frame, None):
            case BookMessage(symbol=symbol) as message:
                price, qty = PRECISIONS[symbol]
                book = self.books.setdefault(
                    (symbol, depth),
                    OrderBook(symbol, depth, price_precision=price, qty_precision=qty),
                )
                book.apply(message)
            case RecordsMessage(records=records):
                for record in records:
                    self._keep(record)
            case Reply() as reply:
                self.replies.append(reply)
            case Heartbeat():
                self.heartbeats += 1
            case other:
                raise AssertionError(other)

    def _keep(self, record: object) -> None:
        match record:
            case Trade(symbol=symbol):
                self.trades.setdefault(symbol, []).append(plain(record))
            case Ticker(symbol=symbol):
                self.tickers.setdefault(symbol, []).append(plain(record))
            case Candle(symbol=symbol, interval=interval):
                self.candles.setdefault((symbol, interval), []).append(plain(record))
            case InstrumentAsset() | InstrumentPair():
                self.instruments.append(record)
            case other:
                raise AssertionError(other)


def plain(record: Any) -> Any:
    """Give a record of a snapshot as if it had come by itself."""
    return msgspec.structs.replace(record, snapshot=False)


async def drained(client: Client, exchange: Exchange) -> list[bytes]:
    """Take all that was sent so far: the answer to a ping comes after it."""
    await client.ask("ping", req_id=999)
    frames: list[bytes] = []
    while b'"pong"' not in (frame := await client.raw()):
        frames.append(frame)
    assert exchange.connections
    return frames


@pytest.mark.parametrize("depth", BOOK_DEPTHS)
async def test_books_verify_at_every_depth(
    depth: int, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A book of any depth verifies after each message, and ends as the market's."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD", depth=depth)
        listener = Listener()
        for _ in range(20):
            for frame in await drained(client, exchange):
                listener.hear(frame, depth)
            exchange.step(100)
        for frame in await drained(client, exchange):
            listener.hear(frame, depth)
        book = listener.books["BTC/USD", depth]
        assert (book.snapshots, book.checksums_failed, book.stale) == (1, 0, 0)
        assert book.updates > 200
        truth = exchange.market.book("BTC/USD", depth)
        assert (book.bids, book.asks) == (truth.bids, truth.asks)


async def test_all_channels_tell_the_same(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Trades come without a gap, and tickers, candles and books agree with them and each other."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("trade", "BTC/USD", snapshot=True)
        await client.subscribe("ticker", "BTC/USD", event_trigger="bbo")
        await client.subscribe("book", "BTC/USD")
        for interval in OHLC_INTERVALS:
            await client.subscribe("ohlc", "BTC/USD", interval=interval)
        await client.subscribe("instrument")
        listener = Listener()
        for frame in await drained(client, exchange):
            listener.hear(frame)
        seen = 0
        while len(listener.trades["BTC/USD"]) < 200:
            exchange.step()
            for frame in await drained(client, exchange):
                listener.hear(frame)
            book = listener.books["BTC/USD", 10]
            ticker = listener.tickers["BTC/USD"][-1]
            assert book.best_bid is not None
            assert book.best_ask is not None
            assert (ticker.bid, ticker.bid_qty) == (book.best_bid.price, book.best_bid.qty)
            assert (ticker.ask, ticker.ask_qty) == (book.best_ask.price, book.best_ask.qty)
            if len(listener.trades["BTC/USD"]) > seen:
                seen = len(listener.trades["BTC/USD"])
                assert ticker.last == listener.trades["BTC/USD"][-1].price
        assert tuple(listener.trades["BTC/USD"]) == exchange.market.trades("BTC/USD")
        assert [reply.success for reply in listener.replies] == [True] * 13
        for interval in OHLC_INTERVALS:
            candles = {c.interval_begin: c for c in listener.candles["BTC/USD", interval]}
            assert tuple(candles.values())[-1] == exchange.market.candles("BTC/USD", interval)[-1]
            assert sum(candle.trades for candle in candles.values()) == seen
        assert [i.symbol for i in listener.instruments if isinstance(i, InstrumentPair)] == [
            *exchange.market.symbols
        ]


async def test_tickers_by_trades(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """With the other trigger there is one ticker for each message of trades."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("ticker", "BTC/USD", snapshot=False)
        await client.subscribe("trade", "BTC/USD")
        await client.acks(2)
        exchange.step(1000)
        channels = Counter(
            json.loads(frame)["channel"] for frame in await drained(client, exchange)
        )
        assert channels["ticker"] == channels["trade"] > 10


async def test_over_tls() -> None:
    """Over TLS a client is told the same, while the market goes on by itself."""
    async with open_exchange(market(), rate=2000) as exchange:
        address = await exchange.listen()
        listener = Listener()
        async with open_websocket_url(address.url, address.client_ssl_context) as websocket:
            assert json.loads(await websocket.get_message())["channel"] == "status"
            for channel in (
                Channel.book("BTC/USD", "ETH/USD"),
                Channel.trades("BTC/USD", "ETH/USD", snapshot=True),
                Channel.ticker("BTC/USD"),
            ):
                request = encode_request(Subscribe(channel), req_id=5)
                await websocket.send_message(request.decode())
            while sum(book.updates for book in listener.books.values()) < 300:
                listener.hear(str(await websocket.get_message()).encode())
        assert {reply.req_id for reply in listener.replies} == {5}
        assert {book.checksums_failed for book in listener.books.values()} == {0}
        for symbol, trades in listener.trades.items():
            ids = [trade.trade_id for trade in trades]
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            truth = [t for t in exchange.market.trades(symbol) if ids[0] <= t.trade_id <= ids[-1]]
            assert truth == trades


async def test_it_keeps_pace(autojump_clock: trio.testing.MockClock) -> None:
    """At a rate, each step happens at its time, and the frames carry it; and steps may be added."""
    peer = market()
    async with open_exchange(peer, rate=4) as exchange:
        await trio.sleep(0.3)
        assert peer.now == START + 250_000_000
        await trio.sleep(10)
        assert peer.now == START + 10_250_000_000
        assert exchange.now() == pytest.approx(START + 10_300_000_000, abs=1000)
        assert exchange.lag_s == 0
        exchange.step(5)
        assert START + 10_250_000_000 < peer.now < START + 10_350_000_000


async def test_the_clock_never_lags_behind_the_market(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Steps taken by hand may be ahead of the clock; the clock then goes on from there."""
    async with open_exchange(market()) as exchange:
        exchange.step(1000)
        assert exchange.lag_s == 0
        assert exchange.now() == exchange.market.now > START + 10**9
        ahead = exchange.now()
        await trio.sleep(1)
        assert exchange.now() == ahead + 10**9


async def test_each_is_told_what_it_asked_for(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Clients have subscriptions of their own; who leaves, or ends one, hears no more of it."""
    async with open_exchange(market()) as exchange, connect(exchange) as one:
        async with connect(exchange) as two:
            await one.subscribe("book", "BTC/USD", depth=25)
            await two.subscribe("book", "BTC/USD", "ETH/USD", depth=10)
            await two.subscribe("ticker", "BTC/USD")
            await two.subscribe("ohlc", "BTC/USD", interval=5)
            await one.acks(1)
            await two.acks(4)
            assert [connection.subscriptions for connection in exchange.connections] == [
                (Channel.book("BTC/USD", depth=25),),
                (
                    *Channel.book("BTC/USD", "ETH/USD").parts(),
                    Channel.ticker("BTC/USD"),
                    Channel.ohlc("BTC/USD", interval=5),
                ),
            ]
            await drained(one, exchange)
            await drained(two, exchange)
            exchange.step(400)
            assert channels(await drained(one, exchange)) == {"book BTC/USD"}
            everything = {"book BTC/USD", "book ETH/USD", "ticker BTC/USD", "ohlc BTC/USD"}
            assert channels(await drained(two, exchange)) == everything
            await two.ask("unsubscribe", {"channel": "book", "symbol": ["BTC/USD"]})
            await two.ask("unsubscribe", {"channel": "ticker", "symbol": ["BTC/USD"]})
            await two.acks(2)
            exchange.step(400)
            assert channels(await drained(two, exchange)) == {"book ETH/USD", "ohlc BTC/USD"}
        await trio.testing.wait_all_tasks_blocked()
        exchange.step(400)
        frames = await drained(one, exchange)
        assert channels(frames) == {"book BTC/USD"}
        # Nobody asks for the others any more, so they are not even made.
        assert {event.topic for event in steps(exchange.market, 400)} == {
            ("book", "BTC/USD", 25),
            *(("trade", symbol, None) for symbol in exchange.market.symbols),
        }


async def test_who_stays_is_still_told(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """When one of two clients with the same subscription leaves, the other is told all the same."""
    async with open_exchange(market()) as exchange, connect(exchange) as one:
        async with connect(exchange) as two:
            for client in (one, two):
                await client.subscribe("book", "BTC/USD")
                await client.acks(1)
        await trio.testing.wait_all_tasks_blocked()
        await drained(one, exchange)
        exchange.step(100)
        assert channels(await drained(one, exchange)) == {"book BTC/USD"}


def steps(peer: Market, count: int) -> Any:
    """Give the events of some steps."""
    return [event for _ in range(count) for event in peer.step()]


def channels(frames: list[bytes]) -> set[str]:
    """Give channel and symbol of what is no heartbeat."""
    messages = [json.loads(frame) for frame in frames if b"heartbeat" not in frame]
    return {f"{message['channel']} {message['data'][0]['symbol']}" for message in messages}


async def test_refusals(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """Old names and private channels are refused in the exchange's words; the others are not."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "XBT/USD", "BTC/USD", "DANCE")
        await client.subscribe("executions", token="t")
        errors = [reply.get("error") for reply in await client.acks(4)]
        assert errors == [
            "Currency pair not supported XBT/USD",
            None,
            "Currency pair not in ISO 4217-A3 format DANCE",
            "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com",
        ]


async def test_the_private_door(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """Behind the private door are the exchange's account, and trading with it."""
    async with (
        open_exchange(market()) as exchange,
        connect(exchange, "ws-auth.kraken.com") as client,
    ):
        exchange.account.deposit("USD", Decimal(1000))
        token = exchange._venue.tokens.issue(trio.current_time()).reveal()
        await client.subscribe("balances", token=token)
        (ack,) = await client.acks(1)
        assert ack["result"] == {"channel": "balances", "snapshot": True}
        assert (await client.next())["data"][0]["balance"] == "1000.0000"
        order = {"symbol": "BTC/USD", "side": "buy", "order_type": "market", "order_qty": 0.01}
        await client.ask("add_order", order | {"token": token})
        (reply,) = await client.acks(1)
        assert exchange.account.order(reply["result"]["order_id"]).status == "filled"
        await client.ask("unsubscribe", {"channel": "balances", "token": token})
        assert (await client.acks(1))[0]["success"]
        exchange.change_system("maintenance")
        await client.ask("cancel_all", {"token": token})
        assert (await client.acks(1))[0]["error"] == "EService:Unavailable"


async def test_faults_are_made_to_order(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A checksum is wrong once, frames get lost or come twice, and then all is well again."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD")
        await client.subscribe("trade", "BTC/USD")
        await client.acks(2)
        (connection,) = exchange.connections
        connection.corrupt_next_book("BTC/USD")
        connection.alter_next("trade", "BTC/USD", lambda frame: (frame, frame))
        connection.alter_next("trade", "BTC/USD", lambda _: ())
        exchange.step(1000)
        connection.send_raw("CloudFlare WebSocket proxy restarting")
        frames = await drained(client, exchange)
        assert frames[-1] == b"CloudFlare WebSocket proxy restarting"
        listener = Listener()
        for frame in frames[:-1]:
            listener.hear(frame)
        ids = [trade.trade_id for trade in listener.trades["BTC/USD"]]
        jumps = [later - earlier for earlier, later in pairwise(ids)]
        assert len([jump for jump in jumps if jump < 1]) == 1
        assert len([jump for jump in jumps if jump > 1]) == 1
    truth = market()
    truth.watch("BTC/USD", 10)
    book = OrderBook("BTC/USD", 10, price_precision=1, qty_precision=8)
    decode = V2Decoder().decode
    taken = [
        book.apply(message)
        for frame in [truth.book_snapshot("BTC/USD", 10), *(b for b in frames if b"book" in b)]
        if isinstance(message := decode(frame, None), BookMessage)
    ]
    assert [isinstance(update, Gap) for update in taken[:2]] == [False, True]


async def test_pairs_and_assets_change(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Changes go to those who subscribed to instruments; of shares, to those who wanted them."""
    peer = Market(market_pairs(["BTC/USD", "TSLAx/USD"]), seed=1, start=START)
    async with open_exchange(peer) as exchange, connect(exchange) as one, connect(exchange) as two:
        await one.subscribe("instrument")
        await two.subscribe("instrument", include_tokenized_assets=True)
        listed = [await client_listing(client) for client in (one, two)]
        assert listed == [["BTC/USD"], ["BTC/USD", "TSLAx/USD"]]
        exchange.change_pair("TSLAx/USD", "post_only")
        exchange.change_pair("BTC/USD", "cancel_only")
        exchange.change_asset("TSLAx", "disabled")
        exchange.change_asset("USD", "depositonly")
        changed = [
            [
                row["status"]
                for frame in await drained(client, exchange)
                for rows in json.loads(frame)["data"].values()
                for row in rows
            ]
            for client in (one, two)
        ]
        assert changed == [
            ["cancel_only", "depositonly"],
            ["post_only", "cancel_only", "disabled", "depositonly"],
        ]


async def client_listing(client: Client) -> list[str]:
    """Give the symbols in a snapshot of instruments."""
    await client.acks(1)
    return [pair["symbol"] for pair in (await client.next())["data"]["pairs"]]


@pytest.mark.parametrize("exponents", [True, False])
async def test_exponents_are_a_choice(exponents: bool, connect: Connect) -> None:
    """Instruments are shown with exponents or without, in snapshots and changes."""
    rules = ExchangeRules(instrument_exponents=exponents)
    async with open_exchange(market(), rules=rules) as exchange, connect(exchange) as client:
        await client.subscribe("instrument")
        await client.acks(1)
        exchange.change_pair("BTC/USD", "delisted")
        for _ in range(2):
            assert (b"1e-08" in await client.raw()) is exponents


async def test_a_maintenance(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """While the engine is in maintenance nothing happens; then the market goes on as it stood."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD")
        await client.acks(1)
        exchange.change_system("maintenance")
        assert exchange.market.system == exchange.system == "maintenance"
        exchange.step(200)
        exchange.change_system("online")
        exchange.step(200)
        frames = await drained(client, exchange)
        kinds = [json.loads(frame)["channel"] for frame in frames]
        assert kinds[:3] == ["book", "status", "status"]
        assert set(kinds[3:]) == {"book"}
        listener = Listener()
        for frame in frames:
            if b"status" not in frame:
                listener.hear(frame)
        assert listener.books["BTC/USD", 10].checksums_failed == 0


async def test_the_best_level_is_removed(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """On command the best level goes, and clients are told of it and of what slides in."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD")
        await client.acks(1)
        listener = Listener()
        listener.hear(await client.raw())
        exchange.remove_best("BTC/USD", "bid")
        update = await client.raw()
        listener.hear(update)
        assert len(json.loads(update)["data"][0]["bids"]) == 2
        assert listener.books["BTC/USD", 10].bids == exchange.market.book("BTC/USD", 10).bids


async def test_the_ledger_is_what_arrived(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A client got what the ledger says, to the byte and in order, faults included."""
    async with (
        open_exchange(market(), ledger=10_000) as exchange,
        connect(exchange) as one,
        connect(exchange) as two,
    ):
        await one.subscribe("trade", "BTC/USD", "ETH/USD")
        await two.subscribe("book", "BTC/USD")
        first, second = exchange.connections
        first.drop_next("trade", "BTC/USD")
        second.corrupt_next_book("BTC/USD")
        got = {1: await drained(one, exchange), 2: await drained(two, exchange)}
        for _ in range(3):
            exchange.step(300)
            got[1] += await drained(one, exchange)
            got[2] += await drained(two, exchange)
        for number, frames in got.items():
            # The status was taken off, and so were the pongs.
            sent = [f for f in exchange.ledger.frames(number)[1:] if b'"pong"' not in f]
            assert sent == frames
        ledger = exchange.ledger
        assert len(ledger.entries(connection=2, channel="book", symbol="BTC/USD")) == sum(
            b'"book","type"' in frame for frame in got[2]
        )
        ids = [
            int(trade["trade_id"])
            for entry in ledger.entries(channel="trade", symbol="BTC/USD")
            for trade in entry.message["data"]
        ]
        truth = [trade.trade_id for trade in exchange.market.trades("BTC/USD")[50:]]
        assert set(ids) < set(truth)


async def test_no_ledger_unless_asked_for(connect: Connect) -> None:
    """Nothing is remembered by itself; a bound that is none is refused."""
    async with open_exchange(market()) as exchange, connect(exchange):
        assert (len(exchange.ledger), exchange.ledger.forgotten) == (0, 0)
    with pytest.raises(ConfigurationError, match="ledger: must be a number of frames"):
        async with open_exchange(market(), ledger=-1):
            pass


async def test_strange_books_stay_right(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Levels in no order and prices twice change nothing about the book."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD")
        await client.acks(1)
        (connection,) = exchange.connections
        for _ in range(100):
            connection.unsort_next_book("BTC/USD")
            connection.repeat_price_in_next_book("BTC/USD")
        exchange.step(400)
        listener = Listener()
        for frame in await drained(client, exchange):
            listener.hear(frame)
        book = listener.books["BTC/USD", 10]
        assert (book.checksums_failed, book.updates > 100) == (0, True)
        assert book.bids == exchange.market.book("BTC/USD", 10).bids


async def test_a_client_that_reads_slowly(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Frames wait up to a bound; beyond it the client is hung up on, and the others go on."""
    rules = ExchangeRules(max_backlog=500)
    async with (
        open_exchange(market(), rules=rules) as exchange,
        connect(exchange) as slow,
        connect(exchange) as fast,
    ):
        for client in (slow, fast):
            await client.subscribe("book", "BTC/USD", depth=1000)
        await fast.acks(1)
        waiting, reader = exchange.connections
        for _ in range(60):
            exchange.step(100)
            await drained(fast, exchange)
        assert reader.ended is None
        assert waiting.ended is not None
        assert "were not read in time" in waiting.ended
        with pytest.raises(ConnectionClosed):
            while True:
                await slow.raw()
        await trio.testing.wait_all_tasks_blocked()
        assert exchange.connections == (reader,)


async def test_heartbeats_begin_with_a_subscription(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Before the first subscription there are none; then one comes each second."""
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await trio.sleep(10)
        await client.subscribe("instrument")
        await client.acks(1)
        with trio.move_on_after(5.5):
            while True:
                frame = await client.next()
                assert frame["channel"] in {"instrument", "heartbeat"}
        (connection,) = exchange.connections
        assert connection.sent == 1 + 1 + 1 + 5


async def test_the_usual_market() -> None:
    """An exchange that is told no market opens the usual one, from its seed, now."""
    async with open_exchange(seed=3) as one, open_exchange(seed=3) as two:
        prices = [peer.market.book("BTC/USD", 1000).bids for peer in (one, two)]
        assert prices[0] == prices[1]
        assert one.market.ticker("BTC/USD").last == Decimal("62800.0")


@pytest.mark.parametrize("rate", [-1, float("inf"), float("nan")])
async def test_no_such_rate(rate: float) -> None:
    """A rate is a number of steps, 0 or more."""
    with pytest.raises(ConfigurationError, match=r"^rate: "):
        async with open_exchange(rate=rate):
            pass


LEVEL3_HOST = "ws-l3.kraken.com"


async def token_of(exchange: Exchange) -> str:
    """Get a token as a program does."""
    body, path = b"nonce=%d" % exchange.now(), "/0/private/GetWebSocketsToken"
    signature = sign(path, exchange.now(), body, decode_secret(exchange.api_secret))
    headers = {"API-Key": exchange.api_key, "API-Sign": signature}
    response = await exchange.rest("POST", path, headers=headers, body=body)
    token: str = json.loads(response.body)["result"]["token"]
    return token


@pytest.mark.parametrize("depth", LEVEL3_DEPTHS)
async def test_orders_verify_at_every_depth(
    depth: int, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """At its own door, orders verify after each message, faults apart, and end as the market's."""
    decode = V2Decoder().decode
    async with (
        open_exchange(market(), ledger=10_000) as exchange,
        connect(exchange, LEVEL3_HOST) as client,
    ):
        await client.subscribe("level3", "BTC/USD", depth=depth, token=await token_of(exchange))
        (ack,) = await client.acks(1)
        assert ack["result"]["depth"] == depth
        book = Level3Book("BTC/USD", depth, price_precision=1, qty_precision=8)
        heard: list[bytes] = []
        for _ in range(10):
            exchange.connections[0].unsort_next_level3("BTC/USD")
            exchange.step(100)
            exchange.remove_best("BTC/USD", "ask")
            heard += [f for f in await drained(client, exchange) if b'"level3"' in f]
        for frame in heard:
            message = decode(frame, None)
            assert isinstance(message, Level3Message)
            book.apply(message)
        record = exchange.market.level3("BTC/USD", depth)
        assert (book.bids, book.asks, book.checksums_failed) == (record.bids, record.asks, 0)
        assert book.updates > 100
        entries = exchange.ledger.entries(channel="level3", symbol="BTC/USD")
        assert [entry.frame for entry in entries][1:] == heard
        exchange.connections[0].corrupt_next_level3("BTC/USD")
        exchange.remove_best("BTC/USD", "bid")
        (frame,) = await drained(client, exchange)
        message = decode(frame, None)
        assert isinstance(message, Level3Message)
        book.apply(message)
        assert book.checksums_failed == 1
        exchange.connections[0].silence("level3", "BTC/USD")
        exchange.step(100)
        assert await drained(client, exchange) == []


async def test_a_token_lasts_as_long_as_its_subscription(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Its age counts until it is used, and again when the connection that used it is gone."""
    rules = ExchangeRules(token_life_s=60, idle_timeout_s=None, heartbeat_interval_s=10_000)
    async with open_exchange(market(), rules=rules) as exchange:
        token = await token_of(exchange)
        async with connect(exchange, LEVEL3_HOST) as client:
            await client.subscribe("level3", "BTC/USD", token=token)
            assert (await client.acks(1))[0]["success"]
            await trio.sleep(100)
            await client.subscribe("level3", "ETH/USD", token=token)
            assert (await client.acks(1))[0]["success"]
        async with connect(exchange, LEVEL3_HOST) as client:
            await client.subscribe("level3", "BTC/USD", token=token)
            assert (await client.acks(1))[0]["error"] == "ESession:Invalid session"
            await client.subscribe("level3", "BTC/USD", token=await token_of(exchange))
            assert (await client.acks(1))[0]["success"]


def test_an_interrupt_is_the_program_s() -> None:
    """Ctrl-C comes out where the program is; the exchange goes on, so what is left can be done."""
    told: list[str] = []

    async def program() -> None:
        async with open_exchange(seed=1, rate=100) as exchange:

            def witness(words: str) -> None:
                told.append(words)
                if len(told) == 1:
                    signal.raise_signal(signal.SIGINT)

            exchange.witness = witness
            with pytest.raises(KeyboardInterrupt):
                async with open_kraken(dial=exchange.dial) as feed, feed.book("BTC/USD") as book:
                    async for _ in book:
                        pass
            async with open_kraken(dial=exchange.dial) as feed, feed.book("BTC/USD") as book:
                await book.receive()

    trio.run(program)
    assert told
