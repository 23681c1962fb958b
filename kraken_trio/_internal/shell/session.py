"""One session of a feed: its supervisor, what it delivers, and who shares that.

A feed has a session for each host that is used, which all share, and one more for each
subscription that must have a connection of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import trio

from kraken_trio._internal.core import errands
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.model.lifecycle import SessionTrigger
from kraken_trio._internal.shell.scopes import Services
from kraken_trio._internal.shell.sharing import Sharing
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.supervisor import Supervisor


class Session:
    """What belongs to one conversation with the exchange. Its tasks are services of the feed's."""

    def __init__(self, supervisor: Supervisor, services: Services) -> None:
        """Join them. Nothing runs yet."""
        self.name: str = supervisor.conversation.session.name
        """What transitions and ``feed.states`` call it."""
        self.supervisor: Supervisor = supervisor
        """Who talks with the exchange."""
        self.engine: Engine = supervisor.engine
        """Who delivers."""
        self.sharing: Sharing = Sharing(supervisor, services)
        """Who receives."""
        self.transitions: Counter[SessionTrigger] = Counter()
        """Its transitions, by what caused them."""
        self.failed: int = 0
        """Symbols whose subscription ended with an error."""
        self.on_errand: Callable[[errands.Effect], object] | None = None
        """Who is told what became of requests about orders."""
        self._services = services
        self._scopes: tuple[trio.CancelScope, ...] = ()

    def start(self) -> None:
        """Start its tasks: until the feed's block has ended, or ``end``."""
        start, supervisor = self._services.start_soon, self.supervisor
        self._scopes = (
            start(supervisor.run, name=f"supervisor {self.name}"),
            start(supervisor.watch, name=f"watchdog {self.name}"),
        )

    def serve(self, work: Callable[[], Awaitable[None]], *, name: str) -> None:
        """Start one more task that ends with it."""
        self._scopes = (*self._scopes, self._services.start_soon(work, name=f"{name} {self.name}"))

    def close(self) -> None:
        """End all its subscriptions, and hang up."""
        self.sharing.close()
        self.supervisor.close()

    def end(self) -> None:
        """Close it, and end its tasks as soon as they have hung up."""
        self.close()
        for scope in self._scopes:
            scope.cancel()


class LateSession:
    """The ``Keeper`` of a subscription whose session may begin, and end, with it."""

    def __init__(
        self, begin: Callable[[], Session], end: Callable[[Session], object] | None = None
    ) -> None:
        """``begin`` gives the session when the subscription is entered, ``end`` is told that it
        was left.
        """
        self._begin = begin
        self._end = end
        self._session: Session | None = None

    def enter(self, subscription: Subscription[Any]) -> None:
        """Have the session begun, and ask for the parts in it."""
        self._session = self._begin()
        self._session.sharing.enter(subscription)

    def leave(self, subscription: Subscription[Any]) -> None:
        """Leave it in its session."""
        session, self._session = self._session, None
        if session is not None:
            session.sharing.leave(subscription)
            if self._end is not None:
                self._end(session)

    def deadline(self, subscription: Subscription[Any]) -> float:
        """When ``tick`` is next needed because of the subscription."""
        return inf if self._session is None else self._session.sharing.deadline(subscription)

    def tick(self) -> None:
        """Let its conversation see what time it is."""
        if self._session is not None:
            self._session.supervisor.tick()
