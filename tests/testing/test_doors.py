"""Clients come in over TLS, over plain sockets and in memory, and nothing of them remains."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import pytest
import trio
import trio.testing
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    open_websocket_url,
    wrap_client_stream,
)

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.testing.certificates import HOST
from kraken_trio._internal.testing.doors import Doors, ExchangeAddress, _address, open_doors
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.place import DOORS, Door
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance
from kraken_trio._internal.testing.venue import Venue
from kraken_trio._internal.wire.sign import decode_secret, sign

if TYPE_CHECKING:
    from tests.testing.conftest import Connect

UPGRADE = (
    b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = '{"method":"ping","req_id":1}'


class Quiet(Venue):
    """Has nothing to tell."""

    failure: Exception | None = None

    def refusal(self, _: Part) -> str | None:
        """Refuse nothing."""
        return None

    def begin(self, *_: object) -> None:
        """Tell nothing, or fail."""
        if self.failure is not None:
            raise self.failure

    def end(self, *_: object) -> None:
        """Tell nothing."""


def port_of(address: ExchangeAddress) -> int:
    """Give the port that an exchange listens on."""
    port = urlsplit(address.url).port
    assert port is not None
    return port


def make(nursery: trio.Nursery) -> Doors:
    """Make doors to nothing."""
    return Doors(nursery, Quiet(rules=ExchangeRules(), seed=1, start=0))


@pytest.mark.parametrize("tls", [True, False])
async def test_through_a_socket(tls: bool) -> None:
    """A client of this machine is greeted and answered, with TLS and without."""
    async with open_doors(make) as doors:
        address = await doors.listen(tls=tls)
        assert address.url.startswith(f"ws{'s' * tls}://{HOST}:")
        assert address.url.endswith("/v2")
        assert (address.client_ssl_context is not None) is tls
        async with open_websocket_url(address.url, address.client_ssl_context) as websocket:
            assert json.loads(await websocket.get_message())["channel"] == "status"
            await websocket.send_message(PING)
            assert json.loads(await websocket.get_message())["req_id"] == 1
            (connection,) = doors.connections
            assert (connection.number, list(connection.requests)) == (1, [PING.encode()])
        assert doors.connected == 1


async def test_a_port_may_be_named() -> None:
    """An exchange can listen where it is told to, unless somebody does already."""
    async with open_doors(make) as doors:
        address = await doors.listen(tls=False)
        with pytest.raises(OSError, match="in use"):
            await doors.listen(tls=False, port=port_of(address))
    async with open_doors(make) as doors:
        again = await doors.listen(tls=False, port=port_of(address))
        assert again == address


async def test_several_doors_at_once() -> None:
    """One exchange may be entered by several ways at the same time."""
    async with open_doors(make) as doors:
        addresses = [await doors.listen(tls=False) for _ in range(2)]
        async with (
            open_websocket_url(addresses[0].url) as one,
            open_websocket_url(addresses[1].url) as two,
        ):
            await one.get_message()
            await two.get_message()
            assert [connection.number for connection in doors.connections] == [1, 2]


async def test_who_does_not_trust_it_is_no_client() -> None:
    """A client that refuses the certificate goes, and the exchange goes on."""
    told: list[str] = []
    async with open_doors(make) as doors:
        doors.witness = told.append
        address = await doors.listen()
        stream = await trio.open_ssl_over_tcp_stream(
            HOST, port_of(address), ssl_context=ssl.create_default_context()
        )
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
        async with open_websocket_url(address.url, address.client_ssl_context) as websocket:
            await websocket.get_message()
        assert doors.connected == 1
    hung_up = "it hung up, as some do that do not trust the certificate"
    assert told[:2] == [f"client 1 did not agree on TLS: {hung_up}", "client 2 came"]


async def test_who_speaks_no_tls_is_told_of() -> None:
    """Whoever watches learns of those who never came to ask for a WebSocket, and why."""
    told: list[str] = []
    async with open_doors(make) as doors:
        doors.witness = told.append
        address = await doors.listen()
        async with await trio.open_tcp_stream(HOST, port_of(address)) as stream:
            await stream.send_all(UPGRADE)
            with suppress(trio.BrokenResourceError):  # A reset: not all of it was read.
                assert b"101" not in await stream.receive_some()
    assert told == ["client 1 did not agree on TLS: HTTP_REQUEST"]


async def test_who_never_agrees_on_tls_is_cut_off(autojump_clock: trio.testing.MockClock) -> None:
    """It has as long as for asking for a WebSocket, and is told of."""
    told: list[str] = []
    async with open_doors(make) as doors:
        doors.witness = told.append
        address = await doors.listen()
        async with await trio.open_tcp_stream(HOST, port_of(address)) as stream:
            assert await stream.receive_some() == b""
    assert told == ["client 1 did not agree on TLS: it took more than 10 s"]


async def test_upgrades_can_be_refused() -> None:
    """While a status is set, nobody is let in, and is told that."""
    async with open_doors(make) as doors:
        address = await doors.listen(tls=False)
        assert doors.upgrade_status is None
        doors.upgrade_status = 429
        async with await trio.open_tcp_stream(HOST, port_of(address)) as stream:
            await stream.send_all(UPGRADE)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 429 ")
        doors.upgrade_status = None
        async with open_websocket_url(address.url):
            assert doors.connected == 1


async def test_in_memory(autojump_clock: trio.testing.MockClock) -> None:
    """Whatever address is dialled, the exchange answers; its clock is the one that jumps."""
    async with open_doors(make) as doors, trio.open_nursery() as nursery:
        stream = await doors.dial("ws.kraken.com", 443, tls=True)
        websocket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", stream), "ws.kraken.com", "/v2"
        )
        await websocket.get_message()
        doors.refusals["BTC/USD"] = "EService:Unavailable"
        await websocket.send_message(
            '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}'
        )
        assert json.loads(await websocket.get_message())["error"] == "EService:Unavailable"
        await trio.sleep(5)
        assert doors.now() == pytest.approx(5 * 10**9, abs=1000)
        await websocket.aclose()


@pytest.mark.parametrize("tls", [True, False])
async def test_connections_can_be_ended(tls: bool, connect: Connect) -> None:
    """Through a socket, too, a client sees a cut as a cut and a Close as that Close."""
    async with open_doors(make) as doors:
        address = await doors.listen(tls=tls)
        for end, code in (("drop", 1006), ("close", 1000)):
            async with connect(address) as client:
                getattr(doors.connections[-1], end)()
                with pytest.raises(ConnectionClosed) as caught:
                    await client.raw()
                assert caught.value.reason is not None
                assert caught.value.reason.code == code


async def test_one_who_does_not_read_holds_nothing_up(connect: Connect) -> None:
    """The block can be left while much waits to be sent to one who does not read."""
    async with open_doors(make) as doors, connect(await doors.listen()):
        for _ in range(1000):
            doors.connections[0].send_raw("x" * 100_000)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert doors.connections[0].backlog > 0


async def test_at_the_end_all_is_cut() -> None:
    """At the end of the block connections end without a Close, and nobody gets in any more."""
    async with trio.open_nursery() as nursery:
        async with open_doors(make) as doors:
            stream = await doors.dial("localhost", 443, tls=True)
            websocket = await wrap_client_stream(
                nursery, cast("trio.SocketStream", stream), "localhost", "/v2"
            )
            await websocket.get_message()
            address = await doors.listen(tls=False)
        with pytest.raises(ConnectionClosed) as caught:
            await websocket.get_message()
        assert caught.value.reason is not None
        assert caught.value.reason.code == 1006
        assert doors.connections == ()
    with pytest.raises(ConnectionRefusedError):
        await doors.dial("localhost", 443, tls=True)
    with pytest.raises(HandshakeError):
        async with open_websocket_url(address.url):
            pass


@pytest.mark.parametrize(
    "failure", [ValueError("mine"), ExceptionGroup("mine", [ValueError()]), KeyboardInterrupt()]
)
async def test_what_the_block_raises_comes_out(failure: BaseException) -> None:
    """An error of the block comes out as it was raised, a group as that group, with its cause."""
    with pytest.raises(type(failure)) as caught:
        async with open_doors(make) as doors:
            await doors.dial("localhost", 443, tls=True)
            raise failure from KeyError("cause")
    assert caught.value is failure
    assert isinstance(failure.__cause__, KeyError)


async def test_a_cancelled_block() -> None:
    """A block may be cancelled from outside."""
    with trio.CancelScope() as scope:
        async with open_doors(make) as doors:
            await doors.dial("localhost", 443, tls=True)
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def failing(failure: Exception, mine: Exception | None) -> None:
    """Let an exchange fail, and maybe the block, too."""

    def make_failing(nursery: trio.Nursery) -> Doors:
        venue = Quiet(rules=ExchangeRules(), seed=1, start=0)
        venue.failure = failure
        return Doors(nursery, venue)

    async with open_doors(make_failing) as doors, trio.open_nursery() as nursery:
        stream = await doors.dial("localhost", 443, tls=True)
        websocket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", stream), "localhost", "/v2"
        )
        await websocket.send_message(
            '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}'
        )
        try:
            await trio.sleep_forever()
        finally:
            if mine is not None:
                raise mine


async def test_errors_of_the_exchange_end_the_block() -> None:
    """What goes wrong in the exchange itself ends the block and comes out of it."""
    failure = ValueError("a bug")
    with pytest.raises(ExceptionGroup) as caught:
        await failing(failure, None)
    assert caught.value.subgroup(lambda error: error is failure) is not None


async def test_two_errors_come_out_together() -> None:
    """An error of the exchange and one of the block come out in one group."""
    failures = (ValueError("a bug"), KeyError("mine"))
    with pytest.raises(ExceptionGroup) as caught:
        await failing(*failures)
    assert caught.value.subgroup(ValueError) is not None
    assert caught.value.subgroup(KeyError) is not None


async def test_who_is_refused_may_be_told_when_to_come_again() -> None:
    """Refusals carry a Retry-After where one is set."""
    async with open_doors(make) as doors:
        assert doors.retry_after_s is None
        doors.upgrade_status, doors.retry_after_s = 503, 30
        assert (doors.upgrade_status, doors.retry_after_s) == (503, 30)
        head = await answered(doors)
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 30\r\n" in head


async def answered(doors: Doors) -> bytes:
    """Give the answer to a request for a WebSocket, in memory."""
    async with await doors.dial("", 0, tls=False) as stream:
        await stream.send_all(UPGRADE)
        return bytes(await stream.receive_some())


@pytest.mark.parametrize("tls", [None, False, True])
async def test_bans_are_by_address(tls: bool | None) -> None:
    """Who comes too often is banned, through sockets and in memory, until that is forgiven."""

    def strict(nursery: trio.Nursery) -> Doors:
        return Doors(nursery, Quiet(rules=ExchangeRules(max_attempts=1), seed=1, start=0))

    async with open_doors(strict) as doors:
        address = None if tls is None else await doors.listen(tls=tls)

        async def attempt() -> bytes:
            if address is None:
                return await answered(doors)
            stream: trio.abc.Stream = await trio.open_tcp_stream(HOST, port_of(address))
            if address.client_ssl_context is not None:
                stream = trio.SSLStream(stream, address.client_ssl_context, server_hostname=HOST)
            try:
                await stream.send_all(UPGRADE)
                return bytes(await stream.receive_some())
            finally:
                await trio.aclose_forcefully(stream)

        assert (await attempt())[:12] == b"HTTP/1.1 101"
        assert (await attempt())[:12] == b"HTTP/1.1 429"
        other = await answered(doors)
        assert other[:12] == (b"HTTP/1.1 429" if address is None else b"HTTP/1.1 101")
        doors.forgive()
        assert (await attempt())[:12] == b"HTTP/1.1 101"


async def test_one_who_is_gone_has_no_address() -> None:
    """A client that left before it was looked at is not asked where it was."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener, await trio.open_tcp_stream(*listener.socket.getsockname()) as stream:
        server = await listener.accept()
        assert _address(server) == "127.0.0.1"
        await server.aclose()
        assert _address(server) == "gone"
        assert _address(stream) == "127.0.0.1"


async def test_the_mode_and_what_is_announced(connect: Connect) -> None:
    """All connections are told of a change of mode, and of what is announced."""
    async with open_doors(make) as doors, connect(doors) as client:
        assert doors.system == "online"
        doors.change_system("maintenance", shut=True)
        assert doors.system == "maintenance"
        doors.announce(
            maintenance=[PlannedMaintenance(start=10**18, end=10**18 + 1)],
            emergencies=[Incident(started_at=0)],
        )
        first, second = [(await client.next())["data"][0] for _ in range(2)]
        assert (first["system"], first["emergency"]) == ("maintenance", [])
        assert len(second["upcoming_maintenance"]) == len(second["emergency"]) == 1
        assert (await answered(doors)).startswith(b"HTTP/1.1 503 ")


@pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("tls", [True, False])
async def test_rest_through_a_socket(tls: bool) -> None:
    """It is served with TLS and without; who trusts one socket of an exchange trusts all."""
    async with open_doors(make) as doors:
        address = await doors.listen_rest(tls=tls)
        url = urlsplit(address.url)
        assert (url.scheme, url.hostname, url.path) == ("https" if tls else "http", HOST, "")
        stream: trio.abc.Stream
        if address.client_ssl_context is None:
            stream = await trio.open_tcp_stream(HOST, port_of(address))
        else:
            other = await doors.listen(door="level3")
            assert other.client_ssl_context is address.client_ssl_context
            assert other.ca_pem == address.ca_pem
            stream = await trio.open_ssl_over_tcp_stream(
                HOST,
                port_of(address),
                ssl_context=address.client_ssl_context,
                https_compatible=True,
            )
        async with stream:
            await stream.send_all(b"GET /0/public/Trades?pair=BTC/USD HTTP/1.1\r\n\r\n")
            assert b"EQuery:Unknown asset pair" in await stream.receive_some()
        assert list(doors.rest.requests) == ["/0/public/Trades?pair=BTC/USD"]


@pytest.mark.parametrize("door", DOORS)
async def test_each_door_has_a_socket(door: Door) -> None:
    """What a client comes to is chosen with the socket; each is greeted and answered."""
    async with open_doors(make) as doors:
        told: list[str] = []
        doors.witness = told.append
        address = await doors.listen(tls=False, door=door)
        async with open_websocket_url(address.url) as websocket:
            assert json.loads(await websocket.get_message())["channel"] == "status"
            await websocket.send_message(PING)
            assert json.loads(await websocket.get_message())["method"] == "pong"
            assert [connection.door for connection in doors.connections] == [door]
        assert told[0] == "client 1 came" + (f" through the {door} door" * (door != "public"))


@pytest.mark.parametrize(
    "host, door",
    [
        ("ws.kraken.com", "public"),
        ("ws-auth.kraken.com", "private"),
        ("ws-l3.kraken.com", "level3"),
        ("localhost", "public"),
    ],
)
async def test_hosts_are_doors_in_memory(
    connect: Connect, host: str, door: Door, autojump_clock: trio.testing.MockClock
) -> None:
    """Who dials one of the real exchange's hosts comes to what that has."""
    async with open_doors(make) as doors, connect(doors, host) as client:
        assert [connection.door for connection in doors.connections] == [door]
        await client.subscribe("trade", "BTC/USD")
        (answer,) = await client.acks(1)
        assert answer["success"] is (door == "public")


async def test_tokens_can_be_revoked(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """A token that was given out over REST is good until all are revoked."""
    async with open_doors(make) as doors, connect(doors, "ws-auth.kraken.com") as client:
        body = b"nonce=1"
        path = "/0/private/GetWebSocketsToken"
        signature = sign(path, 1, body, decode_secret(doors.api_secret))
        headers = {"API-Key": doors.api_key, "API-Sign": signature}
        response = await doors.rest("POST", path, headers=headers, body=body)
        token = json.loads(response.body)["result"]["token"]
        await client.subscribe("balances", token=token)
        assert (await client.acks(1))[0]["success"]
        doors.revoke_tokens()
        await client.subscribe("balances", token=token)
        assert (await client.acks(1))[0]["error"] == "ESession:Invalid session"
        assert doors.connections[0].subscriptions == (Channel.balances(),)


async def test_a_door_can_be_shut() -> None:
    """While a status is set for a door, nobody comes in there."""
    async with open_doors(make) as doors:
        doors.upgrade_statuses["private"] = 503
        private = await doors.listen(tls=False, door="private")
        async with await trio.open_tcp_stream(HOST, port_of(private)) as stream:
            await stream.send_all(UPGRADE)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 503 ")
        async with open_websocket_url((await doors.listen(tls=False)).url):
            assert doors.connected == 1
        del doors.upgrade_statuses["private"]
        async with open_websocket_url(private.url):
            assert doors.connected == 2


def test_where_protocol_v1_is_spoken() -> None:
    """It is the same address, at another path."""
    assert ExchangeAddress("wss://localhost:1/v2", None).v1_url == "wss://localhost:1/"
