"""A client is served until either side has enough, whatever it does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis.strategies import binary, integers, sampled_from
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto.connection import Connection, ConnectionType

from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.testing.ledger import Ledger
from kraken_trio._internal.testing.memory import CAPACITY, MemoryStream, memory_streams
from kraken_trio._internal.testing.part import Part, usual_result
from kraken_trio._internal.testing.place import DOORS, Door
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import (
    CLOSE_TIMEOUT_S,
    MAX_REQUEST_BYTES,
    UPGRADE_TIMEOUT_S,
    Service,
)
from tests.testing.conftest import Sessions

UPGRADE = (
    b"GET /v2?x=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = bytes(4)
PING = b"\x89\x80" + MASK
HEARTBEAT = '{"channel":"heartbeat"}'
BOOK = '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]},"req_id":1}'
NO_BOOK = BOOK.replace("subscribe", "unsubscribe")


class Host(Sessions):
    """Takes everybody in, and remembers what it was called for."""

    speaks_v1: bool = False

    def __init__(self, rules: ExchangeRules | None = None) -> None:
        """Have these manners."""
        super().__init__()
        self.rules = rules or ExchangeRules()
        self.refused: Refusal | None = None
        self.addresses: list[str] = []
        self.ledger = Ledger(100)
        self.refusals: dict[str, str | None] = {}
        self.calls: list[str] = []
        self.told: list[str] = []
        self.witness = self.told.append
        self.failure: Exception | None = None
        self.late: list[Service] = []

    def now(self) -> Timestamp:
        """Tell the time."""
        return Timestamp(int(trio.current_time() * 10**9))

    def refusal(self, part: Part) -> str | None:
        """Refuse nothing."""

    def result(self, part: Part) -> Mapping[str, object]:
        """Answer as usual."""
        return usual_result(part)

    def admit(self, address: str, door: Door) -> Refusal | None:
        """Refuse whom it was told to."""
        assert door in DOORS
        self.addresses.append(address)
        return self.refused

    def join(self, _: Service) -> None:
        """Note it."""
        self.calls.append("join")

    def leave(self, _: Service) -> None:
        """Note it."""
        self.calls.append("leave")

    def answered(self) -> None:
        """Send what was to wait."""
        for service in self.late:
            service.outbox.put(b"event")
        self.late.clear()

    def begin(self, service: Service, part: Part) -> None:
        """Note it, and send a frame."""
        if self.failure is not None:
            raise self.failure
        self.calls.append(f"begin {part.channel}")
        service.start_heartbeats()
        service.outbox.tell(b"snapshot", part.channel, part.symbol)

    def end(self, _: Service, part: Part) -> None:
        """Note it."""
        self.calls.append(f"end {part.channel}")


class Peer:
    """A client of a service, and the service."""

    def __init__(self, host: Host, service: Service, websocket: WebSocketConnection) -> None:
        """Join them."""
        self.host = host
        self.service = service
        self.connection = service.connection
        self.websocket = websocket

    async def say(self, request: str) -> None:
        """Send a request."""
        await self.websocket.send_message(request)

    async def next(self) -> Any:
        """Wait for a message."""
        return await self.websocket.get_message()

    async def goodbye(self) -> CloseReason | None:
        """Wait for the end, passing over what still comes; give code and reason."""
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                await self.next()
        return caught.value.reason


@asynccontextmanager
async def served(
    rules: ExchangeRules | None = None,
    door: Door = "public",
    *,
    host: Host | None = None,
    path: str = "/v2",
) -> AsyncIterator[Peer]:
    """Open a WebSocket to a service."""
    host = host or Host(rules)
    ours, theirs = memory_streams()
    async with trio.open_nursery() as nursery:
        service = Service(host, 1, ours, door=door)
        nursery.start_soon(service.run)
        websocket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", theirs), "localhost", path
        )
        yield Peer(host, service, websocket)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def dialled(host: Host, door: Door = "public") -> AsyncIterator[tuple[Service, MemoryStream]]:
    """Connect to a service, with nothing but bytes; it is done at the end."""
    ours, theirs = memory_streams()
    service = Service(host, 1, ours, door=door)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        yield service, theirs


async def everything(stream: MemoryStream) -> bytes:
    """Read to the end."""
    got = b""
    while data := await stream.receive_some():
        got += data
    return got


async def test_a_conversation() -> None:
    """A request is answered, begun and ended in this order; who leaves is forgotten."""
    async with served() as peer:
        await peer.say(BOOK)
        assert json.loads(await peer.next())["req_id"] == 1
        assert await peer.next() == "snapshot"
        await peer.say(NO_BOOK)
        assert json.loads(await peer.next())["method"] == "unsubscribe"
        await peer.websocket.send_message(BOOK.encode())  # binary, and understood all the same
        assert json.loads(await peer.next())["success"]
        assert await peer.next() == "snapshot"
        assert list(peer.connection.requests) == [BOOK.encode(), NO_BOOK.encode(), BOOK.encode()]
        assert peer.connection.sent == 5
        assert len(peer.host.ledger.frames(1)) == 5
        await peer.websocket.aclose()
        await trio.testing.wait_all_tasks_blocked()
        calls = ["join", "begin book", "end book", "begin book", "end book", "leave"]
        assert peer.host.calls == calls
        assert peer.connection.ended == "the client left"


async def test_events_of_a_request() -> None:
    """What was to wait for the answers to a request is told when these are given."""
    async with served(door="private") as peer:
        peer.host.late.append(peer.service)
        await peer.say('{"method":"cancel_all","params":{"token":"t"}}')
        assert (await peer.next()).startswith("cancel_all at ")
        assert await peer.next() == "event"


@pytest.mark.parametrize("last", [b"", b"GET /v2", b"\x00\xff" * 50, b"POST / HTTP/1.1\r\n\r\n"])
async def test_one_who_leaves_before_asking(last: bytes) -> None:
    """A client that goes without asking for a WebSocket, or after nonsense, was never there."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(last)
        await stream.aclose()
    assert host.calls == []
    assert host.told == ["client 1 left, or was too slow to ask"]
    assert service.connection.ended == "cut off"


@pytest.mark.parametrize("last", [b"", b"GET /v2 HTTP/1.1\r\nHost:"])
async def test_one_who_says_nothing(last: bytes, autojump_clock: trio.testing.MockClock) -> None:
    """A client that does not ask for a WebSocket in time is cut off."""
    async with dialled(Host()) as (_, stream):
        await stream.send_all(last)
        assert await everything(stream) == b""
    assert trio.current_time() == UPGRADE_TIMEOUT_S


async def test_who_asks_in_no_known_way_is_told_of() -> None:
    """A header that is no text makes the library fail, and whoever watches hears why."""
    host = Host()
    async with dialled(host) as (_, stream):
        await stream.send_all(UPGRADE[:-2] + b"Sec-WebSocket-Protocol: \xff\r\n\r\n")
        assert await everything(stream) == b""
    (told,) = host.told
    assert told.startswith("client 1 asked for no WebSocket: UnicodeDecodeError")


async def test_nonsense_is_answered_by_the_library() -> None:
    """A request that is no upgrade is refused with status 400."""
    async with dialled(Host()) as (_, stream):
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await everything(stream)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_bytes, refused, answer",
    [
        (UPGRADE, Refusal(429, None), b"HTTP/1.1 429 \r\ncontent-length: 0\r\n\r\n"),
        (UPGRADE, Refusal(503, 30), b"HTTP/1.1 503 \r\nRetry-After: 30\r\n"),
        (UPGRADE.replace(b"/v2", b"/"), None, b"HTTP/1.1 404 "),
        (UPGRADE, None, b"HTTP/1.1 101 "),
    ],
)
async def test_upgrades(request_bytes: bytes, refused: Refusal | None, answer: bytes) -> None:
    """Another path is not found, and everybody can be refused, and told when to come again."""
    host = Host()
    host.refused = refused
    async with dialled(host) as (_, stream):
        await stream.send_all(request_bytes)
        assert (await stream.receive_some()).startswith(answer)
        await stream.aclose()
    assert ("join" in host.calls) is (b"101" in answer)
    assert host.addresses == ["memory"] * (b"404" not in answer)
    status = answer.split()[1].decode()
    refusals = [f"a WebSocket was refused with HTTP status {status}"] * (status != "101")
    assert host.told == refusals


@given(
    where=integers(0, len(UPGRADE) - 1),
    what=binary(min_size=1, max_size=4),
    header=sampled_from([b"Host", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Protocol"]),
    value=binary(max_size=30) | sampled_from([b"\xff", b"xn--a", "münchen".encode()]),
)
@settings(max_examples=300)
def test_a_broken_upgrade_is_the_client_s_matter(
    where: int, what: bytes, header: bytes, value: bytes
) -> None:
    """Whatever bytes it sends, it is refused, let in or left; the exchange goes on."""
    broken = UPGRADE[:where] + what + UPGRADE[where + 1 :]
    more = UPGRADE[:-2] + header + b": " + value + b"\r\n\r\n"
    host_only = UPGRADE.replace(b"localhost", value)

    async def attack() -> None:
        for request in (broken, more, host_only):
            async with dialled(Host()) as (_, stream):
                await stream.send_all(request)
                await trio.sleep(1)
                await stream.aclose()

    trio.run(attack, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_request_without_end_is_not_kept() -> None:
    """A message that is longer than any request ends the connection."""
    async with served() as peer:
        await peer.say("x" * (MAX_REQUEST_BYTES + 1))
        await peer.goodbye()
    assert not peer.connection.requests


async def test_what_a_client_wants_is_told_in_words() -> None:
    """Request by request, and no more than can be read."""
    symbols = ",".join(f'"A{number}/B"' for number in range(7))
    async with served() as peer:
        await peer.say(BOOK.replace('"BTC/USD"', symbols))
        await peer.say(BOOK.replace('"BTC/USD"', symbols).replace("subscribe", "unsubscribe"))
        await trio.testing.wait_all_tasks_blocked()
    named = ", ".join(f"book 10 A{number}/B" for number in range(5))
    assert peer.host.told == [
        f"client 1 wants {named} and 2 more",
        f"client 1 wants no more {named} and 2 more",
    ]


async def test_one_who_leaves_while_being_let_in() -> None:
    """A client that asked for a WebSocket and is gone before the answer was never there."""
    host = Host()
    async with dialled(host) as (_, stream):
        await stream.send_all(UPGRADE)
        await stream.aclose()
    assert host.calls == []


async def test_closing_says_all_and_why() -> None:
    """What waits is sent, then the Close with code and reason; the client's answer ends it."""
    async with served() as peer:
        peer.connection.send_raw("last words")
        peer.connection.close(1012, "restart")
        assert await peer.next() == "last words"
        reason = await peer.goodbye()
        assert reason is not None
        assert (reason.code, reason.reason) == (1012, "restart")
        await trio.testing.wait_all_tasks_blocked()
        assert peer.host.calls == ["join", "leave"]
        assert peer.connection.ended == "closed with code 1012: restart"


async def test_a_close_that_is_not_answered(autojump_clock: trio.testing.MockClock) -> None:
    """A client that does not answer the Close is cut off in time."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        service.connection.close()
        assert await everything(stream) == b"\x88\x02\x03\xe8"
    assert trio.current_time() == CLOSE_TIMEOUT_S


async def test_a_ping_that_crosses_the_close() -> None:
    """A ping after the Close ends the connection, and is no error."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        service.connection.close()
        await stream.receive_some()
        await stream.send_all(PING)
        assert await everything(stream) == b""
    assert host.calls == ["join", "leave"]


async def test_dropping_says_nothing() -> None:
    """A dropped connection just ends."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        service.connection.drop()
        assert await everything(stream) == b""
    assert host.calls == ["join", "leave"]
    assert service.connection.ended == "dropped"


async def test_a_cut_in_a_frame() -> None:
    """What waits comes whole, then half a frame, then nothing."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        service.connection.send_raw("whole")
        service.connection.cut_in_frame()
        service.connection.send_raw("lost")
        assert await everything(stream) == b'\x81\x05whole\x81\x17{"channel":'
    assert host.ledger.frames(1) == [b"whole"]
    assert service.connection.ended == "dropped"


@pytest.mark.parametrize(
    "frame", [b"\xc1\x80" + MASK, b"\x81\x01\x00", b"\x81\x81" + MASK + b"\xff"]
)
async def test_a_client_that_breaks_the_framing(frame: bytes) -> None:
    """Reserved bits, frames without a mask, and text that is none end the connection."""
    host = Host()
    async with dialled(host) as (_, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        await stream.send_all(frame)
        await everything(stream)
    assert host.calls == ["join", "leave"]


@pytest.mark.parametrize("last", [b"", b"\x88\x80" + MASK])
async def test_one_who_asks_much_and_leaves(last: bytes) -> None:
    """Requests and pings of a client that is gone already are no error, nor after its Close."""
    host = Host()
    async with dialled(host) as (_, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        request = b'{"method":"ping"}'
        text = b"\x81" + bytes([0x80 | len(request)]) + MASK + request
        await stream.send_all(text * 20 + last + PING * 2)
        await stream.aclose()
    assert host.calls == ["join", "leave"]


async def test_who_leaves_while_being_told() -> None:
    """That a client is gone may be noticed when something is sent to it."""
    host = Host()
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        for _ in range(100):
            service.connection.send_raw("x" * CAPACITY)
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
    assert service.connection.ended == "the client left"


@pytest.mark.parametrize("resumes", [True, False])
async def test_a_slow_reader(resumes: bool, autojump_clock: trio.testing.MockClock) -> None:
    """One who reads too slowly is told so, if it reads on in time, and is cut off anyway."""
    async with served(ExchangeRules(max_backlog=20, idle_timeout_s=None)) as peer:
        # The client's library holds one message, and what else it read.
        frame = "x" * CAPACITY
        for number in range(25):
            peer.connection.send_raw(frame)
            if number % 5 == 0:
                await trio.testing.wait_all_tasks_blocked()
        assert peer.connection.ended is not None
        assert peer.connection.ended.startswith("closed with code 1008: 20 messages were not")
        assert peer.connection.backlog == 20
        if resumes:
            reason = await peer.goodbye()
            assert reason is not None
            assert reason.code == 1008
        else:
            await trio.sleep(CLOSE_TIMEOUT_S + 1)
        await trio.testing.wait_all_tasks_blocked()
        assert peer.host.calls == ["join", "leave"]


async def test_a_mute_peer(autojump_clock: trio.testing.MockClock) -> None:
    """A connection that went mute stays, says nothing, answers nothing and is never idle."""
    async with served() as peer:
        await peer.say(BOOK)
        await peer.next()
        peer.connection.mute()
        await peer.say(NO_BOOK)
        with trio.move_on_after(200) as scope:
            while True:
                assert await peer.next() == "snapshot"
        assert scope.cancelled_caught
        assert (len(peer.connection.requests), peer.connection.ended) == (1, None)
        assert len(peer.host.ledger) == peer.connection.sent == 2
        peer.connection.drop()
        reason = await peer.goodbye()
        assert reason is not None
        assert reason.code == 1006


@pytest.mark.parametrize("busy", [True, False])
async def test_heartbeats(busy: bool, autojump_clock: trio.testing.MockClock) -> None:
    """Once a second from the first subscription: always, or only when nothing else is sent."""
    rules = ExchangeRules(heartbeats_when_busy=busy, heartbeat_interval_s=1)
    async with served(rules) as peer:
        await trio.sleep(5)
        await peer.say(BOOK)
        begun = trio.current_time()
        beats: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trade, peer.service)
            with trio.move_on_after(9.75):
                while True:
                    if await peer.next() == HEARTBEAT:
                        beats.append(trio.current_time() - begun)
        # The trades end after 3.5 seconds.
        wanted = [*range(1, 10)] if busy else [number + 0.5 for number in range(4, 10)]
        assert beats == pytest.approx(wanted)
        await peer.say(NO_BOOK)
        await peer.next()
        with trio.move_on_after(30) as scope:
            await peer.next()
        assert scope.cancelled_caught


async def _trade(service: Service) -> None:
    for _ in range(7):
        await trio.sleep(0.5)
        service.outbox.tell(b"trade", "trade", "BTC/USD")


async def test_refusals_are_told() -> None:
    """Who watches hears what was refused, and why; of many, some."""
    async with served() as peer:
        peer.host.refusals.update({f"A{n}/USD": f"no {n}" for n in range(7)})
        await peer.say(BOOK.replace('"BTC/USD"', '"BTC/USD","A0/USD"'))
        symbols = json.dumps(list(peer.host.refusals))
        await peer.say(BOOK.replace('["BTC/USD"]', symbols))
        await peer.say('{"method":"ping","params":{}}')
        await peer.say("\x1b[2J")
        for _ in range(12):
            await peer.next()
        five = ", ".join(f"A{n}/USD (no {n})" for n in range(5))
        assert peer.host.told == [
            "client 1 wants book 10 BTC/USD",
            "client 1 is refused A0/USD (no 0)",
            f"client 1 is refused {five} and 2 more",
            "client 1 is refused ping (Unsupported field: 'params' for the given msg type: ping)",
            "client 1 is refused a request (Malformed request)",
        ]


@pytest.mark.parametrize(
    "request_text", ['{"method":"ping"}', '{"method":"ping","params":{}}', NO_BOOK, "nonsense"]
)
async def test_an_idle_client(request_text: str, autojump_clock: trio.testing.MockClock) -> None:
    """Any request, also one that is refused, starts the minute anew; ``ping`` is meant for it."""
    async with served() as peer:
        for _ in range(10):
            await trio.sleep(59)
            await peer.say(request_text)
            await peer.next()
        reason = await peer.goodbye()
        assert reason is not None
        assert (reason.code, reason.reason) == (1000, "no request for 60 s")
        assert trio.current_time() == pytest.approx(10 * 59 + 60)


async def test_a_ping_of_websockets_is_no_request(autojump_clock: trio.testing.MockClock) -> None:
    """It is answered, as RFC 6455 section 5.5.2 demands, and does not keep the connection open."""
    async with served() as peer:
        for _ in range(2):
            await trio.sleep(29)
            await peer.websocket.ping()
        assert await peer.goodbye() is not None
        assert trio.current_time() == pytest.approx(60)


BALANCES = '{"method":"subscribe","params":{"channel":"balances","token":"good"}}'


async def test_an_idle_client_of_the_private_host(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """There, who has no subscription is closed after a minute, whatever else it asks."""
    async with served(door="private") as peer:
        await trio.sleep(30)
        await peer.say('{"method":"ping"}')
        reason = await peer.goodbye()
        assert reason is not None
        assert (reason.code, reason.reason) == (1000, "no subscription for 60 s")
        assert trio.current_time() == pytest.approx(60)
    rules = ExchangeRules(heartbeat_interval_s=10_000)
    async with served(rules, door="private") as peer:
        began = trio.current_time()
        for request in (
            BALANCES,
            BALANCES.replace("subscribe", "unsubscribe"),
            '{"method":"ping"}',
        ):
            await trio.sleep(50)
            await peer.say(request)
        reason = await peer.goodbye()
        assert reason is not None
        assert reason.reason == "no subscription for 60 s"
        assert trio.current_time() == pytest.approx(began + 100 + 60)
    async with served(rules, door="private") as peer:
        began = trio.current_time()
        for request in (BALANCES, '{"method":"ping"}'):
            await trio.sleep(50)
            await peer.say(request)
        reason = await peer.goodbye()
        assert reason is not None
        assert reason.reason == "no request for 60 s"
        assert trio.current_time() == pytest.approx(began + 100 + 60)


@pytest.mark.parametrize("bare", [False, True])
async def test_too_many_requests(bare: bool, autojump_clock: trio.testing.MockClock) -> None:
    """Requests beyond so many in a second are refused in one of two shapes, and do nothing."""
    async with served(ExchangeRules(max_requests_per_s=2, bare_rate_refusals=bare)) as peer:
        for _ in range(3):
            await peer.say('{"method":"ping","req_id":5}')
        await peer.say(BOOK)
        answers = [json.loads(await peer.next()) for _ in range(4)]
        assert [answer.get("method") for answer in answers[:2]] == ["pong", "pong"]
        if bare:
            assert answers[2:] == [{"Error": "Exceeded msg rate"}] * 2
        else:
            named = [(a["error"], a["method"], a["req_id"], a["success"]) for a in answers[2:]]
            assert named == [
                ("Exceeded msg rate", "ping", 5, False),
                ("Exceeded msg rate", "subscribe", 1, False),
            ]
        await trio.sleep(1)
        await peer.say(BOOK)
        assert json.loads(await peer.next())["success"]
        assert peer.host.calls == ["join", "begin book"]


async def test_nothing_follows_the_clients_close() -> None:
    """While much is sent, pings are answered between messages, and after the Close comes none."""
    host = Host(ExchangeRules(max_backlog=100_000))
    async with dialled(host) as (service, stream):
        await stream.send_all(UPGRADE)
        await stream.receive_some()
        for _ in range(3000):
            service.connection.send_raw(b"x" * 100)
        await stream.send_all(PING + b"\x88\x82" + MASK + b"\x03\xe8")
        got = await everything(stream)
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(got)
    kinds = [type(event).__name__ for event in client.events()]
    assert kinds.count("Pong") == 1
    assert kinds[-1] == "CloseConnection"
    assert set(kinds) == {"TextMessage", "Pong", "CloseConnection"}


async def test_the_snapshot_may_be_late(autojump_clock: trio.testing.MockClock) -> None:
    """With a delay the snapshot comes later than its answer; unsubscribed before, it never does."""
    async with served(ExchangeRules(snapshot_delay_s=0.2)) as peer:
        await peer.say(BOOK)
        await peer.next()
        assert peer.host.calls == ["join"]
        await trio.sleep(0.1)
        await peer.say(NO_BOOK)
        await peer.say(BOOK)
        asked = trio.current_time()
        assert [await peer.next() for _ in range(2)]
        assert await peer.next() == "snapshot"
        assert trio.current_time() == pytest.approx(asked + 0.2)
        await trio.sleep(1)
        assert peer.host.calls == ["join", "begin book"]


async def test_tasks_end_with_the_connection() -> None:
    """What runs beside the conversation is cancelled when it ends."""
    ended = trio.Event()

    async def beside(service: Service) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with served() as peer:
        peer.service.start_soon(beside)
        await trio.testing.wait_all_tasks_blocked()
        assert not ended.is_set()
        peer.connection.drop()
        await ended.wait()


async def test_errors_of_the_exchange_come_out() -> None:
    """What goes wrong in the exchange itself is no matter of the client's."""
    failure = ValueError("a bug")
    with pytest.raises(ExceptionGroup) as caught:
        async with served() as peer:
            peer.host.failure = failure
            await peer.say(BOOK)
            await trio.sleep_forever()
    assert only(caught.value) is failure


async def test_a_door(autojump_clock: trio.testing.MockClock) -> None:
    """A client is served what its door has; tokens that it shows are in use until it leaves."""
    async with served(door="private") as peer:
        assert peer.connection.door == "private"
        await peer.say(
            '{"method":"subscribe","params":{"channel":"balances","token":"good"},"req_id":1}'
        )
        assert '"success":true' in await peer.next()
        assert peer.host.held == ["good"]
        await peer.say(BOOK)
        assert "unavailable on this endpoint" in await peer.next() + await peer.next()
        await peer.websocket.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert peer.host.held == []


class Broken(MemoryStream):
    """A stream with a bug."""

    async def receive_some(self, _: int | None = None) -> bytes:
        """Fail as no stream does."""
        raise ArithmeticError("a bug")


async def test_errors_of_the_stream_come_out() -> None:
    """What the reader raises while nothing is being closed is no matter of the client's."""
    ours, _ = memory_streams()
    ours.__class__ = Broken
    with pytest.raises(ExceptionGroup) as caught:
        await Service(Host(), 1, ours).run()
    assert isinstance(only(caught.value), ArithmeticError)


@pytest.mark.parametrize("case", ["closing", "gone", "neither"])
async def test_errors_of_the_reader(case: str) -> None:
    """What the reader raises matters only while there is a client to read from."""
    service = Service(Host(), 1, memory_streams()[0])
    if case == "closing":
        service.connection.close()
    elif case == "gone":
        service._line.ended.set()
    failure = ArithmeticError("a pong that cannot be sent")

    async def fail() -> None:
        raise failure

    async def read() -> None:
        async with trio.open_nursery() as nursery:
            (await nursery.start(service._shelter_reader)).start_soon(fail)

    if case == "neither":
        with pytest.raises(ExceptionGroup) as caught:
            await read()
        assert only(caught.value) is failure
    else:
        await read()
        assert service._scope.cancel_called


def only(error: BaseException) -> BaseException:
    """Give the one error that a group is about, however deep it stands."""
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    return error


@pytest.mark.parametrize(
    "door, spoken, answer",
    [("public", True, b"101"), ("level3", True, b"404"), ("public", False, b"404")],
)
async def test_where_protocol_v1_is_spoken(door: Door, spoken: bool, answer: bytes) -> None:
    """Protocol v1 has a path of its own, and no books of orders."""
    host = Host()
    host.speaks_v1 = spoken
    async with dialled(host, door=door) as (_, stream):
        await stream.send_all(UPGRADE.replace(b"/v2", b"/"))
        assert (await stream.receive_some()).split()[1] == answer
        await stream.aclose()


async def test_protocol_v1(autojump_clock: trio.testing.MockClock) -> None:
    """A client of v1 is heard and told in it; what is no request of it is refused here."""
    host = Host()
    host.speaks_v1 = True
    async with served(host=host, path="/") as peer:
        await peer.say('{"event":"ping","reqid":7}')
        assert await peer.next() == '{"event":"pong","reqid":7}'
        await peer.say('{"event":"addOrder"}')
        assert "Unsupported event" in await peer.next()
        await peer.say(
            '{"event":"subscribe","pair":["XBT/USD"],"subscription":{"name":"spread"},"reqid":8}'
        )
        assert '"status":"subscribed"' in await peer.next()
        assert [each.name for each in peer.connection.subscriptions] == ["spread"]
