"""All that is shown of one feed: an observer that is given the records too, and keeps what matters.

Everything in it is bounded: pairs by who asks for them, frames by bytes, lines by number. It reads
no clock and waits for nothing; whoever shows it asks it for what is new.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kraken_trio import (
    BookSnapshot,
    ConnectionState,
    FeedStatistics,
    Gap,
    InstrumentPair,
    Level,
    ProtocolError,
    Restored,
    Resync,
    StateChange,
    SubscriptionError,
    SystemStatus,
    Ticker,
    Timestamp,
    Trade,
)
from kraken_trio._internal.apps.view import figures
from kraken_trio._internal.apps.view.chronicle import Alert, Chronicle
from kraken_trio._internal.apps.view.frames import Frames
from kraken_trio._internal.apps.view.health import Health, Lateness, Recent, judge
from kraken_trio._internal.apps.view.pair import Pair, ladder
from kraken_trio.extended import Latency, Observer

_BOOK_WORDS = {
    "awaiting_snapshot": "waiting",
    "live": "synchronised",
    "resyncing": "resyncing",
    "closed": "closed",
}
_THERE = frozenset(
    {
        ConnectionState.DISCONNECTED,
        ConnectionState.SUBSCRIBED,
        ConnectionState.RESYNCING,
        ConnectionState.CLOSED,
    }
)
"""States in which a session is not on its way back."""


class View(Observer):
    """What is shown of a feed: give it to ``open_kraken`` among the observers."""

    def __init__(self, now: Callable[[], int], *, url: str, latency: Latency | None = None) -> None:
        """Know nothing yet. ``now`` is the time in milliseconds since the epoch."""
        self.now = now
        """The clock."""
        self.url = url
        """Where the exchange is."""
        self.frames = Frames()
        """The last frames."""
        self.chronicle = Chronicle()
        """What happened."""
        self.latency = latency or Latency()
        """To be given to the feed beside this."""
        self.pairs: dict[str, Pair] = {}
        """Those that somebody wants."""
        self.statuses: dict[str, str] = {}
        """Of every pair that the exchange has, while somebody wants to know."""
        self.health = Health("degraded", ("It has not been looked at yet.",))
        """As of the last look, as is all that follows."""
        self.sessions: list[dict[str, Any]] = []
        """See ``figures``."""
        self.latencies: dict[str, Any] = {"window": 0, "stages": {}}
        """See ``figures``."""
        self.buffers: list[dict[str, Any]] = []
        """See ``figures``."""
        self.rates: dict[str, float] = {"frames": 0.0, "bytes": 0.0, "records": 0.0}
        """See ``figures``."""
        self.counts: dict[str, int] = {}
        """What happened so often."""
        self.books: dict[str, tuple[str, int, int]] = {}
        """The state of each book, how often it verified, and how often it did not."""
        self.on_price: Callable[[str, Decimal], object] = _nobody
        """Is told each price of a pair, but not of the trades that it first begins with."""
        self._records = 0
        self._since: dict[str, int] = {}
        self._away: dict[str, int] = {}
        self._recent = Recent()
        self._lateness = Lateness()
        self._rates = figures.Rates()

    # What comes in.

    def want(self, symbol: str) -> None:
        """Somebody wants to see this pair."""
        self.pairs.setdefault(symbol, Pair(symbol, self.now()))

    def forget(self, symbol: str) -> None:
        """Nobody does any more."""
        self.pairs.pop(symbol, None)
        self.books.pop(symbol, None)

    def add(self, record: object) -> None:
        """Take a record."""
        self._records += 1
        if isinstance(record, InstrumentPair):
            if record.status is not None:
                self.statuses[record.symbol] = record.status
            return
        pair = self.pairs.get(getattr(record, "symbol", ""))
        if pair is None:
            return  # It was on its way when the last one left.
        pair.add(record, self.now())
        match record:
            case Trade() if pair.live or not record.snapshot:
                self.on_price(record.symbol, record.price)
            case Ticker():  # Also the first one, which tells what the price is now.
                self.on_price(record.symbol, record.last)

    def heard(self, alert: Alert) -> None:
        """Take an alert."""
        if isinstance(alert, SystemStatus):
            if alert.system == self._recent.system:
                return  # Each connection begins with it.
            self._recent.system = alert.system
        self.chronicle.alert(alert, self.now())

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Keep a frame."""
        self.frames.add(session, bytes(payload), at, sent=False)

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Keep a frame that goes out; where it holds a token, asterisks stand for that."""
        self.frames.add(session, payload, at, sent=True)

    def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
        """Note a loss."""
        now = self.now()
        self._recent.gap(gap.channel, gap.symbol, now)
        self.chronicle.gap(gap, now)

    def resync(self, session: str, resync: Resync) -> None:  # noqa: ARG002 - as above
        """Note that it is mended."""
        self.chronicle.resync(resync, self.now())

    def restored(self, restored: Restored) -> None:
        """Note that a session has all again."""
        self.chronicle.restored(restored, self.now())

    def state_changed(self, change: StateChange) -> None:
        """Note where a session stands."""
        at = change.at // 1_000_000
        if change.from_state is not change.to_state:
            self._since[change.session] = at
        if change.to_state in _THERE:
            self._away.pop(change.session, None)
        else:  # Through all attempts: each of them is a new state, and none a return.
            self._away.setdefault(change.session, at)
        self.chronicle.state(change, self.now())

    def fault(self, session: str, error: ProtocolError) -> None:
        """Note a frame that broke the protocol."""
        now = self.now()
        self._recent.alarm("A frame from the exchange made no sense.", now)
        self.chronicle.fault(session, error, now)

    def subscription_failed(self, session: str, error: SubscriptionError) -> None:  # noqa: ARG002
        """Note what was refused."""
        self.chronicle.refused(error, self.now())

    # What goes out.

    def look(self, statistics: FeedStatistics) -> None:
        """See how the feed stands, and make the figures of it."""
        now = self.now()
        for name, state in statistics.states.items():
            if state is ConnectionState.DISCONNECTED:
                self._since.setdefault(name, now)
        latency = self.latency.statistics()
        late = self._lateness.look(latency, now)
        self.health = judge(statistics, self._away, self._recent, len(self.pairs), now, late=late)
        self.sessions = figures.sessions(
            statistics, self._since, self.frames.received_bytes, self.url
        )
        self.latencies = figures.latencies(self.latency, latency)
        self.buffers = figures.buffers(statistics)
        self.rates = self._rates.look(
            now,
            frames=self.frames.received,
            bytes=sum(self.frames.received_bytes.values()),
            records=self._records,
        )
        self.counts = {
            "gaps": sum(statistics.gaps.values()),
            "resyncs": statistics.resyncs,
            "reconnects": sum(each.reconnections for each in statistics.sessions),
            "faults": statistics.faults,
            "checksums_ok": statistics.checksums_ok,
            "checksums_failed": statistics.checksums_failed,
            "dropped": statistics.dropped,
        }
        verified = {
            part.symbol: (part.checksums_ok, part.checksums_failed)
            for part in statistics.parts
            if part.channel == "book" and part.symbol in self.pairs
        }
        states = {
            each.symbol: each.state.value for each in statistics.books if each.channel == "book"
        }
        self.books = {
            symbol: (_BOOK_WORDS[states.get(symbol, "awaiting_snapshot")], *verified[symbol])
            for symbol in self.pairs
            if symbol in verified
        }

    def card(
        self, symbol: str, best: tuple[Level | None, Level | None] | None = None
    ) -> dict[str, Any]:
        """The card of a pair that is wanted."""
        return self.pairs[symbol].card(self.statuses.get(symbol), best)

    def ladder(self, symbol: str, book: BookSnapshot | None) -> dict[str, Any]:
        """The book of a pair, ``book`` being the live one, and None where there is none."""
        state, verified, mismatches = self.books.get(symbol, ("waiting", 0, 0))
        if book is None and state == "synchronised":
            state = "waiting"  # It went since the last look.
        elif book is not None:
            state = "synchronised"
        return ladder(book, state, verified, mismatches)


def _nobody(_symbol: str, _price: Decimal) -> None:
    """Listen to nothing."""
