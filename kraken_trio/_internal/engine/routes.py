"""Where the data of one subscription goes: through its tracker, if it has one, to its sinks.

A route knows what loss looks like in its channel, and puts a ``Gap`` in band where it is; what is
done about a loss is decided by whoever reads the signals. A sink takes one item and returns at
once: the ``put`` of a buffer, or a counter.

A route that is *probed* compares the next snapshot with what it knows (``probe``). One that says
the same is not handed on; one that does not is what mends the loss, and comes right behind its gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.trackers import Tracker
from kraken_trio._internal.engine.probe import (
    Probe,
    begun_at,
    newer,
    stalled,
)
from kraken_trio._internal.engine.recall import Recall, make_recall
from kraken_trio._internal.engine.signals import DataLost, Missed, Signal, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.timestamp import Timestamp

Sink = Callable[[Item], None]
"""Takes an item at once, and never raises."""

NOTHING: tuple[Signal, ...] = ()
"""What the hot path signals."""


class Route:
    """Where one part of a channel leads; of what it carries only a disconnect shows a loss."""

    __slots__ = (
        "_doubted",
        "_received",
        "confirmed",
        "handling",
        "kept",
        "messages",
        "part",
        "probe",
        "sinks",
    )

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
        self.messages: int = 0
        """How many it has had."""
        self.probe: Probe | None = None
        """Set when it was left for a moment, to see in the next snapshot what was missed."""
        # What had been heard when something seemed to have happened while we were gone.
        self._doubted = -1
        self.confirmed: bool = False
        """Whether the exchange has confirmed it on this connection; set by whoever knows."""
        recalled = part.snapshot and not part.private
        self.kept: Recall | None = make_recall(part.name) if recalled else None
        """What those who join later will find; None where the exchange was asked for no snapshot,
        so that nobody can be given one, and for private channels, which nobody shares."""

    @property
    def heard(self) -> int:
        """Changes with each message, except with the snapshot of a probe."""
        return self.messages

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Deliver the records of a message of this part."""
        missed: Sequence[Signal] = NOTHING
        if self.probe is not None and message.snapshot:
            reason = self._judge(self.probe, message)
            self.probe = None
            if reason is None:
                return self._completed(message)
            missed = self._miss(reason, None)
        else:
            self.messages += 1
        self._received = (message.received_at,)
        self._hand_on(message)
        self._keep(message, message.records)
        completed = self._completed(message)
        return (*missed, *completed) if missed else completed

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
        self.probe = None
        if self.kept is not None:
            self.kept.forget()

    def begin_probe(self, probe: Probe) -> None:
        """It was left, to be asked for anew: compare its snapshot with what is known."""
        self.probe = probe

    def end_probe(self) -> None:
        """What comes next is not compared with what is known."""
        self.probe = None

    def stall(self) -> Gap:
        """What was promised does not come. Gives the gap that was delivered for it."""
        gap = self._gap(GapReason.STALLED)
        self._deliver(gap)
        return gap

    def disconnect(self) -> Gap | None:
        """The connection is gone. Gives the gap that was delivered for it, if one was."""
        self.confirmed = False
        self.discard()
        if not self._received:
            return None
        gap = self._lose()
        self._received = ()
        return gap

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """A message of this part could not be decoded. Gives the gap that was delivered for it;
        None where what comes next will tell by itself, and better.
        """
        gap = self._gap(GapReason.UNDECODABLE, to_time=received_at)
        self._deliver(gap)
        return gap

    def close(self) -> None:
        """Nobody wants it any more."""

    def _judge(self, probe: Probe, message: RecordsMessage) -> GapReason | None:  # noqa: ARG002 - theirs
        """Why a probe's snapshot is not what is known; None where it says the same.

        Here, of ``instrument``: all of it is kept, and nothing in it has a time.
        """
        if self.kept is None or self.kept.holds(message):
            return None
        return GapReason.STALLED

    def _doubt(self) -> bool:
        """Whether something may have happened just while we were gone: once, by accident. Where
        nothing was heard since the last time, it is none.
        """
        doubted, self._doubted = self._doubted, self.heard
        return doubted != self.heard

    def _miss(self, reason: GapReason, to_time: Timestamp | None) -> Sequence[Signal]:
        """Deliver the gap that a probe's snapshot shows, and will mend."""
        gap = self._gap(reason, to_time=to_time)
        self._deliver(gap)
        return (Missed(self.part, gap),)

    def _hand_on(self, message: RecordsMessage) -> None:
        """Deliver what a message is to its consumers."""
        for record in message.records:
            self._deliver(record)

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

    def _lose(self) -> Gap:
        """Deliver the gap of a disconnect."""
        gap = self._gap(GapReason.DISCONNECT)
        self._deliver(gap)
        return gap

    def _gap(
        self, reason: GapReason, *, size: int | None = None, to_time: Timestamp | None = None
    ) -> Gap:
        """A gap from the last message on."""
        symbol = self.part.symbols[0] if self.part.symbols else None
        since = self._received[0] if self._received else None
        return Gap(self.part.name, symbol, reason, size=size, from_time=since, to_time=to_time)

    def _completed(self, message: RecordsMessage) -> Sequence[Signal]:
        """Signal a snapshot: whoever asked for it may wait for it."""
        return (SnapshotSeen(self.part),) if message.snapshot else NOTHING


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
        lost: list[Signal] = []
        completed = self._completed(message)
        if self.probe is not None and message.snapshot:
            message, missed = self._sift(self.probe, message)
            lost += missed
        else:
            self.messages += 1
        fresh, self._received = not self._received, (message.received_at,)
        items = self.tracker.accept(message)
        if fresh and message.snapshot and not self.part.snapshot:
            items = ()
        for item in items:
            self._deliver(item)
            if isinstance(item, Gap):
                lost.append(DataLost(self.part, item))
        self._keep(message, items)
        return [*lost, *completed] if lost else completed

    def _sift(
        self, probe: Probe, message: RecordsMessage
    ) -> tuple[RecordsMessage, Sequence[Signal]]:
        """Leave of a probe's snapshot what is news, told behind a gap if it comes late.

        Where nothing was seen before, and no past was asked for, news is what happened since the
        subscription was confirmed; from what is older the numbers go on. Nothing of the news is
        missing, so the gap has size 0, unless nobody knows what was before.
        """
        self.end_probe()
        news = newer(message.records, self.tracker.last)
        if self.tracker.last is None and not self.part.snapshot:
            past = [each for each in news if not probe.since_confirmed(begun_at(each))]
            self.tracker.accept(replace(message, records=tuple(past)))
            news = news[len(past) :]
        missed = NOTHING
        # A candle does not tell when it changed.
        unsure = bool(news) and self.part.name == "ohlc"
        if stalled(probe, news) or (unsure and not self._doubt()):
            size = None if self.tracker.last is None else 0
            gap = self._gap(GapReason.STALLED, size=size, to_time=begun_at(news[0]))
            self._deliver(gap)
            missed = (Missed(self.part, gap),)
        # What was kept, and what reaches back, is judged by whole snapshots alone.
        whole = bool(news) and len(news) == len(message.records)
        self._received = (message.received_at,)
        return replace(message, snapshot=whole, records=tuple(news)), missed

    def discard(self) -> None:
        """Begin anew what the exchange numbers anew. History stays true."""
        self.end_probe()
        self.tracker.restart()

    def disconnect(self) -> Gap | None:
        """Trades and candles tell what was missed themselves, to the number, when the next ones
        come, but for the first.
        """
        confirmed, self.confirmed = self.confirmed, False
        self.discard()
        return self._lose() if confirmed and not self._received else None

    def lose_frame(self, received_at: Timestamp | None) -> Gap | None:
        """Trades are numbered: the next one tells what is missing. Candles are not."""
        return super().lose_frame(received_at) if self.part.name == "ohlc" else None


def without(sinks: tuple[Sink, ...], sink: Sink) -> tuple[Sink, ...]:
    """Give ``sinks`` without ``sink``, once; ``ValueError`` if it is not among them."""
    at = sinks.index(sink)
    return sinks[:at] + sinks[at + 1 :]
