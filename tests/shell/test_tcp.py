"""The TCP stream, over loopback: as trio's own, but for how it reads."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing

from kraken_trio._internal.shell.tcp import READ_BYTES, TcpStream

Pair = tuple[TcpStream, trio.SocketStream]


async def make() -> Pair:
    """Connect a stream and its peer."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        host, port = listener.socket.getsockname()
        ours = TcpStream(await trio.open_tcp_stream(host, port))
        return ours, await listener.accept()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """A stream, and its peer."""
    ours, theirs = await make()
    async with ours, theirs:
        yield ours, theirs


async def test_it_is_a_stream() -> None:
    """What trio asks of streams that can be closed half, it does."""
    await trio.testing.check_half_closeable_stream(make, None)


async def test_what_is_read(pair: Pair) -> None:
    """What is there, at most so many bytes; then the end, as often as it is asked for."""
    ours, theirs = pair
    await theirs.send_all(b"abcdef")
    assert await ours.receive_some(2) == b"ab"
    assert await ours.receive_some() == b"cdef"
    sent = bytes(range(256)) * 2048
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.send_all, sent)
        received = b""
        while len(received) < len(sent):
            part = await ours.receive_some(10**9)
            assert 0 < len(part) <= READ_BYTES
            received += part
    assert received == sent
    await theirs.send_eof()
    assert [await ours.receive_some() for _ in range(2)] == [b"", b""]
    await ours.send_all(b"x")
    assert await theirs.receive_some() == b"x"


async def test_what_was_read_stays(pair: Pair) -> None:
    """The buffer is used again, and what was given is not touched by that."""
    ours, theirs = pair
    await theirs.send_all(b"first")
    first = await ours.receive_some()
    await theirs.send_all(b"other")
    assert (first, await ours.receive_some()) == (b"first", b"other")


async def test_a_reset(pair: Pair) -> None:
    """A connection that breaks is told as trio tells it."""
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await theirs.aclose()
    with pytest.raises(trio.BrokenResourceError) as caught:
        await ours.receive_some()
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_a_wake_up_for_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system says that there is something and there is nothing, it waits on."""
    ours, theirs = pair
    wait, woken = trio.lowlevel.wait_readable, 0

    async def wake(sock: socket.socket) -> None:
        nonlocal woken
        woken += 1
        if woken == 1:
            await trio.lowlevel.checkpoint()
        else:
            await theirs.send_all(b"a")
            await wait(sock)

    monkeypatch.setattr(trio.lowlevel, "wait_readable", wake)
    assert await ours.receive_some() == b"a"
    assert woken == 2


async def test_quick_reads_wait_for_more(autojump_clock: trio.testing.MockClock) -> None:
    """From the ninth on, and no longer than the window; not for what is too large to wait for."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listeners[0] as listener:
        ours = TcpStream(await trio.open_tcp_stream(*listener.socket.getsockname()), 1.0)
        theirs = await listener.accept()
    async with ours, theirs:
        for _ in range(9):
            await theirs.send_all(b"abc")
            assert await ours.receive_some() == b"abc"
        began = trio.current_time()
        await theirs.send_all(b"def")
        assert await ours.receive_some() == b"def"
        assert trio.current_time() - began == 1.0


async def test_cancelled(pair: Pair) -> None:
    """A read that is cancelled has taken nothing, also where something was there."""
    ours, theirs = pair
    await theirs.send_all(b"a")
    with trio.CancelScope() as scope:
        scope.cancel()
        await ours.receive_some()
    assert scope.cancelled_caught
    assert await ours.receive_some() == b"a"


async def test_closed(pair: Pair) -> None:
    """Closed before or meanwhile, it says so."""
    ours, _ = pair

    async def close() -> None:
        await trio.testing.wait_all_tasks_blocked()
        await ours.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(close)
        with pytest.raises(trio.ClosedResourceError):
            await ours.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await ours.receive_some()


async def test_options(pair: Pair) -> None:
    """Small sends are not held back, and the socket can be asked."""
    ours, theirs = pair
    assert ours.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert ours.socket.getpeername() == theirs.socket.getsockname()
