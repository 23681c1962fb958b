"""What a simulated exchange is behind its doors: its manners, its clock, and who is connected.

Knows what is the same for all of them; what clients are told stands in ``exchange`` and
``replay``, how they come in in ``doors``.
"""

from __future__ import annotations

import abc
import random
from collections.abc import Callable, Iterable, Mapping

import trio

from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.frames import status_frame
from kraken_trio._internal.testing.gate import UNAVAILABLE, Gate, Refusal
from kraken_trio._internal.testing.ledger import Ledger
from kraken_trio._internal.testing.part import Part, Refused, usual_result
from kraken_trio._internal.testing.place import Door
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance
from kraken_trio._internal.testing.tokens import Tokens
from kraken_trio._internal.wire.requests import RequestFrame

NO_SERVICE = "EService:Unavailable"

# Beyond what a float holds exactly, and up to 64 bits: as the real ones are.
_LEAST_CONNECTION_ID, _CONNECTION_ID_BITS = 2**53 + 1, 64


class Venue(abc.ABC):
    """What the services of an exchange turn to: a ``Host``, with what it tells left open."""

    speaks_v1: bool = False
    """Whether clients may speak protocol v1, too."""

    def __init__(
        self,
        *,
        rules: ExchangeRules,
        seed: int,
        start: int,
        ledger: int = 0,
        any_token_will_do: bool = False,
    ) -> None:
        """Open at ``start``, nanoseconds since the epoch; ``seed`` makes connection ids and tokens.

        Remember the latest ``ledger`` frames that are sent. Where ``any_token_will_do``, tokens are
        asked for and not looked at.
        """
        self.rules = rules
        """Its manners."""
        self.connections: list[ExchangeConnection] = []
        """Those who are connected, in the order of coming."""
        self.connected: int = 0
        """How many ever were."""
        self.refusals: dict[str, str | None] = {}
        """Symbols, channels that have none, and methods of trading that are refused with these
        words; with None they are never answered."""
        self.ledger: Ledger = Ledger(ledger)
        """What it sent."""
        self.gate: Gate = Gate(rules)
        """Whom it lets in."""
        self.tokens: Tokens = Tokens(
            seed=seed, life_s=rules.token_life_s, any_will_do=any_token_will_do
        )
        """Who may be told of private things."""
        self.witness: Callable[[str], object] = _nobody
        """Is told in words what happens: who comes, wants what, leaves, and is not let in."""
        self.system: str = "online"
        """The mode of its trading engine."""
        self._services: dict[Service, None] = {}
        self._after_answer: list[Callable[[], object]] = []
        self._shut = False  # For the mode that it is in.
        self._maintenance: tuple[PlannedMaintenance, ...] = ()
        self._emergencies: tuple[Incident, ...] = ()
        self._dice = random.Random(seed)  # noqa: S311 - chance that is meant to be foreseen
        self._start = start
        self._opened = trio.current_time()

    def now(self) -> Timestamp:
        """The clock: it shows ``start`` when the exchange was opened, and goes as trio's does."""
        elapsed_s = trio.current_time() - self._opened
        return Timestamp(self._start + int(elapsed_s * NANOSECONDS))

    def admit(self, address: str, door: Door = "public") -> Refusal | None:
        """Say how a client from ``address`` is refused at a door, or None where it is welcome."""
        inside = len(self.connections)
        refusal = self.gate.knock(address, trio.current_time(), inside=inside, door=door)
        if refusal is None and self._shut:
            return Refusal(UNAVAILABLE, self.gate.retry_after_s)
        return refusal

    def join(self, service: Service) -> None:
        """Greet a client: the status is the first that it hears."""
        self._services[service] = None
        self.connections.append(service.connection)
        self.connected += 1
        door = service.connection.door
        through = "" if door == "public" else f" through the {door} door"
        self.witness(f"client {service.connection.number} came{through}")
        for frame in self.greeting(service):
            service.outbox.tell(frame, "status")

    def leave(self, service: Service) -> None:
        """Forget a client."""
        del self._services[service]
        client = service.connection
        self.connections.remove(client)
        self.witness(
            f"client {client.number} is gone ({client.ended}), {client.sent} messages sent"
        )

    def greeting(self, service: Service | None = None) -> tuple[bytes, ...]:  # noqa: ARG002
        """What a client hears before it asked for anything."""
        number = self._dice.randrange(_LEAST_CONNECTION_ID, 2**_CONNECTION_ID_BITS)
        return (self._status(number),)

    def change_system(self, system: str, *, shut: bool) -> None:
        """Go over to another mode, and tell everybody; ``shut`` the doors as long as it lasts."""
        self.system = system
        self._shut = shut
        self._broadcast(self._status(), "status")

    def announce(
        self,
        maintenance: Iterable[PlannedMaintenance] | None,
        emergencies: Iterable[Incident] | None,
    ) -> None:
        """Tell everybody, now and when they come, of these instead of those before.

        None stands for those before.
        """
        if maintenance is not None:
            self._maintenance = tuple(maintenance)
        if emergencies is not None:
            self._emergencies = tuple(emergencies)
        self._broadcast(self._status(), "status")

    def _status(self, connection_id: int | None = None) -> bytes:
        now = self.now()
        entries = [window.entry(now) for window in self._maintenance]
        maintenance = [entry for entry in entries if entry is not None]
        emergencies = [emergency.entry(now) for emergency in self._emergencies]
        told = self.rules.announcements or maintenance or emergencies
        return status_frame(
            self.system,
            connection_id=connection_id,
            maintenance=maintenance if told else None,
            emergency=emergencies if told else None,
        )

    def _broadcast(self, frame: bytes, channel: str) -> None:
        for service in self._services:
            service.outbox.tell(frame, channel)

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that an acknowledgement holds."""
        return usual_result(part)

    def after_answer(self, task: Callable[[], object]) -> None:
        """Do this as soon as the answers to the request are given that is being heard."""
        self._after_answer.append(task)

    def answered(self) -> None:
        """Do what was to be done after the answers to a request."""
        tasks, self._after_answer = self._after_answer, []
        for task in tasks:
            task()

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:  # noqa: ARG002
        """Do what a method of trading asks; here nobody trades."""
        raise Refused(NO_SERVICE)

    def session_refusal(self, token: Secret) -> str | None:
        """Say why this token is no good, or None where it is."""
        return self.tokens.refusal(token, trio.current_time())

    def hold_session(self, token: Secret) -> None:
        """Note a subscription that was made with it."""
        self.tokens.hold(token)

    def release_session(self, token: Secret) -> None:
        """Note its end."""
        self.tokens.release(token)

    @abc.abstractmethod
    def refusal(self, part: Part) -> str | None:
        """Say why this cannot be subscribed to, or None where it can."""

    @abc.abstractmethod
    def begin(self, service: Service, part: Part) -> None:
        """Tell a client from now on what it subscribed to."""

    @abc.abstractmethod
    def end(self, service: Service, part: Part) -> None:
        """Tell a client nothing of that any more."""


def _nobody(_words: str) -> None:
    """Listen to nothing."""
