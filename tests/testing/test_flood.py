"""What was made beforehand is what a client would have heard, and comes as fast as it reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.model.requests import Subscribe
from kraken_trio._internal.testing.exchange import open_exchange
from kraken_trio._internal.testing.flood import Flood, build_flood, open_flood
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.encode import encode_request

if TYPE_CHECKING:
    from tests.testing.conftest import Connect

START = 1_767_225_600 * 10**9
BOOKS = Channel.book("BTC/USD", "ETH/USD", depth=25)
TRADES = Channel.trades("BTC/USD", snapshot=True)


def market() -> Market:
    """Make one."""
    return Market(market_pairs(2), seed=1, start=START)


async def test_it_is_what_a_client_would_have_heard(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """The frames are those that a market tells who subscribed to the same."""
    flood = build_flood(market(), 300, BOOKS, TRADES)
    assert (flood.snapshots, len(flood.frames) > 200) == (3, True)
    assert flood.size_bytes == sum(map(len, flood.frames))
    async with open_exchange(market()) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD", "ETH/USD", depth=25)
        await client.subscribe("trade", "BTC/USD", snapshot=True)
        told: list[bytes] = []
        while len(told) < 3:
            frame = await client.raw()
            if b'"method"' not in frame:
                told.append(frame)
        exchange.step(300)
        told += [await client.raw() for _ in range(len(flood.frames) - 3)]
    assert told == list(flood.frames)


async def test_orders_come_at_their_own_door(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """What is made of orders is sent to who subscribed to them at the door of level3."""
    flood = build_flood(market(), 50, BOOKS, Channel.level3("BTC/USD", depth=100))
    orders = [frame for frame in flood.frames if b'"level3"' in frame]
    async with (
        open_flood(flood) as exchange,
        connect(exchange) as public,
        connect(exchange, "ws-l3.kraken.com") as level3,
    ):
        await public.subscribe("book", "BTC/USD", "ETH/USD", depth=25)
        await public.acks(2)
        await level3.subscribe("level3", "BTC/USD", depth=100, token="any")
        await level3.acks(1)
        assert [await level3.raw() for _ in orders] == orders
        others = [frame for frame in flood.frames if frame not in orders]
        assert [await public.raw() for _ in others] == others


async def test_all_of_it_comes(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """Once a client has subscribed to all of it, it all comes, in order, then heartbeats."""
    peer = market()
    flood = build_flood(peer, 2000, BOOKS, TRADES)
    async with open_flood(flood, ledger=10_000) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD", "ETH/USD", depth=25)
        await client.acks(2)
        with trio.move_on_after(30) as scope:
            await client.raw()
        assert scope.cancelled_caught
        await client.subscribe("trade", "BTC/USD", snapshot=True)
        await client.acks(1)
        got = [await client.raw() for _ in flood.frames]
        assert got == list(flood.frames)
        assert await client.raw() == b'{"channel":"heartbeat"}'
        assert exchange.ledger.frames(1)[4:-1] == got
    book = OrderBook("BTC/USD", 25, price_precision=1, qty_precision=8)
    decode = V2Decoder().decode
    for frame in got:
        message = decode(frame, None)
        if isinstance(message, BookMessage) and message.symbol == "BTC/USD":
            book.apply(message)
    assert (book.checksums_failed, book.bids) == (0, peer.book("BTC/USD", 25).bids)


async def test_it_may_end_the_connection(connect: Connect) -> None:
    """Through a socket it all comes, and then a Close where that is wanted."""
    flood = build_flood(market(), 3000, BOOKS)
    async with (
        open_flood(flood, end="close") as exchange,
        connect(await exchange.listen(tls=False)) as client,
    ):
        await client.websocket.send_message(encode_request(Subscribe(BOOKS), req_id=1).decode())
        got: list[bytes] = []
        with pytest.raises(ConnectionClosed):
            while True:
                got.append(await client.raw())
    assert got[2:] == list(flood.frames)


async def test_it_keeps_pace(connect: Connect, autojump_clock: trio.testing.MockClock) -> None:
    """At a rate each frame comes at its time."""
    flood = build_flood(market(), 100, BOOKS)
    async with open_flood(flood, rate=4) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD", "ETH/USD", depth=25)
        await client.acks(2)
        began = trio.current_time()
        for number, frame in enumerate(flood.frames, 1):
            assert await client.raw() == frame
            assert trio.current_time() == pytest.approx(began + number / 4)


async def test_only_what_is_in_it_can_be_had(connect: Connect) -> None:
    """Another depth or pair is refused, and so is a flood of what a market has not."""
    flood = build_flood(market(), 10, BOOKS)
    async with open_flood(flood) as exchange, connect(exchange) as client:
        await client.subscribe("book", "BTC/USD", depth=10)
        await client.subscribe("book", "SOL/USD", depth=25)
        errors = [answer["error"] for answer in await client.acks(2)]
    assert errors == ["Subscription depth not supported", "Currency pair not supported SOL/USD"]
    with pytest.raises(
        ConfigurationError, match="channels: must be those of a market, balances is not"
    ):
        build_flood(market(), 10, Channel.balances())
    with pytest.raises(ConfigurationError, match="symbol: must be one of BTC/USD, ETH/USD"):
        build_flood(market(), 10, Channel.book("NO/PE"))


@pytest.mark.parametrize(
    "channel, shown",
    [
        (Channel.ticker("BTC/USD"), {"snapshot", "update"}),
        (Channel.ticker("BTC/USD", event_trigger="bbo", snapshot=False), {"update"}),
        (Channel.ohlc("BTC/USD", interval=5), {"snapshot", "update"}),
        (Channel.trades("BTC/USD"), {"update"}),
        (Channel.instrument(), {"snapshot"}),
    ],
    ids=str,
)
def test_every_channel(channel: Channel, shown: set[str]) -> None:
    """A flood is of any public channels, with the snapshots that were asked for."""
    flood = build_flood(market(), 200, channel)
    messages = [json.loads(frame) for frame in flood.frames]
    assert {message["channel"] for message in messages} == {channel.name}
    assert {message["type"] for message in messages} == shown
    assert isinstance(flood, Flood)
