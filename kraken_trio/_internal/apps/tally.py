"""What was seen of each pair, added up: what the live table and the summary show."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kraken_trio import BookSnapshot, BookUpdate, Feed, Gap, GapReason, Level, Trade
from kraken_trio._internal.apps.text import digits

SPAN_S = 2.0
"""Over how long a rate is taken: short enough to follow, long enough not to flicker."""


class Tally:
    """One pair."""

    def __init__(self, symbol: str) -> None:
        """Nothing was seen yet."""
        self.symbol = symbol
        """Such as ``BTC/USD``."""
        self.updates = 0
        """Messages of its book; the checksum of each was right, or there would be no record."""
        self.trades = 0
        """Trades."""
        self.gaps = 0
        """Gaps, for whatever reason."""
        self.wrong = 0
        """Those of them that are checksums."""
        self.last: Decimal | None = None
        """Price of the last trade."""
        self.bid: Level | None = None
        """Best bid, while the book is live."""
        self.ask: Level | None = None
        """Best ask, likewise."""
        self.live = False
        """Whether the book may be believed."""
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, item: object) -> None:
        """Count a record, or a gap."""
        match item:
            case BookSnapshot() | BookUpdate():
                self.updates += 1
            case Trade():
                self.trades += 1
                self.last = item.price
            case Gap():
                self.gaps += 1
                self.wrong += item.reason is GapReason.CHECKSUM

    def look(self, feed: Feed, now: float) -> None:
        """See how the book stands ``now``, seconds of any clock."""
        best = feed.best_bid_ask(self.symbol)
        self.live = best is not None
        self.bid, self.ask = best or (None, None)
        self._seen.append((now, self.updates))
        while self._seen[0][0] < now - SPAN_S:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Updates a second, of late."""
        (first_at, first), (last_at, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0

    @property
    def book(self) -> str:
        """How the book stands, in a word."""
        if self.live:
            return "live"
        return "resync" if self.updates else "waiting"

    @property
    def spread(self) -> Decimal | None:
        """``ask - bid``; None while either is unknown."""
        return self.ask.price - self.bid.price if self.bid and self.ask else None


def price(value: Decimal | Level | None) -> str:
    """A price, or a dash."""
    if isinstance(value, Level):
        value = value.price
    return "-" if value is None else digits(value)
