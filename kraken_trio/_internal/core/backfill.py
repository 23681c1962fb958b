"""Waiting for missed trades: in the stream itself, and, where that is wanted, from history.

Knows which trades of one pair are missing, from when on to ask for them, and when an answer means
that nobody has them any more. Who asks, how often, and how an answer is spelt is not known here.
It takes the place of a tracker; it reads no clock, and never raises.

What is asked. History is served in pages, oldest first, from a moment on. So the question is the
time of the last trade before the first hole, and a little less; from page to page, that of the
last row, and a little less. The pages overlap, and rows that are there already are passed over.

What an answer means. Once a page reaches the trade behind a hole, what it did not bring is not
served any more: a ``Gap``. As long as it does not reach it, history may only lag behind the
stream, and is asked again, until the wait is over.

Source: section "Trades" of the REST documentation; observed pages, which repeat a row at each
border, and times with seven digits of fraction where the stream's have six.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Final, cast

from kraken_trio._internal.core.window import Window
from kraken_trio._internal.model.gap import Gap, GapHandling, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp

PAGE_ROWS: Final = 1000
"""Rows that history is asked for at once: as many as it gives."""
SLACK_NS: Final = 1_001
"""How much earlier is asked: a microsecond, for the stream's times end there; and one nanosecond
more, for it is not sure whether history begins at the moment asked for or behind it."""


class TradeLine:
    """The trades of one pair, in line: those that came too early wait for those that are missing.

    Each trade is given out once, in the order of the numbers, or is counted in exactly one
    ``Gap`` in its place. With ``backfill`` a hole may be as wide as it likes; else ``max_gap``
    holds. Both wait ``pending_timeout`` for it, with ``max_pending`` trades behind it.
    """

    __slots__ = ("_backfill", "_reached", "_seen", "_slack", "_symbol", "_window", "backfilled")

    def __init__(self, symbol: str, handling: GapHandling) -> None:
        """Start anywhere: the first trade is as good as any."""
        self.backfilled: int = 0
        """Trades that history brought."""
        self._symbol = symbol
        self._backfill = handling.backfill
        self._window = Window[Trade](
            "trade",
            symbol,
            GapReason.TRADE_ID,
            time_of=operator.attrgetter("timestamp"),
            max_gap=sys.maxsize if handling.backfill else handling.max_gap,
            max_pending=handling.max_pending,
            timeout_s=handling.pending_timeout,
        )
        # The highest number up to which history has answered, and the latest time of its rows.
        # What is missing later has a higher number and a later time, so both stay true.
        self._reached = -1
        self._seen = Timestamp(0)
        self._slack = SLACK_NS

    @property
    def repeats(self) -> int:
        """Trades of the stream that were there before."""
        return self._window.repeats

    @property
    def last(self) -> Trade | None:
        """The latest trade that was given out."""
        return self._window.last

    @property
    def holding(self) -> bool:
        """Whether anything waits."""
        return bool(len(self._window))

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called: at once (minus infinity) after trades had to wait,
        infinity for never.
        """
        return self._window.deadline

    @property
    def missing(self) -> int:
        """How many trades are waited for."""
        window = self._window
        return window.newest + 1 - window.hole.start - len(window) if len(window) else 0

    @property
    def since(self) -> Timestamp | None:
        """From when on history is to be asked; None where nothing is to be asked."""
        last = self._window.last
        if not self._backfill or last is None or not len(self._window):
            return None
        return Timestamp(max(0, max(last.timestamp, self._seen) - self._slack))

    def accept(self, message: RecordsMessage) -> list[Trade | Gap]:
        """Take what the stream brought; give what can be handed on, in order."""
        ready: list[Trade | Gap] = []
        for trade in cast("tuple[Trade, ...]", message.records):
            last = self._window.last
            # As for trackers: no repeat is newer than what it repeats. Should a pair be numbered
            # anew, all its trades would be taken for repeats.
            if (
                last is not None
                and trade.trade_id <= last.trade_id
                and trade.timestamp > last.timestamp
                and not trade.snapshot
            ):
                ready += self._renumber(trade)
            ready += self._window.put(trade.trade_id, trade)
        return ready

    def fill(self, rows: Sequence[Trade]) -> list[Trade | Gap]:
        """Take a page of history, in any order; give what can be handed on, in order.

        Rows that nobody waits for are passed over: the stream brings, or brought, them itself.
        """
        window = self._window
        if not len(window):
            return []
        newest = window.newest
        known = [row for row in rows if row.trade_id <= newest]
        reached = min(max((row.trade_id for row in rows), default=-1), newest)
        if reached > self._reached:
            self._slack = SLACK_NS
        elif len(rows) >= PAGE_ROWS:
            # A whole page of one moment: with the usual slack it would come again for ever.
            self._slack = 0
        self._reached = max(self._reached, reached)
        self._seen = max([self._seen, *(row.timestamp for row in known)])
        ready: list[Trade | Gap] = []
        for row in sorted(known, key=operator.attrgetter("trade_id")):
            if window.awaits(row.trade_id):
                self.backfilled += 1
                ready += window.put(row.trade_id, row)
        while window.hole and window.hole.stop <= self._reached + 1:
            ready += window.give_up()
        return ready

    def tick(self, now: float) -> list[Trade | Gap]:
        """Say what time it is; give up what was waited for long enough."""
        return self._window.tick(now)

    def give_up(self) -> list[Trade | Gap]:
        """History will not answer: wait no longer for anything that is missing."""
        ready: list[Trade | Gap] = []
        while self.holding:
            ready += self._window.give_up()
        return ready

    def restart(self) -> None:
        """Nothing begins anew: numbers go on whatever happens to connections."""

    def _renumber(self, trade: Trade) -> list[Trade | Gap]:
        """Begin anew with ``trade``; what was before, and how much is between, nobody can know."""
        ready = self.give_up()
        last = cast("Trade", self._window.last)
        self._window.restart()
        self._reached, self._seen = -1, Timestamp(0)
        ready.append(
            Gap(
                "trade",
                self._symbol,
                GapReason.TRADE_ID,
                last.trade_id + 1,
                trade.trade_id,
                None,
                last.timestamp,
                trade.timestamp,
            )
        )
        return ready
