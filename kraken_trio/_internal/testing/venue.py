"""What a simulated exchange is behind its doors: its manners, its clock, and who is connected.

Knows what is the same for all of them; what clients are told stands in ``exchange`` and
``replay``, how they come in in ``doors``.
"""

from __future__ import annotations

import abc
import random
from collections.abc import Collection, Mapping

import trio

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.conversation import Part, usual_result
from kraken_trio._internal.testing.frames import status_frame
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import Service

# Beyond what a float holds exactly, and up to 64 bits: as the real ones are.
_LEAST_CONNECTION_ID, _CONNECTION_ID_BITS = 2**53 + 1, 64


class Venue(abc.ABC):
    """What the services of an exchange turn to: a ``Host``, with what it tells left open."""

    def __init__(self, *, rules: ExchangeRules, seed: int, start: int) -> None:
        """Open at ``start``, nanoseconds since the epoch; ``seed`` makes connection ids."""
        self.rules = rules
        """Its manners."""
        self.connections: list[ExchangeConnection] = []
        """Those who are connected, in the order of coming."""
        self.connected: int = 0
        """How many ever were."""
        self.refusals: dict[str, str | None] = {}
        """Symbols, and channels that have none, that are refused with these words; with None
        they are never answered."""
        self.upgrade_status: int | None = None
        """The HTTP status to refuse WebSockets with."""
        self._dice = random.Random(seed)  # noqa: S311 - chance that is meant to be foreseen
        self._start = start
        self._opened = trio.current_time()

    def now(self) -> Timestamp:
        """The clock: it shows ``start`` when the exchange was opened, and goes as trio's does."""
        elapsed_s = trio.current_time() - self._opened
        return Timestamp(self._start + int(elapsed_s * NANOSECONDS))

    def join(self, service: Service) -> None:
        """Greet a client: the status is the first that it hears."""
        self.connections.append(service.connection)
        self.connected += 1
        for frame in self.greeting():
            service.outbox.tell(frame, "status")

    def leave(self, service: Service) -> None:
        """Forget a client."""
        self.connections.remove(service.connection)

    def greeting(self) -> tuple[bytes, ...]:
        """What a client hears before it asked for anything."""
        maintenance = () if self.rules.announcements else None
        number = self._dice.randrange(_LEAST_CONNECTION_ID, 2**_CONNECTION_ID_BITS)
        return (status_frame(connection_id=number, maintenance=maintenance),)

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that an acknowledgement holds."""
        return usual_result(part)

    @property
    @abc.abstractmethod
    def channels(self) -> Collection[str]:
        """The channels that it has."""

    @abc.abstractmethod
    def refusal(self, part: Part) -> str | None:
        """Say why this cannot be subscribed to, or None where it can."""

    @abc.abstractmethod
    def begin(self, service: Service, part: Part) -> None:
        """Tell a client from now on what it subscribed to."""

    @abc.abstractmethod
    def end(self, service: Service, part: Part) -> None:
        """Tell a client nothing of that any more."""
