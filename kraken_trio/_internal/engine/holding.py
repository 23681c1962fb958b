"""Where trades go that wait for those that are missing.

A route like the others, but what it is given may come out later: because others are missing
before it, or because so much came out at once that its consumers have to be let run in between.
It knows no clock and no task: a ``Held`` signal says that somebody has to see to it, by ``tick``,
``fill`` and ``hand_on``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from kraken_trio._internal.core.backfill import PAGE_ROWS, TradeLine
from kraken_trio._internal.engine.routes import NOTHING, TrackedRoute
from kraken_trio._internal.engine.signals import DataLost, Held, Signal
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Trade

AT_ONCE = 50
"""Trades that are handed on together: the exchange sends as many in a snapshot."""


def holds_back(part: Channel, handling: GapHandling) -> bool:
    """Whether what ``part`` delivers waits for what is missing: trades alone are numbered."""
    return part.name == "trade" and (handling.backfill or handling.policy is GapPolicy.BUFFER)


class HoldingRoute(TrackedRoute):
    """Of the trades of one pair, in line."""

    __slots__ = ("_line", "_most", "_ready", "closed", "on_close")

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start with nothing held."""
        self._line = TradeLine(part.symbols[0], handling)
        super().__init__(part, handling, self._line)
        self.closed: bool = False
        """Whether nobody wants it any more."""
        self.on_close: Callable[[], object] | None = None
        """Called when that is so."""
        # What is in line, and waits only for its consumers to run.
        self._ready: deque[Trade | Gap] = deque()
        self._most = handling.max_pending + PAGE_ROWS

    @property
    def line(self) -> TradeLine:
        """What is known of the numbers. To be asked only: what changes it stands here."""
        return self._line

    @property
    def ready(self) -> int:
        """How many are in line, and to be handed on by ``hand_on``."""
        return len(self._ready)

    @property
    def holding(self) -> bool:
        """Whether anything is held back, for whatever reason."""
        return bool(self._ready) or self._line.holding

    def take(self, message: RecordsMessage) -> Sequence[Signal]:
        """Deliver what is next in line, or keep it for later.

        As in ``TrackedRoute``, a snapshot that nobody asked for is old where nothing was seen.
        """
        missed: Sequence[Signal] = NOTHING
        completed = self._completed(message)
        if self.probe is not None and message.snapshot:
            message, missed = self._sift(self.probe, message)
        else:
            self.messages += 1
        fresh, self._received = not self._received, (message.received_at,)
        items = self._line.accept(message)
        if fresh and message.snapshot and not self.part.snapshot:
            self._line.give_up()
            return completed
        if not self._ready and len(items) <= AT_ONCE:
            signals = self._deliver_all(items)
        else:
            self._ready += items
            # A consumer for which this is too much gets its own gap; memory has an end.
            signals = self.hand_on(max(0, len(self._ready) - self._most))
        held = (Held(self.part),) if self.holding else NOTHING
        if missed or held or completed:
            return (*missed, *signals, *held, *completed)
        return signals

    def tick(self, now: float) -> None:
        """Say what time it is. What was waited for long enough is given up."""
        self._ready += self._line.tick(now)

    def fill(self, rows: Sequence[Trade]) -> None:
        """Take a page of history, in any order."""
        self._ready += self._line.fill(rows)

    def give_up(self) -> None:
        """There is no history: wait for nothing that is missing now."""
        self._ready += self._line.give_up()

    def hand_on(self, count: int = 1) -> Sequence[Signal]:
        """Deliver what is in line, at most ``count`` items."""
        ready = self._ready
        return self._deliver_all([ready.popleft() for _ in range(min(count, len(ready)))])

    def close(self) -> None:
        """Forget all that waits."""
        self.closed = True
        self._ready.clear()
        if self.on_close is not None:
            self.on_close()

    def _deliver_all(self, items: Sequence[Trade | Gap]) -> Sequence[Signal]:
        lost: list[Signal] = []
        for item in items:
            self._deliver(item)
            if isinstance(item, Gap):
                lost.append(DataLost(self.part, item))
        if self.kept is not None:
            self.kept.note(items)
        return lost or NOTHING
