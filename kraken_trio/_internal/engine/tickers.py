"""Where tickers go: as they are, or as the spreads that they show.

Each says all there is to say, so only a disconnect, or a probe, shows that one was missed.
"""

from __future__ import annotations

from collections.abc import Iterable

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.probe import Probe, same_ticker
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling, GapReason
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.records import Spread, Ticker


class TickerRoute(Route):
    """Of the tickers of one pair."""

    __slots__ = ("_last",)

    def __init__(self, part: Channel, handling: GapHandling) -> None:
        """Start without having seen any."""
        super().__init__(part, handling)
        self._last: Ticker | None = None

    def discard(self) -> None:
        """As in ``Route``."""
        super().discard()
        self._last = None

    def _judge(self, probe: Probe, message: RecordsMessage) -> GapReason | None:  # noqa: ARG002 - its times say nothing of changes
        """Where none came yet, one was missed if one was promised; else this is what the next are
        compared with.
        """
        ticker = _ticker_of(message)
        if ticker is None:
            return None
        if self._last is None and self.part.snapshot:
            return GapReason.STALLED
        if self._last is None:
            self._last = ticker
            return None
        by_trades = self.part.event_trigger == "trades"
        same = same_ticker(self._last, ticker, by_trades=by_trades)
        return None if same else GapReason.STALLED

    def _hand_on(self, message: RecordsMessage) -> None:
        super()._hand_on(message)
        self._last = _ticker_of(message)


class SpreadRoute(TickerRoute):
    """Tickers in, changes of the best bid and offer out."""

    __slots__ = ()

    def recall(self) -> Iterable[Item]:
        """The spread that was shown last."""
        return () if self._last is None else (_spread(self._last),)

    def _hand_on(self, message: RecordsMessage) -> None:
        """Deliver a spread for each ticker whose best levels are not those shown last."""
        for record in message.records:
            if not isinstance(record, Ticker):
                continue
            if self._last is None or not same_ticker(self._last, record, by_trades=False):
                self._last = record
                self._deliver(_spread(record))


def _ticker_of(message: RecordsMessage) -> Ticker | None:
    """The last of a message."""
    record = message.records[-1] if message.records else None
    return record if isinstance(record, Ticker) else None


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
