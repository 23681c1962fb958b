"""Rough streams are streams, until something goes wrong on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from kraken_trio._internal.testing.frames import heartbeat_frame
from kraken_trio._internal.testing.mangler import Mangler
from kraken_trio._internal.testing.memory import MemoryStream, memory_streams
from kraken_trio._internal.testing.mishap import ChaosFault, Planned
from kraken_trio._internal.testing.rough import RoughClient, RoughServer
from kraken_trio._internal.testing.trouble import Trouble
from kraken_trio._internal.wire.frames import TEXT, encode_frame

HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
BEAT = encode_frame(TEXT, heartbeat_frame())


class Plain(Mangler):
    """Lets everything through, so that it can be any bytes."""

    def __init__(self) -> None:
        """Behave as after a refusal."""
        super().__init__(Trouble(lambda _: None), 1)
        self.feed(b"HTTP/1.1 404 No\r\n\r\n", 0)


async def made() -> tuple[RoughClient, RoughServer]:
    """Give a client and a server that are connected."""
    one, other = memory_streams()
    return RoughClient(one, Plain(), lambda: 0.0), RoughServer(other, Plain(), lambda: 0.0)


async def test_a_server_s_is_a_stream() -> None:
    """Trio's own checks hold for it, with the usual one at the other end."""

    async def maker() -> tuple[RoughServer, MemoryStream]:
        one, other = memory_streams()
        return RoughServer(one, Plain(), lambda: 0.0), other

    await trio.testing.check_two_way_stream(maker, None)


async def test_a_client_s_gives_no_more_than_was_asked_for() -> None:
    """The rest comes the next time; and what is sent arrives."""
    client, server = await made()
    await server.send_all(b"abcdef")
    assert [await client.receive_some(4), await client.receive_some(4)] == [b"abcd", b"ef"]
    await client.wait_send_all_might_not_block()
    await server.wait_send_all_might_not_block()
    await client.send_all(b"back")
    assert await server.receive_some() == b"back"
    await server.aclose()
    assert [await client.receive_some(), await client.receive_some()] == [b"", b""]
    await client.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await server.receive_some()


def troubled(fault: ChaosFault) -> Mangler:
    """Give one on which this goes wrong at the first message."""
    trouble = Trouble(lambda _: None)
    trouble.add(Planned(1, 0, fault, "1"))
    return Mangler(trouble, 1)


async def at_client(fault: ChaosFault) -> tuple[RoughClient, MemoryStream]:
    """Let it go wrong at the client's end."""
    one, other = memory_streams()
    return RoughClient(one, troubled(fault), trio.current_time), other


async def at_server(fault: ChaosFault) -> tuple[MemoryStream, RoughServer]:
    """Let it go wrong at the server's end."""
    one, other = memory_streams()
    return one, RoughServer(other, troubled(fault), trio.current_time)


Maker = Callable[[ChaosFault], Awaitable[tuple[trio.abc.Stream, trio.abc.Stream]]]
both = pytest.mark.parametrize("maker", [at_client, at_server])


@both
async def test_a_pause(maker: Maker, autojump_clock: trio.testing.MockClock) -> None:
    """What comes after it comes later, and nothing is lost when somebody is tired of waiting."""
    client, server = await maker(ChaosFault.DELAY)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.send_all, HEAD + BEAT)
        assert await client.receive_some() == HEAD
        with trio.move_on_after(0.01) as scope:
            await client.receive_some()
        assert scope.cancelled_caught
        assert await client.receive_some() == BEAT
    assert trio.current_time() - began > 0.05


@both
async def test_a_cut(maker: Maker) -> None:
    """The client reads the end, the server breaks; neither can send any more."""
    client, server = await maker(ChaosFault.CLOSE_1006)
    if isinstance(server, RoughServer):
        with pytest.raises(trio.BrokenResourceError):
            await server.send_all(HEAD + BEAT)
        with pytest.raises(trio.BrokenResourceError):
            await server.receive_some()
    else:
        await server.send_all(HEAD + BEAT)
    assert await client.receive_some() == HEAD
    assert [await client.receive_some(), await client.receive_some()] == [b"", b""]
    for end in (client, server):
        with pytest.raises(trio.BrokenResourceError):
            await end.send_all(BEAT)


@both
async def test_half_open(maker: Maker, autojump_clock: trio.testing.MockClock) -> None:
    """Nothing gets through in either direction, and both believe that it does."""
    client, server = await maker(ChaosFault.HALF_OPEN)
    await server.send_all(HEAD + BEAT)
    assert await client.receive_some() == HEAD
    # One has to look, to be struck by it.
    with trio.move_on_after(1):
        await client.receive_some()
    await server.send_all(BEAT)
    await client.send_all(b"hello?")
    with trio.move_on_after(10) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.receive_some)
            await server.receive_some()
    assert scope.cancelled_caught
    if isinstance(client, RoughClient):
        await server.aclose()
        with trio.move_on_after(10) as scope:
            await client.receive_some()
        assert scope.cancelled_caught
    else:
        await client.aclose()
        assert await server.receive_some() == b""


async def test_what_was_held_back_comes_at_the_end() -> None:
    """When the server has ended."""
    client, server = await at_client(ChaosFault.JOIN)
    await server.send_all(HEAD + BEAT)
    await server.aclose()
    assert [await client.receive_some() for _ in range(3)] == [HEAD, BEAT, b""]
