"""Where the data of one subscription goes: through its book or tracker, to its sinks.

A route knows what loss looks like in its channel, and puts a ``Gap`` in band where it is; what is
done about a loss is decided by whoever reads the signals. A sink takes one item and returns at
once: the ``put`` of a buffer, or a counter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.core.trackers import (
    CandleTracker,
    SequenceTracker,
    Tracker,
    TradeTracker,
)
from kraken_trio._internal.engine.recall import Recall, make_recall
from kraken_trio._internal.engine.signals import DataLost, Signal, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.messages import BookMessage, Level3Message, RecordsMessage
from kraken_trio._internal.model.records import BookSnapshot, Spread, Ticker
from kraken_trio._internal.model.timestamp import Timestamp

Sink = Callable[[Item], None]
"""Takes an item at once, and never raises."""

NOTHING: tuple[Signal, ...] = ()
"""What the hot path signals."""


class Route:
    """Where one part of a channel leads; of what it carries only a disconnect shows a loss.

    That is ``ticker`` and ``instrument``: each record says all there is to say.
    """

    __slots__ = ("_received", "confirmed", "handling", "kept", "part", "sinks")

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start without sinks. ``part`` has one symbol at most."""
        self.part: Channel = part
        """What it is the route of."""
        self.handling: GapHandling = handling
        """What is to be done about losses."""
        self.sinks: tuple[Sink, ...] = ()
        """Who gets what comes, in this order. Replaced, never changed: a sink may leave, or make
        another leave, while it is given something, and nobody else misses that."""
        # The last message of this connection, as the time that it was read; empty without any.
        self._received: tuple[Timestamp | None, ...] = ()
        self.confirmed: bool = False
        """Whether the exchange has confirmed it on this connection; set by whoever knows."""
        recalled = part.snapshot and not part.private
        self.kept: Recall | None = make_recall(part.name) if recalled else None
        """What those who join later will find; None where the exchange was asked for no snapshot,
        so that nobody can be given one, and for private channels, which nobody shares."""

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Deliver the records of a message of this part."""
        self._received = (message.received_at,)
        for record in message.records:
            self._deliver(record)
        self._keep(message, message.records)
        return self._completed(message)

    def join(self, sink: Sink) -> None:
        """Give ``sink`` all that comes from now on; what came before is in ``recall``."""
        self.sinks = (*self.sinks, sink)

    def recall(self) -> Iterable[Item]:
        """What a snapshot would hold now, oldest first; nothing where nobody knows."""
        return self.kept or ()

    def leave(self, sink: Sink) -> None:
        """Remove a sink; ``ValueError`` if it is not here."""
        self.sinks = without(self.sinks, sink)

    def discard(self) -> None:
        """Forget what a fresh subscription begins anew; what comes until then means nothing."""
        if self.kept is not None:
            self.kept.forget()

    def disconnect(self) -> Gap | None:
        """The connection is gone. Gives the gap that was delivered for it, if one was."""
        self.confirmed = False
        self.discard()
        if not self._received:
            return None
        (since,), self._received = self._received, ()
        return self._lose(since)

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """A message of this part could not be decoded. Gives the gap that was delivered for it;
        None where what comes next will tell by itself, and better.
        """
        symbol = self.part.symbols[0] if self.part.symbols else None
        since = self._received[0] if self._received else None
        gap = Gap(
            self.part.name,
            symbol,
            GapReason.UNDECODABLE,
            from_time=since,
            to_time=received_at,
        )
        self._deliver(gap)
        return gap

    def close(self) -> None:
        """Nobody wants it any more."""

    def _deliver(self, item: Item) -> None:
        for sink in self.sinks:
            sink(item)

    def _keep(self, message: RecordsMessage, items: Iterable[Item]) -> None:
        """Keep what a message says for those who join later."""
        if self.kept is None:
            return
        if message.snapshot:
            self.kept.begin(message)
        else:
            self.kept.note(items)

    def _lose(self, since: Timestamp | None) -> Gap:
        """Deliver the gap of a disconnect."""
        symbol = self.part.symbols[0] if self.part.symbols else None
        gap = Gap(self.part.name, symbol, GapReason.DISCONNECT, from_time=since)
        self._deliver(gap)
        return gap

    def _completed(self, message: RecordsMessage) -> Sequence[Signal]:
        """Signal a snapshot where one is waited for."""
        if message.snapshot and self.part.needs_snapshot:
            return (SnapshotSeen(self.part),)
        return NOTHING


class SpreadRoute(Route):
    """Tickers in, changes of the best bid and offer out."""

    __slots__ = ("_shown",)

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start without having shown anything."""
        super().__init__(part, handling)
        self._shown: Ticker | None = None

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Deliver a spread for each ticker whose best levels are not those shown last."""
        self._received = (message.received_at,)
        for record in message.records:
            if isinstance(record, Ticker) and not self._same(record):
                self._shown = record
                self._deliver(_spread(record))
        self._keep(message, message.records)
        return NOTHING

    def recall(self) -> Iterable[Item]:
        """The spread that was shown last."""
        return () if self._shown is None else (_spread(self._shown),)

    def discard(self) -> None:
        """Show the next one, whatever it is."""
        super().discard()
        self._shown = None

    def _same(self, ticker: Ticker) -> bool:
        shown = self._shown
        return shown is not None and (
            ticker.bid == shown.bid
            and ticker.ask == shown.ask
            and ticker.bid_qty == shown.bid_qty
            and ticker.ask_qty == shown.ask_qty
        )


def _spread(ticker: Ticker) -> Spread:
    """The best levels of a ticker."""
    return Spread(
        ticker.symbol,
        ticker.bid,
        ticker.bid_qty,
        ticker.ask,
        ticker.ask_qty,
        ticker.timestamp,
        ticker.received_at,
    )


class TrackedRoute(Route):
    """Of records that are numbered, one way or another: a tracker finds what is missing."""

    __slots__ = ("tracker",)

    def __init__(self, part: Channel, handling: GapHandling, tracker: Tracker) -> None:
        """Start with a fresh ``tracker`` of the channel."""
        super().__init__(part, handling)
        self.tracker = tracker
        """What knows the numbers."""

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Deliver what is new in a message of this part, with the gaps before it.

        A snapshot that nobody asked for, and that was fetched to see what a disconnect cost, is
        news from the record seen last on; where none was seen, all of it is old.
        """
        fresh, self._received = not self._received, (message.received_at,)
        lost: list[Signal] = []
        items = self.tracker.accept(message)
        if fresh and message.snapshot and not self.part.snapshot:
            items = ()
        for item in items:
            self._deliver(item)
            if isinstance(item, Gap):
                lost.append(DataLost(self.part, item))
        self._keep(message, items)
        completed = self._completed(message)
        return [*lost, *completed] if lost else completed

    def discard(self) -> None:
        """Begin anew what the exchange numbers anew. History stays true."""
        self.tracker.restart()

    def disconnect(self) -> Gap | None:
        """Private channels are numbered anew, so nothing would tell what was missed; trades and
        candles tell it themselves, to the number, when the next ones come, but for the first.
        """
        confirmed = self.confirmed
        if self.part.private:
            return super().disconnect()
        self.confirmed = False
        self.discard()
        return self._lose(None) if confirmed and not self._received else None

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """Trades and private messages are numbered: the next one tells what is missing. A candle
        is not.
        """
        return super().lose_frame(received_at) if self.part.name == "ohlc" else None


class BookRoute(Route):
    """Of a book, each of whose messages has a checksum: ``book`` and ``level3``."""

    __slots__ = ("book",)

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start with an empty book."""
        super().__init__(part, handling)
        kind = OrderBook if part.name == "book" else Level3Book
        self.book: OrderBook | Level3Book = kind(part.symbols[0], part.depth or 0)
        """The live book."""
        self.book.lenient = handling.policy is GapPolicy.IGNORE

    def verify(self, message: BookMessage | Level3Message) -> Sequence[Signal]:
        """Apply a message of this part, and deliver what it became, if it means anything."""
        # Each message finds its way by its own channel, so it is of the book's own kind.
        item = self.book.apply(message)  # type: ignore[arg-type]
        if item is None:
            return NOTHING
        for sink in self.sinks:
            sink(item)
        match item:
            case Gap():
                return (DataLost(self.part, item),)
            case BookSnapshot() | Level3Snapshot() if not item.local:
                return (SnapshotSeen(self.part),)
            case _:
                return NOTHING

    def recall(self) -> Iterable[Item]:
        """The book as a verified snapshot, if it is live."""
        snapshot = self.book.snapshot()
        return () if snapshot is None else (snapshot,)

    def discard(self) -> None:
        """Empty the book; updates mean nothing until the next snapshot."""
        self.book.invalidate()

    def disconnect(self) -> Gap | None:
        """A live book is right no longer, and says so."""
        snapshot = self.book.snapshot()
        self.discard()
        return None if snapshot is None else self._lose(snapshot.timestamp)

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """A live book is right no longer. One that is lenient will find out by its checksum."""
        snapshot = None if self.book.lenient else self.book.snapshot()
        if snapshot is None:
            return None
        self.book.invalidate()
        self._received = (snapshot.timestamp,)
        return super().lose_frame(received_at)

    def close(self) -> None:
        """End the book."""
        self.book.close()


def without(sinks: tuple[Sink, ...], sink: Sink) -> tuple[Sink, ...]:
    """Give ``sinks`` without ``sink``, once; ``ValueError`` if it is not among them."""
    at = sinks.index(sink)
    return sinks[:at] + sinks[at + 1 :]


def make_route(part: Channel, handling: GapHandling) -> Route:
    """The route that the channel of ``part`` needs."""
    match part.name:
        case "book" | "level3":
            return BookRoute(part, handling)
        case "trade":
            return TrackedRoute(part, handling, TradeTracker(part.symbols[0]))
        case "ohlc":
            return TrackedRoute(part, handling, CandleTracker(part.symbols[0]))
        case "executions" | "balances":
            return TrackedRoute(part, handling, SequenceTracker(part.name))
        case "spread":
            return SpreadRoute(part, handling)
        case _:
            return Route(part, handling)
