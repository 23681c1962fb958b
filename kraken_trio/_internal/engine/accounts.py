"""What one private subscription of the exchange's says, added up: orders, fills, balances.

All of ours that live on one of its subscriptions share a ``Source``: one tracker of its numbers,
one fold. So they can never contradict each other, whoever joins later begins with what is so, and
the live tables are right whether or not anybody reads. What each is given of it, ``account_routes``
knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from kraken_trio._internal.core.balances import Balances
from kraken_trio._internal.core.fills import Fills, own_trade
from kraken_trio._internal.core.orders import Orders, described, is_fill
from kraken_trio._internal.core.trackers import SequenceTracker
from kraken_trio._internal.engine.signals import DataLost, Signal, SnapshotSeen
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.messages import Record, RecordsMessage
from kraken_trio._internal.model.orders import Order, OwnTrade

Watcher = Callable[[Order | SubscriptionError], object]
"""Is told each order that changed, as it stands then; or why it will be told nothing any more."""


class News(Struct, frozen=True):
    """A message, and what it comes to."""

    message: RecordsMessage
    """As it was read."""
    orders: Sequence[Order] = ()
    """Those that changed, as they stand; of a snapshot those that ended meanwhile, and all that
    are open."""
    trades: Sequence[OwnTrade] = ()
    """Fills that were not seen before, oldest first."""
    shown: Sequence[str | None] = ()
    """Names of the fills of a snapshot, oldest first."""
    reaches_back: bool = True
    """Whether no fill is missing between those that were seen before the first loss and these."""
    past: Sequence[Order] = ()
    """Those that were over before anything was seen: known by their fills, and nobody's news but of
    who waits for one."""


class Listener(Protocol):
    """One of ours that lives on a source."""

    part: Channel
    """What it is the route of."""

    def lose(self, gap: Gap) -> Gap | None:
        """Something is missing. Give the gap that was delivered for it, if one was."""
        ...

    def hear(self, news: News) -> Sequence[Signal]:
        """Deliver what is news to it; give what has to be known of that."""
        ...


class Source(ABC):
    """One private subscription of the exchange's. What it adds up, its kinds know."""

    def __init__(self, wire: Channel, *, from_one: bool = True) -> None:
        """Know nothing yet. ``wire`` is what the exchange is asked for; ``from_one`` is the
        protocol's trait.
        """
        self.wire: Channel = wire
        """What the exchange is asked for."""
        self.listeners: list[Listener] = []
        """All that live on it, the first one first."""
        self.live: bool = False
        """Whether what is added up is what is so: it began, and nothing is missing since."""
        self.begun: bool = False
        """Whether it has said what there was in the beginning."""
        self.watchers: list[Watcher] = []
        """Who is told of changes. Replaced, never changed."""
        self._tracker = SequenceTracker(wire.name, snapshot=wire.needs_snapshot, from_one=from_one)

    @property
    def whole(self) -> bool:
        """Whether what is asked for is all that has to be known to be right."""
        return self.wire.needs_snapshot

    @property
    def shareable(self) -> bool:
        """Whether one who joins later can be given what it began with, or nobody was given any."""
        return self.whole or not self.wire.needs_snapshot

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Add up a message of this subscription, and let all hear of it that live on it."""
        first = self.listeners[0].part
        repeats = self._tracker.repeats
        items = self._tracker.accept(message)
        if self._tracker.repeats > repeats:
            return ()
        signals: list[Signal] = []
        if items and isinstance(items[0], Gap):
            self.lose()
            told = [listener.lose(items[0]) for listener in tuple(self.listeners)]
            signals.append(DataLost(first, told[0] or items[0]))
        news = self._add_up(message)
        if message.snapshot:
            self.begun, self.live = True, self.whole
            signals.append(SnapshotSeen(first))
        for order in (*news.past, *news.orders):
            for watcher in self.watchers:
                watcher(order)
        for listener in tuple(self.listeners):
            signals += listener.hear(news)
        return signals

    @abstractmethod
    def recall(self) -> Iterator[Record]:
        """What a snapshot of the exchange would hold now."""

    def lose(self) -> None:
        """Something is missing: nothing is believed until a snapshot came."""
        self.live = False

    def restart(self) -> None:
        """The subscription begins anew."""
        self._tracker.restart()
        self.live = self.begun = False

    def end(self) -> None:
        """Nobody lives on it any more."""
        self.live = self.begun = False
        self.dismiss(SubscriptionError("is not subscribed to any more", self.wire.name))

    def dismiss(self, error: SubscriptionError) -> None:
        """Whoever waits for something to change waits in vain."""
        for watcher in self.watchers:
            watcher(error)

    @abstractmethod
    def _add_up(self, message: RecordsMessage) -> News:
        """Add up a message, and say what it comes to."""


class BalancesSource(Source):
    """What is held. Nothing is added up for sub-accounts: each has balances of its own."""

    def __init__(self, wire: Channel) -> None:
        """Hold nothing."""
        super().__init__(wire)
        self.balances: Balances = Balances()
        """All of it."""

    def recall(self) -> Iterator[BalanceSnapshot]:
        """As in ``Source``."""
        return (held for asset in self.balances if (held := self.balances.get(asset)))

    def _add_up(self, message: RecordsMessage) -> News:
        if self.wire.users is not None:
            return News(message)
        if message.snapshot:
            self.balances.begin(cast("tuple[BalanceSnapshot, ...]", message.records))
            return News(message)
        for record in message.records:
            if isinstance(record, BalanceUpdate):
                self.balances.apply(record)
        return News(message)


class ExecutionsSource(Source):
    """What becomes of orders."""

    def __init__(self, wire: Channel, *, from_one: bool = True) -> None:
        """Know of none."""
        super().__init__(wire, from_one=from_one)
        self.orders: Orders = Orders()
        """As they stand."""
        self.fills: Fills = Fills()
        """What was traded."""

    @property
    def whole(self) -> bool:
        """Only with the open orders, and with every change of each."""
        return self._replaced and self.wire.order_status is not False

    @property
    def _replaced(self) -> bool:
        """Whether a snapshot has all open orders, so that it says what is not open any more."""
        return self.wire.needs_snapshot and self.wire.snap_orders is not False

    def recall(self) -> Iterator[Execution]:
        """As in ``Source``: the open orders, oldest first, then the latest fills, latest first."""
        yield from map(described, self.orders.open)
        if self.wire.snap_trades is not False:
            for fill in reversed(self.fills.latest):
                yield replace(fill, snapshot=True)

    def lose(self) -> None:
        """As in ``Source``."""
        super().lose()
        self.fills.lose()

    def restart(self) -> None:
        """As in ``Source``. Whatever it is for, something may happen until the next snapshot."""
        super().restart()
        self.fills.lose()

    def _add_up(self, message: RecordsMessage) -> News:
        reports = cast("tuple[Execution, ...]", message.records)
        if message.snapshot and self._replaced:
            return self._begin(message, reports)
        orders: list[Order] = []
        trades: list[OwnTrade | None] = []
        for report in reports:
            news = is_fill(report) and self.fills.add(report)
            order = self.orders.apply(report, counted=not news)
            orders.append(order)
            if news:
                trades.append(own_trade(report, order))
        return News(message, orders, [trade for trade in trades if trade])

    def _begin(self, message: RecordsMessage, reports: Sequence[Execution]) -> News:
        fills = [report for report in reports if is_fill(report)]
        open_ones = [report for report in reports if not is_fill(report)]
        first = not self.fills.begun
        missed, reaches_back = self.fills.begin(fills)
        ended, still_open, unseen = self.orders.begin(open_ones, missed)
        trades = [own_trade(fill, self.orders.get(fill.order_id)) for fill in missed]
        latest = [fill.exec_id for fill in self.fills.latest]
        return News(
            message,
            [*ended, *still_open] if first else [*ended, *unseen, *still_open],
            [trade for trade in trades if trade],
            latest[len(latest) - len(fills) :],
            reaches_back,
            unseen if first else (),
        )


class FillsSource(Source):
    """Fills alone, where the exchange has a channel of them."""

    def __init__(self, wire: Channel, *, from_one: bool = True) -> None:
        """Know of none."""
        super().__init__(wire, from_one=from_one)
        self.fills: Fills = Fills()
        """What was traded."""

    def recall(self) -> Iterator[Execution]:
        """As in ``Source``: the latest, latest first."""
        return (replace(fill, snapshot=True) for fill in reversed(self.fills.latest))

    def lose(self) -> None:
        """As in ``Source``."""
        super().lose()
        self.fills.lose()

    def restart(self) -> None:
        """As in ``ExecutionsSource``."""
        super().restart()
        self.fills.lose()

    def _add_up(self, message: RecordsMessage) -> News:
        fills = cast("tuple[Execution, ...]", message.records)
        if not message.snapshot:
            fresh = [fill for fill in fills if self.fills.add(fill)]
            return News(message, trades=_own(fresh))
        missed, reaches_back = self.fills.begin(fills)
        latest = [fill.exec_id for fill in self.fills.latest]
        shown = latest[len(latest) - len(fills) :]
        return News(message, trades=_own(missed), shown=shown, reaches_back=reaches_back)


def _own(fills: Sequence[Execution]) -> list[OwnTrade]:
    return [trade for trade in map(own_trade, fills) if trade]
