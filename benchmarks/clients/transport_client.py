"""Bare transports and msgspec, without types: no book is kept, nothing verified. See ``stopwatch``.

``picows``, ``aiohttp`` and ``websockets``, each as fast as its own documentation has it, on the
loop of asyncio: messages are decoded from bytes, and never made a ``str`` before.
"""

from __future__ import annotations

import asyncio

import msgspec

from stopwatch import Result, Told, Watch, passes, told


class Counter:
    """Decodes messages, and counts those that are updates of a book."""

    def __init__(self, count: int) -> None:
        """Count up to there."""
        self._decode = msgspec.json.Decoder().decode
        self._count = count
        self._watch = Watch()
        self.updates = 0
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def take(self, data: bytes | memoryview) -> bool:
        """Take a message; say whether it was the last one."""
        message = self._decode(data)
        if message.get("channel") == "book" and message["type"] == "update":
            if not self.updates:
                self._watch = Watch()
            self.updates += 1
            if self.updates == self._count:
                self.result.set_result(self._watch.stop(self.updates, verified=None))
                return True
        return False


async def aiohttp(given: Told, url: str, count: int) -> Result:
    """The client of aiohttp."""
    from aiohttp import ClientSession

    counter = Counter(count)
    async with (
        ClientSession() as session,
        session.ws_connect(
            url, ssl=given.context or True, max_msg_size=0, decode_text=False
        ) as socket,
    ):
        await socket.send_str(given.request)
        async for message in socket:
            if counter.take(message.data):
                break
    return await counter.result


async def websockets(given: Told, url: str, count: int) -> Result:
    """That of websockets, for asyncio."""
    from websockets.asyncio.client import connect

    counter = Counter(count)
    async with connect(url, ssl=given.context, max_size=None) as socket:
        await socket.send(given.request)
        while not counter.take(await socket.recv(decode=False)):
            pass
    return await counter.result


async def picows(given: Told, url: str, count: int) -> Result:
    """That of picows: a call for each frame, in which it is read, with a view of it."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    counter = Counter(count)

    class Listener(WSListener):  # type: ignore[misc, unused-ignore]
        """Takes every text."""

        def on_ws_connected(self, transport: WSTransport) -> None:
            transport.send(WSMsgType.TEXT, given.request.encode())

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT and counter.take(frame.get_payload_as_memoryview()):
                transport.disconnect()

    await ws_connect(Listener, url, ssl_context=given.context)
    return await counter.result


CLIENTS = {"aiohttp": aiohttp, "picows": picows, "websockets": websockets}

if __name__ == "__main__":
    words = told()
    asyncio.run(passes(words, CLIENTS[words.name]))
