"""One session with the exchange: carries out what its conversation asks for.

It decides nothing. What happens is reported to the ``Conversation``, which is pure, and each of
its effects is carried out in order, without a wait in between; so a cancellation never finds
anything half done. Never two connections of one session: the next is made when nothing is left
of the one before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.conversation import Conversation, Effect
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.signals import (
    DataLost,
    Held,
    Missed,
    Replied,
    Signal,
    SnapshotSeen,
    StatusSeen,
)
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConnectionFailed,
    KrakenError,
    ProtocolError,
)
from kraken_trio._internal.model.gap import Gap, GapPolicy, GapReason
from kraken_trio._internal.model.lifecycle import ConnectionState
from kraken_trio._internal.model.ports import Dial
from kraken_trio._internal.model.steps import Broke, Disconnected
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.answers import Answers
from kraken_trio._internal.shell.channel import Pressure
from kraken_trio._internal.shell.connection import Connection, attempt_failed, open_connection
from kraken_trio._internal.shell.scopes import raise_as_raised
from kraken_trio._internal.shell.serving import carry_out, heard, wire_part
from kraken_trio._internal.shell.tap import Pause
from kraken_trio._internal.shell.tokens import Answer
from kraken_trio._internal.shell.writer import Writer
from kraken_trio._internal.wire.codec import Encode
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.ends import piece_of
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_token import Token

Room = Callable[[], Pause | None]
"""Gives what a reader awaits until there is room; None where there is."""
OnHeld = Callable[[Engine, Channel, Pressure, Room | None], None]
"""Is given what holds something back, and what tells how its consumers are."""


class Supervisor:
    """Runs one session, over any number of connections."""

    def __init__(
        self,
        conversation: Conversation,
        engine: Engine,
        config: KrakenConfig,
        *,
        url: str,
        dial: Dial,
        wall: Callable[[], Timestamp],
        tell: Callable[[Effect], None],
        settled: Callable[[], None],
        pressure: Pressure,
        hooks: Hooks,
        on_held: OnHeld,
        answers: Answers,
        fetch_token: Callable[[], Awaitable[Answer]] | None = None,
        room: Room | None = None,
        encode: Encode = encode_request,
    ) -> None:
        """Run ``conversation`` on connections to ``url``.

        ``tell`` is given every effect that is not about the connection: transitions, what became
        of subscriptions, warnings; ``settled`` is called when nothing is left to be carried
        out; ``on_held`` is given each subscription that holds something back, whenever it does.
        None of them may wait or raise. ``wall`` is the wall clock. ``fetch_token`` is that of a
        private conversation. ``encode`` writes requests.

        ``room`` gives, after each frame, what is awaited until there is room for the next. While
        it is, nobody can know whether the peer lives, so silence counts for nothing.
        """
        self.conversation = conversation
        """What decides."""
        self.engine = engine
        """What delivers."""
        self.wall = wall
        """The wall clock."""
        self.answers: Answers = answers
        """What was asked, until it is answered."""
        self.attempts: int = 0
        """Connections that were tried, one after the other."""
        self.connections: int = 0
        """Those that were opened."""
        self._config = config
        self._url = url
        self._dial = dial
        self._tell = tell
        self._settled = settled
        self._effects: deque[Effect] = deque()
        self._obeying = False
        self._pressure = pressure
        self._writer = Writer(conversation, hooks=hooks, wall=wall, answers=answers, encode=encode)
        self._fetch_token = fetch_token
        self._token_wanted = trio.Event()
        self._on_held = on_held
        self._room = room
        self._held = False
        # Since when nothing is read, as far as the conversation was not told yet.
        self._held_since = 0.0
        self._dialling = False
        self._stirred = trio.Event()
        self._moved = trio.Event()
        self._connection: Connection | None = None
        self._attempt: trio.CancelScope | None = None
        self._failure: KrakenError | None = None

    @property
    def state(self) -> ConnectionState:
        """Of the session."""
        return self.conversation.state

    @enable_ki_protection
    def want(self, parts: Sequence[Channel]) -> None:
        """Somebody wants these parts of the exchange's own channels; as ``Conversation.want``."""
        self._obey(self.conversation.want(parts, trio.current_time()))

    @enable_ki_protection
    def unwant(self, parts: Sequence[Channel]) -> None:
        """One who wanted these wants them no more."""
        self._obey(self.conversation.unwant(parts, trio.current_time()))

    def stir(self) -> None:
        """There may be something to send about orders."""
        self._writer.stir()

    @enable_ki_protection
    def connect(self) -> None:
        """Connect, or start a new session after the end of one; else nothing."""
        self._obey(self.conversation.connect(trio.current_time()))

    @enable_ki_protection
    def close(self) -> None:
        """The user leaves: hang up, and connect no more."""
        self._report(said.Close())

    @enable_ki_protection
    def probe(self, part: Channel) -> None:
        """Ask for a live subscription anew: what it shows then is of now."""
        self._obey(self.conversation.probe(part, trio.current_time()))

    def deadline(self, parts: Sequence[Channel]) -> float:
        """When ``tick`` is next needed because of these."""
        return self.conversation.roster.deadline(parts)

    @enable_ki_protection
    def tick(self) -> None:
        """Let the conversation see what time it is."""
        now = trio.current_time()
        if self._held:
            self._excuse(now)
        elif self._connection is not None:
            self.conversation.session.frame_seen(self._connection.last_read_at)
        self._obey(self.conversation.tick(now))
        self._obey(self.conversation.look(partial(heard, self.engine), now))

    @enable_ki_protection
    async def run(self) -> None:
        """Make connections, one after the other, whenever the conversation asks for one.

        Raises what ends the session, ``RetriesExhausted`` or ``AuthenticationError``; and what
        failed here, which nothing may hide, as it was raised.
        """
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            if self._failure is not None:
                raise self._failure
            # A wish to dial may have been taken back before we came to it.
            if self._dialling:
                self._dialling = False
                await self._connect_once()

    @enable_ki_protection
    async def watch(self) -> None:
        """Sleep to the next deadline of the session, for ever."""
        while True:
            self._moved = trio.Event()
            with trio.move_on_at(self.conversation.deadline):
                await self._moved.wait()
                continue  # a deadline may have come nearer: look again
            self.tick()

    async def _connect_once(self) -> None:
        """Make one connection and stay with it to its end."""
        established = False
        self.attempts += 1
        with trio.CancelScope() as attempt:
            self._attempt = attempt
            try:
                async with open_connection(
                    self._url,
                    dial=self._dial,
                    sink=self._sink,
                    now=self.wall,
                    allow_insecure=self._config.allow_insecure,
                ) as connection:
                    established = True
                    # Hung up meanwhile: what became of this attempt is nobody's matter any more.
                    if not attempt.cancel_called:
                        self._connection = connection
                        self.connections += 1
                        self._report(said.Established())
                        await self._stay(connection)
            except (ConnectionFailed, ProtocolError) as error:
                # A loss was reported where it happened.
                if not established and not attempt.cancel_called:
                    self._report(attempt_failed(error))
            finally:
                self._connection = None
        self._attempt = None

    async def _stay(self, connection: Connection) -> None:
        """Send what is to be sent until the connection ends, and report why it did."""
        # Raised only outside of the nursery, which would make a group of it.
        errors: list[Exception] = []
        async with trio.open_nursery() as nursery:
            write, scope = partial(self._writer.run, connection), nursery.cancel_scope
            nursery.start_soon(self._attend, write, errors, scope, name="writer")
            nursery.start_soon(self._attend, self._authenticate, errors, scope, name="tokens")
            try:
                await connection.wait_closed()
            except Exception as error:  # noqa: BLE001 - reported or raised below
                errors.append(error)
            nursery.cancel_scope.cancel()
        losses = [each for each in errors if isinstance(each, ConnectionFailed | ProtocolError)]
        ours = [each for each in errors if each not in losses]
        if ours:
            raise_as_raised(ours)
        for loss in losses:
            if connection.broken is not None and isinstance(loss, ProtocolError):
                piece = piece_of(connection.broken, self.engine.concealed.kept)
                perform(self.engine, Broke(loss.reason, piece))
            self._report(said.Lost(loss))

    @enable_ki_protection
    async def _attend(
        self,
        work: Callable[[], Awaitable[None]],
        errors: list[Exception],
        scope: trio.CancelScope,
    ) -> None:
        """Do what is to be done as long as a connection lives. What fails here ends ``scope``."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - raised by whoever has the scope
            errors.append(error)
            scope.cancel()

    async def _authenticate(self) -> None:
        """Fetch a token whenever the conversation wants one, and report what came of it."""
        while self._fetch_token is not None:
            await self._token_wanted.wait()
            self._token_wanted = trio.Event()
            match await self._fetch_token():
                case Token(text):
                    self.engine.concealed.add(text)
                    self._writer.authorise(text)
                    self._report(said.Authenticated())
                case AuthenticationError() as error:
                    self._report(said.AuthRefused(error))
                case RestRefused(error, retry_after_s=wait_s, unavailable=unavailable):
                    self._report(said.AuthUnavailable(error, wait_s, counted=not unavailable))
                case error:
                    self._report(said.AuthUnavailable(error))

    @enable_ki_protection
    def _sink(self, payload: bytes, received_at: Timestamp) -> Pause | None:
        """Take one frame all the way; ask for a pause where consumers need one."""
        signals = self.engine.feed(payload, received_at)
        if signals:
            for signal in signals:
                self._heed(signal)
        if self._room is not None:
            pause = self._room()
            if pause is not None:
                return partial(self._hold, pause)
        if self._pressure.pressed:
            self._pressure.relieve()
            return trio.lowlevel.checkpoint
        # One read may bring twenty thousand faulty frames: between two of them others run.
        return trio.lowlevel.checkpoint if signals else None

    async def _hold(self, pause: Pause) -> None:
        """Read nothing more until there is room."""
        self._held = True
        self._held_since = trio.current_time()
        try:
            await pause()
        finally:
            self._held = False
            self._excuse(trio.current_time())

    def _excuse(self, now: float) -> None:
        """Let the conversation know that nothing was read, and that this is nobody's fault."""
        self.conversation.excuse(now - self._held_since, now)
        self._held_since = now

    def _heed(self, signal: Signal) -> None:
        """Report what a frame means for the conversation."""
        now = trio.current_time()
        match signal:
            case Replied(reply):
                self.answers.replied(reply)
                self._obey(self.conversation.replied(reply, now))
            case SnapshotSeen(part):
                self._obey(self.conversation.snapshot(wire_part(part, self.engine.traits), now))
            case DataLost(part, gap) if self._resyncs(part):
                self._obey(
                    self.conversation.lost(wire_part(part, self.engine.traits), gap.reason, now)
                )
            case Missed(part, Gap(reason=GapReason.STALLED)):
                self._obey(self.conversation.missed(wire_part(part, self.engine.traits), now))
            case StatusSeen(status):
                self.conversation.status(status)
            case Held(part):
                self._on_held(self.engine, part, self._pressure, self._room)

    def _resyncs(self, part: Channel) -> bool:
        """Whether a fresh snapshot is wanted where ``part`` lost something."""
        route = self.engine.route(part)
        ignored = route is not None and route.handling.policy is GapPolicy.IGNORE
        return part.needs_snapshot and not ignored

    def _report(self, event: said.Input) -> None:
        self._obey(self.conversation.report(event, trio.current_time()))

    def _obey(self, effects: Sequence[Effect]) -> None:
        """Carry out effects, in order, without a wait, and after those that came before.

        Carrying one out may lead to more: whoever is told of something may ask for something.
        """
        if self.conversation.roster.has_requests() or self.conversation.errands.ready:
            self._writer.stir()
        self._effects.extend(effects)
        if self._obeying or not effects:
            return
        self._obeying = True
        try:
            while self._effects:
                self._carry_out(self._effects.popleft())
        finally:
            self._obeying = False
        self._moved.set()
        self._settled()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case said.Dial():
                self._dialling = True
                self._stirred.set()
            case said.HangUp():
                self._dialling = False
                if self._attempt is not None:
                    self._attempt.cancel()
            case said.Invalidate():
                perform(self.engine, Disconnected())
            case said.Probe():
                self._writer.ping()
            case said.FetchToken():
                self._writer.hold_back()
                self._token_wanted.set()
            case said.Fail(error):
                self._failure = error
                self._stirred.set()
            case _:
                carry_out(effect, self.engine)
                self._tell(effect)
