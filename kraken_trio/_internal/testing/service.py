"""How the simulated exchange serves one client: a WebSocket from the server's side.

Knows trio-websocket, and when what is sent; nothing of what the channels carry. What the client
does is never an error here: it may break the framing, vanish, or never say a word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

import trio
from trio.lowlevel import enable_ki_protection
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)
from wsproto.utilities import ProtocolError

from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.conversation import Conversation, Listing
from kraken_trio._internal.testing.frames import heartbeat_frame, rate_frame
from kraken_trio._internal.testing.gate import Allowance, Refusal
from kraken_trio._internal.testing.ledger import Ledger
from kraken_trio._internal.testing.line import SharedLine
from kraken_trio._internal.testing.outbox import NORMAL, Outbox
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.place import Door
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.v1_speech import OldSpeech

PATH = "/v2"
"""Where protocol v2 is spoken."""
OLD_PATH = "/"
"""Where protocol v1 is spoken."""
UPGRADE_TIMEOUT_S = 10.0
"""For a client to ask for a WebSocket."""
CLOSE_TIMEOUT_S = 2.0
"""From the decision to close until the stream is closed, whatever the client does."""

MAX_REQUEST_BYTES = 64 * 1024
"""Of one message of a client, which is kept: all pairs there are take less than half of it."""

_NOT_FOUND = 404
_LONGEST_REASON = 200
_MOST_NAMED = 5  # Of what a request is about.
_REFUSED = b'"success":false'
_SECOND_S = 1.0


class Host(Listing, Protocol):
    """What a client is a client of."""

    @property
    def rules(self) -> ExchangeRules:
        """Its manners."""
        ...

    @property
    def speaks_v1(self) -> bool:
        """Whether clients may speak protocol v1, too."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Where it writes down what is sent."""
        ...

    def admit(self, address: str, door: Door) -> Refusal | None:
        """Count an attempt from ``address``; give how it is refused, or None where it is not."""
        ...

    @property
    def witness(self) -> Callable[[str], object]:
        """Is told what has just happened, in words."""
        ...

    def now(self) -> Timestamp:
        """Its clock."""
        ...

    def join(self, service: Service) -> None:
        """Greet a client whose WebSocket is open."""
        ...

    def leave(self, service: Service) -> None:
        """Forget a client that had joined."""
        ...

    def answered(self) -> None:
        """Tell what was to wait for the answers to a request: they are given."""
        ...

    def begin(self, service: Service, part: Part) -> None:
        """Tell from now on: the snapshot if it is wanted, then what is new."""
        ...

    def end(self, service: Service, part: Part) -> None:
        """Tell nothing of that any more."""
        ...


class Service:
    """Serves one client, from its first byte to its last."""

    def __init__(
        self,
        host: Host,
        number: int,
        stream: trio.abc.Stream,
        address: str = "memory",
        *,
        door: Door = "public",
        distrusts: Callable[[str], bool] | None = None,
    ) -> None:
        """Prepare to ``run`` for the client at the other end of ``stream``, at ``address``.

        It came through ``door``. ``distrusts`` is asked whether its token is refused, good or not.
        """
        rules = host.rules
        self._host = host
        self._address = address
        self._door = door
        self._stream = stream
        self._line = SharedLine(stream)
        self._conversation = Conversation(host, door=door, rules=rules, distrusts=distrusts)
        most = rules.max_requests_per_s
        self._allowance = None if most is None else Allowance(most, _SECOND_S)
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery
        self._speech: OldSpeech | None = None
        self._begun: list[Part] = []
        self._beating = trio.Event()
        self._kept_at = math.inf  # When it last did something that keeps it.
        self.outbox: Outbox = Outbox(rules.max_backlog, self._hang_up)
        """What the client is sent."""
        self.connection: ExchangeConnection = ExchangeConnection(
            number,
            door=door,
            line=self._line,
            outbox=self.outbox,
            conversation=self._conversation,
            scope=self._scope,
        )
        """The client, as a test sees it."""

    def start_heartbeats(self) -> None:
        """From now on, send them."""
        self._beating.set()

    def start_soon(self, task: Callable[[Service], Awaitable[object]]) -> None:
        """Run ``task(self)``, as long as the connection lasts."""
        self._nursery.start_soon(task, self)

    @enable_ki_protection
    async def run(self) -> None:
        """Talk with the client until either side has enough, then close the stream."""
        joined = False
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    websocket = await self._upgrade(await nursery.start(self._shelter_reader))
                    if websocket is not None:
                        joined = True
                        self._host.join(self)
                        await self._converse(websocket)
                    nursery.cancel_scope.cancel()
        finally:
            self._end("cut off")
            self._conversation.leave()
            if joined:
                for part in self._begun:
                    self._host.end(self, part)
                self._host.leave(self)
            await trio.aclose_forcefully(self._stream)

    @enable_ki_protection
    async def _shelter_reader(self, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Keep the nursery of trio-websocket's reader, and sort out what comes out of it."""
        try:
            async with trio.open_nursery() as nursery:
                task_status.started(nursery)
                await trio.sleep_forever()
        except* ConnectionClosed:
            self._scope.cancel()  # It was about to answer a client that broke the rules and left.
        except* (ValueError, LookupError, ProtocolError) as group:
            # What the libraries raise for a header that is no text, among others.
            self._end(f"asked for no WebSocket: {group.exceptions[0]!r}"[:_LONGEST_REASON])
            self._host.witness(f"client {self.connection.number} {self.connection.ended}")
            self._scope.cancel()
        except* Exception:
            # After a Close, or when the client is gone, a ping that it has still to answer is
            # enough to make it fail. It does not matter any more.
            if self.outbox.closing is None and not self._line.ended.is_set():
                raise
            self._scope.cancel()

    async def _upgrade(self, reader_nursery: trio.Nursery) -> WebSocketConnection | None:
        """Open the WebSocket, or give None where there is none to be."""
        request: WebSocketRequest | None = None
        with trio.move_on_after(UPGRADE_TIMEOUT_S):
            async with trio.open_nursery() as nursery:
                # The library would wait for ever for one who leaves before asking.
                nursery.start_soon(self._give_up_at_the_end, nursery.cancel_scope)
                request = await wrap_server_stream(
                    reader_nursery, self._line, max_message_size=MAX_REQUEST_BYTES
                )
                nursery.cancel_scope.cancel()
        if request is None:
            self._host.witness(f"client {self.connection.number} left, or was too slow to ask")
            return None
        path = request.path.partition("?")[0]
        old = path == OLD_PATH and self._host.speaks_v1 and self._door != "level3"
        found = old or path == PATH
        refusal = (
            self._host.admit(self._address, self._door) if found else Refusal(_NOT_FOUND, None)
        )
        try:
            if refusal is None:
                if old:
                    self._speak_v1()
                return await request.accept()
            headers: list[tuple[bytes, bytes]] = []
            self._host.witness(f"a WebSocket was refused with HTTP status {refusal.status}")
            if refusal.retry_after_s is not None:
                headers.append((b"Retry-After", b"%d" % refusal.retry_after_s))
            await request.reject(refusal.status, extra_headers=headers)
        except ConnectionClosed:
            pass
        return None

    def _speak_v1(self) -> None:
        """From now on, hear and tell in protocol v1."""
        self._speech = OldSpeech()
        self._conversation.old = True
        self.outbox.translate = self._speech.tell

    async def _give_up_at_the_end(self, scope: trio.CancelScope) -> None:
        await self._line.ended.wait()
        scope.cancel()

    @enable_ki_protection
    async def _converse(self, websocket: WebSocketConnection) -> None:
        self._kept_at = trio.current_time()
        self._nursery.start_soon(self._write, websocket)
        self._nursery.start_soon(self._beat)
        if self._host.rules.idle_timeout_s is not None:
            self._nursery.start_soon(self._watch_idle, self._host.rules.idle_timeout_s)
        try:
            while True:
                message = await websocket.get_message()
                self._hear(message.encode() if isinstance(message, str) else message)
        except ConnectionClosed:
            if self.outbox.closing is not None:
                await trio.sleep_forever()  # The writer is closing, and ends it all.
            self._end("the client left")

    def _hear(self, payload: bytes) -> None:
        now = trio.current_time()
        self.connection.requests.append(payload)
        too_fast = self._allowance is not None and not self._allowance.take(now)
        self._keep(now)
        if too_fast and self._host.rules.bare_rate_refusals:
            self.outbox.put(rate_frame())
            return
        request: bytes | None = payload
        if self._speech is not None:
            request, refusal = self._speech.hear(payload)
            if refusal is not None:
                self.outbox.put(refusal)
        if request is None:
            return
        answer = self._conversation.hear(request, self._host.now(), too_fast=too_fast)
        self._keep(now)
        self._tell_of("wants no more", answer.ended)
        self._tell_of("wants", answer.begun)
        self._tell_of("is refused", [each for each in answer.frames if _REFUSED in each])
        for frame in answer.frames:
            self.outbox.put(frame)
        self._host.answered()
        for part in answer.ended:
            if part in self._begun:
                self._begun.remove(part)
                self._host.end(self, part)
        for part in answer.begun:
            if self._host.rules.snapshot_delay_s:
                self._nursery.start_soon(self._begin_later, part)
            else:
                self._begin(part)

    def _keep(self, now: float) -> None:
        """Note that it asks for something, where that is enough to be kept."""
        if self._may_ask:
            self._kept_at = now

    @property
    def _may_ask(self) -> bool:
        """Whether asking is enough: at the private host it takes a subscription, too."""
        return self._door != "private" or bool(self._conversation.subscriptions)

    def _tell_of(self, what: str, about: Sequence[Part | bytes]) -> None:
        """Tell what came of a request: of parts, or of answers that refuse something."""
        if about:
            named = ", ".join(map(_in_words, about[:_MOST_NAMED]))
            more = f" and {len(about) - _MOST_NAMED} more" if len(about) > _MOST_NAMED else ""
            self._host.witness(f"client {self.connection.number} {what} {named}{more}")

    @enable_ki_protection
    async def _begin_later(self, part: Part) -> None:
        await trio.sleep(self._host.rules.snapshot_delay_s)
        # By identity: it may have been ended, and begun again by an equal one.
        if any(part is there for there in self._conversation.subscriptions):
            self._begin(part)

    def _begin(self, part: Part) -> None:
        self._begun.append(part)
        self.outbox.stalled.discard((part.channel, part.symbol))
        self._host.begin(self, part)

    def _hang_up(self, why: str) -> None:
        """See to it that closing, which was decided for this reason, has an end."""
        self._end(why)
        self._scope.deadline = trio.current_time() + CLOSE_TIMEOUT_S

    def _end(self, why: str) -> None:
        """Note why it ends, unless that is known already."""
        self.connection.ended = self.connection.ended or why

    @enable_ki_protection
    async def _write(self, websocket: WebSocketConnection) -> None:
        """Send what there is to send, as much as there is at once, and at last the Close.

        The library would take some thirty microseconds for each message. So messages go past it,
        straight to the line, where its control frames have their turn between two packets.
        """
        ledger = self._host.ledger
        try:
            while (packet := await self.outbox.take()) is not None:
                if websocket.closed is not None:
                    return  # Nothing may follow its Close; who listens to the client knows.
                muted = self._line.muted
                if ledger.most and not muted:
                    ledger.add(self.connection.number, self._host.now(), packet.frames)
                await self._line.send_all(packet.wire)
                self.connection.sent += 0 if muted else len(packet.frames)
                if packet.cut:
                    self.connection.drop()
                    return
            with suppress(ConnectionClosed):
                await websocket.aclose(*(self.outbox.closing or (NORMAL, "")))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end("the client left")
        self._scope.cancel()

    @enable_ki_protection
    async def _beat(self) -> None:
        """Send heartbeats, once they are started and while there is a subscription."""
        rules = self._host.rules
        await self._beating.wait()
        due = trio.current_time() + rules.heartbeat_interval_s
        while True:
            await trio.sleep_until(due)
            quiet_at = self.outbox.told_at + rules.heartbeat_interval_s
            if quiet_at > due and not rules.heartbeats_when_busy:
                due = quiet_at
                continue
            if self._conversation.subscriptions:
                self.outbox.put(heartbeat_frame())
            due += rules.heartbeat_interval_s

    @enable_ki_protection
    async def _watch_idle(self, timeout_s: float) -> None:
        """Close when nothing was asked for too long. A line that is mute hears nothing."""
        while True:
            idle_at = self._kept_at + timeout_s
            if trio.current_time() >= idle_at:
                break
            await trio.sleep_until(idle_at)
        if not self._line.muted:
            lacking = "request" if self._may_ask else "subscription"
            self.outbox.close(NORMAL, f"no {lacking} for {timeout_s:g} s")


def _in_words(about: Part | bytes) -> str:
    if isinstance(about, Part):
        return str(about.as_channel())
    refusal = json.loads(about)
    # Of a batch some orders may be refused, and each says so itself.
    why = refusal.get("error", "some of it")
    return f"{refusal.get('symbol') or refusal.get('method') or 'a request'} ({why})"
