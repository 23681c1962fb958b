"""What one browser has seen, and what is new for it: one message, whatever came in between.

Pure. Nothing waits in here: a browser that is slow is told later, of what is so then. So it costs
a few numbers, whether it keeps up or not, and what it is sent is bounded by what is shown.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from kraken_trio import BookSnapshot, Channel, Level
from kraken_trio._internal.apps.view.frames import Filter
from kraken_trio._internal.apps.view.machine import drawn
from kraken_trio._internal.apps.view.view import View

TRADES: Final = 50
"""Of a pair that are shown at first."""
MOST_TRADES: Final = 200
"""In one message."""
LINES: Final = 200
"""Of the log, in one message."""
_NEVER: Final = object()
_WHOLE: Final = frozenset({"book", "ticker", "trade"})


class Live(Protocol):
    """What is asked of a feed."""

    @property
    def active_subscriptions(self) -> tuple[Channel, ...]:
        """What is confirmed and complete."""
        ...

    def order_book(self, symbol: str) -> BookSnapshot | None:
        """The live book of a pair."""
        ...

    def best_bid_ask(self, symbol: str) -> tuple[Level | None, Level | None] | None:
        """Its best levels."""
        ...


class Delta:
    """What one browser looks at, and how far it has come."""

    def __init__(self, view: View, live: Live) -> None:
        """It has seen nothing, and looks at nothing."""
        self.pairs: list[str] = []
        """Those that it shows."""
        self.look: tuple[str, int] | None = None
        """The pair, and the minutes of a candle, that it looks at."""
        self.alerts: list[dict[str, Any]] = []
        """Those that it set."""
        self._view = view
        self._live = live
        self._whole: dict[str, Any] = {}
        self._cards: dict[str, Any] = {}
        self._line = 0
        self._trades = 0
        self._candles = 0
        self._reset = False
        self._filter: Filter | None = None
        self._frame = 0

    def turn(self, symbol: str | None, interval: int) -> None:
        """Look at another pair, or at the same one once more: all of it is new then."""
        self.look = None if symbol is None else (symbol, interval)
        self._whole.pop("book", None)
        self._reset = True
        self._candles = 0
        pair = self._view.pairs.get(symbol or "")
        self._trades = 0 if pair is None else max(0, pair.trade_count - TRADES)

    def show_frames(self, wanted: Filter | None) -> None:
        """Show these frames from now on, the last ones first; None for no more."""
        self._filter = wanted
        self._frame = 0

    def view(self) -> dict[str, Any] | None:
        """What is new: the message; None where nothing is."""
        view = self._view
        found: dict[str, Any] = {}
        cards = {
            symbol: view.card(symbol, self._live.best_bid_ask(symbol))
            for symbol in self.pairs
            if symbol in view.pairs
        }
        new = {symbol: card for symbol, card in cards.items() if card != self._cards.get(symbol)}
        self._cards = cards
        if new or not self._whole:
            found["markets"] = new
        first = not self._whole
        for name, value in self._wholes().items():
            if value != self._whole.get(name, _NEVER):
                self._whole[name] = found[name] = value
        found |= self._looked_at(first=first)
        lines = view.chronicle.since(self._line, LINES)
        if lines or first:
            found["log"] = lines
            self._line = view.chronicle.last
        return {"type": "view", **found} if found else None

    def frames(self) -> dict[str, Any] | None:
        """The frames that are new and wanted: the message; None where there is none."""
        frames = self._view.frames
        if self._filter is None or frames.total == self._frame:
            return None
        items = frames.since(self._frame, self._filter)
        reset = self._frame == 0
        self._frame = frames.total
        rates = self._view.rates
        return {
            "type": "frames",
            "reset": reset,
            "items": items,
            "total": frames.total,
            "rate": rates["frames"],
            "bytes_rate": rates["bytes"],
        }

    def _wholes(self) -> dict[str, Any]:
        """What is sent whole, if anything of it changed."""
        view = self._view
        wholes: dict[str, Any] = {
            "pairs": [*self.pairs],
            "look": None
            if self.look is None
            else {"symbol": self.look[0], "interval": self.look[1]},
            "alerts": [dict(alert) for alert in self.alerts],
            "health": view.health.shown(),
            "sessions": view.sessions,
            "latency": view.latencies,
            "rates": view.rates,
            "buffers": view.buffers,
            "subscriptions": self._subscriptions(),
            "known": self._known(),
        }
        if "machine" not in self._whole:
            wholes["machine"] = drawn()
        if self.look is not None:
            symbol = self.look[0]
            wholes["book"] = {symbol: view.ladder(symbol, self._live.order_book(symbol))}
        return wholes

    def _known(self) -> list[str] | None:
        """All pairs there are; the same list as long as they are the same."""
        before: list[str] | None = self._whole.get("known")
        if before is not None and len(before) == len(self._view.statuses):
            return before
        return sorted(self._view.statuses) or None

    def _subscriptions(self) -> list[dict[str, Any]]:
        """What is subscribed to for the pairs of this browser."""
        active: dict[str, list[str]] = {}
        for channel in self._live.active_subscriptions:
            for symbol in channel.symbols:
                active.setdefault(symbol, []).append(channel.name)
        return [
            {
                "symbol": symbol,
                "channels": sorted(set(active.get(symbol, ()))),
                "state": "live" if _WHOLE.issubset(active.get(symbol, ())) else "waiting",
                "since": self._view.pairs[symbol].since,
            }
            for symbol in self.pairs
            if symbol in self._view.pairs
        ]

    def _looked_at(self, *, first: bool) -> dict[str, Any]:
        """Trades and candles of the pair that is looked at."""
        pair = self._view.pairs.get(self.look[0]) if self.look is not None else None
        if self.look is None or pair is None:
            return {"book": {}, "trades": {}, "candles": None} if first else {}
        found: dict[str, Any] = {}
        symbol, interval = self.look
        trades = pair.trades_since(self._trades, MOST_TRADES)
        self._trades = pair.trade_count
        if trades or self._reset:
            found["trades"] = {symbol: trades}
        candles = pair.candles.get(interval)
        items = [] if candles is None else candles.since(self._candles)
        if items or self._reset:
            found["candles"] = {
                "symbol": symbol,
                "interval": interval,
                "reset": self._reset,
                "items": items,
            }
            self._candles = 0 if candles is None else candles.version
        self._reset = False
        return found
