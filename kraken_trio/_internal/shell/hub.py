"""The middle of a feed: its sessions on one side, all who listen to everything on the other.

Knows which sessions there are, whom to tell what happens in them, and where a live book is found.
What a user may do stands in ``feed``; what each session does is its own matter.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from logging import INFO, WARNING
from typing import Any, Final

import trio
from msgspec.structs import replace

from kraken_trio._internal.core import errands, roster_effects
from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.channel import PRIVATE_CHANNELS, Channel, modern_symbol
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.endpoint import Endpoint, parse_endpoint
from kraken_trio._internal.model.errors import ConfigurationError, OutcomeUnknown
from kraken_trio._internal.model.gap import Gap, Resync
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.lifecycle import (
    ConnectionState,
    Restored,
    SessionTrigger,
    StateChange,
)
from kraken_trio._internal.model.records import BookSnapshot
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.backlog import Backlog
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.counting import ENDED, Past, Requests
from kraken_trio._internal.shell.ration import Ration, say
from kraken_trio._internal.shell.session import Session
from kraken_trio._internal.shell.supervisor import Room

log = logging.getLogger("kraken_trio.feed")

PUBLIC, PRIVATE, LEVEL3 = "public", "private", "level3"
"""The sessions that all share who need none of their own: one for each host of the exchange."""
TRADING = "trading"
"""The session of whoever places orders, at the host of the private one."""
_SHARED: Final = {
    PUBLIC: "endpoint",
    PRIVATE: "private_endpoint",
    LEVEL3: "level3_endpoint",
}
"""The setting that says where each of them connects to."""
_HOMES: Final = {"level3": LEVEL3, **dict.fromkeys(PRIVATE_CHANNELS, PRIVATE)}


def home(channel: Channel) -> str:
    """The session that serves ``channel`` to all who share."""
    return _HOMES.get(channel.name, PUBLIC)


def endpoint_of(config: KrakenConfig, host: str) -> Endpoint:
    """Where the shared session ``host`` connects to."""
    field = _SHARED[host]
    url = getattr(config, field)
    return parse_endpoint(url, field=field, allow_insecure=config.allow_insecure)


class Hub:
    """The sessions of a feed, and everybody who is told of all that happens in them."""

    def __init__(
        self, make_session: Callable[[Hub, str, str, Room | None], Session], hooks: Hooks
    ) -> None:
        """Begin with the public session. ``make_session`` is given this hub, the name, the shared
        session at whose host it is, and for a session of one subscription alone what tells whether
        there is room.
        """
        self.hooks: Hooks = hooks
        """The observers'."""
        self.pressure: Pressure = Pressure()
        """That of all readers: one that lets others run does so for all."""
        self._make_session = make_session
        self._log = Ration(log)
        self._begun = 0
        self.past: Past = Past()
        """What was counted in sessions that have ended."""
        self.requests: Requests = Requests()
        """What became of requests about orders."""
        # What observers are to be told when all that led to it is done.
        self._untold: deque[Callable[[], object]] = deque()
        self._telling = False
        self.streams: dict[RecordChannel[Any], None] = {}
        """Those of events, in the order in which they were opened."""
        self._listeners: list[Callable[[Item], None]] = []
        self._waiting: dict[trio.Event, tuple[str, ConnectionState]] = {}
        self._closed = False
        self.public: Session = make_session(self, PUBLIC, PUBLIC, None)
        """The one that every feed has."""
        self.sessions: dict[str, Session] = {PUBLIC: self.public}
        """All there are, by their names."""
        wall = self.public.supervisor.wall
        self.backlog: Backlog = Backlog(
            self.publish, wall, self.live_book, self.pressure, self.overflowed, hooks=hooks
        )
        """What waits for consumers."""

    def check_open(self) -> None:
        """Raise ``trio.ClosedResourceError`` once the feed's block was left."""
        if self._closed:
            raise trio.ClosedResourceError("the feed's block was left")

    # Sessions.

    def shared(self, name: str) -> Session:
        """The session that all share at one of the hosts; it begins when it is first asked for.

        Where the feed was disconnected, it is as the others are: closed, until ``connect``.
        """
        self.check_open()
        session = self.sessions.get(name)
        if session is None:
            session = self.sessions[name] = self._make_session(self, name, name, None)
            for listener in self._listeners:
                session.engine.attach(listener)
            session.start()
            if self.public.supervisor.state is ConnectionState.CLOSED:
                session.supervisor.close()
        return session

    def begin(self, host: str, room: Room) -> Session:
        """Begin a session for one subscription alone, at the host of the shared one ``host``.

        What it delivers goes nowhere else: a reader that waits for one consumer would make all
        others wait. What happens in it is told to everybody, its gaps too.
        """
        self.check_open()
        self._begun += 1
        name = f"block {self._begun}"
        session = self.sessions[name] = self._make_session(self, name, host, room)
        session.start()
        return session

    def begin_trading(self) -> Session:
        """Begin the session that orders go through. What it delivers goes to whoever trades alone;
        what happens in it is told to everybody. ``ConfigurationError`` while there is one.
        """
        self.check_open()
        if TRADING in self.sessions:
            raise ConfigurationError(
                "trading", "must be entered once at a time, is entered", "Share what it gave"
            )
        session = self.sessions[TRADING] = self._make_session(self, TRADING, PRIVATE, None)
        session.start()
        return session

    def end(self, session: Session) -> None:
        """End a session of one subscription alone, or of whoever traded."""
        session.end()
        if self.sessions.pop(session.name, None) is not None:
            # Who trades may do so again, and what was counted of it goes on then.
            trading = session.name == TRADING
            self.past.add(session, f"{ENDED} {TRADING}" if trading else ENDED)

    # Listening.

    def stream(self, config: KrakenConfig) -> RecordChannel[Item]:
        """A channel of everything from now on, that begins with each live book."""
        channel: RecordChannel[Item] = self.backlog.stream(config, self._end_stream)
        self.streams[channel] = None
        for session in self._shared():
            for route in session.engine.routes():
                if isinstance(route, BookRoute):
                    for snapshot in route.recall():
                        channel.put(snapshot)
        self.listen(channel.put)
        return channel

    def listen(self, listener: Callable[[Item], None]) -> None:
        """Give ``listener`` everything from now on. It must return at once, and never raise."""
        self._listeners.append(listener)
        for session in self._shared():
            session.engine.attach(listener)

    def publish(self, event: Item) -> None:
        """Give what no route delivers to all that listen."""
        for listener in tuple(self._listeners):
            listener(event)

    async def wait_state(self, state: ConnectionState, session: str) -> None:
        """Wait until a session is in ``state``; one that it only passes through is not missed."""
        self.check_open()
        there = self.sessions.get(session)
        if there is None and session not in _SHARED and session != TRADING:
            raise KeyError(session)
        event = trio.Event()
        now = ConnectionState.DISCONNECTED if there is None else there.supervisor.state
        if now is state:
            event.set()
        self._waiting[event] = (session, state)
        try:
            await event.wait()
        finally:
            reached = event in self._waiting
            self._waiting.pop(event, None)
        if not reached:
            self.check_open()

    # Finding books.

    def book(self, symbol: str, channel: str = "book") -> BookRoute | None:
        """The route of a book, in whatever session it is."""
        name = modern_symbol(symbol)
        for session in self.sessions.values():
            route = session.sharing.route(channel, name)
            if isinstance(route, BookRoute):
                return route
        return None

    def live_book(self, channel: str, symbol: str) -> BookSnapshot | Level3Snapshot | None:
        """A verified snapshot of a live book, for a buffer that lost part of its chain."""
        route = self.book(symbol, channel)
        return None if route is None else route.book.snapshot()

    # For the sessions.

    def told(self, session: Session, effect: Effect) -> None:
        """Pass on what the supervisor of a session tells. Observers hear of it in ``settled``."""
        match effect:
            case said.Changed(change):
                self._changed(session, change)
            case roster_effects.Ended(_, error):
                fields = {"session": session.name, "channel": error.channel}
                fields |= {"symbol": error.symbol, "reason": error.reason}
                about = session.name, error
                self._log.write(WARNING, "subscription_ended", "%s: %s", *about, **fields)
                session.failed += 1
                session.sharing.told(effect)
                self.publish(error)
                for hook in self.hooks.subscription_failed:
                    self._untold.append(partial(hook, session.name, error))
            case roster_effects.Mended(part, reason, duration_s):
                at = session.supervisor.wall()
                for own in session.sharing.parts_on(part):
                    symbol = own.symbols[0] if own.symbols else None
                    resync = Resync(own.name, symbol, reason, duration_s, at)
                    self.publish(resync)
                    for hook in self.hooks.resync:
                        self._untold.append(partial(hook, session.name, resync))
            case said.Restored(duration_s):
                name_and_time = session.name, duration_s
                times = {"session": session.name, "duration_s": duration_s}
                say(log, INFO, "restored", "%s after %.3g s", *name_and_time, **times)
                restored = Restored(session.name, duration_s, session.supervisor.wall())
                self.publish(restored)
                for hook in self.hooks.restored:
                    self._untold.append(partial(hook, restored))
            case errands.Finished() | errands.Ceiling():
                if session.on_errand is not None:
                    session.on_errand(effect)
            case said.Stray(error):
                fields = {"session": session.name, "method": error.method, "reason": str(error)}
                self._log.write(WARNING, "refused", "%s: %s", session.name, error, **fields)
                self.publish(error)
            case _:
                _log(session.name, effect)
                session.sharing.told(effect)

    def overflowed(self, gap: Gap, snapshot: BookSnapshot | Level3Snapshot | None) -> None:
        """Tell everybody of what one consumer lost, and of a book how it is.

        Nothing is missing in their streams; but who believes no book after a gap has it again. The
        consumer may have been given none, because one waited for it behind what it lost.
        """
        if snapshot is None and gap.symbol is not None:
            snapshot = self.live_book(gap.channel, gap.symbol)
        gap = replace(gap, local=True)
        self.publish(gap)
        if snapshot is not None:
            self.publish(snapshot)
        for hook in self.hooks.gap:
            self._untold.append(partial(hook, _HOMES.get(gap.channel, PUBLIC), gap))
        self.settled()

    def unanswered(
        self, session: Session, error: OutcomeUnknown, sent_at: Timestamp, at: Timestamp
    ) -> None:
        """Tell everybody that nobody knows what became of a request; observers as of ``told``."""
        tell = partial(session.supervisor.answers.tell, error.req_id)
        for hook in self.hooks.unanswered:
            self._untold.append(partial(tell, hook, session.name, error, sent_at, at))

    def settled(self) -> None:
        """A session has carried out all that there was to do: now tell the observers.

        What they do here may lead to more, which is told after that.
        """
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                self._untold.popleft()()
        finally:
            self._telling = False

    def close(self) -> None:
        """End everything that receives, and the sessions."""
        self._closed = True
        for stream in tuple(self.streams):
            stream.close()
        for event in tuple(self._waiting):
            del self._waiting[event]
            event.set()
        for session in tuple(self.sessions.values()):
            session.close()
        self._log.close()

    def _changed(self, session: Session, change: StateChange) -> None:
        session.transitions[change.trigger] += 1
        self.publish(change)
        for hook in self.hooks.state_changed:
            self._untold.append(partial(hook, change))
        for event, wanted in self._waiting.items():
            if wanted == (change.session, change.to_state):
                event.set()
        # Where it ended by an error, that is what is raised, and the whole block ends with it.
        if change.trigger is SessionTrigger.CLOSE:
            session.sharing.session_ended()

    def _end_stream(self, channel: RecordChannel[Any]) -> None:
        del self.streams[channel]
        self._listeners.remove(channel.put)
        for session in self._shared():
            session.engine.detach(channel.put)

    def _shared(self) -> list[Session]:
        """All that deliver to everybody."""
        return [session for name, session in self.sessions.items() if name in _SHARED]


def _log(session: str, effect: Effect) -> None:
    """Tell those who read logs of what is no event: the state says it, or will."""
    match effect:
        case said.RetryIn(delay_s, cause):
            fields = {"session": session, "delay_s": delay_s, "reason": str(cause)}
            say(log, WARNING, "retry_in", "%s: %.3g s: %s", session, delay_s, cause, **fields)
        case said.WarnStale(silent_s):
            fields = {"session": session, "silent_s": silent_s}
            say(log, WARNING, "silent", "%s: for %.3g s", session, silent_s, **fields)
