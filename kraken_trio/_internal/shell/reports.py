"""What whoever trades is told of the account, the pairs and the exchange: kept, and nothing else.

Knows where each of them comes from. What it is good for is ``trading``'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import trio

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.lives import Life, Lives
from kraken_trio._internal.core.rates import AMENDED, CANCELLED, EDITED, Rates, by_age
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapHandling
from kraken_trio._internal.model.reference import InstrumentPair, SystemStatus
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.shell.hub import PUBLIC, Hub
from kraken_trio._internal.shell.session import LateSession, Session
from kraken_trio._internal.shell.subscribe import Keeper, Subscription

EXECUTIONS: Final = Channel.executions(ratecounter=True)
"""What it listens to of the account: open orders, the latest fills, and the rate counter."""
_INSTRUMENTS: Final = Channel.instrument()

_ROWS: Final = {"amend": (1, AMENDED), "edit": (1, EDITED), "cancel": (0, CANCELLED)}


class Reports:
    """All that is known to whoever trades."""

    def __init__(self, hub: Hub) -> None:
        """Nothing yet."""
        self.lives: Lives = Lives()
        """The orders."""
        self.rates: Rates = Rates()
        """The rate counters."""
        self.pairs: dict[str, InstrumentPair] = {}
        """The pairs, by symbol."""
        self.system: str | None = None
        """The mode of the trading engine; None before it was told."""
        self.ended: SubscriptionError | None = None
        """Why nothing more is told of orders; None while something is, or will be."""
        self.heard_at: float = float("-inf")
        """When anything was reported last."""
        self.moved: trio.Event = trio.Event()
        """Set at the next thing that becomes of orders; then there is another one."""
        self._hub = hub

    def stir(self) -> None:
        """Something has become of orders, or of what is known of them."""
        self.moved.set()
        self.moved = trio.Event()

    @asynccontextmanager
    async def instruments(self) -> AsyncIterator[None]:
        """Listen to the pairs: over the feed's own subscription, if there is one."""
        public = self._hub.public
        there = [each for each in public.sharing if each.channel.name == _INSTRUMENTS.name]
        channel, handling = _INSTRUMENTS, GapHandling()
        if there:
            channel, handling = there[0].channel, there[0].handling
        public.engine.attach(self._hear_pair)
        try:
            keeper = LateSession(lambda: self._hub.shared(PUBLIC))
            async with Subscription[Any](keeper, channel, None, handling):
                route = public.engine.route(channel)
                for item in () if route is None else route.recall():
                    self._hear_pair(item)
                yield
        finally:
            public.engine.detach(self._hear_pair)

    @asynccontextmanager
    async def executions(self, session: Session) -> AsyncIterator[None]:
        """Listen to the account in a session of its own, from its snapshot on."""
        self.ended = None
        session.engine.attach(self._hear)
        try:
            async with _Executions(LateSession(lambda: session), self):
                yield
        finally:
            # Nothing is told any more, and the next block begins with a snapshot.
            self.lives.lose(trio.current_time())

    def refresh(self, session: Session) -> None:
        """Ask for everything anew, while nothing shows that something is missing: whole again, it
        has all that happened until now.
        """
        self.lives.lose(trio.current_time())
        session.supervisor.probe(EXECUTIONS)

    def named(self, name: str) -> Life | None:
        """The order of this name; where several had it, an open one."""
        return next(iter(self.lives.named(name)), None)

    def symbol_of(self, name: str) -> str | None:
        """The pair of an order, as far as it is known."""
        life = self.named(name)
        return None if life is None else life.known.symbol

    def all_names(self, names: Iterable[str]) -> Iterator[str]:
        """These, and the others of the same open orders; the client's numbers as text."""
        for name in names:
            yield name
            for life in self.lives.called(name):
                if life.open:
                    known = life.known
                    yield from filter(None, (known.order_id, known.cl_ord_id))
                    if known.order_userref:
                        yield str(known.order_userref)

    def cost(
        self, kind: Literal["amend", "edit", "cancel"], *names: str, each: bool = False
    ) -> dict[str, float]:
        """What it costs to touch these orders, by pair; of an order that is not known nothing. A
        number, as text, stands for all open orders that have it.

        In a batch each costs what the youngest does.
        """
        fixed, row = _ROWS[kind]
        now, points = trio.current_time(), dict[str, float]()
        lives = dict.fromkeys(life for name in names for life in self._touched(name))
        youngest = max((life.born_at for life in lives), default=now)
        for life in lives:
            if life.known.symbol is not None:
                age_s = now - (youngest if each else life.born_at)
                symbol = life.known.symbol
                points[symbol] = points.get(symbol, 0) + fixed + by_age(row, age_s)
        return points

    def _touched(self, name: str) -> list[Life]:
        """The orders that a request by this name is about."""
        called = self.lives.called(name)
        return [life for life in called if life.open] or called[:1]

    def _hear(self, item: Item) -> None:
        now = trio.current_time()
        match item:
            case Execution():
                self.heard_at = now
                self._hear_execution(item, now)
            case Gap():
                self.lives.lose(now)
            case SystemStatus(system=system):
                self.system = system
            case _:
                return
        self.stir()

    def _hear_execution(self, report: Execution, now: float) -> None:
        age_s = 0.0
        if report.snapshot and report.timestamp is not None and report.received_at is not None:
            age_s = (report.received_at - report.timestamp) / NANOSECONDS
        self.lives.take(report, now, age_s)
        life = self.lives.get(report.order_id)
        symbol = None if life is None else life.known.symbol
        if report.ratecount is not None and symbol is not None:
            self.rates.observe(symbol, float(report.ratecount), now)

    def _hear_pair(self, item: Item) -> None:
        if isinstance(item, InstrumentPair):
            self.pairs[item.symbol] = item


class _Executions(Subscription[Any]):
    """The subscription to executions: what it hears of itself, the reports are told."""

    def __init__(self, keeper: Keeper, reports: Reports) -> None:
        super().__init__(keeper, EXECUTIONS, None, GapHandling())
        self._reports = reports

    def part_live(self, part: Channel) -> None:
        """Its snapshot has been shown to its end."""
        super().part_live(part)
        self._reports.lives.complete(trio.current_time())
        self._reports.stir()

    def part_lost(self, part: Channel) -> None:
        """It is being asked for anew."""
        super().part_lost(part)
        self._reports.lives.lose(trio.current_time())

    def part_ended(self, part: Channel, error: SubscriptionError) -> None:
        """It will not come again: what is unknown now stays so."""
        super().part_ended(part, error)
        self._reports.lives.lose(trio.current_time())
        self._reports.ended = error
        self._reports.stir()
