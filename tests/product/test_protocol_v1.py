"""Protocol v1, from the exchange to the program: what it tells is what v2 tells.

One simulated exchange serves both on one market, so a feed of each can be compared record by
record; and what goes wrong on the way costs a program of the old protocol no more than it must.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_trio import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Channel,
    ConfigurationError,
    ConnectionState,
    Feed,
    Gap,
    GapPolicy,
    GapReason,
    KrakenConfig,
    Level,
    Order,
    OwnTrade,
    Resync,
    Spread,
    SubscriptionError,
    SystemStatus,
    Ticker,
    Trade,
    open_kraken,
)
from kraken_trio._internal.testing import v1_speech
from kraken_trio.extended import (
    Observer,
    open_recorder,
    read_incident,
    replay_capture,
    replay_incident,
)
from kraken_trio.testing import Exchange, Market, market_pairs, open_exchange

BTC, ETH, DOGE = "BTC/USD", "ETH/USD", "DOGE/USD"
ROOM = {"max_queue_depth": 50_000}
_Replayed = BookSnapshot | BookUpdate | Trade | Spread | Candle | Order | OwnTrade | Gap


@asynccontextmanager
async def opened(
    exchange: Exchange, *, observers: Sequence[Observer] = (), **settings: Any
) -> AsyncIterator[Feed]:
    """Open a feed of the old protocol."""
    config = KrakenConfig(
        **{
            "protocol": "v1",
            "api_key": exchange.api_key,
            "api_secret": exchange.api_secret,
            "jitter": 0.0,
            **ROOM,
            **settings,
        }
    )
    async with open_kraken(
        config, dial=exchange.dial, rest=exchange.rest, observers=observers
    ) as feed:
        yield feed


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    with trio.fail_after(600):
        while not condition():  # noqa: ASYNC110 - nothing tells it
            await trio.sleep(0.01)


def taken(channel: Any) -> list[Any]:
    """Take all that waits."""
    items: list[Any] = []
    while True:
        try:
            items.append(channel.receive_nowait())
        except trio.WouldBlock:
            return items


def numbers(levels: tuple[Level, ...]) -> list[tuple[Decimal, Decimal]]:
    """What levels say: equal numbers are the same, however they are padded."""
    return [(level.price, level.qty) for level in levels]


def trade(item: Trade) -> tuple[object, ...]:
    """What both protocols say of a trade."""
    return item.symbol, item.side, item.price, item.qty, item.ord_type, item.timestamp


def update(item: Any) -> tuple[object, ...]:
    """What both protocols say of a message of a book."""
    if isinstance(item, BookSnapshot):
        return item.symbol, numbers(item.bids), numbers(item.asks)
    assert isinstance(item, BookUpdate)
    best = [level and (level.price, level.qty) for level in (item.best_bid, item.best_ask)]
    return item.symbol, numbers(item.bids), numbers(item.asks), best


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32),
    depth=st.sampled_from([10, 25, 100, 1000]),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_both_protocols_tell_the_same(seed: int, depth: int, steps: list[int]) -> None:
    """A v1 and a v2 feed of one exchange agree on every trade and on every message of a book."""

    async def main() -> None:
        pairs = [
            *market_pairs(2),
            *(pair for pair in market_pairs(8) if pair.symbol == DOGE),
        ]
        symbols = tuple(dict.fromkeys(pair.symbol for pair in pairs))
        market = Market({pair.symbol: pair for pair in pairs}.values(), seed=seed, start=10**18)
        async with (
            open_exchange(market, seed=seed) as exchange,
            opened(exchange) as old,
            opened(exchange, protocol="v2") as new,
            old.book(*symbols, depth=depth) as old_books,
            new.book(*symbols, depth=depth) as new_books,
            old.trades(*symbols) as old_trades,
            new.trades(*symbols) as new_trades,
        ):
            for count in steps:
                exchange.step(count)
                await trio.testing.wait_all_tasks_blocked(0.001)
            books = [taken(each) for each in (old_books, new_books)]
            trades = [taken(each) for each in (old_trades, new_trades)]
            for symbol in symbols:
                told = [
                    [update(item) for item in items if item.symbol == symbol] for items in books
                ]
                assert told[0] == told[1]
                there = exchange.market.book(symbol, depth)
                kept = old.order_book(symbol)
                assert kept is not None
                assert numbers(kept.bids) == numbers(there.bids)
                assert numbers(kept.asks) == numbers(there.asks)
                done = [
                    [trade(each) for each in items if each.symbol == symbol] for items in trades
                ]
                assert done[0] == done[1]
            assert old.statistics().checksums_failed == 0
            assert old.statistics().checksums_ok == sum(isinstance(i, BookUpdate) for i in books[0])

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.005))


async def test_every_channel(autojump_clock: trio.testing.MockClock) -> None:
    """Market data of every channel come as the records that they are, with the new names."""
    async with open_exchange(seed=1, rate=200) as exchange, opened(exchange) as feed:
        events = feed.events()
        async with (
            feed.book(BTC, ETH, depth=1000) as books,
            feed.ticker(BTC) as tickers,
            feed.spread(BTC) as spreads,
            feed.trades(BTC) as trades,
            feed.ohlc(BTC, interval=5) as candles,
        ):
            first = {
                Ticker: await tickers.receive(),
                Spread: await spreads.receive(),
                Trade: await trades.receive(),
                Candle: await candles.receive(),
            }
            assert [type(item) for item in first.values()] == list(first)
            assert {item.symbol for item in first.values()} == {BTC}
            snapshots = [await books.receive() for _ in range(2)]
            assert {item.symbol for item in snapshots} == {BTC, ETH}
            assert all(isinstance(item, BookSnapshot) for item in snapshots)
            assert feed.state is ConnectionState.SUBSCRIBED
            assert feed.is_subscribed(Channel.spread(BTC))
        ticker, candle = first[Ticker], first[Candle]
        assert isinstance(ticker, Ticker)
        assert (ticker.snapshot, ticker.change, ticker.timestamp) == (True, None, None)
        assert ticker.today is not None
        assert isinstance(candle, Candle)
        assert (candle.snapshot, candle.interval) == (True, 5)
        status = next(item for item in taken(events) if isinstance(item, SystemStatus))
        assert (status.system, status.api_version) == ("online", None)


async def test_the_account(autojump_clock: trio.testing.MockClock) -> None:
    """Own fills come once, orders as they stand, and the table has them."""
    async with (
        open_exchange(seed=1) as exchange,
        opened(exchange) as feed,
        feed.open_orders() as orders,
        feed.own_trades() as fills,
    ):
        placed = exchange.account.place(BTC, "buy", Decimal("0.01"), Decimal(1000))
        name = placed[0].order_id
        exchange.account.fill(name, Decimal("0.004"))
        exchange.account.cancel(name)
        await trio.testing.wait_all_tasks_blocked(0.01)
        told = taken(orders)
        assert all(isinstance(item, Order) for item in told)
        assert {item.order_id for item in told} == {name}
        assert {item.symbol for item in told} == {BTC}
        assert (told[-1].order_status, told[-1].cum_qty) == ("canceled", Decimal("0.004"))
        assert (feed.orders[name], feed.orders.live) == (told[-1], True)
        assert await feed.wait_order(name) == told[-1]
        (fill,) = taken(fills)
        assert isinstance(fill, OwnTrade)
        assert (fill.order_id, fill.symbol, fill.qty) == (name, BTC, Decimal("0.004"))


@pytest.mark.parametrize("seed", range(5))
async def test_both_protocols_tell_the_same_of_an_account(
    autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    """A v1 and a v2 feed agree on each fill, and on how each order stands at last."""
    dice = random.Random(seed)
    async with (
        open_exchange(seed=seed) as exchange,
        opened(exchange) as old,
        opened(exchange, protocol="v2") as new,
        old.open_orders() as orders,
        old.own_trades() as fills,
        new.open_orders() as new_orders,
        new.own_trades() as new_fills,
    ):
        account = exchange.account
        for _ in range(40):
            names = [order.order_id for order in account.open_orders()]
            match dice.randrange(4) if names else 0:
                case 0:
                    account.place(dice.choice([BTC, ETH]), "buy", Decimal("0.01"), Decimal(100))
                case 1:
                    account.fill(dice.choice(names), Decimal("0.001"))
                case 2:
                    account.fill(dice.choice(names))
                case _:
                    account.cancel(dice.choice(names))
        await trio.sleep(1)
        traded = [[_filled(item) for item in taken(each)] for each in (fills, new_fills)]
        assert traded[0] == traded[1]
        assert traded[0]
        last = [{i.order_id: _stands(i) for i in taken(each)} for each in (orders, new_orders)]
        assert last[0] == last[1]
        assert old.orders.live
        assert [_stands(i) for i in old.orders.open] == [_stands(i) for i in new.orders.open]


def _filled(item: OwnTrade) -> tuple[object, ...]:
    fees = [fee.qty for fee in item.fees]
    return (
        item.exec_id,
        item.order_id,
        item.symbol,
        item.side,
        item.qty,
        item.price,
        item.cost,
        fees,
    )


def _stands(order: Order) -> tuple[object, ...]:
    """How it stands; that something is filled of it, protocol v1 says by the quantity alone."""
    status = order.order_status.replace("partially_filled", "new")
    return status, order.symbol, order.side, order.limit_price, order.order_qty, order.cum_qty or 0


TROUBLE: dict[str, Callable[[Any], None]] = {
    "checksum": lambda peer: peer.corrupt_next_book(BTC),
    "quantity": lambda peer: peer.corrupt_next_quantity("book", BTC),
    "dropped": lambda peer: peer.drop_next("book", BTC),
    "cut off": lambda peer: peer.truncate_next("book", BTC),
}


@pytest.mark.parametrize("what", TROUBLE)
async def test_a_book_is_mended(autojump_clock: trio.testing.MockClock, what: str) -> None:
    """Whatever is wrong with a message of a book: a gap, a fresh snapshot, and it is right."""
    async with (
        open_exchange(seed=3, rate=100) as exchange,
        opened(exchange) as feed,
        feed.events() as events,
        feed.book(BTC, ETH) as books,
    ):
        await until(lambda: feed.statistics().checksums_ok > 20)
        (peer,) = exchange.connections
        TROUBLE[what](peer)
        await until(lambda: any(isinstance(item, Resync) for item in taken(events)))
        items = taken(books)
        at = next(place for place, item in enumerate(items) if isinstance(item, Gap))
        assert (items[at].symbol, items[at].channel) == (BTC, "book")
        after = [item for item in items[at + 1 :] if item.symbol == BTC]
        assert isinstance(after[0], BookSnapshot)
        assert not [item for item in items if isinstance(item, Gap) and item.symbol == ETH]
        asked = [each for each in peer.requests if b"XBT/USD" in each]
        assert [b'"unsubscribe"' in each for each in asked] == [False, True, False]
        assert feed.state is ConnectionState.SUBSCRIBED


async def test_a_lost_connection(autojump_clock: trio.testing.MockClock) -> None:
    """After a loss everything is there again; of trades without numbers, too, the gap is told."""
    async with (
        open_exchange(seed=3, rate=100) as exchange,
        opened(exchange) as feed,
        feed.book(BTC) as books,
        feed.trades(BTC) as trades,
        feed.spread(BTC) as spreads,
        feed.ohlc(BTC) as candles,
    ):
        await until(lambda: feed.statistics().checksums_ok > 100)
        exchange.connections[0].drop()
        await until(lambda: exchange.connected == 2)
        await until(lambda: feed.state is ConnectionState.SUBSCRIBED)
        await trio.sleep(2)
        for channel in (books, trades, spreads):
            gaps = [item for item in taken(channel) if isinstance(item, Gap)]
            assert [gap.reason for gap in gaps] == [GapReason.DISCONNECT]
        assert not [item for item in taken(candles) if isinstance(item, Gap)]


async def test_a_faulty_frame_of_trades(autojump_clock: trio.testing.MockClock) -> None:
    """A frame that was cut off is known by its number: its trades are missing, and it is told."""
    async with (
        open_exchange(seed=3, rate=100) as exchange,
        opened(exchange) as feed,
        feed.trades(BTC) as trades,
    ):
        await trades.receive()
        exchange.connections[0].truncate_next("trade", BTC)
        await until(lambda: feed.statistics().faults)
        assert [item.reason for item in taken(trades) if isinstance(item, Gap)] == [
            GapReason.UNDECODABLE
        ]


async def test_quiet_markets(autojump_clock: trio.testing.MockClock) -> None:
    """What is silent for long is probed where that shows something, and a quiet market is none."""
    async with (
        open_exchange(seed=3) as exchange,
        opened(exchange) as feed,
        feed.book(BTC) as books,
        feed.ticker(BTC) as tickers,
        feed.trades(BTC) as trades,
        feed.spread(BTC) as spreads,
        feed.ohlc(BTC) as candles,
    ):
        await trio.sleep(1000)
        exchange.step(50)
        await trio.sleep(1)
        for channel in (books, tickers, trades, spreads, candles):
            assert not [item for item in taken(channel) if isinstance(item, Gap)]
        left = [each for each in exchange.connections[0].requests if b'"unsubscribe"' in each]
        assert left
        assert not [each for each in left if b'"trade"' in each or b'"spread"' in each]


async def test_a_stalled_book(autojump_clock: trio.testing.MockClock) -> None:
    """A book of which nothing comes any more, though there is news, is found out."""
    async with (
        open_exchange(seed=3, rate=20) as exchange,
        opened(exchange) as feed,
        feed.book(BTC) as books,
    ):
        exchange.connections[0].stall("book", BTC)
        await until(lambda: any(isinstance(item, Gap) for item in taken(books)))
        await until(lambda: feed.order_book(BTC) is not None)


async def test_refusals(autojump_clock: trio.testing.MockClock) -> None:
    """A pair that there is not is refused alone; the others go on."""
    async with open_exchange(seed=3, rate=20) as exchange, opened(exchange) as feed:
        async with feed.book(BTC, "NO/PAIR") as books:
            (error,) = books.refused.values()
            assert "Currency pair not supported" in str(error)
            assert isinstance(await books.receive(), BookSnapshot)
        with pytest.raises(SubscriptionError, match="not supported"):
            async with feed.trades("NO/PAIR"):
                pass
        exchange.refusals["own_trades"] = "EService:Unavailable"
        with pytest.raises(SubscriptionError, match="Unavailable"):
            async with feed.own_trades():
                pass


@pytest.mark.parametrize("name", ["book", "trade"])
async def test_an_exchange_that_ends_a_subscription(
    autojump_clock: trio.testing.MockClock, name: str
) -> None:
    """A subscription that the exchange ends by itself is a gap, and begins anew."""
    channel = Channel.book(BTC) if name == "book" else Channel.trades(BTC)
    async with (
        open_exchange(seed=3, rate=20) as exchange,
        opened(exchange) as feed,
        feed.events() as events,
        feed.subscribe(channel) as records,
    ):
        await records.receive()
        (peer,) = exchange.connections
        exchange.connections[0].send_raw(
            f'{{"channelName":"{name}","event":"subscriptionStatus","pair":"XBT/USD",'
            f'"status":"unsubscribed","subscription":{{"name":"{name}"}}}}'
        )
        await until(lambda: any(isinstance(item, Resync) for item in taken(events)))
        assert [item.reason for item in taken(records) if isinstance(item, Gap)] == [
            GapReason.STALLED
        ]
        asked = [b'"unsubscribe"' in each for each in peer.requests]
        assert asked == [False, True, False]
        await until(lambda: feed.is_subscribed(channel))


@pytest.mark.parametrize("name", ["own_trades", "open_orders"])
async def test_a_private_message_that_is_missing(
    autojump_clock: trio.testing.MockClock, name: str
) -> None:
    """The numbers of private messages tell that one is missing, and a fresh snapshot mends it."""
    async with (
        open_exchange(seed=3) as exchange,
        opened(exchange) as feed,
        feed.events() as events,
        feed.subscribe(Channel(name=name)) as records,
    ):
        exchange.connections[0].drop_next(name, None)
        for _ in range(2):
            order = exchange.account.place(BTC, "buy", Decimal("0.01"), Decimal(1000))[0]
            exchange.account.fill(order.order_id, Decimal("0.004"))
        await until(lambda: any(isinstance(item, Resync) for item in taken(events)))
        items = taken(records)
        if name == "own_trades":  # Fills have names: the snapshot shows that none is missing.
            assert [item.order_id for item in items] == [*exchange.account.orders]
            return
        at = next(place for place, item in enumerate(items) if isinstance(item, Gap))
        assert items[at].reason is GapReason.SEQUENCE
        assert items[at].size == 1
        after = [item for item in items[at + 1 :] if item.snapshot]
        assert len({item.order_id for item in after}) == 2


async def test_numbers_that_do_not_begin_with_one(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot with the number 2 was captured: it is the beginning, and nothing is missing."""

    def later(payload: object, name: str, message: dict[str, Any]) -> bytes:
        return told(payload, name, {**message, "sequence": message["sequence"] + 1})

    told = v1_speech._private
    monkeypatch.setattr(v1_speech, "_private", later)
    async with (
        open_exchange(seed=3) as exchange,
        opened(exchange) as feed,
        feed.open_orders() as orders,
        feed.own_trades() as fills,
    ):
        for lost in (False, True):
            name = exchange.account.place(BTC, "buy", Decimal("0.01"), Decimal(1000))[0].order_id
            exchange.account.fill(name, Decimal("0.001"))
            await trio.sleep(60)
            gaps = [item.reason for item in taken(orders) if isinstance(item, Gap)]
            assert gaps == ([GapReason.DISCONNECT] if lost else [])
            assert [item.order_id for item in taken(fills)] == [name]
            assert feed.orders.live
            exchange.connections[0].drop()
            await trio.sleep(10)


@pytest.mark.parametrize("fault", ["drop_next", "truncate_next"])
@pytest.mark.parametrize("protocol", ["v1", "v2"])
async def test_a_beginning_that_is_missing(
    autojump_clock: trio.testing.MockClock, protocol: str, fault: str
) -> None:
    """Where the snapshot of orders is lost, news are not taken for it: no order seems gone."""
    name = "open_orders" if protocol == "v1" else "executions"
    async with (
        open_exchange(seed=3) as exchange,
        opened(exchange, protocol=protocol) as feed,
        feed.open_orders() as orders,
    ):
        account = exchange.account
        names = [
            account.place(BTC, "buy", Decimal("0.01"), Decimal(price))[0].order_id
            for price in (1000, 1001)
        ]
        (peer,) = exchange.connections
        peer.drop_next(name, None)
        account.fill(names[0], Decimal("0.001"))
        account.fill(names[0], Decimal("0.001"))
        getattr(peer, fault)(name, None)
        await until(lambda: len(peer.requests) == 3)  # It is asked for anew.
        account.fill(names[0], Decimal("0.001"))
        await trio.sleep(60)
        told = [item for item in taken(orders) if isinstance(item, Order)]
        assert all(item.open for item in told)
        assert feed.orders.live
        assert [(order.order_id, order.cum_qty or 0) for order in feed.orders.open] == [
            (names[0], Decimal("0.003")),
            (names[1], 0),
        ]


async def test_a_recording(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """Records and gaps of a recording are those of its feed, whatever went wrong meanwhile."""
    told: list[Any] = []
    async with open_exchange(seed=4, rate=100) as exchange:
        path = tmp_path / "old.jsonl"
        async with (
            open_recorder(path) as recorder,
            opened(exchange, observers=[recorder]) as feed,
            feed.events() as events,
            feed.book(BTC, ETH),
            feed.trades(BTC),
            feed.spread(ETH),
            feed.ohlc(BTC),
            feed.open_orders(),
            feed.own_trades(),
        ):
            for number in range(4):
                order = exchange.account.place(BTC, "buy", Decimal("0.01"), Decimal(1000))[0]
                exchange.account.fill(order.order_id, Decimal("0.004"))
                await trio.sleep(2)
                if number == 1:
                    for each in exchange.connections:
                        each.corrupt_next_book(BTC)
                if number == 2:
                    for each in exchange.connections:
                        each.drop()
            told = [item for item in taken(events) if isinstance(item, _Replayed)]
        parts = recorder.statistics().parts
    again = [each.item for each in replay_capture(*parts) if isinstance(each.item, _Replayed)]
    assert {type(item) for item in told} == set(get_args(_Replayed))
    kept = [item for item in told if not getattr(item, "local", False)]
    assert again[: len(kept)] == kept


def bundles(folder: Path) -> list[Path]:
    """Give the bundles in a folder."""
    return sorted(folder.glob("*.zip"))


async def test_a_bundle(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """What went wrong goes wrong once more, at the same frame."""
    async with (
        open_exchange(seed=4, rate=100) as exchange,
        opened(exchange, incidents=str(tmp_path)) as feed,
        feed.book(BTC, ETH),
    ):
        await trio.sleep(20)  # So that the books of the beginning are no longer kept.
        (peer,) = exchange.connections
        peer.corrupt_next_book(BTC)
        await trio.sleep(2)
        peer.send_raw(b"[")
        await trio.sleep(2)
    found = {path: read_incident(path) for path in bundles(tmp_path)}
    assert {each.kind for each in found.values()} == {"checksum", "protocol_error"}
    for path, told in found.items():
        again = replay_incident(path)
        assert again.line == told.line, told.reason
        if told.kind == "checksum":
            assert (again.text, again.computed) == (told.text, told.computed)


async def test_tokens(autojump_clock: trio.testing.MockClock) -> None:
    """A token that is no good any more is fetched anew, and what needs it asked for again."""
    async with open_exchange(seed=3, rate=20) as exchange, opened(exchange) as feed:
        async with feed.own_trades():
            exchange.revoke_tokens()
            exchange.connections[0].drop()
            await until(lambda: exchange.connected == 2)
            await until(lambda: feed.is_subscribed(Channel.own_trades()))
        texts = [each for each in exchange.connections[0].requests if b"token" in each]
        assert texts


@pytest.mark.parametrize(
    "channel, rule",
    [
        (Channel.instrument(), "must have the channel instrument"),
        (Channel.level3(BTC), "must have the channel level3"),
        (Channel.executions(), "must have the channel executions"),
        (Channel.balances(), "must have the channel balances"),
        (Channel.ticker(BTC, event_trigger="bbo"), "must be trades in protocol v1"),
        (Channel.trades(BTC, snapshot=True), "must be False in protocol v1"),
    ],
    ids=str,
)
async def test_what_there_is_not(channel: Channel, rule: str) -> None:
    """What the old protocol does not have is refused before anything is asked."""
    async with open_exchange() as exchange, opened(exchange) as feed:
        with pytest.raises(ConfigurationError, match=rule):
            feed.subscribe(channel)
        assert exchange.connected == 0


async def test_trades_cannot_be_fetched() -> None:
    """Nobody knows which trades are missing, so none are fetched."""
    async with open_exchange() as exchange:
        async with opened(exchange) as feed:
            with pytest.raises(ConfigurationError, match="whose trades have no numbers"):
                feed.trades(BTC, backfill=True)
        async with opened(exchange, backfill=True) as feed:
            with pytest.raises(ConfigurationError, match="whose trades have no numbers"):
                feed.trades(BTC)
            feed.trades(BTC, backfill=False)
            feed.book(BTC)


@pytest.mark.parametrize("leaves", ["v1", "v2"])
async def test_spreads_of_both(autojump_clock: trio.testing.MockClock, leaves: str) -> None:
    """Who stays is still told of spreads, by whichever protocol, when the other one leaves."""
    async with (
        open_exchange(seed=1) as exchange,
        opened(exchange) as old,
        opened(exchange, protocol="v2") as new,
    ):
        leaving, staying = (old, new) if leaves == "v1" else (new, old)
        async with staying.spread(BTC) as spreads:
            async with leaving.spread(BTC):
                exchange.step(50)
            await trio.sleep(1)
            exchange.step(50)
            await trio.sleep(1)
            last = taken(spreads)[-1]
            there = exchange.market.book(BTC, 10)
            assert isinstance(last, Spread)
            assert (last.bid, last.ask) == (there.bids[0].price, there.asks[0].price)


async def test_both_at_one_exchange_through_sockets() -> None:
    """One address serves both protocols, each at its path."""
    async with open_exchange(seed=1, rate=200) as exchange:
        address = await exchange.listen(tls=False)
        for protocol, url in (("v1", address.v1_url), ("v2", address.url)):
            config = KrakenConfig(protocol=protocol, endpoint=url)
            async with open_kraken(config) as feed, feed.book(BTC) as books:
                with trio.fail_after(30):
                    for _ in range(20):
                        assert not isinstance(await books.receive(), Gap)


async def test_orders_are_placed_over_v2() -> None:
    """Asked for them, a feed of the old protocol says so."""
    async with open_exchange() as exchange, opened(exchange) as feed:
        with pytest.raises(ConfigurationError, match="must be v2 for orders"):
            feed.trading()


async def test_channels_that_share_nothing_may_handle_gaps_apart(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Where open orders and own trades are channels of their own, one binds not the other."""
    async with (
        open_exchange(seed=1) as exchange,
        opened(exchange) as feed,
        feed.open_orders(),
        feed.subscribe(Channel.own_trades(), gap_policy=GapPolicy.IGNORE),
    ):
        assert feed.is_subscribed(Channel.own_trades())
