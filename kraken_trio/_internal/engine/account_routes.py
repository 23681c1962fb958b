"""Where the data of one's own account go: as they are, and folded into what they come to.

The exchange has two private channels. Of its ``executions`` three of ours live: itself,
``open_orders`` (each order as it stands, after each report on it) and ``own_trades`` (each fill
once). In a protocol that has these two itself, each lives on its own.

A loss is told by each in its own way. ``executions``, ``open_orders`` and ``balances`` put the gap
where it is, and then what there is. Fills have names, so ``own_trades`` waits for the snapshot that
follows, and tells a gap only where that does not reach back to what was seen; what comes meanwhile
waits with it, or a fill that was missed would come after a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.fills import own_trade
from kraken_trio._internal.engine.accounts import (
    BalancesSource,
    ExecutionsSource,
    FillsSource,
    News,
    Source,
)
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.routes import NOTHING, Route
from kraken_trio._internal.engine.signals import Missed, Signal
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.orders import OwnTrade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V2, Traits

OF_EXECUTIONS: Final = ("executions", "open_orders", "own_trades")
"""What lives on the exchange's executions."""


class AccountRoute(Route):
    """Of a private channel, as it is."""

    __slots__ = ("source",)

    def __init__(self, part: Channel, handling: GapHandling, source: Source) -> None:
        """Live on ``source``, which is shared."""
        super().__init__(part, handling)
        self.source: Source = source
        """What is known of the account."""
        source.listeners.append(self)

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Let all that live on the same subscription have a message of it."""
        return self.source.take(message)

    def hear(self, news: News) -> Sequence[Signal]:
        """Deliver what is news here; give what has to be known of that."""
        self.messages += 1
        self._received = (news.message.received_at,)
        return self._tell(news)

    def lose(self, gap: Gap) -> Gap | None:
        """Tell that something is missing. Give the gap that was delivered for it, if one was."""
        gap = replace(gap, channel=self.part.name)
        self._deliver(gap)
        return gap

    def recall(self) -> Iterable[Item]:
        """What a snapshot would hold now; nothing while one is awaited."""
        return tuple(self._recalled()) if self.source.begun and self.source.whole else ()

    def discard(self) -> None:
        """The subscription begins anew. What is known is kept, to be compared with the snapshot."""
        self.source.restart()

    def begin_probe(self, probe: Probe) -> None:  # noqa: ARG002 - the base's
        """It was left, to be asked for anew, and its numbers begin anew: what the snapshot shows is
        told as that of any other.
        """
        self.source.restart()

    def disconnect(self) -> Gap | None:
        """As in ``Route``; also where nothing came yet, for something may have been missed."""
        self.source.lose()
        self.source.restart()
        confirmed, self.confirmed = self.confirmed, False
        if not (confirmed or self._received):
            return None
        gap = self.lose(self._gap(GapReason.DISCONNECT))
        self._received = ()
        return gap

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:  # noqa: ARG002 - the base's
        """Messages are numbered: the next one tells that one is missing."""
        return None

    def close(self) -> None:
        """Nobody wants it any more; the last one ends what they lived on."""
        self.source.listeners.remove(self)
        if not self.source.listeners:
            self.source.end()

    def _tell(self, news: News) -> Sequence[Signal]:
        self._hand_on(news.message)
        return NOTHING

    def _recalled(self) -> Iterable[Item]:
        return self.source.recall()


class OpenOrdersRoute(AccountRoute):
    """Each order as it stands, after each report on it."""

    __slots__ = ("_orders",)

    def __init__(self, part: Channel, handling: GapHandling, source: ExecutionsSource) -> None:
        """As in ``AccountRoute``."""
        super().__init__(part, handling, source)
        self._orders = source.orders

    def _tell(self, news: News) -> Sequence[Signal]:
        for order in news.orders:
            self._deliver(order)
        return NOTHING

    def _recalled(self) -> Iterable[Item]:
        return (replace(order, snapshot=True) for order in self._orders.open)


class OwnTradesRoute(AccountRoute):
    """Each fill once."""

    __slots__ = ("_fills", "_waiting")

    def __init__(
        self, part: Channel, handling: GapHandling, source: ExecutionsSource | FillsSource
    ) -> None:
        """As in ``AccountRoute``."""
        super().__init__(part, handling, source)
        self._fills = source.fills
        # What was lost while something is missing, and the fills that came in between.
        self._waiting: list[OwnTrade | Gap] = []
        if self._fills.losing:
            self._waiting.append(self._gap(GapReason.DISCONNECT))

    def recall(self) -> Iterable[Item]:
        """The latest fills: what was traded stays true, whatever is awaited."""
        trades = (own_trade(replace(fill, snapshot=True)) for fill in self._fills.latest)
        return [trade for trade in trades if trade]

    def lose(self, gap: Gap) -> Gap | None:
        """Wait for the snapshot, where one will come: it tells whether any fill is missing."""
        if self.handling.policy is GapPolicy.IGNORE and gap.reason is GapReason.SEQUENCE:
            return super().lose(gap)
        if not (self._waiting and isinstance(self._waiting[-1], Gap)):
            self._waiting.append(
                replace(gap, channel=self.part.name, expected=None, received=None, size=None)
            )
        return None

    def discard(self) -> None:
        """As in ``AccountRoute``; whatever it is for, the next snapshot tells what was missed."""
        if self._received:
            self.lose(self._gap(GapReason.STALLED))
        super().discard()

    def stall(self) -> Gap:
        """What was promised does not come: wait for it on."""
        gap = self._gap(GapReason.STALLED)
        self.lose(gap)
        return gap

    def _tell(self, news: News) -> Sequence[Signal]:
        if not self._waiting:
            for trade in news.trades:
                self._deliver(trade)
            return NOTHING
        if not news.message.snapshot:
            self._waiting += news.trades
            return NOTHING
        items, self._waiting = in_line(self._waiting, news), []
        for item in items:
            self._deliver(item)
        return [Missed(self.part, item) for item in items if isinstance(item, Gap)]


def in_line(waiting: Sequence[OwnTrade | Gap], news: News) -> list[OwnTrade | Gap]:
    """Put what waited in line with the fills of a snapshot, each in its place.

    Where the snapshot reaches back to what was seen before the first loss, it has all that was
    missed. Otherwise the gaps stay where they are, before what the snapshot shows, and one is right
    before that, unless its first fill is one that came right behind the last.
    """
    places = {name: place for place, name in enumerate(news.shown)}
    trades = [*(item for item in waiting if isinstance(item, OwnTrade)), *news.trades]
    shown = [trade for trade in trades if trade.exec_id in places]
    shown.sort(key=lambda trade: places[trade.exec_id])
    if news.reaches_back:
        return [*(trade for trade in trades if trade.exec_id not in places), *shown]
    before: list[OwnTrade | Gap] = []
    follows = reached = False
    for item in waiting:
        if isinstance(item, OwnTrade) and item.exec_id in places:
            follows = follows or (not reached and places[item.exec_id] == 0)
            reached = True
        elif isinstance(item, OwnTrade) or not reached:
            before.append(item)
    if not (follows or isinstance(before[-1], Gap)):
        gap = next(item for item in waiting if isinstance(item, Gap))
        before.append(replace(gap, from_time=before[-1].timestamp))
    return _timed([*before, *shown], news.message.received_at)


def _timed(items: list[OwnTrade | Gap], end: Timestamp | None) -> list[OwnTrade | Gap]:
    """Let each gap know the first moment after it."""
    after = [*(item.timestamp if isinstance(item, OwnTrade) else None for item in items[1:]), end]
    return [
        replace(item, to_time=at) if isinstance(item, Gap) else item
        for item, at in zip(items, after, strict=True)
    ]


def account_route(
    part: Channel, handling: GapHandling, there: Iterable[Route], traits: Traits = V2
) -> AccountRoute:
    """The route of a private channel, beside those that are ``there``."""
    if part.name == "balances":
        return AccountRoute(part, handling, BalancesSource(part))
    if not traits.orders_of_executions:
        if part.name == "own_trades":
            return OwnTradesRoute(part, handling, FillsSource(part, from_one=traits.from_one))
        orders = ExecutionsSource(part, from_one=traits.from_one)
        return OpenOrdersRoute(part, handling, orders)
    source = next((route.source for route in there if _on_executions(route)), None)  # type: ignore[attr-defined]
    if source is None:
        source = ExecutionsSource(part if part.name == "executions" else Channel.executions())
    match part.name:
        case "open_orders":
            return OpenOrdersRoute(part, handling, source)
        case "own_trades":
            return OwnTradesRoute(part, handling, source)
        case _:
            return AccountRoute(part, handling, source)


def _on_executions(route: Route) -> bool:
    return isinstance(route, AccountRoute) and isinstance(route.source, ExecutionsSource)
