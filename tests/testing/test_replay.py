"""Captured traffic comes out of the exchange byte for byte, to those who asked for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, open_websocket_url

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.requests import Subscribe
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.place import door_of
from kraken_trio._internal.testing.replay import open_replay
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.script import read_script
from kraken_trio._internal.wire.capture import format_line, read_capture
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.sign import decode_secret, sign

if TYPE_CHECKING:
    from tests.testing.conftest import Client, Connect

STATUS = b'{"channel":"status","type":"update","data":[{"connection_id":806193442143087786}]}'
HEARTBEAT = b'{"channel":"heartbeat"}'
ACK = (
    b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,'
    b'"symbol":"BTC/USD","warnings":["old"]},"success":true,"time_in":"2026-08-24T22:21:56Z"}'
)
BOOK = b'{"channel": "book", "type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[]}]}'
CANDLE = b'{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","interval":5}]}'
LATER = b'{"channel":"status","type":"update","data":[{"system":"maintenance"}]}'
NOISE = b"CloudFlare WebSocket proxy restarting"
BALANCES = b'{"channel":"balances","type":"snapshot","data":[],"sequence":1}'
FRAMES = (STATUS, ACK, BOOK, HEARTBEAT, CANDLE, LATER, NOISE)
Wanted = tuple[str, str, dict[str, object]]
"""Channel, symbol and options."""
BOTH: tuple[Wanted, ...] = (
    ("book", "BTC/USD", {"depth": 25}),
    ("ohlc", "BTC/USD", {"interval": 5}),
)
Write = Callable[..., Path]


@pytest.fixture
def capture(tmp_path: Path) -> Write:
    """Give what writes frames to a file."""

    def write(*frames: bytes) -> Path:
        path = tmp_path / "capture.jsonl"
        path.write_bytes(b"".join(format_line(frame, None) for frame in frames))
        return path

    return write


async def heard(client: Client, count: int) -> list[bytes]:
    """Take some frames."""
    return [await client.raw() for _ in range(count)]


async def subscribe(client: Client, *requests: Wanted) -> list[Any]:
    """Subscribe one by one, and give the answers."""
    answers: list[Any] = []
    for channel, symbol, options in requests:
        await client.subscribe(channel, symbol, **options)
        answers += await client.acks(1)
    return answers


async def test_it_plays_when_all_is_subscribed(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """The file follows the last answer that it needs, without its own answers; then it beats."""
    async with open_replay(capture(*FRAMES)) as replay, connect(replay) as client:
        (book,) = await subscribe(client, ("book", "BTC/USD", {"depth": 25}))
        assert book["result"] == {
            "channel": "book",
            "depth": 25,
            "symbol": "BTC/USD",
            "snapshot": True,
            "warnings": ["old"],
        }
        with trio.move_on_after(50) as scope:
            await client.raw()
        assert scope.cancelled_caught  # for the candles are missing
        await client.ask("ping")
        await client.acks(1)
        (candles,) = await subscribe(client, ("ohlc", "BTC/USD", {"interval": 5}))
        assert candles["success"]
        assert await heard(client, 5) == [BOOK, HEARTBEAT, CANDLE, LATER, NOISE]
        told = trio.current_time()
        assert await heard(client, 2) == [HEARTBEAT] * 2
        assert trio.current_time() == pytest.approx(told + 2)


async def test_it_says_what_it_has_and_what_a_client_lacks(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Who waits for a file to be played can see for what."""
    told: list[str] = []
    async with open_replay(capture(*FRAMES)) as replay:
        assert replay.offers == ("book 25 BTC/USD", "ohlc 5 BTC/USD")
        replay.witness = told.append
        assert replay.witness == told.append
        async with connect(replay) as client:
            for wanted in BOTH:
                await subscribe(client, wanted)
        await trio.sleep(3)
    assert told[:4] == [
        "client 1 came",
        "client 1 wants book 25 BTC/USD",
        "client 1 still lacks ohlc 5 BTC/USD",
        "client 1 wants ohlc 5 BTC/USD",
    ]
    assert told[4].startswith("client 1 is gone (")
    assert len(told) == 5


async def test_it_may_close_at_the_end(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """After the last frame the connection may be closed, with the code of a good end."""
    async with open_replay(capture(BOOK), end="close") as replay, connect(replay) as client:
        await subscribe(client, ("book", "BTC/USD", {"depth": 10}))
        assert await client.raw() == BOOK
        with pytest.raises(ConnectionClosed) as caught:
            await client.raw()
        assert caught.value.reason is not None
        assert caught.value.reason.code == 1000


async def test_it_may_play_at_once(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Started on connecting, it plays all, answers too, once; requests are answered beside."""
    path = capture(*FRAMES)
    async with open_replay(path, start="connected") as replay, connect(replay) as client:
        assert await heard(client, 6) == list(FRAMES[1:])
        await subscribe(client, *BOTH)
        assert await heard(client, 2) == [HEARTBEAT] * 2


async def test_a_file_without_channels_plays_at_once(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Where there is nothing to subscribe to, nothing is waited for."""
    async with open_replay(capture(HEARTBEAT, NOISE)) as replay, connect(replay) as client:
        assert await heard(client, 2) == [HEARTBEAT, NOISE]


@pytest.mark.parametrize(
    "frames, number", [((STATUS, BOOK), 806193442143087786), ((BOOK, STATUS), None)]
)
async def test_it_greets_as_the_file_does(
    capture: Write, frames: tuple[bytes, ...], number: int | None
) -> None:
    """A status that the file begins with is the first frame; else there is one made up."""
    async with open_replay(capture(*frames)) as replay:
        address = await replay.listen(tls=False)
        async with open_websocket_url(address.url) as websocket:
            status = json.loads(await websocket.get_message())
            assert status["channel"] == "status"
            assert (status["data"][0]["connection_id"] == number) is (number is not None)


async def test_each_client_has_the_whole(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """The file is played to each client anew; subscribing again changes nothing."""
    async with open_replay(capture(*FRAMES)) as replay:
        for _ in range(2):
            async with connect(replay) as client:
                await subscribe(client, *BOTH)
                assert await heard(client, 5) == [BOOK, HEARTBEAT, CANDLE, LATER, NOISE]
                await client.ask("unsubscribe", {"channel": "book", "symbol": ["BTC/USD"]})
                await client.acks(1)
                await subscribe(client, ("book", "BTC/USD", {"depth": 25}))
                assert await heard(client, 1) == [HEARTBEAT]


async def test_what_the_file_does_not_hold_is_refused(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Other depths, intervals, symbols and channels cannot be had."""
    async with open_replay(capture(*FRAMES)) as replay, connect(replay) as client:
        answers = await subscribe(
            client,
            ("book", "BTC/USD", {"depth": 10}),
            ("ohlc", "BTC/USD", {"interval": 1}),
            ("book", "ETH/USD", {"depth": 25}),
            ("trade", "BTC/USD", {}),
        )
        await client.subscribe("instrument")
        answers += await client.acks(1)
        await client.subscribe("balances", token="t")
        answers += await client.acks(1)
        assert [answer["error"] for answer in answers] == [
            "Subscription depth not supported",
            "Subscription ohlc interval not supported",
            "Currency pair not supported ETH/USD",
            "Currency pair not supported BTC/USD",
            "Unsupported event",
            "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com",
        ]


async def test_private_channels(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A file of private channels is played to those who have a token, whichever."""
    host = "ws-auth.kraken.com"
    async with open_replay(capture(BALANCES)) as replay, connect(replay, host) as client:
        await client.subscribe("balances")
        assert [answer["error"] for answer in await client.acks(1)] == ["Token(s) not found"]
        request = encode_request(Subscribe(Channel.balances()), token=Secret("t"))
        await client.websocket.send_message(request.decode())
        await client.acks(1)
        assert await client.raw() == BALANCES


LEVEL3 = b'{"channel":"level3","type":"snapshot","data":[{"symbol":"A/B","bids":[],"asks":[]}]}'


@pytest.mark.parametrize("rate", [0, 100])
async def test_each_door_has_its_part(
    capture: Write, connect: Connect, rate: float, autojump_clock: trio.testing.MockClock
) -> None:
    """A file of several hosts is played door by door, to who is subscribed to all there."""
    path = capture(STATUS, BOOK, BALANCES, LATER, LEVEL3)
    async with (
        open_replay(path, rate=rate) as replay,
        connect(replay) as public,
        connect(replay, "ws-auth.kraken.com") as private,
        connect(replay, "ws-l3.kraken.com") as level3,
    ):
        assert replay.offers == (
            "balances (private door)",
            "book 10 BTC/USD",
            "level3 10 A/B (level3 door)",
        )
        await public.subscribe("book", "BTC/USD")
        await private.subscribe("balances", token="any")
        await level3.subscribe("level3", "A/B", token="other")
        for client in (public, private, level3):
            (answer,) = await client.acks(1)
            assert answer["success"]
        assert await heard(public, 2) == [BOOK, LATER]
        assert await heard(private, 2) == [BALANCES, LATER]
        assert await heard(level3, 2) == [LATER, LEVEL3]


@pytest.mark.parametrize("start", ["subscribed", "connected"])
async def test_a_door_without_anything(
    capture: Write,
    connect: Connect,
    start: Literal["subscribed", "connected"],
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Who comes to a door that a file has nothing for is greeted, and told nothing else."""
    async with (
        open_replay(capture(STATUS, LATER, BALANCES), start=start, end="close") as replay,
        connect(replay) as client,
    ):
        await client.subscribe("book", "BTC/USD")
        assert [answer["error"] for answer in await client.acks(1)] == [
            "Currency pair not supported BTC/USD"
        ]
        with trio.move_on_after(50) as scope:
            await client.raw()
        assert scope.cancelled_caught


async def test_it_gives_tokens(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A program that fetches a token before it subscribes is given one."""
    async with (
        open_replay(capture(BALANCES)) as replay,
        connect(replay, "ws-auth.kraken.com") as client,
    ):
        body, path = b"nonce=1", "/0/private/GetWebSocketsToken"
        signature = sign(path, 1, body, decode_secret(replay.api_secret))
        headers = {"API-Key": replay.api_key, "API-Sign": signature}
        response = await replay.rest("POST", path, headers=headers, body=body)
        await client.subscribe("balances", token=json.loads(response.body)["result"]["token"])
        await client.acks(1)
        assert await client.raw() == BALANCES


async def test_a_file_can_be_played_at_a_rate(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """At a rate, each frame comes at its time, and what was sent can be looked up."""
    path = capture(STATUS, ACK, BOOK, HEARTBEAT, LATER)
    async with open_replay(path, rate=2, ledger=10) as replay, connect(replay) as client:
        await subscribe(client, ("book", "BTC/USD", {"depth": 25}))
        began = trio.current_time()
        for number, frame in enumerate((BOOK, HEARTBEAT, LATER), 1):
            assert await heard(client, 1) == [frame]
            assert trio.current_time() == pytest.approx(began + number / 2)
        assert replay.ledger.frames(1)[2:] == [BOOK, HEARTBEAT, LATER]


async def test_a_long_file_waits_for_a_slow_reader(
    capture: Write, connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """However long the file and slow the client, nothing is too much and nothing is lost."""
    frames = [
        b'{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","id":%d,"pad":"%b"}]}'
        % (number, b"x" * 1000)
        for number in range(2000)
    ]
    rules = ExchangeRules(max_backlog=10)
    path = capture(*frames)
    async with open_replay(path, end="close", rules=rules) as replay, connect(replay) as client:
        await subscribe(client, ("trade", "ETH/USD", {}))
        await trio.sleep(10)
        assert replay.connections[0].backlog == 10
        assert await heard(client, 2000) == frames


@pytest.mark.parametrize(
    "name",
    [
        "v2-book-trade-btc-eth-d10-20260707.jsonl",
        "v2-book-ethusd-d25-20260802.jsonl",
        "v2-book-short-20260824.jsonl",
        "v2-ohlc-btcusdt-20260910.jsonl",
        "v2-public-mixed-2025-2026.jsonl",
        "v2-book-doc-example.jsonl",
        "v2-level3-doc-example.jsonl",
        "v2-private-20260121.jsonl",
    ],
)
async def test_real_traffic_comes_out_as_it_was(
    captures: Path, connect: Connect, name: str
) -> None:
    """Over TLS, all frames of a capture but the answers reach who subscribed, byte for byte."""
    path = captures / name
    whole = read_script(path)
    played = 0
    async with open_replay(path, end="close") as replay:
        for door in {door_of(channel) for channel, _, _ in whole.offers}:
            script = whole.at(door)
            got: list[bytes] = []
            async with connect(await replay.listen(door=door)) as client:
                for (channel, symbol, interval), offer in script.offers.items():
                    chosen = {
                        "depth": offer.depth,
                        "interval": interval,
                        "token": None if door == "public" else "any",
                    }
                    options = {name: value for name, value in chosen.items() if value is not None}
                    await client.subscribe(channel, *([symbol] if symbol else []), **options)
                with pytest.raises(ConnectionClosed) as caught:
                    while True:
                        got.append(await client.raw())
            assert caught.value.reason is not None
            assert caught.value.reason.code == 1000
            wanted = list(script.without_answers())
            assert got[len(script.offers) :] == wanted
            played += len(wanted)
    answers = [f.payload for f in read_capture(path) if b'"method"' in f.payload]
    assert played + len(answers) + len(whole.greeting) == len(list(read_capture(path)))
